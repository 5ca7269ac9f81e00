"""A record that could not be read was set aside at one start of the daemon, and at the next one its folder had no
record, so it was deleted with all output. So went the records of a newer version after one day with an older one."""

from __future__ import annotations

import json
from pathlib import Path

from tests.daemon.hub import Hub
from tests.daemon.records import spoil_record
from tests.kit import is_alive, program


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("stdout-*.log"))}


def test_what_cannot_be_read_survives_with_its_output(own: Hub) -> None:
    own.finish(["echo", "torn"], name="torn")
    own.finish(["echo", "newer"], name="newer")
    live = own.ready(program("sleeper"), name="live")
    folders = {name: Path(own.status(name)["log_directory"]) for name in ("torn", "newer", "live")}
    own.forget_connections()
    own.daemon.kill()
    spoil_record(folders["torn"], b'{"format": 1, "na')
    records = {}
    for name in ("newer", "live"):
        path = folders[name] / "record.json"
        records[path] = json.dumps({**json.loads(path.read_bytes()), "format": 2}).encode()
        path.write_bytes(records[path])
    output = {name: contents(folder) for name, folder in folders.items()}
    assert b"".join(output["torn"].values()) == b"torn\n"
    for _ in range(3):
        own.daemon.start()
        assert is_alive(live["pid"])
        assert {name: contents(folder) for name, folder in folders.items()} == output
        assert (folders["torn"] / "record.unreadable").exists()
        own.forget_connections()
        own.daemon.kill()
    assert {path: path.read_bytes() for path in records} == records
