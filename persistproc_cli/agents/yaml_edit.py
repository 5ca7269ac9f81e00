"""One entry of a YAML mapping set or removed (Goose keeps its configuration in YAML).

ruamel.yaml tells where everything stands; the lines of our entry are put in or taken out, and all others stay as they
are. A document that is written on one line (``extensions: {a: {}}``) is written anew by ruamel.yaml.
"""

from __future__ import annotations

import io
from json import dumps

from .broken import BrokenDocument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ruamel.yaml.nodes import Node

__all__ = ["has_comments", "read", "remove", "set_value"]

_UNIT = "  "


def read(text: str) -> dict[str, object]:
    """The document's value; an empty document is an empty mapping. Raises `BrokenDocument`."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        found: object = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = str(error.problem or error.context or "it cannot be read")
        raise BrokenDocument(reason.partition("\n")[0], mark.line + 1 if mark is not None else 0) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise BrokenDocument(str(error).partition("\n")[0] or type(error).__name__) from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise BrokenDocument("the document is not a mapping", 1)
    return found


def has_comments(text: str) -> bool:
    """No agent edits its YAML by a command of its own, so none can lose comments."""
    return False


def set_value(text: str, keys: Sequence[str], value: object) -> str:
    """The document with the entry at the path of two keys set. Raises `BrokenDocument`."""
    section, name = keys
    before = read(text)
    text = remove(text, keys)
    owner = before.get(section)
    if owner is not None and not isinstance(owner, dict):
        raise BrokenDocument(f"{section!r} is not a mapping")
    lines = text.splitlines(keepends=True)
    newline = "\r\n" if "\r\n" in text else "\n"
    found = _entry(_root(text), section)
    if found is None:
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += newline
        lines += [line + newline for line in [f"{section}:", *_written(name, value, _UNIT)]]
        return _checked("".join(lines), before, keys, value)
    key, mapping = found
    first = _first_key(mapping)
    flow = _is_flow(mapping)
    if flow and first is None:
        line, end = lines[key.start_mark.line], mapping.end_mark.column
        lines[key.start_mark.line] = line[: mapping.start_mark.column].rstrip() + line[end:].rstrip("\r\n") + newline
    elif flow or (first is not None and first.start_mark.line == key.start_mark.line):
        return _anew(text, keys, value)
    if not lines[key.start_mark.line].endswith("\n"):
        lines[key.start_mark.line] += newline
    indent = " " * (first.start_mark.column if first is not None else key.start_mark.column + len(_UNIT))
    place = key.start_mark.line + 1
    lines[place:place] = [line + newline for line in _written(name, value, indent)]
    return _checked("".join(lines), before, keys, value)


def remove(text: str, keys: Sequence[str], prune: bool = False) -> str:
    """The document without the entry at the path; one without it comes back as it is. Raises `BrokenDocument`."""
    before = read(text)
    section, name = keys
    owner = before.get(section)
    if not isinstance(owner, dict) or name not in owner:
        return text
    found = _entry(_root(text), section)
    assert found is not None
    entry = _entry(found[1], name)
    if _is_flow(found[1]) or entry is None:
        return _anew(text, keys, None)
    lines = text.splitlines(keepends=True)
    key, value = entry
    end = _last_line(value) + 1
    while not lines[end - 1].strip():
        end -= 1  # empty lines behind a text of several lines are counted to it
    del lines[key.start_mark.line : end]
    if len(owner) == 1:
        at = found[0].start_mark.line
        if prune:
            del lines[at]
        else:
            colon = lines[at].index(":", found[0].end_mark.column) + 1
            lines[at] = f"{lines[at][:colon]} {{}}{lines[at][colon:]}"
    shorter = "".join(lines)
    wanted = {**before, section: {key: value for key, value in owner.items() if key != name}}
    if prune and len(owner) == 1:
        del wanted[section]
    return shorter if _reads_as(shorter, wanted) else _anew(text, keys, None)


def _written(name: str, value: object, indent: str) -> list[str]:
    """The lines of an entry; strings in double quotes, as JSON writes them, are YAML too (YAML 1.2, section 7.3.1)."""
    lines = [f"{indent}{name}:"]
    if isinstance(value, dict):
        for key, item in value.items():
            lines.append(f"{indent}{_UNIT}{key}: {dumps(item, ensure_ascii=False)}")
    return lines


def _root(text: str) -> Node | None:
    from ruamel.yaml import YAML

    node: Node | None = YAML(typ="rt", pure=True).compose(io.StringIO(text))
    return node


def _entry(node: Node | None, name: str) -> tuple[Node, Node] | None:
    for key, value in node.value if node is not None and isinstance(node.value, list) else []:
        if key.value == name:
            return key, value
    return None


def _is_flow(node: Node) -> bool:
    """True for a mapping in braces."""
    return isinstance(node.value, list) and bool(getattr(node, "flow_style", False))


def _first_key(mapping: Node) -> Node | None:
    if not isinstance(mapping.value, list) or not mapping.value:
        return None
    first: Node = mapping.value[0][0]
    return first


def _last_line(node: Node) -> int:
    """The line in which a node ends; the end mark of a block is where the next token begins, comments later."""
    if isinstance(node.value, list) and node.value and not _is_flow(node):
        last = node.value[-1]
        return _last_line(last[1] if isinstance(last, tuple) else last)
    end = node.end_mark
    line: int = end.line - 1 if end.column == 0 and end.line > node.start_mark.line else end.line
    return line


def _anew(text: str, keys: Sequence[str], value: object) -> str:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    document = yaml.load(text)
    if value is None:
        del document[keys[0]][keys[1]]
    else:
        document[keys[0]][keys[1]] = value
    written = io.StringIO()
    yaml.dump(document, written)
    return written.getvalue()


def _checked(text: str, before: dict[str, object], keys: Sequence[str], value: object) -> str:
    section, name = keys
    owner = before.get(section)
    wanted = {**before, section: {**(owner if isinstance(owner, dict) else {}), name: value}}
    if not _reads_as(text, wanted):
        raise BrokenDocument(f"{section!r} is written in a way that cannot be edited safely")
    return text


def _reads_as(text: str, wanted: dict[str, object]) -> bool:
    try:
        return read(text) == wanted
    except BrokenDocument:
        return False
