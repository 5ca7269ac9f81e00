"""``persistproc agent``: the configuration of agents, so that they find the bridge."""

from __future__ import annotations

import os

from persistproc_core.errors import PersistprocError

from ..arguments import Arguments, Command, Option, UsageError
from ..oneline import one_line
from ..output import note, print_document, report_error, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..agents.agent import Agent
    from ..agents.connection import Connection
    from ..agents.install import Outcome
    from ..agents.masking import Mask
    from ..context import Context

__all__ = ["COMMAND"]

_ACTIONS = {
    "install": ("--stdio", "--project", "--print", "--uninstall", "--rules"),
    "uninstall": ("--project", "--print", "--rules"),
    "list": (),
    "rules": ("--write", "--uninstall"),
}


def _run(context: Context, arguments: Arguments) -> int:
    action, *words = arguments.words
    if action not in _ACTIONS:
        raise UsageError(f"agent has no action {action!r}", hint="install, uninstall, list or rules")
    for option in COMMAND.options:
        if arguments.flag(option.names[0]) and option.names[0] not in _ACTIONS[action]:
            raise UsageError(f"agent {action} takes no {option.names[0]}")
    if action == "list":
        if words:
            raise UsageError("agent list takes no words")
        from ..agents.found import list_agents

        return list_agents(context, _project(context) if _is_somewhere(context) else None)
    if action == "rules":
        return _rules(context, arguments, words)
    return _install(context, arguments, _agents(words), remove=action == "uninstall" or arguments.flag("--uninstall"))


def _agents(names: list[str]) -> list[Agent]:
    from ..agents.table import AGENTS, ALIASES

    if not names:
        raise UsageError("which agent?", hint=f"one of: {', '.join(AGENTS)}; see: persistproc agent list")
    chosen: dict[str, Agent] = {}
    for name in names:
        plain = ALIASES.get(name.lower(), name.lower())
        if plain not in AGENTS:
            raise UsageError(
                f"there is no agent {name!r}{_nearest(plain, AGENTS)}", hint=f"one of: {', '.join(AGENTS)}"
            )
        chosen[plain] = AGENTS[plain]
    return list(chosen.values())


def _nearest(name: str, known: dict[str, Agent]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _install(context: Context, arguments: Arguments, agents: list[Agent], *, remove: bool) -> int:
    if remove and arguments.flag("--stdio"):
        raise UsageError("--uninstall takes no --stdio: it removes either")
    done: list[dict[str, object]] = []
    code = 0
    connections = _Connections(context, stdio=arguments.flag("--stdio"))
    for agent in agents:
        try:
            paths = _paths(context, agent, project=arguments.flag("--project"))
            done += [_one(context, arguments, agent, path, None if remove else connections) for path in paths]
            if arguments.flag("--rules") and not arguments.flag("--print"):
                _rules_of(context, agent, remove=remove)
        except PersistprocError as error:
            if len(agents) == 1:
                raise
            # One broken file keeps nobody from configuring the others.
            report_error(error, context.json)
            code = error.exit_code
    if context.json:
        print_document({"agents": done})
    for text in connections.notes():
        note(text)
    return code


class _Connections:
    """The two ways to connect, each looked up once, and only when an agent needs it."""

    def __init__(self, context: Context, *, stdio: bool) -> None:
        self._context = context
        self._stdio = stdio
        self._found: dict[bool, Connection] = {}

    def of(self, agent: Agent) -> Connection:
        """The connection for an agent; one that only starts programs gets the relay. Raises `NoConnection`."""
        from ..agents.connection import over_http, over_stdio

        stdio = self._stdio or agent.http is None
        if stdio not in self._found:
            home = self._context.home()
            self._found[stdio] = over_stdio(home) if stdio else over_http(home)
        return self._found[stdio]

    def notes(self) -> list[str]:
        """What the user has to know of them."""
        return [text for connection in self._found.values() for text in connection.notes]


def _paths(context: Context, agent: Agent, *, project: bool) -> list[str]:
    from ..agents.places import project_file, user_files

    if not project:
        return user_files(agent)
    path = project_file(agent, _project(context))
    if path is None:
        raise UsageError(f"{agent.title} has no configuration in projects", hint="leave --project out")
    return [path]


def _one(
    context: Context, arguments: Arguments, agent: Agent, path: str, connections: _Connections | None
) -> dict[str, object]:
    from ..agents.files import ConfigFile
    from ..agents.install import install, uninstall
    from ..agents.masking import Mask
    from ..agents.telling import hidden, tell

    project, write = arguments.flag("--project"), not arguments.flag("--print")
    before = "" if write else ConfigFile(path).text
    connection = connections.of(agent) if connections is not None else None
    if connection is None:
        outcome = uninstall(agent, path, project=project, write=write)
    else:
        outcome = install(agent, path, connection, project=project, write=write)
        _add_notes(agent, outcome, connection, project=project)
    if not write:
        mask = Mask(connection.token if connection is not None else "", outcome.old)
        return _preview(context, outcome, before, mask)
    if not context.json:
        tell(outcome)
    return {**outcome.document(), "entry": hidden(outcome.entry, connection)}


def _preview(context: Context, outcome: Outcome, before: str, mask: Mask) -> dict[str, object]:
    from ..agents.telling import show

    token_file = context.home().token
    if not context.json:
        show(outcome, before, mask, token_file)
    text = None if outcome.text is None else mask.text(outcome.text)
    legend = mask.legend(text or "", token_file, outcome.path)
    return {
        **outcome.document(),
        "entry": mask.value(outcome.entry),
        "notes": [*outcome.notes, *legend],
        "text": text,
    }


def _add_notes(agent: Agent, outcome: Outcome, connection: Connection, *, project: bool) -> None:
    from ..agents.connection import TOKEN_VARIABLE
    from ..agents.places import is_there

    if not project and not is_there(agent):
        outcome.notes.append(f"{agent.title} is not found on this machine; it is configured all the same")
    if project and connection.token:
        outcome.notes.append(
            f"the token is not written into a file of the project; start {agent.title} with {TOKEN_VARIABLE} set to it"
        )
    if project and connection.command and os.path.isabs(connection.command[0]):
        outcome.notes.append(
            f"{agent.title}: {connection.command[0]} is a path of this machine; others of the project have another"
        )


def _rules(context: Context, arguments: Arguments, words: list[str]) -> int:
    from ..agents.rules import RULES
    from ..agents.rules_files import remove_rules, rules_files, write_rules

    write, remove = arguments.flag("--write"), arguments.flag("--uninstall")
    if write and remove:
        raise UsageError("--write or --uninstall, not both")
    if words and not (write or remove):
        raise UsageError("files are for --write and --uninstall")
    if not (write or remove):
        print_document({"rules": RULES}) if context.json else say(RULES.rstrip("\n"))
        return 0
    files = [os.path.join(context.directory or ".", word) for word in words] or rules_files(_project(context))
    done = [{"file": path, "action": remove_rules(path) if remove else write_rules(path)} for path in files]
    if context.json:
        print_document({"rules": done})
    else:
        for one in done:
            _tell_rules(one["file"], one["action"])
    return 0


def _rules_of(context: Context, agent: Agent, *, remove: bool) -> None:
    from ..agents.rules_files import remove_rules, rules_files, write_rules

    for path in rules_files(_project(context), agent.rules):
        action = remove_rules(path) if remove else write_rules(path)
        if not context.json:
            _tell_rules(path, action)


def _tell_rules(path: str, action: str) -> None:
    from ..agents.telling import short_path

    told = {
        "added": "rules added to",
        "updated": "rules brought up to date in",
        "same": "rules are already in",
        "removed": "rules removed from",
        "absent": "there are no rules of persistproc in",
    }
    say(one_line(f"{told[action]} {short_path(path)}"))


def _is_somewhere(context: Context) -> bool:
    """False when the working directory has been deleted."""
    return context.directory is not None and os.path.isdir(context.directory)


def _project(context: Context) -> str:
    """The project's folder: the nearest one upwards that git knows, else this one."""
    here = context.directory
    if here is None or not _is_somewhere(context):
        raise UsageError("the current directory has been deleted", hint="go to the project first")
    home = os.path.expanduser("~")
    folder = here
    while folder not in ("/", home):
        if os.path.lexists(os.path.join(folder, ".git")):
            return folder
        folder = os.path.dirname(folder)
    return here


COMMAND = Command(
    "agent",
    "install NAME... | uninstall NAME... | list | rules [FILE...]",
    "Connect agents: write the bridge into their configuration, or the rules for a project.",
    _run,
    options=(
        Option("--stdio", help="let the agent start a relay (persistproc mcp) instead of using the URL"),
        Option("--project", help="write the project's configuration instead of the user's"),
        Option("--print", help="show exactly what would be run or written, and do nothing"),
        Option("--uninstall", help="remove what install (or rules --write) has written, and nothing else"),
        Option("--rules", help="install: also write the rules into the file that this agent reads in the project"),
        Option("--write", help="rules: write them into AGENTS.md, CLAUDE.md and GEMINI.md, or the files given"),
    ),
    words=(1, None),
    examples=(
        "persistproc agent list",
        "persistproc agent install claude-code",
        "persistproc agent install cursor vscode --print",
        "persistproc agent install codex --stdio",
        "persistproc agent install claude-code --project --rules",
        "persistproc agent uninstall codex",
        "persistproc agent rules --write",
    ),
    notes=(
        "Names: claude-code, codex, gemini, opencode, cursor, vscode, windsurf, zed, cline, goose, amp, copilot,\n"
        "qwen, jetbrains. An agent that is configured already is left alone; an entry that leads elsewhere is\n"
        "changed. A copy of a file that is changed is kept beside it, with .persistproc-backup at the end of its name."
    ),
)
