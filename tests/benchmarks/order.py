"""Whether lines that a child writes in turn to stdout and stderr come back in that order."""

from __future__ import annotations

from itertools import pairwise

from tests.benchmarks.figures import Figure, Scale
from tests.benchmarks.hub import Hub
from tests.kit import program

__all__ = ["order"]

# The gap in ms, the share of the scale's lines, and the aim in percent.
_GAPS = ((0.2, 1.0, None), (1.0, 0.5, 1.0), (5.0, 0.1, 1.0), (20.0, 0.05, 0.0))


def order(hub: Hub, scale: Scale) -> list[Figure]:
    """a child writes numbered lines in turn to stdout and stderr: lines that do not follow the one before"""
    figures = []
    for gap, share, aim in _GAPS:
        count = max(int(scale.alternations * share), 2)
        wrong = _wrong(hub, count, gap)
        figures.append(Figure(f"order, {gap:g} ms gaps, out of order", 100 * wrong / count, "%", aim, f"of {count}"))
    return figures


def _wrong(hub: Hub, count: int, gap: float) -> int:
    name = "alternate"
    hub.client.start_process(command=program("alternate", count, gap), name=name)
    hub.client.wait_for_process(process=name, exit=True, timeout_seconds=600)
    reply = hub.client.get_process_output(process=name, lines=count, max_bytes=256 * 1024)
    numbers = [int(line["text"]) for line in reply["lines"]]
    assert sorted(numbers) == list(range(count)), f"{count} lines were written, {len(numbers)} came back"
    hub.remove([name])
    return sum(after != before + 1 for before, after in pairwise(numbers))
