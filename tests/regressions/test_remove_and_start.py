"""Two clients remove an ended process while a third one starts it: the second removal deleted the new run's entry, and
a live process was in no list any more. The next start then ran a second one beside it."""

from __future__ import annotations

from tests.daemon.hub import Hub
from tests.kit import is_alive, program

ROUNDS = 4
OLD_RUNS = 6


def test_no_live_process_is_unlisted_and_no_name_runs_twice(own: Hub) -> None:
    for number in range(ROUNDS):
        name, command = f"w{number}", program("sleeper", number)
        for _ in range(OLD_RUNS):  # with more to delete, the removal takes longer
            own.finish(["true"], name=name)
        # One connection, so that they come in this order; requests that must wait do not hold up each other.
        batch = [("remove_process", {"process": name})] * 2 + [("start_process", {"command": command, "name": name})]
        for method, params in batch:
            asked = {**params, "working_directory": str(own.project)}
            own.connection.send({"jsonrpc": "2.0", "id": method, "method": method, "params": asked})
        replies = [own.connection.read() for _ in batch]
        codes = {reply["error"]["data"]["error"] for reply in replies if "error" in reply}
        assert codes <= {"process_not_found", "still_running"}, replies
        again = own.start(command, name=name)
        started = [r["result"]["pid"] for r in replies if "pid" in r.get("result", {})] + [again["pid"]]
        live = {pid for pid in started if is_alive(pid)}
        assert live == {again["pid"]}, "two runs of a name live at once"
        assert own.list()[name]["pid"] == again["pid"]
