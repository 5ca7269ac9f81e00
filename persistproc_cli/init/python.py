"""Python projects: Django, FastAPI and Starlette, Flask, and the tasks of pyproject.toml."""

from __future__ import annotations

import os
import re
import shutil

from .folders import folders, inside, read_text
from .proposal import Port, Proposal

__all__ = ["find"]

_LOCKS = (("uv.lock", "uv run "), ("poetry.lock", "poetry run "), ("pdm.lock", "pdm run "), ("Pipfile", "pipenv run "))
_ENVIRONMENTS = (".venv", "venv")
_ASGI = re.compile(r"^(\w+)(?:\s*:\s*\w+)?\s*=\s*(?:\w+\.)?(?:FastAPI|Starlette|Litestar)\(", re.MULTILINE)
_FLASK = re.compile(r"^(\w+)(?:\s*:\s*\w+)?\s*=\s*(?:\w+\.)?Flask\(|^def create_app\(", re.MULTILINE)
_FILES = ("main.py", "app.py", "api.py", "server.py", "asgi.py", "wsgi.py", "__init__.py")
_TASKS = ("dev", "serve", "start")


def find(directory: str) -> list[Proposal]:
    """The web application of each folder, else its task."""
    found: list[Proposal] = []
    inside: list[str] = []
    for folder in folders(directory):
        # What is found in a folder is not looked for again in those below it.
        if any(folder.startswith(f"{each}/") or each == "." for each in inside):
            continue
        proposals = _in(directory, folder)
        if proposals:
            inside.append(folder)
            found += proposals
    return found


def _in(directory: str, folder: str) -> list[Proposal]:
    at = os.path.join(directory, folder)
    if not any(
        os.path.exists(os.path.join(at, name))
        for name in ("manage.py", "pyproject.toml", "requirements.txt", "setup.py", "Pipfile", *_FILES[:4])
    ):
        return []
    prefix, python = _interpreter(directory, folder)
    return _django(at, folder, prefix, python) or _application(at, folder, prefix, python) or _task(at, folder, prefix)


def _interpreter(directory: str, folder: str) -> tuple[str, str]:
    """What runs a program in the project's environment, and Python."""
    for at in dict.fromkeys((folder, ".")):
        for lock, prefix in _LOCKS:
            if os.path.exists(os.path.join(directory, at, lock)):
                return prefix, f"{prefix}python"
        for name in _ENVIRONMENTS:
            if os.path.exists(os.path.join(directory, at, name, "bin", "python")):
                bin_folder = os.path.relpath(os.path.join(at, name, "bin"), folder)
                bin_folder = bin_folder if bin_folder.startswith("..") else f"./{bin_folder}"
                return f"{bin_folder}/", f"{bin_folder}/python"
    # Debian and its descendants have no program called python.
    return "", "python" if shutil.which("python") else "python3"


def _django(at: str, folder: str, prefix: str, python: str) -> list[Proposal]:
    text = read_text(at, "manage.py")
    if text is None or "django" not in text.lower():
        return []
    source = inside(folder, "manage.py")
    return [
        Proposal(_name(folder, "web"), f"{python} manage.py runserver {{port}}", source, folder, Port(8000)),
        Proposal(
            _name(folder, "web") + "-migrate",
            f"{python} manage.py migrate",
            source,
            folder,
            ready=(("completed", True),),
            optional=True,
            comment="by its name only; needs of the server can have it run first",
        ),
    ]


def _application(at: str, folder: str, prefix: str, python: str) -> list[Proposal]:
    for path in _sources(at):
        text = read_text(at, path) or ""
        module = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        source_folder = "src" if module.startswith("src.") and not _is_package(at, "src") else ""
        module = module.removeprefix("src.") if source_folder else module
        asgi = _ASGI.search(text)
        if asgi:
            where = f" --app-dir {source_folder}" if source_folder else ""
            command = f"{python} -m uvicorn{where} {module}:{asgi[1]} --reload --port {{port}}"
            return [Proposal(_name(folder, "api"), command, inside(folder, path), folder, Port(8000))]
        flask = _FLASK.search(text)
        if flask and "flask" in text.lower():
            command = f"{python} -m flask --app {module} run --debug --port {{port}}"
            path_variable = (("PYTHONPATH", source_folder),) if source_folder else ()
            return [Proposal(_name(folder, "web"), command, inside(folder, path), folder, Port(5000), path_variable)]
    return []


def _sources(at: str) -> list[str]:
    """Where an application usually is, the most usual first."""
    packages = [name for name in _packages(at, "") if name != "src"]
    found = [*_FILES[:6], *(f"{name}/{file}" for name in packages for file in _FILES)]
    found += [f"src/{file}" for file in _FILES]
    return [*found, *(f"{name}/{file}" for name in _packages(at, "src") for file in _FILES)]


def _packages(at: str, folder: str) -> list[str]:
    try:
        names = sorted(os.listdir(os.path.join(at, folder)))
    except OSError:
        return []
    left_out = ("tests", "test", "docs", "node_modules")
    paths = [f"{folder}/{name}" if folder else name for name in names if name not in left_out and name[:1] != "."]
    # A folder of modules needs no __init__.py to be a package (PEP 420).
    return [path for path in paths if os.path.isdir(os.path.join(at, path)) and path.rpartition("/")[2].isidentifier()]


def _is_package(at: str, folder: str) -> bool:
    return os.path.exists(os.path.join(at, folder, "__init__.py"))


def _task(at: str, folder: str, prefix: str) -> list[Proposal]:
    """The task that starts it, of those that tools keep in pyproject.toml."""
    tool = _tool_tables(read_text(at, "pyproject.toml") or "")
    for name, table, run in (("poe", "tasks", "poe"), ("pdm", "scripts", "pdm run"), ("taskipy", "tasks", "task")):
        section = tool.get(name)
        tasks = section.get(table) if isinstance(section, dict) else None
        chosen = next((task for task in _TASKS if isinstance(tasks, dict) and task in tasks), None)
        if chosen is not None:
            command = f"{run} {chosen}" if name == "pdm" else f"{prefix}{run} {chosen}"
            return [Proposal(_name(folder, "app"), command, inside(folder, "pyproject.toml"), folder)]
    return []


def _tool_tables(text: str) -> dict[str, object]:
    import sys

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        found = tomllib.loads(text).get("tool")
    except ValueError:  # also a nesting that is too deep
        return {}
    return found if isinstance(found, dict) else {}


def _name(folder: str, default: str) -> str:
    return default if folder == "." else os.path.basename(folder)
