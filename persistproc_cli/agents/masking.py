"""What ``--print`` shows in place of a token: it ends up in the scrollback, or in the transcript of an agent."""

from __future__ import annotations

__all__ = ["Mask"]

_TOKEN = "<TOKEN>"
_OLD = "<OLD-TOKEN>"
_SCHEME = "Bearer "
_BY_NAME = ("${", "{env:")
# A shorter one is only looked for behind its scheme: it could be a part of any word of the file.
_LONG = 8


class Mask:
    """Hides the token that would be written, and the ones in our entry that would go.

    ``token``: empty when none would be written; ``old``: our entry as it is, None without one.
    """

    __slots__ = ("_names",)

    def __init__(self, token: str, old: object) -> None:
        self._names = {token: _TOKEN} if token else {}
        for found in _bearers(old):
            self._names.setdefault(found, _OLD)

    def text(self, text: str) -> str:
        """The text with names in place of the tokens."""
        # Longest first: one may begin with another.
        for token in sorted(self._names, key=len, reverse=True):
            for written in _spellings(token):
                scheme = "" if len(token) >= _LONG else _SCHEME
                text = text.replace(scheme + written, scheme + self._names[token])
        return text

    def value(self, value: object) -> object:
        """The same for an entry."""
        if isinstance(value, dict):
            return {key: self.value(item) for key, item in value.items()}
        return self.text(value) if isinstance(value, str) else value

    def legend(self, masked: str, token_file: str, path: str) -> list[str]:
        """Where the tokens are whose names stand in the masked text; ``path``: the configuration file."""
        lines = []
        if _TOKEN in masked:
            lines.append(f"{_TOKEN} stands for the token in {token_file}")
        if _OLD in masked:
            lines.append(f"{_OLD} stands for the token that is in {path} now")
        return lines


def _bearers(value: object) -> list[str]:
    """The tokens in an entry, but those that only a variable is named for."""
    if isinstance(value, dict):
        return [found for item in value.values() for found in _bearers(item)]
    if not isinstance(value, str) or not value.startswith(_SCHEME):
        return []
    token = value.removeprefix(_SCHEME).strip()
    return [token] if token and not token.startswith(_BY_NAME) else []


def _spellings(token: str) -> list[str]:
    """As it may stand in a file: plain, in a JSON or TOML string, in quotes of YAML."""
    from json import dumps

    return list(dict.fromkeys([token, dumps(token)[1:-1], token.replace("'", "''")]))
