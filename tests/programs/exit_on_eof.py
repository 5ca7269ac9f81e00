"""Prints ready, waits for the end of standard input, prints eof and exits (as esbuild --watch does)."""

import sys

print("ready", flush=True)
sys.stdin.read()
print("eof", flush=True)
