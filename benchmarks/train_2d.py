"""Seconds of training until samples are near the noise floor, for each two-dimensional set; peers beside if given.

    python benchmarks/train_2d.py                                   # one thread, three seeds
    python benchmarks/train_2d.py --threads 2 --clock wall --device cpu
    python benchmarks/train_2d.py --smalldiffusion PATH/src --kaist PATH/2d_plot_diffusion_todo
    python benchmarks/train_2d.py --record data/results/train_2d_cpu_1_thread.json  # on a machine worth recording

Quality is the sliced W2 of 4,000 samples (η = 0, S = 50) against true ones, median of 3 draws, as a multiple of the
noise floor. Ours is trained anew for each length, because its learning rate falls to 0 at the end of a run; a peer is
trained once, with its own network and loop, and measured on the way. Only training is timed. PATH is a folder with
the peer's sources (and what they import must be installed): github.com/yuanchenyang/smalldiffusion and
github.com/KAIST-Visual-AI-Group/Diffusion-Assignment1-DDPM.
"""

import argparse
import json
import math
import os
import platform
import sys
import time
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np
import torch
from rows import Row, print_rows

from ddim_lessons.ddim import ddim_sample
from ddim_lessons.learning.device import device_in_words, pick_device
from ddim_lessons.learning.networks import PointMLP, eps_fn
from ddim_lessons.learning.training import Run, fit
from ddim_lessons.metrics import noise_floor, sliced_w2
from ddim_lessons.schedules import alpha_bar_schedule, make_tau
from ddim_lessons.toy_data import DATA_SETS, data_set

LEVELS = (3.0, 2.0, 1.5)
LENGTHS = ((125, 256), (250, 256), (500, 256), (1000, 256), (2000, 512), (4000, 1024))  # steps, batch
S, N = 50, 4000
CLOCKS = {"cpu": time.process_time, "wall": time.perf_counter}


def train_ours(x0, seed, clock, device):
    """Yield (seconds, sampler) for runs of growing length; a sampler takes x_T, shape (n, 2), to samples."""
    for steps, batch in LENGTHS:
        torch.manual_seed(seed)
        run = Run(PointMLP(), x0, steps=steps, batch=batch, seed=seed, device=device)
        start = clock()
        for _ in fit(run, every=steps):
            pass
        seconds, schedule, eps_hat = clock() - start, run.average.schedule, eps_fn(run.average)
        yield seconds, lambda x_T, e=eps_hat, s=schedule: ddim_sample(x_T, e, s, make_tau(len(s) - 1, S))


def on_the_way(steps, sampler, clock):
    """Yield (seconds, sampler) while the iterator ``steps`` trains something: after 100 steps, 141, 200, 283 …"""
    seconds, done = 0.0, 0
    for stage in range(100):
        target = round(100 * 2 ** (stage / 2))
        start = clock()
        for _ in islice(steps, target - done):
            pass
        seconds, done = seconds + clock() - start, target
        yield seconds, sampler


def train_smalldiffusion(x0, seed, clock, _):
    """The peer's toy example: its network, schedule, loop and DDIM sampler."""
    os.environ["TQDM_DISABLE"] = "1"
    import smalldiffusion as peer

    torch.manual_seed(seed)
    model = peer.TimeInputMLP(hidden_dims=(16, 128, 128, 128, 128, 16))
    schedule = peer.ScheduleLogLinear(N=200, sigma_min=0.005, sigma_max=10)
    loader = torch.utils.data.DataLoader(torch.tensor(x0, dtype=torch.float32), batch_size=2048, shuffle=True)

    def sampler(x_T):
        start = torch.tensor(x_T, dtype=torch.float32) * schedule.sigmas[-1]
        *_, x = peer.samples(model, schedule.sample_sigmas(S), gam=1, mu=0, xt=start)
        return x.double().numpy()

    steps = peer.training_loop(loader, model, schedule, epochs=10**6, lr=1e-3)
    yield from on_the_way(steps, sampler, clock)


def train_kaist(x0, seed, clock, _):
    """The course assignment's recipe: its time-modulated layers, three of 128; ε, uniform t, Adam 1e-3, batch 128."""
    from network import TimeLinear

    torch.manual_seed(seed)
    widths, alpha_bar = (2, 128, 128, 128, 2), alpha_bar_schedule("linear")
    layers = torch.nn.ModuleList(TimeLinear(a, b, 1000) for a, b in zip(widths, widths[1:], strict=False))
    optimizer = torch.optim.Adam(layers.parameters(), 1e-3)
    x0, signal = torch.tensor(x0, dtype=torch.float32), torch.tensor(alpha_bar, dtype=torch.float32)

    def network(x, t):
        for layer in layers[:-1]:
            x = torch.relu(layer(x, t))
        return layers[-1](x, t)

    def steps():
        while True:
            x, t = x0[torch.randint(len(x0), (128,))], torch.randint(1, 1001, (128,))
            noise, a = torch.randn_like(x), signal[t][:, None]
            loss = ((network(a.sqrt() * x + (1 - a).sqrt() * noise, t - 1) - noise) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield

    @torch.no_grad()
    def eps_hat(x, t):
        return network(torch.tensor(x, dtype=torch.float32), torch.tensor(t - 1)).double().numpy()

    yield from on_the_way(steps(), lambda x_T: ddim_sample(x_T, eps_hat, alpha_bar, make_tau(1000, S)), clock)


def seconds_to_levels(recipe, data, seed, limit, clock, device):
    """Return the seconds after which each of LEVELS is reached; infinity if not within ``limit`` seconds."""
    x0 = data.sample(20_000, np.random.default_rng([2, seed]))
    floor = noise_floor(sliced_w2, data, N, np.random.default_rng(0), repeats=25)
    reached = {}
    for seconds, sampler in recipe(x0, seed, clock, device):
        if seconds > limit:
            break
        rngs = [np.random.default_rng([1, seed, draw]) for draw in range(3)]
        found = median(sliced_w2(sampler(rng.standard_normal((N, 2))), data.sample(N, rng)) for rng in rngs) / floor
        reached |= {level: seconds for level in LEVELS if found <= level and level not in reached}
        if len(reached) == len(LEVELS):
            break
    return [reached.get(level, math.inf) for level in LEVELS]


def rows(recipes, sets, seeds, limit, clock, device):
    """Yield a row for each set, level and recipe, the seconds of each seed."""
    for name in sets:
        runs = {
            who: [seconds_to_levels(recipe, data_set(name), seed, limit, clock, device) for seed in range(seeds)]
            for who, recipe in recipes.items()
        }
        for k, level in enumerate(LEVELS):
            for who, found in runs.items():
                group = f"Training until samples are within {level} noise floors: {name}"
                yield Row(group, who, "s", [seconds[k] for seconds in found])


def seconds_of_sets(table):
    """Return {set: {recipe: median seconds to each level}}; null, which JSON knows, for what was not reached."""
    found = {}
    for row in table:
        name = row.group.rpartition(": ")[2]
        median_seconds = row.quartiles()[1]
        cells = found.setdefault(name, {}).setdefault(row.name, [])
        cells.append(None if math.isinf(median_seconds) else round(median_seconds, 2))
    return found


def peers(smalldiffusion, kaist):
    """Return {name: recipe}, ours and the peers whose folders are given (None leaves a peer out)."""
    recipes = {"ours": train_ours}
    for who, path, recipe in (
        ("smalldiffusion", smalldiffusion, train_smalldiffusion),
        ("KAIST", kaist, train_kaist),
    ):
        if path:
            sys.path.append(str(path.resolve()))
            recipes[who] = recipe
    return recipes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", default=list(DATA_SETS), choices=list(DATA_SETS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--limit", type=float, default=60, help="give up after so many seconds of training")
    parser.add_argument(
        "--clock", choices=CLOCKS, default="wall", help="cpu: seconds of all threads, on a busy machine"
    )
    parser.add_argument("--device", default=str(pick_device()), help="for ours; peers run on the CPU")
    parser.add_argument("--smalldiffusion", type=Path, help="folder that holds the package smalldiffusion")
    parser.add_argument("--kaist", type=Path, help="folder that holds network.py")
    parser.add_argument("--record", type=Path, help="write the seconds and the hardware's name to this JSON file")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    recipes = peers(arguments.smalldiffusion, arguments.kaist)
    where = f"{device_in_words(arguments.device)}, {arguments.threads} thread(s), {arguments.clock} seconds"
    print(f"{where}; median of {arguments.seeds} seeds")
    clock = CLOCKS[arguments.clock]
    found = rows(recipes, arguments.sets, arguments.seeds, arguments.limit, clock, arguments.device)
    table = list(print_rows(found))
    if arguments.record:
        arguments.record.parent.mkdir(parents=True, exist_ok=True)
        facts = {"where": where, "machine": platform.machine(), "torch": torch.__version__, "levels": LEVELS}
        facts |= {"seeds": arguments.seeds, "limit": arguments.limit, "seconds": seconds_of_sets(table)}
        arguments.record.write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
