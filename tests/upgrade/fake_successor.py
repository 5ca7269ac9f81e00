"""A successor that says it has loaded and then does something else: fake_successor.py HOW ... --handover-fd N.

HOW: exit, killed, silent, nonsense (bytes), liar (another stage), closed (of the socket alone), ready, late=FILE (it
makes the file when it is too late).
"""

import json
import os
import signal
import socket
import struct
import sys
import time


def say(message: dict[str, object]) -> None:
    """One message."""
    text = json.dumps(message).encode()
    end.sendall(struct.pack(">Q", len(text)) + text)


how = sys.argv[1]
end = socket.socket(fileno=int(sys.argv[-1]))
say({"stage": "loaded", "version": "9.9.9", "protocol": 1, "unreadable": []})
data, descriptors, _, _ = socket.recv_fds(end, 1 << 16, 8)
assert data
assert len(descriptors) == 2
print("about to fail", flush=True)
if how == "exit":
    sys.exit(3)
elif how == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
elif how == "nonsense":
    end.sendall(b"\xff" * 64)
elif how == "liar":
    say({"stage": "finished"})
elif how == "closed":
    end.close()
elif how == "ready":
    say({"stage": "ready", "version": "9.9.9", "instance": "i"})
elif how.startswith("late="):
    time.sleep(5)
    open(how.removeprefix("late="), "xb").close()
time.sleep(600)
