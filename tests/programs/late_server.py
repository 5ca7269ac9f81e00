"""An HTTP server that can be told: late_server.py PORT [STATUS]. Each line of input makes it do one thing.

``listen`` opens the port, ``status N`` changes what it answers with, ``hang`` answers nothing any more. It prints when
it did it, in seconds of the monotonic clock, which is the same in all processes.
"""

import contextlib
import socket
import sys
import threading
import time


def serve(server: socket.socket, answer: list[int]) -> None:
    """Answer each connection with the status of the moment."""
    held = []
    while True:
        connection, _ = server.accept()
        if answer[0] == 0:
            held.append(connection)
            continue
        with connection, contextlib.suppress(OSError):
            connection.recv(4096)
            location = b"Location: http://example.invalid/\r\n" if 300 <= answer[0] < 400 else b""
            connection.sendall(b"HTTP/1.1 %d Text\r\n%sContent-Length: 0\r\n\r\n" % (answer[0], location))


def main(port: int, status: int) -> None:
    """Obey."""
    answer = [status]
    print("ready", flush=True)
    for line in sys.stdin:
        words = line.split()
        if words[0] == "listen":
            server = socket.socket()
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("127.0.0.1", port))
            server.listen()
            at = time.monotonic()
            threading.Thread(target=serve, args=(server, answer), daemon=True).start()
        else:
            answer[0] = int(words[1]) if words[0] == "status" else 0
            at = time.monotonic()
        print(words[0], at, flush=True)


main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200)
