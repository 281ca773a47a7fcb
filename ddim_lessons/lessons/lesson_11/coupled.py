"""Trainings in which the noise is not drawn: it belongs to its data. Reflow, and a jump to the end of the path."""

import numpy as np

from ...ddim import ddim_states, predict_eps, predict_x0
from ...learning.backend import eps_fn
from ...torch_here import need_torch


def along_paths(x_T, eps_hat, alpha_bar, tau):
    """Return (ends, noise, times) of all points on the η = 0 paths from x_T (n, d): what leads from end to point.

    The rows of all times of ``tau`` but the last stand one after the other, so that add_noise(ends, noise, ᾱ_t) is x_t.
    """
    states = list(ddim_states(x_T, eps_hat, alpha_bar, tau))
    noise = [predict_eps(x, states[-1], alpha_bar[t]) for x, t in zip(states, tau[:-1], strict=False)]
    return np.tile(states[-1], (len(noise), 1)), np.concatenate(noise), np.repeat(tau[:-1], len(x_T))


def jump_of(model):
    """Return ``(x, t) -> x̂_0`` of a trained network, for samples (n, d) and one time t."""
    eps_hat = eps_fn(model)
    return lambda x, t: predict_x0(x, eps_hat(x, t), model.schedule[t])


def learn(x0, noise, times=None, steps=1000, seed=0):
    """Train a small network on data x0 whose noise is given, and return it; ``seed`` is of its first weights too."""
    need_torch("training on given pairs")
    from . import paired

    return paired.learn(x0, noise, times, steps, seed)
