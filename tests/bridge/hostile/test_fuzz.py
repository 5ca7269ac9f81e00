"""A short form of ``python -m tests.fuzz http``, on the bridge that the tests share."""

from __future__ import annotations

from tests.fuzz.http import BridgeHttp
from tests.fuzz.runner import Budget, run
from tests.kit.bridge import Bridge


def test_bytes_that_are_nearly_http(bridge: Bridge) -> None:
    figures = run(BridgeHttp(bridge), 20260301, Budget(200))
    assert figures.findings == []
