"""One member of a JSON document set or removed; every byte outside of it stays as it is."""

from __future__ import annotations

from json import dumps

from .broken import BrokenDocument
from .json_syntax import line_of, parse, refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .json_syntax import Member, Value

__all__ = ["has_comments", "read", "remove", "set_value"]


def read(text: str) -> dict[str, object]:
    """The document's value; an empty document is an empty object. Raises `BrokenDocument`."""
    strict = _strict(text)
    if isinstance(strict, dict):
        return strict  # ``~/.claude.json`` has megabytes, of which ours takes a second for each four
    root = parse(text)
    if root is None:
        return {}
    if not isinstance(root.value, dict):
        raise BrokenDocument("the document is not an object", line_of(text, root.start))
    return root.value


def has_comments(text: str) -> bool:
    """True when the document holds more than strict JSON: comments or trailing commas."""
    return _strict(text) is None and bool(text.strip())


def _strict(text: str) -> object:
    """The value of a document in strict JSON; None for another."""
    from json import loads

    try:
        return loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return None


def set_value(text: str, keys: Sequence[str], value: object) -> str:
    """The document with the member at the path set, and the objects on the way made. Raises `BrokenDocument`."""
    root = parse(text)
    if root is None:
        start = text if not text or text.endswith("\n") else text + "\n"
        return start + _Writer(text, None).written(_nested(keys, value), "") + "\n"
    node = root
    for index, key in enumerate(keys):
        member = _member(text, node, key)
        if member is None:
            return _insert(text, root, node, key, _nested(keys[index + 1 :], value))
        node = member.value
    writer = _Writer(text, root)
    written = writer.written(value, _indent(text, node.start), inline=_on_one_line(text, root, node))
    return text[: node.start] + written + text[node.end :]


def remove(text: str, keys: Sequence[str], prune: bool = False) -> str:
    """The document without the member at the path; with ``prune`` also without objects that are empty then.

    A document without that member comes back as it is. Raises `BrokenDocument`.
    """
    root = parse(text)
    if root is None:
        return text
    owner, member = root, None
    for key in keys:
        if member is not None:
            owner = member.value
        member = _member(text, owner, key)
        if member is None:
            return text
    assert member is not None
    shorter = _cut(text, owner, member)
    if prune and len(keys) > 1 and _is_empty(shorter, keys[:-1]):
        return remove(shorter, keys[:-1], prune)
    return shorter


def _member(text: str, node: Value, key: str) -> Member | None:
    if node.members is None:
        raise BrokenDocument(f"there is no object in which {key!r} could stand", line_of(text, node.start))
    found = [member for member in node.members if member.key == key]
    if len(found) > 1:
        # Readers do not agree on which one counts; to edit either could be without effect.
        raise BrokenDocument(f"{key!r} stands there twice", line_of(text, found[1].start))
    return found[0] if found else None


def _nested(keys: Sequence[str], value: object) -> object:
    for key in reversed(keys):
        value = {key: value}
    return value


def _insert(text: str, root: Value, node: Value, key: str, value: object) -> str:
    writer = _Writer(text, root)
    inline = _on_one_line(text, root, node)
    members = node.members or []
    indent = "" if inline else _indent_of_members(text, node, writer.unit)
    written = f"{dumps(key, ensure_ascii=False)}: {writer.written(value, indent, inline=inline)}"
    end, rest = node.inner_end, text[node.inner_end :]
    head = text[:end]
    if members and members[-1].comma is None:
        comma = members[-1].value.end
        head = text[:comma] + "," + text[comma:end]
    elif members:
        written += ","
    if inline:
        return head + (" " if members or not rest.startswith("}") else "") + written + rest
    if "\n" not in text[end : node.end]:
        blanks = len(rest) - len(rest.lstrip(" \t"))
        if not members:
            rest = writer.newline + _indent(text, node.start) + rest[blanks:]
    return head + writer.newline + indent + written + rest


def _cut(text: str, owner: Value, member: Member) -> str:
    members = owner.members or []
    place = members.index(member)
    head, tail = text[: member.before], text[member.value.end :]
    if member.comma is not None:
        between = text[member.value.end : member.comma]
        tail = (between if between.strip() else "") + text[member.comma + 1 :]
    elif place > 0:
        comma = members[place - 1].comma
        assert comma is not None
        head = head[:comma] + head[comma + 1 :]
    if len(members) == 1 and not head[owner.start + 1 :].strip() and tail.lstrip().startswith("}"):
        return head[: owner.start + 1] + tail.lstrip()
    if member.behind_comment and tail.partition("\n")[0].strip():
        tail = "\n" + tail  # the comment must not swallow what follows
    return head + tail


def _is_empty(text: str, keys: Sequence[str]) -> bool:
    node = parse(text)
    for key in keys:
        member = _member(text, node, key) if node is not None else None
        node = member.value if member is not None else None
    return node is not None and node.members == [] and not text[node.start + 1 : node.end - 1].strip()


def _on_one_line(text: str, root: Value, node: Value) -> bool:
    if "\n" in text[node.start : node.end]:
        return False
    return bool(node.members) or (node is not root and "\n" not in text[root.start : root.end])


def _indent(text: str, index: int) -> str:
    """The blanks at the beginning of a character's line."""
    start = text.rfind("\n", 0, index) + 1
    end = start
    while end < len(text) and text[end] in " \t":
        end += 1
    return text[start:end]


def _indent_of_members(text: str, node: Value, unit: str) -> str:
    for member in node.members or []:
        indent = _indent(text, member.start)
        if text.rfind("\n", 0, member.start) + 1 + len(indent) == member.start:
            return indent
    return _indent(text, node.start) + unit


class _Writer:
    """Writes values in the manner of the document: its unit of indentation and its line ends."""

    def __init__(self, text: str, root: Value | None) -> None:
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.unit = "  "
        if root is not None and root.members:
            indent = _indent_of_members(text, root, "")
            outer = _indent(text, root.start)
            if len(indent) > len(outer):
                self.unit = indent[len(outer) :]

    def written(self, value: object, indent: str, inline: bool = False) -> str:
        """The text of a value whose line begins with that indentation."""
        if not isinstance(value, dict) or not value:
            return dumps(value, ensure_ascii=False)
        inner = indent + self.unit
        members = [
            f"{dumps(key, ensure_ascii=False)}: {self.written(item, inner, inline)}" for key, item in value.items()
        ]
        if inline:
            return "{" + ", ".join(members) + "}"
        start = self.newline + inner
        return "{" + start + f",{start}".join(members) + self.newline + indent + "}"
