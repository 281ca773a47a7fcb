"""The suite's whole performance table beside its peers, in one command; about half an hour on two cores.

    pip install diffusers && python benchmarks/performance.py
    python benchmarks/performance.py --only import sampling        # some parts; nothing is written
    python benchmarks/performance.py --smalldiffusion PATH/src --kaist PATH/2d_plot_diffusion_todo

Each line is the median with its quartiles, the 95th percentile and the number of runs; the first line of a group is
ours (in sampling the bare network calls, the floor of all), the others say how many times the first they take.
diffusers is left out where it is not installed, the peers of training where their folders (see train_2d.py) are not
given. The whole table is written to data/results/performance.json with the hardware's name; run it on
a machine that does nothing else, and afterwards tools/export_data.py, which writes the manifest.
"""

import argparse
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
SEEDS, TRAINING_LIMIT = 3, 30  # a recipe that has trained for so many seconds is given up


def parts(recipes):
    """Return {name: a function that gives the rows of that part}; ``recipes`` are those of training."""
    training = (recipes, train_2d.DATA_SETS, SEEDS, TRAINING_LIMIT, time.perf_counter, "cpu")
    return {
        "import": import_time.rows,
        "slider": slider_tick.rows,
        "detection": detection_tick.rows,
        "sampling": sampling.rows,
        "notebooks": notebook_time.rows,
        "browser": key_to_picture.rows,
        "training": lambda: train_2d.rows(*training),
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
    parser.add_argument("--only", nargs="+", choices=list(parts({})), help="some parts; then nothing is written")
    parser.add_argument("--smalldiffusion", type=Path, help="folder that holds the package smalldiffusion")
    parser.add_argument("--kaist", type=Path, help="folder that holds network.py")
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    everything = parts(train_2d.peers(arguments.smalldiffusion, arguments.kaist))
    chosen = arguments.only or list(everything)
    table = [as_record(row) for name in chosen for row in print_rows(everything[name]())]
    if not arguments.only:
        RECORD.write_text(json.dumps(facts() | {"rows": table}, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
