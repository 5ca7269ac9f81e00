"""Which lines ``persistproc logs`` is asked for."""

from __future__ import annotations

from .arguments import Arguments, Option, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from persistproc_core.protocol import GetProcessOutputParams

__all__ = ["DEFAULT_LINES", "MAX_BYTES", "MAX_LINES", "SELECTION_OPTIONS", "Selection"]

DEFAULT_LINES = 100
# The most that one reply may hold (LIMITS of the protocol, which takes longer to load than a request takes).
MAX_LINES = 10_000
MAX_BYTES = 256 * 1024
_MAX_CONTEXT = 100

SELECTION_OPTIONS = (
    Option("--lines", "-n", "--tail", value="N", help=f"the last N lines of each (default {DEFAULT_LINES}), or all"),
    Option("--head", value="N", help="the first N lines of each instead"),
    Option("--since", value="WHEN", help="not before a time (RFC 3339), an age (10s, 5m, 2h, 1d) or mark:NAME"),
    Option("--until", value="WHEN", help="not after that"),
    Option("--grep", "-g", value="REGEX", help="only lines that match"),
    Option("--ignore-case", "-i", help="with --grep: upper and lower case are the same"),
    Option("--invert", "-v", help="with --grep: only lines that do not match"),
    Option("--after", "-A", value="N", help="with --grep: also N lines after each"),
    Option("--before", "-B", value="N", help="with --grep: also N lines before each"),
    Option("--context", "-C", value="N", help="with --grep: also N lines before and after each"),
    Option("--stream", value="WHICH", help="stdout, stderr or combined (default)"),
    Option("--run", value="RUN", help="current (default), previous, a number, or all"),
    Option("--new", help="only lines whose like the run before did not print"),
)
_OF_GREP = ("--ignore-case", "--invert", "--after", "--before", "--context")
_NOT_WITH_FOLLOW = ("--head", "--until", "--new")


class Selection:
    """What is selected: ``tail`` last lines or ``head`` first ones (both None: all), out of what ``params`` select."""

    def __init__(self, arguments: Arguments) -> None:
        self.params: GetProcessOutputParams = {"process": "", "max_bytes": MAX_BYTES}
        self.since = arguments.text("--since")
        self.until = arguments.text("--until")
        self.pattern = arguments.text("--grep")
        self.ignore_case = arguments.flag("--ignore-case")
        self.invert = arguments.flag("--invert")
        self.context_before, self.context_after = _context(arguments)
        _check(arguments)
        self._select(arguments)
        self.head = arguments.integer("--head")
        self.tail = self._tail(arguments)

    @property
    def by_line(self) -> bool:
        """True when lines are chosen one by one, so that what is shown is no piece of the stream any more."""
        return self.pattern is not None or "new_in_run" in self.params

    def _tail(self, arguments: Arguments) -> int | None:
        if arguments.text("--lines") == "all" or self.head is not None:
            return None
        given = arguments.text("--lines")
        if given is not None and not (given.isascii() and given.isdigit()):
            raise UsageError(f"--lines needs a whole number or all, not {given!r}")
        lines = arguments.integer("--lines")
        # Who says which lines wants all of these.
        return DEFAULT_LINES if lines is None and not self.by_line and self.since is None else lines

    def _select(self, arguments: Arguments) -> None:
        params = self.params
        stream, run = _stream(arguments), arguments.text("--run")
        if stream is not None:
            params["stream"] = stream
        if run is not None:
            params["run"] = int(run) if run.isascii() and run.isdigit() and len(run) < 10 else run
        if self.since is not None:
            params["since"] = self.since
        if self.until is not None:
            params["before"] = self.until
        if arguments.flag("--new"):
            params["new_in_run"] = True
        if self.pattern is not None:
            self._select_by_pattern(self.pattern)

    def _select_by_pattern(self, pattern: str) -> None:
        params = self.params
        params["grep"] = pattern
        if self.ignore_case:
            params["ignore_case"] = True
        if self.invert:
            params["invert"] = True
        if self.context_before:
            params["context_before"] = self.context_before
        if self.context_after:
            params["context_after"] = self.context_after


def _check(arguments: Arguments) -> None:
    if arguments.text("--grep") == "":
        raise UsageError("--grep needs a regular expression")
    for name in ("--since", "--until"):
        if arguments.text(name) == "":
            raise UsageError(f"{name} needs a time, an age or mark:NAME")
    if not arguments.flag("--grep"):
        for name in _OF_GREP:
            if arguments.flag(name):
                raise UsageError(f"{name} says how --grep selects", hint="give --grep REGEX as well")
    if arguments.flag("--head") and arguments.flag("--lines"):
        raise UsageError("--head and --lines: the first lines or the last ones?")
    if arguments.flag("--follow"):
        for name in _NOT_WITH_FOLLOW:
            if arguments.flag(name):
                raise UsageError(f"{name} does not go with --follow, which shows what comes next")


def _stream(arguments: Arguments) -> Literal["stdout", "stderr"] | None:
    stream = arguments.text("--stream")
    if stream == "stdout":
        return "stdout"
    if stream == "stderr":
        return "stderr"
    if stream not in (None, "combined"):
        raise UsageError(f"--stream needs stdout, stderr or combined, not {stream!r}")
    return None


def _context(arguments: Arguments) -> tuple[int, int]:
    around = arguments.integer("--context") or 0
    before, after = arguments.integer("--before"), arguments.integer("--after")
    counts = (around if before is None else before, around if after is None else after)
    if max(counts) > _MAX_CONTEXT:
        raise UsageError(f"at most {_MAX_CONTEXT} lines of context")
    return counts
