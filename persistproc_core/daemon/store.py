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
import stat
from dataclasses import dataclass, field

from ..protocol import ClientInfo, RestartPolicy, State
from .kernel.identity import Identity
from .model import Cause, Options, Outcome, Protection, Run, Settings
from .states import ENDED, LIVE
from .words.command import Command

__all__ = ["Record", "Store", "dump", "exit_record", "last_written", "spawned"]

_FORMAT = 1
_RECORD = "record.json"
_SYNCED = "record.synced.json"
_DOOMED = ".deleted-"


class _NewerFormat(Exception):
    """The record of a newer version, left as it is."""


@dataclass
class Record:
    """A run as it was written, with the process that it belongs to."""

    name: str
    project_directory: str
    run: Run
    protection: Protection | None = None
    options: Options = field(default_factory=Options)


class Store:
    """The folder of runs. All methods block: call them in a worker thread."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def folder(self, run_id: str) -> str:
        """The folder of a run."""
        return os.path.join(self._directory, run_id)

    def create(self, folder: str, content: bytes) -> None:
        """Make a run's folder and write its record so that not even a power cut loses it. Raises `OSError`."""
        os.mkdir(folder, 0o700)
        try:
            self.write(folder, content, durable=True)
            _sync(self._directory)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def write(self, folder: str, content: bytes, *, durable: bool = False) -> None:
        """Replace the record. Raises `OSError`; the old record is there then."""
        path = os.path.join(folder, _RECORD)
        fd = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with open(fd, "wb") as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(fd)
        os.rename(path + ".new", path)
        if durable:
            _keep_synced(folder)
            _sync(folder)

    def remove(self, run_id: str) -> None:
        """Delete a run with its output. Raises `OSError`."""
        # Renamed first: killed in the middle, the daemon would leave logs without a record, which nobody may delete.
        doomed = os.path.join(self._directory, _DOOMED + run_id)
        os.rename(self.folder(run_id), doomed)
        shutil.rmtree(doomed)

    def load(self) -> tuple[list[Record], list[str]]:
        """All records, oldest first, and a sentence about each one that could not be read (it is set aside)."""
        records = []
        problems = []
        for run_id in sorted(os.listdir(self._directory)):
            folder = self.folder(run_id)
            if run_id.startswith(_DOOMED):
                shutil.rmtree(folder, ignore_errors=True)
                continue
            if not stat.S_ISDIR(os.lstat(folder).st_mode):
                continue
            try:
                record, problem = _load(folder)
                records.append(record)
                problems += [f"{run_id}: {problem}"] * bool(problem)
            except FileNotFoundError:
                if not _was_used(folder):
                    # The daemon died between making the folder and writing the record: nothing was started.
                    shutil.rmtree(folder, ignore_errors=True)
            except (OSError, _NewerFormat) as error:
                problems.append(f"{run_id}: {error}")
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                problems.append(f"{run_id}: {type(error).__name__}: {error}")
                _set_aside(folder)
                _set_aside(folder, _SYNCED)
        records.sort(key=lambda record: (record.name, record.project_directory, record.run.number))
        return records, problems


def dump(record: Record) -> bytes:
    """The record's content as it is now; does not block."""
    return json.dumps(_to_json(record)).encode("ascii")


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


def _sync(directory: str) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _was_used(folder: str) -> bool:
    """True when something ran there, or was set aside there."""
    names = os.listdir(folder)
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
        return _from_json(json.load(file), folder)


def _set_aside(folder: str, name: str = _RECORD) -> None:
    path = os.path.join(folder, name)
    try:
        os.rename(path, path.removesuffix(".json") + ".unreadable")
    except OSError:
        pass


def _to_json(record: Record) -> dict[str, object]:
    run = record.run
    return {
        "format": _FORMAT,
        "name": record.name,
        "project_directory": record.project_directory,
        "run_id": run.run_id,
        "number": run.number,
        "argv": list(run.command.argv),
        "shell": run.command.shell,
        "text": run.command.text,
        "working_directory": run.working_directory,
        "settings": run.settings._asdict(),
        "captured": run.captured,
        "started_at": run.started_at,
        "started_by": run.started_by,
        "start_reason": run.start_reason,
        "replaced_run": run.replaced_run,
        "restarts": run.restarts,
        "boot_id": run.boot_id,
        "state": run.state,
        "identity": list(run.identity) if run.identity else None,
        "ended_at": run.ended_at,
        "exit_code": run.exit_code,
        "signal": run.signal,
        "reason": run.reason,
        "stop": run.stop._asdict() if run.stop else None,
        "protection": record.protection._asdict() if record.protection else None,
        "options": record.options._asdict(),
        "added_variables": list(run.added_variables),
        "released": run.gone.is_set(),
    }


def _from_json(value: dict[str, object], folder: str) -> Record:
    if _number(value["format"]) > _FORMAT:
        raise _NewerFormat(f"format {value['format']} is of a newer version")
    identity = value["identity"]
    run = Run(
        run_id=_text(value["run_id"]),
        number=_number(value["number"]),
        directory=folder,
        command=Command(
            tuple(_text(word) for word in _as_list(value["argv"])), bool(value["shell"]), _text(value["text"])
        ),
        working_directory=_text(value["working_directory"]),
        settings=_settings(value["settings"]),
        captured=bool(value["captured"]),
        started_at=_text(value["started_at"]),
        started_by=_client(value["started_by"]),
        start_reason=_optional(value.get("start_reason")),
        replaced_run=_number_or_none(value.get("replaced_run")),
        restarts=_number(value["restarts"]),
        boot_id=_text(value["boot_id"]),
        state=_state(value["state"]),
        identity=_identity(identity),
        ended_at=_optional(value["ended_at"]),
        exit_code=None if value["exit_code"] is None else _number(value["exit_code"]),
        signal=_optional(value["signal"]),
        reason=_optional(value["reason"]),
        stop=_cause(value.get("stop")),
        added_variables=tuple(_text(name) for name in _as_list(value["added_variables"])),
    )
    if run.run_id != os.path.basename(folder):
        raise ValueError("the record is in the folder of another run")
    run.launched.set()
    if run.state in ENDED:
        run.ended.set()
        if value["released"]:
            run.gone.set()
    return Record(
        _text(value["name"]),
        _text(value["project_directory"]),
        run,
        _protection(value.get("protection")),
        _options(value["options"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text was expected")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("a number was expected")
    return value


def _as_list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError("a list was expected")
    return value


def _as_dict(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError("an object was expected")
    return value


def _optional(value: object) -> str | None:
    return None if value is None else _text(value)


def _state(value: object) -> State:
    for state in (*LIVE, *ENDED):
        if state == value:
            return state
    raise ValueError(f"{value!r} is no state")


def _identity(value: object) -> Identity | None:
    if value is None:
        return None
    boot, pid, start = _as_list(value)
    return Identity(_text(boot), _number(pid), _number(start))


def _settings(given: object) -> Settings:
    value = _as_dict(given)
    return Settings(
        umask=_number_or_none(value["umask"]),
        limits=tuple(
            (_text(name), _number(soft), _number(hard))
            for name, soft, hard in (_as_list(limit) for limit in _as_list(value["limits"]))
        ),
        ignored_signals=tuple(_number(number) for number in _as_list(value["ignored_signals"])),
        tty=bool(value["tty"]),
        rows=_number(value["rows"]),
        columns=_number(value["columns"]),
        keep_bytes=_number_or_none(value["keep_bytes"]),
        keep_runs=_number_or_none(value["keep_runs"]),
    )


def _number_or_none(value: object) -> int | None:
    return None if value is None else _number(value)


def _cause(value: object) -> Cause | None:
    if value is None:
        return None
    cause = _as_dict(value)
    return Cause(_text(cause["verb"]), _client(cause["by"]), _optional(cause["reason"]))


def _protection(value: object) -> Protection | None:
    if value is None:
        return None
    protection = _as_dict(value)
    return Protection(_client(protection["by"]), _optional(protection["reason"]), _text(protection["time"]))


def _options(value: object) -> Options:
    given = _as_dict(value)
    return Options(
        restart=_policy(given["restart"]),
        autostart=bool(given["autostart"]),
        ttl_seconds=_seconds(given["ttl_seconds"]),
        idle_timeout_seconds=_seconds(given["idle_timeout_seconds"]),
    )


def _policy(value: object) -> RestartPolicy:
    if value == "never" or value == "on-failure" or value == "always":
        return value
    raise ValueError(f"{value!r} is no restart policy")


def _seconds(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError("a number was expected")
    return float(value)


def _client(value: object) -> ClientInfo:
    given = _as_dict(value)
    client = ClientInfo(name=_text(given["name"]))
    if "version" in given:
        client["version"] = _text(given["version"])
    if "pid" in given:
        client["pid"] = _number(given["pid"])
    if "directory" in given:
        client["directory"] = _text(given["directory"])
    if "session" in given:
        client["session"] = _text(given["session"])
    return client
