"""What was seen of a run, in the words and fields of the protocol."""

from __future__ import annotations

from typing import Literal, NamedTuple

from ...protocol import Readiness
from ..model import Run
from ..waiting.conditions.condition import Met
from ..words.printed_urls import printed_url
from .quiet import QUIET_SECONDS
from .rules import Rule

__all__ = ["Seen", "known_before", "readiness", "seen_by_rule", "seen_by_sign"]

By = Literal["output", "port", "url", "command", "completed", "quiet"]
Outcome = Literal["ready", "exited", "failed", "input", "timed_out"]

_LONGEST_LINE = 200


class Seen(NamedTuple):
    """What a run was found ready by."""

    by: By | None
    words: str
    line: str | None = None
    port: int | None = None
    url: str | None = None
    status_code: int | None = None


def seen_by_rule(rule: Rule, met: Met) -> Seen:
    """What somebody had said came true."""
    if rule.kind == "output":
        return Seen("output", f"printed: {_short(met.line)}", line=met.line)
    if rule.kind == "port":
        return Seen("port", f"listens on port {met.port or rule.port}", port=met.port or rule.port)
    if rule.kind == "url":
        words = f"{rule.text} answered with status {met.status_code}"
        return Seen("url", words, url=rule.text, status_code=met.status_code)
    if rule.kind == "command":
        return Seen("command", "its ready command exited with code 0")
    return Seen("completed", "completed: exited with code 0")


def seen_by_sign(met: Met, line: str | None) -> Seen:
    """A sign came; ``line``: the one that announces a URL, when there is one."""
    url = printed_url(line) if line is not None else None
    if met.port is not None:
        at = f", {url}" if url else ""
        return Seen("port", f"listens on port {met.port}{at}", line=line, port=met.port, url=url)
    if met.what == "output":
        return Seen("url", f"printed {url}", line=line, url=url)
    return Seen("quiet", f"printed something, then nothing for {QUIET_SECONDS:g} s")


def known_before(run: Run, rule: Rule | None) -> Seen:
    """Of a run that was found ready by a former daemon: the record has the words alone."""
    return Seen(rule.kind if rule is not None else None, run.ready_by or "ready")


def readiness(
    outcome: Outcome,
    words: str,
    elapsed_seconds: float,
    *,
    seen: Seen | None = None,
    hint: str | None = None,
    error_lines: list[str] | None = None,
) -> Readiness:
    """The answer."""
    return {
        "outcome": outcome,
        "by": seen.by if seen else None,
        "line": seen.line if seen else None,
        "port": seen.port if seen else None,
        "url": seen.url if seen else None,
        "status_code": seen.status_code if seen else None,
        "words": words,
        "hint": hint,
        "error_lines": error_lines or [],
        "elapsed_seconds": round(elapsed_seconds, 3),
    }


def _short(line: str | None) -> str:
    text = (line or "").strip()
    return text if len(text) <= _LONGEST_LINE else text[: _LONGEST_LINE - 1] + "…"
