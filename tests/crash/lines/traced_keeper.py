"""The keeper, which can be killed at any line; started by a traced daemon with ``-I -S``, as the real one is."""

import os
import runpy
import sys

sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))))

from persistproc_core import keeper
from tests.crash.lines.control import Control
from tests.crash.lines.tracer import Tracer

if __name__ == "__main__":
    package = os.path.dirname(os.path.dirname(os.path.abspath(keeper.__file__)))
    role = "checker" if sys.argv[1] == "--check" else "keeper"
    Tracer(Control(os.environ["PP_CRASH_CONTROL"]), role, package, always=True).begin()
    runpy.run_path(os.path.join(os.path.dirname(keeper.__file__), "__main__.py"), run_name="__main__")
