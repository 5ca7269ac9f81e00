"""The page about the HTTP interface, made from its table of resources and the OpenAPI document."""

from __future__ import annotations

from typing import Any

from persistproc_core import errors
from persistproc_mcp.api.failures import STATUSES
from persistproc_mcp.api.openapi import openapi_document
from persistproc_mcp.api.resources import RESOURCES, STREAMS, Resource
from tests.docs.markdown import slug, table

__all__ = ["http_page"]

INTRODUCTION = """\
# The HTTP interface

<!-- Made by `make docs` from persistproc_mcp/api. Do not edit. -->

The bridge, `persistproc serve`, answers on `http://127.0.0.1:8947`. Agents use `/mcp/`;
for programs and scripts there is what follows.
It is the [protocol](protocol.md) of the daemon over HTTP: the same methods, parameters, results and errors.
`http://127.0.0.1:8947/docs` is a readable reference of the running version, and `/openapi.json` its OpenAPI document.

Who may call is told in [Security](#security): programs of your own user, and no page of another site.

## Examples

<!-- test: bridge -->
```sh
# Start a web server, or join the one that runs already.
curl -sf http://127.0.0.1:8947/api/processes -H 'Content-Type: application/json' \\
    -d '{"command": "python3 -u -m http.server 8123", "name": "docs", "reason": "to look at the pages"}'
# Wait until it listens, at most 30 s.
curl -sf http://127.0.0.1:8947/api/processes/docs/wait -H 'Content-Type: application/json' \\
    -d '{"port": 8123, "timeout_seconds": 30}'
# What runs in the project of this directory; what it printed.
curl -sf 'http://127.0.0.1:8947/api/processes?running=true'
curl -sf 'http://127.0.0.1:8947/api/processes/docs/output?lines=20'
# A process of another project: the slash is written %2F.
curl -sf "http://127.0.0.1:8947/api/processes/$(basename "$PWD")%2Fdocs"
# Restart it and stop it, with a reason that others see; forget it.
curl -sf http://127.0.0.1:8947/api/processes/docs/restart -H 'Content-Type: application/json' \\
    -d '{"reason": "new pages"}'
curl -sf http://127.0.0.1:8947/api/processes/docs/stop -H 'Content-Type: application/json' -d '{}'
curl -sf -X DELETE http://127.0.0.1:8947/api/processes/docs
# On the Unix socket of the bridge, which only you can open, no port is needed.
curl -sf --unix-socket ~/.persistproc/mcp.sock http://localhost/health
# The same over JSON-RPC.
curl -sf http://127.0.0.1:8947/rpc -H 'Content-Type: application/json' \\
    -d '{"jsonrpc": "2.0", "id": 1, "method": "list_processes", "params": {"all_projects": true}}'
```

"""

REQUESTS = """\
## Requests and replies

A GET or DELETE takes its parameters in the query. A list is a name given several times, an object JSON.
A POST takes them in a JSON object, with `Content-Type: application/json`; where none is needed, `{}` will do.
Parameters that are not known are refused, with the nearest name.
A GET never changes anything.

`{process}` is a name, a pid, or `project/name` as one segment: `shop%2Fweb`.

`working_directory` is where names are looked up, and where a command is started. Without it the caller's own is taken,
where that can be told: the bridge asks the kernel which process is at the other end of the connection. Where it cannot,
something is started only with a `working_directory`.
`client` is filled in likewise: a `name` from the `User-Agent`, and the `pid`.

A reply is the result of the method, as JSON. When the client closes the connection, what was waited for on its
behalf is given up. When the bridge ends, the answer is 503 with `shutting_down`: ask again.

"""

STREAMING = """\
## Streams

A stream is a GET that is not over: [server-sent events](https://html.spec.whatwg.org/multipage/server-sent-events.html),
as an `EventSource` reads them, or, with a WebSocket handshake at the same path, one text frame for each event.

"""

STREAMING_MORE = """\
Each event is a JSON object with its `type`; fields that are null are left out.

| type | what it holds |
| --- | --- |
| `output` | what a process printed: `lines`, `cursor`, ... as in [ProcessOutput](protocol.md#processoutput) |
| `started`, `exited`, `failed`, ... | what happened, as in [Events](events.md) |
| `missed` | first of a stream whose `after` is too long ago: some events are no longer kept |
| `ended` | last of a stream that ends by itself, with the `reason`; with an `error` when it failed |

With `text=true` an event is a readable line, and output the lines as they are:
that is for tools that show each frame to a model or a person, such as a monitor of an agent on
`ws://127.0.0.1:8947/api/events?text=true`.
The beginning of a line waits for its end. When half a second long no more of it comes, it is a line of its own: so a
prompt is seen. In JSON it comes at once, as a line that is `partial`.

<!-- test: bridge -->
```sh
curl -sf http://127.0.0.1:8947/api/processes -H 'Content-Type: application/json' \\
    -d '{"command": ["sh", "-c", "echo hello; exit 3"], "name": "hello"}'
curl -sf http://127.0.0.1:8947/api/processes/hello/wait -H 'Content-Type: application/json' -d '{"exit": true}'
# Ends when the process is removed, or with Ctrl-C.
timeout 1 curl -sN 'http://127.0.0.1:8947/api/processes/hello/output/stream?lines=10&text=true' || test $? = 124
```

```text
retry: 1000

id: eJyrVkpM...
event: output
data: hello

id: eJyrVkpM...
event: failed
data: 14:02:11 hello failed (exit code 3)
```

**Going on.** The `id` of an event is a place in the stream. A request with that id in the header `Last-Event-ID`, as an
`EventSource` sends it by itself, or in the parameter `last_event_id`, goes on after that event: nothing is
missed and nothing comes twice, also over restarts of the bridge and of the daemon.
In `/api/events` the id is the number of the event, and `after` takes it too.
A WebSocket of one process goes on with `cursor`, the one of its last frame.
When everything that a stream named was removed meanwhile, the answer is 204, which tells an `EventSource` to stop.

**Slow readers.** There is no queue: the next event is fetched when the one before was taken.
A reader that stands still costs nothing and slows nobody; it gets the rest from the file when it goes on.
A comment, `: alive`, is sent after 15 s without an event.

"""

RPC = """\
## JSON-RPC

`POST /rpc` takes one request or a batch of up to 16, of any [method](protocol.md#methods) of the protocol.
Errors of methods come with status 200, as JSON-RPC has it; notifications alone are answered with 204.
Methods that subscribe are refused: the streams above are those.

"""

ERRORS = """\
## Errors

```json
{"error":{"code":"process_not_found","message":"there is no process 'wbe'","hint":"did you mean web?"}}
```

Tell errors apart by `code`; further fields are the facts of the case, as in [the protocol](protocol.md#errors).

"""

SECURITY = """\
## Security

Whoever may call can start any program as you, so this is checked before anything else, for each request:

- On Linux the other end of the connection must be a process of your own user; the kernel is asked.
  Elsewhere, and with `persistproc serve --token`, it must send `Authorization: Bearer TOKEN`.
- `Host` must name this server, which keeps out pages that had their own name resolved to this machine.
- `Origin`, when there is one, must be this server itself, and `Sec-Fetch-Site` must not be that of a foreign page.
- What changes something needs `Content-Type: application/json`, which no page can send here unasked.
"""


def http_page() -> str:
    """The text of docs/api/http.md."""
    document = openapi_document()
    parts = [INTRODUCTION, REQUESTS, "## Resources\n\n", _resources(document)]
    parts += [STREAMING, _streams(), STREAMING_MORE, RPC, ERRORS, _statuses(), SECURITY]
    return "".join(parts)


def _resources(document: Any) -> str:
    rows = []
    for resource in RESOURCES:
        summary = document["paths"][resource.path][resource.verb.lower()]["summary"]
        rows.append((f"`{resource.verb}`", f"`{resource.path}`", _method(resource), summary))
    rows.append(("`POST`", "`/rpc`", "any", "See [JSON-RPC](#json-rpc)."))
    rows.append(("`GET`", "`/health`", "", "The bridge, its address, and the daemon when it runs; starts none."))
    after = (
        "A start is answered with 201 and a `Location`, or with 200 when it ran already.\n"
        "Left out because they would change something or be written into a log: "
    )
    left_out = [f"`{name}` of `{each.verb} {each.path}`" for each in RESOURCES for name in each.left_out]
    return table(("", "path", "method", "what it does"), rows) + after + ", ".join(left_out) + ".\n\n"


def _method(resource: Resource) -> str:
    return f"[`{resource.method}`](protocol.md#{slug(resource.method)})"


def _streams() -> str:
    rows = [
        (f"`{stream.path}`", f"[`{stream.method}`](protocol.md#{slug(stream.method)})", stream.summary)
        for stream in STREAMS
    ]
    told = (
        "They take the parameters of the method. `/api/output/stream?process=web&process=api` follows several, and "
        "without `process` all of the project; the one of a process takes a `cursor`.\n\n"
    )
    return table(("path", "method", "what it does"), rows) + told


def _statuses() -> str:
    found: dict[int, list[str]] = {}
    for cls in errors.error_classes():
        found.setdefault(STATUSES[cls], []).append(f"`{cls.code}`")
    return table(("status", "codes"), [(str(status), ", ".join(codes)) for status, codes in sorted(found.items())])
