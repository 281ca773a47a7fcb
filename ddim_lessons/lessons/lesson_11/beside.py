"""Where diffusers is installed: its schedulers beside our step, one step at a time from the same points."""

from importlib.util import find_spec

import numpy as np

from ...ddim import ddim_step, move
from ...teaching.say import say
from ...toy_data import data_set

TABLE = [(S, shift) for S in (5, 20, 50) for shift in (1.0, 3.0)]
GET_IT = "diffusers is not installed. `pip install diffusers`, restart the kernel, and this cell runs its schedulers."


def beside_diffusers():
    """Print the largest difference of a step of two diffusers schedulers from ours; without it, how to get it."""
    if find_spec("diffusers") is None:
        say(GET_IT)
        return
    for S, shift in TABLE:
        say(f"FlowMatchEulerDiscreteScheduler, S = {S:2}, shift {shift:g}: {beside_flow(S, shift):.1e}")
    for S in (5, 20, 50):
        for eta in (0.0, 1.0):
            say(f"DDIMScheduler, S = {S:2}, η = {eta:g}: {beside_ddim(S, eta):.1e}")


def flow_step(x_u, velocity, u, u_next):
    """Take flow matching's step from u to ``u_next`` with DDIM's: x̂_0 and ε̂ from the velocity, then ``move``.

    ``x_u`` = (1−u) x_0 + u ε and ``velocity`` = ε̂ − x̂_0 have one shape. Also right at u = 1, where ᾱ = 0.
    """
    x0_hat, eps_hat = x_u - u * velocity, x_u + (1 - u) * velocity
    alpha_bar = (1 - u_next) ** 2 / ((1 - u_next) ** 2 + u_next**2)
    return move(x0_hat, eps_hat, alpha_bar) / (alpha_bar**0.5 + (1 - alpha_bar) ** 0.5)


def beside_flow(S, shift, n=200):
    """Return the largest difference of their Euler step from :func:`flow_step`, on ``n`` points of the moons."""
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler

    scheduler, moons = FlowMatchEulerDiscreteScheduler(1000, shift=shift), data_set("moons")
    scheduler.set_timesteps(S)
    u, x, off = scheduler.sigmas.double().numpy(), np.random.default_rng(0).standard_normal((n, 2)), 0.0
    for k, t in enumerate(scheduler.timesteps):
        alpha_bar = (1 - u[k]) ** 2 / ((1 - u[k]) ** 2 + u[k] ** 2)
        x_t = x * (alpha_bar**0.5 + (1 - alpha_bar) ** 0.5)
        velocity = moons.eps(x_t, alpha_bar) - moons.x0(x_t, alpha_bar)
        theirs = scheduler.step(torch.tensor(velocity), t, torch.tensor(x)).prev_sample.numpy()
        off, x = max(off, abs(theirs - flow_step(x, velocity, u[k], u[k + 1])).max()), theirs
    return float(off)


def beside_ddim(S, eta, n=200):
    """Return the largest difference of their DDIM step from ``ddim_step``, with their ᾱ: their t is our t + 1."""
    import torch
    from diffusers import DDIMScheduler

    scheduler, eps_hat = DDIMScheduler(1000, beta_schedule="linear", clip_sample=False), data_set("moons").eps
    scheduler.set_timesteps(S)
    alpha_bar, rng, off = np.array([1.0, *scheduler.alphas_cumprod.tolist()]), np.random.default_rng(0), 0.0
    x, times = rng.standard_normal((n, 2)), [*(int(t) + 1 for t in scheduler.timesteps), 0]
    for t, s in zip(times[:-1], times[1:], strict=True):
        eps, z = eps_hat(x, alpha_bar[t]), rng.standard_normal((n, 2))
        noise = torch.tensor(z) if eta > 0 else None
        theirs = scheduler.step(torch.tensor(eps), t - 1, torch.tensor(x), eta=eta, variance_noise=noise)
        theirs = theirs.prev_sample.numpy()
        off, x = max(off, abs(theirs - ddim_step(x, eps, alpha_bar, t, s, eta, z)).max()), theirs
    return float(off)
