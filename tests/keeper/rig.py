"""A keeper driven by hand: the test is its daemon, over the same socket pair and the same wire."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from persistproc_core.keeper import wire
from persistproc_core.keeper.wire import FrameReader, frame, pack
from persistproc_core.paths import Home
from tests.keeper.folder import Folder, Segment
from tests.kit import Guard
from tests.kit.guard import RUN_VARIABLE, TEST_VARIABLE

__all__ = ["Keeper", "Link", "Refused"]

PROGRAM = Path(wire.__file__).with_name("__main__.py")


class Refused(AssertionError):
    """The keeper answered ``failed``."""

    def __init__(self, stage: bytes, errno: bytes, detail: bytes) -> None:
        super().__init__(f"{stage!r} errno {errno!r} {detail!r}")
        self.stage = stage.decode()
        self.errno = int(errno)
        self.detail = detail


class Link:
    """A daemon's end: requests with answers, and the events that came meanwhile."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._reader = FrameReader()
        self._messages: list[list[bytes]] = []
        self._number = 0
        connection.settimeout(10)

    def connect(self, path: str) -> None:
        """Connect a new socket."""
        self._socket.connect(path)

    def send_bytes(self, data: bytes) -> None:
        """Bytes as they are."""
        self._socket.sendall(data)

    def send(self, verb: str, *fields: bytes) -> bytes:
        """A request; returns its id."""
        self._number += 1
        number = b"%d" % self._number
        self.send_bytes(frame(verb.encode(), number, *fields))
        return number

    def tell(self, verb: str, *fields: bytes) -> None:
        """A message without id and answer."""
        self.send_bytes(frame(verb.encode(), *fields))

    def ask(self, verb: str, *fields: bytes) -> list[bytes]:
        """A request and its answer. Raises `Refused`."""
        return self.answer(self.send(verb, *fields))

    def answer(self, number: bytes) -> list[bytes]:
        """The answer to a request that was sent. Raises `Refused`."""
        message = self._take(lambda message: message[0] in (b"ok", b"failed") and message[1] == number)
        if message[0] == b"failed":
            raise Refused(message[2], message[3], message[4])
        return message[2:]

    def event(self, kind: str, run_id: str, within: float = 10.0) -> list[bytes]:
        """The next event of that kind about a run, without its first two fields."""
        wanted = [kind.encode(), run_id.encode()]
        return self._take(lambda message: message[:2] == wanted, within)[2:]

    def events(self) -> list[list[bytes]]:
        """All events that have come until now: an answer to ``list`` is behind all that was sent before it."""
        number = self.send("list")
        self._take(lambda message: message[0] == b"ok" and message[1] == number)
        found, self._messages = self._messages, []
        return found

    def _take(self, fits: Callable[[list[bytes]], bool], within: float = 10.0) -> list[bytes]:
        deadline = time.monotonic() + within
        while True:
            for index, message in enumerate(self._messages):
                if fits(message):
                    return self._messages.pop(index)
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._socket], [], [], left)[0]:
                raise TimeoutError(f"the keeper is silent; so far it said {self._messages}")
            data = self._socket.recv(1 << 20)
            if not data:
                raise EOFError(f"the keeper closed the connection; so far it said {self._messages}")
            self._messages += self._reader.feed(data)

    def silence(self, seconds: float) -> None:
        """Let so much time pass in which nothing may come."""
        assert not select.select([self._socket], [], [], seconds)[0]

    def ended(self, within: float = 5.0) -> bool:
        """True when the keeper closes the connection in time; what it says before is kept."""
        try:
            self._take(lambda _: False, within)
        except (EOFError, ConnectionResetError):
            return True
        except TimeoutError:
            return False
        raise AssertionError("not reached")

    def close(self) -> None:
        """Hang up, as a daemon does that dies."""
        self._socket.close()


class Keeper:
    """One home with its keeper, and the runs in it."""

    def __init__(self, guard: Guard, home: Home) -> None:
        self.home = home
        self.root = ""
        """Put before a path of the keeper's to see it from here (another mount namespace)."""
        self.program = PROGRAM
        """What is launched."""
        self._guard = guard
        self._links: list[Link] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        os.makedirs(home.runs, exist_ok=True)
        os.makedirs(home.keeper, exist_ok=True)

    def paths(self) -> list[str]:
        """The last arguments of the keeper's command."""
        home = self.home
        return [home.keeper_socket, home.holder_socket, f"{home.keeper}/lock", f"{home.keeper}/log"]

    @property
    def pid(self) -> int:
        """The newest keeper's pid."""
        return self._processes[-1].pid

    @property
    def link(self) -> Link:
        """The newest connection."""
        return self._links[-1]

    def launch(self, wrapper: Sequence[str] = (), before: str = "") -> Link:
        """Start a keeper and greet it. ``wrapper`` stands before its command; the shell text ``before`` runs first."""
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-I", "-S", str(self.program), "--fd", str(theirs.fileno())]
        command += self.paths()
        if before:
            command = ["/bin/sh", "-c", f'{before}\nexec "$@"', "sh", *command]
        with theirs:
            self._processes.append(
                subprocess.Popen(
                    [*wrapper, *command],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    cwd="/",
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
            )
        self._links.append(Link(ours))
        self.link.ask("hello", b"1")
        return self.link

    def connect(self, *, greet: bool = True) -> Link:
        """Connect by the socket, as the next daemon does."""
        self._links.append(Link(socket.socket(socket.AF_UNIX)))
        self.link.connect(self.root + self.home.keeper_socket)
        if greet:
            self.link.ask("hello", b"1")
        return self.link

    def upgrade(self, program: Path) -> int:
        """Have it become that program; the version that it serves then. Raises `Refused`."""
        (version,) = self.link.answer(self.ask_to_upgrade(program))
        return int(version)

    def ask_to_upgrade(self, program: Path) -> bytes:
        """The same, without waiting for the answer; the id of the request."""
        return self.link.send("upgrade", os.fsencode(sys.executable), os.fsencode(program))

    def kill(self) -> None:
        """kill -9, and wait for it."""
        self._processes[-1].kill()
        self._processes[-1].wait()

    def wait(self, within: float = 5.0) -> int:
        """The exit code of the keeper when it ends by itself."""
        return self._processes[-1].wait(within)

    @property
    def is_alive(self) -> bool:
        """True while the keeper runs."""
        return self._processes[-1].poll() is None

    def log(self) -> str:
        """The keeper's own log; empty when it has had nothing to say."""
        path = Path(self.root + self.home.keeper, "log")
        return path.read_text("utf-8") if path.exists() else ""

    def folder(self, run_id: str) -> Folder:
        """The folder of a run."""
        return Folder(self.root + os.path.join(self.home.runs, run_id))

    def make_folder(self, run_id: str) -> bytes:
        """Make the folder of a run as the daemon does; its path as the keeper sees it."""
        os.mkdir(self.root + os.path.join(self.home.runs, run_id), 0o700)
        return os.fsencode(os.path.join(self.home.runs, run_id))

    def order(
        self,
        run_id: str,
        argv: Sequence[str | bytes],
        *,
        cwd: str = "/",
        environment: Mapping[str, str] | None = None,
        umask: int = 0o022,
        limits: Sequence[tuple[str, int, int]] = (),
        ignored: Sequence[int] = (),
        keep: int = 64 << 20,
        size: tuple[int, int] | None = None,
        make: bool = True,
    ) -> list[bytes]:
        """The fields of a ``start`` request; the run's folder is made."""
        directory = self.make_folder(run_id) if make else os.fsencode(os.path.join(self.home.runs, run_id))
        variables = {"PATH": os.environ["PATH"], TEST_VARIABLE: self._guard.token, RUN_VARIABLE: run_id}
        variables.update(environment or {})
        return [
            run_id.encode(),
            directory,
            os.fsencode(cwd),
            pack(map(os.fsencode, argv)),
            pack(os.fsencode(text) for pair in variables.items() for text in pair),
            b"%d" % umask,
            pack(str(field).encode() for limit in limits for field in limit),
            pack(b"%d" % number for number in ignored),
            b"%d" % keep,
            pack(b"%d" % number for number in size or ()),
        ]

    def start(self, run_id: str, argv: Sequence[str | bytes], **options: object) -> int:
        """Start a run; returns its pid when exec succeeded. Raises `Refused`."""
        pid, _ = self.link.ask("start", *self.order(run_id, argv, **options))  # type: ignore[arg-type]
        return int(pid)

    def run(self, run_id: str, argv: Sequence[str | bytes], **options: object) -> Folder:
        """Start a run and wait for its end; its folder."""
        self.start(run_id, argv, **options)
        self.link.event("exited", run_id)
        return self.folder(run_id)

    def write(self, run_id: str, data: bytes) -> None:
        """Write to the standard input of a run. Raises `OSError` when nobody has it open."""
        fd = os.open(self.folder(run_id).path / "stdin", os.O_WRONLY | os.O_NONBLOCK)
        with open(fd, "wb", buffering=0) as stdin:
            assert stdin.write(data) == len(data)

    def await_output(self, run_id: str, text: bytes, stream: str = "stdout") -> bytes:
        """All of a stream, once it holds the text. Raises `TimeoutError`."""
        folder = self.folder(run_id)
        while True:
            ends = {name: (folder.segments(name) or [Segment(0, b"")])[-1].end for name in ("stdout", "stderr")}
            data = b"".join(segment.data for segment in folder.segments(stream))
            if text in data:
                return data
            self.link.tell("watch", run_id.encode(), *(b"%d" % end for end in ends.values()))
            self.link.event("grew", run_id)

    def adopt(self, run_id: str, *, keep: int = 64 << 20, terminal: bool = False) -> None:
        """Have a run drained whose keeper died."""
        directory = os.fsencode(os.path.join(self.home.runs, run_id))
        self.link.ask("adopt", run_id.encode(), directory, b"%d" % keep, b"terminal" if terminal else b"")

    def release(self, run_id: str) -> None:
        """Have a run forgotten."""
        self.link.ask("release", run_id.encode())

    def signal(self, run_id: str, number: int, to: str = "group") -> bytes:
        """``sent`` or ``gone``."""
        return self.link.ask("signal", run_id.encode(), b"%d" % number, to.encode())[0]

    def tear_down(self) -> None:
        """End everything; what a test left running is ended by force."""
        for link in self._links:
            link.close()
        # First: a keeper whose holder is killed makes another one.
        for process in self._processes:
            process.send_signal(signal.SIGKILL)
            process.wait()
        self._guard.kill()
