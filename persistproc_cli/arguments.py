"""Options and words of a verb, declared as data and parsed by a few lines of our own.

``argparse`` costs a third of the whole time of ``persistproc list``, guesses abbreviations, and cannot leave the words
of a foreign command alone.
"""

from __future__ import annotations

from persistproc_core.errors import PersistprocError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .context import Context

__all__ = ["GLOBAL_OPTIONS", "Arguments", "Command", "Option", "UsageError", "parse"]


class UsageError(PersistprocError):
    """The command line was not understood; nothing was done."""

    code = "usage"
    exit_code = 2


class Option:
    """One option: its names, the name of its value (None: a switch), its help, and whether it may be repeated."""

    __slots__ = ("help", "names", "repeated", "value")

    def __init__(self, *names: str, value: str | None = None, help: str, repeated: bool = False) -> None:  # noqa: A002
        self.names = names
        self.value = value
        self.help = help
        self.repeated = repeated


GLOBAL_OPTIONS = (
    Option("--json", help="print the reply as JSON (errors too, on standard error)"),
    Option("--home", value="DIR", help="use this home instead of ~/.persistproc"),
    Option("-h", "--help", help="show this help"),
)


class Command:
    """A verb: how it is called, what it takes, what it does.

    ``words`` is the range of how many words it takes; ``command_line`` says that its words are a foreign command, whose
    options are not ours. ``run`` gets the context and the arguments and returns the exit code.
    """

    __slots__ = ("command_line", "examples", "name", "notes", "options", "run", "summary", "usage", "words")

    def __init__(
        self,
        name: str,
        usage: str,
        summary: str,
        run: Callable[[Context, Arguments], int],
        *,
        options: tuple[Option, ...] = (),
        words: tuple[int, int | None] = (0, 0),
        command_line: bool = False,
        examples: tuple[str, ...] = (),
        notes: str = "",
    ) -> None:
        self.name = name
        self.usage = usage
        self.summary = summary
        self.run = run
        self.options = options
        self.words = words
        self.command_line = command_line
        self.examples = examples
        self.notes = notes


class Arguments:
    """What was given: words, switches and values, under the first name of each option."""

    __slots__ = ("_given", "words")

    def __init__(self) -> None:
        self.words: list[str] = []
        self._given: dict[str, list[str]] = {}

    def add(self, option: Option, value: str) -> None:
        """Note an option; raises `UsageError` when it is given twice with different values."""
        values = self._given.setdefault(option.names[0], [])
        if values and not option.repeated and values != [value]:
            raise UsageError(f"{option.names[0]} is given twice, with different values")
        values.append(value)

    def flag(self, name: str) -> bool:
        """True when the option was given."""
        return name in self._given

    def values(self, name: str) -> list[str]:
        """All values of a repeated option, in their order."""
        return self._given.get(name, [])

    def text(self, name: str) -> str | None:
        """The value of an option, or None."""
        values = self._given.get(name)
        return values[-1] if values else None

    def number(self, name: str) -> float | None:
        """The value as a number of zero or more; raises `UsageError`."""
        text = self.text(name)
        if text is None:
            return None
        try:
            number = float(text)
        except ValueError:
            number = -1.0
        if not 0 <= number < float("inf"):
            raise UsageError(f"{name} needs a number of zero or more, not {text!r}")
        return number

    def integer(self, name: str) -> int | None:
        """The value as a whole number of zero or more; raises `UsageError`."""
        text = self.text(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise UsageError(f"{name} needs a whole number, not {text!r}")
        return int(text)


def parse(command: Command, given: Sequence[str]) -> Arguments:
    """The arguments of a verb. Raises `UsageError` for what it does not take."""
    arguments = Arguments()
    known = {name: option for option in (*command.options, *GLOBAL_OPTIONS) for name in option.names}
    rest = list(given)
    while rest:
        word = rest.pop(0)
        if word == "--":
            arguments.words += rest
            break
        if word == "-" or not word.startswith("-"):
            arguments.words.append(word)
            if command.command_line:
                arguments.words += rest
                break
            continue
        _take(command, arguments, known, word, rest)
    if not arguments.flag("-h"):
        _check_words(command, arguments.words)
    return arguments


def _take(command: Command, arguments: Arguments, known: dict[str, Option], word: str, rest: list[str]) -> None:
    name, given, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
    option = known.get(name)
    if option is None:
        raise UsageError(f"{command.name} has no option {name}{_nearest(name, known)}", hint=_see(command))
    if option.value is None:
        if given:
            raise UsageError(f"{name} takes no value", hint=_see(command))
        arguments.add(option, "")
        return
    if not given:
        if not rest:
            raise UsageError(f"{name} needs a value: {name} {option.value}", hint=_see(command))
        value = rest.pop(0)
    arguments.add(option, value)


def _check_words(command: Command, words: list[str]) -> None:
    least, most = command.words
    if len(words) < least:
        raise UsageError(f"usage: persistproc {command.name} {command.usage}", hint=_see(command))
    if most is not None and len(words) > most:
        raise UsageError(f"{command.name} does not take {words[most]!r}", hint=_see(command))


def _nearest(name: str, known: dict[str, Option]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    return f"; did you mean {near[0]}?" if near else ""


def _see(command: Command) -> str:
    return f"see: persistproc {command.name} --help"
