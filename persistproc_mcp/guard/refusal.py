"""What a refused client reads: what is wrong, and what to do."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import NamedTuple

__all__ = ["Refusal"]


class Refusal(NamedTuple):
    """One refused request."""

    status: int
    code: str
    """Stable, for programs: forbidden_origin."""
    message: str
    hint: str = ""
    plain: bool = False
    """As text. The answer to a missing token: MCP clients take JSON there for an OAuth error."""
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def body(self) -> bytes:
        """What stands in the answer."""
        if self.plain:
            return f"{self.message} {self.hint}".strip().encode() + b"\n"
        error = {"code": self.code, "message": self.message}
        if self.hint:
            error["hint"] = self.hint
        return json.dumps({"error": error}, separators=(",", ":")).encode() + b"\n"

    def all_headers(self) -> list[tuple[bytes, bytes]]:
        """Of the answer. The connection is closed: what is left of the request is not read."""
        kind = b"text/plain; charset=utf-8" if self.plain else b"application/json"
        length = b"%d" % len(self.body())
        return [(b"content-type", kind), (b"content-length", length), (b"connection", b"close"), *self.headers]

    def as_bytes(self) -> bytes:
        """The answer as it goes over the wire, where no application is asked."""
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}".encode()]
        lines += [name + b": " + value for name, value in self.all_headers()]
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body()
