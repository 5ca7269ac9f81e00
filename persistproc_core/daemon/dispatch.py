"""JSON-RPC 2.0 over jsonrpcserver: one line in, the reply line (or none) out.

jsonrpcserver finds and calls the method; its asynchronous dispatcher needs asyncio, so the methods it calls here only
note down what is to be done, and that is awaited afterwards. Batches are taken apart before, because one bad element
must not spoil the others (JSON-RPC 2.0, section 6). No exception's text ever goes out: a defect is logged with an id,
and the reply carries the id.
"""

from __future__ import annotations

import errno
import inspect
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import jsonrpcserver
from jsonrpcserver.codes import ERROR_INVALID_REQUEST, ERROR_METHOD_NOT_FOUND

from ..errors import InternalError, InvalidRequest, PersistprocError
from ..framing import decode, encode
from ..jsonrpc import error_reply, request_problem
from ..protocol import MAX_BATCH, METHODS, Method, method_named
from ..schema import validate_params
from .kernel.peer import Peer
from .log import Log

__all__ = ["Dispatcher", "Handler", "Incoming"]

Handler = Callable[[Any, Peer], Awaitable[object]]
"""Takes validated parameters and who asks; gives the result."""

_PROMPT = frozenset({"get_process_log_paths", "get_process_status", "list_processes", "rpc.discover"})


class Incoming(NamedTuple):
    """A line that was read: a message, or why it is none."""

    message: object
    error: PersistprocError | None
    prompt: bool
    """True when the answer waits for nothing, so that it needs no task of its own."""


class _Call:
    """What one request wants; filled in by jsonrpcserver's call of the method."""

    def __init__(self) -> None:
        self.method: Method | None = None
        self.params: object = None


def _noted(method: Method) -> Callable[..., Any]:
    def note(call: _Call, /, *positional: object, **named: object) -> Any:
        call.method = method
        call.params = list(positional) if positional else named
        return jsonrpcserver.Success(None)

    # jsonrpcserver asks for the signature at each call; finding it takes longer than everything else it does.
    note.__signature__ = inspect.signature(note)  # type: ignore[attr-defined]
    return note


# No descriptor, process or memory is left (errno(3)): no defect of ours.
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM})


class Dispatcher:
    """Answers lines."""

    def __init__(self, handlers: Mapping[str, Handler], log: Log) -> None:
        """``handlers`` has one for each declared method, by name."""
        assert handlers.keys() == METHODS.keys(), handlers.keys() ^ METHODS.keys()
        self._handlers = handlers
        self._methods = {name: _noted(method) for name, method in METHODS.items()}
        self._log = log

    def read(self, line: bytes) -> Incoming:
        """What a line says."""
        try:
            message = decode(line)
        except PersistprocError as error:
            return Incoming(None, error, True)
        method = message.get("method") if isinstance(message, dict) else None
        # A method that is a list cannot even be looked up in a set.
        return Incoming(message, None, isinstance(method, str) and method in _PROMPT)

    async def answer(self, incoming: Incoming, peer: Peer) -> bytes | None:
        """The reply line; None for notifications."""
        if incoming.error is not None:
            return encode(error_reply(incoming.error, None))
        message = incoming.message
        if not isinstance(message, list):
            reply = await self._answer_one(message, peer)
            return None if reply is None else encode(reply)
        if not 0 < len(message) <= MAX_BATCH:
            return encode(error_reply(InvalidRequest(f"a batch holds 1 to {MAX_BATCH} requests"), None))
        replies = [reply for element in message if (reply := await self._answer_one(element, peer)) is not None]
        return encode(replies) if replies else None

    async def _answer_one(self, message: object, peer: Peer) -> dict[str, object] | None:
        call = _Call()
        response = jsonrpcserver.dispatch_to_serializable(
            "", methods=self._methods, context=call, deserializer=lambda _: message, validator=_check_request
        )
        request_id = message.get("id") if isinstance(message, dict) else None
        if call.method is None:
            return self._refusal(response, message) if isinstance(response, dict) else None
        try:
            params = validate_params(call.method, call.params)
            result = await self._handlers[call.method.name](params, peer)
        except PersistprocError as error:
            return None if response is None else error_reply(error, request_id)
        except Exception as error:
            failure = self._failure(error, call.method.name)
            return None if response is None else error_reply(failure, request_id)
        return None if response is None else {"jsonrpc": "2.0", "result": result, "id": request_id}

    def _failure(self, error: Exception, method: str) -> InternalError:
        if isinstance(error, OSError) and error.errno in _EXHAUSTED:
            self._log.warning("exhausted", method=method, error=error.strerror)
            return InternalError(
                f"the daemon can do nothing just now: {error.strerror}",
                hint="it goes on by itself when the system has something left again; see persistproc doctor",
            )
        defect = secrets.token_hex(4)
        self._log.exception("defect", error, id=defect, method=method)
        return InternalError(f"internal error {defect}", hint="daemon.log has it under this id", data={"id": defect})

    def _refusal(self, response: dict[str, Any], message: object) -> dict[str, object] | None:
        code = response["error"]["code"]
        if code == ERROR_METHOD_NOT_FOUND:
            assert isinstance(message, dict)
            try:
                method_named(message["method"])
            except PersistprocError as error:
                return error_reply(error, message["id"])
        if code == ERROR_INVALID_REQUEST:
            return error_reply(InvalidRequest(request_problem(message)), None)
        return error_reply(InternalError("internal error"), response.get("id"))


def _check_request(message: object) -> object:
    problem = request_problem(message)
    if problem:
        raise ValueError(problem)
    return message
