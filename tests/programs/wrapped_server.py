"""A wrapper that dies at once of SIGTERM while its server drains: wrapped_server.py PORT [DRAIN (1)].

DRAIN is in seconds, or the path of a FIFO: it drains until somebody has opened that for writing.
Prints server PID, then ready PORT. The server keeps its port while it drains and ends by itself.
"""

import os
import signal
import socket
import sys
import time
from types import FrameType

port, drain = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "1"
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", port))
listener.listen()


def end(_number: int, _frame: FrameType | None) -> None:
    """Drain, then end."""
    if "/" in drain:
        os.open(drain, os.O_RDONLY)
    else:
        time.sleep(float(drain))
    os._exit(0)


server = os.fork()
if server == 0:
    signal.signal(signal.SIGTERM, end)
    print("ready", listener.getsockname()[1], flush=True)
    while True:
        signal.pause()
listener.close()
print("server", server, flush=True)
signal.pause()
