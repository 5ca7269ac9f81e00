"""From the words of ``run`` to a command and its variables; and environment files."""

from __future__ import annotations

from pathlib import Path

import pytest

from persistproc_cli.arguments import UsageError
from persistproc_cli.envfile import variables_in
from persistproc_cli.launch import read_command


@pytest.mark.parametrize(
    ("words", "command", "variables"),
    [
        (["npm", "run", "dev"], ["npm", "run", "dev"], {}),
        (["npm run dev"], "npm run dev", {}),
        (["a && b"], "a && b", {}),
        (["a|b"], "a|b", {}),
        (["FOO=1 cmd"], "FOO=1 cmd", {}),
        (["bash", "-c", 'echo "a  b"; echo c'], ["bash", "-c", 'echo "a  b"; echo c'], {}),
        (["FOO=1", "BAR=x y", "cmd", "C=3"], ["cmd", "C=3"], {"FOO": "1", "BAR": "x y"}),
        (["EMPTY=", "cmd"], ["cmd"], {"EMPTY": ""}),
        (["1X=2", "cmd"], ["1X=2", "cmd"], {}),
        (["sh"], ["sh"], {}),
        (["*"], "*", {}),
    ],
)
def test_commands(words: list[str], command: object, variables: dict[str, str]) -> None:
    assert read_command(words) == (command, variables)


def test_a_file_with_a_blank_in_its_name_is_a_program(tmp_path: Path) -> None:
    path = tmp_path / "my tool"
    path.write_text("", "utf-8")

    assert read_command([str(path)]) == ([str(path)], {})


def test_variables_alone_are_no_command() -> None:
    with pytest.raises(UsageError, match="no command"):
        read_command(["FOO=1"])


def test_an_environment_file_refers_to_what_the_caller_has(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\nB=${A}${BASE}\n", "utf-8")

    assert variables_in(str(path), {"BASE": "0"}) == {"A": "1", "B": "10"}


@pytest.mark.parametrize("line", ["=secret", "A B=secret", 'A="secret'])
def test_an_error_names_file_and_line_but_never_what_stands_there(tmp_path: Path, line: str) -> None:
    path = tmp_path / "x.env"
    path.write_text(f"OK=1\n{line}\n", "utf-8")
    with pytest.raises(UsageError) as caught:
        variables_in(str(path), {})

    assert f"{path}, line 2" in caught.value.message
    assert "secret" not in caught.value.message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no\.env: there is no such file"):
        variables_in(str(tmp_path / "no.env"), {})
