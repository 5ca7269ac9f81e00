"""The bridge with the fixtures of the conformance suite: ``python -m tests.agents.conformance_server OPTIONS``."""

from __future__ import annotations

import sys

import persistproc_mcp.app
from persistproc_mcp.__main__ import main
from persistproc_mcp.endpoint.server import Endpoint
from persistproc_mcp.hub import Hub
from tests.agents.fixtures import install


class _WithFixtures(Endpoint):
    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        install(self.server)


if __name__ == "__main__":
    setattr(persistproc_mcp.app, "Endpoint", _WithFixtures)  # noqa: B010 - the type of a module's name is fixed
    sys.exit(main())
