"""Looks like a dev server of the Vite kind: a coloured banner, shortcuts by a letter and Enter, text in colour.

r restarts (the banner again), u tells the URL, q ends it with exit code 0; anything else is echoed by the terminal.
"""

import sys


def banner() -> None:
    """The screen is cleared as Vite does it."""
    print("\x1b[2J\x1b[3J\x1b[H", end="")
    print("\n  \x1b[32m\x1b[1mDEV\x1b[22m v1.0\x1b[39m  \x1b[2mready in \x1b[0m\x1b[1m12\x1b[22m ms\n")
    print("  \x1b[32m\u279c\x1b[39m  Local: \x1b[36mhttp://localhost:5173/\x1b[39m")
    print("  press \x1b[1mh + enter\x1b[22m to show help", flush=True)


banner()
for line in sys.stdin:
    if line == "r\n":
        banner()
        print("\x1b[32mserver restarted\x1b[0m", flush=True)
    elif line == "u\n":
        print("at http://localhost:5173/", flush=True)
    elif line == "q\n":
        break
