"""Writes N bytes, of which each 16 tell their offset, and exits: write_bytes.py N [stdout|stderr [BLOCK]].

The exit is an abort where the environment says ABORT=1.
"""

import os
import sys

total = int(sys.argv[1])
fd = 2 if sys.argv[2:3] == ["stderr"] else 1
block = int(sys.argv[3]) if len(sys.argv) > 3 else 65536

offset = 0
while offset < total:
    first = offset // 16
    data = b"".join(b"%015d\n" % ((first + index) * 16) for index in range(block // 16 + 2))
    data = data[offset % 16 :][: min(block, total - offset)]
    offset += os.write(fd, data)
if os.environ.get("ABORT") == "1":
    os.abort()
