"""Record what lesson 06 shows but does not wait for: ``data/results/lesson_06.json`` and ``lesson_06.npz``.

    python tools/record_training.py             # about ten minutes on one core
    python tools/record_training.py --tables    # or one part alone: --tables, --snapshots, --digits

* tables: quality and cost on the moons, with batch, width and steps changed one at a time, three seeds each;
* snapshots: the averaged weights of one run on the moons at several steps, in 16 bits;
* digits: the same twelve x_T sampled after several steps of training a small U-Net on the digits.
"""

import argparse
import json
import time

import numpy as np
import torch

from ddim_lessons.ddim import ddim_sample
from ddim_lessons.figures.plots import as_ink
from ddim_lessons.files import DATA
from ddim_lessons.learning.networks import DigitUNet, PointMLP, eps_fn
from ddim_lessons.learning.training import Run, fit
from ddim_lessons.lessons.lesson_06.pictures import MOONS, SNAPSHOTS, new_network, points, quality
from ddim_lessons.schedules import make_tau
from ddim_lessons.toy_data import load_digits

RESULTS = DATA / "results" / "lesson_06"
SEEDS = (0, 1, 2)
CHANGES = [("width", 16), ("width", 32), ("width", 128), ("batch", 16), ("batch", 64), ("batch", 1024), ("power", 1.0)]
CHANGES += [("steps", n) for n in (250, 500, 1000, 4000, 8000)]
DIGIT_STEPS = (0, 30, 100, 300, 1000, 3000)


def train(seed, width=64, steps=2000, batch=256, power=2.0):
    """Train one network on the moons; returns (its averaged network, CPU seconds)."""
    start = time.process_time()
    network = new_network(PointMLP, seed, width=width)
    run = Run(network, points(), steps=steps, batch=batch, power=power, seed=seed, device="cpu")
    for _ in fit(run, every=steps):
        pass
    return run.average, time.process_time() - start


def row(**changes):
    """Train with some settings changed, once for each seed; returns the medians as one row of the table."""
    trained = [train(seed, **changes) for seed in SEEDS]
    found = [quality(eps_fn(average), MOONS, seed) for seed, (average, _) in enumerate(trained)]
    distance, excess = np.median([(q.distance, q.excess) for q in found], axis=0)
    seconds = np.median([seconds for _, seconds in trained])
    weights = sum(p.numel() for p in trained[0][0].parameters())
    return (
        changes
        | {"distance": round(distance, 2), "excess": round(excess, 5), "seconds": round(seconds, 1)}
        | {"weights": weights}
    )


def record_tables():
    """Write the table of medians over three seeds."""
    rows = [row()] + [row(**{name: value}) for name, value in CHANGES]
    facts = {
        "data": "moons, 20,000 points",
        "default": {"width": 64, "steps": 2000, "batch": 256, "power": 2.0},
        "distance": "sliced W2 of 4,000 samples, η = 0, S = 50, in noise floors; root mean square of four",
        "excess": "mean square of ε̂ − E[ε|x_t], a coordinate, mean over t",
        "seconds": "CPU seconds of one training",
        "hardware": "CPU, 1 thread",
        "seeds": "median of 3",
    }
    RESULTS.with_suffix(".json").write_text(json.dumps(facts | {"rows": rows}, indent=1, ensure_ascii=False) + "\n")


def snapshots():
    """Return the averaged weights after each of ``SNAPSHOTS`` steps of the default run, shape (steps, weights)."""
    run, kept = Run(new_network(PointMLP, 0), points(), device="cpu"), {}
    kept[0] = torch.nn.utils.parameters_to_vector(run.average.parameters()).half().numpy()
    for progress in fit(run, every=1):
        if progress.step in SNAPSHOTS:
            kept[progress.step] = torch.nn.utils.parameters_to_vector(run.average.parameters()).half().numpy()
    return np.stack([kept[step] for step in SNAPSHOTS])


def digits_during_training():
    """Return 12 pictures after each of ``DIGIT_STEPS``, from the same x_T, as 8-bit greys of shape (steps, 12, 64)."""
    images, _ = load_digits()
    run = Run(new_network(DigitUNet, 0), images, steps=DIGIT_STEPS[-1], batch=128, lr=4e-3, device="cpu")
    x_T, alpha_bar = np.random.default_rng(0).standard_normal((12, 64)), run.model.schedule

    def sample():
        x = ddim_sample(x_T, eps_fn(run.average), alpha_bar, make_tau(1000, 50))
        return as_ink(x).astype(np.uint8)

    pictures = [sample()]
    for progress in fit(run, every=10):
        if progress.step in DIGIT_STEPS:
            pictures.append(sample())
            print(progress, flush=True)
    return np.stack(pictures)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = ("tables", "snapshots", "digits")
    for part in parts:
        parser.add_argument(f"--{part}", action="store_true", help=f"record the {part} alone")
    chosen = [part for part in parts if getattr(parser.parse_args(), part)] or parts
    torch.set_num_threads(1)
    RESULTS.parent.mkdir(exist_ok=True)
    path = RESULTS.with_suffix(".npz")
    arrays = dict(np.load(path, allow_pickle=False)) if path.is_file() else {}
    if "snapshots" in chosen:
        arrays["snapshots"] = snapshots()
    if "digits" in chosen:
        arrays |= {"digits": digits_during_training(), "digit_steps": np.array(DIGIT_STEPS)}
    if "snapshots" in chosen or "digits" in chosen:
        np.savez_compressed(path, **arrays)
    if "tables" in chosen:
        record_tables()


if __name__ == "__main__":
    main()
