"""One tick of lesson 07's lab, kernel side: sample both sides, draw, encode; beside the same picture the usual way.

    pip install diffusers && python benchmarks/slider_tick.py
    python benchmarks/slider_tick.py --threads 1 --ticks 40

2,000 points, trained and exact denoiser. *A state nobody foresaw* has a new seed, both sides sampled anew; *a new η*
keeps the seed, and the left side is remembered. *An arrow key of a walk*: ten steps of η and again ten with another
seed, three a second, in an event loop as in a kernel, where the neighbours are computed between the presses. The usual
way: diffusers' DDIMScheduler loop for each side, a new figure with pyplot, ``scatter`` and one ``plot`` for each path,
written as PNG, which is what ``interact`` does for each change. *Bare calls* are those of the denoiser alone, both
sides: the floor. In turn, in one run; wall seconds.
"""

import argparse
import asyncio
import io
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from rows import Row, in_turn, print_rows
from sampling import make_scheduler

from ddim_lessons.lessons.lesson_07 import pictures
from ddim_lessons.schedules import make_tau
from ddim_lessons.toy_data import data_set

APART = 1 / 3  # seconds between two presses of the walk
STEPS, LEVELS = (10, 50, 100), pictures.ETAS[:11]


def denoiser(kind):
    """Return ``eps(x, t)`` of tensors (n, 2) for the moons, t = 1 … 1000: "trained" or "exact"."""
    if kind == "trained":
        return pictures.network("moons").eps
    exact = data_set("moons").eps_fn(pictures.ALPHA_BAR)
    return lambda x, t: torch.from_numpy(exact(x.numpy(), int(t)))


def usual_way(kind, S, eta, seed, scheduler):
    """Sample both sides and draw them as most notebooks do; returns the PNG's bytes."""
    eps, x_T = denoiser(kind), pictures.starts(seed)
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.9), dpi=110)
    for ax, level in zip(axes, (1.0, eta), strict=True):
        x, path = torch.tensor(x_T, dtype=torch.float32), []
        scheduler.set_timesteps(S)
        with torch.inference_mode():
            for t in scheduler.timesteps:
                path.append(x[: pictures.FOLLOWED].numpy())
                x = scheduler.step(eps(x, t + 1), t, x, eta=level).prev_sample
        ax.scatter(*data_set("moons").means.T, s=40, color="lightgrey")
        ax.scatter(*x.numpy().T, s=6, c=x_T[:, 0] > 0)
        for line in np.array(path).transpose(1, 0, 2):
            ax.plot(*line.T, color="black", linewidth=1)
        ax.set_title(f"eta = {level}")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    plt.close(figure)
    return buffer.getvalue()


def bare_calls(kind, S):
    """Ask the denoiser as often as both sides of the lab do, and do nothing else."""
    eps, x = denoiser(kind), torch.tensor(pictures.starts(0), dtype=torch.float32)
    with torch.inference_mode():
        for t in 2 * make_tau(1000, S)[:-1]:
            eps(x, t)


async def walk(kind, S):
    """Return the seconds from each press of an arrow key on η to its picture."""
    live, took = pictures.trajectory_lab(), []
    for seed in (1, 2):
        for name, value in {"kind": kind, "S": S, "eta": LEVELS[0], "seed": seed}.items():
            live.controls[name].value = value
            await asyncio.sleep(1)
        for level in LEVELS[1:]:
            picture, start = live.image.value, time.perf_counter()
            live.controls["eta"].value = level
            while live.image.value is picture:
                await asyncio.sleep(0)
            took.append(time.perf_counter() - start)
            await asyncio.sleep(APART - took[-1])
    return took


def rows(ticks=30):
    """Yield the rows of wall milliseconds; the usual way is left out where diffusers is not installed."""
    live, scheduler = pictures.trajectory_lab(), make_scheduler()
    for kind, S in ((kind, S) for kind in ("trained", "exact") for S in STEPS):
        new = live.start | {"kind": kind, "S": S}
        ways = {
            "a state nobody foresaw": lambda k, new=new: live.show(new | {"seed": 100 + k}),
            "a new η": lambda k, new=new: live.show(new | {"seed": 100, "eta": 0.001 * (k + 1)}),
            "bare calls": lambda k, kind=kind, S=S: bare_calls(kind, S),
        }
        if scheduler:
            ways["the usual way"] = lambda k, kind=kind, S=S: usual_way(kind, S, 0.0, 100 + k, scheduler)
        group = f"A tick of lesson 07's lab, {pictures.POINTS:,} points, {kind} denoiser, S = {S}"
        walked = asyncio.run(walk(kind, S))
        yield Row(group, "an arrow key of a walk", "ms", [1e3 * s for s in walked])
        for name, seconds in in_turn(ways, ticks, warm=2).items():
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
