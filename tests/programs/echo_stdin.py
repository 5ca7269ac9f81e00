"""Prints ready, then every line of standard input with got: before it."""

import sys

print("ready", flush=True)
for line in sys.stdin:
    print("got:", line, end="", flush=True)
print("eof", flush=True)
