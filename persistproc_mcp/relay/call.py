"""One request under way: sent to the bridge and its answers passed on; sent again when that is safe."""

from __future__ import annotations

import json
import time

from persistproc_core.errors import PersistprocError

from . import messages
from .events import data_of
from .http import Exchange, Lost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .lines import Output
    from .starting import Bridge

__all__ = ["Call"]

_TRIES = 4
_REPEAT_WITHIN_SECONDS = 8.0
"""A call that waits may last 50 s, and clients give up after 60: begun anew late, it would be answered too late."""


class Call:
    """A request of the client, in a thread of its own."""

    def __init__(self, message: Mapping[str, object], line: bytes, head: list[str]) -> None:
        self._message = message
        self._line = line
        self._head = head
        self._exchange: Exchange | None = None
        self.cancelled = False
        self.endless = message["method"] == messages.LISTEN
        """It has no end of its own."""

    def cancel(self) -> None:
        """Give it up: closing the connection is what tells the bridge so. The client expects no answer any more."""
        self.cancelled = True
        exchange = self._exchange
        if exchange is not None:
            exchange.abandon()

    def run(self, bridge: Bridge, output: Output, answered: Callable[[dict[str, object]], None]) -> None:
        """See it through; ``answered`` is told the reply before the client is."""
        begun = time.monotonic()
        for tries in range(_TRIES):
            try:
                self._once(bridge, output, answered)
                return
            except PersistprocError as error:
                hint = f" ({error.hint})" if error.hint else ""
                self.fail(output, f"persistproc: {error.message}{hint}")
                return
            except Lost as lost:
                if self.cancelled:
                    return
                if not self._again(lost, begun) or tries + 1 == _TRIES:
                    break
        self.fail(output, self._lost_text())

    def _once(self, bridge: Bridge, output: Output, answered: Callable[[dict[str, object]], None]) -> None:
        exchange = bridge.connect()
        self._exchange = exchange
        try:
            if self._given_up():
                return  # after `cancel` has looked for a connection to close
            exchange.send(self._head, self._line)
            for text, message in self._replies(exchange):
                if self._given_up():
                    return
                if "method" in message:
                    output.send_text(text)
                    continue
                answered(message)
                if message.get("id") is None:
                    # Refused before anybody looked for the id.
                    output.send({**message, "id": self._message["id"]})
                else:
                    output.send_text(text)
                return
            raise Lost(unread=False)
        finally:
            exchange.close()

    def _given_up(self) -> bool:
        return self.cancelled

    def _replies(self, exchange: Exchange) -> Iterator[tuple[bytes, dict[str, object]]]:
        if exchange.headers.get("content-type", "").startswith("text/event-stream"):
            for data in data_of(exchange.body()):
                yield data, _object(data)
            return
        text = b"".join(exchange.body())
        message = _object(text)
        if message.get("jsonrpc") != "2.0":
            message = messages.failure(self._message, _refusal(message, exchange.status))
            text = json.dumps(message).encode()
        yield text, message

    def _again(self, lost: Lost, begun: float) -> bool:
        if lost.unread or self.endless:
            return True
        return messages.may_repeat(self._message) and time.monotonic() - begun < _REPEAT_WITHIN_SECONDS

    def _lost_text(self) -> str:
        name = messages.params_of(self._message).get("name") or self._message["method"]
        if messages.may_repeat(self._message):
            return f"The persistproc bridge was restarted while {name} was under way. Nothing is lost: call it again."
        return (
            f"The persistproc bridge ended while {name} was under way, so it may or may not have been done. "
            "Call list_processes to see what is true now, and then call it again if need be."
        )

    def fail(self, output: Output, text: str) -> None:
        """Answer that it did not get through."""
        if not self.cancelled:
            output.send(messages.failure(self._message, text))


def _refusal(document: Mapping[str, object], status: int) -> str:
    """The words of an answer that is none of MCP's: of the guard, or of a bridge that has no such route."""
    told = document.get("error")
    facts = told if isinstance(told, dict) else {}
    words = " ".join(str(facts[key]) for key in ("message", "hint") if facts.get(key))
    return f"the persistproc bridge refused the request: {words or f'HTTP status {status}'}"


def _object(text: bytes) -> dict[str, object]:
    try:
        message: object = json.loads(text)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}
