"""The page at ``/``: what answers here, for somebody who opened the address in a browser."""

from __future__ import annotations

from html import escape

from persistproc_core import __version__

from ..settings import MCP_PATH, Settings
from .page import frame

__all__ = ["landing_page"]

_BODY = """\
<div class="plain">
<h1>persistproc</h1>
<p class="quiet">Version {version}, for the processes in <code>{home}</code>.</p>
<p>This is the bridge: agents and programs reach the processes that you started with <code>persistproc</code> here.
Only you can: other users of this machine and web pages are refused.</p>
<h2>Agents</h2>
<p>An agent that speaks MCP is configured by</p>
<pre><code>persistproc agent install claude-code</code></pre>
<p>or with this address in its own configuration:</p>
<pre><code>{address}</code></pre>
<h2>Programs</h2>
<ul>
<li><a href="/docs">The HTTP API</a>, with <a href="/openapi.json">its OpenAPI document</a></li>
<li><a href="/api/processes?all_projects=true">The processes</a>, as JSON</li>
<li><a href="/health">The state of this bridge</a>, as JSON</li>
</ul>
</div>
"""


def landing_page(settings: Settings) -> str:
    """The page."""
    url = settings.url
    address = f"unix://{settings.home.bridge_socket}#{MCP_PATH}" if url is None else url + MCP_PATH
    shown = {"version": __version__, "home": settings.home.path, "address": address}
    return frame("persistproc", _BODY.format(**{name: escape(value) for name, value in shown.items()}))
