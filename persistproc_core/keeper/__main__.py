"""Entry point: ``python -I -S .../keeper/__main__.py --fd N SOCKET HOLDER LOCK LOG``; only the daemon starts it.

``-I -S`` keeps site packages and the user's environment out, so this file finds its own folder by itself.
"""

import os
import sys

# Appended, never inserted: a package of the same name as a built-in module must not shadow it.
sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from persistproc_core.keeper.program import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
