"""A shop of four processes in a git repository: PostgreSQL, a migration, an API on uvicorn, a front end on Vite."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import cast

__all__ = [
    "INSTALL",
    "ITEMS",
    "PROJECT",
    "answer",
    "item_names",
    "make_shop",
    "missing_programs",
    "run",
    "second_tree",
    "write",
]

PROJECT = """\
env_files = [".env"]

[processes.db]
command = "./db.sh"
ports = { port = { prefer = 5432, variable = "PGPORT" } }
ready = { command = "./pg_isready.sh -h 127.0.0.1 -p {port}" }
# Fast shutdown: it does not wait for its clients to leave.
stop_signal = "SIGINT"
stop_grace_seconds = 30

[processes.migrate]
command = "psql -X -v ON_ERROR_STOP=1 -f migrate.sql"
environment = { PGPORT = "{ports.db}" }
needs = ["db"]
ready = "completed"

[processes.api]
command = "uvicorn app:app --port {port} --lifespan off"
working_directory = "api"
environment = { PGPORT = "{ports.db}" }
port = "auto"
needs = { db = "ready", migrate = "completed" }
ready = "http://127.0.0.1:{port}/health"

[processes.web]
command = "node_modules/.bin/vite --port {port} --strictPort"
working_directory = "web"
environment = { API_URL = "http://127.0.0.1:{ports.api}" }
port = { prefer = 5173 }
needs = ["api"]
"""

DB = """\
#!/bin/sh
# PostgreSQL refuses to run as root, and Debian keeps its programs off the path.
set -e
PATH=$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')
as=
if [ "$(id -u)" = 0 ]; then
    mkdir -p .data
    chown nobody .data
    as="setpriv --reuid=nobody --regid=$(id -g nobody) --clear-groups"
fi
[ -s .data/PG_VERSION ] || $as initdb -D .data -U shop --auth=trust --encoding=UTF8 --no-locale --no-sync
exec $as postgres -D .data -c "port=$PGPORT" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off
"""

IS_READY = """\
#!/bin/sh
PATH=$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')
exec pg_isready "$@"
"""

MIGRATION = """\
create table if not exists items (id serial primary key, name text unique not null);
insert into items (name) values ('table'), ('chair') on conflict do nothing;
"""

API = '''\
"""Items, out of the database by psql."""

import asyncio
import os

ALL = "select coalesce(json_agg(name order by id), '[]') from items"
NEW = "insert into items (name) values (:'name')"


async def query(sql, name=""):
    psql = ["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-v", f"name={name}"]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*psql, stdin=pipe, stdout=pipe, stderr=pipe)
    out, problem = await process.communicate(sql.encode())
    if process.returncode:
        raise RuntimeError(problem.decode())
    return out


async def app(scope, receive, send):
    assert scope["type"] == "http"
    try:
        if scope["path"] == "/health":
            status, body = 200, await query("select 1")
        elif scope["method"] == "POST":
            message = await receive()
            status, body = 201, await query(NEW, message["body"].decode())
        else:
            status, body = 200, await query(ALL)
    except RuntimeError as error:
        status, body = 503, str(error).encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
'''

VITE = """\
export default { server: { host: "127.0.0.1", proxy: { "/api": process.env.API_URL } } }
"""

ITEMS = ["table", "chair"]
INSTALL = ("npm", "install", "--save-dev", "--prefer-offline", "--no-audit", "--no-fund", "vite")


def missing_programs() -> list[str]:
    """What the shop needs and this machine does not have."""
    needed = ["git", "npm", "psql", "setpriv"] if os.geteuid() == 0 else ["git", "npm", "psql"]
    missing = [program for program in needed if shutil.which(program) is None]
    found = any(Path("/usr/lib/postgresql").glob("*/bin/postgres")) or shutil.which("postgres")
    return missing if found else [*missing, "postgres"]


def make_shop(folder: Path) -> Path:
    """The repository, with all of it committed and npm's packages beside it. Nothing runs."""
    shop = folder / "shop"
    files: dict[str, object] = {
        "persistproc.toml": PROJECT,
        ".env": "PGHOST=127.0.0.1\nPGUSER=shop\nPGDATABASE=postgres\n",
        ".gitignore": ".data/\nnode_modules/\n",
        "db.sh": DB,
        "pg_isready.sh": IS_READY,
        "migrate.sql": MIGRATION,
        "api/app.py": API,
        "web/package.json": {"name": "web", "private": True, "type": "module"},
        "web/index.html": "<!doctype html><title>shop</title>\n",
        "web/vite.config.js": VITE,
    }
    write(shop, files)
    for path in shop.glob("*.sh"):
        path.chmod(0o755)
    run(shop / "web", *INSTALL)
    run(shop, "git", "init", "--quiet")
    run(shop, "git", "add", ".")
    who = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    run(shop, "git", *who, "commit", "--quiet", "--message", "The shop")
    return shop


def second_tree(shop: Path) -> Path:
    """Another work tree of the repository, with npm's packages of its own."""
    tree = shop.parent / "shop-fix"
    run(shop, "git", "worktree", "add", "--quiet", str(tree))
    shutil.copytree(shop / "web" / "node_modules", tree / "web" / "node_modules", symlinks=True)
    return tree


def write(folder: Path, files: Mapping[str, object]) -> None:
    """Files by their paths: texts, and documents that are written as JSON."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")


def run(folder: Path, *command: str) -> None:
    """Run a command to its end; it must do what it is there for."""
    done = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=240,
    )
    assert done.returncode == 0, done.stdout


def answer(url: str, body: bytes | None = None) -> bytes:
    """What a page says. Raises `OSError` for a status from 400 on, and where nobody answers."""
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=20) as reply:
        return cast("bytes", reply.read())


def item_names(web: str) -> list[str]:
    """The items, through the front end."""
    return cast("list[str]", json.loads(answer(f"{web}/api/items")))
