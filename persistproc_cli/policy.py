"""The options of processes that are no durations: restart policy, autostart."""

from __future__ import annotations

from .arguments import Arguments, Option, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import RestartPolicy

__all__ = ["AUTOSTART_OPTION", "RESTART_OPTION", "restart_policy"]

RESTART_OPTION = Option(
    "--restart", value="POLICY", help="start it again when it ends by itself: never, on-failure, always"
)
AUTOSTART_OPTION = Option("--autostart", help="start it again after a reboot, unless somebody had stopped it")

_POLICIES: tuple[RestartPolicy, ...] = ("never", "on-failure", "always")


def restart_policy(arguments: Arguments) -> RestartPolicy | None:
    """What ``--restart`` says; None: not given. Raises `UsageError`."""
    text = arguments.text("--restart")
    if text is None:
        return None
    for policy in _POLICIES:
        if text == policy:
            return policy
    raise UsageError(f"there is no restart policy {text!r}", hint=f"policies are {', '.join(_POLICIES)}")
