"""What the relay knows of MCP: which headers a message needs, what may be sent twice, how a failure is told.

Sources: the MCP specification, "Streamable HTTP" of 2025-11-25 and of 2026-07-28; JSON-RPC 2.0.
"""

from __future__ import annotations

from binascii import b2a_base64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CLIENT_INFO",
    "LISTEN",
    "READ_TOOLS",
    "VERSION",
    "client_header",
    "error",
    "failure",
    "header_value",
    "is_modern",
    "may_repeat",
    "params_of",
    "percent_encoded",
    "version_headers",
]

VERSION = "io.modelcontextprotocol/protocolVersion"
CLIENT_INFO = "io.modelcontextprotocol/clientInfo"
LISTEN = "subscriptions/listen"

READ_TOOLS = frozenset(
    {"list_processes", "get_process_status", "get_process_output", "wait_for_process", "get_project"}
)
"""Tools that change nothing: they may be called again when the bridge died. A test holds them to their declarations."""

_NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
_NOT_REACHED = -32000
"""A number that JSON-RPC leaves to servers (section 5.1)."""


def params_of(message: Mapping[str, object]) -> dict[str, object]:
    """The parameters by name; none when they are something else."""
    params = message.get("params")
    return params if isinstance(params, dict) else {}


def _meta(message: Mapping[str, object]) -> dict[str, object]:
    meta = params_of(message).get("_meta")
    return meta if isinstance(meta, dict) else {}


def is_modern(message: Mapping[str, object]) -> bool:
    """True for a message of the versions without a handshake, in which each says its version itself."""
    return VERSION in _meta(message)


def version_headers(message: Mapping[str, object], negotiated: str | None) -> list[str]:
    """The headers that mirror a message; ``negotiated`` is the version of the handshake, where there was one."""
    version = _meta(message).get(VERSION)
    if not isinstance(version, str):
        return [f"MCP-Protocol-Version: {negotiated}"] if negotiated and message.get("method") != "initialize" else []
    method = str(message.get("method", ""))
    lines = [f"MCP-Protocol-Version: {header_value(version)}", f"Mcp-Method: {header_value(method)}"]
    name = params_of(message).get(_NAMED_BY.get(method, ""))
    if isinstance(name, str):
        lines.append(f"Mcp-Name: {header_value(name)}")
    return lines


def header_value(text: str) -> str:
    """The text as a header can carry it: as it is, or as ``=?base64?...?=`` (2026-07-28, "Value Encoding")."""
    plain = text.isascii() and (not text or text.isprintable()) and text == text.strip()
    if plain and not (text.startswith("=?base64?") and text.endswith("?=")):
        return text
    encoded = b2a_base64(text.encode("utf-8", "surrogatepass"), newline=False)
    return f"=?base64?{encoded.decode('ascii')}?="


def client_header(message: Mapping[str, object]) -> str | None:
    """``name/version`` of the client that a message tells of; None when it tells of none."""
    info = params_of(message).get("clientInfo") if message.get("method") == "initialize" else None
    info = info or _meta(message).get(CLIENT_INFO)
    if not isinstance(info, dict):
        return None
    name, version = (_plain(info.get(key)) for key in ("name", "version"))
    return f"{name.replace('/', '-')}/{version}" if name else None


def _plain(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(char for char in text[:100] if char.isascii() and char.isprintable()).strip()


def percent_encoded(path: bytes) -> str:
    """A path as a header can carry it (RFC 3986, section 2.1)."""
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in path)


def may_repeat(message: Mapping[str, object]) -> bool:
    """True for a request that changes nothing, so that it may be sent again when its answer was lost."""
    return message.get("method") != "tools/call" or params_of(message).get("name") in READ_TOOLS


def error(request_id: object, code: int, text: str) -> dict[str, object]:
    """The reply that tells an error (JSON-RPC 2.0, section 5.1)."""
    return {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": text}}


def failure(message: Mapping[str, object], text: str) -> dict[str, object]:
    """The reply to a request that did not get through.

    To a call of a tool it is a result that failed: many clients show their model nothing of a JSON-RPC error.
    """
    if message.get("method") != "tools/call":
        return error(message["id"], _NOT_REACHED, text)
    result: dict[str, object] = {"content": [{"type": "text", "text": text}], "isError": True}
    if is_modern(message):
        result["resultType"] = "complete"
    return {"jsonrpc": "2.0", "id": message["id"], "result": result}
