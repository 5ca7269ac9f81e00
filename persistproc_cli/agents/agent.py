"""What has to be known about an agent to configure it: the columns of the table of agents."""

from __future__ import annotations

from .documents import JSON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["ARGS", "COMMAND", "COMMAND_LINE", "NAME", "TOKEN", "URL", "Agent"]

NAME = "persistproc"
"""Under which the bridge stands in every agent's configuration."""

# Placeholders in the entries and commands of the table.
URL = "\0url"
TOKEN = "\0token"
COMMAND = "\0command"
ARGS = "\0args"
COMMAND_LINE = "\0command line"

# What says how a server is reached. An entry that is changed loses these, and keeps what else somebody has set in it.
_TRANSPORT = frozenset(
    (
        "type url httpUrl serverUrl uri headers http_headers env_http_headers bearer_token_env_var "
        "command args cmd oauth transport"
    ).split()
)


class Agent:
    """One agent.

    * ``title``: as its makers write it; ``programs``, ``marks``: programs and folders that tell that it is installed.
    * ``files``: where its configuration is: places, each with the names that the file may have there. Installed into
      every place whose folder exists, else into the first. ``project``: the names in a project; empty: there is none.
    * ``format``, ``keys``: the file's format, and the path of our entry in it.
    * ``http``, ``stdio``: the entry for either way; ``http`` is None for an agent that only starts programs.
    * ``token``, ``token_by_name``: what is added to ``http`` for a token, and for one in an environment variable.
    * ``add_http``, ``add_stdio``: its own command that adds a server for the user; it writes the same entry.
    * ``rules``: the file in a project in which it reads rules. ``after``: what the user has to do then.
    """

    __slots__ = (
        "add_http",
        "add_stdio",
        "after",
        "files",
        "format",
        "http",
        "keys",
        "marks",
        "name",
        "programs",
        "project",
        "rules",
        "stdio",
        "title",
        "token",
        "token_by_name",
    )

    def __init__(
        self,
        name: str,
        title: str,
        *,
        files: tuple[tuple[str, ...], ...],
        section: str,
        http: dict[str, object] | None,
        stdio: dict[str, object],
        format: str = JSON,  # noqa: A002
        project: tuple[str, ...] = (),
        programs: tuple[str, ...] = (),
        marks: tuple[str, ...] = (),
        headers: str = "headers",
        token_by_name: dict[str, object] | None = None,
        add_http: tuple[str, ...] = (),
        add_stdio: tuple[str, ...] = (),
        rules: str = "AGENTS.md",
        after: str = "",
    ) -> None:
        self.name = name
        self.title = title
        self.files = files
        self.project = project
        self.format = format
        self.keys = (section, NAME)
        self.http = http
        self.stdio = stdio
        self.programs = programs
        self.marks = marks
        self.token: dict[str, object] = {headers: {"Authorization": f"Bearer {TOKEN}"}}
        self.token_by_name = token_by_name
        self.add_http = add_http
        self.add_stdio = add_stdio
        self.rules = rules
        self.after = after

    def entry(self, connection: Connection, *, shared: bool) -> dict[str, object]:
        """Our entry in its configuration; in a ``shared`` one (a project's) the token stands by its variable's name."""
        if connection.command:
            return _filled_members(self.stdio, connection)
        assert self.http is not None
        token = (self.token_by_name or {}) if shared else self.token
        return _filled_members({**self.http, **(token if connection.token else {})}, connection)

    def own_command(self, connection: Connection) -> list[str]:
        """Its own command that adds the entry; empty when it has none for this."""
        words: list[str] = []
        for word in self.add_stdio if connection.command else self.add_http:
            filled = _filled(word, connection)
            words += [str(part) for part in filled] if isinstance(filled, list) else [str(filled)]
        return words

    def merged(self, old: object, entry: dict[str, object]) -> dict[str, object]:
        """Our entry with what the user has set in the old one beyond how to connect."""
        kept = old if isinstance(old, dict) else {}
        return {**{key: value for key, value in kept.items() if key not in _TRANSPORT}, **entry}

    def is_same(self, old: object, entry: dict[str, object]) -> bool:
        """True when the old entry already leads there."""
        if not isinstance(old, dict):
            return False
        reached = {key for key in old if key in _TRANSPORT and key not in entry and old[key] not in (None, {}, [])}
        return not reached and all(key in old and old[key] == value for key, value in entry.items())


def _filled_members(template: dict[str, object], connection: Connection) -> dict[str, object]:
    return {key: _filled(value, connection) for key, value in template.items()}


def _filled(value: object, connection: Connection) -> object:
    if isinstance(value, dict):
        return _filled_members(value, connection)
    if value == ARGS:
        return list(connection.command[1:])
    if value == COMMAND_LINE:
        return list(connection.command)
    if value == COMMAND:
        return connection.command[0]
    if isinstance(value, str):
        return value.replace(URL, connection.url).replace(TOKEN, connection.token)
    return value
