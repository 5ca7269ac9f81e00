"""The tools, in the order in which clients list them: it never changes, or prompt caches would be lost."""

from __future__ import annotations

from typing import Final

from .listing import list_processes
from .output import get_process_output
from .project import get_project, start_project, stop_project
from .schemas import Properties, choice, flag, integer, number, schema, text, texts, variables
from .send import send_process_input
from .start import restart_process, start_process
from .status import get_process_status
from .stop import stop_process
from .tool import Tool
from .wait import wait_for_process

__all__ = ["TOOLS"]

_PROCESS: Properties = {"process": text("name, project/name or pid")}
_WHERE: Properties = {"working_directory": text("absolute path")}
_HERE: Properties = {"working_directory": text()}
_WHY: Properties = {"reason": text()}
_UNTIL: Properties = {"output": text("regex a line must match"), "port": integer(), "url": text()}
_READY: Properties = {**_UNTIL, "timeout_seconds": number("default 10", most=50)}
_FORCE: Properties = {"force": flag("despite protection, with a reason")}

TOOLS: Final[dict[str, Tool]] = {
    tool.name: tool
    for tool in (
        Tool(
            "start_process",
            "Start or join a dev server, watcher, build or any long command; it outlives this call and is shared with "
            "the user and other agents. Waits until ready (output, port or url; else any port, silence or exit), "
            "returns the first output.",
            schema(
                {
                    "command": text(),
                    **_WHERE,
                    "name": text(),
                    "environment": variables(),
                    "tty": flag(),
                    **_READY,
                    "port": integer("0: a free one; $PORT, {port} in command"),
                    "fresh": flag("restart if running"),
                    "replace": flag("stop another command of this name"),
                    "protected": flag("others need force to end it"),
                    "restart": choice("never", "on-failure", "always", description="when it ends"),
                    "ttl_seconds": integer(),
                    **_WHY,
                },
                "command",
            ),
            {**_FORCE, "idle_timeout_seconds": integer(), "autostart": flag()},
            read_only=False,
            destructive=True,
            idempotent=False,
            open_world=True,
            run=start_process,
        ),
        Tool(
            "stop_process",
            "Stop a process and everything it started.",
            schema(
                {
                    **_PROCESS,
                    "force": flag("SIGKILL; despite protection, with a reason"),
                    **_WHY,
                },
                "process",
            ),
            {**_WHERE, "grace_seconds": number("default 10", most=20)},
            read_only=False,
            destructive=True,
            idempotent=True,
            open_world=False,
            run=stop_process,
        ),
        Tool(
            "restart_process",
            "Restart a process, running or ended, as it was started. Waits like start_process.",
            schema({**_PROCESS, **_READY, **_FORCE, **_WHY}, "process"),
            {**_WHERE, "grace_seconds": number(most=20)},
            read_only=False,
            destructive=False,
            idempotent=False,
            open_world=False,
            run=restart_process,
        ),
        Tool(
            "list_processes",
            "List processes, running and ended: state, ports, command, who changed it last. Look here before starting "
            "a server.",
            schema({**_WHERE, "all_projects": flag(), "running": flag(), "stale": flag("left behind")}),
            {"unused_for": text("age")},
            read_only=True,
            destructive=False,
            idempotent=True,
            open_world=False,
            run=list_processes,
        ),
        Tool(
            "get_process_status",
            "All about one process: ports, who started it, log files, earlier runs and how they ended.",
            schema({**_PROCESS}, "process"),
            {**_WHERE},
            read_only=True,
            destructive=False,
            idempotent=True,
            open_world=False,
            run=get_process_status,
        ),
        Tool(
            "get_process_output",
            "Read or search what a process printed, also after it ended: the last lines and a cursor; with that cursor "
            "only what is new.",
            schema(
                {
                    **_PROCESS,
                    "cursor": text("of an earlier answer"),
                    "lines": integer("default 100", most=1000),
                    "since": text("age (5m), time or mark:NAME"),
                    "grep": text("regex, any case"),
                    "context": integer("lines around matches", most=50),
                    "stream": choice("combined", "stdout", "stderr"),
                    "run": text("current, previous, all, number"),
                    "new_in_run": flag("not printed by the run before"),
                },
                "process",
            ),
            {**_WHERE, "before": text("age or time"), "max_bytes": integer("default 8000", most=50000)},
            read_only=True,
            destructive=False,
            idempotent=True,
            open_world=False,
            run=get_process_output,
        ),
        Tool(
            "wait_for_process",
            "Wait until one of these is so; without any, until exit. If not yet, call again as it says.",
            schema(
                {
                    **_PROCESS,
                    "ready": flag(),
                    **_UNTIL,
                    "idle_seconds": number("silence", most=50),
                    "exit": flag(),
                    "since": text("after this cursor or age"),
                    "timeout_seconds": number("default 30", most=50),
                },
                "process",
            ),
            {**_WHERE, "any_port": flag()},
            read_only=True,
            destructive=False,
            idempotent=True,
            # url may be anywhere.
            open_world=True,
            run=wait_for_process,
        ),
        Tool(
            "send_process_input",
            "Type into a process that asks for input, and see what it prints.",
            schema({**_PROCESS, "input": text(), "newline": flag("default true")}, "process", "input"),
            {**_WHERE, **_FORCE, **_WHY},
            read_only=False,
            destructive=True,
            idempotent=False,
            open_world=True,
            run=send_process_input,
        ),
        Tool(
            "start_project",
            "Start all that the project's file (persistproc.toml, Procfile) defines, dependencies first, until ready; "
            "restart what changed in it.",
            schema(
                {
                    "names": texts("or tags"),
                    **_HERE,
                    "timeout_seconds": number("default 45", most=50),
                    **_WHY,
                }
            ),
            {
                **_FORCE,
                "environment": variables(),
                "restart": flag("also what is unchanged"),
                "remove": flag("end what left the file"),
            },
            read_only=False,
            destructive=True,
            idempotent=True,
            open_world=True,
            run=start_project,
        ),
        Tool(
            "stop_project",
            "Stop all that was started from the file.",
            schema({**_HERE, **_WHY}),
            {
                "names": texts("or tags"),
                **_FORCE,
                "grace_seconds": number(most=20),
                "all": flag("also what is not in the file"),
            },
            read_only=False,
            destructive=True,
            idempotent=True,
            open_world=False,
            run=stop_project,
        ),
        Tool(
            "get_project",
            "What the project's file defines, and what of it runs.",
            schema({**_HERE}),
            {"names": texts("or tags")},
            read_only=True,
            destructive=False,
            idempotent=True,
            open_world=False,
            run=get_project,
        ),
    )
}
"""Every tool, by name."""
