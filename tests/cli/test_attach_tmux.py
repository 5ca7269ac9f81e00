"""Full-screen programs, a REPL and a dev server in a real tmux: attach, type, resize, detach, attach again.

Each of them outlives a ``kill -9`` of the daemon in between.
"""

from __future__ import annotations

import shlex
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.support import Cli
from tests.cli.tmux import Pane, tmux
from tests.kit import Daemon, program

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


def needs(name: str) -> pytest.MarkDecorator:
    """A test of a program that may not be installed."""
    return pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed")


@pytest.fixture
def pane(cli: Cli, tmp_path: Path) -> Iterator[Pane]:
    """A shell in tmux, 24 lines of 80 columns."""
    folder = tmp_path / "bin"
    folder.mkdir()
    with tmux(cli, folder) as pane:
        yield pane


@needs("vim")
def test_vim(cli: Cli, daemon: Daemon, pane: Pane) -> None:
    (cli.project / "text").write_text("".join(f"line {n}\n" for n in range(1, 200)), "utf-8")
    pane.enter("persistproc --tty --name vim vim -u NONE -N --cmd 'set ruler' text")
    assert "line 1\n" in pane.wait_for("line 23\n")
    assert pane.state("alternate_on") == "1"
    pane.type("ihello ")
    pane.wait_for("hello line 1")
    pane.press("Escape")
    pane.resize(30, 100)
    pane.wait_for("line 29\n")
    pane.detach()

    pane.resize(24, 80)
    pane.enter("persistproc attach vim")
    screen = pane.wait_for("\nline 23\n")
    assert screen.startswith("hello line 1\n")
    assert "line 24\n" not in screen
    daemon.kill()
    pane.type("ggOafter the kill")
    pane.wait_for("after the kill")
    pane.press("Escape")
    pane.enter(":wq")
    pane.wait_for("vim ended with exit code 0")
    assert pane.state("alternate_on") == "0"

    assert (cli.project / "text").read_text("utf-8").startswith("after the kill\nhello line 1\n")


@needs("top")
def test_top(cli: Cli, daemon: Daemon, pane: Pane) -> None:
    pane.enter("persistproc run -t --name top -- top -d 1")
    pane.wait_for("PID USER")
    pane.type("h")
    pane.wait_for("<Esc> to continue")
    pane.press("Escape")
    pane.wait_for("PID USER")
    pane.detach()

    pane.resize(12, 70)
    pane.enter("persistproc attach top")
    pane.wait_for("PID USER")
    pane.wait_for("persistproc", gone=True)
    daemon.kill()
    pane.type("h")
    pane.wait_for("<Esc> to continue")
    pane.type("q")
    pane.wait_for("PID USER")
    pane.type("q")
    pane.wait_for("top ended with exit code 0")


def test_a_python_repl(cli: Cli, daemon: Daemon, pane: Pane) -> None:
    pane.enter(f"persistproc --tty --name py {shlex.quote(sys.executable)} -I -q")
    pane.wait_for(">>>")
    pane.enter("6 * 7")
    pane.wait_for("\n42\n>>>")
    pane.type("import o")
    pane.wait_for("import o")
    pane.press("C-c")
    pane.wait_for("KeyboardInterrupt")
    pane.resize(30, 100)
    pane.enter("import os; tuple(os.get_terminal_size())")
    pane.wait_for("\n(100, 30)\n>>>")
    pane.detach()

    pane.enter("persistproc attach py")
    pane.wait_for("\n(100, 30)\n>>>")
    daemon.kill()
    pane.enter("'after' + ' the kill'")
    pane.wait_for("\n'after the kill'\n>>>")
    pane.press("C-d")
    pane.wait_for("py ended with exit code 0")


def test_a_dev_server(cli: Cli, daemon: Daemon, pane: Pane) -> None:
    pane.enter(f"persistproc --tty --name web {shlex.join(program('dev_server'))}")
    screen = pane.wait_for("press h + enter")
    assert "➜  Local: http://localhost:5173/" in screen
    assert "shell>" not in screen
    pane.enter("u")
    pane.wait_for("\nu\nat http://localhost:5173/")
    pane.detach()

    pane.enter("persistproc attach web")
    pane.wait_for("at http://localhost:5173/")
    daemon.kill()
    pane.enter("r")
    screen = pane.wait_for("server restarted")
    assert "DEV v1.0  ready in 12 ms" in screen
    assert "at http" not in screen
    pane.enter("q")
    pane.wait_for("web ended with exit code 0")


def test_a_suspended_client_gives_the_terminal_back(cli: Cli, pane: Pane) -> None:
    pane.enter(f"persistproc --tty --name editor {shlex.join(program('full_screen'))}")
    pane.wait_for("size 24 x 80")
    pane.client().send_signal(signal.SIGTSTP)
    pane.wait_for("Stopped")
    pane.check_terminal()
    pane.enter("fg")
    pane.wait_for("size 24 x 80, key ''")
    assert pane.state("cursor_flag") == "0"
    pane.type("a")
    pane.wait_for("key 'a'")
    pane.detach()
