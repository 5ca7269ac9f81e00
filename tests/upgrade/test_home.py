"""Files of the home are deleted in the middle of a replacement: one daemon makes them again, the one that serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemon.hub import Hub, in_thread
from tests.kit import eventually, program
from tests.upgrade.conftest import Replace
from tests.upgrade.copies import Copy
from tests.upgrade.test_versions import SAYS_READY

WAITS = """\
        while not os.path.exists({!r}):
            pass
        try:
            self._channel.send"""


def test_lock_and_socket(own: Hub, replace: Replace, tmp_path: Path) -> None:
    pid = own.start(program("sleeper"), name="p")["pid"]
    old, lock, go_on = own.daemon.pid, Path(own.daemon.home.lock), tmp_path / "go on"
    slow = Copy(tmp_path, "9.9.9")
    slow.put("persistproc_core/daemon/handover/taking.py", SAYS_READY, WAITS.format(str(go_on)))
    replacing = in_thread(lambda: replace(slow))
    eventually(lambda: lock.read_text("ascii") not in ("", f"{old}\n"), within=20, what="the new one has the lock")
    lock.unlink()
    Path(own.daemon.socket).unlink()
    # The old one still lives, and would shut out the new one by a lock of its own.
    with pytest.raises(TimeoutError):
        eventually(lock.exists, within=0.5)
    go_on.touch()
    new = replacing.result(30)["pid"]
    eventually(lambda: lock.exists() and lock.read_text("ascii") == f"{new}\n", what="the new one has the lock again")
    eventually(Path(own.daemon.socket).exists, what="its socket is there again")
    assert (own.status("p")["pid"], own.state("p")) == (pid, "running")
