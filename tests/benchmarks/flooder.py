"""Prints numbered lines of 128 bytes as fast as it can: flooder.py SECONDS. The last one says how many there were."""

import os
import sys
import time

end = time.monotonic() + float(sys.argv[1])
template = b"".join(b"########.%06d %s\n" % (number, b"." * 111) for number in range(512))
block = 0
while time.monotonic() < end:
    data = memoryview(template.replace(b"########", b"%08d" % block))
    while data:
        data = data[os.write(1, data) :]
    block += 1
os.write(1, b"all: %d\n" % (block * 512))
