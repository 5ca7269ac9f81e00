"""What a client of a protocol version sent, and what it got: recorded once, replayed against the daemon of today.

``python -m tests.upgrade.golden`` records the file of the present protocol version anew, against a daemon of its own.
A recorded file of a former version is never changed: it is what programs out there rely on.

A reply is as it was when everything that was there is there, of the same type; what is `_STABLE` has the same value.
More fields may have come, and what was null may have got a value.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from persistproc_core.protocol import METHODS, PROTOCOL_VERSION
from tests.kit import Daemon, Guard, RawConnection
from tests.kit.guard import TEST_VARIABLE

__all__ = ["FOLDER", "differences", "play"]

FOLDER = Path(__file__).with_name("golden")
_PROJECT = "{project}"
_STABLE = frozenset(
    "already_running already_stopped argv base64 bytes command ended ended_by environment_from error exit_code format "
    "id jsonrpc line met method name option partial previous_run protocol reason removed run runs shell signal "
    "state stream text tty type what".split()
)

_ECHO = {"command": ["sh", "-c", "echo hello; echo oops >&2; read -r line; echo got $line; exit 3"], "name": "p"}
_P = {"process": "p"}
_STEPS: list[tuple[str, dict[str, Any]]] = [
    ("start_process", _ECHO),
    ("start_process", {**_ECHO, "environment": {"X": "1"}}),
    ("start_process", {"command": "true", "name": "p"}),
    ("watch_processes", {"types": ["stopped", "removed"]}),
    ("wait_for_process", {**_P, "output": "^oops", "timeout_seconds": 20}),
    ("list_processes", {"running": True}),
    ("get_process_status", _P),
    ("get_process_output", {**_P, "stream": "stdout"}),
    ("get_process_output", {**_P, "stream": "stdout", "format": "raw", "cursor": "start", "timestamps": True}),
    ("get_process_log_paths", _P),
    ("set_mark", {"name": "here"}),
    ("list_marks", {}),
    ("protect_process", {**_P, "client": {"name": "owner"}}),
    ("stop_process", {**_P, "client": {"name": "other"}}),
    ("protect_process", {**_P, "client": {"name": "owner"}, "protected": False}),
    ("configure_process", {**_P, "restart": "never"}),
    ("send_process_input", {**_P, "input": "you"}),
    ("wait_for_process", {**_P, "exit": True, "timeout_seconds": 20}),
    ("send_process_input", {**_P, "input": "nobody"}),
    ("restart_process", {**_P, "reason": "once more"}),
    ("signal_process", {**_P, "signal": "CONT"}),
    ("resize_terminal", {**_P, "rows": 10, "columns": 10}),
    ("stop_process", {**_P, "reason": "enough"}),
    ("stop_process", _P),
    ("wait_for_process", {**_P, "output": "never", "timeout_seconds": 0}),
    ("get_process_status", {"process": "nobody"}),
    ("start_process", {"command": "/nonexistent/program"}),
    ("start_process", {"command": 7}),
    ("no_such_method", {}),
    ("get_news", {"client": {"name": "owner"}}),
    ("cancel_subscription", {"subscription": "none"}),
    ("prune_processes", {"dry_run": True}),
    ("remove_process", _P),
    ("get_daemon_status", {}),
    ("start_process", {"command": ["sh", "-c", "echo hello; exec sleep 60"], "name": "q"}),
    ("wait_for_process", {"process": "q", "output": "hello", "timeout_seconds": 20}),
    ("follow_process_output", {"processes": ["q"], "cursors": {"q": "start"}}),
    ("watch_processes", {"processes": ["q"], "after": 0}),
    ("stop_process", {"process": "q"}),
    ("remove_process", {"process": "q"}),
    ("get_project", {}),
    ("start_project", {}),
    ("stop_project", {}),
    ("get_port", {"port": 1}),
    ("adopt_process", {"pid": 2**31 - 1}),
]
_FILE = '[processes.job]\ncommand = "sleep 60"\nport = 4321\n'
_PLACELESS = frozenset({"get_daemon_status", "cancel_subscription", "no_such_method", "replace_daemon"})


def play(socket: str, project: Path, sent: list[str]) -> Iterator[tuple[str, list[Any]]]:
    """Send each line, and give it back with what came up to its reply; the first is the hello, to no line at all."""
    (project / "persistproc.toml").write_text(_FILE, "utf-8")
    with RawConnection(socket, 30) as connection:
        yield "", [{"jsonrpc": "2.0", "method": "hello", "params": connection.hello}]
        for line in sent:
            connection.send_bytes(line.replace(_PROJECT, str(project)).encode() + b"\n")
            messages = [connection.read()]
            while isinstance(messages[-1], dict) and "method" in messages[-1]:
                messages.append(connection.read())
            messages = [message for message in messages if "method" not in message]
            if "follow_process_output" in line or '"after": 0' in line:
                messages.append(connection.read())  # the first that it brings
            yield line, messages


def differences(was: Any, now: Any, place: str = "reply") -> list[str]:
    """In words, where a client of then would not find what it found then."""
    if isinstance(was, dict) and isinstance(now, dict):
        missing = [f"{place}.{name} is missing" for name in was if name not in now]
        return missing + [
            found for name in was.keys() & now.keys() for found in _field(name, was[name], now[name], f"{place}.{name}")
        ]
    if isinstance(was, list) and isinstance(now, list):
        if was and not now:
            return [f"{place} is empty"]
        pairs = enumerate(zip(was, now, strict=False))
        return [found for number, pair in pairs for found in differences(*pair, f"{place}[{number}]")]
    if was is None or _kind(was) == _kind(now):
        return []
    return [f"{place} was {was!r} and is {now!r}"]


def _field(name: str, was: Any, now: Any, place: str) -> list[str]:
    if name in _STABLE and not isinstance(was, (dict, list)) and was is not None:
        return [] if was == now else [f"{place} was {was!r} and is {now!r}"]
    return differences(was, now, place)


def _kind(value: Any) -> type:
    return float if isinstance(value, int) and not isinstance(value, bool) else type(value)


def _lines() -> list[str]:
    lines = []
    for number, (method, params) in enumerate(_STEPS, 1):
        where = {} if method in _PLACELESS else {"working_directory": _PROJECT}
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": {**params, **where}}
        lines.append(json.dumps(request))
    batch: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "id": number, "method": "list_processes", "params": {}} for number in (101, 102)
    ]
    return [*lines, "nonsense", json.dumps([]), json.dumps({"id": 1}), json.dumps(batch)]


def main() -> None:
    """Record."""
    unused = METHODS.keys() - {method for method, _ in _STEPS}
    print("not recorded:", ", ".join(sorted(unused)))
    guard = Guard()
    daemon = Daemon(guard, guard.new_home(), {TEST_VARIABLE: guard.token})
    try:
        daemon.start()
        with tempfile.TemporaryDirectory() as project:
            # The folder's name is the project's, which is told.
            shop = Path(project, "shop")
            shop.mkdir()
            path = FOLDER / f"protocol-{PROTOCOL_VERSION}.jsonl"
            path.parent.mkdir(exist_ok=True)
            with open(path, "w", encoding="ascii") as file:
                for line, messages in play(daemon.socket, shop, _lines()):
                    said = json.dumps(messages).replace(str(shop), _PROJECT).replace(daemon.home.path, "{home}")
                    file.write(json.dumps({"sent": line, "received": json.loads(said)}) + "\n")
        daemon.shut_down()
    finally:
        guard.clean_up()
    print(f"recorded {path.name}")


if __name__ == "__main__":
    main()
