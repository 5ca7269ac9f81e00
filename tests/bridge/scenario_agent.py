"""An agent for the scenario: reads calls from its standard input, as ``list_processes()``, and prints the answers.

A process of its own, as real agents are: the bridge tells them apart by it, and takes its directory for the project's.
"""

from __future__ import annotations

import ast
import http.client
import json
import sys

END = "\x1e"
"""Stands alone in the line after an answer."""


def main(port: int, name: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for line in sys.stdin:
        call = ast.parse(line, mode="eval").body
        assert isinstance(call, ast.Call)
        assert isinstance(call.func, ast.Name)
        arguments = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
        print(answer(connection, name, call.func.id, arguments), END, sep="\n", flush=True)


def answer(connection: http.client.HTTPConnection, name: str, tool: str, arguments: dict[str | None, object]) -> str:
    revision = "2026-07-28"
    meta = {
        "io.modelcontextprotocol/protocolVersion": revision,
        "io.modelcontextprotocol/clientInfo": {"name": name, "version": "1.0"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": tool, "arguments": arguments, "_meta": meta}
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": revision,
        "Mcp-Method": "tools/call",
        "Mcp-Name": tool,
    }
    request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    connection.request("POST", "/mcp/", request, headers)
    text = connection.getresponse().read().decode()
    # An answer that took longer comes as an event.
    message = json.loads(text.split("data: ", 1)[-1])
    return str(message["result"]["content"][0]["text"])


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
