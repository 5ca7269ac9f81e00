"""Named fields as bytes: what one program of the keeper tells the one that takes its place.

The two may be of any two versions, the older one the successor as well. So nobody stumbles over a name that he does not
know, and each that is missing has a value.
"""

from __future__ import annotations

from .wire import pack, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Fields", "dump"]


def dump(**fields: bytes | int | Iterable[bytes]) -> bytes:
    """The fields as bytes."""
    return pack(part for name, value in fields.items() for part in (name.encode(), _packed(value)))


def _packed(value: bytes | int | Iterable[bytes]) -> bytes:
    if isinstance(value, bytes):
        return value
    return b"%d" % value if isinstance(value, int) else pack(value)


class Fields:
    """Fields that were dumped."""

    __slots__ = ("_fields",)

    def __init__(self, data: bytes) -> None:
        """Raises `ValueError`."""
        words = unpack(data)
        self._fields = dict(zip(words[::2], words[1::2], strict=True))

    def text(self, name: str) -> bytes:
        """A field as it is; empty when it is not there."""
        return self._fields.get(name.encode(), b"")

    def number(self, name: str, default: int = 0) -> int:
        """A number. Raises `ValueError`."""
        value = self.text(name)
        return int(value) if value else default

    def several(self, name: str) -> list[bytes]:
        """A list. Raises `ValueError`."""
        return unpack(self.text(name))

    def numbers(self, name: str) -> list[int]:
        """A list of numbers. Raises `ValueError`."""
        return [int(word) for word in self.several(name)]
