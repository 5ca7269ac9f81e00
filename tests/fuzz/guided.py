"""``python -m tests.fuzz.guided [TARGET ...] [--seed N] [--seconds N]``: the same targets, guided by coverage.

By Atheris (https://github.com/google/atheris), where it installs: it has wheels for CPython 3.11 and newer on Linux.
Elsewhere this says so and does nothing. One line a target: ``name  cases  violations  seconds  edges``.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

__all__ = ["PARSERS"]

PARSERS = ("framing", "frames", "sanitize", "command", "json", "config", "journal", "bookmark", "records")
"""Targets without a program: what is guided by coverage must be in this process."""

_LONGEST = 4096


def main() -> int:
    """Run each in a process of its own: libFuzzer ends the one that it ran in."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided")
    parser.add_argument("names", nargs="*", metavar="TARGET", help=f"of {', '.join(PARSERS)}; all without one")
    parser.add_argument("--seed", type=int, default=1, help="of libFuzzer (default: 1)")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    parser.add_argument("--alone", metavar="FOLDER", help=argparse.SUPPRESS)
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in PARSERS]
    if unknown:
        parser.error(f"there is no target {unknown[0]}; there are {', '.join(PARSERS)}")
    if importlib.util.find_spec("atheris") is None:
        print("guided: left out, for Atheris is not installed (it has wheels for CPython 3.11 and newer on Linux)")
        return 0
    if given.alone:
        _fuzz(given.names[0], given.seed, given.seconds, given.alone)
    return max(_guided(name, given.seed, given.seconds) for name in given.names or PARSERS)


def _guided(name: str, seed: int, seconds: int) -> int:
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pp-fuzz-") as folder:
        command = [sys.executable, "-m", "tests.fuzz.guided", name, "--alone", folder]
        command += ["--seed", str(seed), "--seconds", str(seconds)]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace"
        )
        said = done.stdout + done.stderr
        failed = done.returncode != 0
        if failed:
            for path in Path(folder).glob("crash-*"):
                said += f"\nsaved as {_kept(name, path)}"
    runs = [
        int(number)
        for number in re.findall(r"^#(\d+)|^Done (\d+) runs", said, re.MULTILINE)
        for number in number
        if number
    ]
    edges = re.findall(r" cov: (\d+)", said)
    figures = [f"{max(runs, default=0):>9,}", str(int(failed)), f"{time.monotonic() - begun:.1f}"]
    print("  ".join([f"{name:8}", *figures, f"edges {edges[-1] if edges else '?'}"]), flush=True)
    if failed:
        print(said[-6000:], file=sys.stderr)
    return int(failed)


def _kept(name: str, path: Path) -> Path:
    runner = importlib.import_module("tests.fuzz.runner")
    kept: Path = runner.saved(name, path.read_bytes())
    return kept


def _fuzz(name: str, seed: int, seconds: int, folder: str) -> None:
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["persistproc_core", "persistproc_cli"]):
        target = importlib.import_module("tests.fuzz.targets").TARGETS[name]()
    corpus = Path(folder, "corpus")
    corpus.mkdir()
    for number, case in enumerate([*target.corpus(), *target.seeds()[:2000]]):
        (corpus / str(number)).write_bytes(case)
    options = [f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={_LONGEST}", f"-artifact_prefix={folder}/"]
    with target:
        atheris.Setup([sys.argv[0], str(corpus), *options], target.check)
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
