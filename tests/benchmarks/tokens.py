"""``python -m tests.benchmarks.tokens``: what the tools cost a model, in tokens: definitions, instructions, answers.

Counted with o200k_base, the vocabulary of the npm package gpt-tokenizer; it needs Node and that package:
``npm install --prefix DIR gpt-tokenizer`` and ``TOKENIZER=DIR``. Other models count some tenths more or less.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from persistproc_mcp.tools.declared import TOOLS
from persistproc_mcp.tools.instructions import INSTRUCTIONS
from tests.benchmarks.figures import Figure, Scale
from tests.benchmarks.hub import Hub

__all__ = ["count", "definitions", "main", "tokens"]

_EXAMPLES = Path(__file__).resolve().parent.parent / "bridge" / "tools" / "examples.json"
_COUNT = """\
import {encode} from "gpt-tokenizer/encoding/o200k_base"
import fs from "fs"
console.log(JSON.stringify(JSON.parse(fs.readFileSync(0, "utf8")).map(text => encode(text).length)))
"""


def definitions() -> dict[str, str]:
    """Each tool as a model is shown it: name, description and input schema, as compact JSON."""
    return {
        tool.name: json.dumps(
            {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema},
            separators=(",", ":"),
        )
        for tool in TOOLS.values()
    }


def count(texts: list[str], folder: str) -> list[int]:
    """The tokens of each text. Raises `OSError` without Node and CalledProcessError without the package."""
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", _COUNT],
        cwd=folder,
        input=json.dumps(texts),
        capture_output=True,
        check=True,
        encoding="utf-8",
        timeout=60,
    )
    counts: list[int] = json.loads(done.stdout)
    return counts


def tokens(hub: Hub, scale: Scale) -> list[Figure]:
    """what definitions, instructions and answers of the tools cost a model; in tokens where TOKENIZER is set"""
    folder = os.environ.get("TOKENIZER")
    defined = definitions()
    answers = [each["answer"] for each in json.loads(_EXAMPLES.read_text("utf-8"))]
    texts = [f"[{','.join(defined.values())}]", INSTRUCTIONS, *defined.values(), *answers]
    counts = [len(text.encode("utf-8")) for text in texts] if folder is None else count(texts, folder)
    unit = "bytes" if folder is None else "tokens"
    each, told = counts[2 : 2 + len(defined)], counts[2 + len(defined) :]
    detail = ", ".join(f"{name} {number}" for name, number in zip(defined, each, strict=True))
    return [
        Figure("tools, all definitions", counts[0], unit, None if folder is None else 1300, detail),
        Figure("tools, instructions", counts[1], unit),
        Figure("tools, answers to the fixed questions, median", statistics.median(told), unit, None, f"of {len(told)}"),
        Figure("tools, answers to the fixed questions, most", max(told), unit),
    ]


def main() -> int:
    """Print the counts."""
    folder = os.environ.get("TOKENIZER")
    if folder is None:
        print("TOKENIZER names no folder with the npm package gpt-tokenizer", file=sys.stderr)
        return 2
    defined = definitions()
    examples = json.loads(_EXAMPLES.read_text("utf-8"))
    titles = [*defined, "all definitions", "instructions"]
    texts = [*defined.values(), f"[{','.join(defined.values())}]", INSTRUCTIONS]
    titles += [f"answer: {each['tool']}({json.dumps(each['arguments'])})" for each in examples]
    texts += [each["answer"] for each in examples]
    for title, tokens in zip(titles, count(texts, folder), strict=True):
        print(f"{tokens:5}  {title}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
