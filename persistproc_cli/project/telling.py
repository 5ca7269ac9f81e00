"""What became of a project's processes, in the end: what failed and why, and the exit code."""

from __future__ import annotations

from ..oneline import one_line
from ..output import in_options, note, tell_line
from .rows import seconds_words
from .shown import is_redrawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from persistproc_core.protocol import ProcessResult, StartProjectReply, StopProjectReply

__all__ = ["exit_code", "tell_down", "tell_up"]

EXIT_FAILED = 1


def exit_code(results: Sequence[ProcessResult]) -> int:
    """0 when none failed, each was at least begun, and none was left other than its file says."""
    bad = any(result["outcome"] in ("failed", "not_started") or _is_left_alone(result) for result in results)
    return EXIT_FAILED if bad else 0


def _is_left_alone(result: ProcessResult) -> bool:
    return result["outcome"] == "unchanged" and result["hint"] is not None


def tell_up(reply: StartProjectReply, left: Sequence[str], *, waited: bool) -> None:
    """Say on standard error why it is not up, the culprit's last lines first, or that it is.

    ``left``: what has left the file and is to be told of.
    """
    for result in reply["results"]:
        if result["outcome"] == "failed":
            _tell_failed(result)
    for result in reply["results"]:
        if result["outcome"] == "not_started" and not is_redrawn():
            note(f"{result['name']} was not started: {_why_not(result)}")
    other = [result for result in reply["results"] if _is_left_alone(result)]
    for result in other:
        _tell_why("is not as the file says", result)
    for name in left:
        note(f"{name} is no longer in the file, and was left alone; --remove stops and forgets it")
    took = seconds_words(reply["elapsed_seconds"])
    names = [result["name"] for result in reply["results"] if result["outcome"] in ("failed", "not_started")]
    if names:
        note(f"{reply['project']} is not up after {took}: {', '.join(names)}{_runs_on(reply['results'], names)}")
    elif other:
        note(f"{reply['project']} is not as its file says: {', '.join(result['name'] for result in other)}")
    elif not waited:
        note(f"all of {reply['project']} is begun; see how far it is with: persistproc project")
    else:
        note(f"{reply['project']} is up after {took}; see its output with: persistproc logs -f")


def _runs_on(results: Sequence[ProcessResult], names: Sequence[str]) -> str:
    """What is left running: also what was not ready in time."""
    going = [
        result["name"]
        for result in results
        if result["outcome"] == "failed" and result["process"] is not None and result["process"]["ended_at"] is None
    ]
    if len(names) < len(results):
        return f"; {', '.join(going)} and the others run on" if going else "; the others run on"
    return f"; {', '.join(going)} {'runs' if len(going) == 1 else 'run'} on" if going else ""


def _why_not(result: ProcessResult) -> str:
    if result["reason"]:
        return result["reason"]
    return f"it waited for {', '.join(result['waited_for'])}" if result["waited_for"] else "the time was up"


def _tell_failed(result: ProcessResult) -> None:
    _tell_why("failed", result)
    for line in result["last_lines"]:
        tell_line(line)
    if result["last_lines"]:
        note(f"more of it: persistproc logs {one_line(result['name'])}")


def _tell_why(what: str, result: ProcessResult) -> None:
    hint = f" ({in_options(result['hint'])})" if result["hint"] else ""
    note(f"{result['name']} {what}: {result['reason'] or 'nobody knows why'}{hint}")


def tell_down(reply: StopProjectReply) -> None:
    """Say on standard error what could not be stopped, or that there was nothing to stop."""
    for result in reply["results"]:
        if result["outcome"] == "failed":
            _tell_why("was not stopped", result)
    if all(result["outcome"] == "already_stopped" for result in reply["results"]):
        note("there was nothing to stop")
