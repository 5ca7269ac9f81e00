"""Entry point: ``python -I -S .../relay/__main__.py [--home DIR] [--port N | --no-port]``, as ``persistproc mcp`` says.

``-I -S`` keeps site packages out, which an agent would pay for at each start, so this file finds its own folder by
itself.
"""

import os
import sys

# Appended, never inserted: a package of the same name as a built-in module must not shadow it.
sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from persistproc_mcp.relay.program import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
