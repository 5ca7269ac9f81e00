"""Configuration files of others, read and replaced without ever leaving one half written.

A symbolic link stays one: what it points to is replaced. The mode of a file stays, and a copy of what was there is kept
beside it.
"""

from __future__ import annotations

import os
import stat

from persistproc_core.errors import PersistprocError

__all__ = ["BACKUP", "ConfigFile", "FileUnusable"]

BACKUP = ".persistproc-backup"
_MOST_BYTES = 32 * 1024 * 1024
_BOM = "\ufeff"


class FileUnusable(PersistprocError):
    """A file cannot be read or replaced; it is as it was."""

    code = "file_unusable"


class ConfigFile:
    """A file as it was when it was read. ``text`` is empty when it is not there; ``mode`` is None then."""

    __slots__ = ("_bom", "_bytes", "_owner", "mode", "path", "real", "text")

    def __init__(self, path: str) -> None:
        """Read it. Raises `FileUnusable`."""
        self.path = path
        self.real = os.path.realpath(path)
        self.mode: int | None = None
        self.text = ""
        self._bytes = b""
        self._bom = ""
        self._owner = (-1, -1)
        try:
            self._read()
        except FileNotFoundError:
            return
        except UnicodeDecodeError:
            raise FileUnusable(f"{path} is not UTF-8 text; nothing was changed", hint="save it as UTF-8") from None
        except OSError as error:
            raise FileUnusable(f"cannot read {path}: {error.strerror}; nothing was changed") from None

    @property
    def exists(self) -> bool:
        """True when it was there."""
        return self.mode is not None

    @property
    def is_link(self) -> bool:
        """True when the path is a symbolic link."""
        return os.path.islink(self.path)

    def _read(self) -> None:
        # Not blocking: the open of a FIFO would wait for its writer.
        descriptor = os.open(self.real, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise FileUnusable(f"{self.path} is not a file; nothing was changed")
            if status.st_size > _MOST_BYTES:
                raise FileUnusable(f"{self.path} is larger than {_MOST_BYTES >> 20} MiB; nothing was changed")
            self._bytes = file.read()
        text = self._bytes.decode("utf-8")
        self._bom = _BOM if text.startswith(_BOM) else ""
        self.text = text.removeprefix(_BOM)
        self._owner = (status.st_uid, status.st_gid)
        self.mode = stat.S_IMODE(status.st_mode)

    def check_writable(self) -> None:
        """Raise `FileUnusable` when the file is read-only: to replace it all the same is not what its owner wants."""
        if self.mode is None:
            return
        if not self.mode & stat.S_IWUSR:
            raise FileUnusable(f"{self.path} is read-only; nothing was changed", hint=f"run: chmod u+w {self.path}")
        if os.geteuid() not in (0, self._owner[0]):
            raise FileUnusable(f"{self.path} belongs to another user; nothing was changed")

    def backup_text(self) -> str | None:
        """What the first copy beside the file holds; None without one."""
        try:
            return ConfigFile(self.path + BACKUP).text if os.path.isfile(self.path + BACKUP) else None
        except FileUnusable:
            return None

    def back_up(self) -> str | None:
        """Keep a copy beside the file; returns its path, None when there is nothing to keep. Raises `FileUnusable`.

        The first copy keeps its name for good: it is the file as it was before we ever changed it. Later ones have the
        time in their names, and none is made of what a copy already holds.
        """
        if self.mode is None:
            return None
        first = self.path + BACKUP
        if os.path.lexists(first) and self.backup_text() == self.text:
            return first
        path = _free_name(first)
        try:
            _create(path, self._bytes, self.mode)
        except OSError as error:
            raise FileUnusable(f"cannot write {path}: {error.strerror}; nothing was changed") from None
        return path

    def replace(self, text: str, *, private: bool, project: bool) -> None:
        """Put the text there in one step. Raises `FileUnusable`, and then the file is as it was.

        ``private``: it holds a secret, so that nobody else may read it; ``project``: one that a project shares.
        """
        self.check_writable()
        self._check_unchanged()
        if self.mode is None:
            from ..caller import file_mode_mask

            mode = 0o666 & ~file_mode_mask() if project else 0o600
        else:
            mode = self.mode
        if private:
            mode &= ~0o077
        folder = os.path.dirname(self.real)
        temporary = os.path.join(folder, f".{os.path.basename(self.real)}.persistproc-{os.getpid()}")
        try:
            os.makedirs(folder, exist_ok=True)
            _create(temporary, (self._bom + text).encode(), mode, self._owner)
            os.replace(temporary, self.real)
        except OSError as error:
            _forget(temporary)
            raise FileUnusable(
                f"cannot write {self.path}: {error.strerror}; nothing was changed",
                hint="--print shows what to put there by hand",
            ) from None

    def restore(self, backup: str) -> None:
        """Put the first copy back, with the mode that it had, and drop it: nothing of us is left then."""
        self.mode = ConfigFile(self.path + BACKUP).mode
        self.replace(backup, private=False, project=False)
        _forget(self.path + BACKUP)

    def delete(self) -> None:
        """Delete the file, that only we have made."""
        self.check_writable()
        self._check_unchanged()
        try:
            os.unlink(self.real)
        except OSError as error:
            raise FileUnusable(f"cannot delete {self.path}: {error.strerror}") from None

    def forget_folders(self) -> None:
        """Remove the folders that were made for the file (``.junie/mcp``), as far as nothing else is in them."""
        home = os.path.realpath(os.path.expanduser("~"))
        folder = os.path.dirname(self.real)
        while folder != home and (os.path.basename(folder) == "mcp" or os.path.basename(folder).startswith(".")):
            try:
                os.rmdir(folder)
            except OSError:
                return  # something else is in it
            folder = os.path.dirname(folder)

    def _check_unchanged(self) -> None:
        # Agents write these files while they run: what one has written since we read it must not be lost.
        if ConfigFile(self.path)._bytes != self._bytes:
            raise FileUnusable(f"{self.path} has just been changed by somebody else", hint="run this again")


def _free_name(first: str) -> str:
    """The name itself, else one with the time, else, for another one of that second, with a number as well."""
    if not os.path.lexists(first):
        return first
    import time

    path = timed = f"{first}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    number = 1
    while os.path.lexists(path):
        number += 1
        path = f"{timed}-{number}"
    return path


def _create(path: str, content: bytes, mode: int, owner: tuple[int, int] = (-1, -1)) -> None:
    # Closed to others until it has its mode: between the two, the content would be open to them.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        if os.geteuid() == 0 and owner[0] >= 0:
            os.fchown(descriptor, *owner)
        os.fchmod(descriptor, mode)
        file.flush()
        os.fsync(descriptor)


def _forget(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
