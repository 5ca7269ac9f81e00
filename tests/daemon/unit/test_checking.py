"""One attempt of a command that tells whether a run is ready, on both event loops."""

from __future__ import annotations

import os
import time
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from persistproc_core.daemon.model import Run
from persistproc_core.daemon.readiness.checking import attempt
from persistproc_core.daemon.settings import Settings
from persistproc_core.daemon.words.command import Command
from tests.kit import eventually, wait_gone

pytestmark = pytest.mark.anyio

RUN = "p.1.00000000"
ENVIRONMENT = {"PATH": os.defpath}


def run_in(directory: Path, *, shell: bool = False) -> Run:
    return Run(RUN, 1, "/", Command(("x",), False, "x"), str(directory), Settings(shell=shell), "", {"name": "t"}, "")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("true", (True, "the command exited with code 0")),
        (("sh", "-c", "exit 0"), (True, "the command exited with code 0")),
        ("echo out; echo no, not yet >&2; exit 3", (False, "the command exited with code 3: no, not yet")),
        ("kill -15 $$", (False, "the command was ended by signal 15")),
        ("no-such-program", (False, "no-such-program cannot run: No such file or directory")),
        ('test "$PERSISTPROC_RUN" = p.1.00000000', (True, "the command exited with code 0")),
        ("test -e here", (True, "the command exited with code 0")),
        ("sleep 30 & echo put aside", (True, "the command exited with code 0")),
    ],
    ids=["text", "list", "says", "killed", "missing", "marker", "directory", "background"],
)
async def test_what_is_told(tmp_path: Path, command: str | tuple[str, ...], told: tuple[bool, str]) -> None:
    (tmp_path / "here").touch()
    began = time.monotonic()
    assert await attempt(command, run_in(tmp_path), ENVIRONMENT, 25) == told
    assert time.monotonic() - began < 20, "it waited for what it had put aside"


async def test_one_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    script = "echo $$ > leader; sleep 333 & echo $! > child; echo hanging; wait"
    # So long that a busy machine comes to the last word of the script meanwhile.
    told = await attempt(script, run_in(tmp_path), ENVIRONMENT, 2)
    assert told == (False, "the command did not end within 2 s: hanging")
    await all_gone(tmp_path)


async def test_one_whose_wait_is_over_is_ended(tmp_path: Path) -> None:
    async with anyio.create_task_group() as group:
        script = "sleep 333 & echo $! > child; echo $$ > leader; wait"
        group.start_soon(attempt, script, run_in(tmp_path), ENVIRONMENT, 60)
        await anyio.to_thread.run_sync(lambda: eventually(lambda: _has_text(tmp_path / "leader")))
        group.cancel_scope.cancel()
    await all_gone(tmp_path)


async def test_in_the_login_shell(tmp_path: Path) -> None:
    variables = {**ENVIRONMENT, "SHELL": "/bin/sh", "HOME": str(tmp_path)}
    (tmp_path / ".profile").write_text("known() { true; }\n", "utf-8")
    assert (await attempt("known", run_in(tmp_path, shell=True), variables, 5))[0]
    assert not (await attempt("known", run_in(tmp_path), variables, 5))[0]


async def all_gone(directory: Path) -> None:
    pids = [int((directory / name).read_text("ascii")) for name in ("leader", "child")]
    for pid in pids:
        await anyio.to_thread.run_sync(wait_gone, pid)


def _has_text(path: Path) -> bool:
    return path.exists() and path.read_text("ascii") != ""
