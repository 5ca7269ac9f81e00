"""Which processes belong to a run."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest

from persistproc_core.daemon.kernel.identity import identity_of
from persistproc_core.daemon.kernel.process_table import MARKER, ProcessTable, environment_of, escaped, scan
from tests.kit import eventually, program, read_line, wait_gone

LINUX = sys.platform == "linux"
WAYS = [
    pytest.param(True, marks=pytest.mark.skipif(not LINUX, reason="no /proc"), id="proc"),
    pytest.param(False, id="psutil"),
]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


class Tree:
    """A leader in its own session, with grandchildren by kind."""

    def __init__(self, *command: str, marker: bool = True) -> None:
        self.run_id = f"web.1.{uuid.uuid4().hex[:8]}"
        environment = {**os.environ, **({MARKER: self.run_id} if marker else {})}
        self.leader = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True, env=environment)
        self.pids: dict[str, int] = {"leader": self.leader.pid}
        assert self.leader.stdout is not None
        while (line := read_line(self.leader.stdout)) != b"ready":
            kind, pid = line.decode().split()
            self.pids[kind] = int(pid)

    def members(self, table: ProcessTable, *, trust_session: bool = True) -> set[str]:
        names = {pid: kind for kind, pid in self.pids.items()}
        return {names[p.pid] for p in table.members(self.run_id, self.leader.pid, trust_session=trust_session)}

    def end(self) -> None:
        for pid in self.pids.values():
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                continue
        self.leader.wait()
        for pid in self.pids.values():
            wait_gone(pid)
        assert self.leader.stdout is not None
        self.leader.stdout.close()


@pytest.fixture
def trees() -> Iterator[list[Tree]]:
    trees: list[Tree] = []
    yield trees
    for tree in trees:
        tree.end()


def sh(script: str) -> tuple[str, str, str]:
    return "sh", "-c", script


BARE = sh("env -i sleep 60 & echo bare $!; echo ready; wait")


def test_a_whole_tree_is_found(trees: list[Tree], way: bool) -> None:
    tree = Tree(*program("spawn_tree", "plain", "background", "nohup", "setsid", "double"))
    trees.append(tree)
    everybody = {"leader", "plain", "background", "nohup", "setsid", "double"}

    table = scan(procfs_available=way)

    assert tree.members(table) == everybody
    assert tree.members(table, trust_session=False) == everybody


def test_those_that_left_the_session_are_told(trees: list[Tree], way: bool) -> None:
    tree = Tree(*program("spawn_tree", "plain", "setsid", "double"))
    trees.append(tree)
    members = scan(procfs_available=way).members(tree.run_id, tree.leader.pid, trust_session=True)

    assert {p.pid for p in escaped(members, tree.leader.pid)} == {tree.pids["setsid"], tree.pids["double"]}


def test_a_cleared_environment_is_found_by_the_session(trees: list[Tree], way: bool) -> None:
    tree = Tree(*BARE)
    trees.append(tree)
    eventually(lambda: environment_of(tree.pids["bare"]) == {})

    assert tree.members(scan(procfs_available=way)) == {"leader", "bare"}


def test_without_trust_the_number_alone_says_nothing(trees: list[Tree], way: bool) -> None:
    stranger = Tree(*BARE, marker=False)
    trees.append(stranger)

    table = scan(procfs_available=way)

    assert table.members("web.1.00000000", stranger.leader.pid, trust_session=False) == []
    assert stranger.members(table) == {"leader", "bare"}


def test_a_descendant_is_found_through_its_parents(trees: list[Tree], way: bool) -> None:
    """Neither in the session nor with the marker, but its parent is of the run."""
    code = (
        "import os, subprocess;"
        "child = subprocess.Popen(['sleep', '60'], env={}, start_new_session=True);"
        "print('hidden', child.pid); print('ready', flush=True); child.wait()"
    )
    tree = Tree(sys.executable, "-c", code)
    trees.append(tree)

    assert tree.members(scan(procfs_available=way), trust_session=False) == {"leader", "hidden"}


def test_a_zombie_is_no_member(trees: list[Tree], way: bool) -> None:
    tree = Tree(*sh("sleep 60 & echo member $!; echo ready; wait"))
    trees.append(tree)
    tree.leader.kill()
    wait_gone(tree.leader.pid)

    table = scan(procfs_available=way)

    assert table.processes[tree.leader.pid].state == "Z"
    assert tree.members(table) == {"member"}


def test_only_exactly_the_run_counts(trees: list[Tree], way: bool) -> None:
    tree = Tree(*BARE)
    trees.append(tree)
    table = scan(procfs_available=way)

    assert table.members(tree.run_id[:-1], None, trust_session=True) == []
    assert table.members(tree.run_id + "0", None, trust_session=True) == []
    assert table.members("", None, trust_session=True) == []


def test_we_ourselves_are_never_a_member(way: bool) -> None:
    table = scan(procfs_available=way)

    members = table.members("none", os.getsid(0), trust_session=True)
    members += table.members("none", os.getpgrp(), trust_session=True)
    members += table.members("none", 1, trust_session=True) + table.members("none", 0, trust_session=True)

    assert not {0, 1, os.getpid()} & {p.pid for p in members}


def test_a_keeper_started_inside_a_run_is_spared_with_its_children(trees: list[Tree], way: bool) -> None:
    tree = Tree(*program("spawn_tree", "plain", "setsid"))
    trees.append(tree)

    table = scan(never=[tree.leader.pid], procfs_available=way)

    assert tree.leader.pid not in {p.pid for p in table.members(tree.run_id, tree.leader.pid, trust_session=True)}


def test_other_users_processes_are_no_members(way: bool) -> None:
    assert all(
        os.getuid() in (0, p.uid)
        for p in scan(procfs_available=way).members("none", os.getsid(os.getppid()), trust_session=True)
    )


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_member_that_dropped_roots_rights_belongs_to_roots_run(trees: list[Tree], way: bool) -> None:
    code = (
        "import os, signal\n"
        "reader, writer = os.pipe()\n"
        "pid = os.fork()\n"
        "if pid: os.read(reader, 1); print('worker', pid); print('ready', flush=True); os.wait()\n"
        "else: os.setgid(65534); os.setuid(65534); os.write(writer, b'.'); signal.pause()\n"
    )
    tree = Tree(sys.executable, "-c", code)
    trees.append(tree)

    assert tree.members(scan(procfs_available=way)) == {"leader", "worker"}


@pytest.mark.skipif(os.getuid() != 0 or not LINUX, reason="only root can look as another user")
def test_an_unprivileged_user_misses_nobody_in_the_session(trees: list[Tree]) -> None:
    """Neither its own that may not be inspected, which look like root's, nor another user's (sudo): whoever cannot
    end one of them must say so. What is not its own it cannot read."""
    code = """if True:
        import ctypes, os, signal, sys
        from persistproc_core.daemon.kernel.process_table import environment_of, scan
        theirs = int(sys.argv[1])
        os.setgid(65534)
        os.setuid(65534)
        reader, writer = os.pipe()
        child = os.fork()  # not executed: nobody may not read every checkout and interpreter
        if not child:
            os.setsid()
            ctypes.CDLL(None).prctl(4, 0)  # PR_SET_DUMPABLE, as ssh-agent does
            os.write(writer, b".")
            signal.pause()
        os.read(reader, 1)
        table = scan()
        looks_like_roots = table.processes[child].uid == 0
        print([p.pid == child for p in table.members("none", child, trust_session=True)], looks_like_roots,
              theirs in [p.pid for p in table.members("none", theirs, trust_session=True)], environment_of(theirs),
              flush=True)
        os.kill(child, 9)
        os.wait()
    """
    theirs = Tree(*BARE)
    trees.append(theirs)

    done = subprocess.run([sys.executable, "-c", code, str(theirs.leader.pid)], capture_output=True, encoding="utf-8")

    assert (done.stdout, done.stderr) == ("[True] True True None\n", "")


def test_identities_of_members_are_those_of_the_processes(trees: list[Tree], way: bool) -> None:

    tree = Tree(*BARE)
    trees.append(tree)

    for member in scan(procfs_available=way).members(tree.run_id, tree.leader.pid, trust_session=True):
        assert member.identity == identity_of(member.pid)


def test_environments_are_read_once_for_all_questions(trees: list[Tree]) -> None:
    read: list[int] = []

    def marker(pid: int) -> str | None:
        read.append(pid)
        return (environment_of(pid) or {}).get(MARKER)

    tree = Tree(*BARE)
    trees.append(tree)
    table = ProcessTable(scan().processes.values(), read_marker=marker)

    assert tree.members(table) == tree.members(table) == {"leader", "bare"}
    assert len(read) == len(set(read))


@pytest.mark.skipif(not LINUX, reason="psutil does not tell an empty environment from none")
def test_one_without_any_environment_may_be_between_two_programs() -> None:
    """As every process is for an instant of execve(2): a stop that looked just then left it alive."""
    process = subprocess.Popen(["sleep", "60"], env={})
    try:
        identity = identity_of(process.pid)
        assert identity is not None
        table = scan()
        assert process.pid not in [pid for pids in table.markers.values() for pid in pids]
        assert table.blank_since(identity.start)
        process.kill()
        process.wait()
        table = scan()
        assert table.markers is not None
        assert not table.blank_since(identity.start)
    finally:
        process.kill()
        process.wait()


def test_an_environment_is_told(way: bool) -> None:
    variables = {"A": "1", "B": "", "C": "x=y\nz", "PATH": os.environ["PATH"], "D": "\udcff"}
    process = subprocess.Popen(["sleep", "60"], env=variables)
    try:
        # Popen returns while the kernel still makes the new program's memory: it has no environment for an instant.
        eventually(lambda: environment_of(process.pid, procfs_available=way))
        assert environment_of(process.pid, procfs_available=way) == variables
    finally:
        process.kill()
        process.wait()
    assert environment_of(process.pid, procfs_available=way) is None


@pytest.mark.skipif(not LINUX, reason="psutil reads every environment slowly elsewhere")
def test_a_look_is_quick() -> None:
    import time

    scan()
    begin = time.perf_counter()
    table = scan()
    table.members("none", None, trust_session=False)
    took = time.perf_counter() - begin

    assert took < 0.05 + 0.0005 * len(table.processes)
