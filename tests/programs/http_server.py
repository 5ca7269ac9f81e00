"""Serves one line of text over HTTP and prints ready PORT: http_server.py [PORT [ADDRESS]]."""

import http.server
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers each GET with the same text."""

    def do_GET(self) -> None:
        """Answer, and log the request on stderr as http.server does."""
        body = b"hello from a test\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
address = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
with http.server.ThreadingHTTPServer((address, port), Handler) as server:
    print("ready", server.server_address[1], flush=True)
    server.serve_forever()
