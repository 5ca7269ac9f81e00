"""Files of environment variables: ``KEY=value`` lines, as in a ``.env`` file.

A line is empty, a comment (``#``), or ``[export ]KEY=value``. A value in single quotes is taken as it is. In double
quotes a backslash before ``n``, ``t``, ``r``, ``$``, a double quote or a backslash makes an escape. Without quotes it
ends at `` #``, and its outer blanks go. Variables are not expanded.
"""

from __future__ import annotations

from .arguments import UsageError

__all__ = ["is_assignment", "read_env_file"]

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "$": "$"}


def is_assignment(word: str) -> bool:
    """True for ``NAME=value``, where the name is one that a shell accepts (POSIX, section 3.231)."""
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isascii() and name.isidentifier()


def read_env_file(path: str) -> dict[str, str]:
    """The variables of a file. Raises `UsageError` that names the file and the line."""
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
            lines = file.read().split("\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"cannot read the environment file {path}: {reason}") from None
    variables: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        try:
            pair = _parse_line(line.strip())
        except ValueError as error:
            raise UsageError(f"{path}, line {number}: {error}") from None
        if pair is not None:
            variables[pair[0]] = pair[1]
    return variables


def _parse_line(line: str) -> tuple[str, str] | None:
    if not line or line.startswith("#"):
        return None
    if line.startswith(("export ", "export\t")):
        line = line[7:].lstrip()
    name, equals, value = line.partition("=")
    name = name.rstrip()
    if not equals or not is_assignment(f"{name}="):
        raise ValueError("expected KEY=value")  # never the line itself: it may hold a secret
    value = value.strip()
    if "\0" in value:
        raise ValueError("a value cannot hold a NUL")
    return name, _unquote(value)


def _unquote(value: str) -> str:
    if not value.startswith(("'", '"')):
        for blank in (" #", "\t#"):
            value = value.partition(blank)[0]
        return "" if value.startswith("#") else value.rstrip()
    quote = value[0]
    text: list[str] = []
    index = 1
    while index < len(value) and value[index] != quote:
        if quote == '"' and value[index] == "\\" and value[index + 1 : index + 2] in _ESCAPES:
            index += 1
            text.append(_ESCAPES[value[index]])
        else:
            text.append(value[index])
        index += 1
    rest = value[index + 1 :].lstrip()
    if index >= len(value):
        raise ValueError(f"the value has no closing {quote}")
    if rest and not rest.startswith("#"):
        raise ValueError(f"there is something after the closing {quote}")
    return "".join(text)
