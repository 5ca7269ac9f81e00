"""Node and the programs in it, as package.json pins them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["HERE", "MODULES", "environment", "run", "run_json"]

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"


def environment(**variables: str) -> dict[str, str]:
    """This one's with these variables, and the programs of the packages first: Node itself is one of them."""
    merged = {**os.environ, **variables}
    return {**merged, "PATH": f"{MODULES / '.bin'}{os.pathsep}{merged.get('PATH', '')}"}


def run(
    *command: str,
    within: float,
    given: str = "",
    variables: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(
        command,
        input=given,
        env=environment(**(variables or {})),
        cwd=directory,
        capture_output=True,
        encoding="utf-8",
        timeout=within,
        check=False,
    )


def run_json(*command: str, within: float, given: str = "", variables: Mapping[str, str] | None = None) -> Any:
    """The same for one that prints JSON and must not fail."""
    done = run(*command, within=within, given=given, variables=variables)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout)
