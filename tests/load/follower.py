"""``python -m tests.load.follower HOME NAME DIRECTORY``: follows a process over all its runs and lives of the daemon.

At the end of its standard input it prints one line of JSON: bytes that it was told, bytes that it was told it missed,
events, and what went wrong.
"""

from __future__ import annotations

import json
import os
import sys
import threading

from persistproc_core.client import Client, piece_bytes
from persistproc_core.errors import PersistprocError


def main() -> None:
    """Follow until nobody wants it any more."""
    home, name, directory = sys.argv[1:]
    told = {"bytes": 0, "missed": 0, "events": 0, "error": ""}

    def follow() -> None:
        try:
            with (
                Client(home=home, name="soak-follower", working_directory=directory) as client,
                client.follow_process_output(processes=[name], format="raw") as subscription,
            ):
                for notification in subscription:
                    output = notification.output
                    if output is None:
                        told["events"] += 1  # type: ignore[operator]
                        continue
                    told["bytes"] += sum(len(piece_bytes(piece)) for piece in output["lines"])  # type: ignore[operator]
                    told["missed"] += output["missed_bytes"]  # type: ignore[operator]
        except PersistprocError as error:
            told["error"] = f"{type(error).__name__}: {error.message}"

    threading.Thread(target=follow, daemon=True).start()
    sys.stdin.read()
    print(json.dumps(told), flush=True)
    os._exit(0)  # the thread waits for what comes next


main()
