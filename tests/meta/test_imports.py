"""Imports point one way: from the front ends to the client, from the client to the shared core, never back."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.meta.sources import PACKAGES, ROOT, imports, module_name, modules

CORE = "persistproc_core"
SHARED = (
    f"{CORE}.errors",
    f"{CORE}.framing",
    f"{CORE}.host",
    f"{CORE}.inotify",
    f"{CORE}.mounts",
    f"{CORE}.paths",
    f"{CORE}.sizes",
    f"{CORE}.durations",
    f"{CORE}.unix_socket",
    f"{CORE}.background",
    f"{CORE}.meant",
    f"{CORE}.lock_file",
    f"{CORE}.process_names",
    f"{CORE}.placeholders",
)
DECLARED = (f"{CORE}.protocol", f"{CORE}.schema", f"{CORE}.validation", f"{CORE}.jsonrpc")

# Who may import which modules of ours; the first part that fits counts. A module may always import its own package.
ARROWS: dict[str, tuple[str, ...]] = {
    f"{CORE}.errors": (),
    f"{CORE}.framing": (f"{CORE}.errors",),
    f"{CORE}.paths": (f"{CORE}.errors",),
    f"{CORE}.host": (),
    f"{CORE}.inotify": (),
    f"{CORE}.mounts": (),
    f"{CORE}.sizes": (),
    f"{CORE}.durations": (),
    f"{CORE}.unix_socket": (),
    f"{CORE}.background": (),
    f"{CORE}.meant": (),
    f"{CORE}.lock_file": (),
    f"{CORE}.process_names": (),
    f"{CORE}.placeholders": (),
    f"{CORE}.pattern_size": (),
    f"{CORE}.signal_names": (f"{CORE}.errors",),
    f"{CORE}.jsonrpc": (f"{CORE}.errors",),
    f"{CORE}.protocol": (f"{CORE}.errors", f"{CORE}.framing"),
    f"{CORE}.port_names": (f"{CORE}.protocol",),
    f"{CORE}.validation": (f"{CORE}.errors", f"{CORE}.protocol"),
    f"{CORE}.schema": (f"{CORE}.errors", f"{CORE}.protocol", f"{CORE}.validation"),
    f"{CORE}.project_file": (
        f"{CORE}.errors",
        f"{CORE}.protocol",
        f"{CORE}.validation",
        f"{CORE}.schema",
        f"{CORE}.durations",
        f"{CORE}.sizes",
        f"{CORE}.process_names",
        f"{CORE}.placeholders",
        f"{CORE}.port_names",
        f"{CORE}.pattern_size",
        f"{CORE}.signal_names",
    ),
    f"{CORE}.client": SHARED,
    f"{CORE}.keeper": (),
    f"{CORE}.daemon": (
        *SHARED,
        *DECLARED,
        f"{CORE}.keeper",
        f"{CORE}.port_names",
        f"{CORE}.pattern_size",
        f"{CORE}.signal_names",
        f"{CORE}.project_file",
    ),
    "persistproc_cli": (
        *SHARED,
        f"{CORE}.project_file",
        *(f"{CORE}.client.{module}" for module in ("sync", "subscription", "resuming", "wire", "lightjson")),
    ),
    # The relay is one process for each window of an agent: the standard library, and nothing else of the bridge.
    "persistproc_mcp.relay": SHARED,
    "persistproc_mcp": (*SHARED, *DECLARED, f"{CORE}.client"),
}
# For types alone, protocol may be named everywhere: it costs nothing at run time.
TYPING_ONLY = (f"{CORE}.protocol",)

NEVER = {
    CORE: ("rich", "mcp", "starlette", "uvicorn"),
    f"{CORE}.client.sync": ("anyio", "trio", "asyncio", "psutil", "jsonrpcserver", "typing_extensions"),
    f"{CORE}.client.autostart": ("anyio", "trio", "asyncio", "psutil", "jsonrpcserver", "typing_extensions"),
    "persistproc_cli": ("rich", "anyio", "trio", "asyncio", "psutil", "jsonrpcserver", "mcp", "starlette", "uvicorn"),
}
# The one module that draws with it; it is loaded when there is something to draw.
MAY = {("persistproc_cli.project.live", "rich")}

FORBIDDEN_WORDS = {
    "preexec_fn": "it can deadlock in the child",
    "create_unix_listener": "it unlinks a socket that another daemon listens on",
    "async_dispatch": "it fails under trio",
}


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


# One test for all modules: a test for each would take longer to set up than to run.
def test_arrows() -> None:
    assert [wrong for path in modules() for wrong in against_the_arrows(path)] == []


def against_the_arrows(path: Path) -> Iterator[str]:
    importer = module_name(path)
    rule = next((prefix for prefix in ARROWS if within(importer, prefix)), None)
    if rule is None and importer not in {CORE, *PACKAGES}:
        yield f"{importer} has no place in the arrows"
    allowed = (importer,) if rule is None else (rule, *ARROWS[rule])
    for found in imports(path):
        # The package itself holds the version alone.
        if found.module.split(".")[0] not in PACKAGES or found.module == CORE:
            continue
        permitted = allowed + (TYPING_ONLY if found.typing_only else ())
        if not any(within(found.module, one) for one in permitted):
            yield f"{path}:{found.line} imports {found.module}"


def test_packages_that_a_part_never_imports() -> None:
    assert [wrong for path in modules() for wrong in unwanted_imports(path)] == []


def unwanted_imports(path: Path) -> Iterator[str]:
    importer = module_name(path)
    never = {name for prefix, names in NEVER.items() if within(importer, prefix) for name in names}
    for found in imports(path):
        package = found.module.split(".")[0]
        if package in never and not found.typing_only and (importer, package) not in MAY:
            yield f"{path}:{found.line} imports {found.module}"


def test_calls_that_we_never_make() -> None:
    assert [wrong for path in modules() for wrong in unwanted_calls(path)] == []


def unwanted_calls(path: Path) -> Iterator[str]:
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        code = line.split("#")[0]
        for word, reason in FORBIDDEN_WORDS.items():
            if f"{word}(" in code or f"{word}=" in code:
                yield f"{path}:{number}: {reason}"


def loaded(code: str, *options: str) -> dict[str, str | None]:
    """The modules in a fresh interpreter after the code, with their files."""
    report = "\nimport sys as _s, json as _j\nprint(_j.dumps({n: getattr(m, '__file__', None) for n, m in before}))"
    snapshot = "\nimport sys as _s; before = list(_s.modules.items())"
    # -B: the check must not depend on, or write, compiled files.
    command = [sys.executable, "-B", *options, "-c", code + snapshot + report]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=30)
    found: dict[str, str | None] = json.loads(done.stdout)
    return found


LIGHT = {"anyio", "trio", "asyncio", "psutil", "rich", "mcp", "jsonrpcserver", "typing_extensions", "typing", "logging"}
LIGHT |= {"importlib.metadata", "dataclasses", "inspect", "ssl", "email", "http", "urllib.request", "argparse"}


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        (CORE, LIGHT | {"persistproc_core.errors", "json"}),
        (f"{CORE}.client.sync", LIGHT | {f"{CORE}.protocol", f"{CORE}.daemon"}),
        ("persistproc_cli.main", LIGHT | {f"{CORE}.protocol", f"{CORE}.daemon"}),
        (f"{CORE}.daemon.app", {"rich", "mcp", "starlette", "uvicorn", f"{CORE}.client", "persistproc_cli"}),
    ],
)
def test_what_is_loaded_in_the_end(module: str, unwanted: set[str]) -> None:
    # -S: site's own .pth files may load anything; the code adds the paths of the installed packages by hand.
    paths = json.dumps([str(ROOT), *sys.path])
    code = f"import sys; sys.path[1:] = {paths}\nold = set(sys.modules)\nimport {module}"
    before = loaded(code.rsplit("\n", 1)[0], "-S")
    after = loaded(code, "-S")
    assert unwanted.intersection(set(after) - set(before)) == set()


def test_the_keeper_loads_built_in_modules_alone() -> None:
    # `signal` is Python around a built-in module; what it loads by itself is the price of names for signals.
    before = loaded("import os, signal", "-I", "-S")
    after = loaded(f"import sys; sys.path.append({str(ROOT)!r})\nimport {CORE}.keeper.main", "-I", "-S")
    for name in set(after) - set(before):
        file = after[name]
        if file is not None and file.endswith(".py"):
            assert name in {CORE, "__future__"} or within(name, f"{CORE}.keeper"), f"{name} comes from {file}"
