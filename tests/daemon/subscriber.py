"""A subscription over a raw connection, for tests."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from tests.daemon.hub import Hub
from tests.kit import RawConnection

__all__ = ["Subscriber", "text_of"]


class Subscriber:
    """Follows or watches; what it has received is kept."""

    def __init__(self, hub: Hub, method: str = "follow_process_output", **params: Any) -> None:
        _ = hub.connection  # the first one is for calls
        self.connection: RawConnection = hub.connect()
        params.setdefault("working_directory", str(hub.project))
        self.reply: dict[str, Any] = self.connection.call(method, **params)
        self.seen: list[dict[str, Any]] = []

    def next(self) -> dict[str, Any]:
        """The next notification."""
        message: dict[str, Any] = self.connection.read()
        assert message["params"]["subscription"] == self.reply["subscription"]
        self.seen.append(message)
        return message

    def until(self, condition: Callable[[], object]) -> None:
        """Receive until it is true. Raises `TimeoutError` when nothing comes for a long time."""
        while not condition():
            self.next()

    def until_event(self, kind: str) -> dict[str, Any]:
        """Receive until an event of that type; the event."""
        while True:
            event: dict[str, Any] = self.next()["params"].get("event", {})
            if event.get("type") == kind:
                return event

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events so far."""
        return [message["params"]["event"] for message in self.seen if message["method"] == "process_event"]

    @property
    def kinds(self) -> list[str]:
        """The types of the events so far."""
        return [event["type"] for event in self.events]

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """The output so far, message by message."""
        return [message["params"] for message in self.seen if message["method"] == "process_output"]

    @property
    def lines(self) -> list[str]:
        """The text of all lines so far."""
        return [line["text"] for output in self.outputs for line in output["lines"]]

    @property
    def missed(self) -> int:
        """Bytes that it was told to have missed."""
        return sum(output["missed_bytes"] for output in self.outputs)

    def data(self, run: int | None = None, stream: str | None = None) -> bytes:
        """The bytes so far (format raw)."""
        return b"".join(
            text_of(line)
            for output in self.outputs
            if run in (None, output["run"])
            for line in output["lines"]
            if stream in (None, line["stream"])
        )


def text_of(line: dict[str, Any]) -> bytes:
    """The bytes of a raw line."""
    return base64.b64decode(line["base64"]) if "base64" in line else line["text"].encode()
