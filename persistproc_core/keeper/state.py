"""What a keeper begins with: next to nothing, or all that the program held whose place it takes."""

from __future__ import annotations

from .fields import Fields, dump
from .link import Link, Listener
from .run import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .program import Keeper

__all__ = ["State", "descriptors", "dump_state"]


class State:
    """The beginning of a keeper."""

    __slots__ = ("asker", "holder", "links", "listener", "lock", "runs", "spent")

    def __init__(self, listener: Listener, links: list[Link]) -> None:
        """Without runs: a socket, and the connection of the daemon that started us."""
        self.listener = listener
        self.links = links
        self.runs: list[Run] = []
        self.lock = -1
        self.holder = -1
        """The connection to the holder."""
        self.spent: list[int] = []
        """Children that are no runs, and may be reaped."""
        self.asker: tuple[Link, bytes] | None = None
        """Who asked for an upgrade, and the id of the request."""

    @classmethod
    def of(cls, socket: str, fields: Fields) -> State:
        """What was dumped, with the same descriptors; nothing on disk is touched. Raises `OSError`, `ValueError`."""
        links = [Link.of(Fields(link)) for link in fields.several("links")]
        self = cls(Listener.of(socket, Fields(fields.text("listener"))), links)
        self.runs = [Run.of(Fields(run), links) for run in fields.several("runs")]
        self.lock = fields.number("lock", -1)
        self.holder = fields.number("holder", -1)
        self.spent = fields.numbers("spent")
        link = fields.number("link", -1)
        self.asker = (links[link], fields.text("ask")) if link >= 0 else None
        return self


def dump_state(keeper: Keeper, asker: tuple[Link, bytes] | None) -> bytes:
    """All that a keeper holds; every log and every mark is closed."""
    links = keeper.links.open
    return dump(
        listener=keeper.links.listener.dump(),
        links=(link.dump() for link in links),
        runs=(run.dump(links) for run in keeper.runs.values()),
        lock=keeper.home.lock,
        holder=keeper.holding.fd,
        spent=(b"%d" % pid for pid in keeper.spent),
        link=links.index(asker[0]) if asker is not None else -1,
        ask=asker[1] if asker is not None else b"",
    )


def descriptors(keeper: Keeper) -> list[int]:
    """Every descriptor that the dump names."""
    fds = [keeper.home.lock, keeper.holding.fd, keeper.links.listener.fd]
    fds += [link.fd for link in keeper.links.open]
    fds += [fd for run in keeper.runs.values() for fd in run.descriptors]
    return [fd for fd in fds if fd >= 0]
