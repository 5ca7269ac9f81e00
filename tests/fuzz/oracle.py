"""What JSON-RPC 2.0 says must come back for a stream of lines, worked out without any code of ours."""

from __future__ import annotations

import json
from collections import Counter

__all__ = ["NO_ID", "expected_replies", "told_replies"]

NO_ID = "null"
_MAX_LINE = 1024 * 1024
_MAX_DEPTH = 32
_MAX_BATCH = 16
_MEMBERS = {"jsonrpc", "method", "params", "id"}


def expected_replies(case: bytes) -> tuple[Counter[str], int]:
    """The ids that are to be answered, each as JSON text (of a batch as a whole: the sorted list), and how many lines.

    What is behind a line that is too long is not read.
    """
    expected: Counter[str] = Counter()
    count = 0
    *lines, torn = case.split(b"\n")
    # What has no end when the client says that this was all is no request.
    for raw in [*lines, torn] if len(torn) >= _MAX_LINE else lines:
        line = raw.rstrip(b"\r")
        if len(raw) >= _MAX_LINE:
            expected[NO_ID] += 1
            return expected, count + 1
        if not line:
            continue
        count += 1
        for answer in _answers(line):
            expected[answer] += 1
    return expected, count


def _answers(line: bytes) -> list[str]:
    try:
        message = json.loads(line.decode("utf-8"), parse_constant=_refuse)
        # Of two equal keys the first one's value is no longer in the message; its brackets are in the line.
        everything = json.loads(line, object_pairs_hook=lambda pairs: [value for _, value in pairs])
    except (ValueError, RecursionError):
        return [NO_ID]
    if _deeper_than(everything, _MAX_DEPTH):
        return [NO_ID]
    if not isinstance(message, list):
        return _of_one(message)
    if not 0 < len(message) <= _MAX_BATCH:
        return [NO_ID]
    ids = [answer for each in message for answer in _of_one(each)]
    return [json.dumps(sorted(ids))] if ids else []


def _of_one(message: object) -> list[str]:
    if not isinstance(message, dict) or not _is_request(message):
        return [NO_ID]
    return [json.dumps(message["id"])] if "id" in message else []


def _is_request(message: dict[str, object]) -> bool:
    return (
        message.get("jsonrpc") == "2.0"
        and isinstance(message.get("method"), str)
        and isinstance(message.get("params", {}), (dict, list))
        and _is_id(message.get("id"))
        and not message.keys() - _MEMBERS
    )


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= 64
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 2**63)


def _deeper_than(value: object, most: int) -> bool:
    """Of lists in lists."""
    if not isinstance(value, list):
        return False
    return most == 0 or any(_deeper_than(each, most - 1) for each in value)


def _refuse(name: str) -> object:
    raise ValueError(name)


def told_replies(data: bytes) -> tuple[Counter[str], list[dict[str, object]]]:
    """What came back, in the same form, and the errors in it. Raises `AssertionError` for what is no strict JSON."""
    told: Counter[str] = Counter()
    errors: list[dict[str, object]] = []
    *lines, rest = data.split(b"\n")
    assert not rest, f"half a line at the end: {rest[:200]!r}"
    for line in lines:
        assert line.isascii(), line[:200]
        message = json.loads(line, parse_constant=_refuse)
        if isinstance(message, list):
            told[json.dumps(sorted(_told(each, errors) for each in message))] += 1
        elif "method" not in message:
            told[_told(message, errors)] += 1
    return told, errors


def _told(reply: object, errors: list[dict[str, object]]) -> str:
    assert isinstance(reply, dict), reply
    assert reply["jsonrpc"] == "2.0", reply
    assert reply.keys() in ({"jsonrpc", "result", "id"}, {"jsonrpc", "error", "id"}), reply
    if "error" in reply:
        errors.append(reply["error"])
        assert isinstance(reply["error"]["code"], int), reply
        assert isinstance(reply["error"]["message"], str), reply
    return json.dumps(reply["id"])
