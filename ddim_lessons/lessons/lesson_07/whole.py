"""The whole thing to write in lesson 07: DDIM's loop, (x_T, eps_fn, ᾱ of length T + 1, τ from T to 0) -> a sample."""

from itertools import pairwise

import numpy as np

from ...ddim import ddim_sample
from ...schedules import alpha_bar_from_beta, linear_beta
from ...teaching.exercises import Exercise

X = np.array([[0.3, -0.8], [1.1, 0.2], [-0.4, 0.5]])
LONG, SHORT = alpha_bar_from_beta(linear_beta(300)), alpha_bar_from_beta(linear_beta(41, 0.01, 0.1))  # ᾱ


def eps_fn(x, t):
    """A denoiser that no formula of the loop shares: bent, and different at every time."""
    return np.sin(x) * (0.5 + t / 1000) + 0.1 * np.cos(t)


def loop(x, eps_fn, pairs, ab, at=lambda t, s: t, level=lambda t, s: s, start=lambda t, s: t, noise=None, size=None):
    """DDIM over pairs (t, s), with the times that go wrong as functions of a pair: asked, arrived at, started from.

    ``noise`` is the time whose noise the direction brings, ``size`` that of the noise which x̂_0 takes off; None are
    ``level`` and ``start``.
    """
    for t, s in pairs:
        eps_hat = eps_fn(x, at(t, s))
        x0_hat = (x - (1 - ab[(size or start)(t, s)]) ** 0.5 * eps_hat) / ab[start(t, s)] ** 0.5
        x = ab[level(t, s)] ** 0.5 * x0_hat + (1 - ab[(noise or level)(t, s)]) ** 0.5 * eps_hat
    return x


def from_start(x_T, eps_fn, ab, tau):
    """A mistake: the denoiser sees x_T in every round."""
    x = x_T
    for t, s in pairwise(tau):
        x = loop(x, lambda _, t: eps_fn(x_T, t), [(t, s)], ab)
    return x


# a mistake: its name, what it answers, a hint
# fmt: off
SAMPLER = Exercise(
    ddim_sample,
    [(X, eps_fn, LONG, (300, 230, 120, 31, 0)), (X[:1], eps_fn, SHORT, (41, 30, 12, 7, 0)),
     (X[1:], eps_fn, LONG, (300, 0))], [
    ("you left out the last step",               lambda x, f, ab, tau: loop(x, f, [*pairwise(tau)][:-1], ab),
     "the last pair ends at 0."),
    ("you left out the first step",              lambda x, f, ab, tau: loop(x, f, [*pairwise(tau)][1:], ab),
     "the first pair starts at T, where x_T is."),
    ("the denoiser is asked at the time of arrival",
     lambda x, f, ab, tau: loop(x, f, pairwise(tau), ab, at=lambda t, s: s),
     "x is still at time t when it is called."),
    ("the denoiser is asked at t − 1",
     lambda x, f, ab, tau: loop(x, f, pairwise(tau), ab, at=lambda t, s: t - 1),
     "index is time: entry t of ᾱ belongs to time t."),
    ("each step goes to t − 1, though τ skips times",
     lambda x, f, ab, tau: loop(x, f, pairwise(tau), ab, level=lambda t, s: t - 1),
     "the next time is the next element of τ."),
    ("x̂_0 was read with ᾱ of the time of arrival",
     lambda x, f, ab, tau: loop(x, f, pairwise(tau), ab, start=lambda t, s: s),
     "x lies at time t; read at s, the step puts back what it took, and x never moves."),
    ("x̂_0 is divided and multiplied by one √ᾱ",
     lambda x, f, ab, tau: loop(x, f, pairwise(tau), ab, level=lambda t, s: t, noise=lambda t, s: s),
     "it is read at time t and put down at time s."),
    ("x̂_0's noise has the size of the time of arrival",
     lambda x, f, ab, tau: loop(x, f, pairwise(tau), ab, size=lambda t, s: s),
     "x lies at time t: both roots of (7.1) are those of t."),
    ("the direction is missing",
     lambda x, f, ab, tau: loop(x, f, pairwise(tau), ab, noise=lambda t, s: 0),
     "x_s needs noise of variance 1−ᾱ_s, and ε̂ brings it."),
    ("x̂_0 is handed on as x_s",
     lambda x, f, ab, tau: loop(x, f, pairwise(tau), ab, level=lambda t, s: 0),
     "x_s = √ᾱ_s x̂_0 + √(1−ᾱ_s) ε̂."),
    ("the denoiser is asked at the number of the round",
     lambda x, f, ab, tau: loop(x, f, pairwise(tau), ab, at=lambda t, s: list(tau).index(t)),
     "it is asked at the time t of x."),
    ("the signs before ε̂ are turned round",      lambda x, f, ab, tau: loop(x, lambda *c: -f(*c), pairwise(tau), ab),
     "x̂_0 takes ε̂ off, and the direction adds it."),
    ("the denoiser sees x_T in every round",     from_start,
     "its argument is the x of this round."),
    ("the direction is as long as at time t, not at time s",
     lambda x, f, ab, tau: loop(x, f, pairwise(tau), ab, noise=lambda t, s: t),
     "x_s needs noise of variance 1−ᾱ_s."),
    ("you walked up",
     lambda x, f, ab, tau: loop(x, f, pairwise(reversed(tau)), ab),
     "sampling starts at T."),
    ("you walked through all times, not through τ",
     lambda x, f, ab, tau: loop(x, f, pairwise(range(tau[0], -1, -1)), ab),
     "the loop has as many rounds as τ has pairs."),
])
# fmt: on
