"""How a keeper begins: of its own, or in the place of another program in the same process (see `upgrade`)."""

from __future__ import annotations

import os
import signal

from .home import Home
from .image import make_image
from .link import Link, Listener, close_all_but
from .program import Keeper
from .state import State, descriptors
from .table import Table, read_table
from .upgrade import HELD_BACK, answer, answer_check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["begin"]

_ANOTHER_LIVES = 3
_IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGUSR2)


def begin(arguments: list[str]) -> Callable[[], int]:
    """What is left to do, whose result is the exit code. Raises whatever goes wrong; nothing has been changed then.

    The arguments are a mode, a descriptor, and the paths SOCKET HOLDER LOCK LOG. ``--fd N`` is a keeper of its own,
    which serves the connection N. ``--table N`` takes the place of the program that wrote this table, ``--back N``
    takes it back; ``--check N`` goes as far as one can go without anybody noticing.
    """
    mode, number, *paths = arguments
    home = Home(*paths)
    if mode == "--fd":
        return lambda: _live(home, int(number))
    table = read_table(int(number))
    state = State.of(home.socket, table.fields)
    is_former = mode == "--back" and table.image >= 0
    home.lock = state.lock
    keeper = Keeper(home, state, table.image if is_former else make_image(home.folder))
    for run in keeper.runs.values():
        run.describe()
    return answer_check if mode == "--check" else lambda: _go_on(keeper, state, int(number), table)


def _live(home: Home, fd: int) -> int:
    # Whatever else whoever started us had open would be inherited by every child.
    close_all_but(fd)
    os.set_inheritable(fd, False)
    if not home.take_lock():
        return _ANOTHER_LIVES
    try:
        os.setsid()
    except PermissionError:
        pass  # it leads its session already
    os.umask(0o077)
    os.chdir("/")
    for number in _IGNORED:
        # What is meant for the daemon or for a terminal's foreground must not end the parent of all children.
        signal.signal(number, signal.SIG_IGN)
    return _serve(Keeper(home, State(Listener(home.socket), [Link(fd)]), make_image(home.folder)))


def _go_on(keeper: Keeper, state: State, fd: int, table: Table) -> int:
    """Serve where the other program has stopped. From here on there is no way back."""
    signal.alarm(0)
    for each in (*descriptors(keeper), keeper.image):
        if each >= 0:
            os.set_inheritable(each, False)
    for each in {fd, table.image} - {keeper.image, -1}:
        os.close(each)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
    answer(keeper, state.asker, table.said)
    return _serve(keeper)


def _serve(keeper: Keeper) -> int:
    try:
        keeper.loop()
    except BaseException as error:
        keeper.home.log(f"ended by {type(error).__name__}: {error}")
        raise
    keeper.links.listener.remove()
    return 0
