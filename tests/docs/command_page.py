"""The page about the command line, made from the declarations of the verbs."""

from __future__ import annotations

from persistproc_cli.arguments import GLOBAL_OPTIONS, Command, Option
from persistproc_cli.dispatch import ALIASES, VERBS
from persistproc_cli.help import EXIT_CODES
from persistproc_cli.main import command_named
from tests.docs.markdown import slug, table

__all__ = ["command_page"]

INTRODUCTION = """\
# Command line reference

<!-- Made by `make docs` from persistproc_cli. Do not edit. -->

`persistproc COMMAND` starts a command in the hub, or joins it when it already runs, and shows its output.
When the first word is one of the verbs below, it is the verb.
`persistproc run -- COMMAND` runs a program that is called like one.
A word that looks like a misspelt verb is not executed.
[Using the command line](../user-guide/command-line.md) tells how they work together.

"""

JSON = """\
## JSON

With `--json` the reply of the daemon is printed on standard output as one JSON document on one line.
Its fields are those of the [protocol](protocol.md#methods):
`persistproc list --json` prints a [ListReply](protocol.md#listreply),
`persistproc start --json` a [StartReply](protocol.md#startreply), and so on.
Fields may be added in later versions; none of those described changes its meaning.
When a verb fails nothing is printed on standard output, and on standard error
`{"error": {"code": ..., "message": ..., "hint": ..., ...}}`, with the [code](protocol.md#errors) of the protocol,
or `usage`.

| verb | document |
| --- | --- |
| `list` | `{"processes": [...]}` |
| `status` | one process, with `history`, `environment_names` (never values) and `log_directory` |
| `start`, `run --detach` | one process, with `already_running` and `differences` |
| `run` | the same, then one line for each piece of output, the last with `"ended": true` (none after a detach) |
| `logs NAME` | `{"lines": [{"stream", "text"}], "cursor", "ended", ...}`; with `-f`, `-n all` one for each piece |
| `logs` of several | one for each line of output |
| `mark` | `{"name", "project", "time"}`, with `--list` `{"marks": [...]}` |
| `prune` | `{"processes": [{"name", "project", "runs", "bytes", "removed"}], "bytes"}` |
| `stop`, `restart` | `{"processes": [...]}`, with `already_stopped`, `ended_by`, `stopped_pids`, or `previous_run` |
| `up` | `{"project", "file", "ready", "results": [{"name", "outcome", "ready", "reason", ...}], "removed"}` |
| `down` | `{"project", "results": [...]}` |
| `project` | `{"project", "file", "digest", "approved", "processes": [{"name", "action", "changes", ...}], ...}` |
| `rm` | `{"processes": [{"name", "project", "runs"}]}` |
| `wait` | one process, with `met` (`exit`, `state`, `output`, `port`, `url` or `idle`), `line`, `last_lines`, ... |
| `send` | `{"name", "project", "run", "bytes"}` |
| `signal` | one process |
| `protect` | `{"processes": [...]}`, with `protected_by` |
| `env diff` | `{"name", "project", "run", "added", "removed", "changed"}` |
| `daemon start`, `restart`, `status` | `pid`, `version`, `protocol`, `home`, `socket`, `keeper_pid`, ... |
| `daemon stop`, `shutdown` | `{"pid", "stopped": [...], "left_running": [...]}`; `pid` is null when no daemon ran |
| `daemon logs` | `{"path", "lines"}` |
| `serve` | what `GET /health` answers, once it serves; with `--status` null when nobody does, with `--stop` `{"pid"}` |
| `doctor` | `{"ok", "findings": [{"check", "id", "level", "text", "mend"}]}` |
| `service install` | `{"manager", "files": [{"path", "action", "difference", ...}], "commands", "notes", ...}` |
| `service uninstall` | `{"manager", "removed", "commands", "to_run", "problem"}` |
| `service status` | `{"manager", "services": [{"role", "active", "pid", ...}], "linger", "daemon_pid", "autostart"}` |
| `version` | `{"version", "python", "daemon": {"version", "protocol", "pid"} or null}` |
| `help` | `{"verbs": {name: summary}}` |

"""

VARIABLES = """\
## Environment variables

| variable | meaning |
| --- | --- |
| `PERSISTPROC_HOME` | the folder of the hub, instead of `~/.persistproc`; each folder is a hub of its own |
| `PERSISTPROC_DEBUG` | `1`: a defect of persistproc shows where it happened |
| `NO_COLOR` | no colours, see [no-color.org](https://no-color.org) |
| `PERSISTPROC_RUN` | set in each process that was started here: the id of its run |

"""


def command_page() -> str:
    """The text of docs/api/command-line.md."""
    index = [(f"[`{verb}`](#{slug(verb)})", summary) for verb, summary in VERBS.items()]
    parts = [INTRODUCTION, "## Verbs\n\n", table(("verb", "what it does"), index)]
    parts.append("Every verb takes these options, before it or after it:\n\n" + _options(GLOBAL_OPTIONS))
    parts += [_verb(command_named(verb)) for verb in VERBS]
    parts += [JSON, VARIABLES, "## Exit codes\n\n```text\n", EXIT_CODES.split("\n", 2)[2], "\n```\n"]
    return "".join(parts)


def _verb(command: Command) -> str:
    also = [alias for alias, verb in ALIASES.items() if verb == command.name]
    parts = [f"### {command.name}\n\n{command.summary}\n\n"]
    parts.append(f"```text\npersistproc {command.name} {command.usage}".rstrip() + "\n```\n\n")
    parts += [f"Short: `{alias}`.\n\n" for alias in also]
    if command.options:
        parts.append(_options(command.options))
    if command.notes:
        parts.append(command.notes + "\n\n")
    if command.examples:
        parts.append("```sh\n" + "\n".join(command.examples) + "\n```\n\n")
    return "".join(parts)


def _options(options: tuple[Option, ...]) -> str:
    rows = []
    for option in options:
        value = f" {option.value}" if option.value else ""
        rows.append((", ".join(f"`{name}{value}`" for name in option.names), option.help))
    return table(("option", "meaning"), rows)
