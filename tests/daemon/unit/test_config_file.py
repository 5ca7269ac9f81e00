"""What config.toml may say, and what is said about what it may not."""

from __future__ import annotations

import re

import pytest

from persistproc_core.daemon.keeping.config_file import CAREFUL, Config, ProcessLimits, parse
from persistproc_core.daemon.restarting.policy import Backoff
from tests.meta.sources import ROOT

MIB = 1024 * 1024
DEFAULT = Config()


def read(text: str, before: Config = DEFAULT) -> tuple[Config, list[str]]:
    return parse(text.encode(), before)


def test_an_empty_file_is_the_defaults() -> None:
    assert read("") == (Config(64 * MIB, 2048 * MIB, 20, {}), [])


def test_all_there_is() -> None:
    config, problems = read(
        """
        [output]
        stream_bytes = "16 MiB"
        total_bytes = 1000000000
        runs = 5

        [processes.web]
        stream_bytes = "256 MiB"

        [processes."shop/api"]
        runs = 50
        """
    )
    assert problems == []
    limits = {"web": ProcessLimits(256 * MIB), "shop/api": ProcessLimits(None, 50)}
    assert config == Config(16 * MIB, 1_000_000_000, 5, limits)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[output", "is not TOML: "),
        ("outputs = 1", "outputs: there is no such key; there are output, processes, restart"),
        ("output = 3", "output: a table is expected, not 3"),
        ("processes = [1]", "processes: a table is expected, not [1]"),
        ("[processes]\nweb = true", "processes.web: a table is expected, not true"),
        ("[output]\nbytes = 1", "output.bytes: there is no such key; there are stream_bytes, total_bytes, runs"),
        ("[output]\nruns = 0", "output.runs: a number from 1 to 1000 is expected, not 0; 20 is used"),
        ("[output]\nruns = '5'", "output.runs: a number from 1 to 1000 is expected, not '5'; 20 is used"),
        ("[output]\nruns = true", "output.runs: a number from 1 to 1000 is expected, not true; 20 is used"),
        ("[output]\nruns = 2.0", "output.runs: a number from 1 to 1000 is expected, not 2.0; 20 is used"),
        (
            "[output]\nstream_bytes = '64 Mops'",
            "output.stream_bytes: a size is expected, as 67108864 or \"64 MiB\", not '64 Mops'; 64 MiB is used",
        ),
        (
            "[output]\ntotal_bytes = -1",
            'output.total_bytes: a size is expected, as 67108864 or "64 MiB", not -1; 2 GiB is used',
        ),
        (
            "[output]\ntotal_bytes = '2 PiB'",
            "output.total_bytes: at most 1 PiB is possible, not '2 PiB'; 2 GiB is used",
        ),
        (
            "[output]\nruns = 0x1" + "0" * 5000,
            "output.runs: a number from 1 to 1000 is expected, not a number like that; 20 is used",
        ),
        (
            "[processes.web]\ntotal_bytes = 1",
            "processes.web.total_bytes: there is no such key; there are stream_bytes, runs",
        ),
        (
            '[processes."a/b"]\nruns = 1979-05-27',
            "processes.'a/b'.runs: a number from 1 to 1000 is expected, not datetime.date(1979, 5, 27)",
        ),
    ],
    ids=range(16),
)
def test_what_is_wrong_is_told_and_has_no_effect(text: str, problem: str) -> None:
    config, problems = read(text)
    assert (config.stream_bytes, config.total_bytes, config.runs) == DEFAULT[:3]
    (told,) = problems
    assert told.startswith(problem)
    assert told == problem or problem.endswith(": ")


def test_restarts() -> None:
    config, problems = read("[restart]\npause_seconds = 2\nlongest_pause_seconds = 7.5\nlimit = 9")
    assert (config.restart, problems) == (Backoff(2.0, 7.5, 60.0, 9), [])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("pause_seconds = -1", "restart.pause_seconds: seconds from 0 to 86400 are expected, not -1; 0.5 is used"),
        ("reset_seconds = nan", "restart.reset_seconds: seconds from 0 to 86400 are expected, not nan; 60 is used"),
        ("reset_seconds = '1m'", "restart.reset_seconds: seconds from 0 to 86400 are expected, not '1m'; 60 is used"),
        ("limit = 0", "restart.limit: a number from 1 to 1000 is expected, not 0; 5 is used"),
        ("limit = 2.5", "restart.limit: a number from 1 to 1000 is expected, not 2.5; 5 is used"),
        ("limit = true", "restart.limit: a number from 1 to 1000 is expected, not true; 5 is used"),
        (
            "pauses = 1",
            "restart.pauses: there is no such key; there are pause_seconds, longest_pause_seconds, reset_seconds, "
            "limit",
        ),
    ],
    ids=range(7),
)
def test_what_is_wrong_with_restarts(text: str, problem: str) -> None:
    config, problems = read(f"[restart]\n{text}")
    assert (config.restart, problems) == (Backoff(), [problem])


def test_the_rest_of_a_partly_wrong_file_counts() -> None:
    config, problems = read(
        "nonsense = 1\n[output]\nruns = -3\ntotal_bytes = '1 GiB'\n[processes.web]\nruns = 3\nx = 1"
    )
    assert config == Config(64 * MIB, 1024 * MIB, 20, {"web": ProcessLimits(None, 3)})
    assert len(problems) == 3


def test_what_is_wrong_keeps_what_it_was() -> None:
    """A limit that falls back to the default because of a slip would delete output."""
    before, _ = read("[output]\ntotal_bytes = '50 GiB'\n[processes.web]\nruns = 300")
    for text in (
        "[output\n",
        "\xff",
        "[output]\ntotal_bytes = '50 Gigs'\n[processes.web]\nruns = 'many'",
        "[" * 100_000,
    ):
        config, problems = parse(text.encode("latin-1"), before)
        assert problems
        assert config == before
    assert read("", before) == (DEFAULT, [])


@pytest.mark.parametrize(
    "text",
    [
        "[output]\ntotal_byte = '9 GiB'\nrun = 7\n[processes.web]\nrnus = 300",
        "[ouput]\ntotal_bytes = '50 GiB'\n[processes.web]\nruns = 300",
        "output = 7\n[processes.web]\nruns = 300",
    ],
    ids=["key", "table", "no table"],
)
def test_what_may_be_misspelt_keeps_what_it_was(text: str) -> None:
    before, _ = read("[output]\ntotal_bytes = '50 GiB'\nruns = 30\n[processes.web]\nruns = 300")
    config, problems = read(text, before)
    assert problems
    assert config == before


def test_where_nothing_was_read_before_nothing_is_deleted() -> None:
    config, problems = read("[output]\nruns = 0\ntotal_bytes = '3 GiB'\n[processes.web]\nruns = 'x'", CAREFUL)
    assert len(problems) == 2
    assert (config.total_bytes, config.runs) == (3 * 1024 * MIB, 1000)
    assert config.processes == {"web": ProcessLimits(None, 1000)}
    assert read("[output", CAREFUL)[0] == CAREFUL
    assert read("", CAREFUL) == (DEFAULT, [])


def test_the_page_shows_what_can_be_read() -> None:
    page = (ROOT / "docs" / "user-guide" / "configuration.md").read_text("utf-8")
    defaults, processes, restarts = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert read(defaults) == (DEFAULT, [])
    assert read(restarts) == (DEFAULT, [])
    assert restarts.count("=") == len(DEFAULT.restart), "all of them"
    config, problems = read(processes)
    assert problems == []
    assert config.processes == {"web": ProcessLimits(256 * MIB), "shop/worker": ProcessLimits(8 * MIB, 5)}
