"""The URL by which a server says in its output where it can be reached."""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urlsplit

__all__ = ["printed_url"]

_URL = re.compile(r"https?://[^\s\"'<>`|{}\\^]+", re.IGNORECASE)
_TRAILING = ".,;:!?)]}*"
# Such a line tells of somebody else's address, or of one that did not answer.
_OF_ANOTHER = re.compile(
    r"(?i)\b(?:proxy|proxying|proxied|upstream|backend|connect|connecting|connected|waiting|retry|retrying|fetch|"
    r"fetching|request|redirect|redirecting|cannot|could not|failed|failure|error|refused|timed out|inspector|debugger|"
    r"deprecated|GET|POST|PUT|DELETE|PATCH|HEAD|OPTIONS)\b"
)


def printed_url(line: str) -> str | None:
    """The first URL of this machine that a line announces, as a browser takes it; None when it announces none.

    Of this machine are loopback and unspecified addresses, ``localhost`` and names below it, and the host's own name,
    with a port: an address without one mostly is of a document. ``http://0.0.0.0:3000`` is what a server listens on
    and is told as ``http://localhost:3000``.
    """
    if "://" not in line or _OF_ANOTHER.search(_URL.sub(" ", line)):
        return None
    for found in _URL.finditer(line):
        url = _local(found[0].rstrip(_TRAILING) if "[" not in found[0] else found[0].rstrip(_TRAILING.replace("]", "")))
        if url is not None:
            return url
    return None


def _local(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if not port:
        return None
    if host == "localhost" or host.endswith(".localhost") or host == socket.gethostname().lower():
        return url
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if address.is_unspecified:
        return parts._replace(netloc=f"localhost:{port}").geturl()
    return url if address.is_loopback else None
