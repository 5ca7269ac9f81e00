"""Floods its standard output: writer.py BYTES BLOCK, in lines of 80 bytes; BLOCK bytes go into one write."""

import os
import sys

total, block = int(sys.argv[1]), int(sys.argv[2])
data = memoryview((b"%079d\n" * (block // 80 + 2)) % (*range(block // 80 + 2),))

done = 0
while done < total:
    first = done % 80
    done += os.write(1, data[first : first + min(block, total - done)])
