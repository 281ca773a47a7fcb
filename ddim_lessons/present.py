"""``python -m ddim_lessons.present 07`` is ``ddim-lessons present 07``; with ``--check``, ``ddim-lessons check 07``."""

import sys

from .__main__ import main

if __name__ == "__main__":
    rest = [word for word in sys.argv[1:] if word != "--check"]
    sys.exit(main(["present" if rest == sys.argv[1:] else "check", *rest]))
