"""Opens N (100) inheritable descriptors and runs the command that follows: many_descriptors.py N -- CMD..."""

import os
import sys

for _ in range(int(sys.argv[1])):
    os.set_inheritable(os.open("/dev/null", os.O_RDONLY), True)
os.execvp(sys.argv[3], sys.argv[3:])
