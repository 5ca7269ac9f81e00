"""The token that callers of the port must know, where that is asked for."""

from __future__ import annotations

import errno
import os
import secrets
import shlex
import stat

from persistproc_core.errors import PersistprocError

__all__ = ["read_token", "token_of", "write_token"]

_BYTES = 32
_LONGEST = 4096


def token_of(path: str) -> str:
    """The token of a home; it is made when there is none yet. Raises `PersistprocError`."""
    try:
        token = secrets.token_urlsafe(_BYTES)
        write_token(path, token)
        return token
    except FileExistsError:
        return read_token(path)


def write_token(path: str, token: str) -> None:
    """Make the file of a token. Raises `FileExistsError` when there is one, and `PersistprocError`."""
    try:
        # O_EXCL: of two that make one at once, the first counts. 0600 from birth.
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from None
    try:
        os.write(fd, f"{token}\n".encode())
    except OSError as error:
        os.unlink(path)
        raise _unusable(path, error.strerror or str(error)) from None
    finally:
        os.close(fd)


def read_token(path: str) -> str:
    """The token in a file that nobody but us may read. Raises `PersistprocError`."""
    try:
        # O_NONBLOCK: a named pipe that nobody writes to would keep us waiting.
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _unusable(path, "it is a symbolic link", "put the token itself there, or delete the link") from None
        raise _unusable(path, error.strerror or str(error)) from None
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise _unusable(path, "it is no file", "move it away, and a new token is made")
        if status.st_uid != os.getuid():
            raise _unusable(path, "it belongs to somebody else", "delete it, and a new token is made")
        if status.st_mode & 0o077:
            raise _unusable(path, "others may read or change it", f"run: chmod 600 {shlex.quote(path)}")
        text = os.read(fd, _LONGEST).decode("ascii", "replace").strip()
    finally:
        os.close(fd)
    if not text or not text.isprintable() or not text.isascii() or " " in text:
        raise _unusable(path, "there is no token in it", "delete it, and a new one is made")
    return text


def _unusable(path: str, why: str, hint: str = "check the file") -> PersistprocError:
    return PersistprocError(f"cannot use the token in {path}: {why}", hint=hint)
