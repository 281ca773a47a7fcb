"""Sampling with a trained network beside the bare network calls, and beside diffusers' DDIMScheduler loop.

    pip install diffusers && python benchmarks/sampling.py            # one thread
    python benchmarks/sampling.py --threads 2

The floor is S bare calls of the network with one t for each point, as it was trained ("time embedding not folded").
Rows: the readable path, ``ddim_sample`` with the network's ``eps`` and with ``eps_fn`` (time embedding of all t made
once), ``network_states`` (the same, network and step as one map), and diffusers if it is installed. All in turn, in
one run, in CPU time.
"""

import argparse
import time

import torch
from rows import Row, in_turn, print_rows

from ddim_lessons.ddim import ddim_path, ddim_sample
from ddim_lessons.learning.networks import eps_fn, network_states
from ddim_lessons.learning.weights import load_weights
from ddim_lessons.schedules import make_tau

CASES = (
    ("moons", 1, 50),
    ("moons", 64, 50),
    ("moons", 3000, 10),
    ("moons", 3000, 50),
    ("moons", 64, 1000),
    ("digits", 64, 50),
)


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
    """Return a dict of name to a function of the round's number (not used: the same start each time)."""
    tau, folded, schedule = make_tau(model.T, S), eps_fn(model), model.schedule

    def unfolded(x, t):
        with torch.inference_mode():
            return model.eps(x, t)

    ways = {
        "S bare calls": lambda _: bare_calls(model, x, tau),
        "ddim_path, eps": lambda _: list(ddim_path(x, unfolded, schedule, tau)),
        "ddim_sample, eps": lambda _: ddim_sample(x, unfolded, schedule, tau),
        "ddim_sample, eps_fn": lambda _: ddim_sample(x, folded, schedule, tau),
        "network_states": lambda _: network_states(model, x, tau),
    }
    return ways | ({"diffusers": lambda _: diffusers_loop(model, x, S, scheduler)} if scheduler else {})


def rows(rounds=21):
    """Yield the rows of CPU milliseconds, for each case the floor first."""
    scheduler = make_scheduler()
    for data, n, S in CASES:
        model = load_weights(data)
        x = torch.randn(n, model.dim, generator=torch.Generator().manual_seed(0))
        ways = contestants(model, x, S, scheduler)
        for name, seconds in in_turn(ways, rounds if S < 1000 else 5, time.process_time).items():
            group = f"Sampling, CPU time: {data}, {n:,} point{'s' * (n > 1)}, S = {S}"
            yield Row(group, name, "ms", [1e3 * s for s in seconds])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=21)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for _ in print_rows(rows(arguments.rounds)):
        pass


if __name__ == "__main__":
    main()
