"""``python -m ddim_lessons.pages 07`` is ``ddim-lessons page 07``."""

import sys

from .__main__ import main

if __name__ == "__main__":
    sys.exit(main(["page", *sys.argv[1:]]))
