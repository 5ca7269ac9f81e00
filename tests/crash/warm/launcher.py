"""Stands in for ``python -m persistproc_core.daemon ...``: launcher.py SOCKET -m MODULE ARGUMENT...

Hands its arguments, environment and descriptors to the server, and exits as the daemon's first process does.
"""

import os
import sys
from _socket import AF_UNIX, SCM_RIGHTS, SO_SNDBUF, SOCK_SEQPACKET, SOL_SOCKET, socket  # ``import socket`` takes 5 ms

# What Popen was told to pass, beside the standard streams: the ready descriptor.
passed = [int(name) for name in os.listdir("/dev/fd") if int(name) > 2 and os.path.exists(f"/dev/fd/{name}")]
passed = [fd for fd in passed if os.get_inheritable(fd)]
connection = socket(AF_UNIX, SOCK_SEQPACKET)
connection.connect(sys.argv[1])
variables = [f"{name}={value}" for name, value in os.environ.items()]
parts = [" ".join(map(str, passed)), str(len(sys.argv) - 4), *sys.argv[4:], *variables]
message = "\0".join(parts).encode("utf-8", "surrogateescape")
connection.setsockopt(SOL_SOCKET, SO_SNDBUF, 2 * len(message) + 4096)
connection.sendmsg([message], [(SOL_SOCKET, SCM_RIGHTS, b"".join(fd.to_bytes(4, sys.byteorder) for fd in passed))])
sys.exit(int(connection.recv(16) or b"1"))
