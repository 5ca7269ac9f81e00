"""All targets by name."""

from __future__ import annotations

from typing import Final

from tests.fuzz.daemon import DaemonSocket
from tests.fuzz.http import BridgeHttp
from tests.fuzz.keeper import KeeperSocket
from tests.fuzz.lines import Frames, Framing
from tests.fuzz.model import Model
from tests.fuzz.project_files import ProjectFiles
from tests.fuzz.records import Bookmarks, Configuration, Journal, OutputMarks, Records
from tests.fuzz.starts import Starts
from tests.fuzz.target import Target
from tests.fuzz.words import CommandLines, LightJson, Sanitized

__all__ = ["TARGETS"]

TARGETS: Final[dict[str, type[Target]]] = {
    target.name: target
    for target in (
        Framing,
        Frames,
        Sanitized,
        CommandLines,
        LightJson,
        Configuration,
        Journal,
        Bookmarks,
        OutputMarks,
        Records,
        ProjectFiles,
        DaemonSocket,
        Starts,
        Model,
        KeeperSocket,
        BridgeHttp,
    )
}
