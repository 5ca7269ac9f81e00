"""A headless Chromium, and a page of another local server in it."""

from __future__ import annotations

import contextlib
import http.server
import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

__all__ = ["CHROMIUM", "browsing", "foreign_server"]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

PAGE = Path(__file__).with_name("browser_page.html")

# As root it starts only without its sandbox, and without the background services it looks for nobody's host.
_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-breakpad", "--disable-extensions"),
    *("--disable-crash-reporter", "--disable-dev-shm-usage", "--no-proxy-server", "--mute-audio"),
    # The page is open to Chromium's own question before a page may reach loopback: other browsers do not ask.
    "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,OptimizationHints,Translate",
)


@contextlib.contextmanager
def browsing(url: str, folder: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Chromium at the address as long as the block lasts."""
    assert CHROMIUM is not None
    command = [CHROMIUM, *_OPTIONS, f"--user-data-dir={folder}", *options, url]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with process:
        try:
            yield process
        finally:
            process.terminate()


@contextlib.contextmanager
def foreign_server() -> Iterator[tuple[int, queue.Queue[dict[str, str]]]]:
    """The port of a server that serves the page, and what the page says became of its attempts."""
    outcomes: queue.Queue[dict[str, str]] = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(PAGE.read_bytes() if self.path == "/" else b"")

        def do_POST(self) -> None:
            outcomes.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1], outcomes
        finally:
            server.shutdown()
            thread.join(10)
