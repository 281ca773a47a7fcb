"""Record lesson 08's tables: ``data/results/lesson_08.npz``.

    python tools/record_quality.py              # about 13 CPU minutes on one core
    python tools/record_quality.py --points     # or the other kind alone: --digits

Points and digits: every case, level and S of ``ddim_lessons.learning.cases``: metrics of all samples of the seeds,
their standard errors (jackknife over the seeds), a few samples of the first seed, and the noise floors.
"""

import argparse
import time

import numpy as np
import torch

from ddim_lessons.figures.plots import as_ink
from ddim_lessons.files import DATA
from ddim_lessons.learning.cases import CASES, LEVELS, STEPS, metrics_of
from ddim_lessons.learning.quality import floors, measure_with_error, sample_case

PATH = DATA / "results" / "lesson_08.npz"
SEEDS = {"points": (4,) * 6, "digits": (10, 10, 10, 5, 5, 4)}  # for each S
COUNTS = {"points": (2000,) * 6, "digits": (600, 600, 600, 600, 600, 200)}  # samples a seed
KEPT = {"points": 150, "digits": 12}


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


PARTS = ("points", "digits")


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
        for found in record_cases(part):
            arrays |= found
            np.savez_compressed(PATH, **arrays)
            print(*found, f"{time.process_time() - start:.0f} CPU s", sep=", ", flush=True)


if __name__ == "__main__":
    main()
