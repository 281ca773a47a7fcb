"""Wall seconds to run a lesson from top to bottom in a fresh kernel, as the refresh tool does; in turn.

python benchmarks/notebook_time.py
python benchmarks/notebook_time.py --rounds 5 00 06
"""

import argparse
import sys
from pathlib import Path

from rows import Row, in_turn, print_rows

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

import refresh_notebooks


def rows(rounds=3, wanted=()):
    """Yield a row for each lesson ``wanted``, for all if none is named."""
    paths = [p for p in sorted(refresh_notebooks.NOTEBOOKS.glob("*.ipynb")) if not wanted or p.name[:2] in wanted]
    ways = {f"lesson {path.name[:2]}": lambda _, path=path: refresh_notebooks.refresh(path) for path in paths}
    for name, seconds in in_turn(ways, rounds, warm=0).items():
        yield Row("A whole lesson in a fresh kernel", name, "s", seconds, beside=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("lessons", nargs="*")
    arguments = parser.parse_args()
    for _ in print_rows(rows(arguments.rounds, arguments.lessons)):
        pass


if __name__ == "__main__":
    main()
