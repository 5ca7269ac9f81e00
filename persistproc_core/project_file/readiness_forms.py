"""``ready`` and ``liveness``: their short forms, and what each must have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from ..pattern_size import TOO_LONG, TOO_LONG_HINT, is_too_long
from ..port_names import name_of
from ..protocol import Liveness, PortWish, ReadyWhen
from ..validation import nearest
from .places import Path
from .source import Source

__all__ = ["read_liveness", "read_ready"]

_READY = ("output", "port", "url", "command", "completed")
_LIVENESS = ("port", "url", "command")


def read_ready(source: Source, value: object, ports: Sequence[PortWish], path: Path) -> ReadyWhen:
    """As a table, with the name of the port that ``port`` means."""
    table = _table(source, value, ports, path, _READY)
    if table.get("completed") is False:
        source.wrong((*path, "completed"), "can only be true")
    if "output" in table:
        _check_pattern(source, str(table["output"]), (*path, "output"))
    return cast("ReadyWhen", table)


def read_liveness(source: Source, value: object, ports: Sequence[PortWish], path: Path) -> Liveness:
    """The same for what it must go on to answer."""
    return cast("Liveness", _table(source, value, ports, path, _LIVENESS))


def _table(
    source: Source, value: object, ports: Sequence[PortWish], path: Path, kinds: Sequence[str]
) -> dict[str, object]:
    if isinstance(value, dict):
        _check(source, value, ports, path, kinds)
        return value
    text = str(value)
    if text == "port":
        if not ports:
            source.wrong(path, "is port, but it has none", 'give it one: port = "auto"')
        return {"port": name_of(ports[0]) if ports else 1}
    if text == "completed" and "completed" in kinds:
        return {"completed": True}
    if not _is_url(text):
        words = [kind for kind in ("port", "completed") if kind in kinds]
        hint = nearest(text, words) or f'else write a table: {path[-1]} = {{ command = "..." }}'
        source.wrong(path, f"must be {', '.join(words)} or an http or https URL", hint)
    return {"url": text}


def _check(
    source: Source, table: Mapping[str, object], ports: Sequence[PortWish], path: Path, kinds: Sequence[str]
) -> None:
    given = [kind for kind in kinds if kind in table]
    if len(given) != 1:
        has = f"has {' and '.join(given)}" if given else "does not say by what"
        source.wrong(path, has, f"give exactly one of {', '.join(kinds)}")
    if "status" in table and "url" not in table:
        source.wrong((*path, "status"), "goes with a url")
    if "url" in table and not _is_url(str(table["url"])):
        source.wrong((*path, "url"), "must be an http or https URL", "for example http://127.0.0.1:{port}/health")
    names = [name_of(wish) for wish in ports]
    if isinstance(table.get("port"), str) and table["port"] not in names:
        name = str(table["port"])
        hint = nearest(name, names) or ("write it without quotes" if name.isdigit() else "")
        source.wrong((*path, "port"), f"names a port that it does not have: {name[:60]}", hint)
    if table.get("command") is not None and not "".join(cast("list[str] | str", table["command"])).strip():
        source.wrong((*path, "command"), "must not be empty")


def _is_url(text: str) -> bool:
    scheme, _, rest = text.partition("://")
    return scheme.lower() in ("http", "https") and bool(rest)


def _check_pattern(source: Source, text: str, path: Path) -> None:
    # The module that matches it in the daemon, not re: they differ in what they take.
    import regex

    if is_too_long(text):
        source.wrong(path, TOO_LONG, TOO_LONG_HINT)
        return
    try:
        regex.compile(text)
    except (regex.error, RecursionError) as error:
        words = str(error) if isinstance(error, regex.error) else "it nests too deeply"
        source.wrong(path, f"is not a regular expression: {words}", "in '...' a backslash stands for itself")
