"""What others did meanwhile, as one line at the end of an answer."""

from __future__ import annotations

from typing import cast

import anyio

from persistproc_core.errors import PersistprocError
from persistproc_core.protocol import Event, GetNewsParams, NewsReply

from .calling import common
from .text.events import news_line
from .tool import Answer, Call

__all__ = ["with_news"]

_SECONDS = 2.0
_BY_STATE = ("exited", "failed", "lost", "stopped", "waiting_for_input")
_BY_CHANGE = ("started", "restarted")


async def with_news(call: Call, answer: Answer) -> Answer:
    """The answer with its news. An answer without them is worth more than none, so nothing here makes a call fail."""
    try:
        news = call.news[0] if call.news else await _asked(call)
    except (PersistprocError, TimeoutError):
        return answer
    events = [event for event in news["events"] if not _is_told(event, answer)]
    line = news_line(events, news["omitted"], call.caller)
    return answer._replace(text=f"{answer.text}\n{line}") if line else answer


async def _asked(call: Call) -> NewsReply:
    with anyio.fail_after(_SECONDS):
        return await call.hub.client.get_news(**cast("GetNewsParams", common(call)))


def _is_told(event: Event, answer: Answer) -> bool:
    if event["run_id"] not in answer.about:
        return False
    return event["type"] in _BY_STATE or (answer.tells_change and event["type"] in _BY_CHANGE)
