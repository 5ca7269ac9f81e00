"""The page about the project's file: its keys, made from their declaration, and what an error looks like."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from typing_extensions import is_typeddict

from persistproc_core.errors import ProjectInvalid
from persistproc_core.project_file.declared import PROCESS_KEYS, TOP_KEYS, EnvFileTable, PortTable
from persistproc_core.project_file.find import find_file
from persistproc_core.project_file.load import load
from persistproc_core.project_file.schema_document import schema_document
from persistproc_core.project_file.shape import is_duration, is_size
from persistproc_core.protocol import Liveness, PortWish, ReadyWhen
from persistproc_core.validation import Field, fields, members
from tests.docs.markdown import table

__all__ = ["project_file_page", "schema_page"]

INTRODUCTION = """\
# The project's file

<!-- Made by `make docs` from persistproc_core/project_file and persistproc_core/protocol. Do not edit. -->

It says which processes belong to a project. [Projects](projects.md) tells what `persistproc up` makes of it; this page
is about what may stand in it.

```toml
#:schema persistproc.schema.json
env_files = [{ path = ".env", required = false }]

[processes.db]
command = "postgres -D data -p {port}"
port = { prefer = 5432 }
ready = { command = "pg_isready -h localhost -p {port}" }
stop_signal = "SIGINT"

[processes.migrate]
command = "alembic upgrade head"
environment = { DATABASE_URL = "postgresql://localhost:{ports.db}/shop" }
needs = ["db"]
ready = "completed"

[processes.api]
command = "uvicorn shop:app --port {port}"
environment = { DATABASE_URL = "postgresql://localhost:{ports.db}/shop" }
needs = { db = "ready", migrate = "completed" }
port = "auto"
ready = "http://127.0.0.1:{port}/health"
watch = ["shop/**/*.py"]

[processes.web]
command = "npm run dev -- --port {port}"
working_directory = "web"
environment = { API_URL = "http://127.0.0.1:{ports.api}" }
needs = ["api"]
port = { prefer = 3000 }

[processes.storybook]
command = "npm run storybook"
working_directory = "web"
optional = true
tags = ["design"]
```

## Where it is

The project is the folder of the nearest `persistproc.toml` within the git work tree, else the root of that work tree,
else the directory itself. There, the first of these counts, and nothing of the others:

1. `persistproc.toml`, in [TOML](https://toml.io/en/v1.0.0);
2. `pyproject.toml`, when it has a table `tool.persistproc`;
3. `Procfile`.

In `pyproject.toml` the same keys stand one table deeper:

```toml
[tool.persistproc.processes.web]
command = "flask run --port {port}"
port = "auto"
```

"""

FORMS = """\
Paths are relative to the file. Times are numbers of seconds or text (`"90s"`, `"2m"`, `"1h30m"`), sizes numbers of
bytes or text (`"64M"`, `"2G"`). A key that is not in these tables is an error, so that a misspelt one is never silently
without effect.

"""

PORTS = """\
## port and ports

`port` is for a process with one port, `ports` for one with several, or with names:

```toml
[processes.web]
command = "npm run dev -- --port {port}"
port = 3000                                  # always this one

[processes.api]
command = "serve --port {port}"
port = "auto"                                # a free one, the same each time

[processes.proxy]
command = "proxy --http {ports.http} --admin {ports.admin}"
ports = { http = { prefer = 8080 }, admin = "auto" }
```

"""

PLACEHOLDERS = """\
### Placeholders

They stand for ports in `command`, in the values of `environment`, and in `ready` and `liveness`:

| written | stands for |
| --- | --- |
| `{port}` | the process's own first port |
| `{ports.NAME}` | its own port of that name; else the first port of the process of that name |
| `{ports.PROCESS.NAME}` | the port of that name of another process |

[Ports](ports.md) tells more about them.
One that stands for no port is an error. Other braces are left as they are, also `${port}` and `{{port}}`.
A process need not need another one to know its port.

"""

READY = """\
## ready

A process is ready when what `ready` says has come, and then what needs it is started. Without `ready`, one with ports
is ready when it listens on the first of them that is not `optional`; one without, at the first sign: it listens on some
port, prints a URL, is quiet for some seconds after its first output, or ends with exit code 0.

```toml
[processes.api]
command = "serve --port {port}"
port = "auto"
ready = "http://127.0.0.1:{port}/health"     # or "port", or "completed", or a table:

[processes.bundler]
command = "npm run bundle -- --watch"
ready = { output = 'compiled in \\d+ ms', timeout_seconds = "2m" }
```

[Readiness](readiness.md) tells more about it. As a table it has exactly one of `output`, `port`, `url`, `command` and
`completed`:

"""

LIVENESS = """\
## liveness

As a table it has exactly one of `port`, `url` and `command`:

"""

NEEDS = """\
## needs

```toml
[processes.db]
command = "postgres"

[processes.migrate]
command = "alembic upgrade head"
needs = ["db"]                               # the same as { db = "ready" }
ready = "completed"

[processes.api]
command = "serve"
needs = { db = "ready", migrate = "completed" }
```

| how far | then |
| --- | --- |
| `started` | its command runs |
| `ready` | it is [ready](#ready) |
| `completed` | it has ended with exit code 0 |

A circle is an error.

"""

PROCFILE = """\
## Procfile

A `Procfile` works as it is:

```procfile
# a comment
web: bundle exec puma -p $PORT
worker: bundle exec sidekiq
```

- The variables of the `.env` beside it are set, when there is one
  ([how it is read](environment.md#files-of-variables)).
- Each process is told a port of its own in `PORT`: 5000, 5100, 5200 and so on by its place in the file, or counted
  from the `PORT` of `.env`. Where such a port is taken when it is given out it is another one; then it stays the same.
- Only a process that is called `web`, or names `$PORT` in its command, is ready when it listens on that port;
  the others are ready at the first sign.
- Nothing needs anything: all are started at once.

## Editors

[persistproc.schema.json](../api/persistproc.schema.json) is a JSON Schema (draft 7) of the file. Editors with a TOML
language server ([Taplo](https://taplo.tamasfe.dev), in VS Code *Even Better TOML*) complete and check by it when the
first line of the file names it, by a URL or by a path relative to the file: `#:schema persistproc.schema.json`.
The one of your version:

```sh
persistproc project --schema > persistproc.schema.json
```

## When something is wrong

Nothing is started, and every problem is told with its line:

"""

CHANGED = """\
## When a person is asked again

Whether [a person has allowed](projects.md#what-may-run) a file to run is remembered by a digest of what it says in this
directory. Comments, the order of keys and short forms do not count. What the `env_files` hold does not count either,
other than for [what is restarted](projects.md#what-counts-as-a-change): who may change those can change the programs
that are run as well.
"""

WRONG = """\
[processes.web]
comand = "npm run dev"
needs = ["api"]

[processes.api]
command = "serve --port {port}"
needs = ["web"]
"""

WRONG_LATER = WRONG.replace("comand", "command").replace('{port}"\n', '{port}"\nport = "auto"\n')


def project_file_page() -> str:
    """The text of docs/user-guide/project-file.md."""
    top = {**TOP_KEYS, "processes": TOP_KEYS["processes"]._replace(text="The processes: `[processes.NAME]`.")}
    parts = [INTRODUCTION, "## Keys of the whole file\n\n", FORMS, _keys(top)]
    parts += ["An item of `env_files` may be a table:\n\n", _keys(fields(EnvFileTable))]
    parts += ["## Keys of a process\n\n", _keys(PROCESS_KEYS), NEEDS]
    parts += [PORTS, "As a table, `port` has:\n\n", _keys(fields(PortWish))]
    named = ", ".join(f"`{name}`" for name in fields(PortTable))
    parts += [f"In a table of `ports` the name is the key; the rest is the same: {named}.\n\n", PLACEHOLDERS]
    parts += [READY, _keys(fields(ReadyWhen)), LIVENESS, _keys(fields(Liveness)), PROCFILE]
    parts += [*_error(WRONG), *_error(WRONG_LATER), CHANGED]
    return "".join(parts).rstrip("\n") + "\n"


def schema_page() -> str:
    """The text of docs/api/persistproc.schema.json."""
    return json.dumps(schema_document(), indent=1) + "\n"


def _keys(keys: Mapping[str, Field]) -> str:
    rows = [
        (f"`{name}`", _type(name, field), ("**Required.** " if field.required else "") + _marked(field.text))
        for name, field in keys.items()
    ]
    return table(("key", "value", "meaning"), rows)


def _marked(text: str) -> str:
    """Placeholders and texts in code; what names a key already reads well."""
    for word in ("{port}", "{ports.NAME}", "src/**/*.py", "!PATTERN", "/bin/sh -c", "$SHELL"):
        text = text.replace(word, f"`{word}`")
    return text


def _type(name: str, field: Field) -> str:
    kinds = [_kind(kind) for kind in members(field.type)]
    if is_duration(name):
        kinds = ["time"]
    if is_size(name):
        kinds = ["size"]
    return " or ".join(kinds)


_SIMPLE: dict[Any, str] = {str: "text", int: "integer", float: "number", bool: "true or false"}


def _kind(kind: Any) -> str:
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if is_typeddict(kind):
        return "table"
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return ", ".join(f'`"{choice}"`' for choice in inner)
    items = " or ".join(_kind(member) for member in members(inner[-1]))
    return f"list of {items}" if origin is list else f"table of {'tables' if items == 'table' else items}"


def _error(text: str) -> tuple[str, str]:
    """A file and what is told about it, as it is really told."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "persistproc.toml").write_text(text, "utf-8")
        found = find_file(directory)
        assert found is not None
        try:
            load(found)
        except ProjectInvalid as error:
            told = f"{error.message} ({error.hint})".replace(str(Path(directory).resolve()), "~/shop")
            told = told.replace(directory, "~/shop")
        else:
            raise AssertionError("nothing is wrong with it")
    return f"```toml\n{text}```\n\n", f"```text\npersistproc: {told}\n```\n\n"
