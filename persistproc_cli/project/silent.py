"""No view: the document that was asked for comes in the end."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import Event, ProcessResult

__all__ = ["SilentView"]


class SilentView:
    """Shows nothing."""

    pause: float | None = None

    def __enter__(self) -> SilentView:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing is left to be put away."""

    def tell(self, events: list[Event]) -> None:
        """What has happened."""

    def settle(self, results: list[ProcessResult]) -> None:
        """What became of each."""
