"""The question before an end is made of a server that somebody started outside of persistproc."""

from __future__ import annotations

from .arguments import Option
from .oneline import one_line
from .targets import take_deed, take_stop
from .terminal import can_ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.errors import ProcessProtected
    from persistproc_core.protocol import ActParams, StopOptions

    from .arguments import Arguments

    class Agreed(ActParams, StopOptions, total=False):
        """What both a stop and a restart take."""


__all__ = ["YES_OPTION", "Consent"]

YES_OPTION = Option("--yes", "-y", help="do not ask before an adopted one is ended")
_GRACE_SECONDS = 10.0


class Consent:
    """Who has agreed to what, in one call."""

    def __init__(self, arguments: Arguments, verb: str) -> None:
        """``verb``: what is about to be done, as ``stop``."""
        self._arguments = arguments
        self._verb = verb
        self._given: set[str] = set()

    def is_given(self, name: str, error: ProcessProtected) -> bool:
        """Whether what was refused is to be done all the same: by ``--yes``, or somebody is there and says so."""
        if not error.data.get("adopted"):
            return False
        if not self._arguments.flag("--yes") and not self._asks(error):
            return False
        self._given.add(name)
        return True

    def _asks(self, error: ProcessProtected) -> bool:
        if not can_ask():
            error.hint = "end it where it was started, or give --yes"
            return False
        from .confirming import confirmed

        what = error.message.removesuffix("; nothing was done")
        if confirmed(one_line(f"{what}: {error.data.get('command')}. {self._verb} it all the same?")):
            return True
        error.hint = ""  # who has said no is not told how to do it all the same
        return False

    def params(self, name: str) -> Agreed:
        """What is sent for it: with force and a reason once it was agreed to."""
        params: Agreed = {"process": name}
        take_deed(params, self._arguments)
        take_stop(params, self._arguments)
        if name in self._given:
            params["force"] = True
            params.setdefault("reason", "confirmed on the command line")
            if not self._arguments.flag("--force"):
                params.setdefault("grace_seconds", _GRACE_SECONDS)  # with force alone it would be SIGKILL at once
        return params
