"""What a script of package.json starts: which port it listens on, and how it is told another one."""

from __future__ import annotations

import re
from typing import NamedTuple

from .proposal import Port

__all__ = ["Script", "read_script", "starts_others"]


class _Server(NamedTuple):
    """A development server: its words, its usual port, and its option for another one ("": it reads PORT)."""

    words: tuple[str, ...]
    port: int
    option: str


# As their documentation says; the first that fits. An empty second word: any, or none.
_SERVERS = (
    _Server(("vite", "build"), 0, ""),
    _Server(("vite", "preview"), 4173, "--port {port} --strictPort"),
    _Server(("vite", ""), 5173, "--port {port} --strictPort"),
    _Server(("remix", "vite:dev"), 5173, "--port {port}"),
    _Server(("react-router", "dev"), 5173, "--port {port}"),
    _Server(("vinxi", "dev"), 3000, "--port {port}"),
    _Server(("astro", "dev"), 4321, "--port {port}"),
    _Server(("next", "dev"), 3000, ""),
    _Server(("next", "start"), 3000, ""),
    _Server(("nuxt", "dev"), 3000, ""),
    _Server(("nuxi", "dev"), 3000, ""),
    _Server(("react-scripts", "start"), 3000, ""),
    _Server(("ng", "serve"), 4200, "--port {port}"),
    _Server(("vue-cli-service", "serve"), 8080, "--port {port}"),
    _Server(("webpack-dev-server", ""), 8080, "--port {port}"),
    _Server(("webpack", "serve"), 8080, "--port {port}"),
    _Server(("gatsby", "develop"), 8000, "--port {port}"),
    _Server(("docusaurus", "start"), 3000, "--port {port}"),
    _Server(("vitepress", "dev"), 5173, "--port {port}"),
    _Server(("wrangler", "dev"), 8787, "--port {port}"),
    _Server(("parcel", ""), 1234, "--port {port}"),
    _Server(("http-server", ""), 8080, "--port {port}"),
)
_RUNNERS = frozenset({"cross-env", "dotenv", "npx", "bunx", "env", "pnpm", "exec", "dlx", "yarn", "--"})
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=\S*")
_SAYS_PORT = re.compile(r"(?:--port[= ]|-p[= ]?|\bPORT=)(\d{2,5})\b")
_SEVERAL = re.compile(r"(?<![&|])[&|](?![&|])|\b(?:concurrently|npm-run-all|run-p|wireit)\b")
_STARTS_OTHERS = re.compile(
    r"\b(?:turbo|nx|lerna|concurrently|npm-run-all|run-p|wsrun|ultra)\b|--workspaces?\b|\s-ws?\b|--filter\b|"
    r"\bpnpm\s+(?:-r|--recursive|--parallel)\b|\bworkspaces?\s+(?:foreach|run)\b"
)


class Script(NamedTuple):
    """What there is to know of a script."""

    port: Port | None
    option: str
    """What is added to its arguments, with {port} in it."""
    known: bool
    """Whether the program is one of those above."""


def starts_others(script: str) -> bool:
    """Whether it runs the scripts of other packages."""
    return bool(_STARTS_OTHERS.search(script))


def read_script(script: str) -> Script:
    """Look at its last command: what is added to the script's arguments goes to that one."""
    said = _SAYS_PORT.search(script)
    if _SEVERAL.search(script):
        return Script(None, "", known=False)
    if said and 0 < int(said[1]) <= 65535:
        return Script(Port(int(said[1]), fixed=True), "", known=True)
    words = re.split(r"&&|\|\||;", script)[-1].split()
    while words and (words[0] in _RUNNERS or _ASSIGNMENT.fullmatch(words[0])):
        words = words[1:]
    for server in _SERVERS:
        program, verb = server.words
        if words and words[0] == program and verb in ("", *words[1:2]):
            return Script(Port(server.port) if server.port else None, server.option, known=True)
    return Script(None, "", known=False)
