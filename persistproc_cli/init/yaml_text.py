"""YAML of other tools, read as plain data."""

from __future__ import annotations

__all__ = ["load_yaml"]


def load_yaml(text: str) -> dict[str, object]:
    """The mapping that it is; an empty one for anything else, and for what is no YAML."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        found = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        # Also what the library itself stumbles over: `!!bool perhaps` is a KeyError.
        return {}
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}
