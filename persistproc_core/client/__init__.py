"""The client library: `Client` (blocking, standard library only) and `AsyncClient` (anyio, on asyncio and trio).

Both are loaded when they are first used: importing this package, or `persistproc_core.client.sync`, imports no anyio.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .aio import AsyncClient
    from .sync import Client
    from .wire import piece_bytes

__all__ = ["AsyncClient", "Client", "piece_bytes"]

_HOME_OF = {"AsyncClient": "aio", "Client": "sync", "piece_bytes": "wire"}


def __getattr__(name: str) -> object:
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value: object = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
