"""Ten shells each start the daemon of a fresh home: those that found the lock taken before its holder listened failed,
and so did the commands that had started them."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import as_completed

from persistproc_core.paths import Home
from tests.daemon.hub import in_thread
from tests.kit import RawConnection
from tests.kit.daemon import environment

COUNT = 10


def test_one_serves_and_the_others_say_so(home: Home) -> None:
    command = [sys.executable, "-m", "persistproc_core.daemon", "--home", home.path]
    nowhere = subprocess.DEVNULL
    started = [
        subprocess.Popen(command, env=environment(home), cwd="/", stdin=nowhere, stdout=nowhere, stderr=nowhere)
        for _ in range(COUNT)
    ]
    ended = as_completed([in_thread(process.wait) for process in started], timeout=40)
    try:
        assert [next(ended).result() for _ in range(COUNT - 1)] == [3] * (COUNT - 1)
        (serving,) = [process.pid for process in started if process.returncode is None]
        with RawConnection(home.socket) as connection:
            assert connection.hello["pid"] == serving
            connection.call("shutdown_daemon")
        assert next(ended).result() == 0
    finally:
        for process in started:
            if process.returncode is None:
                process.kill()
