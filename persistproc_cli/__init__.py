"""The command line: a thin client of the daemon's socket, on the standard library alone.

A whole ``persistproc list`` has to stay close to the start of the interpreter, so every import on the way counts:
no module here may import ``typing``, ``dataclasses``, ``subprocess`` or ``argparse`` at its top.
"""
