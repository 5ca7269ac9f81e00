"""Why a command could not be executed, in words that name the path that was tried and where it was searched."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import Protocol

from ..errors import PersistprocError, StartFailed, StorageFailed
from .keeper_link import KeeperRefused
from .model import Run
from .words.command import Command

__all__ = ["Startable", "check_startable", "start_failed"]


class Startable(Protocol):
    """A run, or what could become one."""

    @property
    def command(self) -> Command:
        """What is executed."""

    @property
    def working_directory(self) -> str:
        """Where."""


def start_failed(refusal: KeeperRefused, run: Run, environment: Mapping[str, str]) -> PersistprocError:
    """The typed error for what the keeper said."""
    name = errno.errorcode.get(refusal.errno, str(refusal.errno))
    if refusal.stage == "keeper":
        if refusal.errno in (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE):
            return _failed(f"no process could be made: {os.strerror(refusal.errno)}", "end some processes", name, run)
        return StorageFailed(
            f"the run's files could not be made: {os.strerror(refusal.errno)}", hint="see persistproc doctor"
        )
    if refusal.stage == "terminal":
        return _failed(
            f"no terminal could be made: {os.strerror(refusal.errno)}",
            "end some processes that have one, or start it without",
            name,
            run,
        )
    if refusal.stage == "output":
        return StorageFailed(
            f"the run's files could not be opened: {os.strerror(refusal.errno)}", hint="see persistproc doctor"
        )
    if refusal.stage == "directory":
        return _failed(
            f"cannot work in {run.working_directory}: {os.strerror(refusal.errno)}",
            "give a working directory that exists",
            name,
            run,
            path=run.working_directory,
        )
    if refusal.stage == "limits":
        return _failed(f"cannot set the resource limit {refusal.detail}", "raise it where you call from", name, run)
    return _exec_failed(refusal.errno, run, environment)


def check_startable(run: Startable, environment: Mapping[str, str]) -> None:
    """Raise `StartFailed` when the directory or program of a run is not there (any more); blocks on the file system."""
    if not os.path.isdir(run.working_directory):
        raise _failed(
            f"the working directory {run.working_directory} is not there any more",
            "make it again, or start the command elsewhere",
            "ENOENT",
            run,
            path=run.working_directory,
        )
    found = _find(run.command.argv[0], run.working_directory, environment)
    if found is None:
        raise _exec_failed(errno.ENOENT, run, environment)
    if not os.access(found, os.X_OK):
        raise _exec_failed(errno.EACCES, run, environment)


def _exec_failed(number: int, run: Startable, environment: Mapping[str, str]) -> StartFailed:
    program = run.command.argv[0]
    search_path = environment.get("PATH", os.defpath)
    found = _find(program, run.working_directory, environment)
    name = errno.errorcode.get(number, str(number))
    if number == errno.ENOENT and found is not None:
        interpreter = _interpreter(found)
        if interpreter:
            return _failed(
                f"{found} cannot run: its interpreter {interpreter} is not there",
                "mend the first line of the script",
                name,
                run,
                path=found,
            )
    if number in (errno.ENOENT, errno.ENOTDIR):
        if "/" in program:
            return _failed(f"{program} is not there", "check the path", "ENOENT", run, path=program)
        return StartFailed(
            f"{program} is not found on PATH",
            hint=f"check the spelling, or give its path; searched was {search_path}",
            data={"errno": "ENOENT", "path": program, "search_path": search_path},
        )
    if number == errno.EACCES:
        path = found or program
        what = "is a folder" if os.path.isdir(path) else "is not executable"
        return _failed(
            f"{path} {what}", "give a program" if "folder" in what else f"run: chmod +x {path}", name, run, path=path
        )
    if number == errno.ENOEXEC:
        path = found or program
        return _failed(
            f"{path} is neither a program nor a script with a #! line",
            f"run it by its interpreter: sh {path}",
            name,
            run,
            path=path,
        )
    if number == errno.E2BIG:
        return _failed(
            "the arguments and the environment are too long", "pass less, or use a file", name, run, path=program
        )
    return _failed(
        f"{program} cannot be executed: {os.strerror(number)}", "run it by hand to see why", name, run, path=program
    )


def _failed(message: str, hint: str, name: str, run: Startable, *, path: str | None = None) -> StartFailed:
    return StartFailed(message, hint=hint, data={"errno": name, "path": path or run.command.argv[0]})


def _find(program: str, directory: str, environment: Mapping[str, str]) -> str | None:
    """The file that execvp(3) would take in that directory, executable or not."""
    if "/" in program:
        path = os.path.join(directory, program.removeprefix("./"))
        return path if os.path.exists(path) else None
    fallback = None
    for folder in environment.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(directory, folder or ".", program)
        if os.path.isfile(path):
            if os.access(path, os.X_OK):
                return path
            fallback = fallback or path
    return fallback


def _interpreter(path: str) -> str | None:
    """What the #! line names, when that is not there (execve(2), interpreter scripts)."""
    try:
        with open(path, "rb") as file:
            first = file.readline(256)
    except OSError:
        return None
    if not first.startswith(b"#!"):
        return "(its ELF loader)" if first.startswith(b"\x7fELF") else None
    words = os.fsdecode(first[2:].strip()).split()
    return words[0].rstrip("\r") if words else "(an empty name)"
