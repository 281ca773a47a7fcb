"""Time to import layer 0 against ``import torch``: fresh processes in turn, median of the runs.

python benchmarks/import_time.py
"""

import subprocess
import sys
import time
from statistics import median

MODULES = ("ddim", "split", "oracle", "toy_data", "metrics", "checks")
LAYER_0 = "import " + ", ".join(f"ddim_lessons.{name}" for name in MODULES)
COMMANDS = {"layer 0": LAYER_0, "numpy alone": "import numpy", "torch": "import torch"}


def seconds(code):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    runs = {name: [] for name in COMMANDS}
    for _ in range(8):
        for name, code in COMMANDS.items():
            runs[name].append(seconds(code))
    middle = {name: median(times[1:]) for name, times in runs.items()}
    for name, value in middle.items():
        print(f"{name:12} {value:5.2f} s   {value / middle['torch']:4.2f} of torch")
