"""Starts and stops: one, one after another, over ten connections, and all at once."""

from __future__ import annotations

from persistproc_core.client import Client
from tests.benchmarks.figures import Figure, Scale, spread, stopwatch
from tests.benchmarks.hub import Hub, start_sleeper

__all__ = ["start", "starts", "stop"]


def _stop(client: Client, name: str) -> object:
    return client.stop_process(process=name)


def start(hub: Hub, scale: Scale) -> list[Figure]:
    """from the request to the reply that says the command was executed, one after another; then the stop of each"""
    begun, ended = [], []
    for number in range(scale.starts):
        name = f"one-{number}"
        with stopwatch() as watch:
            start_sleeper(hub.client, name)
        begun.append(watch.seconds)
        with stopwatch() as watch:
            _stop(hub.client, name)
        ended.append(watch.seconds)
        hub.client.remove_process(process=name)
    return spread("start", begun, (15, 50)) + spread("stop of one", ended, (50, 200))


def starts(hub: Hub, scale: Scale) -> list[Figure]:
    """many starts, and stops, one after another and over ten connections"""
    figures = []
    names = [f"many-{number}" for number in range(scale.burst)]
    for connections, said in ((1, "one after another"), (10, "over 10 connections")):
        seconds = hub.each(names, start_sleeper, connections)
        figures.append(Figure(f"{scale.burst} starts, {said}", seconds, "s", 1.0))
        seconds = hub.each(names, _stop, connections)
        figures.append(Figure(f"{scale.burst} stops, {said}", seconds, "s", 2.5))
        hub.remove(names)
    return figures


def stop(hub: Hub, scale: Scale) -> list[Figure]:
    """all stopped at once, each over a connection of its own"""
    with hub.sleepers(scale.burst) as names:
        seconds = hub.each(names, _stop, connections=scale.burst)
    return [Figure(f"{scale.burst} stops at once", seconds, "s", 2.5)]
