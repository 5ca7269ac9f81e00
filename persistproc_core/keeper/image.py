"""The keeper's own program in memory, so that it can be executed once more when its files are not there any more.

Who upgrades a package replaces its files. When the new ones then cannot take over after all, the former program must
come back, and this process holds the only copy of it.
"""

from __future__ import annotations

import os

from .table import nameless

__all__ = ["make_image"]

_PACKAGE = __name__.rpartition(".")[0]

# The whole is one script. Modules come from it before they come from any file.
_SCRIPT = """\
import sys, _frozen_importlib
SOURCES = {sources!r}
class Loader:
    create_module = staticmethod(lambda spec: None)
    @staticmethod
    def exec_module(module):
        name = module.__spec__.name
        exec(compile(SOURCES[name], "former " + name, "exec"), module.__dict__)
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in SOURCES:
            return _frozen_importlib.ModuleSpec(name, Loader, is_package=name in {packages!r})
sys.meta_path.insert(0, Finder)
from {package}.main import begin
sys.exit(begin(sys.argv[1:])())
"""


def make_image(folder: str) -> int:
    """A descriptor of our program as one script; -1 when its sources cannot be read."""
    top = _PACKAGE.partition(".")[0]
    sources = {top: b"", **_sources(os.path.dirname(os.path.abspath(__file__)))}
    if len(sources) < 3:
        return -1
    script = _SCRIPT.format(sources=sources, packages=(top, _PACKAGE), package=_PACKAGE).encode()
    try:
        fd = nameless(folder)
    except OSError:
        return -1
    try:
        while script:
            script = script[os.write(fd, script) :]
    except OSError:
        os.close(fd)
        return -1
    return fd


def _sources(folder: str) -> dict[str, bytes]:
    sources = {}
    try:
        for name in sorted(os.listdir(folder)):
            if name.endswith(".py") and name != "__main__.py":
                module = _PACKAGE if name == "__init__.py" else f"{_PACKAGE}.{name[:-3]}"
                with open(os.path.join(folder, name), "rb") as file:
                    sources[module] = file.read()
    except OSError:
        return {}
    return sources
