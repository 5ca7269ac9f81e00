"""Entry point: ``python -I -S .../keeper/__main__.py --fd N SOCKET HOLDER LOCK LOG``; only the daemon starts it.

``-I -S`` keeps site packages and the user's environment out, so this file finds its own folder by itself. A keeper that
upgrades itself executes it with ``--check`` or ``--table`` instead of ``--fd`` (see `upgrade`).
"""

import os
import signal
import sys

# Appended, never inserted: a package of the same name as a built-in module must not shadow it.
sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

_SECONDS = 10


def _give_up(number: int, frame: object) -> None:
    raise TimeoutError(f"it took longer than {_SECONDS} s")


def _go_back(error: BaseException) -> None:
    """Execute the program in whose place we should have come; what it holds is still open, and in the table.

    This knows nothing but the head of the table (see `table`): anything else of ours may be what is broken.
    """
    table = int(sys.argv[2])
    head = os.pread(table, 65536, 0)
    _, image, interpreter, program, _ = head.split(b"\0", 5)[:5]
    os.lseek(table, 0, os.SEEK_END)
    os.write(table, f"{type(error).__name__}: {error}".encode("utf-8", "backslashreplace"))
    if int(image) >= 0:
        os.lseek(int(image), 0, os.SEEK_SET)  # where /dev/fd makes copies, they share the position
        program = b"/dev/fd/" + image
    for python in (interpreter, os.fsencode(sys.executable)):
        try:
            os.execv(python, [python, b"-I", b"-S", program, b"--back", *map(os.fsencode, sys.argv[2:])])
        except OSError:
            pass


if __name__ == "__main__":
    taking_over = sys.argv[1] == "--table"
    try:
        if taking_over:
            signal.signal(signal.SIGALRM, _give_up)
            signal.alarm(_SECONDS)
        from persistproc_core.keeper.main import begin

        life = begin(sys.argv[1:])
    except BaseException as error:
        if taking_over:
            _go_back(error)
        raise
    sys.exit(life())
