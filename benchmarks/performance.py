"""The suite's whole performance table beside its peers, in one command; about half an hour on two cores.

    pip install diffusers smalldiffusion && python benchmarks/performance.py
    python benchmarks/performance.py --only import sampling        # some parts; nothing is written
    python benchmarks/performance.py --kaist PATH/2d_plot_diffusion_todo

Each line is the median with its quartiles, the 95th percentile and the number of runs; the first line of a group is
ours (or the floor, where the group says so), the others say how many times the first they take. A peer that is not
installed is left out. The whole table is written to data/results/performance.json with the hardware's name; run it on
a machine that does nothing else.
"""

import argparse
import importlib.util
import json
import math
import platform
import time
from importlib.metadata import version
from pathlib import Path

import detection_tick
import import_time
import key_to_picture
import notebook_time
import sampling
import slider_tick
import torch
import train_2d
from rows import print_rows

RECORD = Path(__file__).resolve().parents[1] / "data" / "results" / "performance.json"
THREADS = 2
TRAINING_LIMIT = 30  # seconds after which a recipe is given up


def training_rows(kaist):
    """Yield the rows of training to quality: one seed for peers is too few, so three for all."""
    recipes = train_2d.peers(None, kaist)
    if importlib.util.find_spec("smalldiffusion"):
        recipes["smalldiffusion"] = train_2d.train_smalldiffusion
    yield from train_2d.rows(recipes, train_2d.DATA_SETS, 3, TRAINING_LIMIT, time.perf_counter, "cpu")


def parts(kaist=None):
    """Return {name: a function that gives the rows of that part}."""
    return {
        "import": import_time.rows,
        "slider": slider_tick.rows,
        "detection": detection_tick.rows,
        "sampling": sampling.rows,
        "notebooks": notebook_time.rows,
        "browser": key_to_picture.rows,
        "training": lambda: training_rows(kaist),
    }


def as_record(row):
    """Return a row as JSON keeps it; null for what never happened."""
    keys = ("low", "median", "high", "p95")
    values = [*row.quartiles(), row.p95()]
    numbers = {key: None if math.isinf(v) else float(f"{v:.3g}") for key, v in zip(keys, values, strict=True)}
    return {"group": row.group, "name": row.name, "unit": row.unit, **numbers, "runs": len(row.values)}


def processor():
    """Return the processor's name, where the system tells."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


def facts():
    """Return what the figures depend on: hardware and versions."""
    versions = {name: version(name) for name in ("torch", "numpy", "matplotlib", "jupyterlab", "ipywidgets")}
    where = {"processor": processor(), "machine": platform.machine(), "torch_threads": THREADS}
    return where | {"python": platform.python_version()} | versions


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(parts()), help="some parts; then nothing is written")
    parser.add_argument("--kaist", type=Path, help="folder of the course assignment that holds network.py")
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    chosen = {name: part for name, part in parts(arguments.kaist).items() if name in (arguments.only or parts())}
    table = [as_record(row) for part in chosen.values() for row in print_rows(part())]
    if not arguments.only:
        RECORD.write_text(json.dumps(facts() | {"rows": table}, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
