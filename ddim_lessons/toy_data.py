"""Small data sets: Gaussian mixtures in one and two dimensions, each with its exact denoiser; and the 8 × 8 digits.

The curves and squares are laid out as many narrow, overlapping components. Two-dimensional sets are centred and
scaled so that a coordinate's variance is 1 on average, which is what the schedules expect.
Draw from a set with ``data.sample(n, rng)``, a NumPy generator that the caller seeds.
"""

import numpy as np

from . import require
from .files import read_arrays
from .oracle import GaussianMixture
from .own import own_data, require_name
from .remember import remember


def two_peaks():
    """One dimension: N(−1, 0.25²) and N(1, 0.25²), equally likely."""
    return GaussianMixture([[-1.0], [1.0]], 0.25)


def three_peaks():
    """One dimension: three peaks of different height and width, so that nothing is right by symmetry."""
    return GaussianMixture([[-1.6], [0.1], [1.3]], [0.15, 0.3, 0.2], [0.3, 0.2, 0.5])


def ring(modes=8, std=0.05):
    """Two dimensions: ``modes`` narrow Gaussians equally spaced on a circle."""
    modes, std = require.whole("modes", modes, 2, 10_000), require.real("std", std, 0, 0.99)
    angle = 2 * np.pi * np.arange(modes) / modes
    return _scaled(np.column_stack([np.cos(angle), np.sin(angle)]), std)


def moons():
    """Two dimensions: two interleaved half circles, 24 components each."""
    angle = np.linspace(0, np.pi, 24)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    return _scaled(np.concatenate([upper, [1, 0.5] - upper]), 0.07)


def swiss_roll():
    """Two dimensions: a spiral of one and a half turns, 60 components at equal distances along it."""
    angle = np.linspace(1.5 * np.pi, 4.5 * np.pi, 2000)
    return _scaled(_along(np.column_stack([angle * np.cos(angle), angle * np.sin(angle)]), 60), 0.07)


def checkerboard():
    """Two dimensions: the eight dark squares of a 4 × 4 board, 16 components each."""
    inside = (np.arange(4) + 0.5) / 4
    squares = [(i, j) for i in range(4) for j in range(4) if (i + j) % 2 == 0]
    return _scaled(np.array([(i + a, j + b) for i, j in squares for a in inside for b in inside]), 0.11)


def letters():
    """Two dimensions: the word DDIM in strokes, 118 components."""
    bend = np.linspace(-np.pi / 2, np.pi / 2, 60)
    bow = np.column_stack([0.15 + 0.65 * np.cos(bend), 0.75 + 0.75 * np.sin(bend)])
    d = np.concatenate([[[0, 0], [0, 1.5]], bow[::-1], [[0, 0]]])
    i = np.array([[0, 0], [0, 1.5]])
    m = np.array([[0, 0], [0, 1.5], [0.55, 0.6], [1.1, 1.5], [1.1, 0]])
    strokes = [(d, 0.0, 35), (d, 1.2, 35), (i, 2.4, 12), (m, 2.8, 36)]
    return _scaled(np.concatenate([_along(stroke + [shift, 0], n) for stroke, shift, n in strokes]), 0.04)


DATA_SETS = {
    "ring": ring,
    "moons": moons,
    "swiss roll": swiss_roll,
    "checkerboard": checkerboard,
    "DDIM": letters,
}


def data_set(name):
    """Return the two-dimensional set called ``name``, one of ``DATA_SETS``; all else is :func:`own_data`."""
    if not isinstance(name, str):
        return own_data(name)
    require_name("name", name, DATA_SETS)
    return _made(name)


@remember(results=len(DATA_SETS))
def _made(name):
    return DATA_SETS[name]()


def _along(curve, n):
    """Return ``n`` points at equal distances along a polyline of shape (m, 2), both ends included."""
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    stops = np.linspace(0, length[-1], n)
    return np.column_stack([np.interp(stops, length, curve[:, k]) for k in range(2)])


def _scaled(means, std):
    """Return the mixture on ``means``, centred and scaled so that its average coordinate variance is exactly 1."""
    centred = means - means.mean(axis=0)
    return GaussianMixture(centred * np.sqrt((1 - std**2) / np.mean(centred**2)), std)


# --- digits ---------------------------------------------------------------------------------------------------------


def load_digits():
    """Return (x, labels): 1,797 digits of shape (1797, 64), scaled to −1 (paper) … 1 (ink), and their labels 0…9."""
    file = read_arrays("digits.npz")
    return file["images"].reshape(-1, 64) / 8.0 - 1.0, file["labels"].astype(int)


def digit(label, index=0):
    """Return one digit, shape (64,): the one with number ``index`` among those that show ``label``."""
    x, labels = load_digits()
    label = require.whole("label", label, 0, 9)
    index = require.whole("index", index, 0, int((labels == label).sum()) - 1)
    return x[labels == label][index]
