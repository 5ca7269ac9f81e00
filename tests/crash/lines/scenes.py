"""The verbs in which each line is a point: how each begins, what is done, and how it must end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from persistproc_core.errors import PersistprocError, ProcessNotFound
from tests.crash import evidence
from tests.crash.lines.control import OFF
from tests.crash.lines.traced import PYTHON, TREE, TracedWorld
from tests.crash.world import facts, said
from tests.kit import wait_gone

__all__ = ["SCENES", "Scene"]


class Scene(NamedTuple):
    """One verb. ``act`` may be cut off, and is repeated then; ``after`` is called when it was answered."""

    name: str
    before: Callable[[TracedWorld], None]
    act: Callable[[TracedWorld], None]
    after: Callable[[TracedWorld], None]


def _nothing(world: TracedWorld) -> None:
    pass


def _absent(world: TracedWorld) -> None:
    with suppress(ProcessNotFound):
        world.client.stop_process(process="p", force=True)
        world.client.remove_process(process="p")


def _running(world: TracedWorld) -> None:
    # As if nobody had configured it: with a restart policy it would come back in another verb.
    world.start("p", said("p"), fresh=True, restart="never", autostart=False)
    # One that is stopped before its shell came to speak has said nothing, and nothing is missing.
    world.check_output("p", world.status("p")["run_id"])


def _ended(world: TracedWorld) -> None:
    world.start("p", said("p"))
    world.client.stop_process(process="p", force=True)


def _start(world: TracedWorld) -> None:
    world.start("p", said("p"))


def _stop(world: TracedWorld) -> None:
    world.client.stop_process(process="p")


def _restart(world: TracedWorld) -> None:
    world.client.restart_process(process="p", environment=dict(os.environ))


def _exit(world: TracedWorld) -> None:
    info = world.status("p")
    if info["ended_at"] is None and info["pid"]:
        with suppress(ProcessLookupError):
            os.kill(info["pid"], signal.SIGTERM)
    world.client.wait_for_process(process="p", exit=True, timeout_seconds=10)


def _remove(world: TracedWorld) -> None:
    with suppress(ProcessNotFound):
        world.client.remove_process(process="p")


def _prune(world: TracedWorld) -> None:
    world.client.prune_processes(all_projects=True)


def _configure(world: TracedWorld) -> None:
    world.client.call("configure_process", {"process": "p", "restart": "on-failure", "autostart": True})


def _must_run(world: TracedWorld) -> None:
    # One that was adopted is looked at behind the recovery.
    info = world.settled("p", lambda info: info["state"] == "running" and info["pid"] is not None)
    if info is not None:
        world.check_output("p", info["run_id"])


def _must_be_stopped(world: TracedWorld) -> None:
    info = world.settled("p", lambda info: info["state"] == "stopped")
    if info is not None:
        world.check_output("p", info["run_id"])


def _must_have_exited(world: TracedWorld) -> None:
    world.settled("p", lambda info: (info["state"], info["signal"]) == ("failed", "SIGTERM"))


def _must_be_absent(world: TracedWorld) -> None:
    try:
        world.find("wrong_end", f"still there: {facts(world.status('p'))}")
    except ProcessNotFound:
        pass


def _must_be_configured(world: TracedWorld) -> None:
    wanted = ("on-failure", True, "running")
    world.settled("p", lambda info: (info["restart"], info["autostart"], info["state"]) == wanted)


# --- recovery ---------------------------------------------------------------------------------------------------------

# Its end takes a while, so that a daemon can be killed in the middle of stopping it.
_SLOW_TO_STOP = ["sh", "-c", "trap 'sleep 0.1; exit 0' TERM; echo ready; while :; do sleep 0.05; done"]


def _killed(*victims: str) -> Callable[[TracedWorld], None]:
    """One that runs, one with a terminal, one that is being stopped, one that ends while nobody looks."""

    def before(world: TracedWorld) -> None:
        world.start("p", said("p"))
        world.start("terminal", ["sh", "-c", "exec sleep 1001"], tty=True)
        world.start("slow", _SLOW_TO_STOP)
        world.client.wait_for_process(process="slow", output="ready")
        pid = world.start("ends", ["sleep", "1002"])["pid"]
        assert pid is not None
        _begin_to_stop(world, "slow")
        world.kill(*victims)
        os.kill(pid, signal.SIGTERM)
        wait_gone(pid)

    return before


def _begin_to_stop(world: TracedWorld, name: str) -> None:
    def stop() -> None:
        with suppress(PersistprocError):
            world.client.stop_process(process=name)

    threading.Thread(target=stop, daemon=True).start()
    # On disk: what a daemon has only begun to write down, nobody was told and no process has felt.
    world.until(lambda: any(record.state == "stopping" for record in evidence.records(world.home)[0]))


def _look(world: TracedWorld) -> None:
    world.client.list_processes(all_projects=True)


def _must_be_recovered(world: TracedWorld) -> None:
    _must_run(world)
    states: dict[str, str] = {}

    def settled() -> bool:
        processes = world.client.list_processes(all_projects=True)["processes"]
        states.update({process["name"]: process["state"] for process in processes})
        # A terminal lives as long as the keeper or its twin does.
        terminal = states.get("terminal")
        held = terminal == "running" or (world.role == "holder" and terminal == "failed")
        return held and states.get("slow") == "stopped" and states.get("ends") in ("failed", "lost")

    if not world.until(settled):
        world.find("wrong_end", f"after the recovery: {states}")


def _keeper_dies(world: TracedWorld) -> None:
    keeper = world.client.get_daemon_status()["keeper_pid"]
    if keeper is not None:
        with suppress(ProcessLookupError):
            os.kill(keeper, signal.SIGKILL)
    world.until(lambda: world.client.get_daemon_status()["keeper_pid"] not in (None, keeper))


# --- replacing --------------------------------------------------------------------------------------------------------


def _replace(world: TracedWorld) -> None:
    program = [PYTHON, "-m", "tests.crash.lines.traced_successor"]
    asked = {"program": program, "environment": {**os.environ, "PYTHONPATH": TREE}}
    world.client.call("replace_daemon", asked)


def _several(world: TracedWorld) -> None:
    _running(world)
    world.start("terminal", ["sh", "-c", "exec sleep 1001"], tty=True)


def _another_version(world: TracedWorld) -> None:
    _several(world)
    world.kill("daemon")
    world.turn_log_page()
    world.control.another_version = True


def _upgrade_keeper(world: TracedWorld) -> None:
    if not world.control.another_version:
        _look(world)  # the one that asked for it is dead, and its successor does not
        return
    try:
        _look(world)
        told = world.until(lambda: "keeper.upgraded" in world.log_page() or "keeper.not_upgraded" in world.log_page())
        assert told or world.control.page[0] == OFF, "nobody asked the keeper to upgrade itself"
    finally:
        world.control.another_version = False


def _must_all_run(world: TracedWorld) -> None:
    _must_run(world)
    world.settled("terminal", lambda info: info["state"] == "running")


SCENES: Sequence[Scene] = (
    Scene("start", _absent, _start, _must_run),
    Scene("stop", _running, _stop, _must_be_stopped),
    Scene("exit", _running, _exit, _must_have_exited),
    Scene("remove", _ended, _remove, _must_be_absent),
    Scene("prune", _ended, _prune, _must_be_absent),
    Scene("configure", _running, _configure, _must_be_configured),
    Scene("restart", _running, _restart, _must_run),
    Scene("recover", _killed("daemon"), _look, _must_be_recovered),
    Scene("replace", _several, _replace, _must_all_run),
    Scene("upgrade-keeper", _another_version, _upgrade_keeper, _must_all_run),
    Scene("keeper-dies", _running, _keeper_dies, _must_run),
    Scene("recover-both", _killed("daemon", "keeper"), _look, _must_be_recovered),
)
"""Every verb whose lines are points, the quick ones first. What handles a new verb becomes a scene here."""
