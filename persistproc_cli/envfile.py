"""``--env-file``, and ``NAME=value`` words."""

from __future__ import annotations

from .arguments import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["is_assignment", "variables_in"]


def is_assignment(word: str) -> bool:
    """True for ``NAME=value``, where the name is one that a shell accepts (POSIX, section 3.231)."""
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isascii() and name.isidentifier()


def variables_in(path: str, base: Mapping[str, str]) -> dict[str, str]:
    """What a file of variables sets; its values may refer to those of ``base``.

    Raises `UsageError` that names the file and the line, and never what stands there.
    """
    from persistproc_core.project_file.env_file import EnvFileError, read_env_file

    try:
        return read_env_file(path, base)
    except EnvFileError as error:
        place = path if error.line is None else f"{path}, line {error.line}"
        raise UsageError(f"the environment file {place}: {error.text}") from None
