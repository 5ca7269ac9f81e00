"""Files of variables, interpolation, and what a process gets of them."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from persistproc_core.errors import ProjectInvalid
from persistproc_core.project_file.env_file import EnvFileError, read_env_file
from persistproc_core.project_file.interpolation import InterpolationError, interpolate
from persistproc_core.project_file.read_text import MAX_FILE_BYTES
from persistproc_core.project_file.variables import directory_of, variables_of
from tests.project_file.support import only

# --- files of variables ---------------------------------------------------------------------------------------------


def test_an_environment_file(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(
        b"\xef\xbb\xbf# comment\r\n\n  A=1\nexport B = two words # not this\nC='it is # ${A}'\n"
        b'D="line\\nnext \\"q\\""\n'
        b'E=\nF=a=b#c\nG=caf\xe9\nLONG="one\ntwo"\nALONE\nH=${A}${NONE}${NONE:-x}${BASE}\nA=3\n'
    )

    assert read_env_file(str(path), {"BASE": "base", "A": "0"}) == {
        "A": "3",
        "B": "two words",
        "C": "it is # 1",
        "D": 'line\nnext "q"',
        "E": "",
        "F": "a=b#c",
        "G": "caf\udce9",
        "LONG": "one\ntwo",
        "H": "1xbase",
    }


@pytest.mark.parametrize("line", ["=secret", "A B=secret", 'A="secret', "A='secret' secret", "A=secret\0"])
def test_an_error_names_the_line_but_never_what_stands_there(tmp_path: Path, line: str) -> None:
    path = tmp_path / "x.env"
    path.write_text(f'OK=1\r\nTWO="\n\n"\n\n\n{line}\n', "utf-8")
    with pytest.raises(EnvFileError) as caught:
        read_env_file(str(path), {})

    assert caught.value.line == 7
    assert "secret" not in caught.value.text


TEXTS = st.lists(
    st.sampled_from(
        ["A", "B", "=", "'", '"', "\\", "\\n", " ", "#", "${A}", "${B:-x}", "$", "\n", "\r\n", "export ", "é"]
    )
).map("".join)


@given(TEXTS)
def test_what_python_dotenv_reads_without_a_warning_is_read_alike(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("env") / "file"
    path.write_text(text, "utf-8", newline="")
    try:
        variables = read_env_file(str(path), dict(os.environ))
    except EnvFileError:
        return
    theirs = dotenv_values(stream=io.StringIO(text, newline=""))

    # A name alone sets nothing, and takes nothing away.
    for name, value in theirs.items():
        assert value is None or variables[name] == value
    assert set(variables) <= set(theirs)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("env") / "file"
    path.write_bytes(data)
    try:
        variables = read_env_file(str(path), {})
    except EnvFileError:
        return

    assert all(name and "=" not in name and "\0" not in name for name in variables)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("A0=0123456789\n" + "".join(f"A{n}=${{A{n - 1}}}${{A{n - 1}}}\n" for n in range(1, 40)), 15, "128 KiB"),
        (f"A={'x' * 100_000}\n" + "".join(f"B{n}=${{A}}\n" for n in range(40)), 11, "1024 KiB together"),
        ("A=1\nB=" + "${" * 100_000, 2, "more than 200 variables"),
        (f"A=1\nB=x{' ' * 900_000}y", 2, "more than 500 blanks"),
    ],
    ids=["twice as long each", "long ones", "open braces", "blanks"],
)
def test_what_would_take_hours_or_fill_the_memory(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = tmp_path / ".env"
    path.write_text(text, "utf-8")
    with pytest.raises(EnvFileError, match=words) as caught:
        read_env_file(str(path), {})
    assert caught.value.line == line


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "long").write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    for name, words in (("no", "no such file"), ("fifo", "not a regular"), ("long", "longer than"), ("", "cannot be")):
        with pytest.raises(EnvFileError, match=words) as caught:
            read_env_file(str(tmp_path / name) if name else "a\0b", {}, only_regular=True)
        assert caught.value.missing == (name == "no")
    descriptors = os.listdir("/dev/fd")
    with pytest.raises(EnvFileError, match="cannot be read: Is a directory"):
        read_env_file(str(tmp_path), {})
    with pytest.raises(EnvFileError, match="cannot be read: Is a directory"):
        read_env_file(str(tmp_path), {}, only_regular=True)
    assert os.listdir("/dev/fd") == descriptors


# --- interpolation --------------------------------------------------------------------------------------------------

VARIABLES = {"A": "a", "EMPTY": "", "B1": "b"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("", ""),
        ("${A}${B1}", "ab"),
        ("x${EMPTY}y", "xy"),
        ("${NO:-d}${EMPTY:-d}${A:-d}", "dda"),
        ("${NO-d}${EMPTY-d}${A-d}", "da"),
        ("${NO:-}", ""),
        ("${NO:-${B1}-${NO:-x}}", "b-x"),
        ("${NO:-a b:?-}", "a b:?-"),
        ("${A:?m}${A?m}${EMPTY?m}", "aa"),
        ("$$ $${A} $$$A", "$ ${A} $$A"),
        ("$A $ 5$ $(x) {A}", "$A $ 5$ $(x) {A}"),
        ("${NO:-{x}", "{x"),
    ],
)
def test_every_form(text: str, filled: str) -> None:
    assert interpolate(text, VARIABLES) == filled


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${NO}", "the variable NO is not set"),
        ("${EMPTY:?}", "the variable EMPTY is empty"),
        ("${NO:?say which}", "NO: say which"),
        ("${NO?say which}", "NO: say which"),
        ("${A", r"a \$\{ is never closed"),
        ("${}", "no form that is known"),
        ("${A:+x}", "no form that is known"),
        ("${1}", "no form that is known"),
        ("${A }", "no form that is known"),
        ("${NO:-" * 30 + "}" * 30, "nests too deeply"),
    ],
)
def test_what_is_no_form_or_not_set(text: str, words: str) -> None:
    with pytest.raises(InterpolationError, match=words):
        interpolate(text, VARIABLES)


@given(st.lists(st.sampled_from(["$", "{", "}", ":-", "A", "NO", "x"]), max_size=30).map("".join))
def test_any_text_is_filled_or_refused(text: str) -> None:
    try:
        filled = interpolate(text, VARIABLES)
    except InterpolationError:
        return

    assert "$" in text or filled == text


# --- what a process gets --------------------------------------------------------------------------------------------


def test_later_ones_win_and_refer_to_earlier_ones(tmp_path: Path) -> None:
    (tmp_path / "one.env").write_text("A=1\nB=${A}-${CALLER}\nSHARED=one\n", "utf-8")
    (tmp_path / "two.env").write_text("A=2\nC=${B}\n", "utf-8")
    entry = only(
        tmp_path,
        'env_files = ["one.env"]\nenvironment = { D = "${C}", SHARED = "top" }\n[processes.web]\ncommand = "x"\n'
        'env_files = ["${WHICH}.env", { path = "none.env", required = false }]\n'
        'environment = { PATH = "bin:${PATH}", E = "${D}!", SHARED = "own", P = "{port}$$" }\nport = 1\n',
    )

    assert variables_of(entry, {"CALLER": "c", "WHICH": "two", "PATH": "/bin", "UNUSED": "x"}) == {
        "A": "2",
        "B": "1-c",
        "C": "1-c",
        "D": "1-c",
        "SHARED": "own",
        "PATH": "bin:/bin",
        "E": "1-c!",
        "P": "{port}$",
    }


@pytest.mark.parametrize(
    ("lines", "line", "words"),
    [
        ('env_files = [\n  "no.env",\n]', 4, "environment file of web does not exist: .*/no.env"),
        ('environment = { A = "${NO}" }', 3, "A of web: the variable NO is not set"),
        ('environment.A = "x"\nenvironment.B = "${A:+}"', 4, "B of web: .* no form"),
        ('env_files = ["${NO}/x"]', 3, "env_files of web: the variable NO is not set"),
    ],
    ids=["missing", "not set", "form", "in a path"],
)
def test_what_cannot_be_had_is_told_with_its_line(tmp_path: Path, lines: str, line: int, words: str) -> None:
    entry = only(tmp_path, f'[processes.web]\ncommand = "x"\n{lines}\n')
    with pytest.raises(ProjectInvalid, match=f"/persistproc.toml, line {line}: .*{words}") as caught:
        variables_of(entry, {})

    assert caught.value.data["line"] == line
    assert caught.value.hint


def test_variables_that_repeat_others_fill_no_memory(tmp_path: Path) -> None:
    head = '[processes.web]\ncommand = "x"\n[processes.web.environment]\n'
    twice = 'A0 = "0123456789"\n' + "".join(f'A{n} = "${{A{n - 1}}}${{A{n - 1}}}"\n' for n in range(1, 40))
    many = f'A = "{"x" * 100_000}"\n' + "".join(f'B{n} = "${{A}}"\n' for n in range(40))
    for text, words in ((twice, "line 18: A14 of web: its value is longer"), (many, "line 14: the variables of web")):
        with pytest.raises(ProjectInvalid, match=words):
            variables_of(only(tmp_path, head + text), {})


def test_a_variable_of_the_whole_file_is_told_where_it_stands(tmp_path: Path) -> None:
    entry = only(tmp_path, '[environment]\nA = "${NO}"\n[processes.web]\ncommand = "x"\n')
    with pytest.raises(ProjectInvalid, match="line 2: A of web"):
        variables_of(entry, {})


def test_a_line_of_an_env_file_is_told_as_its_own(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nno line of ours\n", "utf-8")
    entry = only(tmp_path, '[processes.web]\ncommand = "x"\nenv_files = [".env"]\n')
    with pytest.raises(ProjectInvalid, match=r"/\.env, line 2: expected NAME=value") as caught:
        variables_of(entry, {})

    assert caught.value.data["file"] == str(tmp_path / ".env")


def test_the_working_directory(tmp_path: Path) -> None:
    project = tmp_path / "${A} b"
    (project / "sub").mkdir(parents=True)

    def directory(text: str) -> str:
        entry = only(project, f'[processes.web]\ncommand = "x"\nworking_directory = "{text}"\n')
        return directory_of(entry, {"HOME": str(tmp_path), "SUB": "sub"})

    assert directory(".") == str(project)
    assert directory("sub/../sub") == f"{project}/sub"
    assert directory("${SUB}") == f"{project}/sub"
    assert directory("~") == str(tmp_path)
    assert directory("/") == "/"
    with pytest.raises(ProjectInvalid, match=r"line 3: the working directory of web does not exist: .*/none$"):
        directory("none")
    with pytest.raises(ProjectInvalid, match=r"line 3: .* is not a folder"):
        directory("persistproc.toml")
    with pytest.raises(ProjectInvalid, match="line 3: working_directory of web: the variable NO is not set"):
        directory("${NO}")
