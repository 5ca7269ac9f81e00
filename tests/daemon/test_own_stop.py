"""How a process says it is to be stopped, and the login shell that it may run in."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.daemon.hub import Hub
from tests.kit.programs import program


def test_its_own_signal_and_grace(hub: Hub) -> None:
    for how in (hub.stop, lambda name: hub.call("restart_process", name)):
        # The signal is told by what ends of it: who only prints its name may be killed before it has come to that.
        for command, grace, ended_by in ((["sleep", "1000"], 60, "SIGINT"), (program("tell_signals"), 0.1, "SIGKILL")):
            options = {"stop_signal": "int", "stop_grace_seconds": grace, "replace": True, "fresh": True}
            info = hub.start(command, name="web", **options)
            if ended_by == "SIGKILL":
                hub.await_line("web", "^ready")
            began = time.monotonic()
            how("web")
            assert time.monotonic() - began < 8, "ten seconds is what others are given"
            (run,) = (run for run in hub.status("web")["history"] if run["run"] == info["run"])
            assert run["signal"] == ended_by
    hub.await_line("web", "^ready")
    # What a caller says goes before it.
    assert hub.stop("web", signal="TERM", grace_seconds=5)["ended_by"] == "SIGTERM"


def test_a_signal_without_a_name(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="web", stop_signal="41")
    assert hub.stop("web")["ended_by"] == "SIG41"


def test_they_are_kept_over_restarts(hub: Hub) -> None:
    hub.ready(program("tell_signals"), name="web", stop_signal="SIGUSR1", stop_grace_seconds=0)
    hub.call("restart_process", "web")
    hub.await_line("web", "^ready")  # before it has its handler, the signal ends it
    assert hub.stop("web")["ended_by"] == "SIGKILL"


@pytest.fixture
def profile(tmp_path: Path) -> dict[str, str]:
    """A person's home, with a profile that speaks, and is for interactive shells alone, as Debian's is."""
    (tmp_path / "person").mkdir()
    (tmp_path / "person" / ".bash_profile").write_text(". ~/.bashrc\n", "utf-8")
    (tmp_path / "person" / ".bashrc").write_text(
        'echo noise\ncase $- in *i*) ;; *) return;; esac\nexport TOOL=there\ntool() { echo "tool $*"; }\n'
        "_direnv_hook() { echo noise; echo loading >&2; export FOLDER=$PWD; }\n",
        "utf-8",
    )
    return {"HOME": str(tmp_path / "person"), "SHELL": "/bin/bash", "PATH": os.environ["PATH"]}


def test_the_login_shell_has_what_the_profile_sets_up(hub: Hub, profile: dict[str, str]) -> None:
    command = 'tool "a  b"; echo $TOOL; basename $FOLDER; echo error >&2; read x; echo "got $x"'
    info = hub.start(command, name="web", shell=True, environment=profile)
    assert (info["command"], info["shell"]) == (command, True)
    hub.await_line("web", "^error")
    hub.call("send_process_input", "web", input="hello")
    hub.call("wait_for_process", "web", exit=True)
    streams = {
        stream: [line["text"] for line in hub.call("get_process_output", "web", stream=stream)["lines"]]
        for stream in ("stdout", "stderr")
    }
    assert streams == {"stdout": ["tool a  b", "there", "shop", "got hello"], "stderr": ["loading", "error"]}


def test_one_that_goes_on_is_stopped_at_once(hub: Hub, profile: dict[str, str]) -> None:
    """An interactive shell ignores SIGTERM."""
    hub.start("echo ready; sleep 1000; echo more; sleep 1000", name="web", shell=True, environment=profile)
    hub.await_line("web", "^ready")
    began = time.monotonic()
    hub.stop("web")
    assert time.monotonic() - began < 8, "ten seconds is the grace"


def test_the_same_line_in_the_same_shell_is_joined(hub: Hub, profile: dict[str, str]) -> None:
    hub.start("sleep 1000", name="web", shell=True, environment=profile)
    assert hub.start("sleep 1000", name="web", shell=True, environment=profile)["already_running"]
    error = hub.error("start_process", command="sleep 1000", name="web")
    assert error.code == "name_taken"


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/dash"])
def test_other_shells(hub: Hub, profile: dict[str, str], shell: str) -> None:
    Path(profile["HOME"], ".profile").write_text("TOOL=profile; export TOOL\n", "utf-8")
    hub.finish("echo $TOOL", name="web", shell=True, environment={**profile, "SHELL": os.path.realpath(shell)})
    assert hub.lines("web")[-1] in ("profile", "there")


def test_a_shell_needs_a_line(hub: Hub) -> None:
    for wrong in (["sleep", "1"], " ", "echo \ud800"):
        assert hub.error("start_process", command=wrong, shell=True).code == "invalid_params"
