"""Entry of `python -m goshawk_training`."""

import sys

from .cli import main

sys.exit(main())
