"""The three formats of configuration files behind the same few calls."""

from __future__ import annotations

from .broken import BrokenDocument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

__all__ = ["JSON", "TOML", "YAML", "entry_of", "has_comments", "with_entry", "without_entry"]

JSON = "json"
TOML = "toml"
YAML = "yaml"


def _editor(kind: str) -> ModuleType:
    # tomlkit and ruamel.yaml take longer to load than all of the command line: only who edits them pays for them.
    if kind == TOML:
        from . import toml_edit

        return toml_edit
    if kind == YAML:
        from . import yaml_edit

        return yaml_edit
    from . import json_edit

    return json_edit


def entry_of(kind: str, text: str, keys: Sequence[str]) -> object:
    """What stands at the path; None when nothing does. Raises `BrokenDocument`."""
    found: object = _editor(kind).read(text)
    for key in keys:
        if not isinstance(found, dict):
            raise BrokenDocument(f"there is no object in which {key!r} could stand")
        found = found.get(key)
        if found is None:
            return None
    return found


def has_comments(kind: str, text: str) -> bool:
    """True when the agent's own command, which writes its file anew, would lose comments."""
    return bool(_editor(kind).has_comments(text))


def with_entry(kind: str, text: str, keys: Sequence[str], entry: dict[str, object]) -> str:
    """The document with the entry at the path, all else as it was. Raises `BrokenDocument`."""
    old = entry_of(kind, text, keys)
    if kind == JSON and isinstance(old, dict):
        return _member_by_member(text, keys, old, entry)
    changed: str = _editor(kind).set_value(text, keys, entry)
    return changed


def without_entry(kind: str, text: str, keys: Sequence[str], prune: bool) -> str:
    """The document without the entry; with ``prune`` also without the objects that only held it."""
    shorter: str = _editor(kind).remove(text, keys, prune)
    return shorter


def _member_by_member(text: str, keys: Sequence[str], old: dict[str, object], entry: dict[str, object]) -> str:
    """Comments that somebody put into our entry stay as well."""
    from . import json_edit

    for name in [name for name in old if name not in entry]:
        text = json_edit.remove(text, [*keys, name])
    for name, value in entry.items():
        if name not in old or old[name] != value:
            text = json_edit.set_value(text, [*keys, name], value)
    return text
