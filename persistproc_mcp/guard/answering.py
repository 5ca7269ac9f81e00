"""What every answer carries, and the answers that the guard gives itself."""

from __future__ import annotations

from starlette.types import Message, Scope, Send

from .body import Body
from .refusal import Refusal

__all__ = ["Answering"]

_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
# A page of ours: its own files and inline styles; no inline script, nothing from elsewhere.
_PAGE_POLICY = (
    f"{_POLICY}; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'"
)

_ALWAYS = (
    # Else a browser takes output of a process for a page or a script.
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    # Not even as an image, a script or a style of another page.
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
)
_REPLACED = {name for name, _ in _ALWAYS}
_CORS = b"access-control-"

_DEFECT = Refusal(500, "internal_error", "persistproc has failed here.", "Its log, bridge.log, tells where; report it.")


class Answering:
    """Sends one answer, and knows how far it is."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self.status: int | None = None
        """What the client was told; None: nothing yet."""
        self.refusal: Refusal | None = None
        """What the guard had against it."""

    async def send(self, message: Message) -> None:
        """Pass a message of the application on."""
        if message["type"] in {"http.response.start", "websocket.http.response.start"}:
            self.status = message["status"]
            message = {**message, "headers": _guarded(list(message.get("headers", ())))}
        elif message["type"] == "websocket.accept":
            self.status = 101
        elif message["type"] == "websocket.close" and self.status is None:
            self.status = 403
        await self._send(message)

    async def refuse(self, refusal: Refusal, body: Body | None = None) -> None:
        """Answer with a refusal; what is left of the request's body is discarded before the connection is closed."""
        self.refusal = refusal
        if self._scope["type"] == "http":
            kind = "http.response"
        elif "websocket.http.response" in self._scope.get("extensions", {}):
            kind = "websocket.http.response"
        else:
            await self.send({"type": "websocket.close", "code": 1008})
            return
        await self.send({"type": f"{kind}.start", "status": refusal.status, "headers": refusal.all_headers()})
        await self.send({"type": f"{kind}.body", "body": refusal.body(), "more_body": True})
        if body is not None:
            await body.discard()
        await self.send({"type": f"{kind}.body", "body": b""})

    async def fail(self) -> None:
        """Answer for a defect, as long as nothing was answered yet; after that the server closes the connection."""
        if self.status is None:
            await self.refuse(_DEFECT)


def _guarded(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    kept = [
        (name, value) for name, value in headers if name.lower() not in _REPLACED and not name.lower().startswith(_CORS)
    ]
    is_page = any(name.lower() == b"content-type" and b"html" in value.lower() for name, value in headers)
    policy = _PAGE_POLICY if is_page else _POLICY
    # A policy of the route's own stays: of two both are enforced (Content Security Policy, section 8.1).
    return [*kept, *_ALWAYS, (b"content-security-policy", policy.encode())]
