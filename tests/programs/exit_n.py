"""Prints ready and exits with the code given (0)."""

import sys

print("ready", flush=True)
sys.exit(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
