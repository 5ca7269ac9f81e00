"""What to call a program that does not say its name: from its User-Agent, or from its command line."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

__all__ = ["clean", "from_arguments", "from_user_agent", "is_library"]

_MAX = 100
# Agents call their MCP part so; people know them without.
_SUFFIX = re.compile(r"[-_ ]mcp[-_ ]client$", re.IGNORECASE)
_PRODUCT = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:/([!#$%&'*+.^_`|~0-9A-Za-z-]+))?")
# They name a library or a runtime, not the program that uses it.
_LIBRARIES = {
    *(
        "node",
        "undici",
        "bun",
        "deno",
        "node-fetch",
        "axios",
        "got",
        "python-httpx",
        "python-httpx2",
        "python-requests",
    ),
    *(
        "python-urllib",
        "python-urllib3",
        "aiohttp",
        "python",
        "go-http-client",
        "java-http-client",
        "okhttp",
        "reqwest",
    ),
    *("hyper", "dart", "ruby", "libwww-perl", "jakarta", "apache-httpclient", "rmcp", "mcp"),
}
_INTERPRETERS = re.compile(r"^(?:node|nodejs|bun|deno|python[0-9.]*|ruby|perl|java|sh|bash|env|npx|uv|uvx|electron)$")
# What a program's file is called when its folder has the name.
_PLAIN = {
    *("index", "main", "__main__", "cli", "start", "run", "server", "app", "dist", "build", "bin", "lib", "src", "out"),
    *("bundle", "esm", "cjs", "scripts", "node_modules", "site-packages", "current"),
}


def clean(name: str) -> str:
    """A name as others are shown it: one line, not too long, without what all MCP clients add."""
    text = "".join(char if char.isprintable() else " " for char in name)
    return _SUFFIX.sub("", " ".join(text.split()))[:_MAX].strip()


def from_user_agent(value: str) -> tuple[str, str]:
    """Name and version of the first product (RFC 9110, section 10.1.5); empty when there is none."""
    if value.startswith("Mozilla/"):
        return "browser", ""
    found = _PRODUCT.match(value.strip())
    return (clean(found[1]), (found[2] or "")[:_MAX]) if found else ("", "")


def is_library(name: str) -> bool:
    """Whether the name is that of an HTTP library or a runtime, which many programs have in common."""
    return name.lower() in _LIBRARIES


def from_arguments(arguments: Sequence[str]) -> str:
    """The name of the program: of its script or module where an interpreter runs it; empty when it cannot be told."""
    words = list(arguments)
    if len(words) == 1:
        words = words[0].split(" ")  # a program that wrote its title over its arguments
    if not words:
        return ""
    program = os.path.basename(words[0].lstrip("-"))
    if not _INTERPRETERS.match(program):
        return clean(program)
    for position, word in enumerate(words[1:], 1):
        if word == "-m" and position + 1 < len(words):
            return clean(words[position + 1].split(".")[0])
        if word in {"-c", "-e", "--eval", "-p"}:
            break
        if not word.startswith("-") and "=" not in word:
            return clean(_of_script(word)) or clean(program)
    return clean(program)


def _of_script(path: str) -> str:
    parts = [part for part in path.split("/") if part not in {"", ".", ".."}]
    while parts:
        name = re.sub(r"\.(?:[cm]?js|[cm]?ts|py|rb|pl|sh|jar)$", "", parts.pop())
        if name.lower() not in _PLAIN and not name.startswith("@"):
            return name
    return ""
