"""Puts its standard input into the hub and passes it on: capture_client.py SOCKET DIRECTORY NAME [EXIT_CODE].

It is what `persistproc capture` is at its core.
"""

import json
import os
import socket
import sys

path, directory, name = sys.argv[1:4]
connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
connection.connect(path)
request = {"name": name, "working_directory": directory, "client": {"name": "capture-client"}}
message = {"jsonrpc": "2.0", "id": 1, "method": "capture_process", "params": request}
connection.sendall(json.dumps(message).encode() + b"\n")
replies = connection.makefile("rb")
assert b"hello" in replies.readline()
reply = json.loads(replies.readline())
if "error" in reply:
    sys.exit(reply["error"]["message"])
fd = os.open(reply["result"]["path"], os.O_RDWR)
print("captured", file=sys.stderr, flush=True)
while data := os.read(0, 65536):
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
    os.write(1, data)
sys.exit(int(sys.argv[4]) if sys.argv[4:] else 0)
