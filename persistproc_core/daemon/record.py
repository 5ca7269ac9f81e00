"""What a record says: a run, with the process that it belongs to, as JSON.

Somebody may have put anything there, and a disk may change a byte. So whatever later code relies on is checked here:
what cannot have been written by us is no record.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar, cast

from ..errors import InvalidParams
from ..protocol import ClientInfo, Liveness, PortWish, ReadyWhen, RestartPolicy, State
from ..validation import problem_of
from .kernel.identity import Identity
from .model import Cause, FollowedFile, Options, Protection, Run, Settings
from .requests import signal_number
from .states import ENDED, LIVE
from .words.command import Command
from .words.names import check_name

__all__ = ["NewerFormat", "Record", "dump", "parse"]

_FORMAT = 1
_MOST = 2**31 - 1
_MOST_TICKS = 2**63 - 1
_MOMENT_LENGTH = len("2026-01-02T03:04:05.678Z")


class NewerFormat(Exception):
    """The record of a newer version, left as it is."""


@dataclass
class Record:
    """A run as it was written, with the process that it belongs to."""

    name: str
    project_directory: str
    run: Run
    protection: Protection | None = None
    options: Options = field(default_factory=Options)


def dump(record: Record) -> bytes:
    """The record's content as it is now; does not block."""
    return json.dumps(_to_json(record)).encode("ascii")


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
        "adopted": run.adopted,
        "followed": [file._asdict() for file in run.followed],
        "kin": sorted(list(each) for each in run.kin),
        "ready": run.ready,
        "ready_at": run.ready_at,
        "ready_seconds": run.ready_seconds,
        "ready_by": run.ready_by,
        "started_at": run.started_at,
        "started_by": run.started_by,
        "start_reason": run.start_reason,
        "replaced_run": run.replaced_run,
        "restarts": run.restarts,
        "next_restart": run.next_restart,
        "lease": run.lease,
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


def parse(value: dict[str, object], folder: str) -> Record:
    """The record that was written to this folder.

    Raises `NewerFormat`, and `ValueError`, `KeyError`, `TypeError`, `AttributeError` or `RecursionError` for what is
    none.
    """
    written = _number(value["format"])
    if written > _FORMAT:
        raise NewerFormat(f"its format {written} is of a newer version of persistproc")
    if written < _FORMAT:
        raise ValueError(f"there never was a format {written}")
    identity = value["identity"]
    run = Run(
        run_id=_text(value["run_id"]),
        number=_within(value["number"], 1),
        directory=folder,
        command=Command(_argv(value["argv"]), bool(value["shell"]), _text(value["text"])),
        working_directory=_path(value["working_directory"]),
        settings=_settings(value["settings"]),
        captured=bool(value["captured"]),
        adopted=bool(value["adopted"]),
        followed=tuple(_followed(file) for file in _as_list(value["followed"])),
        kin=frozenset(each for each in map(_identity, _as_list(value["kin"])) if each is not None),
        ready=None if value["ready"] is None else bool(value["ready"]),
        ready_at=None if value["ready_at"] is None else _moment(value["ready_at"]),
        ready_seconds=_seconds(value["ready_seconds"]),
        ready_by=_optional(value["ready_by"]),
        started_at=_moment(value["started_at"]),
        started_by=_client(value["started_by"]),
        start_reason=_optional(value.get("start_reason")),
        replaced_run=_number_or_none(value.get("replaced_run")),
        restarts=_within(value["restarts"], 0),
        next_restart=_number_or_none(value["next_restart"]),
        lease=_seconds(value["lease"]),
        boot_id=_text(value["boot_id"]),
        state=_state(value["state"]),
        identity=_identity(identity),
        ended_at=None if value["ended_at"] is None else _moment(value["ended_at"]),
        exit_code=_number_or_none(value["exit_code"]),
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
        _name(value["name"]),
        _path(value["project_directory"]),
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


def _within(value: object, least: int, most: int = _MOST) -> int:
    number = _number(value)
    if not least <= number <= most:
        raise ValueError(f"{number} is not between {least} and {most}")
    return number


def _name(value: object) -> str:
    try:
        return check_name(_text(value))
    except InvalidParams as error:
        raise ValueError(error.message) from None


def _word(value: object) -> str:
    word = _text(value)
    if b"\0" in os.fsencode(word):
        raise ValueError("it holds a NUL")
    return word


def _argv(value: object) -> tuple[str, ...]:
    argv = tuple(_word(word) for word in _as_list(value))
    if not argv or not argv[0]:
        raise ValueError("there is no command")
    return argv


def _path(value: object) -> str:
    path = _word(value)
    if not os.path.isabs(path):
        raise ValueError(f"{path!r} is not an absolute path")
    return path


def _moment(value: object) -> str:
    text = _text(value)
    datetime.fromisoformat(text.removesuffix("Z"))
    if len(text) != _MOMENT_LENGTH or not text.endswith("Z"):
        raise ValueError(f"{text!r} is not a time as we write them")
    return text


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


def _signal(value: object) -> str | None:
    try:
        if value is not None:
            signal_number(_text(value))  # else nobody could stop it
    except InvalidParams as error:
        raise ValueError(error.message) from None
    return _optional(value)


def _state(value: object) -> State:
    for state in (*LIVE, *ENDED):
        if state == value:
            return state
    raise ValueError(f"{value!r} is no state")


def _identity(value: object) -> Identity | None:
    if value is None:
        return None
    boot, pid, start = _as_list(value)
    # Beyond these the calls that take them would raise (pidfd_open(2), kill(2)).
    return Identity(_text(boot), _within(pid, 1), _within(start, 0, _MOST_TICKS))


def _settings(given: object) -> Settings:
    value = _as_dict(given)
    return Settings(
        umask=None if value["umask"] is None else _within(value["umask"], 0, 0o777),
        limits=tuple(
            (_text(name), _number(soft), _number(hard))
            for name, soft, hard in (_as_list(limit) for limit in _as_list(value["limits"]))
        ),
        ignored_signals=tuple(_number(number) for number in _as_list(value["ignored_signals"])),
        tty=bool(value["tty"]),
        rows=_within(value["rows"], 1, 1000),
        columns=_within(value["columns"], 1, 1000),
        keep_bytes=_number_or_none(value["keep_bytes"]),
        keep_runs=_number_or_none(value["keep_runs"]),
        shell=bool(value["shell"]),
        ports=tuple(_declared(PortWish, wish) for wish in _as_list(value["ports"])),
        assigned_ports=tuple(
            (_text(name), _within(port, 1, 65535))
            for name, port in (_as_list(pair) for pair in _as_list(value["assigned_ports"]))
        ),
        ready=None if value["ready"] is None else _declared(ReadyWhen, value["ready"]),
        liveness=None if value["liveness"] is None else _declared(Liveness, value["liveness"]),
        watch=tuple(_word(pattern) for pattern in _as_list(value["watch"])),
        watch_signal=_signal(value["watch_signal"]),
        stop_signal=_signal(value["stop_signal"]),
        stop_grace_seconds=_seconds(value["stop_grace_seconds"]),
        tags=tuple(_text(tag) for tag in _as_list(value["tags"])),
        asked=None if value["asked"] is None else _argv(value["asked"]),
        defined=bool(value["defined"]),
        variables=tuple(_text(name) for name in _as_list(value["variables"])),
    )


def _followed(given: object) -> FollowedFile:
    value = _as_dict(given)
    stream = value["stream"]
    if stream != "stdout" and stream != "stderr":
        raise ValueError(f"{stream!r} is no stream")
    return FollowedFile(
        stream,
        _path(value["path"]),
        _within(value["device"], 0, _MOST_TICKS),
        _within(value["inode"], 0, 2 * _MOST_TICKS + 1),
        _within(value["begin"], -_MOST_TICKS, _MOST_TICKS),
    )


_Declared = TypeVar("_Declared")


def _declared(declared: type[_Declared], value: object) -> _Declared:
    problem = problem_of(declared, value)
    if problem is not None:
        raise ValueError(problem)
    return cast("_Declared", value)


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
    if not 0 <= value <= _MOST:  # not isfinite(): of a number of four hundred digits that raises OverflowError
        raise ValueError("such a time is out of range")
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
