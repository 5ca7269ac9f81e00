"""The troubleshooting page, made from everything that ``persistproc doctor`` can find."""

from __future__ import annotations

from persistproc_cli.checks import KINDS, Kind
from tests.docs.markdown import table

__all__ = ["doctor_page"]

INTRODUCTION = """\
# Troubleshooting

<!-- Made by `make docs` from persistproc_cli/checks. Do not edit. -->

```sh
persistproc doctor
```

looks at the installation, the home, the daemon, the keeper and the machine, and says of each whether it is well.
Below what is not well stands what mends it, with the paths and numbers of your machine.
It only looks: nothing is started, written or locked by it. It ends with 1 when there is a problem.
A *warning* works, but may surprise you; a *problem* keeps something from working.

With `--json`: `{"ok": false, "findings": [{"check": "disk", "id": "disk-full", "level": "problem", "text": ..., "mend":
...}]}`. The `id` of a finding keeps its meaning for ever; this page is sorted by the checks.

## Where to look

| what | where |
| --- | --- |
| what the daemon did | `persistproc daemon logs`, that is `~/.persistproc/daemon.log` |
| what the bridge did | `~/.persistproc/bridge.log` |
| what the keeper could not do | `~/.persistproc/keeper/keeper.log`; it is seldom there |
| the service | `persistproc service status`, and `journalctl --user -u persistproc` |
| what happened to a process | `persistproc status NAME`, `persistproc logs NAME` |
| an error that calls itself a defect | run it again with `PERSISTPROC_DEBUG=1`, and report what it says |

"""

CHECKS = {
    "python": "The interpreter that runs the command.",
    "packages": "What the daemon imports.",
    "user": "Who runs the command: with `sudo`, or without `HOME`, that may be another one than you think.",
    "home": "The folder with everything in it, `~/.persistproc` unless `PERSISTPROC_HOME` or `--home` says otherwise.",
    "file system": "Where that folder lies.",
    "disk": "The room that is left there.",
    "daemon": "The program that knows the processes. Whatever happens to it, they go on.",
    "config": "[config.toml](configuration.md).",
    "keeper": "The parent of all processes. When it is killed, a new one takes over; nothing is lost.",
    "holder": "The keeper's twin.",
    "descriptors": "Open files of these three.",
    "pipes": "The memory behind the pipes that carry output.",
    "inotify": "By which the daemon notices that its files are deleted.",
    "records": "What is written down about each run.",
    "bridge": "What [serves agents](agent-integration.md).",
    "service": "What starts the daemon [at login](at-login.md).",
    "processes": "The processes themselves.",
    "logout": "What becomes of processes when you log out.",
    "orphans": "Process 1, which inherits processes whose parent has ended.",
    "tracing": "Whether the kernel lets us see what a process waits for.",
    "clock": "The wall clock.",
}


def doctor_page() -> str:
    """The text of docs/user-guide/troubleshooting.md."""
    parts = [INTRODUCTION]
    for check in dict.fromkeys(kind.check for kind in KINDS):
        rows = [_row(kind) for kind in KINDS if kind.check == check]
        parts.append(f"## {check}\n\n{CHECKS[check]}\n\n{table(('finding', 'what it means', 'what to do'), rows)}")
    return "".join(parts).rstrip("\n") + "\n"


def _row(kind: Kind) -> tuple[str, str, str]:
    mend = kind.mend[0].upper() + kind.mend[1:] + "."
    return f"`{kind.id}` ({kind.level})", kind.meaning, mend
