"""``python -m tests.crash.follower HOME NAME FILE``: what NAME prints to stdout, byte for byte, and all events.

The bytes go to FILE, the events to FILE.events, one a line: type, name, run, exit code, signal.
"""

from __future__ import annotations

import sys
import threading

from persistproc_core.client import Client, piece_bytes


def follow(client: Client, name: str, path: str) -> None:
    """Copy the output, from the run's first byte."""
    subscription = client.follow_process_output(
        processes=[name], cursors={name: "start"}, stream="stdout", format="raw"
    )
    with subscription as news, open(path, "wb", buffering=0) as file:
        for item in news:
            for line in item.output["lines"] if item.output else ():
                file.write(piece_bytes(line))


def watch(client: Client, path: str) -> None:
    """Copy the events."""
    with client.watch_processes(all_projects=True) as news, open(path, "w", buffering=1, encoding="utf-8") as file:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for item in news:
            if item.event:
                event = item.event
                facts = (event["type"], event["name"], event["run"], event.get("exit_code"), event.get("signal"))
                file.write(" ".join(map(str, facts)) + "\n")


if __name__ == "__main__":
    home, name, path = sys.argv[1:]
    with Client(home=home, autostart=False, working_directory="/") as client:
        threading.Thread(target=follow, args=(client, name, path), daemon=True).start()
        watch(client, path + ".events")
