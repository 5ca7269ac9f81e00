"""A live keeper and frames that are nearly requests: one answer each or a closed link, and its children live on."""

from __future__ import annotations

import os
import random
import select
import signal
import socket
from collections import Counter
from contextlib import ExitStack

import psutil

from persistproc_core.keeper.wire import FrameReader, frame, pack
from tests.fuzz.live import Memory
from tests.fuzz.target import LiveTarget
from tests.keeper.rig import Keeper
from tests.kit import Guard, program

__all__ = ["KeeperSocket"]

_AT_ONCE = 64
_WARM_UP = 20
_PATIENCE = 10.0
_LAST = b"the last one"
_VICTIM = "victim.1.aa"
_JUNK = [
    *(b"", b"0", b"1", b"-1", b"7", b"x", b"\xff", b"a\0b", b"9" * 30, b"9" * 5000, b"1.5", b" 1", b"0x10", b"NaN"),
    *(b"group", b"leader", b"terminal", b"\0\0\0\1", b"\xff\xff\xff\xff", b"x" * 70_000, pack([b"a", b"b"])),
    *(pack([b"70000", b"70000"]), pack([b"24"]), pack([b"nofile", b"1", b"x"]), pack([b""] * 50), b"_start"),
]
_ARGUMENTS = [b"", b"\0\0\0\1", pack([b""]), pack([b"/nonexistent/program", b"x"] * 20)]
_PROGRAMS = [b"/nonexistent", b"/dev/null", b"", b"relative", b"/bin/false", b"a\0b"]
_NUMBERS = [b"0", b"1", b"65536", b"-1", b"99999999999999999999", b"", b"x", b"9" * 5000, b"70000"]


class KeeperSocket(LiveTarget):
    """One case is all that one link sends: no hello, so that no other link is dropped."""

    name = "keeper"
    cases = 100_000
    most_seconds = 30.0

    def _begin(self, stack: ExitStack) -> None:
        guard = Guard()
        stack.callback(guard.clean_up)
        self._keeper = Keeper(guard, guard.new_home())
        stack.callback(self._keeper.tear_down)
        self._keeper.launch()
        self._pid = self._keeper.start(_VICTIM, program("tell_signals"))
        self._keeper.await_output(_VICTIM, b"ready\n")
        self._folder = self._keeper.make_folder("run.1.aa")
        self._order = self._keeper.order("run.1.aa", ["/nonexistent"], make=False)
        self._memory = Memory(self._keeper.pid)
        self._links = 0

    def make(self, chance: random.Random) -> bytes:
        return b"".join(self._frame(chance) for _ in range(_AT_ONCE)) + _end(chance)

    def _frame(self, chance: random.Random) -> bytes:
        kinds = {
            b"list": [],
            b"signal": [[b"nobody"], _NUMBERS, [b"group", b"leader", b""], _NUMBERS],
            b"resize": [[_VICTIM.encode(), b"nobody"], _NUMBERS, _NUMBERS],
            b"blocked": [_NUMBERS, [b"1", b"%d" % self._pid]],
            b"drain": [[_VICTIM.encode(), b"nobody"]],
            b"release": [[b"nobody"]],
            b"watch": [[_VICTIM.encode(), b"nobody"], _NUMBERS],
            b"start": [],
            b"adopt": [[b"run.2.aa"], [b"/nonexistent/there"], _NUMBERS, [b"", b"terminal"], _NUMBERS],
            b"nothing": [_JUNK],
        }
        if chance.randrange(500) == 0:
            return frame(b"upgrade", b"up", chance.choice(_PROGRAMS), chance.choice(_PROGRAMS))
        verb = chance.choice([*kinds])
        fields = [chance.choice(choices) for choices in kinds[verb]] if verb != b"start" else self._start(chance)
        if verb not in (b"start", b"adopt", b"signal"):
            for _ in range(chance.choice((0, 0, 0, 1, 2))):
                _spoil(fields, chance)
        elif chance.randrange(4) == 0:
            fields = fields[: chance.randrange(len(fields) + 1)]
        return frame(verb, chance.choice((b"1", b"", b"x" * 100, b"%d" % chance.randrange(10**9))), *fields)

    def _start(self, chance: random.Random) -> list[bytes]:
        """Nearly right, of a program that is not there, and never outside of the keeper's own home."""
        fields = list(self._order)
        fields[1] = chance.choice((b"/nonexistent/there", self._folder))
        for _ in range(chance.choice((0, 1, 1, 2))):
            place = chance.randrange(2, len(fields))
            # No argument list by chance: some of them might be there.
            fields[place] = chance.choice(_ARGUMENTS if place == 3 else _NUMBERS if place in (5, 8) else _JUNK)
        return fields

    def check(self, case: bytes) -> int:
        expected, broken = _expected(case)
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(self._keeper.home.keeper_socket)
            answer = _answered(link, case, sum(expected.values()), broken=broken)
        told = Counter(fields[1] for fields in answer)
        # What is still to be sent to a link that is closed for rubbish is lost with it.
        assert told <= expected if broken else told == expected, (expected - told, told - expected)
        self._links += 1
        if self._links == _WARM_UP:
            self._memory.begin()
        if self._links % 100 == 0:
            self._check_victim()
        return sum(expected.values())

    def _check_victim(self) -> None:
        assert psutil.Process(self._pid).status() != psutil.STATUS_ZOMBIE
        segments = self._keeper.folder(_VICTIM).segments("stdout")
        assert b"".join(segment.data for segment in segments) == b"ready\n", segments
        assert self._keeper.is_alive

    def facts(self) -> list[str]:
        self._check_victim()
        log = [line for line in self._keeper.log().splitlines() if not line.startswith("not upgraded to ")]
        assert not log, log
        # It still does what it is for.
        assert self._keeper.signal(_VICTIM, signal.SIGTERM) == b"sent"
        assert self._keeper.link.event("exited", _VICTIM)[0].startswith(b"exit 0 ")
        assert not os.path.exists("/stdin")
        return [self._memory.check()]


def _spoil(fields: list[bytes], chance: random.Random) -> None:
    kind = chance.randrange(3)
    if kind == 0 and fields:
        del fields[chance.randrange(len(fields))]
    elif kind == 1:
        fields.insert(chance.randrange(len(fields) + 1), chance.choice(_JUNK))
    elif fields:
        fields[chance.randrange(len(fields))] = chance.choice(_JUNK)


def _end(chance: random.Random) -> bytes:
    """Mostly nothing; else what no keeper can go on after."""
    if chance.randrange(10):
        return b""
    return chance.choice(
        (frame(b"list"), frame(), b"\xff" * 40, ((64 << 20) + 1).to_bytes(4, "big"), b"\0\0\0\5\0\0\0\7a")
    )


def _expected(case: bytes) -> tuple[Counter[bytes], bool]:
    """The ids that are to be answered, and whether the keeper hangs up then by itself."""
    expected: Counter[bytes] = Counter()
    try:
        for fields in FrameReader().feed(case):
            if len(fields) < 2:
                return expected, True
            if fields[0] != b"watch":
                expected[fields[1]] += 1
    except ValueError:
        return expected, True
    return expected, False


def _answered(link: socket.socket, case: bytes, count: int, *, broken: bool) -> list[list[bytes]]:
    """All that comes back: until so many answers and one to a last request, or until the keeper hangs up on rubbish."""
    link.setblocking(False)
    poll = select.poll()
    poll.register(link, select.POLLIN | select.POLLOUT)
    left = memoryview(case if broken else case + frame(b"list", _LAST))
    reader, found = FrameReader(), list[list[bytes]]()
    while poll.poll(_PATIENCE * 1000):
        try:
            data = link.recv(1 << 18)
            found += reader.feed(data)
        except BlockingIOError:
            data = b" "
        except ConnectionResetError:
            data = b""
        if not data:
            assert broken, "the keeper hung up"
            return [fields for fields in found if fields[0] in (b"ok", b"failed")]
        answers = [fields for fields in found if fields[0] in (b"ok", b"failed")]
        last = [fields for fields in answers if fields[1] == _LAST]
        if last and len(answers) > count:
            return [fields for fields in answers if fields is not last[0]]
        left = _sent(link, left)
        if not left:
            poll.modify(link, select.POLLIN)
    raise TimeoutError(f"the keeper is silent; it has answered {len(found)} times")


def _sent(link: socket.socket, left: memoryview) -> memoryview:
    try:
        return left[link.send(left[: 1 << 16]) :] if left else left
    except BlockingIOError:
        return left
    except (BrokenPipeError, ConnectionResetError):
        return left[:0]
