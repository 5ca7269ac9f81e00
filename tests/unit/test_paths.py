"""The home: where it is, what it is safe against, and the length that a socket's path may have."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import persistproc_core
from persistproc_core.errors import UnsafeHome
from persistproc_core.paths import HOME_VARIABLE, MAX_SOCKET_PATH, Home, resolve_home

STRANGER = 4711
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root may give a folder away")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A private folder with a short path."""
    path = Path(tempfile.mkdtemp(prefix="pp-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def cleaned() -> Iterator[list[Home]]:
    """Homes whose sockets are removed afterwards: the stand-ins of long paths lie outside of the home."""
    homes: list[Home] = []
    yield homes
    for home in homes:
        for path in (home.socket, home.keeper_socket):
            if os.path.lexists(path):
                os.unlink(path)


def mode(path: str | Path) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode)


# --- which home -----------------------------------------------------------------------------------------------------


def test_what_is_given_comes_before_the_variable_and_that_before_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert resolve_home().path == "/home/me/.persistproc"
    monkeypatch.setenv(HOME_VARIABLE, "/one")
    assert resolve_home().path == "/one"
    assert resolve_home("/two").path == "/two"
    monkeypatch.setenv(HOME_VARIABLE, "")
    assert resolve_home().path == "/home/me/.persistproc"


def test_a_relative_or_tilde_path_becomes_an_absolute_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert resolve_home("x/../y").path == str(tmp_path / "y")
    assert resolve_home("~/z").path == "/home/me/z"


def test_without_HOME_the_password_database_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    assert os.path.isabs(resolve_home().path)


def test_an_empty_HOME_does_not_lead_to_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "")
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    with pytest.raises(UnsafeHome, match="cannot tell your home"):
        resolve_home()


def test_making_a_home_touches_nothing(folder: Path) -> None:
    home = Home(str(folder / "new"))
    home.check()
    assert home.socket
    assert os.listdir(folder) == []


# --- what it is safe against ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_all_folders_are_private_from_birth(folder: Path, umask: int) -> None:
    home = Home(str(folder / "deep" / "er"))
    before = os.umask(umask)
    try:
        home.ensure()
        home.ensure()
    finally:
        os.umask(before)

    home.check()
    assert [mode(path) for path in (home.path, home.runs, home.keeper)] == [0o700] * 3


@pytest.mark.parametrize("method", ["ensure", "check"])
@pytest.mark.parametrize("bits", [0o777, 0o770, 0o702])
def test_a_home_that_others_may_write_to_is_refused(folder: Path, bits: int, method: str) -> None:
    home = Home(str(folder))
    folder.chmod(bits)

    with pytest.raises(UnsafeHome, match="other users may write") as raised:
        getattr(home, method)()

    assert raised.value.hint == f"run: chmod 700 {folder}"
    assert os.listdir(folder) == []
    assert mode(folder) == bits


def test_a_home_that_others_may_read_is_theirs_to_decide(folder: Path) -> None:
    folder.chmod(0o755)
    Home(str(folder)).check()


@pytest.mark.parametrize("method", ["ensure", "check"])
def test_a_symbolic_link_is_refused(folder: Path, method: str) -> None:
    target, link = folder / "target", folder / "link"
    target.mkdir(0o700)
    link.symlink_to(target)

    with pytest.raises(UnsafeHome, match="is a symbolic link"):
        getattr(Home(str(link)), method)()

    assert os.listdir(target) == []


@pytest.mark.parametrize("method", ["ensure", "check"])
def test_a_dangling_link_and_a_file_are_refused(folder: Path, method: str) -> None:
    (folder / "link").symlink_to(folder / "nowhere")
    (folder / "file").touch()
    for name, what in (("link", "is a symbolic link"), ("file", "is not a folder")):
        with pytest.raises(UnsafeHome, match=what):
            getattr(Home(str(folder / name)), method)()
    assert not (folder / "nowhere").exists()


@as_root
@pytest.mark.parametrize("method", ["ensure", "check"])
def test_the_folder_of_somebody_else_is_refused(folder: Path, method: str) -> None:
    os.chown(folder, STRANGER, STRANGER)

    with pytest.raises(UnsafeHome, match=f"belongs to user {STRANGER}"):
        getattr(Home(str(folder)), method)()

    assert os.listdir(folder) == []


@pytest.mark.parametrize("inner", ["runs", "keeper"])
def test_a_link_inside_the_home_is_refused(folder: Path, inner: str) -> None:
    target = folder / "target"
    target.mkdir()
    (folder / inner).symlink_to(target)

    with pytest.raises(UnsafeHome, match="is a symbolic link"):
        Home(str(folder)).ensure()


def test_a_home_that_cannot_be_made_says_why(folder: Path) -> None:
    (folder / "file").touch()

    with pytest.raises(UnsafeHome, match="Not a directory"):
        Home(str(folder / "file" / "home")).ensure()


# --- the length of a socket's path ----------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [60, 95, 96, 101, 102, 103, 104, 107, 108, 150, 200])
def test_a_home_of_any_length_has_sockets_that_can_be_bound(folder: Path, cleaned: list[Home], length: int) -> None:
    home = Home(str(folder / ("h" * (length - len(str(folder)) - 1))))
    cleaned.append(home)
    assert len(home.path) == length

    home.ensure()

    home.check()
    for path in (home.socket, home.keeper_socket):
        assert len(os.fsencode(path)) <= MAX_SOCKET_PATH
        assert mode(os.path.dirname(path)) == 0o700
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path)
    inside = len(home.path) + len("/sock") <= MAX_SOCKET_PATH
    assert home.socket.startswith(home.path) == inside


def test_the_length_is_counted_in_bytes(folder: Path) -> None:
    home = Home(str(folder / ("ü" * 60)))
    assert len(home.path) < MAX_SOCKET_PATH
    assert not home.socket.startswith(home.path)


def test_the_stand_in_depends_on_nothing_but_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    long = "/home/me/" + "x" * 120
    seen = {Home(long).socket}
    for variable in ("TMPDIR", "XDG_RUNTIME_DIR", "TMP"):
        monkeypatch.setenv(variable, "/elsewhere")
        seen.add(Home(long).socket)

    assert len(seen) == 1
    assert len({Home(long).socket, Home(long).keeper_socket, Home(long + "y").socket}) == 3


@as_root
def test_the_stand_in_folder_of_somebody_else_is_refused_before_connecting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another user of the machine can make /tmp/persistproc-<our uid> before we do.
    monkeypatch.setattr(os, "getuid", lambda: STRANGER)
    home = Home(str(folder / ("h" * 120)))
    stand_in = Path(home.socket).parent
    stand_in.mkdir(0o700)  # by root, who is the stranger here
    try:
        with pytest.raises(UnsafeHome, match="belongs to user 0"):
            home.check()
    finally:
        stand_in.rmdir()


# --- no home ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["file/.persistproc", "missing/\N{SNOWMAN}"])
def test_a_home_that_cannot_be_made(folder: Path, where: str) -> None:
    (folder / "file").touch()
    path = folder / where if where.startswith("file") else Path("/proc/missing") / where
    with pytest.raises(UnsafeHome, match=rf"cannot (create|use) {path}") as raised:
        Home(str(path)).ensure()
    assert HOME_VARIABLE in raised.value.hint
    assert os.listdir(folder) == ["file"]


@pytest.mark.parametrize("home", ["", "/proc/missing", "/dev/null"])
def test_a_command_without_a_home_says_what_to_do(home: str) -> None:
    """As under ``env -i``, for a system account without a home, or where HOME is nonsense."""
    tree = str(Path(persistproc_core.__file__).parent.parent)
    variables = {"HOME": home, "PATH": os.environ["PATH"], "PYTHONPATH": tree}
    command = [sys.executable, "-m", "persistproc_cli", "start", "true"]
    ended = subprocess.run(
        command, env=variables, cwd="/", capture_output=True, timeout=30, check=False, encoding="utf-8"
    )
    assert ended.returncode == UnsafeHome.exit_code
    assert "cannot" in ended.stderr
    assert HOME_VARIABLE in ended.stderr
    assert "Traceback" not in ended.stderr
