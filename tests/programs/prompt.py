"""Asks a question without a newline and greets by the answer."""

import sys

print("name? ", end="", flush=True)
print("hello", sys.stdin.readline().strip(), flush=True)
