"""Makes the reference pages from the declarations in the code: ``python -m tests.docs.generate``."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator
from pathlib import Path

import typing_extensions

from persistproc_core import errors, framing, protocol
from persistproc_core.daemon.states import ENDED, LIVE, TRANSITIONS
from tests.docs.command_page import command_page
from tests.docs.doctor_page import doctor_page
from tests.docs.http_page import http_page
from tests.docs.markdown import slug, table
from tests.docs.project_file_page import project_file_page, schema_page
from tests.docs.tools_page import tools_page

__all__ = ["DOCS", "PAGES", "protocol_page"]

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"

INTRODUCTION = """\
# The protocol

<!-- Made by `make docs` from persistproc_core/protocol.py, errors.py and daemon/states.py. Do not edit. -->

The daemon speaks [JSON-RPC 2.0](https://www.jsonrpc.org/specification) over a Unix socket, `~/.persistproc/sock`
unless `PERSISTPROC_HOME` says otherwise. One message is one line of UTF-8 JSON that ends in a newline.
Parameters are given by name.

Only the user who runs the daemon can connect: the socket is mode 0600 in a folder of mode 0700,
and the daemon checks the user id of each peer.

The first line on a connection comes from the daemon. It is a notification, `hello`:

```json
{"jsonrpc":"2.0","method":"hello","params":{"protocol":1,"oldest_protocol":1,"version":"0.1.0","pid":47,"instance":"5d"}}
```

Then requests may be sent, without waiting for the replies to earlier ones.
Replies come in the order in which they are ready, so tell them apart by `id`:

```json
{"jsonrpc": "2.0", "id": 1, "method": "stop_process", "params": {"process": "web"}}
```

A request without an `id` is a notification and is not answered, not even with an error.
Several requests may be sent as one batch (a JSON array).
`rpc.discover` returns all of what follows as an [OpenRPC](https://spec.open-rpc.org) document.

A client ignores fields that it does not know: later versions add some without a new protocol version.
The daemon refuses parameters that it does not know, so that a misspelt one is never silently without effect.

The daemon serves clients of every protocol version from `oldest_protocol` to `protocol`. Of any version, the hello,
`get_daemon_status`, `replace_daemon` and `shutdown_daemon` keep their form, so that a daemon that is too old or too
new can always be replaced.

While the daemon is [replaced](#replace_daemon) it ends what it had begun to change, and answers that.
Everything else it refuses with `shutting_down` and `data.again`: nothing was done, and the same may be asked again at
once over a new connection, which waits until the new daemon serves. Then it closes the connection.

"""


def protocol_page() -> str:
    """The text of docs/api/protocol.md."""
    parts = [INTRODUCTION, "## Methods\n\n", _method_index()]
    parts += [_method(method) for method in protocol.METHODS.values()]
    parts += ["## Types\n\n", *(_type(cls) for cls in _shared_types())]
    parts += ["## States\n\n", _states(), "## Errors\n\n", _errors(), "## Limits\n\n", _limits()]
    return "".join(parts).rstrip("\n") + "\n"


PAGES = {
    DOCS / "api" / "command-line.md": command_page,
    DOCS / "api" / "http.md": http_page,
    DOCS / "api" / "mcp-tools.md": tools_page,
    DOCS / "api" / "persistproc.schema.json": schema_page,
    DOCS / "api" / "protocol.md": protocol_page,
    DOCS / "user-guide" / "project-file.md": project_file_page,
    DOCS / "user-guide" / "troubleshooting.md": doctor_page,
}


def _method_index() -> str:
    return table(
        ("method", "what it does"),
        ((f"[`{method.name}`](#{_anchor(method.name)})", method.summary) for method in protocol.METHODS.values()),
    )


def _method(method: protocol.Method) -> str:
    parts = [f"### {method.name}\n\n{method.summary}\n\n"]
    # What is needed first, what every method takes last.
    common = [name for name, _, _ in _fields(protocol.CallerParams)]
    fields = sorted(_fields(method.params), key=lambda field: (field[0] in common, REQUIRED not in field[2]))
    if fields:
        parts.append(table(("parameter", "type", "meaning"), fields))
    else:
        parts.append("It takes no parameters.\n\n")
    if typing_extensions.is_typeddict(method.result):
        parts.append(f"Result: [{method.result.__name__}](#{_anchor(method.result.__name__)}).\n\n")
    if method.errors:
        listed = ", ".join(f"`{error.code}`" for error in method.errors)
        parts.append(f"Errors: {listed}.\n\n")
    return "".join(parts)


def _type(cls: type) -> str:
    title = f"### {cls.__name__}\n\n{inspect.getdoc(cls)}\n\n"
    fields = list(_fields(cls))
    bases = [base for base in typing_extensions.get_original_bases(cls) if typing_extensions.is_typeddict(base)]
    for base in bases:
        title += f"All fields of [{base.__name__}](#{_anchor(base.__name__)}), and:\n\n"
        inherited = {name for name, _, _ in _fields(base)}
        fields = [field for field in fields if field[0] not in inherited]
    return title + table(("field", "type", "meaning"), fields)


def _fields(cls: type) -> Iterator[tuple[str, str, str]]:
    required = getattr(cls, "__required_keys__", frozenset[str]())
    optional_by_default = not required
    for name, hint in typing_extensions.get_type_hints(cls, include_extras=True).items():
        must = name in required
        meaning, limits = "", ""
        if _origin(hint) is typing_extensions.Required:
            must, hint = True, typing_extensions.get_args(hint)[0]
        if _origin(hint) is typing.Annotated:
            hint, *notes = typing_extensions.get_args(hint)
            meaning = next((note for note in notes if isinstance(note, str)), "")
            limits = next((_range(note, hint) for note in notes if isinstance(note, protocol.Allowed)), "")
        if must and optional_by_default:
            meaning = f"{REQUIRED} {meaning}"
        yield f"`{name}`", _type_name(hint), " ".join(filter(None, [meaning, limits]))


def _range(allowed: protocol.Allowed, hint: object) -> str:
    if hint in (int, float):
        return f"{_number(allowed.least)} to {_number(allowed.most)}."
    unit = "characters" if hint is str else "long"
    return f"{_number(allowed.least)} to {_number(allowed.most)} {unit}."


def _number(value: float | None) -> str:
    return "any" if value is None else f"{value:,.10g}".replace(",", " ")


REQUIRED = "**Required.**"
STATES = typing.get_args(protocol.State)
UNIONS: tuple[object, ...] = (typing.Union, types.UnionType)
SIMPLE = {str: "text", int: "integer", float: "number", bool: "true or false", type(None): "null"}


def _type_name(hint: object) -> str:
    origin = _origin(hint)
    args = typing_extensions.get_args(hint)
    if origin is typing.Literal:
        return ", ".join(f"`{value}`" for value in args)
    if origin in UNIONS:
        return " or ".join(_type_name(arg) for arg in args)
    if origin is list:
        return f"list of {_type_name(args[0])}"
    if origin is dict:
        return "object" if args[1] is typing.Any else f"object of {_type_name(args[1])}"
    if isinstance(hint, type) and typing_extensions.is_typeddict(hint):
        return f"[{hint.__name__}](#{_anchor(hint.__name__)})"
    return SIMPLE[typing.cast(type, hint)]


def _origin(hint: object) -> object:
    origin: object = typing_extensions.get_origin(hint)
    return origin


def _shared_types() -> list[type]:
    """Every notification and result, and every type they or the parameters name, in the order of the declaration."""
    found: dict[type, None] = {}
    queue = [notification.params for notification in protocol.NOTIFICATIONS.values()]
    queue += [method.result for method in protocol.METHODS.values()]
    queue += [hint for method in protocol.METHODS.values() for hint in _named(method.params)]
    while queue:
        cls = queue.pop()
        if typing_extensions.is_typeddict(cls) and cls not in found:
            found[cls] = None
            queue += _named(cls)
    order = [cls for cls in vars(protocol).values() if isinstance(cls, type)]
    return sorted(found, key=order.index)


def _named(cls: type) -> list[type]:
    if not typing_extensions.is_typeddict(cls):
        return []
    return [leaf for hint in typing_extensions.get_type_hints(cls).values() for leaf in _leaves(hint)]


def _leaves(hint: object) -> Iterator[type]:
    if isinstance(hint, type) and typing_extensions.is_typeddict(hint):
        yield hint
    for arg in typing_extensions.get_args(hint):
        yield from _leaves(arg)


def _states() -> str:
    """The transition table, from the one that the daemon asserts."""
    rows = [(f"`{state}`", event.value, f"`{after}`") for (state, event), after in TRANSITIONS.items()]
    live = (f"`{state}`" for state in STATES if state in LIVE)
    ended = (f"`{state}`" for state in STATES if state in ENDED)
    told = f"A run is live while it is {', '.join(live)}; it has ended when it is {', '.join(ended)}.\n"
    told += "A process is `restarting` while its newest run has ended, and its policy is to start it again.\n\n"
    return told + table(("state", "event", "next state"), rows)


def _errors() -> str:
    told = (
        "`error.data.error` is the stable code of an error: tell errors apart by it.\n"
        "`error.data.hint` says what to do next, and further fields of `error.data` hold the facts.\n"
        "The exit code is what the command line ends with.\n\n"
    )
    rows = []
    for cls in errors.error_classes():
        code = "126 or 127" if cls is errors.StartFailed else str(cls.exit_code)
        rows.append((f"`{cls.code}`", str(cls.rpc_code), code, " ".join((inspect.getdoc(cls) or "").split())))
    return told + table(("code", "number", "exit code", "meaning"), [(a, b, c, _ticks(d)) for a, b, c, d in rows])


def _limits() -> str:
    rows = [(f"`{name}`", _number(value), meaning) for name, (value, meaning) in protocol.LIMITS.items()]
    reply = f"A reply is never longer than {framing.MAX_REPLY_BYTES // 2**20} MiB.\n"
    return table(("limit", "value", "meaning"), rows) + reply


def _ticks(text: str) -> str:
    return text.replace("``", "`")


def _anchor(name: str) -> str:
    return slug(name)


def main() -> None:
    """Write all pages."""
    for path, make in PAGES.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(make(), "utf-8")


if __name__ == "__main__":
    main()
