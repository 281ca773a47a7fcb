"""``python -m ddim_lessons.present 07`` is ``ddim-lessons present 07``."""

import sys

from .stage.present import main

if __name__ == "__main__":
    sys.exit(main())
