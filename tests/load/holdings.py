"""What processes hold, and whether it grows."""

from __future__ import annotations

import statistics
from typing import NamedTuple

import psutil

__all__ = ["Slope", "connections_to", "descriptors", "slope"]


class Slope(NamedTuple):
    """How memory went with the number of calls, after the warm-up."""

    kib_per_call: float
    """By least squares over all samples: single ones go up and down with what the allocator keeps."""
    first_mib: float
    last_mib: float


def slope(samples: list[tuple[int, int]]) -> Slope:
    """Of pairs of calls made and bytes held; the first half of them is the warm-up.

    An interpreter takes memory in steps of 256 KiB to 1 MiB (arenas and the C library's heaps) while more and more of
    what is rare happens for the first time.
    """
    used = samples[len(samples) // 2 :]
    calls, held = zip(*used, strict=True)
    gradient = statistics.linear_regression(calls, held).slope
    return Slope(gradient / 1024, held[0] / 2**20, held[-1] / 2**20)


def descriptors(pid: int) -> int:
    """How many descriptors the process has open."""
    return psutil.Process(pid).num_fds()


def connections_to(pid: int, path: str) -> int:
    """The connections that the process has accepted on its Unix socket."""
    sockets = [each for each in psutil.Process(pid).net_connections("unix") if str(each.laddr) == path]
    return len(sockets) - 1  # the one that listens
