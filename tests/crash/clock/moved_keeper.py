"""The keeper with a moved clock; started with ``-I -S``, as the real one is."""

import os
import runpy
import sys

sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))))

from persistproc_core import keeper
from tests.crash.clock.shift import VARIABLE, move_clock

if __name__ == "__main__":
    move_clock(os.environ[VARIABLE])
    runpy.run_path(os.path.join(os.path.dirname(keeper.__file__), "__main__.py"), run_name="__main__")
