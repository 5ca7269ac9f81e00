"""SIGKILL right before each line of our own code that runs while a verb is carried out (suite ``lines``).

There is no list of dangerous places to keep up to date: `sys.settrace` tells which lines run, and each is a point, so
a line without a point cannot be written. The product has no hook for it.
"""
