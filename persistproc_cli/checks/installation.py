"""Is this installation whole, and is it run by whom it should be?"""

from __future__ import annotations

import os
import sys

from .finding import Kind, ok

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .finding import Finding

__all__ = ["KINDS", "installation", "owner_of_home", "user"]

_LEAST_PYTHON = (3, 10)
_NEEDED = ("anyio", "jsonrpcserver", "psutil", "regex", "trio", "typing_extensions")

PYTHON_OLD = Kind(
    "python",
    "python-old",
    "problem",
    "The Python that runs the command is older than persistproc supports.",
    "install Python 3.10 or later, and persistproc with it",
)
PACKAGE_MISSING = Kind(
    "packages",
    "package-missing",
    "problem",
    "A package that the daemon needs is not there, so none can be started.",
    "run: `python -m pip install --force-reinstall persistproc`",
)
SUDO = Kind(
    "user",
    "user-sudo",
    "warning",
    "The command runs as root by way of `sudo`. Each user has a daemon of his own, so what is seen here is root's.",
    "run it without `sudo`",
)
HOME_OF_ANOTHER = Kind(
    "user",
    "user-home-of-another",
    "warning",
    "`HOME` is the directory of another user, as after `sudo -E` or `su` without `-`. What is made there belongs to "
    "the wrong user, and locks the right one out.",
    "run it without `sudo`, or with `sudo -H`",
)
HOME_UNSET = Kind(
    "user",
    "user-home-unset",
    "warning",
    "`HOME` is not set (cron, some containers and services), so the password database tells where the home is. "
    "A terminal in which it is set to another folder talks to another daemon.",
    "set HOME, or PERSISTPROC_HOME, where the command is run",
)
KINDS = (PYTHON_OLD, PACKAGE_MISSING, SUDO, HOME_OF_ANOTHER, HOME_UNSET)


def installation(
    version: tuple[int, ...] = sys.version_info[:3], needed: tuple[str, ...] = _NEEDED
) -> Iterator[Finding]:
    """The interpreter and the packages."""
    text = ".".join(map(str, version))
    if version[:2] < _LEAST_PYTHON:
        yield PYTHON_OLD.found(f"Python {text} is too old ({sys.executable})")
    else:
        yield ok("python", f"Python {text} ({sys.executable})")
    from importlib.util import find_spec

    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        mend = f"run: {sys.executable} -m pip install --force-reinstall persistproc"
        yield PACKAGE_MISSING.found(f"not installed: {', '.join(missing)}", mend)
    else:
        yield ok("packages", "all that the daemon needs")


def user(environment: Mapping[str, str], uid: int, owner: int | None) -> Finding:
    """Who runs us; ``owner``: of the directory that HOME names, None when there is none."""
    name = environment.get("SUDO_USER", "")
    if uid == 0 and name not in ("", "root"):
        return SUDO.found(f"you are root, by sudo: this is root's persistproc, not that of {name}")
    if owner not in (None, uid):
        return HOME_OF_ANOTHER.found(f"{environment.get('HOME')} belongs to user {owner}, and you are user {uid}")
    if "HOME" not in environment and not environment.get("PERSISTPROC_HOME"):
        return HOME_UNSET.found(f"HOME is not set; {os.path.expanduser('~')} is used")
    return ok("user", f"user {uid}")


def owner_of_home(environment: Mapping[str, str]) -> int | None:
    """Of the directory that HOME names; None when there is none."""
    try:
        return os.stat(environment.get("HOME") or "/nonexistent").st_uid
    except OSError:
        return None
