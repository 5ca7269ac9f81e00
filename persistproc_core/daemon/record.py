"""What a record says: a run, with the process that it belongs to, as JSON.

Somebody may have put anything there, and a disk may change a byte. So whatever later code relies on is checked here:
what cannot have been written by us is no record.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field

from ..protocol import ClientInfo, Liveness, PortWish, ReadyWhen, RestartPolicy, State
from . import record_values as values
from .adopting.followed import FollowedFile
from .kernel.identity import Identity
from .model import Cause, Protection, Run
from .settings import Options, Settings
from .states import ENDED, LIVE
from .words.command import Command

__all__ = ["NewerFormat", "Record", "dump", "parse"]

_FORMAT = 1


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
    written = values.number(value["format"])
    if written > _FORMAT:
        raise NewerFormat(f"its format {written} is of a newer version of persistproc")
    if written < _FORMAT:
        raise ValueError(f"there never was a format {written}")
    identity = value["identity"]
    run = Run(
        run_id=values.text(value["run_id"]),
        number=values.within(value["number"], 1),
        directory=folder,
        command=Command(values.argument_list(value["argv"]), bool(value["shell"]), values.text(value["text"])),
        working_directory=values.absolute_path(value["working_directory"]),
        settings=_settings(value["settings"]),
        captured=bool(value["captured"]),
        adopted=bool(value["adopted"]),
        followed=tuple(_followed(file) for file in values.array(value["followed"])),
        kin=frozenset(each for each in map(_identity, values.array(value["kin"])) if each is not None),
        ready=None if value["ready"] is None else bool(value["ready"]),
        ready_at=None if value["ready_at"] is None else values.moment(value["ready_at"]),
        ready_seconds=values.seconds_or_none(value["ready_seconds"]),
        ready_by=values.text_or_none(value["ready_by"]),
        started_at=values.moment(value["started_at"]),
        started_by=_client(value["started_by"]),
        start_reason=values.text_or_none(value.get("start_reason")),
        replaced_run=values.number_or_none(value.get("replaced_run")),
        restarts=values.within(value["restarts"], 0),
        next_restart=values.number_or_none(value["next_restart"]),
        lease=values.seconds_or_none(value["lease"]),
        boot_id=values.text(value["boot_id"]),
        state=_state(value["state"]),
        identity=_identity(identity),
        ended_at=None if value["ended_at"] is None else values.moment(value["ended_at"]),
        exit_code=values.number_or_none(value["exit_code"]),
        signal=values.text_or_none(value["signal"]),
        reason=values.text_or_none(value["reason"]),
        stop=_cause(value.get("stop")),
        added_variables=tuple(values.text(name) for name in values.array(value["added_variables"])),
    )
    if run.run_id != os.path.basename(folder):
        raise ValueError("the record is in the folder of another run")
    run.launched.set()
    if run.state in ENDED:
        run.ended.set()
        if value["released"]:
            run.gone.set()
    return Record(
        values.process_name(value["name"]),
        values.absolute_path(value["project_directory"]),
        run,
        _protection(value.get("protection")),
        _options(value["options"]),
    )


def _state(value: object) -> State:
    for state in (*LIVE, *ENDED):
        if state == value:
            return state
    raise ValueError(f"{value!r} is no state")


def _identity(value: object) -> Identity | None:
    if value is None:
        return None
    boot, pid, start = values.array(value)
    # Beyond these the calls that take them would raise (pidfd_open(2), kill(2)).
    return Identity(values.text(boot), values.within(pid, 1), values.within(start, 0, values.MOST_64))


def _settings(given: object) -> Settings:
    value = values.mapping(given)
    return Settings(
        umask=None if value["umask"] is None else values.within(value["umask"], 0, 0o777),
        limits=tuple(
            (values.text(name), values.number(soft), values.number(hard))
            for name, soft, hard in (values.array(limit) for limit in values.array(value["limits"]))
        ),
        ignored_signals=tuple(values.number(number) for number in values.array(value["ignored_signals"])),
        tty=bool(value["tty"]),
        rows=values.within(value["rows"], 1, 1000),
        columns=values.within(value["columns"], 1, 1000),
        keep_bytes=values.number_or_none(value["keep_bytes"]),
        keep_runs=values.number_or_none(value["keep_runs"]),
        shell=bool(value["shell"]),
        ports=tuple(values.declared(PortWish, wish) for wish in values.array(value["ports"])),
        assigned_ports=tuple(
            (values.text(name), values.within(port, 1, 65535))
            for name, port in (values.array(pair) for pair in values.array(value["assigned_ports"]))
        ),
        ready=None if value["ready"] is None else values.declared(ReadyWhen, value["ready"]),
        liveness=None if value["liveness"] is None else values.declared(Liveness, value["liveness"]),
        watch=tuple(values.word(pattern) for pattern in values.array(value["watch"])),
        watch_signal=values.signal_or_none(value["watch_signal"]),
        stop_signal=values.signal_or_none(value["stop_signal"]),
        stop_grace_seconds=values.seconds_or_none(value["stop_grace_seconds"]),
        tags=tuple(values.text(tag) for tag in values.array(value["tags"])),
        asked=None if value["asked"] is None else values.argument_list(value["asked"]),
        defined=bool(value["defined"]),
        variables=tuple(values.text(name) for name in values.array(value["variables"])),
    )


def _followed(given: object) -> FollowedFile:
    value = values.mapping(given)
    stream = value["stream"]
    if stream != "stdout" and stream != "stderr":
        raise ValueError(f"{stream!r} is no stream")
    return FollowedFile(
        stream,
        values.absolute_path(value["path"]),
        values.within(value["device"], 0, values.MOST_64),
        values.within(value["inode"], 0, 2 * values.MOST_64 + 1),
        values.within(value["begin"], -values.MOST_64, values.MOST_64),
    )


def _cause(value: object) -> Cause | None:
    if value is None:
        return None
    cause = values.mapping(value)
    return Cause(values.text(cause["verb"]), _client(cause["by"]), values.text_or_none(cause["reason"]))


def _protection(value: object) -> Protection | None:
    if value is None:
        return None
    protection = values.mapping(value)
    return Protection(
        _client(protection["by"]), values.text_or_none(protection["reason"]), values.text(protection["time"])
    )


def _options(value: object) -> Options:
    given = values.mapping(value)
    return Options(
        restart=_policy(given["restart"]),
        autostart=bool(given["autostart"]),
        ttl_seconds=values.seconds_or_none(given["ttl_seconds"]),
        idle_timeout_seconds=values.seconds_or_none(given["idle_timeout_seconds"]),
    )


def _policy(value: object) -> RestartPolicy:
    if value == "never" or value == "on-failure" or value == "always":
        return value
    raise ValueError(f"{value!r} is no restart policy")


def _client(value: object) -> ClientInfo:
    given = values.mapping(value)
    client = ClientInfo(name=values.text(given["name"]))
    if "version" in given:
        client["version"] = values.text(given["version"])
    if "pid" in given:
        client["pid"] = values.number(given["pid"])
    if "directory" in given:
        client["directory"] = values.text(given["directory"])
    if "session" in given:
        client["session"] = values.text(given["session"])
    return client
