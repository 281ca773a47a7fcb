"""One tick of lesson 07's lab, kernel side: sample both sides, draw, encode; beside the same picture the usual way.

    pip install diffusers && python benchmarks/slider_tick.py
    python benchmarks/slider_tick.py --threads 1 --ticks 40

2,000 points, trained network. Ours: every tick is a state that was never shown (a new seed, both sides sampled anew),
or a new η with the seed kept (the left side is remembered). The usual way: diffusers' DDIMScheduler loop for each
side, a new figure with pyplot, ``scatter`` and one ``plot`` for each path, written as PNG, which is what ``interact``
does for each change. In turn, in one run; wall seconds.
"""

import argparse
import io

import matplotlib.pyplot as plt
import numpy as np
import torch
from rows import Row, in_turn, print_rows
from sampling import make_scheduler

from ddim_lessons.lessons.lesson_07 import pictures
from ddim_lessons.toy_data import data_set


def usual_way(S, eta, seed, scheduler):
    """Sample both sides and draw them as most notebooks do; returns the PNG's bytes."""
    model, x_T = pictures.network("moons"), pictures.starts(seed)
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.9), dpi=110)
    for ax, level in zip(axes, (1.0, eta), strict=True):
        x, path = torch.tensor(x_T, dtype=torch.float32), []
        scheduler.set_timesteps(S)
        with torch.inference_mode():
            for t in scheduler.timesteps:
                path.append(x[: pictures.FOLLOWED].numpy())
                x = scheduler.step(model.eps(x, t + 1), t, x, eta=level).prev_sample
        ax.scatter(*data_set("moons").means.T, s=40, color="lightgrey")
        ax.scatter(*x.numpy().T, s=6, c=x_T[:, 0] > 0)
        for line in np.array(path).transpose(1, 0, 2):
            ax.plot(*line.T, color="black", linewidth=1)
        ax.set_title(f"eta = {level}")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    plt.close(figure)
    return buffer.getvalue()


def rows(ticks=30):
    """Yield the rows of wall milliseconds; the usual way is left out where diffusers is not installed."""
    live, scheduler = pictures.trajectory_lab(), make_scheduler()
    for S in (50, 100):
        ways = {
            "ours, all new": lambda k, S=S: live.show(live.start | {"S": S, "seed": 100 + k}),
            "ours, new η": lambda k, S=S: live.show(live.start | {"S": S, "seed": 100, "eta": 0.001 * (k + 1)}),
        }
        if scheduler:
            ways["the usual way"] = lambda k, S=S: usual_way(S, 0.0, 100 + k, scheduler)
        for name, seconds in in_turn(ways, ticks, warm=2).items():
            group = f"A tick of lesson 07's lab, {pictures.POINTS:,} points, trained network, S = {S}"
            yield Row(group, name, "ms", [1e3 * s for s in seconds])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--ticks", type=int, default=30)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for _ in print_rows(rows(arguments.ticks)):
        pass


if __name__ == "__main__":
    main()
