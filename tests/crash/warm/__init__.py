"""Daemons that start in a tenth of the time: forked from a process that has imported their code already.

A campaign starts a daemon for each of its thousands of points, and importing is nine tenths of such a start. What is
left out is the import alone: the daemon's own `main` runs with the arguments, environment and descriptors that the
client gave, in a process of its own.
"""

from tests.crash.warm.interpreter import WarmInterpreter

__all__ = ["WarmInterpreter"]
