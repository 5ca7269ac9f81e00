"""``python -m persistproc_cli``: the same as ``persistproc``."""

import sys

from .main import main

sys.exit(main())
