"""``persistproc set``: what persistproc does with a process by itself."""

from __future__ import annotations

from ..arguments import Arguments, Command, Option, UsageError
from ..durations import duration_words, seconds_in
from ..oneline import one_line
from ..policy import AUTOSTART_OPTION, RESTART_OPTION, restart_policy
from ..targets import FORCE_OPTION, REASON_OPTION, act, act_params
from ..words import address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import Options, ProcessInfo

    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    options = _options(arguments)
    if not options:
        raise UsageError(
            "set what?", hint="give --restart, --autostart, --no-autostart, --ttl or --idle-timeout; see: --help"
        )
    with context.connect() as client:

        def configure(name: str) -> ProcessInfo:
            return client.configure_process(**act_params(name, arguments), **options)

        return act(context, arguments.words, configure, _describe)


def _options(arguments: Arguments) -> Options:
    options: Options = {}
    restart, ttl, idle = restart_policy(arguments), seconds_in(arguments, "--ttl"), seconds_in(arguments, _IDLE)
    if restart is not None:
        options["restart"] = restart
    if arguments.flag("--autostart") and arguments.flag("--no-autostart"):
        raise UsageError("--autostart and --no-autostart cannot both be given")
    if arguments.flag("--autostart") or arguments.flag("--no-autostart"):
        options["autostart"] = arguments.flag("--autostart")
    if ttl is not None:
        options["ttl_seconds"] = ttl
    if idle is not None:
        options["idle_timeout_seconds"] = idle
    return options


_IDLE = "--idle-timeout"


def _describe(reply: ProcessInfo) -> str:
    autostart = "yes" if reply["autostart"] else "no"
    ttl, idle = _limit(reply["ttl_seconds"]), _limit(reply["idle_timeout_seconds"])
    return (
        f"{one_line(address(reply))}: restart {reply['restart']}, autostart {autostart}, ttl {ttl}, idle timeout {idle}"
    )


def _limit(seconds: float | None) -> str:
    return "none" if seconds is None else duration_words(seconds)


COMMAND = Command(
    "set",
    "NAME... OPTION...",
    "Change what persistproc does with a process by itself: start it again, stop it in time.",
    _run,
    options=(
        RESTART_OPTION,
        AUTOSTART_OPTION,
        Option("--no-autostart", help="leave it alone after a reboot"),
        Option("--ttl", value="TIME", help="stop it when it has run so long (30m, 2h; 0: never)"),
        Option(_IDLE, value="TIME", help="stop it when nobody has used it for so long (0: never)"),
        FORCE_OPTION,
        REASON_OPTION,
    ),
    words=(1, None),
    examples=(
        "persistproc set api --restart on-failure",
        "persistproc set web --ttl 2h --idle-timeout 30m",
        "persistproc set db --autostart --reason 'everybody needs it'",
    ),
    notes=(
        "What is not given stays as it is. It counts at once, over restarts of the process and of the daemon.\n"
        "A run that ends by itself (not by stop, nor by a ttl) is started again after a pause: up to half a second at\n"
        "first, twice as long each time. After 5 restarts in a row of runs of less than a minute it is given up.\n"
        "stop ends that as well, restart begins a new row. run and start take the same options."
    ),
)
