"""Whether a word is in a block of bytes: with most blocks a search does nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

__all__ = ["holds"]


def holds(data: bytes, word: bytes) -> bool:
    """True when the word is somewhere in the data."""
    return _finder()(data, word)


@cache
def _finder() -> Callable[[bytes, bytes], bool]:
    try:
        return _memmem()
    except (ImportError, OSError, AttributeError):  # a Python without ctypes, a C library without memmem
        return lambda data, word: word in data


def _memmem() -> Callable[[bytes, bytes], bool]:
    """memmem(3): twice as fast as bytes.find, and others may use the interpreter meanwhile."""
    import ctypes  # late, for it takes half a MiB: most daemons never search

    memmem = ctypes.CDLL(None).memmem
    memmem.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)
    memmem.restype = ctypes.c_void_p
    return lambda data, word: bool(memmem(data, len(data), word, len(word)))
