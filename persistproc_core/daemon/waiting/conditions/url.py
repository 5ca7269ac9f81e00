"""Waiting until a URL answers."""

from __future__ import annotations

import errno
import ipaddress
import os
import ssl
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import anyio
from anyio.abc import ByteReceiveStream, ByteStream
from anyio.streams.buffered import BufferedByteReceiveStream

from ....errors import InvalidParams
from ...kernel.listening import PortWatch
from ...model import Run
from .condition import Looked, Met
from .ending import answered

__all__ = ["BELOW_500", "Target", "Url", "Wanted", "ask", "parse_url"]

_TRY_SECONDS = 5.0
_FIRST_TRY_SECONDS = 0.2
_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 0.1
_FIRST_UNHEARD, _LONGEST_UNHEARD = 1.0, 5.0
_LONGEST_LINE = 8192
_MOST_HEADER_LINES = 200


class Wanted(NamedTuple):
    """Which status is an answer."""

    below: int
    exactly: int | None = None

    def takes(self, status: int) -> bool:
        """Whether this one is."""
        return status < self.below if self.exactly is None else status == self.exactly


BELOW_500 = Wanted(500)


class Target(NamedTuple):
    """Where and what to ask."""

    host: str
    port: int
    tls: bool
    authority: str
    """For the Host field."""
    path: str
    """Path and query, as they go over the wire."""

    @property
    def is_local(self) -> bool:
        """True when whoever answers must listen on this machine."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return address.is_loopback or address.is_unspecified


def parse_url(url: str) -> Target:
    """Take a URL apart. Raises `InvalidParams`."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
        name = host if ":" in host else host.encode("idna").decode("ascii")
        url.encode("utf-8")  # half of a surrogate pair is no character
    except (ValueError, UnicodeError) as error:
        raise InvalidParams(f"url is not a URL: {error}", hint="such as http://localhost:3000/") from None
    if parts.scheme not in ("http", "https"):
        raise InvalidParams(f"url must begin with http:// or https://, not {url[:40]!r}")
    if not name or port == 0 or any(char.isspace() or ord(char) < 32 for char in name):
        raise InvalidParams(f"url names no host and port that could answer: {url[:80]!r}")
    authority = f"[{name}]" if ":" in name else name
    if port is not None:
        authority += f":{port}"
    # What is quoted already stays as it is; everything else that is no ASCII graphic character is quoted.
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        path += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")
    tls = parts.scheme == "https"
    return Target(name, port or (443 if tls else 80), tls, authority, path)


class Url:
    """The URL answers with such a status. Redirects are an answer, and not followed; any certificate will do."""

    def __init__(
        self,
        run: Run,
        target: Target,
        wanted: Wanted = BELOW_500,
        longest_pause: float = _LONGEST_PAUSE,
        objection: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        """``longest_pause`` is the most between two attempts, in seconds. ``objection()`` is asked once it answers: in
        words, why that does not count; empty when it does.
        """
        self._run = run
        self._target = target
        self._wanted = wanted
        self._longest_pause = longest_pause
        self._objection = objection
        self._told = "it was not asked yet"

    async def met(self, looked: Looked) -> Met | None:
        # A server may accept and not answer.
        return await answered(self._run, lambda: self._answer(looked), looked, _FIRST_TRY_SECONDS)

    async def _answer(self, looked: Looked) -> Met:
        pause, unheard = _FIRST_PAUSE, _FIRST_UNHEARD
        watch = PortWatch(self._target.port)
        try:
            while True:
                status, told = await ask(self._target)
                if status is not None and self._wanted.takes(status):
                    told = "" if self._objection is None else await self._objection()
                    if not told:
                        return Met("url", status_code=status)
                # Only now: an answer to which there is an objection must not be told as what was wrong.
                self._told = told
                looked()
                if self._target.is_local and watch.works and not watch.sockets():
                    # After a while in any case: an address may be forwarded by the kernel.
                    await watch.wait_changed(frozenset(), unheard)
                    unheard = min(unheard * 1.5, _LONGEST_UNHEARD)
                else:
                    await anyio.sleep(pause)
                pause = min(pause * 1.5, self._longest_pause)
        finally:
            watch.close()

    async def obstacle(self) -> str:
        return self._told


async def ask(target: Target, seconds: float = _TRY_SECONDS) -> tuple[int | None, str]:
    """Ask once: the status, None when there is none, and in words what came of it."""
    try:
        with anyio.fail_after(seconds):
            status = await _status_of(target)
    except TimeoutError:
        return None, f"it did not answer within {seconds:g} s"
    except (OSError, ssl.SSLError, anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
        return None, f"it cannot be reached: {_reason(error)}"
    except (anyio.EndOfStream, anyio.IncompleteRead, anyio.DelimiterNotFound, ValueError):
        return None, "what answers there does not speak HTTP"
    return status, f"it answers with status {status}"


async def _status_of(target: Target) -> int:
    stream: ByteStream
    if target.tls:
        stream = await anyio.connect_tcp(
            target.host, target.port, ssl_context=_any_certificate(), tls_standard_compatible=False
        )
    else:
        stream = await anyio.connect_tcp(target.host, target.port)
    try:
        request = (
            f"GET {target.path} HTTP/1.1\r\nHost: {target.authority}\r\nUser-Agent: persistproc\r\n"
            "Accept: */*\r\nConnection: close\r\n\r\n"
        )
        await stream.send(request.encode("ascii"))
        return await _read_status(stream)
    finally:
        # Politely closing TLS would wait for the other side.
        await anyio.aclose_forcefully(stream)


async def _read_status(stream: ByteReceiveStream) -> int:
    """The status of the final response (RFC 9112, section 4); interim ones (RFC 9110, section 15.2) are passed."""
    lines = BufferedByteReceiveStream(stream)
    while True:
        version, code, *_ = [*(await lines.receive_until(b"\n", _LONGEST_LINE)).split(None, 2), b"", b""]
        if not version.startswith(b"HTTP/") or len(code) != 3 or not code.isdigit():
            raise ValueError("no status line")
        if not code.startswith(b"1") or code == b"101":
            return int(code)
        for _ in range(_MOST_HEADER_LINES):
            if not (await lines.receive_until(b"\n", _LONGEST_LINE)).strip():
                break


def _any_certificate() -> ssl.SSLContext:
    # Servers under development have certificates of their own making.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _reason(error: BaseException) -> str:
    # Inside is what the system said: of several addresses that were tried, the first.
    while True:
        inner = next(iter(getattr(error, "exceptions", ())), error.__cause__)
        if inner is None:
            break
        error = inner
    number = getattr(error, "errno", None)
    known = isinstance(number, int) and number in errno.errorcode and not isinstance(error, ssl.SSLError)
    return os.strerror(number) if known and isinstance(number, int) else str(getattr(error, "strerror", None) or error)
