"""Our terminal, lent to a process: ``persistproc attach`` and ``run --tty``."""
