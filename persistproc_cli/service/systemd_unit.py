"""The text of a systemd unit: systemd.unit(5), systemd.service(5), systemd.exec(5), quoted by systemd.syntax(7)."""

from __future__ import annotations

from persistproc_core.errors import PersistprocError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .program import Program

__all__ = ["Unwritable", "home_of_unit", "is_ours", "program_of_unit", "quoted", "unit_text"]

_MARKER = "# Written by persistproc service install"
_FOR_HOME = "# Home: "

_HEAD = f"""\
{_MARKER}, which also replaces it. For changes of your own: systemctl --user edit {{name}}
{_FOR_HOME}{{home}}
"""

_DAEMON = """
[Unit]
Description=persistproc: the daemon of development processes
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=notify
ExecStart={command}
{variables}
# Not the home directory: a json.py that lies there would be imported instead of the module.
WorkingDirectory=/
# The processes go on when the daemon ends, as they do without a service.
KillMode=process
OOMPolicy=continue
TasksMax=infinity
TimeoutStartSec=60
# After a crash. Not after persistproc daemon stop, and not when a person has to mend something first:
# another daemon that does not answer (69), a home that is not safe (78).
Restart=on-failure
RestartSec=1
RestartPreventExitStatus=69 78

[Install]
WantedBy=default.target
"""

_BRIDGE = """
[Unit]
Description=persistproc: the bridge for agents (MCP) and HTTP clients
Wants=persistproc.service
After=persistproc.service
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=exec
# One that serves already, started by an agent, would keep this one from serving. Agents find the next one.
ExecStartPre=-{stop}
ExecStart={command}
{variables}
WorkingDirectory=/
# A daemon that it had to start must not end with it, nor must the processes of that.
KillMode=process
OOMPolicy=continue
TasksMax=infinity
Restart=on-failure
RestartSec=5

[Install]
WantedBy=default.target
"""

_TEXTS = {"daemon": _DAEMON, "bridge": _BRIDGE}


class Unwritable(PersistprocError):
    """Something cannot be said in the service manager's file; nothing was changed."""

    code = "unwritable"


def unit_text(name: str, program: Program) -> str:
    """The unit. Raises `Unwritable` for a path that systemd cannot take."""
    variables = [f"Environment={quoted(f'{key}={value}')}" for key, value in program.variables.items()]
    head = _HEAD.format(name=name, home=quoted(program.home))
    return head + _TEXTS[program.role].format(
        command=_command(program.argv), stop=_command(program.stop), variables="\n".join(variables)
    )


def _command(argv: tuple[str, ...]) -> str:
    return " ".join(quoted(word).replace("$", "$$") for word in argv)


def quoted(word: str) -> str:
    """A word as systemd reads it back; plain where that is possible.

    Raises `Unwritable` for what is not UTF-8: systemd drops such a line without ado.
    """
    try:
        word.encode()
    except UnicodeEncodeError:
        raise Unwritable(f"systemd takes no names that are not UTF-8: {word!r}") from None
    escaped = "".join(_escaped(char) for char in word)
    plain = escaped == word and word and not any(char in " ';#" for char in word)
    # % begins a specifier, also within quotes (systemd.unit(5)).
    return (word if plain else f'"{escaped}"').replace("%", "%%")


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    return f"\\x{ord(char):02x}" if ord(char) < 0x20 or ord(char) == 0x7F else char


def is_ours(text: str) -> bool:
    """True when we have written the unit."""
    return text.startswith(_MARKER)


def home_of_unit(text: str) -> str:
    """The home that a unit of ours is for, as it was written there; empty when it does not say."""
    for line in text.splitlines():
        if line.startswith(_FOR_HOME):
            return line[len(_FOR_HOME) :]
    return ""


def program_of_unit(text: str) -> str:
    """The program that a unit of ours starts; empty when it does not say."""
    import shlex

    for line in text.splitlines():
        if line.startswith("ExecStart="):
            # What we write there a shell reads in the same way, but for these two.
            try:
                words = shlex.split(line.partition("=")[2])
            except ValueError:
                return ""  # somebody has edited it, and a quote is open
            return words[0].replace("%%", "%").replace("$$", "$") if words else ""
    return ""
