"""JSON without the module ``json``, whose regular expressions take ten of the fifteen ms that an interpreter starts in.

Reading is done by the scanner that ``json`` itself uses, where this Python has it; writing by a few lines that know
the types of a request. Whatever they do not take goes to ``json``, so that results and errors are the same: a test
compares them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["dumps", "loads"]


class _Refused(ValueError):
    """Text that needs the module ``json``, be it only for its error."""


def _refuse_constant(name: str) -> object:
    raise _Refused(f"{name} is not JSON (RFC 8259, section 6)")


class _Options:
    """What the scanner looks up: the defaults of ``json.loads``, without NaN and Infinity."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    array_hook = None
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_refuse_constant)


def _make_scanner() -> Callable[[str, int], tuple[object, int]] | None:
    try:
        from _json import make_scanner
    except ImportError:  # another Python than CPython
        return None
    try:
        scan: Callable[[str, int], tuple[object, int]] = make_scanner(_Options())  # type: ignore[arg-type]
    except (AttributeError, TypeError):  # a later one, that looks up more
        return None
    return scan


def _make_quote() -> Callable[[str], str]:
    try:
        from _json import encode_basestring_ascii
    except ImportError:
        from json.encoder import py_encode_basestring_ascii as encode_basestring_ascii
    quote: Callable[[str], str] = encode_basestring_ascii
    return quote


_scan = _make_scanner()
_quote = _make_quote()


def loads(line: bytes) -> object:
    """The value of one line of UTF-8 JSON. Raises `ValueError`."""
    text = line.decode("utf-8")
    if _scan is not None:
        try:
            value, end = _scan(text, 0)
        except Exception:  # noqa: BLE001, RUF100 - StopIteration, and on 3.10 SystemError for want of json's own error
            end = -1
        if end == len(text):
            return value
    import json

    try:
        slow: object = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("too deeply nested") from None
    return slow


def dumps(value: object) -> str:
    """The value as ASCII JSON, as short as it gets. Raises `ValueError` or `TypeError`, as ``json.dumps`` does."""
    try:
        return _written(value)
    except (_Refused, RecursionError):
        import json

        return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _written(value: object) -> str:
    kind = type(value)
    if kind is str:
        return _quote(value)  # type: ignore[arg-type]
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return repr(value)
    if kind is float and value - value == 0:  # type: ignore[operator]  # neither infinite nor NaN
        return repr(value)
    if isinstance(value, dict):
        return "{" + ",".join([f"{_key(key)}:{_written(item)}" for key, item in value.items()]) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([_written(item) for item in value]) + "]"
    raise _Refused


def _key(key: object) -> str:
    if type(key) is not str:
        raise _Refused
    return _quote(key)
