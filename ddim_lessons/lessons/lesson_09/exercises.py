"""Exercises of lesson 09: the Euler step, second order, a bug in an inversion."""

import numpy as np

from ...ddim import move, predict_x0
from ...teaching.exercises import Exercise, choice

X, EPS = np.array([[0.5, -1.0], [2.0, 0.3], [0.2, 0.9]]), np.array([[1.0, 0.4], [-0.7, 0.2], [0.6, -1.3]])


def noise(ab):
    """σ̃, noise in units of the signal."""
    return ((1 - ab) / ab) ** 0.5


# a mistake: its name, what it answers, a hint
# fmt: off
EXERCISES = {
    "9.1": Exercise(
        lambda x, e, t, s: move(predict_x0(x, e, t), e, s),
        [(X, EPS, 0.2, 0.7), (X[:1], EPS[:1], 0.9, 1.0), (EPS[0], X[0], 0.1, 0.3)], [
        ("you stopped at x̄_s", lambda x, e, t, s: x / t**0.5 + (noise(s) - noise(t)) * e,
         "the answer is x_s = √ᾱ_s x̄_s."),
        ("the last factor is √ᾱ_t", lambda x, e, t, s: t**0.5 * (x / t**0.5 + (noise(s) - noise(t)) * e),
         "the step ends at time s: x_s = √ᾱ_s x̄_s."),
        ("the last factor is ᾱ_s, without its root", lambda x, e, t, s: s * (x / t**0.5 + (noise(s) - noise(t)) * e),
         "x̄_s = x_s/√ᾱ_s."),
        ("x_t was divided by ᾱ_t, without its root", lambda x, e, t, s: s**0.5 * (x / t + (noise(s) - noise(t)) * e),
         "x̄_t = x_t/√ᾱ_t."),
        ("you took σ̃_s for the step in σ̃", lambda x, e, t, s: s**0.5 * (x / t**0.5 + noise(s) * e),
         "a step is a difference."),
        ("x_t was divided by √ᾱ_s", lambda x, e, t, s: x + s**0.5 * (noise(s) - noise(t)) * e,
         "x_t lies at time t."),
        ("the step has the wrong sign", lambda x, e, t, s: s**0.5 * (x / t**0.5 + (noise(t) - noise(s)) * e),
         "on the way down σ̃ falls, so its difference is negative: noise is taken away."),
        ("x_t was not divided by its signal", lambda x, e, t, s: s**0.5 * (x + (noise(s) - noise(t)) * e),
         "the straight line is one of x̄ = x/√ᾱ, at both ends."),
        ("you measured time by √(1−ᾱ)",
         lambda x, e, t, s: s**0.5 * (x / t**0.5 + ((1 - s) ** 0.5 - (1 - t) ** 0.5) * e),
         "σ̃ is noise in units of the signal: √(1−ᾱ) divided by √ᾱ."),
        ("σ̃ lost its root",    lambda x, e, t, s: s**0.5 * (x / t**0.5 + (noise(s) ** 2 - noise(t) ** 2) * e),
         "(1−ᾱ)/ᾱ is a ratio of variances."),
    ]),
    "9.2": Exercise(
        lambda e, old, h, h_old: e + h / (2 * h_old) * (e - old),
        [(EPS, X, -0.3, -0.5), (EPS, X, -1.0, -0.2), (X[0], EPS[0], -0.4, -0.4)], [
        ("you went to the end of the step, not to its middle", lambda e, old, h, h_old: e + h / h_old * (e - old),
         "the mean of a straight line over a step is its value half way."),
        ("this is right for equal steps only",                 lambda e, old, h, h_old: 1.5 * e - 0.5 * old,
         "the slope changed over h_old, and the coming step is h long."),
        ("the line goes the wrong way",                        lambda e, old, h, h_old: e - h / (2 * h_old) * (e - old),
         "what grew in the last step goes on growing."),
        ("the two steps have changed places",                  lambda e, old, h, h_old: e + h_old / (2 * h) * (e - old),
         "a short coming step must need little correction."),
        ("this is the mean of the two slopes",                 lambda e, old, h, h_old: (e + old) / 2,
         "that looks back over the last step, not ahead."),
    ]),
    "9.3": choice("line 4", {
        "line 1": "51 times from 1000 down to 0, as always.",
        "line 2": "pairs of neighbours from the data up, the earlier time first.",
        "line 3": "that is the noise at the point at hand, at its own time: (9.5).",
        "line 5": "that is the way to the level of t, where the step ends.",
    }),
}
# fmt: on
