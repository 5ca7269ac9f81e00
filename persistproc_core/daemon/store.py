"""What is on disk: one folder a run, with ``record.json`` in it. No value of an environment variable is ever written.

A record is written whole or not at all, and before the keeper is asked to start anything, so that a process that runs
is known whatever dies. The first one is synced to the disk, as is what somebody configured; the others are renamed
into place, which is all that a kill can ask for. A power cut may empty such a one (rename(2) says nothing about the
bytes): so the last one that was synced keeps a second name, and is read then. A record that cannot be read is set
aside, never deleted.
"""

from __future__ import annotations

import json
import os
import shutil

from . import replaced_file
from .home.guard import HomeGuard
from .model import Outcome, Run
from .record import NewerFormat, Record, dump, parse

__all__ = ["Record", "Store", "dump", "exit_record", "last_written", "spawned"]

_RECORD = "record.json"
_SYNCED = "record.synced.json"
_DOOMED = ".deleted-"


class Store:
    """The folder of runs. All methods block: call them in a worker thread."""

    def __init__(self, directory: str, home: HomeGuard | None = None) -> None:
        """``home``: asked before anything is written, and for the folder when somebody has deleted it."""
        self._directory = directory
        self._home = home or HomeGuard(None)
        self.newer: frozenset[str] = frozenset()
        """Ids of runs whose records are of a newer version: they are left alone."""

    def folder(self, run_id: str) -> str:
        """The folder of a run."""
        return os.path.join(self._directory, run_id)

    def create(self, folder: str, content: bytes) -> None:
        """Make a run's folder and write its record so that not even a power cut loses it. Raises `OSError`."""
        self._home.check()
        try:
            os.mkdir(folder, 0o700)
        except FileNotFoundError:
            self._home.make_again()
            os.mkdir(folder, 0o700)
        try:
            self.write(folder, content, durable=True)
            replaced_file.sync_folder(self._directory)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def write(self, folder: str, content: bytes, *, durable: bool = False) -> None:
        """Replace the record. Raises `OSError`; the old record is there then.

        A folder that somebody has deleted is made again.
        """
        self._home.check()
        if not os.path.isdir(folder):
            self._home.make_again()
            os.makedirs(folder, 0o700, exist_ok=True)  # or the keeper has, just now
        replaced_file.replace(os.path.join(folder, _RECORD), content, synced=durable)
        if durable:
            _keep_synced(folder)
            replaced_file.sync_folder(folder)

    def note_spawned(self, run: Run) -> None:
        """Write the keeper's note of the leader again, where it is missing. Raises `OSError`."""
        if run.identity is None:
            return
        self._home.check()
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            fd = os.open(os.path.join(run.directory, "spawned"), flags, 0o600)
        except FileExistsError:
            return
        with open(fd, "wb") as file:
            file.write(b"%d %d\n" % (run.identity.pid, run.identity.start))

    def remove(self, run_id: str) -> None:
        """Delete a run with its output. Raises `OSError`."""
        self._home.check()
        # Renamed first: killed in the middle, the daemon would leave logs without a record, which nobody may delete.
        doomed = os.path.join(self._directory, _DOOMED + run_id)
        os.rename(self.folder(run_id), doomed)
        shutil.rmtree(doomed)

    def load(self) -> tuple[list[Record], list[str]]:
        """All records, oldest first, and a sentence about each one that could not be read (it is set aside)."""
        records = []
        problems = []
        newer = set()
        for run_id in sorted(os.listdir(self._directory)):
            folder = self.folder(run_id)
            if run_id.startswith(_DOOMED):
                shutil.rmtree(folder, ignore_errors=True)
                continue
            if not _is_folder(folder):
                continue
            try:
                record, problem = _load(folder)
                records.append(record)
                problems += [f"{run_id}: {problem}"] * bool(problem)
            except FileNotFoundError:
                if not _was_used(folder):
                    # The daemon died between making the folder and writing the record: nothing was started.
                    shutil.rmtree(folder, ignore_errors=True)
            except NewerFormat:
                newer.add(run_id)
            except OSError as error:
                problems.append(f"{run_id}: {error}")
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                problems.append(f"{run_id}: {type(error).__name__}: {error}")
                _set_aside(folder)
                _set_aside(folder, _SYNCED)
        self.newer = frozenset(newer)
        records.sort(key=lambda record: (record.name, record.project_directory, record.run.number))
        return records, problems

    def unreadable(self) -> list[str]:
        """The runs whose record this code cannot read. Changes nothing: for a look while another daemon serves."""
        found = []
        for run_id in sorted(os.listdir(self._directory)):
            try:
                _read_record(self.folder(run_id), _RECORD)
            except (FileNotFoundError, NotADirectoryError):
                pass  # it is just being made, or removed
            except (OSError, NewerFormat, ValueError, KeyError, TypeError, AttributeError, RecursionError):
                found.append(run_id)
        return found


def spawned(run: Run) -> tuple[int, int | None] | None:
    """Pid and start time that the keeper wrote down before the command ran, or None when it never ran."""
    try:
        fields = [int(field) for field in _read(run, "spawned").split()]
    except ValueError:
        return None
    if not fields:
        return None
    return fields[0], fields[1] if len(fields) > 1 else None


def exit_record(run: Run) -> Outcome | None:
    """The end that the keeper wrote down, or None."""
    try:
        return Outcome.parse(_read(run, "ended"))
    except ValueError:
        return None


def last_written(run: Run) -> int | None:
    """When the run's output last grew (wall clock, ns), the best known time of an end that nobody saw."""
    try:
        times = [
            os.stat(os.path.join(run.directory, name)).st_mtime_ns
            for name in os.listdir(run.directory)
            if name.endswith(".log") or name == "spawned"
        ]
    except OSError:
        return None
    return max(times, default=None)


def _read(run: Run, name: str) -> bytes:
    try:
        with open(os.path.join(run.directory, name), "rb") as file:
            return file.read(4096)
    except OSError:
        return b""


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _was_used(folder: str) -> bool:
    """True when something ran there, or was set aside there."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return True  # removed just now, by the daemon whose place we take
    return any(name in ("record.unreadable", "spawned") or name.endswith(".log") for name in names)


def _keep_synced(folder: str) -> None:
    # A link and not a copy: it is on the disk already.
    path = os.path.join(folder, _SYNCED)
    try:
        os.unlink(path + ".new")  # of a daemon that died right here
    except FileNotFoundError:
        pass
    os.link(os.path.join(folder, _RECORD), path + ".new")
    os.rename(path + ".new", path)


def _load(folder: str) -> tuple[Record, str]:
    """The record, and a sentence when an older one had to do."""
    try:
        return _read_record(folder, _RECORD), ""
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        # Its end may be missing there, but what it is, and that it was there, is not.
        if not os.path.exists(os.path.join(folder, _SYNCED)):
            raise
        record = _read_record(folder, _SYNCED)
        _set_aside(folder)
        return record, f"{type(error).__name__}: {error}; read as it was when it was last synced"


def _read_record(folder: str, name: str) -> Record:
    with open(os.path.join(folder, name), encoding="ascii") as file:
        return parse(json.load(file), folder)


def _set_aside(folder: str, name: str = _RECORD) -> None:
    path = os.path.join(folder, name)
    try:
        os.rename(path, path.removesuffix(".json") + ".unreadable")
    except OSError:
        pass
