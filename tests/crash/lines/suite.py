"""Suite ``lines``: enumerate, then die once at each."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import NamedTuple

from persistproc_core.errors import DaemonUnavailable, ReplaceFailed
from tests.crash.figures import Figures
from tests.crash.lines.scenes import SCENES, Scene
from tests.crash.lines.traced import CONTROL_VARIABLE, TracedWorld, control_path
from tests.crash.stage import Order, in_parts, stage

__all__ = ["BYSTANDERS", "PROMISES", "Point", "enumerate_points", "run_lines"]

PROMISES = ("lost", "duplicate", "unreadable", "output", "wrong_end", "errors")
BYSTANDERS = {"fresh": 0, "20-running": 20}
"""How many other processes run, by the name of the variant."""

_POINTS_A_HOME = 150
_QUIET_SECONDS = 0.3
_ANY_VERB = 0.2
_QUICK_SCENES, _SHORT_SCENES = 7, 2
_SAME_AS = {"successor": "daemon", "checker": "keeper"}
"""Roles in which the same code runs as in another one."""
_NAMES = {scene.name: scene for scene in SCENES}


class Point(NamedTuple):
    """A line of ours in a process of ours while a verb is carried out."""

    scene: str
    role: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.scene}/{self.role} {self.file}:{self.line}"


def run_lines(variant: str, order: Order) -> Figures:
    """Each line of each process once, in one of the verbs that come to it (chosen by the seed); ``size`` samples."""
    seen, points = enumerate_points(variant, order)
    if order.size:
        points = random.Random(order.seed).sample(points, min(order.size, len(points)))
        points.sort(key=lambda point: list(_NAMES).index(point.scene))
    parts = [points[first : first + _POINTS_A_HOME] for first in range(0, len(points), _POINTS_A_HOME)]
    return Figures.sum([in_parts(partial(_die_at, variant, order), parts, order.jobs), seen])


def enumerate_points(variant: str, order: Order) -> tuple[Figures, list[Point]]:
    """All lines that run, each in one verb; and what was found to be wrong although nobody died."""
    figures = Figures(f"lines-{variant}", PROMISES)
    # To enumerate takes longer than to die a few times.
    scenes = random.Random(order.seed).sample(SCENES[:_QUICK_SCENES], _SHORT_SCENES) if order.short else SCENES
    with _traced_world(variant, order, figures) as world:
        found = [Point(scene.name, *line) for scene in scenes for line in _lines_of(world, scene)]
    return figures, _each_line_once(found, random.Random(order.seed))


def _each_line_once(found: list[Point], chance: random.Random) -> list[Point]:
    """Of the verbs that come to a line the quickest one, and now and then any of them."""
    order = list(_NAMES)
    verbs: dict[tuple[str, str, int], list[Point]] = {}
    for point in found:
        verbs.setdefault((_SAME_AS.get(point.role, point.role), point.file, point.line), []).append(point)
    chosen = [
        chance.choice(points)
        if chance.random() < _ANY_VERB
        else min(points, key=lambda point: order.index(point.scene))
        for points in verbs.values()
    ]
    return sorted(chosen, key=lambda point: (order.index(point.scene), point))


@contextmanager
def _traced_world(variant: str, order: Order, figures: Figures) -> Iterator[TracedWorld]:
    with stage(figures, order, "tests.crash.lines.traced_daemon") as (home, _guard):
        os.environ[CONTROL_VARIABLE] = control_path(home)
        with closing(TracedWorld(home, figures, BYSTANDERS[variant])) as world:
            yield world


def _lines_of(world: TracedWorld, scene: Scene) -> list[tuple[str, str, int]]:
    with suppress(FileNotFoundError):
        os.unlink(world.control.list_path)
    scene.before(world)
    _settle()
    world.wake()
    world.control.record()
    scene.act(world)
    _settle()
    world.control.off()
    scene.after(world)
    with open(world.control.list_path, encoding="utf-8") as file:
        words = [line.split() for line in file]
    return sorted({(role, file, int(line)) for role, file, line in words})


def _settle() -> None:
    time.sleep(_QUIET_SECONDS / 2)  # what goes on behind an answer has no end that anybody is told of


def _die_at(variant: str, order: Order, points: Iterable[Point]) -> Figures:
    figures = Figures(f"lines-{variant}", PROMISES)
    with _traced_world(variant, order, figures) as world:
        for point in points:
            world.point, world.role = str(point), point.role
            try:
                _one(world, point)
            except Exception as error:
                world.control.off()
                world.find("errors", f"{type(error).__name__}: {error}")
            figures.n += 1
    return figures


def _one(world: TracedWorld, point: Point) -> None:
    scene = _NAMES[point.scene]
    for _attempt in range(2):
        world.insist(lambda: scene.before(world))
        if _strike(world, scene, point):
            break
    else:
        # Another order of events than in the first run: the line was not come to.
        world.figures.note("not_reached")
    world.check()
    world.insist(lambda: scene.act(world))
    scene.after(world)


def _strike(world: TracedWorld, scene: Scene, point: Point) -> bool:
    if point.role == "daemon":
        world.wake()
    world.control.kill(point.role, point.file, point.line)
    with suppress(DaemonUnavailable, ReplaceFailed):
        scene.act(world)
    return world.struck(_QUIET_SECONDS)


if __name__ == "__main__":
    for each in enumerate_points(sys.argv[1], Order(1, 0))[1]:
        print(each)
