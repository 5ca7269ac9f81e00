"""Errors as HTTP has them: a status and a JSON document, the same one that ``persistproc --json`` prints.

The statuses are those of RFC 9110, section 15; 429 is of RFC 6585, 507 of RFC 4918.
"""

from __future__ import annotations

import secrets
from typing import Final

from persistproc_core import errors
from persistproc_core.errors import PersistprocError

from .. import log

__all__ = ["STATUSES", "HttpFailure", "document", "internal_error", "status_of"]

STATUSES: Final[dict[type[PersistprocError], int]] = {
    errors.ParseError: 400,
    errors.InvalidRequest: 400,
    errors.InvalidParams: 400,
    errors.ProcessProtected: 403,
    errors.MethodNotFound: 404,
    errors.ProjectNotApproved: 403,
    errors.ProcessNotFound: 404,
    errors.ProjectNotFound: 404,
    # 408 and not 504: the daemon did answer. Time was up for what the caller asked to wait for.
    errors.WaitTimedOut: 408,
    errors.AmbiguousProcess: 409,
    errors.NameTaken: 409,
    errors.NotRunning: 409,
    errors.StillRunning: 409,
    errors.StopTimedOut: 409,
    errors.WaitFailed: 409,
    errors.InputNotRead: 409,
    errors.NoTerminal: 409,
    errors.NotRestartable: 409,
    errors.PortTaken: 409,
    errors.NotAdoptable: 409,
    errors.ReplaceFailed: 409,
    errors.StartFailed: 422,
    errors.ProjectInvalid: 422,
    errors.TooManySubscriptions: 429,
    errors.InternalError: 500,
    errors.UnsafeHome: 500,
    errors.VersionMismatch: 502,
    errors.DaemonUnavailable: 503,
    errors.ShuttingDown: 503,
    errors.KeeperUnavailable: 503,
    errors.StorageFailed: 507,
}
"""The status of every error that crosses the socket."""


class HttpFailure(PersistprocError):
    """What is wrong with the request as HTTP, before any method is called."""

    def __init__(self, status: int, code: str, message: str, *, hint: str = "", allow: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code
        self.allow = allow
        """405: the methods that the path has (RFC 9110, section 15.5.6)."""


def status_of(error: PersistprocError) -> int:
    """The HTTP status of an error."""
    return error.status if isinstance(error, HttpFailure) else STATUSES.get(type(error), 500)


def document(error: PersistprocError) -> dict[str, object]:
    """``{"error": {"code", "message", "hint", ...}}``, the facts of the case beside them."""
    told: dict[str, object] = {"code": error.code, "message": error.message}
    if error.hint:
        told["hint"] = error.hint
    return {"error": {**told, **{name: value for name, value in error.data.items() if name not in told}}}


def internal_error(error: Exception) -> errors.InternalError:
    """A defect of ours: the log has where, the caller gets the number under which it is there."""
    defect = secrets.token_hex(4)
    log.exception("defect", error, id=defect)
    return errors.InternalError(
        f"internal error {defect} of the bridge", hint="bridge.log has it under this id", data={"id": defect}
    )
