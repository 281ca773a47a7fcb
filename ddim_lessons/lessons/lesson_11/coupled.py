"""Trainings in which the noise is not drawn: it belongs to its data. Reflow, and a jump to the end of the path."""

import numpy as np
import torch

from ...ddim import ddim_states, predict_eps, predict_x0
from ...learning.networks import PointMLP, as_tensor, eps_fn
from ...learning.training import Run, fit


class Paired(Run):
    """A :class:`Run` whose noise is given: row i of ``noise`` (n, dim) belongs to row i of the data ``x0``.

    ``times`` of shape (n,) ties each row to a time t too; without it t is drawn as :class:`Run` draws it.
    """

    def __init__(self, model, x0, noise, times=None, steps=1000, seed=0):
        self.noise, self.times = as_tensor(noise), None if times is None else torch.as_tensor(times)
        super().__init__(model, x0, steps=steps, seed=seed)

    def to(self, device):
        """Move the networks, the data and their noise to ``device``."""
        super().to(device)
        self.noise = self.noise.to(device)
        self.times = None if self.times is None else self.times.to(device)

    def draw(self):
        """Draw a batch (x0, t, noise) of rows that belong together."""
        _, t, fresh = super().draw()
        i = torch.randint(len(self.x0), (len(t),), generator=self.generator, device=fresh.device)
        return self.x0[i], t if self.times is None else self.times[i], self.noise[i]


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
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        run = Paired(PointMLP(), x0, noise, times, steps, seed)
    for _ in fit(run):
        pass
    return run.average
