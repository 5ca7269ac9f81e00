"""Listens on a TCP port and prints ready and its PORT variables: listener.py PORT [ADDRESS [TEXT]].

Before that it prints the text, with PORT in it. When the port is taken it says so as Node does, and ends with 1.
"""

import os
import signal
import socket
import sys

port = int(sys.argv[1])
address = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try:
    server.bind((address, port))
except OSError:
    sys.exit(f"Error: listen EADDRINUSE: address already in use {address}:{port}")
server.listen()
if len(sys.argv) > 3:
    print(sys.argv[3].replace("PORT", str(port)))
print("ready", {name: value for name, value in sorted(os.environ.items()) if name.endswith("PORT")}, flush=True)
while True:
    signal.pause()
