"""``python -m tests.crash.warm.server SOCKET [MODULE]``: forks a daemon for each launcher that connects.

It ends when its standard input does.
"""

from __future__ import annotations

import gc
import importlib
import os
import select
import signal
import socket
import sys

_IMPORTED = (
    "persistproc_core.daemon.program",
    "persistproc_core.daemon.__main__",
    "persistproc_core.background",
    # What it imports when it runs.
    "argparse",
    "ctypes",
    "psutil",
    "trio",
    "anyio._backends._trio",
)
_LONGEST = 4 * 1024 * 1024
_MOST_FDS = 16


def serve(path: str, preparation: list[str]) -> None:
    """Wait, fork, wait."""
    gc.disable()
    prepare = [importlib.import_module(name).prepare for name in preparation]
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who were forked
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen(256)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    listener.close()
                    os._exit(_be_the_daemon(connection, prepare))


def _be_the_daemon(connection: socket.socket, prepare: list[object]) -> int:
    try:
        status = _run(connection, prepare)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        status = 1
    if connection.fileno() >= 0:
        connection.send(b"%d" % status)
    return status


def _run(connection: socket.socket, prepare: list[object]) -> int:
    message, received, _, _ = socket.recv_fds(connection, _LONGEST, _MOST_FDS)
    numbers, count, *rest = message.decode("utf-8", "surrogateescape").split("\0")
    _place(received, [int(number) for number in numbers.split()], connection)
    arguments, variables = rest[: int(count)], rest[int(count) :]
    os.environ.clear()
    os.environ.update(variable.partition("=")[::2] for variable in variables)
    os.chdir("/")
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)
    # The daemon itself is the child of the process that its starter waits for (--detach).
    os.register_at_fork(after_in_child=connection.close)
    gc.enable()
    for each in prepare:
        assert callable(each)
        each()
    from persistproc_core.daemon.__main__ import main

    return main(arguments)


def _place(received: list[int], wanted: list[int], connection: socket.socket) -> None:
    """Give the descriptors the numbers that the arguments name."""
    for fd, number in zip(received, wanted, strict=True):
        if connection.fileno() == number:
            raise OSError("the connection is in the way")
        if fd != number:
            os.dup2(fd, number)
            os.close(fd)
        os.set_inheritable(number, True)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2:])
