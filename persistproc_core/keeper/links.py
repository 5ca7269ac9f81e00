"""All connections of the keeper, and the socket on which it waits for more."""

from __future__ import annotations

import select

from .link import Link, Listener, beside
from .streams import STARVED_SECONDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .poll import Poll

__all__ = ["Links"]


class Links:
    """Accepts, reads and sends. Whoever is told by an event is whoever is connected then."""

    def __init__(
        self, listener: Listener, poll: Poll, answer: Callable[[Link, list[bytes]], None], open_links: list[Link]
    ) -> None:
        """``answer(link, message)`` is called for each message that comes."""
        self._listener = listener
        self._poll = poll
        self._answer = answer
        self.open: list[Link] = []
        """The connections, oldest first."""
        poll.add(listener.fd, self._accept)
        for link in open_links:
            self.attach(link)

    @property
    def listener(self) -> Listener:
        """The socket."""
        return self._listener

    def attach(self, link: Link) -> None:
        """Serve a connection."""
        self.open.append(link)
        self._poll.add(link.fd, lambda ready: self._serve(link, ready))
        self._after(link)

    def _accept(self, ready: int) -> None:
        link = self._listener.accept()
        if link is not None:
            self.attach(link)
        else:
            self._poll.rest(self._listener.fd, STARVED_SECONDS)  # no descriptor is free, and it stays readable

    def listen_again(self) -> None:
        """Make the socket's file again, which somebody deleted. Raises `OSError`."""
        path = self._listener.path
        listener = Listener(beside(path))
        # Renamed into place: a daemon that connects just now finds the old one or the new one, never none.
        listener.rename(path)
        while (link := self._listener.accept()) is not None:
            self.attach(link)  # who connected to the old one before
        self._poll.remove(self._listener.fd)
        self._listener.close()
        self._listener = listener
        self._poll.add(listener.fd, self._accept)

    def _serve(self, link: Link, ready: int) -> None:
        if ready & select.POLLOUT:
            link.flush()
        if ready & ~select.POLLOUT:
            for message in list(link.receive()):
                if link.fd < 0:
                    return  # a newer daemon has said hello: what the old one still had to say is not done any more
                self._answer(link, message)
        self._after(link)

    def _after(self, link: Link) -> None:
        if link.closed:
            self.drop(link)
        else:
            self._poll.change(link.fd, writing=link.waiting)

    def drop(self, link: Link) -> None:
        """Close a connection."""
        if link in self.open:
            self.open.remove(link)
            self._poll.remove(link.fd)
        link.close()

    def send(self, link: Link, *fields: bytes) -> None:
        """Send a message to one, if it is still there."""
        if link.fd >= 0:
            link.send(*fields)
            self._after(link)

    def tell(self, *fields: bytes) -> None:
        """Send a message to all."""
        for link in list(self.open):
            self.send(link, *fields)
