"""``python -m ddim_lessons.pages 07`` is ``ddim-lessons page 07``."""

import sys

from .stage.pages import main

if __name__ == "__main__":
    sys.exit(main())
