"""What is wrong with a file: each thing with its line, and what was probably meant."""

from __future__ import annotations

import itertools
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistproc_core.errors import ProjectInvalid
from persistproc_core.project_file.declared import PROCESS_KEYS
from persistproc_core.project_file.needs import cycle_in
from persistproc_core.project_file.problems import MAX_PROCESSES
from persistproc_core.project_file.schema_document import schema_document
from persistproc_core.project_file.toml_text import parse_toml
from persistproc_core.protocol import DependencyCondition
from tests.project_file.support import Wrong, loaded, wrong

WEB = '[processes.web]\ncommand = "x"\n'

ONE_LINE = {
    "unknown key": ("comand_ = 1", "has no key comand_", "did you mean command?"),
    "key of nothing known": ("zzz = 1", "has no key zzz", "its keys are command, working_directory"),
    "kind": ('tty = "yes"', ".tty must be true or false, not text", ""),
    "list": ('needs = "db"', ".needs must be a list of texts or a table, not text", 'write needs = ["db"]'),
    "range": ("stop_grace_seconds = -1", ".stop_grace_seconds must be between 0 and 3600", ""),
    "infinite": ("ttl_seconds = inf", ".ttl_seconds must be a finite number", ""),
    "date": ("ttl_seconds = 1979-05-27", ".ttl_seconds must be a number, not something else", ""),
    "duration": ('ttl_seconds = "soon"', ".ttl_seconds cannot be read", "write 90s, 2m, 1h30m or a number of seconds"),
    "size": ('keep_bytes = "much"', ".keep_bytes cannot be read", "write 64M, 2G or a number of bytes"),
    "choice": ('restart = "alway"', ".restart must be one of never, on-failure, always", "did you mean always?"),
    "variable": (
        "environment = { A = true }",
        ".environment.A must be text or a whole number, not a boolean",
        "write it",
    ),
    "variable's name": ('environment = { "A=B" = "" }', ".environment.A=B cannot be the name of a variable", ""),
    "item": ('watch = ["a", 1]', ".watch[1] must be text, not a number", ""),
    "env file": ("env_files = [{ required = true }]", ".env_files[0] has no path", ""),
    "port": ('port = "autto"', ".port must be auto or a number", "write a number, "),
    "port's range": ("ports = { x = 70000 }", ".ports.x must be between 1 and 65535", ""),
    "port's key": ("port = { prefr = 1 }", ".port has no key prefr", "did you mean prefer?"),
    "port and prefer": ("port = { port = 1, prefer = 2 }", ".port has port and prefer", "port is always that one"),
    "port's name": ('port = { name = "a.b" }', ".port has a.b, which cannot be the name of a port", "use letters"),
    "port twice": ("port = 1\nports = { port = 2 }", ".ports.port is there twice", "the one of port is called port"),
    "port's number twice": ("port = 1\nports = { b = 1 }", ".ports.b is the number of another one", "give it another"),
    "port's variable twice": (
        'ports = { a = 1, b = { variable = "PORT" } }',
        ".ports.b is told by PORT, as",
        "give it",
    ),
    "port's variable": ('port = { variable = "A-B" }', ".port.variable cannot be the name of a variable", "for"),
    "ready": ('ready = "prt"', ".ready must be port, completed or an http or https URL", "did you mean port?"),
    "ready without a port": ('ready = "port"', ".ready is port, but it has none", 'give it one: port = "auto"'),
    "ready's key": ('ready = { outptu = "x" }', ".ready has no key outptu", "did you mean output?"),
    "ready by two": ('port = 1\nready = { output = "x", port = 1 }', ".ready has output and port", "give exactly one"),
    "ready by nothing": ("ready = { timeout_seconds = 1 }", ".ready does not say by what", "give exactly one"),
    "ready's port": (
        'port = 1\nready = { port = "prt" }',
        ".ready.port names a port that it does not have: prt",
        "did",
    ),
    "ready's pattern": ('ready = { output = "(" }', ".ready.output is not a regular expression: missing )", "in '...'"),
    "ready's counts": (
        "ready = { output = '((a{1000}){1000}){1000}' }",
        ".ready.output repeats too much of it",
        "counts within counts",
    ),
    "kind of a port": ("port = [1]", ".port must be a whole number, auto or a table, not a list", "write a number"),
    "ready's url": ('ready = { url = "localhost" }', ".ready.url must be an http or https URL", "for example"),
    "ready's status": ('ready = { output = "x", status = 200 }', ".ready.status goes with a url", ""),
    "ready not completed": ("ready = { completed = false }", ".ready.completed can only be true", ""),
    "ready's command": ('ready = { command = " " }', ".ready.command must not be empty", ""),
    "liveness": ('liveness = "completed"', ".liveness must be port or an http or https URL", "else write a table"),
    "signal": ('stop_signal = "SIGTREM"', ".stop_signal is no signal", "for example SIGTERM"),
    "watch_signal": ('watch_signal = "HUP"', ".watch_signal goes with watch", "for example watch"),
    "tag": ('tags = ["a b"]', ".tags[0] cannot be a tag: it holds ' '", "use letters"),
    "needs itself": ('needs = ["web"]', ".needs names the process itself", ""),
    "needs nobody": ('needs = ["wbe"]', ".needs names wbe, and there is no such process", "did you mean web?"),
    "condition": ('needs = { db = "up" }', ".needs.db must be one of started, ready, completed", ""),
    "placeholder": (
        'liveness = "http://x:{port}"',
        ".liveness.url has {port}, but the process declares no port",
        "give",
    ),
    "placeholder of others": (
        'environment = { A = "{ports.wbe}" }',
        ".environment.A has {ports.wbe}, but there is no such port",
        "",
    ),
}


@pytest.mark.parametrize("name", ONE_LINE)
def test_one_line(tmp_path: Path, name: str) -> None:
    line, text, hint = ONE_LINE[name]
    (problem,) = wrong(tmp_path, WEB + line + "\n")

    assert problem.text.startswith(f"processes.web{text if text.startswith('.') else ' ' + text}")
    assert problem.hint.startswith(hint)
    assert bool(problem.hint) == bool(hint)
    assert problem.line == 2 + len(line.splitlines())


WHOLE: dict[str, tuple[str, int | None, str, str]] = {
    "nothing": ("# nothing\n", None, "there is no process in it", "write [processes.web]"),
    "no process": ("[processes]\n", None, "there is no process in it", "write [processes.web]"),
    "top key": (f"enviroment = 1\n{WEB}", 1, "there is no key enviroment", "did you mean environment?"),
    "process at the top": (f'{WEB}[api]\ncommand = "x"\n', 3, "there is no key api", "write [processes.api]"),
    "processes as a list": ("[[processes]]\n", 1, "processes must be a table of processes", "write [processes.w"),
    "process as a text": ('[processes]\nweb = "x"\n', 2, "processes.web must be a table", "write [processes.web]"),
    "name": ('[processes."a b"]\ncommand = "x"\n', 1, "processes.a b cannot be the name of a process: it h", "use"),
    "no command": ("\n[processes.web]\ntty = true\n", 2, "processes.web has no command", ""),
    "misspelt command": ('[processes.web]\ncomand = "x"\n', 2, "processes.web has no key comand", "did you mean c"),
    "empty command": ('[processes.web]\ncommand = " "\n', 2, "processes.web.command must not be empty", ""),
    "empty program": ('[processes.web]\ncommand = ["", "x"]\n', 2, "processes.web.command must not be empty", ""),
    "twice": (
        '[processes."caf\u00e9"]\ncommand = "x"\n[processes."cafe\u0301"]\ncommand = "x"\n',
        3,
        "processes.cafe\u0301 is there twice",
        "",
    ),
    "shell": ('[processes.a]\nshell = true\ncommand = ["x"]\n', 2, "processes.a.shell goes with a command th", "a l"),
    "placeholder": (
        '[processes.web]\ncommand = "x {ports.db}"\n[processes.dbs]\ncommand = "x"\nport = 1\n',
        2,
        "processes.web.command has {ports.db}, but there is no such port",
        "did you mean {ports.dbs}?",
    ),
    "placeholder for all": (
        f'environment = {{ A = "{{ports.db}}" }}\n{WEB}[processes.b]\ncommand = "x"\n',
        1,
        "environment.A has {ports.db}, but there is no such port",
        "",
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_file(tmp_path: Path, name: str) -> None:
    text, line, words, hint = WHOLE[name]
    (problem,) = wrong(tmp_path, text)

    assert problem.line == line
    assert problem.text.startswith(words)
    assert problem.hint.startswith(hint)
    assert bool(problem.hint) == bool(hint)


def test_all_of_them_are_told_and_the_first_is_the_message(tmp_path: Path) -> None:
    problems = wrong(tmp_path, WEB + "a = 1\nb = 2\n[processes.api]\nc = 3\n")

    assert [problem.line for problem in problems] == [3, 4, 5, 6]
    with pytest.raises(ProjectInvalid, match=r"web has no key a \(and 3 more problems\)$"):
        loaded(tmp_path, WEB + "a = 1\nb = 2\n[processes.api]\nc = 3\n")


def test_a_file_that_is_something_else_altogether_is_left_soon(tmp_path: Path) -> None:
    text = "".join(f"key_{number} = 1\n" for number in range(10_000))

    assert len(wrong(tmp_path, text)) == 20
    with pytest.raises(ProjectInvalid, match=r"\(and 99 more problems\)$"):
        loaded(tmp_path, text)


@pytest.mark.parametrize("name", ["persistproc.toml", "Procfile"])
def test_more_processes_than_anybody_has(tmp_path: Path, name: str) -> None:
    line = "p{}: x\n" if name == "Procfile" else '[processes.p{}]\ncommand = "x"\n'
    most = "".join(line.format(number) for number in range(MAX_PROCESSES))
    assert len(loaded(tmp_path, most, name).processes) == MAX_PROCESSES

    (problem,) = wrong(tmp_path, most + line.format("x"), name)
    assert "500" in problem.text


def test_more_ports_than_anybody_has(tmp_path: Path) -> None:
    ports = "".join(f'p{number} = "auto"\n' for number in range(20))
    text = "".join(f'[processes.a{n}]\ncommand = "x"\n[processes.a{n}.ports]\n{ports}' for n in range(51))
    (problem,) = wrong(tmp_path, text)
    assert problem.text == "processes must have at most 1000 ports in all"


def test_what_nests_too_deeply(tmp_path: Path) -> None:
    """Also where the parser just gets by with the stack that there is."""
    for depth in range(300, 510):
        told = {problem.text.split(" x")[0] for problem in wrong(tmp_path, f"{WEB}x = {'[' * depth}{']' * depth}\n")}
        assert told <= {"processes.web has no key", "is not TOML: nests too deeply"}
    assert told == {"is not TOML: nests too deeply"}


def test_a_key_of_any_number_of_parts_fills_no_memory(tmp_path: Path) -> None:
    (problem,) = wrong(tmp_path, f"{WEB}{'.'.join('x' * 20_000)} = 1\n")
    assert problem == Wrong(3, "is not TOML: a key has too many parts", "")


def test_no_value_is_told_of_what_may_be_a_secret(tmp_path: Path) -> None:
    for line in ('environment = { A = ["hunter2"] }', 'environment = { "A=hunter" = "hunter2" }'):
        assert "hunter2" not in str(wrong(tmp_path, f"{WEB}{line}\n"))


# --- circles --------------------------------------------------------------------------------------------------------


def test_a_circle_is_told_with_its_way(tmp_path: Path) -> None:
    text = "".join(f'[processes.{name}]\ncommand = "x"\nneeds = ["{need}"]\n' for name, need in ("ab", "bc", "ca"))
    (problem,) = wrong(tmp_path, text + '[processes.d]\ncommand = "x"\nneeds = ["a"]\n')

    assert problem == Wrong(
        3, "processes.a.needs goes round in a circle: a needs b needs c needs a", "one of them must do without"
    )


Needs = dict[str, dict[str, DependencyCondition]]


@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdefg"))))
def test_a_circle_is_found_when_there_is_one(drawn: dict[str, set[str]]) -> None:
    needs: Needs = {name: dict.fromkeys(sorted(others), "ready") for name, others in drawn.items()}
    circle = cycle_in(needs)

    for name, following in itertools.pairwise(circle):
        assert following in needs[name]
    assert not circle or circle[0] == circle[-1]
    assert bool(circle) == (not can_be_ordered(needs))


def can_be_ordered(needs: Needs) -> bool:
    left = {name: {other for other in others if other in needs} for name, others in needs.items()}
    while free := [name for name, others in left.items() if not others]:
        for name in free:
            del left[name]
        for others in left.values():
            others.difference_update(free)
    return not left


def test_a_long_chain_takes_no_long_time() -> None:
    needs: Needs = {str(number): {str(number + 1): "ready"} for number in range(20_000)}

    assert cycle_in(needs) == []


SCHEMA = jsonschema.Draft7Validator(schema_document())

# --- whatever it says -----------------------------------------------------------------------------------------------

KEYS = st.sampled_from([*PROCESS_KEYS, "nonsense"])
PIECES = st.sampled_from(
    ["1", '""', '"auto"', '"port"', "true", "[]", "{}", '["a"]', "{ a = 1 }", '{ url = "x" }', "1979-05-27", '"{port}"']
)


@given(st.dictionaries(KEYS, PIECES, max_size=8), st.dictionaries(st.sampled_from(["env_files", "x"]), PIECES))
def test_any_value_of_any_key_is_taken_or_refused(
    tmp_path_factory: pytest.TempPathFactory, keys: dict[str, str], top: dict[str, str]
) -> None:
    directory = tmp_path_factory.mktemp("any")
    lines = [f"{key} = {value}\n" for key, value in top.items()]
    lines += ["[processes.web]\n", *(f"{key} = {value}\n" for key, value in keys.items())]
    try:
        file = loaded(directory, "".join(lines))
    except ProjectInvalid:
        return

    assert list(file.processes) == ["web"]
    assert SCHEMA.is_valid(parse_toml("".join(lines)))
