"""The training of :mod:`.coupled`. Needs torch."""

import torch

from ...learning.networks import PointMLP, as_tensor
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


def learn(x0, noise, times, steps, seed):
    """Train as :func:`ddim_lessons.lessons.lesson_11.coupled.learn` says."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        run = Paired(PointMLP(), x0, noise, times, steps, seed)
    for _ in fit(run):
        pass
    return run.average
