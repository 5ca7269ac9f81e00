"""Asks a daemon for its status every 10 ms until a line comes, then prints the seconds of each answer: probe.py SOCKET.

Prints an empty line when the first answer is there.

A process of its own on the standard library: nobody else's work is in its figures.
"""

import select
import socket
import sys
import time

REQUEST = b'{"jsonrpc":"2.0","id":1,"method":"list_processes","params":{"running":true}}\n'

connection = socket.socket(socket.AF_UNIX)
connection.settimeout(20)
connection.connect(sys.argv[1])
stream = connection.makefile("rb")
stream.readline()
seconds = []
while not select.select([sys.stdin], [], [], 0.01)[0]:
    begun = time.perf_counter()
    connection.sendall(REQUEST)
    if not stream.readline().startswith(b'{"jsonrpc"'):
        sys.exit(1)
    seconds.append(time.perf_counter() - begun)
    if len(seconds) == 1:
        print(flush=True)
print(*(f"{each:.6f}" for each in seconds))
