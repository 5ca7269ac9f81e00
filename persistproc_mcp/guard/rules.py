"""What the head of a request must be like, whoever sends it. The first rule that it breaks decides."""

from __future__ import annotations

import hmac
from typing import NamedTuple

from starlette.types import Scope

from . import limits
from .addresses import Addresses
from .refusal import Refusal

__all__ = ["Head", "check", "too_large"]

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_WRITING = ("POST", "PATCH")
_READING = ("GET", "HEAD")
_ALLOW = ((b"allow", ", ".join(_METHODS).encode()),)
# The colon, the blank and the line's end.
_AROUND = 4
# What proxies and tunnels add. Such a peer is ours, and whom it speaks for is not known.
_FORWARDED = {"forwarded", "via", "x-real-ip", "cf-connecting-ip", "true-client-ip", "x-client-ip", "x-original-host"}
_FORWARDED_PREFIX = "x-forwarded-"


class Head(NamedTuple):
    """The head of a request, as the rules look at it."""

    method: str
    """GET for a WebSocket."""
    target: str
    """As it was sent, without the query."""
    version: str
    headers: dict[str, list[str]]
    """All values by name, names in lower case."""
    bytes: int
    """Of the headers."""
    unix: bool
    """Whether it came over the Unix socket."""

    @classmethod
    def of(cls, scope: Scope, *, unix: bool) -> Head:
        """The head of an ASGI scope, HTTP or WebSocket."""
        target = scope.get("raw_path") or scope["path"].encode()
        headers: dict[str, list[str]] = {}
        size = 0
        for name, value in scope["headers"]:
            size += len(name) + len(value) + _AROUND
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        return cls(scope.get("method", "GET"), target.decode("latin-1"), scope["http_version"], headers, size, unix)

    def all(self, name: str) -> list[str]:
        """The values of all headers of the name."""
        return self.headers.get(name, [])

    @property
    def has_body(self) -> bool:
        """Whether a body follows (RFC 9112, section 6.3)."""
        return "transfer-encoding" in self.headers or any(each.strip() != "0" for each in self.all("content-length"))


def check(head: Head, addresses: Addresses, token: str | None) -> Refusal | None:
    """Why the request is refused; None: it is not. ``token`` is what callers of the port must know."""
    return (
        _line(head)
        or _size(head)
        or _host(head, addresses)
        or _page(head, addresses)
        or (_proxy(head) if token is None else None)
        or _body(head)
        or (None if token is None or head.unix else _token(head, token))
    )


def _line(head: Head) -> Refusal | None:
    if head.version != "1.1":
        return Refusal(505, "http_version", f"HTTP/{head.version} is not spoken here.", "Use HTTP/1.1.")
    if head.method not in _METHODS:
        # OPTIONS as well: that is what a page asks before it may send what is not a plain form.
        return Refusal(405, "method_not_allowed", f"{head.method[:20]} is not used here.", headers=_ALLOW)
    if not head.target.startswith("/"):
        # The absolute form is for proxies (RFC 9112, section 3.2.2): its host would stand beside that of Host.
        return Refusal(400, "bad_target", "The request target must be a path.", "This is not a proxy.")
    return None


def _size(head: Head) -> Refusal | None:
    count = sum(len(values) for values in head.headers.values())
    if len(head.target) + head.bytes > limits.MAX_HEAD_BYTES or count > limits.MAX_HEADERS:
        return Refusal(431, "head_too_large", f"The headers are longer than {limits.MAX_HEAD_BYTES} bytes.")
    return None


def _host(head: Head, addresses: Addresses) -> Refusal | None:
    hosts = head.all("host")
    if len(hosts) != 1:
        return Refusal(400, "bad_host", f"There must be one Host header; there are {len(hosts)}.")
    if not addresses.is_host(hosts[0], unix=head.unix):
        wrong = "The Host header names something else than this server."
        return Refusal(421, "wrong_host", wrong, f"For example {addresses.example} is right.")
    return None


def _page(head: Head, addresses: Addresses) -> Refusal | None:
    """What browsers add to the requests of pages, and pages cannot change (Fetch standard, forbidden headers)."""
    foreign = "Pages of other sites may not call this server."
    if any(not addresses.is_origin(origin) for origin in head.all("origin")) or len(head.all("origin")) > 1:
        return Refusal(403, "foreign_origin", foreign, "Programs send no Origin header.")
    # same-site is another port of localhost: somebody's page in development.
    if any(site not in {"same-origin", "none"} for site in head.all("sec-fetch-site")):
        return Refusal(403, "foreign_page", foreign, "Open the address itself.")
    return None


def _proxy(head: Head) -> Refusal | None:
    found = next((name for name in head.headers if name in _FORWARDED or name.startswith(_FORWARDED_PREFIX)), None)
    if found is None:
        return None
    return Refusal(
        403,
        "forwarded",
        f"The request came through a proxy (it has {found[:40]}), so it cannot be told who sent it.",
        "Serve with a token to use one: persistproc serve --token.",
    )


def _body(head: Head) -> Refusal | None:
    lengths = head.all("content-length")
    if head.all("transfer-encoding") and lengths:
        # Two ways to tell where the body ends, and two readers may choose differently (RFC 9112, section 6.3).
        return Refusal(400, "bad_body", "There are both Content-Length and Transfer-Encoding.")
    if head.method in _READING:
        return Refusal(400, "bad_body", f"{head.method} takes no body.") if head.has_body else None
    if any(length.isdecimal() and int(length) > limits.MAX_BODY_BYTES for length in lengths):
        return too_large()
    if head.all("content-encoding"):
        return Refusal(415, "encoded_body", "The body must not be compressed.")
    # A page may send forms and plain text anywhere without asking; JSON it may not (Fetch standard, CORS-safelisted).
    if (head.method in _WRITING or head.has_body) and not _is_json(head.all("content-type")):
        return Refusal(415, "not_json", "Content-Type must be application/json.", "The body must be JSON in UTF-8.")
    return None


def too_large() -> Refusal:
    """What whoever sends too much is told."""
    return Refusal(413, "body_too_large", f"The body is longer than {limits.MAX_BODY_BYTES} bytes.", "Send less.")


def _is_json(values: list[str]) -> bool:
    if len(values) != 1:
        return False
    kind, *parameters = (part.strip().lower() for part in values[0].split(";"))
    return kind == "application/json" and all(each.replace('"', "") in {"", "charset=utf-8"} for each in parameters)


def _token(head: Head, token: str) -> Refusal | None:
    values = head.all("authorization")
    scheme, _, given = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    # The whole comparison takes as long for a good beginning as for a bad one.
    right = hmac.compare_digest(given.strip().encode(), token.encode())
    if scheme.lower() == "bearer" and right:
        return None
    # Without WWW-Authenticate, although RFC 9110 wants it: MCP clients would begin an OAuth flow.
    hint = "Send it as: Authorization: Bearer TOKEN (it is in the file token of persistproc's home)."
    wrong = "This is not the token." if values else "A token is needed here."
    return Refusal(401, "token_needed", wrong, hint, plain=True)
