"""Coordinates and clocks: a path seen as y = x/c over a clock w, and Euler's step there; equation (11.3)."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ...ddim import predict_x0
from ...solvers import sigma_bar


class Clock(NamedTuple):
    """Coordinates in which a noised point is y = A(w) x_0 + B(w) ε: the scale is c = 1/√(A² + B²).

    ``reads`` gives w at ᾱ; ``weights`` gives (A, B) and ``slopes`` their derivatives, both at w.
    """

    x: str
    w: str
    reads: object
    weights: object
    slopes: object


def _time(alpha_bar):
    """The share of time of the continuous linear schedule ᾱ = exp(−0.1 w − 9.95 w²), of which smooth_alpha_bar is."""
    return (np.sqrt(0.01 - 39.8 * np.log(alpha_bar)) - 0.1) / 19.9


def _time_weights(w):
    log = -0.1 * w - 9.95 * w**2
    return np.exp(log / 2), np.sqrt(-np.expm1(log))


def _time_slopes(w):
    a, b = _time_weights(w)
    falls = -(0.05 + 9.95 * w) * a
    return falls, -a * falls / b


def _share(alpha_bar):
    return sigma_bar(alpha_bar) / (1 + sigma_bar(alpha_bar))


CLOCKS = {
    "time": Clock("x", "t/T", _time, _time_weights, _time_slopes),
    "noise": Clock("x̄ = x/√ᾱ", "σ̃", sigma_bar, lambda w: (w**0, w), lambda w: (0.0, 1.0)),
    "line": Clock("x_u", "u", _share, lambda w: (1 - w, w), lambda w: (-1.0, 1.0)),
    "angle": Clock(
        "x", "angle", lambda ab: np.arctan(sigma_bar(ab)), lambda w: (np.cos(w), np.sin(w)),
        lambda w: (-np.sin(w), np.cos(w)),
    ),
}  # fmt: skip


def scale(clock, alpha_bar):
    """Return c, by which x is divided to give y: √ᾱ/A."""
    A, _ = clock.weights(clock.reads(alpha_bar))
    return alpha_bar**0.5 / A


def euler_path(clock, x_T, eps_fn, alpha_bar):
    """Return y at the times T … 0 of ``alpha_bar``, walked by Euler's steps of dy/dw on ``clock``; (T + 1, n, d)."""
    w, c = clock.reads(alpha_bar), scale(clock, alpha_bar)
    path = [x_T / c[-1]]
    for t, s in pairwise(range(len(alpha_bar) - 1, -1, -1)):
        x = path[-1] * c[t]
        eps_hat = eps_fn(x, t)
        dA, dB = clock.slopes(w[t])
        path.append(path[-1] + (w[s] - w[t]) * (dA * predict_x0(x, eps_hat, alpha_bar[t]) + dB * eps_hat))
    return np.array(path)
