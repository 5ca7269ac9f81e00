"""The JSON Schema takes what is read, and refuses what it can know to be wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from persistproc_core.project_file.schema_document import schema_document
from persistproc_core.project_file.toml_text import parse_toml
from tests.meta.sources import ROOT
from tests.project_file.support import wrong
from tests.project_file.test_load import FORMS, WHOLE
from tests.project_file.test_problems import ONE_LINE, WEB

SCHEMA: Any = schema_document()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
# What only the program can know: what belongs together, what another process has, what a pattern or signal is.
BEYOND = {
    *("variable's name", "port and prefer", "port's name", "port twice", "port's variable", "ready without a port"),
    *("ready by two", "ready by nothing", "ready's port", "ready's pattern", "ready's url", "ready's status"),
    *("ready not completed", "ready's command", "signal", "watch_signal", "tag", "needs itself", "needs nobody"),
    *("placeholder", "placeholder of others", "infinite", "port's number twice", "ready's counts"),
    "port's variable twice",
}


def test_the_command_prints_it() -> None:
    command = [sys.executable, "-m", "persistproc_cli", "project", "--schema"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, timeout=30, check=True)

    assert done.stdout.decode() == (ROOT / "docs" / "api" / "persistproc.schema.json").read_text("utf-8")


def test_it_is_a_schema_in_which_everything_is_explained() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    tables = [SCHEMA, SCHEMA["definitions"]["process"]]
    properties = [(name, schema) for table in tables for name, schema in table["properties"].items()]

    assert [name for name, schema in properties if not schema["description"]] == []


@pytest.mark.parametrize("text", [WHOLE, *FORMS], ids=["whole", "short", "long"])
def test_what_is_read_is_valid(text: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(parse_toml(text))] == []


@pytest.mark.parametrize("name", [name for name in ONE_LINE if name not in BEYOND])
def test_what_is_wrong_is_not(tmp_path: Path, name: str) -> None:
    text = f"{WEB}{ONE_LINE[name][0]}\n"
    assert wrong(tmp_path, text)

    assert not VALIDATOR.is_valid(parse_toml(text))


@pytest.mark.parametrize("text", ["", "[processes]\n", "enviroment = 1\n" + WEB, "[processes.a]\ntty = true\n"])
def test_what_is_wrong_as_a_whole_is_not(text: str) -> None:
    assert not VALIDATOR.is_valid(parse_toml(text))
