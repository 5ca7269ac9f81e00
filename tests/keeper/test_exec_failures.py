"""Why a command could not run: the stage, the errno and the path come back, and nothing is left behind."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tests.keeper.rig import Keeper, Refused
from tests.kit import descendants, program


def refusal(keeper: Keeper, argv: list[str | bytes], **options: object) -> Refused:
    """Start what cannot be started, and check that no trace of it is left in the keeper."""
    before = len(os.listdir(f"/proc/{keeper.pid}/fd"))
    with pytest.raises(Refused) as caught:
        keeper.start("r", argv, **options)
    assert keeper.link.ask("list") == []
    assert keeper.link.events() == []
    assert descendants(keeper.pid) == []
    assert len(os.listdir(f"/proc/{keeper.pid}/fd")) == before
    assert not keeper.folder("r").has_ended
    return caught.value


def script(path: Path, text: str, mode: int = 0o755) -> str:
    path.write_text(text, "ascii")
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize("name", ["no-such-program", "/no/such/program", "./none"])
def test_missing(keeper: Keeper, name: str) -> None:
    found = refusal(keeper, [name])
    assert (found.stage, found.errno, found.detail) == ("exec", errno.ENOENT, name.encode())


def test_not_executable(keeper: Keeper, tmp_path: Path) -> None:
    path = script(tmp_path / "x", "#!/bin/sh\n", 0o644)
    found = refusal(keeper, [path])
    assert (found.stage, found.errno, found.detail) == ("exec", errno.EACCES, path.encode())


def test_not_executable_is_told_when_nothing_better_is_on_the_path(keeper: Keeper, tmp_path: Path) -> None:
    """Not ENOENT from the last folder of PATH: the file that was meant is there (execvp(3))."""
    script(tmp_path / "tool", "#!/bin/sh\n", 0o644)
    found = refusal(keeper, ["tool"], environment={"PATH": f"{tmp_path}:/nonexistent:/bin"})
    assert (found.stage, found.errno) == ("exec", errno.EACCES)


def test_a_directory(keeper: Keeper, tmp_path: Path) -> None:
    found = refusal(keeper, [str(tmp_path)])
    assert (found.stage, found.errno) == ("exec", errno.EACCES)


def test_bad_interpreter(keeper: Keeper, tmp_path: Path) -> None:
    path = script(tmp_path / "x", "#!/no/such/interpreter\n")
    found = refusal(keeper, [path])
    assert (found.stage, found.errno, found.detail) == ("exec", errno.ENOENT, path.encode())


def test_no_program_at_all(keeper: Keeper, tmp_path: Path) -> None:
    found = refusal(keeper, [script(tmp_path / "x", "echo a shell would guess\n")])
    assert (found.stage, found.errno) == ("exec", errno.ENOEXEC)


def test_argument_list_too_long(keeper: Keeper) -> None:
    found = refusal(keeper, ["true", "x" * 200_000])
    assert (found.stage, found.errno) == ("exec", errno.E2BIG)


def test_a_nul_in_an_argument(keeper: Keeper) -> None:
    found = refusal(keeper, ["true", b"a\0b"])
    assert (found.stage, found.errno) == ("exec", errno.EINVAL)


def test_missing_directory(keeper: Keeper, tmp_path: Path) -> None:
    path = f"{tmp_path}/gone"
    found = refusal(keeper, ["true"], cwd=path)
    assert (found.stage, found.errno, found.detail) == ("directory", errno.ENOENT, path.encode())


def test_a_directory_that_is_a_file(keeper: Keeper) -> None:
    found = refusal(keeper, ["true"], cwd="/etc/passwd")
    assert (found.stage, found.errno) == ("directory", errno.ENOTDIR)


@pytest.mark.parametrize(
    "limit", [("nofile", 20, 10), ("nofile", 1 << 40, 1 << 40), ("nofile", 1 << 70, 1 << 70), ("nofile", -2, -2)]
)
def test_an_impossible_limit(keeper: Keeper, limit: tuple[str, int, int]) -> None:
    """Soft above hard; above fs.nr_open; not even a number of the kernel's."""
    found = refusal(keeper, ["true"], limits=[limit])
    assert (found.stage, found.detail) == ("limits", b"nofile")
    assert found.errno > 0


def test_a_folder_that_is_not_there(keeper: Keeper) -> None:
    found = refusal(keeper, ["true"], make=False)
    assert (found.stage, found.errno) == ("keeper", errno.ENOENT)


def start_many(keeper: Keeper) -> None:
    for number in range(20):
        keeper.start(f"r{number}", program("sleeper"))


@pytest.mark.parametrize("most", [17, 18, 19, 20])
def test_no_descriptor_left(dormant: Keeper, most: int) -> None:
    """Each limit fails at another of the descriptors that a start needs; the keeper says so and loses none."""
    dormant.launch(before=f"ulimit -n {most}")
    before = len(os.listdir(f"/proc/{dormant.pid}/fd"))
    with pytest.raises(Refused) as caught:
        start_many(dormant)
    assert (caught.value.stage, caught.value.errno) == ("keeper", errno.EMFILE)
    for number in range(len(dormant.link.ask("list"))):
        dormant.signal(f"r{number}", 15)
        assert dormant.link.event("exited", f"r{number}")[0].startswith(b"signal 15")
        dormant.release(f"r{number}")
    assert len(os.listdir(f"/proc/{dormant.pid}/fd")) == before
    dormant.start("last", program("sleeper"))


def test_a_failure_harms_no_other_run(keeper: Keeper) -> None:
    keeper.start("good", program("echo_stdin"))
    for number in range(20):
        with pytest.raises(Refused):
            keeper.start(f"r{number}", ["no-such-program"])
    keeper.signal("good", 15)
    assert keeper.link.event("exited", "good")[0].startswith(b"signal 15")
