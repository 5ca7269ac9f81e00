"""What a subscription brings, and what is needed to go on with it over another connection. No I/O, standard library."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import cast

    from .. import protocol
else:

    def cast(kind, value):  # typing takes as long to load as all of this
        return value


__all__ = ["Notification", "Progress", "present_in"]

_Key = tuple[str, str]


class Notification:
    """One notification: ``output`` or ``event`` is there, by ``method``; of a method that is unknown here, neither."""

    __slots__ = ("method", "params")

    def __init__(self, method: str, params: Mapping[str, object]) -> None:
        self.method = method
        self.params = params

    def __repr__(self) -> str:
        return f"Notification({self.method!r}, {self.params!r})"

    @property
    def output(self) -> protocol.ProcessOutput | None:
        """What a process printed (``process_output``)."""
        return cast("protocol.ProcessOutput", self.params) if self.method == "process_output" else None

    @property
    def event(self) -> protocol.Event | None:
        """What happened to a process (``process_event``)."""
        return cast("protocol.Event", self.params["event"]) if self.method == "process_event" else None


class Progress:
    """How far a subscription got: what to ask for on the next connection, and what of its answer is old."""

    def __init__(self, method: str, params: Mapping[str, object]) -> None:
        self.method = method
        self.reply: Mapping[str, object] = {}
        self.ended: str | None = None
        """Why it ended by itself."""
        self._params = dict(params)
        self._named = "processes" in params
        self._after: object = params.get("after")
        self._cursors: dict[_Key, str] = {}
        self._told: dict[_Key, int] = {}

    def begin(self, reply: object) -> None:
        """The daemon has accepted."""
        self.reply = reply if isinstance(reply, dict) else {}
        newest = cast("int", self.reply.get("sequence", 0))
        if self._told and newest < max(self._told.values()):
            # The journal was deleted, and counts from 1 again: by the old numbers nothing would ever be news.
            self._told.clear()
            self._after = None
        followed = cast("list[protocol.FollowedProcess]", self.reply.get("processes", []))
        for process in followed:
            key = (process["project_directory"], process["name"])
            self._cursors[key] = process["cursor"]
            self._told.setdefault(key, process["after"])
        if self._after is None:
            # The least: what of it was told to one of them before is left out by `_told`.
            self._after = min([newest, *(process["after"] for process in followed)])

    def take(self, message: object) -> Notification | None:
        """What a line of the connection brings; None when that is nothing, or was brought before."""
        if not isinstance(message, dict) or not isinstance(message.get("params"), dict):
            return None
        params = message["params"]
        if params.get("subscription") != self.reply.get("subscription"):
            return None
        news = Notification(message["method"], params)
        if news.method == "subscription_ended":
            self.ended = str(params.get("reason", ""))
        elif news.output is not None:
            output = news.output
            self._cursors[output["project_directory"], output["name"]] = output["cursor"]
        elif news.event is not None and not self._is_news(news.event):
            return None
        return news

    def _is_news(self, event: protocol.Event) -> bool:
        key = (event["project_directory"], event["name"])
        if event["sequence"] <= self._told.get(key, -1):
            return False
        self._told[key] = event["sequence"]
        if self.method == "watch_processes":
            self._after = event["sequence"]
        elif event["type"] == "removed":
            self._cursors.pop(key, None)
        return True

    def again(self, present: set[_Key] | None = None) -> dict[str, object] | None:
        """The parameters for going on; None when nothing is left of what was named.

        ``present``: the processes that there are, after the daemon has said that one of them is not there.
        """
        if not self.reply:
            return dict(self._params)
        params = {**self._params, "after": self._after}
        if self.method != "follow_process_output":
            return params
        keys = [key for key in self._cursors if present is None or key in present]
        params.pop("lines", None)
        params["cursors"] = {_full_name(key): self._cursors[key] for key in keys}
        if self._named:
            if not keys:
                self.ended = "every process that it named was removed"
                return None
            params["processes"] = [_full_name(key) for key in keys]
        return params


def present_in(listed: object) -> set[_Key]:
    """The processes in a reply of ``list_processes``."""
    processes = listed.get("processes", []) if isinstance(listed, dict) else []
    return {(process["project_directory"], process["name"]) for process in processes}


def _full_name(key: _Key) -> str:
    return f"{key[0].rstrip('/')}/{key[1]}"
