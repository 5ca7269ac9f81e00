"""What is changed of a run that goes on: how it would be stopped, its tags, its restart policy."""

from __future__ import annotations

from typing import cast

from ...protocol import ClientInfo, ConfigureProcessParams
from ..configuring import Configuring
from ..lifecycle import Lifecycle
from ..model import Process
from .deciding import Decision
from .wanted import Wanted

__all__ = ["Keeping"]


class Keeping:
    """Changes it."""

    def __init__(self, lifecycle: Lifecycle, configuring: Configuring) -> None:
        self._lifecycle = lifecycle
        self._configuring = configuring

    async def keep(
        self, process: Process, wanted: Wanted, decision: Decision, client: ClientInfo, *, forced: str = ""
    ) -> str | None:
        """As the file says; what was changed, in words. Raises what configuring a process raises.

        ``forced``: why it is done although somebody protects the process.
        """
        run = process.runs[-1]
        if decision.options:
            given = {name: wanted.params.get(name) for name in decision.options}
            params = cast("ConfigureProcessParams", {"process": process.name, **given})
            if forced:
                params["force"], params["reason"] = True, forced
            await self._configuring.configure(process, params, client)
        joins = not run.settings.defined and not run.foreign
        if decision.settings or joins:
            changed = {name: getattr(wanted.settings, name) for name in decision.settings}
            if joins:
                # It is what the file says, so it goes when the project goes. What was adopted stays its owner's.
                changed.update(defined=True, variables=wanted.of_project.variables)
            run.settings = run.settings._replace(**changed)
            await self._lifecycle.write(run)
        names = [*decision.options, *decision.settings]
        return f"changed while it runs: {', '.join(names)}" if names else None
