"""persistproc's core: the protocol, the daemon, the keeper and the client library.

Importing this package loads nothing else, so that a command line pays only for what it uses.
"""

__version__ = "0.1.0"
