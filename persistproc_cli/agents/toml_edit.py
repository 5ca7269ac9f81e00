"""One table of a TOML document set or removed (Codex keeps its configuration in TOML).

A new table is appended as text, and an own one is taken out as text: tomlkit puts tables in another order when they do
not stand together. It changes our own table alone, so that comments in it stay, and the whole document only where our
table is written in another way (inline, or as dotted names).
"""

from __future__ import annotations

import re

from .broken import BrokenDocument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping, Sequence

__all__ = ["has_comments", "read", "remove", "set_value"]


def read(text: str) -> dict[str, object]:
    """The document's value. Raises `BrokenDocument`."""
    import tomlkit
    from tomlkit.exceptions import ParseError, TOMLKitError

    try:
        found: dict[str, object] = tomlkit.parse(text).unwrap()
    except ParseError as error:
        # The message ends with "at line 3 col 7", which we say in our own place.
        raise BrokenDocument(str(error).partition(" at line ")[0], error.line) from None
    except (TOMLKitError, ValueError, RecursionError) as error:
        raise BrokenDocument(str(error) or type(error).__name__) from None
    return found


def has_comments(text: str) -> bool:
    """Comments of TOML survive the agent's own command, so there are none to lose."""
    return False


def set_value(text: str, keys: Sequence[str], value: object) -> str:
    """The document with the table at the path set. Raises `BrokenDocument`."""
    before = read(text)
    wanted = _with(before, keys, value)
    if wanted == before:
        return text
    if _without(before, keys) == before:
        newline = "\r\n" if "\r\n" in text else "\n"
        start = text if not text or text.endswith("\n") else text + newline
        appended = start + newline.join(([""] if text else []) + _table(keys, value)) + newline
        return appended if _reads_as(appended, wanted) else _by_tomlkit(text, keys, value)
    for start_of_ours, end in _blocks(text, keys):
        ours = _by_tomlkit(text[start_of_ours:end], keys, value)
        changed = text[:start_of_ours] + ours + text[end:]
        if _reads_as(changed, wanted):
            return changed
    return _by_tomlkit(text, keys, value)


def remove(text: str, keys: Sequence[str], prune: bool = False) -> str:
    """The document without the table at the path; one without it comes back as it is. Raises `BrokenDocument`."""
    before = read(text)
    wanted = _without(before, keys)
    if wanted == before:
        return text
    # A table that is there only because ours is in it ("mcp_servers") was never written down, and goes with it.
    outer = {key: value for key, value in wanted.items() if key != keys[0] or value != {}}
    for start, end in _blocks(text, keys):
        head = text[:start]
        for blank in ("\r\n", "\n"):
            if head == blank or head.endswith("\n" + blank):
                head = head[: -len(blank)]  # the empty line in front of the table
                break
        if _reads_as(head + text[end:], wanted) or _reads_as(head + text[end:], outer):
            return head + text[end:]
    return _by_tomlkit(text, keys, None)


def _blocks(text: str, keys: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where our table, with those inside of it, may stand: from its header to the last line that says something.

    Blanks and comments behind that belong to what follows. A header may also be a line of a long string: the caller
    checks what comes out.
    """
    path = r"[ \t]*\.[ \t]*".join(rf"(?:{re.escape(key)}|\"{re.escape(key)}\"|'{re.escape(key)}')" for key in keys)
    ours = re.compile(rf"[ \t]*\[[ \t]*{path}[ \t]*[.\]]")
    starts: list[int] = []
    end = at = 0
    for line in [*text.splitlines(keepends=True), "["]:
        bare = line.strip()
        if bare.startswith("["):
            if ours.match(line):
                starts.append(at)
            else:
                yield from ((start, end) for start in starts)
                starts = []
        at += len(line)
        if bare and not bare.startswith("#"):
            end = at


def _table(keys: Sequence[str], value: object) -> list[str]:
    import tomlkit

    table = tomlkit.table()
    if isinstance(value, dict):
        for name, item in value.items():
            table.add(name, _item(item))
    header = ".".join(tomlkit.key(key).as_string() for key in keys)
    return [f"[{header}]", *table.as_string().splitlines()]


def _item(value: object) -> object:
    """A mapping inside our table is written on one line."""
    import tomlkit

    if not isinstance(value, dict):
        return tomlkit.item(value)
    inline = tomlkit.inline_table()
    inline.update(value)
    return inline


def _by_tomlkit(text: str, keys: Sequence[str], value: object) -> str:
    """Set (or, with None, remove) the value in tomlkit's document."""
    import tomlkit

    try:
        document = tomlkit.parse(text)
        table: MutableMapping[str, object] = document
        for key in keys[:-1]:
            found = table.setdefault(key, tomlkit.table())
            if not hasattr(found, "setdefault"):
                raise BrokenDocument(f"{key!r} is not a table")
            table = found  # type: ignore[assignment]
        if value is None:
            table.pop(keys[-1], None)
        elif isinstance(value, dict) and keys[-1] in table:
            _update(table[keys[-1]], value)  # type: ignore[arg-type]
        else:
            table[keys[-1]] = value
        return document.as_string()
    except (tomlkit.exceptions.TOMLKitError, ValueError, TypeError) as error:
        raise BrokenDocument(str(error)) from None


def _update(table: MutableMapping[str, object], value: dict[str, object]) -> None:
    """Change what differs, so that comments inside of the table stay."""
    for name in [name for name in table if name not in value]:
        table.pop(name)
    for name, item in value.items():
        if name not in table or _plain(table[name]) != item:
            table[name] = _item(item)


def _plain(item: object) -> object:
    unwrap: Callable[[], object] | None = getattr(item, "unwrap", None)
    return unwrap() if unwrap is not None else item


def _reads_as(text: str, wanted: dict[str, object]) -> bool:
    try:
        return read(text) == wanted
    except BrokenDocument:
        return False


def _with(document: dict[str, object], keys: Sequence[str], value: object) -> dict[str, object]:
    inner = document.get(keys[0])
    if len(keys) == 1:
        return {**document, keys[0]: value}
    return {**document, keys[0]: _with(inner if isinstance(inner, dict) else {}, keys[1:], value)}


def _without(document: dict[str, object], keys: Sequence[str]) -> dict[str, object]:
    inner = document.get(keys[0])
    if len(keys) == 1:
        return {key: value for key, value in document.items() if key != keys[0]}
    return {**document, keys[0]: _without(inner, keys[1:])} if isinstance(inner, dict) else document
