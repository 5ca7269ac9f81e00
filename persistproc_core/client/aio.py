"""`AsyncClient`: the client for anyio programs, on asyncio and trio."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, TypeVar, cast

import anyio
import anyio.lowlevel
import anyio.to_thread

from .. import __version__
from ..errors import DaemonUnavailable, PersistprocError, ShuttingDown
from ..framing import MAX_REPLY_BYTES, LineReader
from ..paths import Home, resolve_home
from . import autostart as starting
from . import wire
from .async_subscription import AsyncSubscription

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from .. import protocol

__all__ = ["AsyncClient", "Connection"]

T = TypeVar("T")

_MOST_IDLE = 16
"""Connections that are kept for the next calls."""


class AsyncClient:
    """`persistproc_core.client.Client` for anyio: the same parameters, methods and errors, awaited.

    ::

        async with AsyncClient() as client:
            started = await client.start_process(command="npm run dev")
            print(started["name"], started["pid"])

    **Tasks and threads.** Any number of tasks of one event loop may use a client at once: each call under way has a
    connection of its own, and idle ones are used again. It belongs to the loop it was first used in. A cancelled call
    closes its connection; what the call asked for may still be done.

    With ``speaks_for_others`` nothing is filled in: each call says itself who calls and from where.
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
        speaks_for_others: bool = False,
        any_protocol: bool = False,
    ) -> None:
        self._home = resolve_home(home)
        self._any_protocol = any_protocol
        self._autostart = autostart
        self._timeout = timeout
        self._caller = wire.Silent() if speaks_for_others else wire.Caller(name, version, working_directory)
        self._idle: list[Connection] = []
        self._hello: protocol.Hello | None = None

    def __repr__(self) -> str:
        return f"AsyncClient(home={self._home.path!r})"

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def hello(self) -> protocol.Hello:
        """What the daemon said on the newest connection: protocol, version, pid, instance.

        Raises `DaemonUnavailable` before the first connection: see `connect`.
        """
        if self._hello is None:
            raise DaemonUnavailable("this client has not connected yet", hint="use it in an async with statement")
        return self._hello

    async def connect(self) -> protocol.Hello:
        """Connect now rather than at the first call; starts the daemon where that is allowed."""
        await anyio.lowlevel.checkpoint()
        connection = self._take_idle() or await self._open()
        self._keep(connection)
        return connection.hello

    async def aclose(self) -> None:
        """Close the idle connections. The client may be used again; it then connects anew."""
        self._drop_idle()
        await anyio.lowlevel.checkpoint()

    async def call(self, method: str, params: Mapping[str, object] | None = None) -> object:
        """Call a method by its name and return its result; what the typed methods are made of.

        ``client`` and ``working_directory`` are filled in when the method takes them and ``params`` has none.
        """
        await anyio.lowlevel.checkpoint()
        wire.check_callable(method)
        first = dict(params or {}) if self._any_protocol else self._caller.fill(method, params)
        begun = time.monotonic()
        wanted, tries = first, wire.Tries(method)
        connection = self._take_idle() or await self._open()
        while True:
            try:
                return await self._request(connection, method, wanted)
            except (wire.Lost, ShuttingDown) as failure:
                tries.check(failure)
            wanted = wire.asked_again(method, first, time.monotonic() - begun)
            connection = await self._open()

    async def read_together(self, calls: Sequence[tuple[str, Mapping[str, object]]]) -> list[object]:
        """Several methods that only read, done one after the other in one round trip (JSON-RPC 2.0, section 6).

        Gives for each its result, or the `PersistprocError` that it ended with. Raises `InvalidParams` for methods
        that change something, and what concerns all of them: `DaemonUnavailable`.
        """
        await anyio.lowlevel.checkpoint()
        wire.check_reads(calls)
        wanted = [(method, self._caller.fill(method, params)) for method, params in calls]
        tries = wire.Tries(wanted[0][0])
        connection = self._take_idle() or await self._open()
        while True:
            try:
                return await self._request_all(connection, wanted)
            except (wire.Lost, ShuttingDown) as failure:
                tries.check(failure)
            connection = await self._open()

    async def _request_all(self, connection: Connection, calls: list[tuple[str, dict[str, object]]]) -> list[object]:
        try:
            replies = await connection.request_all(calls)
        except BaseException:
            connection.close()
            raise
        self._keep(connection)
        results = [_result_or_error(reply) for reply in replies]
        for result in results:
            if isinstance(result, ShuttingDown) and wire.is_again(result):
                raise result  # of none of them: they are to be told together
        return results

    async def _request(self, connection: Connection, method: str, params: dict[str, object]) -> object:
        try:
            if method not in wire.OF_ANY_PROTOCOL:
                wire.check_protocol(connection.hello)
            reply = await connection.request(method, params)
        except BaseException:
            # Also a cancellation: the reply is still to come, and must not be read as that of the next call.
            connection.close()
            raise
        if reply.get("id") is None:
            connection.close()
        else:
            self._keep(connection)
        if method in ("shutdown_daemon", "replace_daemon") and "result" in reply:
            # They end with it, and until then they look as if they could be used.
            self._drop_idle()
        return wire.result_of(reply)

    def _take_idle(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable():
                return connection
            connection.close()
        return None

    def _keep(self, connection: Connection) -> None:
        self._idle.append(connection)
        # The newest is used first, so the oldest are those that the daemon closes, and that many calls at once left.
        while len(self._idle) > 1 and (len(self._idle) > _MOST_IDLE or not self._idle[0].usable()):
            self._idle.pop(0).close()

    def _drop_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    async def _open(self) -> Connection:
        deadline = time.monotonic() + self._timeout
        self._home.check()
        launched = 0
        while True:
            try:
                connection = await _connect(self._home, deadline, any_protocol=self._any_protocol)
            except (*starting.NOBODY_ANSWERS, wire.Lost):
                # Lost: it ended between our connect and its hello, or is about to.
                if not self._autostart:
                    if launched or not await _wake_daemon(self._home, deadline):
                        raise starting.not_running(self._home) from None
                    launched += 1
                    continue
                if launched > 1 or time.monotonic() >= deadline:
                    raise starting.keeps_ending(self._home) from None
            else:
                self._hello = connection.hello
                return connection
            if await _ensure_daemon(self._home, deadline):
                launched += 1
            else:
                await anyio.sleep(starting.PAUSE)

    # --- the methods of the protocol ------------------------------------------------------------------------------

    async def start_process(self, **params: Unpack[protocol.StartProcessParams]) -> protocol.StartReply:
        """Start a process, or join the one that already runs (``already_running`` tells)."""
        return cast("protocol.StartReply", await self.call("start_process", params))

    async def stop_process(self, **params: Unpack[protocol.StopProcessParams]) -> protocol.StopReply:
        """Stop a process and everything it started; returns when nothing of it is left."""
        return cast("protocol.StopReply", await self.call("stop_process", params))

    async def restart_process(self, **params: Unpack[protocol.RestartProcessParams]) -> protocol.RestartReply:
        """Start a new run after the old one is gone; works on ended processes as well."""
        return cast("protocol.RestartReply", await self.call("restart_process", params))

    async def list_processes(self, **params: Unpack[protocol.ListProcessesParams]) -> protocol.ListReply:
        """List processes, live and ended."""
        return cast("protocol.ListReply", await self.call("list_processes", params))

    async def get_process_status(self, **params: Unpack[protocol.GetProcessStatusParams]) -> protocol.StatusReply:
        """Tell all about one process."""
        return cast("protocol.StatusReply", await self.call("get_process_status", params))

    async def get_process_output(self, **params: Unpack[protocol.GetProcessOutputParams]) -> protocol.OutputReply:
        """Read what a run printed. For ``format="raw"``, `persistproc_core.client.piece_bytes` gives the bytes."""
        return cast("protocol.OutputReply", await self.call("get_process_output", params))

    async def get_process_log_paths(self, **params: Unpack[protocol.TargetParams]) -> protocol.LogPathsReply:
        """Tell where a run's output lies."""
        return cast("protocol.LogPathsReply", await self.call("get_process_log_paths", params))

    async def wait_for_process(self, **params: Unpack[protocol.WaitForProcessParams]) -> protocol.WaitReply:
        """Wait until a run ends, prints a line or listens on a port.

        Raises `WaitTimedOut` after ``timeout_seconds`` (60 unless given), `WaitFailed` when it can no longer happen.
        """
        return cast("protocol.WaitReply", await self.call("wait_for_process", params))

    async def send_process_input(self, **params: Unpack[protocol.SendProcessInputParams]) -> protocol.InputReply:
        """Write to the standard input of a run."""
        return cast("protocol.InputReply", await self.call("send_process_input", params))

    async def signal_process(self, **params: Unpack[protocol.SignalProcessParams]) -> protocol.ProcessInfo:
        """Send a signal to a run."""
        return cast("protocol.ProcessInfo", await self.call("signal_process", params))

    async def protect_process(self, **params: Unpack[protocol.ProtectProcessParams]) -> protocol.ProcessInfo:
        """Protect a process from what others do to it, or no longer (``protected=False``)."""
        return cast("protocol.ProcessInfo", await self.call("protect_process", params))

    async def configure_process(self, **params: Unpack[protocol.ConfigureProcessParams]) -> protocol.ProcessInfo:
        """Change what persistproc does with a process by itself."""
        return cast("protocol.ProcessInfo", await self.call("configure_process", params))

    async def replace_daemon(self, **params: Unpack[protocol.ReplaceDaemonParams]) -> protocol.ReplaceReply:
        """Replace the daemon; processes go on. Raises `ReplaceFailed`: the old one goes on."""
        return cast("protocol.ReplaceReply", await self.call("replace_daemon", params))

    async def remove_process(self, **params: Unpack[protocol.ActParams]) -> protocol.RemoveReply:
        """Forget an ended process and delete its output."""
        return cast("protocol.RemoveReply", await self.call("remove_process", params))

    async def set_mark(self, **params: Unpack[protocol.SetMarkParams]) -> protocol.MarkInfo:
        """Name the present end of all logs of a project."""
        return cast("protocol.MarkInfo", await self.call("set_mark", params))

    async def list_marks(self, **params: Unpack[protocol.CallerParams]) -> protocol.MarksReply:
        """List the marks of a project."""
        return cast("protocol.MarksReply", await self.call("list_marks", params))

    async def resize_terminal(self, **params: Unpack[protocol.ResizeTerminalParams]) -> protocol.ProcessInfo:
        """Tell a run the size of its terminal."""
        return cast("protocol.ProcessInfo", await self.call("resize_terminal", params))

    async def capture_process(self, **params: Unpack[protocol.CaptureProcessParams]) -> protocol.CaptureReply:
        """Put output of our own into the hub: write it to the FIFO that the reply names."""
        return cast("protocol.CaptureReply", await self.call("capture_process", params))

    async def get_project(self, **params: Unpack[protocol.GetProjectParams]) -> protocol.ProjectReply:
        """Tell what the project's file says, and what of it runs."""
        return cast("protocol.ProjectReply", await self.call("get_project", params))

    async def start_project(self, **params: Unpack[protocol.StartProjectParams]) -> protocol.StartProjectReply:
        """Bring the processes of the project's file up; ``ready`` and the results tell what became of them."""
        return cast("protocol.StartProjectReply", await self.call("start_project", params))

    async def stop_project(self, **params: Unpack[protocol.StopProjectParams]) -> protocol.StopProjectReply:
        """Stop the project's processes, each after those that need it."""
        return cast("protocol.StopProjectReply", await self.call("stop_project", params))

    async def get_port(self, **params: Unpack[protocol.GetPortParams]) -> protocol.PortReply:
        """Tell who listens on a TCP port."""
        return cast("protocol.PortReply", await self.call("get_port", params))

    async def adopt_process(self, **params: Unpack[protocol.AdoptProcessParams]) -> protocol.ProcessInfo:
        """Take a server that was started outside of persistproc into the list."""
        return cast("protocol.ProcessInfo", await self.call("adopt_process", params))

    async def prune_processes(self, **params: Unpack[protocol.PruneProcessesParams]) -> protocol.PruneReply:
        """Forget ended processes and delete their output."""
        return cast("protocol.PruneReply", await self.call("prune_processes", params))

    async def get_news(self, **params: Unpack[protocol.GetNewsParams]) -> protocol.NewsReply:
        """Tell what others did, and what happened, since this client last asked; the first time there is nothing."""
        return cast("protocol.NewsReply", await self.call("get_news", params))

    async def get_daemon_status(self) -> protocol.DaemonStatus:
        """Tell about the daemon."""
        return cast("protocol.DaemonStatus", await self.call("get_daemon_status"))

    async def shutdown_daemon(self, **params: Unpack[protocol.ShutdownDaemonParams]) -> protocol.ShutdownReply:
        """End the daemon; its processes go on unless ``stop_processes`` is true."""
        return cast("protocol.ShutdownReply", await self.call("shutdown_daemon", params))

    # --- subscriptions --------------------------------------------------------------------------------------------

    async def follow_process_output(
        self, **params: Unpack[protocol.FollowProcessOutputParams]
    ) -> AsyncSubscription[protocol.FollowReply]:
        """Subscribe to what processes print, over all their runs. Close what is returned."""
        subscription = self._subscription("follow_process_output", params)
        await subscription.begin(await self._open())
        return cast("AsyncSubscription[protocol.FollowReply]", subscription)

    async def watch_processes(
        self, **params: Unpack[protocol.WatchProcessesParams]
    ) -> AsyncSubscription[protocol.WatchReply]:
        """Subscribe to what happens to processes. Close what is returned."""
        subscription = self._subscription("watch_processes", params)
        await subscription.begin(await self._open())
        return cast("AsyncSubscription[protocol.WatchReply]", subscription)

    def _subscription(self, method: str, params: Mapping[str, object]) -> AsyncSubscription[object]:
        return AsyncSubscription(
            method,
            self._caller.fill(method, params),
            home=self._home,
            connect=lambda deadline: _connect(self._home, deadline),
            autostart=self._autostart,
            timeout=self._timeout,
        )

    async def discover(self) -> dict[str, object]:
        """The OpenRPC document of the interface (``rpc.discover``)."""
        return cast("dict[str, object]", await self.call("rpc.discover"))


class Connection:
    """One connection, with at most one request under way."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._lines = LineReader(MAX_REPLY_BYTES)
        self._requests = 0
        self._pid = os.getpid()
        self.hello: protocol.Hello

    async def greet(self, deadline: float) -> None:
        """Read the hello."""
        with anyio.fail_after(max(0.0, deadline - time.monotonic())):
            self.hello = wire.hello_in(await self._next_line(sent=False))

    def close(self) -> None:
        """Close it."""
        self._sock.close()

    async def message(self) -> object:
        """The next line as JSON. Raises `wire.Lost` when the connection ends."""
        return wire.message_in(await self._next_line(sent=True))

    def usable(self) -> bool:
        """False after a fork and when the daemon has closed it; see the blocking client for the why."""
        if os.getpid() != self._pid:
            return False
        try:
            return self._sock.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    async def request(self, method: str, params: dict[str, object]) -> dict[str, object]:
        """The reply to a request, be it a result or an error. Raises `wire.Lost` when the connection ends."""
        self._requests += 1
        number = self._requests
        line = wire.request_line(number, method, params)
        return await self._exchange(
            line, lambda line: wire.reply_in(line, number), method, wire.reply_seconds(method, params)
        )

    async def request_all(self, calls: Sequence[tuple[str, Mapping[str, object]]]) -> list[dict[str, object]]:
        """The replies to a batch, in its order. Raises `wire.Lost` when the connection ends."""
        first = self._requests + 1
        self._requests += len(calls)
        line = wire.batch_line(first, calls)
        seconds = sum(wire.reply_seconds(method, params) for method, params in calls)
        return await self._exchange(line, lambda line: wire.replies_in(line, first, len(calls)), calls[0][0], seconds)

    async def _exchange(self, line: bytes, find: Callable[[bytes], T | None], method: str, seconds: float) -> T:
        try:
            with anyio.fail_after(seconds):
                await self._send(line)
                while True:
                    found = find(await self._next_line(sent=True))
                    if found is not None:
                        return found
        except TimeoutError:
            raise wire.late_error(method, seconds) from None

    async def _send(self, line: bytes) -> None:
        left = memoryview(line)
        while left:
            try:
                left = left[self._sock.send(left) :]
            except BlockingIOError:
                await anyio.wait_writable(self._sock)
            except OSError:
                # The newline is the last byte and was not taken, so the daemon never had a request to act on.
                raise wire.Lost(sent=False) from None

    async def _next_line(self, *, sent: bool) -> bytes:
        while True:
            line = self._lines.next_line()
            if line is not None:
                return line
            try:
                data = self._sock.recv(65536)
            except BlockingIOError:
                await anyio.wait_readable(self._sock)
                continue
            except OSError:
                raise wire.Lost(sent=sent) from None
            if not data:
                raise wire.Lost(sent=sent)
            self._lines.feed(data)


def _result_or_error(reply: Mapping[str, object]) -> object:
    try:
        return wire.result_of(reply)
    except PersistprocError as error:
        return error


async def _connect(home: Home, deadline: float, *, any_protocol: bool = False) -> Connection:
    connection = Connection(await _socket(home, deadline))
    try:
        await connection.greet(deadline)
        if not any_protocol:
            wire.check_protocol(connection.hello)
    except BaseException as error:
        connection.close()
        if isinstance(error, TimeoutError):
            raise DaemonUnavailable("the daemon does not answer", hint="run: persistproc doctor") from None
        raise
    return connection


async def _socket(home: Home, deadline: float) -> socket.socket:
    # Not anyio.connect_unix: trio takes the EAGAIN of a full listen queue for a connection under way, and hands out a
    # socket that is not connected. Connecting to a Unix socket never has anything to wait for but that (unix(7)).
    while True:
        raw = starting.connect_once(home.socket)
        if raw is not None:
            return socket.socket(fileno=raw.detach())
        if time.monotonic() >= deadline:
            raise starting.queue_full()
        await anyio.sleep(starting.PAUSE)


async def _wake_daemon(home: Home, deadline: float) -> bool:
    return await anyio.to_thread.run_sync(starting.wake_daemon, home, deadline, abandon_on_cancel=True)


async def _ensure_daemon(home: Home, deadline: float) -> bool:
    # Abandoned when cancelled: the thread has a deadline of its own, and closes what it has opened.
    return await anyio.to_thread.run_sync(starting.ensure_daemon, home, deadline, abandon_on_cancel=True)
