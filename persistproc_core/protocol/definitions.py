"""What a process is to be: how it is known to be ready, its ports, what restarts it, how it is stopped.

The same fields are taken by ``start_process`` and stand in a project's file.
"""

from __future__ import annotations

from typing import Annotated, Literal

from typing_extensions import TypedDict

from .shared import Allowed, RestartPolicy

__all__ = ["CommandText", "Definition", "DependencyCondition", "Liveness", "Options", "PortWish", "ReadyWhen"]

DependencyCondition = Literal["started", "ready", "completed"]
CommandText = Annotated[
    str | list[str],
    "A list is executed as it is. A text without shell syntax is split and executed; with shell syntax it runs under "
    "/bin/sh -c.",
    Allowed(1, 131072),
]


class Options(TypedDict, total=False):
    """What persistproc does with a process by itself."""

    restart: Annotated[
        RestartPolicy,
        "Start it again when a run ends by itself: never (the default), on-failure (unless with exit code 0), always. "
        "After a growing pause; five in a row that last less than a minute are the last.",
    ]
    autostart: Annotated[bool, "Start it again after the machine was started again, unless somebody had stopped it."]
    ttl_seconds: Annotated[float, "Stop it when it has run so long; 0: never.", Allowed(0, 10**8)]
    idle_timeout_seconds: Annotated[
        float,
        "Stop it when nobody has read its output, typed into it or been connected to its port for so long; 0: never.",
        Allowed(0, 10**8),
    ]


class ReadyWhen(TypedDict, total=False):
    """When a run is ready: exactly one of output, port, url, command and completed."""

    output: Annotated[str, "When a line of its output matches this regular expression.", Allowed(1, 1000)]
    port: Annotated[
        int | str, "When one of its processes listens on this TCP port, or on its port of this name.", Allowed(1, 65535)
    ]
    url: Annotated[str, "When this http or https URL answers with a status below 400.", Allowed(1, 2000)]
    status: Annotated[int, "url: with exactly this status.", Allowed(100, 599)]
    command: Annotated[
        str | list[str],
        "When this command exits with code 0; it runs in the directory and with the environment of the process.",
        Allowed(1, 131072),
    ]
    completed: Annotated[bool, "When it has exited with code 0: for what does one thing and ends (a migration)."]
    interval_seconds: Annotated[float, "url, command: how long between two attempts; 0.5.", Allowed(0.05, 3600)]
    timeout_seconds: Annotated[float, "Not ready when it has not come so long after the start; 60.", Allowed(0, 10**6)]


class Liveness(TypedDict, total=False):
    """What a run that was ready must go on to answer: exactly one of port, url and command. Else it is restarted."""

    port: Annotated[int | str, "It listens on this TCP port, or on its port of this name.", Allowed(1, 65535)]
    url: Annotated[str, "This http or https URL answers with a status below 400.", Allowed(1, 2000)]
    status: Annotated[int, "url: with exactly this status.", Allowed(100, 599)]
    command: Annotated[str | list[str], "This command exits with code 0.", Allowed(1, 131072)]
    interval_seconds: Annotated[float, "How long between two looks; 10.", Allowed(0.1, 86400)]
    timeout_seconds: Annotated[float, "How long one look may take; 5.", Allowed(0.1, 3600)]
    failures: Annotated[int, "Restarted after so many failed looks in a row; 3.", Allowed(1, 1000)]


class PortWish(TypedDict, total=False):
    """A TCP port that a process is to listen on: a fixed one (port), or a free one that stays the same.

    A free one belongs to (project directory, process, name), over restarts of the process, the daemon and the machine.
    """

    name: Annotated[str, "Tells several of one process apart; port unless said otherwise.", Allowed(1, 64)]
    port: Annotated[int, "Exactly this one.", Allowed(1, 65535)]
    prefer: Annotated[int, "This one when it is free at the first time.", Allowed(1, 65535)]
    variable: Annotated[
        str, "The variable that tells the process; PORT for the first, else NAME_PORT of its name.", Allowed(1, 100)
    ]
    optional: Annotated[bool, "It may listen on it or not: being ready does not wait for it."]


class Definition(Options, total=False):
    """What a process is to be, besides its command, directory and environment."""

    tty: Annotated[bool, "Give it a terminal: colours, line buffering, full-screen programs."]
    shell: Annotated[
        bool, "Run the command, a text, in your login shell ($SHELL): for what its profile sets up (nvm, direnv, mise)."
    ]
    ports: Annotated[
        list[PortWish],
        "Its ports. {port} (the first) and {ports.NAME} stand for them in command, environment, ready and liveness.",
        Allowed(0, 20),
    ]
    ready: Annotated[ReadyWhen, "When it is ready."]
    liveness: Annotated[Liveness, "What it must go on to answer; else it is restarted."]
    watch: Annotated[
        list[str],
        "Restart it when a file changes that one of these patterns matches (src/**/*.py, relative to its directory); "
        "!PATTERN takes out. What git ignores counts only where a pattern names it outright.",
        Allowed(0, 100),
    ]
    watch_signal: Annotated[str, "watch: send this signal instead of restarting it.", Allowed(1, 20)]
    stop_signal: Annotated[str, "The first signal of a stop that names none; SIGTERM.", Allowed(1, 20)]
    stop_grace_seconds: Annotated[float, "How long a stop that does not say waits until SIGKILL; 10.", Allowed(0, 3600)]
    tags: Annotated[list[str], "Names for groups of processes.", Allowed(0, 20)]
    keep_bytes: Annotated[int, "How much of each stream is kept; else as configured.", Allowed(1, 2**50)]
    keep_runs: Annotated[int, "How many runs of the process are kept; else as configured.", Allowed(1, 1000)]
