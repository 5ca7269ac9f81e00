"""package.json: the script that starts a package, in each package of a workspace."""

from __future__ import annotations

import fnmatch
import json
import os
import re
from collections.abc import Iterable, Iterator

from .folders import folders, inside, read_text
from .proposal import Port, Proposal
from .scripts import read_script, starts_others

__all__ = ["find"]

_SCRIPTS = ("dev", "develop", "start:dev", "serve", "start")
_LOCKS = (
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
    ("package-lock.json", "npm"),
)
_READS_PORT = re.compile(r"\benv\.PORT\b|\benv\[['\"]PORT['\"]\]|\benv\.get\(['\"]PORT")
_ENTRIES = ("server", "index", "app", "main", "src/server", "src/index", "src/app", "src/main", "bin/www")
_ENDINGS = ("", ".js", ".ts", ".mjs", ".cjs", ".mts")
_DEEPEST = 4


def find(directory: str) -> list[Proposal]:
    """A process for each package that has a script to start it."""
    root = _package(directory, ".")
    members = _members(directory, root)
    if members is None:
        return _proposals(directory, folders(directory), root)
    proposals = _proposals(directory, members, root)
    # "turbo dev" and its like start the same once more.
    if root is not None and (not proposals or not starts_others(_script(root)[1])):
        proposals = [*_proposals(directory, ["."], root), *proposals]
    return proposals


def _proposals(directory: str, chosen: Iterable[str], root: dict[str, object] | None) -> list[Proposal]:
    manager = _manager(directory, root)
    found = [_propose(directory, manager, folder, root) for folder in chosen]
    return [proposal for proposal in found if proposal is not None]


def _propose(directory: str, manager: str, folder: str, root: dict[str, object] | None) -> Proposal | None:
    package = root if folder == "." else _package(directory, folder)
    if package is None:
        return None
    name, text = _script(package)
    if not name:
        return None
    script = read_script(text)
    port = script.port
    if port is None and not script.known and _reads_port(os.path.join(directory, folder), text):
        port = Port(3000)
    own = _manager(os.path.join(directory, folder), package, manager)
    return Proposal(
        name=_name(package, folder, directory),
        command=_command(own, name, script.option if port is not None and not port.fixed else ""),
        source=inside(folder, "package.json"),
        directory=folder,
        port=port,
        # Create React App opens a browser at each start, and ends when it has no input.
        environment=(("BROWSER", "none"),) if "react-scripts" in text else (),
        comment=f"{name}: {text}",
    )


def _command(manager: str, script: str, option: str) -> str:
    run = f"{manager} run {script}"
    if not option:
        return run
    # npm takes options for its own unless they come after --; the others would hand that on.
    return f"{run} -- {option}" if manager == "npm" else f"{run} {option}"


def _package(directory: str, folder: str) -> dict[str, object] | None:
    text = read_text(directory, folder, "package.json")
    try:
        found = json.loads(text) if text is not None else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _script(package: dict[str, object]) -> tuple[str, str]:
    """The script that starts it, and its text; empty when there is none."""
    scripts = package.get("scripts")
    if isinstance(scripts, dict):
        for name in _SCRIPTS:
            text = scripts.get(name)
            if isinstance(text, str) and text.strip():
                return name, text
    return "", ""


def _manager(directory: str, package: dict[str, object] | None, default: str = "npm") -> str:
    said = str((package or {}).get("packageManager", "")).partition("@")[0]
    if said in ("npm", "pnpm", "yarn", "bun"):
        return said
    return next((manager for lock, manager in _LOCKS if os.path.exists(os.path.join(directory, lock))), default)


def _name(package: dict[str, object], folder: str, directory: str) -> str:
    if folder != ".":
        return os.path.basename(folder)
    said = package.get("name")
    return str(said).rpartition("/")[2] if isinstance(said, str) and said else os.path.basename(directory) or "app"


def _members(directory: str, root: dict[str, object] | None) -> list[str] | None:
    """The packages of the workspace, as folders; None when it is none."""
    patterns = _workspaces(root) or _pnpm_workspaces(directory)
    if not patterns:
        return None
    taken = [pattern for pattern in patterns if not pattern.startswith("!")]
    left_out = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    return [
        folder
        for folder in _all_packages(directory)
        if any(_fits(folder, pattern) for pattern in taken) and not any(_fits(folder, each) for each in left_out)
    ]


def _fits(folder: str, pattern: str) -> bool:
    """Whether a folder is meant by ``packages/*`` or ``apps/**``."""
    pattern = pattern.strip("/").removeprefix("./")
    if "**" in pattern:
        return fnmatch.fnmatchcase(f"{folder}/", pattern.replace("**", "*").rstrip("/") + "/")
    parts, words = folder.split("/"), pattern.split("/")
    return len(parts) == len(words) and all(map(fnmatch.fnmatchcase, parts, words))


def _all_packages(directory: str) -> Iterator[str]:
    for at, inner, files in os.walk(directory):
        folder = os.path.relpath(at, directory)
        deep = 0 if folder == "." else folder.count("/") + 1
        inner[:] = (
            sorted(name for name in inner if name != "node_modules" and name[:1] != ".") if deep < _DEEPEST else []
        )
        if folder != "." and "package.json" in files:
            yield folder


def _workspaces(root: dict[str, object] | None) -> list[str]:
    said = (root or {}).get("workspaces")
    if isinstance(said, dict):  # yarn's longer form
        said = said.get("packages")
    return _texts(said)


def _pnpm_workspaces(directory: str) -> list[str]:
    text = read_text(directory, "pnpm-workspace.yaml")
    if text is None:
        return []
    from .yaml_text import load_yaml

    return _texts(load_yaml(text).get("packages"))


def _texts(said: object) -> list[str]:
    return [str(each) for each in said] if isinstance(said, list) else []


def _reads_port(directory: str, script: str) -> bool:
    """Whether the program that a script starts asks for PORT, as far as can be seen."""
    named = [word for word in script.split() if "." in os.path.basename(word)]
    paths = [*named, *(entry + ending for entry in _ENTRIES for ending in _ENDINGS)]
    return any(_READS_PORT.search(read_text(directory, path) or "") for path in paths)
