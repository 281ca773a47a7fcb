"""What a sampler's run is held against: true samples, their noise floor, and where each point started."""

import numpy as np

from ..metrics import noise_floor, sliced_w2
from ..remember import remember


@remember(results=32)
def floor_of(data, n):
    """Return the noise floor of sliced W2 for ``n`` points of ``data``, something with ``sample(n, rng)``."""
    return noise_floor(sliced_w2, data, n, np.random.default_rng(0), repeats=9)


def distance_in_floors(samples, data, rng):
    """Return the sliced W2 of samples (n, d) to as many true ones, drawn with ``rng``, over its noise floor."""
    return sliced_w2(samples, data.sample(len(samples), rng)) / floor_of(data, len(samples))


def kept_side(x_T, samples):
    """Return the share of samples (n, d) that end on the side, left or right, on which their x_T (n, d) started."""
    return float(np.mean((x_T[:, 0] > 0) == (samples[:, 0] > 0)))
