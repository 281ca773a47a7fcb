"""Sampling with a trained network beside the bare network calls, and beside diffusers' DDIMScheduler loop.

    pip install diffusers && python benchmarks/sampling.py            # one thread
    python benchmarks/sampling.py --threads 2

The floor is S bare calls of the network with one t for each point, as it was trained ("time embedding not folded").
Rows: the readable path, ``ddim_sample`` with the network's ``eps`` and with ``eps_fn`` (time embedding of all t made
once), ``network_states`` (the same, network and step as one map), and diffusers if it is installed. All in turn, in
one run; median of the repeats, in CPU seconds.
"""

import argparse
import time
from statistics import median

import torch

from ddim_lessons.ddim import ddim_path, ddim_sample
from ddim_lessons.networks import eps_fn, network_states
from ddim_lessons.schedules import make_tau
from ddim_lessons.training import load_weights

CASES = (("moons", 1, 50), ("moons", 64, 50), ("moons", 3000, 10), ("moons", 3000, 50), ("moons", 64, 1000))
DIGITS = (("digits", 64, 50),)


def bare_calls(model, x, tau):
    """S calls of the network, and nothing else."""
    with torch.inference_mode():
        for t in tau[:-1]:
            model(x, torch.full((len(x),), t))


def diffusers_loop(model, x, S, scheduler):
    """The loop that diffusers' documentation shows; its index t is our t + 1."""
    scheduler.set_timesteps(S)
    with torch.inference_mode():
        for t in scheduler.timesteps:
            x = scheduler.step(model.eps(x, t + 1), t, x).prev_sample
    return x


def make_scheduler():
    """diffusers' DDIMScheduler on the lessons' schedule, or None if diffusers is not installed."""
    try:
        from diffusers import DDIMScheduler
    except ImportError:
        return None
    betas = dict(beta_start=1e-4, beta_end=0.02, beta_schedule="linear")
    return DDIMScheduler(1000, **betas, clip_sample=False, set_alpha_to_one=True)


def contestants(model, x, S, scheduler):
    """Return a dict of name to a function without arguments."""
    tau, folded, schedule = make_tau(model.T, S), eps_fn(model), model.schedule

    def unfolded(x, t):
        with torch.inference_mode():
            return model.eps(x, t)

    rows = {
        "S bare calls": lambda: bare_calls(model, x, tau),
        "ddim_path, eps": lambda: list(ddim_path(x, unfolded, schedule, tau)),
        "ddim_sample, eps": lambda: ddim_sample(x, unfolded, schedule, tau),
        "ddim_sample, eps_fn": lambda: ddim_sample(x, folded, schedule, tau),
        "network_states": lambda: network_states(model, x, tau),
    }
    return rows | ({"diffusers": lambda: diffusers_loop(model, x, S, scheduler)} if scheduler else {})


def in_turn(functions, repeats):
    """Return the median CPU seconds of each function, run in turn after one round that does not count."""
    took = {name: [] for name in functions}
    for _ in range(repeats + 1):
        for name, function in functions.items():
            start = time.process_time()
            function()
            took[name].append(time.process_time() - start)
    return {name: median(times[1:]) for name, times in took.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=21)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    scheduler = make_scheduler()
    for data, n, S in CASES + DIGITS:
        model = load_weights(data)
        x = torch.randn(n, model.dim, generator=torch.Generator().manual_seed(0))
        found = in_turn(contestants(model, x, S, scheduler), arguments.repeats if S < 1000 else 5)
        print(f"{data}, {n} points, S = {S}")
        floor, fast = found["S bare calls"], found["network_states"]
        for name, seconds in found.items():
            print(f"  {name:20} {1e3 * seconds:8.2f} ms   {seconds / floor:5.2f} × bare   {seconds / fast:5.2f} × ours")


if __name__ == "__main__":
    main()
