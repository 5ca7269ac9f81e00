"""Programs that speak a recorded version of the protocol find what they found then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from persistproc_core.protocol import METHODS, OLDEST_PROTOCOL, PROTOCOL_VERSION
from tests.daemon.hub import Hub
from tests.upgrade.golden import FOLDER, differences, play

WAS = {"pid": 1, "name": "web", "ports": [{"port": 80}], "reason": None}
NOT_RECORDED = {"capture_process", "replace_daemon", "rpc.discover", "shutdown_daemon"}


@pytest.mark.parametrize("version", range(OLDEST_PROTOCOL, PROTOCOL_VERSION + 1))
def test_a_recorded_conversation(hub: Hub, version: int) -> None:
    recorded = [json.loads(line) for line in _lines(version)]
    played = play(hub.daemon.socket, hub.project, [entry["sent"] for entry in recorded[1:]])
    found = []
    for then, (_, received) in zip(recorded, played, strict=True):
        assert len(received) == len(then["received"])
        found += [f"{then['sent']}: {text}" for text in differences(then["received"], received)]
    assert found == []


def _lines(version: int) -> list[str]:
    return (FOLDER / f"protocol-{version}.jsonl").read_text(encoding="ascii").splitlines()


def test_every_method_is_recorded() -> None:
    sent = "".join(json.loads(line)["sent"] for line in _lines(PROTOCOL_VERSION))
    assert {name for name in METHODS if name not in sent} == NOT_RECORDED


@pytest.mark.parametrize(
    ("now", "found"),
    [
        (WAS, []),
        ({**WAS, "later": True, "reason": "x"}, []),
        ({**WAS, "pid": 2, "ports": [{"port": 81, "later": 1}, {}]}, []),
        ({**WAS, "pid": "1"}, ["reply.pid was 1 and is '1'"]),
        ({**WAS, "pid": None}, ["reply.pid was 1 and is None"]),
        ({**WAS, "name": "api"}, ["reply.name was 'web' and is 'api'"]),
        ({**WAS, "ports": []}, ["reply.ports is empty"]),
        ({**WAS, "ports": [{}]}, ["reply.ports[0].port is missing"]),
        ({"name": "web", "ports": [{"port": 80}]}, ["reply.pid is missing", "reply.reason is missing"]),
    ],
)
def test_the_judge(now: Any, found: list[str]) -> None:
    assert differences(WAS, now) == found


def test_nothing_of_this_machine_is_recorded() -> None:
    text = "".join(path.read_text(encoding="ascii") for path in Path(FOLDER).iterdir())
    assert "/tmp" not in text
    assert "/root" not in text
