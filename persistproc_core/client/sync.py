"""`Client`: the blocking client. Standard library only, and little of that: every command of the CLI pays for it."""

from __future__ import annotations

import os
import time
from _socket import MSG_DONTWAIT, MSG_PEEK

from .. import __version__
from ..errors import DaemonUnavailable, ShuttingDown
from ..framing import MAX_REPLY_BYTES, LineReader
from ..paths import resolve_home
from . import autostart as starting
from . import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Mapping
    from types import TracebackType
    from typing import cast

    from typing_extensions import Self, Unpack

    from .. import protocol
    from ..paths import Home
    from .subscription import Subscription
else:

    def cast(kind, value):  # typing takes as long to load as all of this
        return value


__all__ = ["Client", "Connection"]


class Client:
    """A blocking client of the persistproc daemon.

    ::

        with Client() as client:
            started = client.start_process(command="npm run dev")
            print(started["name"], started["pid"])

    Parameters, all by name:

    * ``home``: the folder of the daemon; ``$PERSISTPROC_HOME``, else ``~/.persistproc``.
    * ``autostart``: start the daemon when none runs (the default). Without it that is `DaemonUnavailable`.
    * ``name``, ``version``: who calls; kept with every run that is started or ended, and shown to everybody.
    * ``working_directory``: where names are looked up and commands run; the current directory at the time of each call.
    * ``timeout``: seconds that connecting, and starting the daemon, may take.
    * ``any_protocol``: also connect to a daemon of a version that this client does not understand. It can be asked for
      its status, to be replaced and to shut down; for anything else it is `VersionMismatch` then.

    **Errors.** Every failure is a `persistproc_core.errors.PersistprocError`, of the class that is declared for its
    code. When the connection is lost, calls that only read are made again on a new one; for any other call it is
    `DaemonUnavailable`, for it may have been done. A call that waits is given the time that it asks for. When a daemon
    is replaced by another one, calls that it has not begun are made again; what it had begun, it ends before.

    **Threads and forks.** One client may be used by any number of threads: each call under way has a connection of its
    own, and idle ones are used again. After a fork the child opens connections of its own. `close` closes the idle
    connections; call it when no call is under way.
    """

    def __init__(
        self,
        *,
        home: str | None = None,
        autostart: bool = True,
        name: str = wire.DEFAULT_NAME,
        version: str = __version__,
        working_directory: str | None = None,
        timeout: float = wire.DEFAULT_TIMEOUT,
        any_protocol: bool = False,
    ) -> None:
        self._home = resolve_home(home)
        self._any_protocol = any_protocol
        self._autostart = autostart
        self._timeout = timeout
        self._caller = wire.Caller(name, version, working_directory)
        # list.append and list.pop are atomic, so this needs no lock.
        self._idle: list[Connection] = []
        self._hello: protocol.Hello | None = None

    def __repr__(self) -> str:
        return f"Client(home={self._home.path!r})"

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def hello(self) -> protocol.Hello:
        """What the daemon said on the newest connection: protocol, version, pid, instance. Connects if need be."""
        return self._hello or self.connect()

    def connect(self) -> protocol.Hello:
        """Connect now rather than at the first call; starts the daemon where that is allowed."""
        connection = self._take_idle() or self._open()
        self._idle.append(connection)
        return connection.hello

    def close(self) -> None:
        """Close the idle connections. The client may be used again; it then connects anew."""
        connection = self._pop_idle()
        while connection is not None:
            connection.close()
            connection = self._pop_idle()

    def call(self, method: str, params: Mapping[str, object] | None = None) -> object:
        """Call a method by its name and return its result; what the typed methods are made of.

        ``client`` and ``working_directory`` are filled in when the method takes them and ``params`` has none.
        """
        wire.check_callable(method)
        first = dict(params or {}) if self._any_protocol else self._caller.fill(method, params)
        begun = time.monotonic()
        wanted, tries = first, wire.Tries(method)
        connection = self._take_idle() or self._open()
        while True:
            try:
                return self._request(connection, method, wanted)
            except (wire.Lost, ShuttingDown) as failure:
                tries.check(failure)
            wanted = wire.asked_again(method, first, time.monotonic() - begun)
            connection = self._open()

    def _request(self, connection: Connection, method: str, params: dict[str, object]) -> object:
        try:
            if method not in wire.OF_ANY_PROTOCOL:
                wire.check_protocol(connection.hello)
            reply = connection.request(method, params)
        except BaseException:
            # Also Ctrl-C: the reply is still to come, and must not be read as that of the next call.
            connection.close()
            raise
        if reply.get("id") is None:
            connection.close()
        else:
            self._idle.append(connection)
        if method in ("shutdown_daemon", "replace_daemon") and "result" in reply:
            # They end with it, and until then they look as if they could be used.
            self.close()
        return wire.result_of(reply)

    def _take_idle(self) -> Connection | None:
        connection = self._pop_idle()
        while connection is not None and not connection.usable():
            connection.close()
            connection = self._pop_idle()
        return connection

    def _pop_idle(self) -> Connection | None:
        try:
            return self._idle.pop()
        except IndexError:  # asking first whether there is one would be a race with another thread
            return None

    def _open(self) -> Connection:
        deadline = time.monotonic() + self._timeout
        self._home.check()
        launched = 0
        while True:
            try:
                connection = _connect(self._home, deadline, any_protocol=self._any_protocol)
            except (*starting.NOBODY_ANSWERS, wire.Lost):
                # Lost: it ended between our connect and its hello, or is about to.
                if not self._autostart:
                    if launched or not starting.wake_daemon(self._home, deadline):
                        raise starting.not_running(self._home) from None
                    launched += 1
                    continue
                if launched > 1 or time.monotonic() >= deadline:
                    raise starting.keeps_ending(self._home) from None
            else:
                self._hello = connection.hello
                return connection
            if starting.ensure_daemon(self._home, deadline):
                launched += 1
            else:
                time.sleep(starting.PAUSE)

    # --- the methods of the protocol ------------------------------------------------------------------------------

    def start_process(self, **params: Unpack[protocol.StartProcessParams]) -> protocol.StartReply:
        """Start a process, or join the one that already runs (``already_running`` tells)."""
        return cast("protocol.StartReply", self.call("start_process", params))

    def stop_process(self, **params: Unpack[protocol.StopProcessParams]) -> protocol.StopReply:
        """Stop a process and everything it started; returns when nothing of it is left."""
        return cast("protocol.StopReply", self.call("stop_process", params))

    def restart_process(self, **params: Unpack[protocol.RestartProcessParams]) -> protocol.RestartReply:
        """Start a new run after the old one is gone; works on ended processes as well."""
        return cast("protocol.RestartReply", self.call("restart_process", params))

    def list_processes(self, **params: Unpack[protocol.ListProcessesParams]) -> protocol.ListReply:
        """List processes, live and ended."""
        return cast("protocol.ListReply", self.call("list_processes", params))

    def get_process_status(self, **params: Unpack[protocol.GetProcessStatusParams]) -> protocol.StatusReply:
        """Tell all about one process."""
        return cast("protocol.StatusReply", self.call("get_process_status", params))

    def get_process_output(self, **params: Unpack[protocol.GetProcessOutputParams]) -> protocol.OutputReply:
        """Read what a run printed. For ``format="raw"``, `persistproc_core.client.piece_bytes` gives the bytes."""
        return cast("protocol.OutputReply", self.call("get_process_output", params))

    def get_process_log_paths(self, **params: Unpack[protocol.TargetParams]) -> protocol.LogPathsReply:
        """Tell where a run's output lies."""
        return cast("protocol.LogPathsReply", self.call("get_process_log_paths", params))

    def wait_for_process(self, **params: Unpack[protocol.WaitForProcessParams]) -> protocol.WaitReply:
        """Wait until a run ends, prints a line or listens on a port.

        Raises `WaitTimedOut` after ``timeout_seconds`` (60 unless given), `WaitFailed` when it can no longer happen.
        """
        return cast("protocol.WaitReply", self.call("wait_for_process", params))

    def send_process_input(self, **params: Unpack[protocol.SendProcessInputParams]) -> protocol.InputReply:
        """Write to the standard input of a run."""
        return cast("protocol.InputReply", self.call("send_process_input", params))

    def signal_process(self, **params: Unpack[protocol.SignalProcessParams]) -> protocol.ProcessInfo:
        """Send a signal to a run."""
        return cast("protocol.ProcessInfo", self.call("signal_process", params))

    def protect_process(self, **params: Unpack[protocol.ProtectProcessParams]) -> protocol.ProcessInfo:
        """Protect a process from what others do to it, or no longer (``protected=False``)."""
        return cast("protocol.ProcessInfo", self.call("protect_process", params))

    def configure_process(self, **params: Unpack[protocol.ConfigureProcessParams]) -> protocol.ProcessInfo:
        """Change what persistproc does with a process by itself."""
        return cast("protocol.ProcessInfo", self.call("configure_process", params))

    def replace_daemon(self, **params: Unpack[protocol.ReplaceDaemonParams]) -> protocol.ReplaceReply:
        """Replace the daemon; processes go on. Raises `ReplaceFailed`: the old one goes on."""
        return cast("protocol.ReplaceReply", self.call("replace_daemon", params))

    def remove_process(self, **params: Unpack[protocol.ActParams]) -> protocol.RemoveReply:
        """Forget an ended process and delete its output."""
        return cast("protocol.RemoveReply", self.call("remove_process", params))

    def set_mark(self, **params: Unpack[protocol.SetMarkParams]) -> protocol.MarkInfo:
        """Name the present end of all logs of a project."""
        return cast("protocol.MarkInfo", self.call("set_mark", params))

    def list_marks(self, **params: Unpack[protocol.CallerParams]) -> protocol.MarksReply:
        """List the marks of a project."""
        return cast("protocol.MarksReply", self.call("list_marks", params))

    def resize_terminal(self, **params: Unpack[protocol.ResizeTerminalParams]) -> protocol.ProcessInfo:
        """Tell a run the size of its terminal."""
        return cast("protocol.ProcessInfo", self.call("resize_terminal", params))

    def capture_process(self, **params: Unpack[protocol.CaptureProcessParams]) -> protocol.CaptureReply:
        """Put output of our own into the hub: write it to the FIFO that the reply names."""
        return cast("protocol.CaptureReply", self.call("capture_process", params))

    def get_project(self, **params: Unpack[protocol.GetProjectParams]) -> protocol.ProjectReply:
        """Tell what the project's file says, and what of it runs."""
        return cast("protocol.ProjectReply", self.call("get_project", params))

    def start_project(self, **params: Unpack[protocol.StartProjectParams]) -> protocol.StartProjectReply:
        """Bring the processes of the project's file up; ``ready`` and the results tell what became of them."""
        return cast("protocol.StartProjectReply", self.call("start_project", params))

    def stop_project(self, **params: Unpack[protocol.StopProjectParams]) -> protocol.StopProjectReply:
        """Stop the project's processes, each after those that need it."""
        return cast("protocol.StopProjectReply", self.call("stop_project", params))

    def get_port(self, **params: Unpack[protocol.GetPortParams]) -> protocol.PortReply:
        """Tell who listens on a TCP port."""
        return cast("protocol.PortReply", self.call("get_port", params))

    def adopt_process(self, **params: Unpack[protocol.AdoptProcessParams]) -> protocol.ProcessInfo:
        """Take a server that was started outside of persistproc into the list."""
        return cast("protocol.ProcessInfo", self.call("adopt_process", params))

    def prune_processes(self, **params: Unpack[protocol.PruneProcessesParams]) -> protocol.PruneReply:
        """Forget ended processes and delete their output."""
        return cast("protocol.PruneReply", self.call("prune_processes", params))

    def get_news(self, **params: Unpack[protocol.GetNewsParams]) -> protocol.NewsReply:
        """Tell what others did, and what happened, since this client last asked; the first time there is nothing."""
        return cast("protocol.NewsReply", self.call("get_news", params))

    def get_daemon_status(self) -> protocol.DaemonStatus:
        """Tell about the daemon."""
        return cast("protocol.DaemonStatus", self.call("get_daemon_status"))

    def shutdown_daemon(self, **params: Unpack[protocol.ShutdownDaemonParams]) -> protocol.ShutdownReply:
        """End the daemon; its processes go on unless ``stop_processes`` is true."""
        return cast("protocol.ShutdownReply", self.call("shutdown_daemon", params))

    # --- subscriptions --------------------------------------------------------------------------------------------

    def follow_process_output(
        self, **params: Unpack[protocol.FollowProcessOutputParams]
    ) -> Subscription[protocol.FollowReply]:
        """Subscribe to what processes print, over all their runs. Close what is returned."""
        return cast("Subscription[protocol.FollowReply]", self._subscribe("follow_process_output", params))

    def watch_processes(self, **params: Unpack[protocol.WatchProcessesParams]) -> Subscription[protocol.WatchReply]:
        """Subscribe to what happens to processes. Close what is returned."""
        return cast("Subscription[protocol.WatchReply]", self._subscribe("watch_processes", params))

    def _subscribe(self, method: str, params: Mapping[str, object]) -> object:
        from .subscription import Subscription

        return Subscription(
            method,
            self._caller.fill(method, params),
            home=self._home,
            first=self._open(),
            connect=lambda deadline: _connect(self._home, deadline),
            autostart=self._autostart,
            timeout=self._timeout,
        )

    def discover(self) -> dict[str, object]:
        """The OpenRPC document of the interface (``rpc.discover``)."""
        return cast("dict[str, object]", self.call("rpc.discover"))


class Connection:
    """One connection, with at most one request under way."""

    def __init__(self, sock: socket) -> None:
        self._sock = sock
        self._lines = LineReader(MAX_REPLY_BYTES)
        self._requests = 0
        self._pid = os.getpid()
        self.hello: protocol.Hello

    def greet(self, deadline: float) -> None:
        """Read the hello."""
        self.hello = wire.hello_in(self._next_line(deadline, sent=False))

    def close(self) -> None:
        """Close it."""
        self._sock.close()

    def fileno(self) -> int:
        """Its descriptor."""
        return self._sock.fileno()

    def message(self, deadline: float | None) -> object:
        """The next line as JSON; None when none has come by the deadline. Raises `wire.Lost` when the connection ends.

        What is there is taken also when the deadline is over.
        """
        while True:
            line = self._lines.next_line()
            if line is not None:
                return wire.message_in(line)
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            try:
                self._sock.settimeout(left)
                data = self._sock.recv(65536)
            except (TimeoutError, BlockingIOError):
                return None
            except OSError:
                raise wire.Lost(sent=True) from None
            if not data:
                raise wire.Lost(sent=True)
            self._lines.feed(data)

    def usable(self) -> bool:
        """False after a fork (both sides would read each other's replies), and when the daemon has closed it.

        Asked before each use: a request on a connection that a daemon closed long ago, idle or gone, would be
        reported as possibly done.
        """
        if os.getpid() != self._pid:
            return False
        try:
            self._sock.settimeout(0)
            return self._sock.recv(1, MSG_PEEK | MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def request(self, method: str, params: dict[str, object]) -> dict[str, object]:
        """The reply to a request, be it a result or an error. Raises `wire.Lost` when the connection ends."""
        self._requests += 1
        line = wire.request_line(self._requests, method, params)
        seconds = wire.reply_seconds(method, params)
        deadline = time.monotonic() + seconds
        try:
            self._send(line, seconds)
            while True:
                reply = wire.reply_in(self._next_line(deadline, sent=True), self._requests)
                if reply is not None:
                    return reply
        except TimeoutError:
            raise wire.late_error(method, seconds) from None

    def _send(self, line: bytes, seconds: float) -> None:
        self._sock.settimeout(seconds)
        try:
            self._sock.sendall(line)
        except TimeoutError:
            raise
        except OSError:
            # The newline is the last byte and was not taken, so the daemon never had a request to act on.
            raise wire.Lost(sent=False) from None

    def _next_line(self, deadline: float, *, sent: bool) -> bytes:
        while True:
            line = self._lines.next_line()
            if line is not None:
                return line
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._sock.settimeout(left)
            try:
                data = self._sock.recv(65536)
            except TimeoutError:
                raise
            except OSError:
                raise wire.Lost(sent=sent) from None
            if not data:
                raise wire.Lost(sent=sent)
            self._lines.feed(data)


def _connect(home: Home, deadline: float, *, any_protocol: bool = False) -> Connection:
    connection = Connection(starting.connect(home.socket, deadline))
    try:
        connection.greet(deadline)
        if not any_protocol:
            wire.check_protocol(connection.hello)
    except BaseException as error:
        connection.close()
        if isinstance(error, TimeoutError):
            raise DaemonUnavailable("the daemon does not answer", hint="run: persistproc doctor") from None
        raise
    return connection
