"""A connection on which nothing is asked any more is closed, whatever was asked last."""

from __future__ import annotations

import json
import logging
import socket
from pathlib import Path

import anyio
import pytest

from persistproc_core.daemon import session
from persistproc_core.daemon.dispatch import Dispatcher
from persistproc_core.daemon.kernel.peer import Peer
from persistproc_core.daemon.log import Log
from persistproc_core.protocol import METHODS

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("method", ["rpc.discover", "get_news"])
async def test_an_idle_connection_is_closed(method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The log takes over the root logger.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(logging, "raiseExceptions", True)
    monkeypatch.setattr(session, "_IDLE_SECONDS", 0.3)

    async def answer(params: object, peer: Peer) -> object:
        # Longer than the daemon needs to wait for the next line of the connection.
        await anyio.sleep(0.05)
        return "answered"

    dispatcher = Dispatcher(dict.fromkeys(METHODS, answer), Log(str(tmp_path / "daemon.log")))
    ours, theirs = socket.socketpair()
    with ours, theirs, anyio.fail_after(10):
        served = session.Session(
            theirs,
            Peer(0, None),
            dispatcher,
            {"protocol": 1, "oldest_protocol": 1, "version": "", "pid": 1, "instance": ""},
        )
        ours.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method}).encode() + b"\n")
        await served.serve()
        assert b'"answered"' in ours.recv(65536)
