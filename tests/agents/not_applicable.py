"""Scenarios of the conformance suite that do not apply to the bridge, each with the reason.

Everything else must pass. One that begins to pass, or is no longer in the suite, fails the test as well.
"""

from __future__ import annotations

from typing import Final

__all__ = ["NOT_APPLICABLE"]

_ASKS = "the bridge never asks its client for anything (sampling, elicitation, roots)"
_TASKS = "an extension (tasks) that the bridge does not offer: a long wait is a call that is made again"
_LOGGING = "MCP logging is deprecated (SEP-2577) and not offered"
_SUBSCRIBE = "needs a session, and the bridge keeps none; 2026-07-28 has subscriptions/listen, which it offers"

NOT_APPLICABLE: Final[dict[str, dict[str, str]]] = {
    "2026-07-28": {
        "input-required-result-basic-elicitation": _ASKS,
        "input-required-result-basic-list-roots": _ASKS,
        "input-required-result-basic-sampling": _ASKS,
        "input-required-result-capability-check": _ASKS,
        "input-required-result-multi-round": _ASKS,
        "input-required-result-multiple-input-requests": _ASKS,
        "input-required-result-non-tool-request": _ASKS,
        "input-required-result-request-state": _ASKS,
        "input-required-result-result-type": _ASKS,
        "input-required-result-tampered-state": _ASKS,
        "tasks-capability-negotiation": _TASKS,
        "tasks-dispatch-and-envelope": _TASKS,
        "tasks-lifecycle": _TASKS,
        "tasks-mrtr-composition": _TASKS,
        "tasks-mrtr-input": _TASKS,
        "tasks-request-headers": _TASKS,
        "tasks-request-state-removal": _TASKS,
        "tasks-required-task-error": _TASKS,
        "tasks-wire-fields": _TASKS,
    },
    "2025-11-25": {
        "elicitation-sep1034-defaults": _ASKS,
        "elicitation-sep1330-enums": _ASKS,
        "logging-set-level": _LOGGING,
        "resources-subscribe": _SUBSCRIBE,
        "resources-unsubscribe": _SUBSCRIBE,
        "tools-call-elicitation": _ASKS,
        "tools-call-sampling": _ASKS,
        "tools-call-with-logging": _LOGGING,
    },
}
"""By revision of the protocol."""
