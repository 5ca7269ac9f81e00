"""What nobody may read: the values of variables, and, in the bridge's own files, what processes print."""

from __future__ import annotations

import json
import secrets
import urllib.error
import urllib.request
from pathlib import Path

from tests.kit.bridge import Bridge


def call(bridge: Bridge, path: str, body: object = None) -> str:
    """What the bridge answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(bridge.url + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        text: str = answer.read().decode()
        return text


def rpc(method: str, **params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def test_a_secret_is_nowhere(bridge: Bridge, tmp_path: Path) -> None:
    value, printed = f"value-{secrets.token_hex(8)}", f"printed-{secrets.token_hex(8)}"
    here = {"working_directory": str(tmp_path)}
    start = rpc("start_process", command=["echo", printed], name="quiet", environment={"API_KEY": value}, **here)
    try:
        answers = [call(bridge, "/rpc", start)]
        call(bridge, "/rpc", rpc("wait_for_process", process="quiet", exit=True, timeout_seconds=20, **here))
        query = f"working_directory={tmp_path}&note={value}"
        for path in ("/api/processes?", "/api/processes/quiet?", "/health?"):
            try:
                answers.append(call(bridge, path + query))
            except urllib.error.HTTPError as error:
                answers.append(error.read().decode())
        arguments = {"command": "true", "environment": {"API_KEY": value}, "no_such_argument": value, **here}
        answers.append(call(bridge, "/rpc", rpc("start_process", **arguments)))
        output = call(bridge, "/rpc", rpc("get_process_output", process="quiet", **here))
    finally:
        with bridge.client(tmp_path) as client:
            client.prune_processes()
    assert printed in output
    assert value not in "".join(answers).replace(f"note={value}", "")
    log = bridge.log()
    assert "path=/rpc" in log
    assert value not in log
    assert printed not in log
