"""A new run: made ready, and launched in the place of the old one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import anyio
import anyio.to_thread

from . import environment as environments
from .clock import now
from .failures import check_startable
from .kernel.identity import boot_id
from .lifecycle import Lifecycle
from .model import Cause, Process, Run, new_run_id
from .ports.wishes import variables
from .requests import own_stop
from .settings import Settings
from .store import Store
from .words.command import Command

__all__ = ["Launching", "Prepared"]


class Prepared(NamedTuple):
    """A run whose record is on disk, and the whole environment that it will have."""

    run: Run
    environment: dict[str, str]


class Launching:
    """Makes runs ready and launches them; whoever calls holds the process's lock."""

    def __init__(self, lifecycle: Lifecycle, disk: Store, umask: int, files: tuple[int, int]) -> None:
        """``umask`` and ``files`` (RLIMIT_NOFILE) are what a child gets whose caller does not say."""
        self._lifecycle = lifecycle
        self._disk = disk
        self._umask = umask
        self._files = files

    async def prepare(
        self,
        process: Process,
        command: Command,
        directory: str,
        settings: Settings,
        asked: dict[str, str],
        cause: Cause,
        replaced: Run | None,
        restarts: int = 0,
        *,
        note: str = "",
    ) -> Prepared:
        """A new run with its record on disk. An old run is ended only after that: a full disk must not cost it.

        ``asked``: the environment. Raises `StorageFailed`.
        """
        # Where nobody knew the old environment any more, they are not in it.
        asked = {**asked, **variables(settings.ports, dict(settings.assigned_ports))}
        number = process.next_number()
        run_id = new_run_id(process.name, number)
        environment, added = environments.build(asked, run_id, directory, tty=settings.tty)
        if "nofile" not in {name for name, _, _ in settings.limits}:
            settings = settings._replace(limits=(*settings.limits, ("nofile", *self._files)))
        run = Run(
            run_id=run_id,
            number=number,
            directory=self._disk.folder(run_id),
            command=command,
            working_directory=directory,
            settings=settings,
            started_at=now(),
            started_by=cause.by,
            boot_id=boot_id(),
            start_reason=cause.reason,
            replaced_run=replaced.number if replaced else None,
            restarts=restarts,
            reason=f"{cause.sentence()}; {note}" if note else cause.sentence(),
            added_variables=added,
            environment=asked,
        )
        await self._lifecycle.prepare(process, run)
        return Prepared(run, environment)

    async def launch(
        self,
        process: Process,
        prepared: Prepared,
        old: Run | None,
        cause: Cause,
        *,
        stop: tuple[int, float] | None = None,
        force: bool = False,
    ) -> Run:
        """Start what is prepared once the old run is gone. When it cannot be started, the old one is left alone.

        ``stop``: signal, and grace in seconds; None: as the old run itself says. Raises what `Lifecycle.launch` and
        `Lifecycle.end` do.
        """
        with _replacing(process, prepared.run):
            if old is not None and old.present and not old.spared:
                signum, grace = stop or own_stop(old.settings)
                await self._end_for(prepared, old, signum, grace, cause, force=force)
            return await self._start(process, prepared)

    async def _end_for(
        self, prepared: Prepared, old: Run, signum: int, grace: float, cause: Cause, *, force: bool = False
    ) -> None:
        try:
            # What cannot be started must not cost what runs.
            await anyio.to_thread.run_sync(check_startable, prepared.run, prepared.environment)
            await self._lifecycle.end(old, signum, grace, cause, force=force)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._lifecycle.discard(prepared.run)
            raise

    async def _start(self, process: Process, prepared: Prepared) -> Run:
        run = prepared.run
        umask = self._umask if run.settings.umask is None else run.settings.umask
        await self._lifecycle.launch(process, run, prepared.environment, umask)
        process.command, process.working_directory = run.command, run.working_directory
        return run


@contextmanager
def _replacing(process: Process, run: Run) -> Iterator[None]:
    """While the run takes the place of another one: the end of that one is a piece of a restart."""
    process.restarting = run.replaced_run
    try:
        yield
    finally:
        process.restarting = None
