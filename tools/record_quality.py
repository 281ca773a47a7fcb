"""Record lesson 08's tables: ``data/results/lesson_08.npz``.

    python tools/record_quality.py              # about 13 CPU minutes on one core
    python tools/record_quality.py --points     # or one part alone: --points, --digits, --spacing, --dimension

* points, digits: every case, level and S of ``ddim_lessons.learning.cases``: metrics of all samples of the seeds,
  their standard errors (jackknife over the seeds), a few samples of the first seed, and the noise floors;
* spacing: digits at S = 10 and 20 with linear and quadratic τ, η = 0 and 1;
* dimension: the exact denoiser of the digits' first d principal components, S = 10, η = 0 and 1.
"""

import argparse
import time
from itertools import product

import numpy as np
import torch

from ddim_lessons.ddim import ddim_sample
from ddim_lessons.figures.plots import as_ink
from ddim_lessons.files import DATA
from ddim_lessons.learning.cases import ALPHA_BAR, CASES, DENOISERS, LEVELS, STEPS, metrics_of
from ddim_lessons.learning.quality import DIGITS, floors, measure_with_error, sample_case
from ddim_lessons.metrics import sliced_w2
from ddim_lessons.oracle import finite_eps_fn
from ddim_lessons.schedules import make_tau
from ddim_lessons.toy_data import load_digits

PATH = DATA / "results" / "lesson_08.npz"
SEEDS = {"points": (4,) * 6, "digits": (10, 10, 10, 5, 5, 4)}  # for each S
COUNTS = {"points": (2000,) * 6, "digits": (600, 600, 600, 600, 600, 200)}  # samples a seed
SPACING_SEEDS, SPACINGS = 10, ("linear", "quadratic")  # leading and trailing are linear where S divides T
KEPT = {"points": 150, "digits": 12}
DIMENSIONS, DIMENSION_SEEDS = (1, 2, 4, 8, 16, 32, 64), 8


def table(data, denoiser, kind):
    """Return (values of shape (2, metrics, levels, steps): metrics and errors; samples (levels, steps, kept, d))."""
    values, kept = np.empty((2, len(metrics_of(data)), len(LEVELS), len(STEPS))), []
    for i, level in enumerate(LEVELS):
        for j, (S, seeds, n) in enumerate(zip(STEPS, SEEDS[kind], COUNTS[kind], strict=True)):
            parts = [sample_case(data, denoiser, S, level, seed, n=n) for seed in range(seeds)]
            values[..., i, j] = measure_with_error(data, parts)
            kept.append(small(parts[0][: KEPT[kind]], kind))
    return values, np.array(kept).reshape(len(LEVELS), len(STEPS), *kept[0].shape)


def small(samples, kind):
    """Pictures as 8-bit greys, 0 (paper) … 255 (ink); points in 16 bits."""
    if kind == "digits":
        return as_ink(samples).astype(np.uint8)
    return samples.astype(np.float16)


def record_cases(kind):
    """Yield the tables, samples and floors of the cases of a kind, by name, a case at a time."""
    for data, denoiser in CASES:
        if (data == "digits") == (kind == "digits"):
            values, samples = table(data, denoiser, kind)
            counts = [seeds * n for seeds, n in zip(SEEDS[kind], COUNTS[kind], strict=True)]
            floor = {n: floors(data, n) for n in set(counts)}
            yield {
                f"{kind} counts": np.array([SEEDS[kind], COUNTS[kind]]),
                f"{data} {denoiser}": values.astype(np.float32),
                f"{data} {denoiser} samples": samples,
                f"{data} floor": np.array([floor[n] for n in counts], dtype=np.float32).T,
            }


def record_spacing():
    """Yield Fréchet distances and errors of shape (2, denoisers, spacings, S, η)."""
    rows = []
    for denoiser, spacing, S, level in product(DENOISERS, SPACINGS, (10, 20), ("0", "1")):
        parts = [sample_case("digits", denoiser, S, level, seed, spacing) for seed in range(SPACING_SEEDS)]
        rows.append([part[0] for part in measure_with_error("digits", parts)])
    yield {"spacing": np.array(rows, dtype=np.float32).T.reshape(2, 2, len(SPACINGS), 2, 2)}


def components():
    """Return the digits' principal components, scaled to variance 1 a coordinate on average; shape (1797, 64)."""
    x = load_digits()[0]
    x = x - x.mean(axis=0)
    return x @ np.linalg.svd(x, full_matrices=False)[2].T


def in_dimension(points, eta, seed, n=DIGITS):
    """Return the sliced W2 of n samples of the finite set ``points`` (S = 10) to n true ones, drawn alike."""
    rng = np.random.default_rng([8, seed])
    x_T = rng.standard_normal((n, points.shape[1])).astype(np.float32)
    samples = ddim_sample(x_T, finite_eps_fn(points, ALPHA_BAR), ALPHA_BAR, make_tau(1000, 10), eta, rng)
    truth = points[np.random.default_rng([8, seed, 2]).integers(0, len(points), n)]
    return sliced_w2(samples.astype(float), truth, 64, np.random.default_rng([8, seed, 4]))


def record_dimension():
    """Yield distances of shape (dimensions, 3, seeds): η = 0, η = 1, and the floor."""
    found = []
    for d in DIMENSIONS:
        points = components()[:, :d]
        points = points / np.sqrt(np.mean(points**2))
        for seed in range(DIMENSION_SEEDS):
            draws = [points[np.random.default_rng([8, seed, k]).integers(0, len(points), DIGITS)] for k in (2, 3)]
            floor = sliced_w2(*draws, 64, np.random.default_rng([8, seed, 4]))
            found.append([in_dimension(points, 0.0, seed), in_dimension(points, 1.0, seed), floor])
    values = np.array(found, dtype=np.float32).reshape(len(DIMENSIONS), DIMENSION_SEEDS, 3)
    yield {"dimensions": np.array(DIMENSIONS), "dimension": values.transpose(0, 2, 1)}


PARTS = {
    "points": lambda: record_cases("points"),
    "spacing": record_spacing,
    "dimension": record_dimension,
    "digits": lambda: record_cases("digits"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for part in PARTS:
        parser.add_argument(f"--{part}", action="store_true", help=f"record the part {part} alone")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    PATH.parent.mkdir(exist_ok=True)
    arrays = dict(np.load(PATH, allow_pickle=False)) if PATH.is_file() else {}
    for part in [part for part in PARTS if getattr(arguments, part)] or PARTS:
        start = time.process_time()
        for found in PARTS[part]():
            arrays |= found
            np.savez_compressed(PATH, **arrays)
            print(*found, f"{time.process_time() - start:.0f} CPU s", sep=", ", flush=True)


if __name__ == "__main__":
    main()
