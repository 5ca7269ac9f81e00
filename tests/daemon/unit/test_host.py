"""A home on a network file system belongs to one computer at a time; on a local one a host name means nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from persistproc_core.daemon.home.host import claim, give_up
from persistproc_core.daemon.kernel.identity import boot_id
from persistproc_core.errors import UnsafeHome
from persistproc_core.host import Host, this_host
from persistproc_core.paths import Home

HERE = Host("desk", "aaaa", "boot-1")
THERE = Host("lab", "bbbb", "boot-2")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a blank in its path, as in mountinfo."""
    home = Home(str(tmp_path / "my home" / "pp"))
    home.ensure()
    return home


def mounts(home: Home, kind: str) -> str:
    """A table of mounts in which the home's parent has that type."""
    parent = os.path.dirname(os.path.realpath(home.path))
    path = Path(home.path).parent / "mountinfo"
    lines = [
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
        f"40 22 0:50 / {parent.replace(' ', chr(92) + '040')} rw shared:7 master:2 - {kind} server:/export rw,vers=4.2",
        "41 22 0:51 / /elsewhere rw - tmpfs tmpfs rw",
        "torn",
    ]
    path.write_text("\n".join(lines), "utf-8")
    return str(path)


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_another_computer_is_refused(home: Home, kind: str) -> None:
    table = mounts(home, kind)
    claim(home, HERE, table)
    note = (Path(home.path) / "host").read_bytes()
    with pytest.raises(UnsafeHome, match=f"network file system \\({kind}\\).* on another computer, desk") as raised:
        claim(home, THERE, table)
    assert "PERSISTPROC_HOME" in raised.value.hint
    assert (Path(home.path) / "host").read_bytes() == note
    claim(home, HERE, table)
    give_up(home)
    claim(home, THERE, table)


def test_a_reboot_or_a_new_name_is_the_same_computer(home: Home) -> None:
    table = mounts(home, "nfs")
    claim(home, HERE, table)
    claim(home, Host("desk", "aaaa", "boot-7"), table)
    claim(home, Host("renamed", "aaaa", "boot-8"), table)
    claim(home, Host("a-container-of-it", "cccc", "boot-8"), table)
    with pytest.raises(UnsafeHome):
        claim(home, Host("renamed", "dddd", "boot-9"), table)


def test_without_a_machine_id_the_name_counts() -> None:
    assert Host("desk", "", "1").is_same(Host("desk", "aaaa", "2"))
    assert not Host("desk", "", "1").is_same(Host("lab", "aaaa", "2"))
    assert this_host(boot_id()).is_same(this_host(boot_id()))


@pytest.mark.parametrize("kind", ["ext4", "9p", "virtiofs", "overlay"])
def test_a_local_home_is_taken_over_quietly(home: Home, kind: str) -> None:
    """A container has a new name each time it is made."""
    table = mounts(home, kind)
    claim(home, HERE, table)
    claim(home, THERE, table)
    assert not (Path(home.path) / "host").exists()


def test_where_nobody_tells_the_file_system(home: Home) -> None:
    claim(home, HERE, str(Path(home.path) / "missing"))
    claim(home, THERE, str(Path(home.path) / "missing"))


@pytest.mark.parametrize("content", ["", "{", "[]", "[1,2,3]", '["a","b"]', "null", "[" * 5000])
def test_what_we_did_not_write_is_no_note(home: Home, content: str) -> None:
    (Path(home.path) / "host").write_text(content, "utf-8")
    claim(home, HERE, mounts(home, "nfs4"))
    with pytest.raises(UnsafeHome):
        claim(home, THERE, mounts(home, "nfs4"))


def test_a_file_that_is_no_note_stays(home: Home) -> None:
    """A local home has no note; in the place of the home there may be a link to a folder of somebody's own."""
    path = Path(home.path) / "host"
    path.write_text("db.example.org\n", "utf-8")
    give_up(home)
    assert path.read_text("utf-8") == "db.example.org\n"
