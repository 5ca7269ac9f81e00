"""Files of variables, as python-dotenv reads them (https://saurabh-kumar.com/python-dotenv/, "File format").

Lines of ``NAME=value``, with or without ``export``, quotes and a comment. ``${NAME}`` and ``${NAME:-default}`` are
filled in, also in quotes, from the variables above it and then from those that there were; nothing stands for one that
is not set. A name without ``=`` sets nothing. What python-dotenv would warn of and leave out is an error here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .interpolation import MAX_VALUE
from .read_text import MAX_FILE_BYTES, Unreadable, read_bytes

__all__ = ["EnvFileError", "read_env_file"]

# What python-dotenv's regular expressions take hours for, and keep all threads of the process waiting meanwhile.
_MOST_REFERENCES = 200
_MOST_BLANKS = 500
_NEWLINE = re.compile(r"\r\n?|\n")
_MANY_BLANKS = re.compile(rf"[^\S\r\n]{{{_MOST_BLANKS + 1}}}")


class EnvFileError(ValueError):
    """The file cannot be read, or a line of it cannot. The text never holds what stands there: it may be a secret."""

    def __init__(self, text: str, line: int | None = None, *, missing: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.line = line
        self.missing = missing
        """True when there is no such file."""


def read_env_file(path: str, base: Mapping[str, str], *, only_regular: bool = False) -> dict[str, str]:
    """The variables that a file sets.

    ``base`` are those that its values may refer to. ``only_regular``: refuse a FIFO or device, which could keep us
    waiting for ever. Raises `EnvFileError`.
    """
    from io import StringIO

    from dotenv.parser import parse_stream
    from dotenv.variables import parse_variables

    text = _read(path, only_regular)
    if blanks := _MANY_BLANKS.search(text):
        line = text.count("\n", 0, blanks.start()) + 1
        raise EnvFileError(f"has more than {_MOST_BLANKS} blanks in a row", line)
    variables: dict[str, str] = {}
    scope: dict[str, str | None] = {**base}
    size = 0
    for binding in parse_stream(StringIO(text, newline="")):
        original = binding.original
        # A binding begins where the one before ended, with the empty lines between them.
        line = original.line + len(_NEWLINE.findall(_leading(original.string)))
        if binding.error:
            raise EnvFileError("expected NAME=value", line)
        if binding.key is None or binding.value is None:
            continue
        if "\0" in binding.key + binding.value:
            raise EnvFileError("a variable cannot hold a NUL character", line)
        if binding.value.count("${") > _MOST_REFERENCES:
            raise EnvFileError(f"the value has more than {_MOST_REFERENCES} variables in it", line)
        value = _joined((atom.resolve(scope) for atom in parse_variables(binding.value)), line)
        variables[binding.key] = scope[binding.key] = value
        size += len(value)
        if size > MAX_FILE_BYTES:  # values that repeat others
            raise EnvFileError(f"its values are longer than {MAX_FILE_BYTES // 1024} KiB together", line)
    return variables


def _joined(parts: Iterable[str], line: int) -> str:
    value = ""
    for part in parts:
        value += part
        if len(value) > MAX_VALUE:
            raise EnvFileError(f"the value is longer than {MAX_VALUE // 1024} KiB", line)
    return value


def _read(path: str, only_regular: bool) -> str:
    try:
        data = read_bytes(path, only_regular=only_regular)
    except Unreadable as error:
        text = "there is no such file" if error.missing else error.text
        raise EnvFileError(text, missing=error.missing) from None
    return data.decode("utf-8-sig", "surrogateescape")


def _leading(text: str) -> str:
    return text[: len(text) - len(text.lstrip())]
