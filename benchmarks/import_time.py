"""Time to import the science and the checks beside ``import numpy`` and ``import torch``: fresh processes in turn.

python benchmarks/import_time.py
"""

import subprocess
import sys

from rows import Row, in_turn, print_rows

MODULES = ("ddim", "split", "oracle", "toy_data", "metrics", "teaching.checks")
SCIENCE = "import " + ", ".join(f"ddim_lessons.{name}" for name in MODULES)
CODE = {"science": SCIENCE, "numpy alone": "import numpy", "torch": "import torch"}


def rows(rounds=7):
    """Yield the rows of wall seconds."""
    ways = {
        name: lambda _, code=code: subprocess.run([sys.executable, "-c", code], check=True)
        for name, code in CODE.items()
    }
    for name, seconds in in_turn(ways, rounds).items():
        yield Row("Import in a fresh process", name, "s", seconds)


if __name__ == "__main__":
    for _ in print_rows(rows()):
        pass
