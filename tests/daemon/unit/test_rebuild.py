"""A live run without a record, of whose process the system tells little."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOOKS = """if True:
    import ctypes, os, signal
    import psutil
    from persistproc_core.daemon.kernel.identity import identity_of
    from persistproc_core.daemon.rebuild import rebuild
    rebuild("me.1.0badcafe", "/nonexistent", identity_of(os.getpid()))  # loads what nobody may not read
    if not os.getuid():
        os.setgid(65534)
        os.setuid(65534)
    reader, writer = os.pipe()
    child = os.fork()  # not executed, for the same reason
    if not child:
        ctypes.CDLL(None).prctl(4, 0)  # PR_SET_DUMPABLE: it looks like another user's
        os.write(writer, b".")
        signal.pause()
    os.read(reader, 1)
    try:
        try:
            psutil.Process(child).cwd()
        except psutil.AccessDenied:
            print("denied", end=" ")
        name, run = rebuild("web.3.0badcafe", "/nonexistent", identity_of(child)) or ("nothing", None)
        print(name, run and (run.number, run.working_directory, run.pid == child))
    finally:
        os.kill(child, signal.SIGKILL)
        os.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl(2)")
def test_a_process_that_has_become_another_users_is_not_given_up() -> None:
    """As with sudo: the keeper holds it, and would let go of its output for ever."""
    done = subprocess.run([sys.executable, "-c", LOOKS], capture_output=True, encoding="utf-8", timeout=30, check=False)
    assert done.stdout == "denied web (3, '/', True)\n", done.stderr
