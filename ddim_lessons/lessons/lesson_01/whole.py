"""A whole thing to write in lesson 01: the exact denoiser x̂_0(x_t) of finitely many points, (x, points, ᾱ_t)."""

import numpy as np

from ...oracle import finite_data
from ...teaching.exercises import Exercise

X = np.array([[0.3, -0.8], [1.1, 0.2], [-0.4, 0.5]])  # x_t
POINTS = np.array([[1.0, 0.0], [-0.5, 0.9], [0.2, -1.3], [0.7, 0.8], [-1.0, -0.6]])


def mean(x, points, shrink, var, share=True):
    """The weighted mean of the points: weights exp(−|x − shrink · point|²/(2 var)), by default as shares of 1."""
    weights = np.exp(-((x[:, None] - shrink * points) ** 2).sum(axis=-1) / (2 * var))
    return (weights / weights.sum(axis=1, keepdims=True) if share else weights) @ points


def nearest(x, points, a):
    """The point whose shrunk image lies nearest to each x."""
    return points[((x[:, None] - a**0.5 * points) ** 2).sum(axis=-1).argmin(axis=1)]


# a mistake: its name, what it answers, a hint
# fmt: off
WHOLE = {
    "the exact denoiser": Exercise(
        lambda x, points, a: finite_data(points).x0(x, a),
        [(X, POINTS, 0.3), (X[:1], POINTS[:3], 0.9), (X[1:, :1], POINTS[:, :1], 0.05)], [
        ("the points are not shrunk",                lambda x, points, a: mean(x, points, 1.0, 1 - a),
         "x_t = √ᾱ_t x_0 + noise: around which place does it lie if x_0 is the point?"),
        ("the points are shrunk by ᾱ_t, not √ᾱ_t",   lambda x, points, a: mean(x, points, a, 1 - a),
         "x scales with roots."),
        ("you divided by √(1−ᾱ_t), not by 1−ᾱ_t",    lambda x, points, a: mean(x, points, a**0.5, (1 - a) ** 0.5),
         "a Gaussian's exponent holds the variance."),
        ("the factor 1/2 in the exponent is missing", lambda x, points, a: mean(x, points, a**0.5, (1 - a) / 2),
         "write down the density of N(x; m, v I)."),
        ("the exponent has the wrong sign",          lambda x, points, a: mean(x, points, a**0.5, a - 1),
         "far points must count less."),
        ("the weights do not add up to 1",           lambda x, points, a: mean(x, points, a**0.5, 1 - a, share=False),
         "divide by their sum over the points, for each x."),
        ("you gave the posterior mean of x_t, not of x_0", lambda x, points, a: a**0.5 * mean(x, points, a**0.5, 1 - a),
         "the mean of √ᾱ_t x_0 is asked for nowhere: average the points themselves."),
        ("you gave the nearest point",               nearest,
         "all points that could have led to x count, by how likely that is."),
        ("you gave the mean of the data",            lambda x, points, a: mean(x, points, 0.0, 1.0),
         "that is right at ᾱ_t = 0 alone, where x_t says nothing."),
    ]),
}
# fmt: on
