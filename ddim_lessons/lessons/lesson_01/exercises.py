"""Exercises of lesson 01: merge steps, jump, jump from any time; and the whole of the exact denoiser."""

import numpy as np

from ...ddim import add_noise
from ...oracle import finite_data
from ...schedules import alpha_bar_from_beta
from ...teaching.exercises import Exercise

ALPHAS = [(0.9, 0.5), (0.75, 0.96), (0.4, 0.8)]  # (α_1, α_2)
BETA, LONG = np.array([0.0, 0.1, 0.25, 0.4]), np.array([0.0, 0.02, 0.05, 0.3, 0.2, 0.4])  # β_t from t = 0 on
ALPHA_BAR, FIVE = np.array([1.0, 0.9, 0.7, 0.4]), np.array([1.0, 0.97, 0.8, 0.45, 0.3, 0.12])  # ᾱ_t from t = 0 on

X = np.array([[0.3, -0.8], [1.1, 0.2], [-0.4, 0.5]])  # x_t of shape (n, d), and the data
POINTS = np.array([[1.0, 0.0], [-0.5, 0.9], [0.2, -1.3], [0.7, 0.8], [-1.0, -0.6]])


def bar(beta, t):
    """ᾱ_t of β, which begins with β_0 = 0."""
    return alpha_bar_from_beta(beta)[t]


def mean(x, points, shrink, var, share=True, axis=1):
    """The weighted mean of the points: weights exp(−|x − shrink · point|²/(2 var)), by default as shares of 1.

    ``axis`` is the one along which the shares add up to 1: 0 and None, all of them together, are mistakes.
    """
    weights = np.exp(-((x[:, None] - shrink * points) ** 2).sum(axis=-1) / (2 * var))
    return (weights / weights.sum(axis=axis, keepdims=True) if share else weights) @ points


def nearest(x, points, a):
    """The point whose shrunk image lies nearest to each x."""
    return points[((x[:, None] - a**0.5 * points) ** 2).sum(axis=-1).argmin(axis=1)]


# a mistake: its name, what it answers, a hint
# fmt: off
EXERCISES = {
    "1.1": Exercise(
        lambda a1, a2: ((a1 * a2) ** 0.5, (1 - a1 * a2) ** 0.5),
        ALPHAS, [
        ("the second number is the variance",       lambda a1, a2: ((a1 * a2) ** 0.5, 1 - a1 * a2),
         "the task asks for the standard deviation."),
        ("you added the standard deviations of the two noises",
         lambda a1, a2: ((a1 * a2) ** 0.5, (a2 * (1 - a1)) ** 0.5 + (1 - a2) ** 0.5),
         "the two noises are independent: see (1.2)."),
        ("the first noise is not scaled by the second step",
         lambda a1, a2: ((a1 * a2) ** 0.5, ((1 - a1) + (1 - a2)) ** 0.5),
         "step 2 multiplies all of x_1 by √α_2, the noise in it too."),
        ("the first noise is scaled by α_2 where it should be √α_2",
         lambda a1, a2: ((a1 * a2) ** 0.5, (a2**2 * (1 - a1) + 1 - a2) ** 0.5),
         "scaling by √α_2 multiplies a variance by its square."),
        ("the factor of x_0 lacks its square root", lambda a1, a2: (a1 * a2, (1 - a1 * a2) ** 0.5),
         "each step multiplies by √α, not by α."),
        ("both roots are missing",                  lambda a1, a2: (a1 * a2, 1 - a1 * a2),
         "each step multiplies by √α, and the task asks for the standard deviation."),
        ("you used the second step alone",          lambda a1, a2: (a2**0.5, (1 - a2) ** 0.5),
         "the start is x_0, two steps back."),
    ]),
    "1.2": Exercise(
        lambda x0, beta, t: (bar(beta, t) ** 0.5 * x0, 1 - bar(beta, t)),
        [(2.0, BETA, 1), (2.0, BETA, 3), (-0.7, LONG, 2), (1.3, LONG, 5)], [
        ("you used α_t for ᾱ_t",           lambda x0, beta, t: ((1 - beta[t]) ** 0.5 * x0, beta[t]),
         "β_t belongs to the single step from t − 1 to t; the jump starts at 0."),
        ("your product stops one step early",
         lambda x0, beta, t: (bar(beta, t - 1) ** 0.5 * x0, 1 - bar(beta, t - 1)),
         "ᾱ_t contains the factor of time t; beta[:t] ends at t − 1."),
        ("the mean lacks its square root", lambda x0, beta, t: (bar(beta, t) * x0, 1 - bar(beta, t)),
         "ᾱ_t is a share of variance; x_0 itself is scaled by less."),
        ("the second number is the standard deviation",
         lambda x0, beta, t: (bar(beta, t) ** 0.5 * x0, (1 - bar(beta, t)) ** 0.5),
         "the task asks for the variance."),
        ("you added the β where the α multiply",
         lambda x0, beta, t: ((1 - beta[1 : t + 1].sum()) ** 0.5 * x0, beta[1 : t + 1].sum()),
         "every step shrinks the noise that is already there, so the β do not add up."),
        ("both roots changed places: the mean lacks one, and the variance has one",
         lambda x0, beta, t: (bar(beta, t) * x0, (1 - bar(beta, t)) ** 0.5),
         "x_0 is scaled by √ᾱ_t; the task asks for the variance."),
        ("the second number is ᾱ_t, the share of signal",
         lambda x0, beta, t: (bar(beta, t) ** 0.5 * x0, bar(beta, t)),
         "at t = 0 the variance must be 0."),
        ("mean and variance have changed places in ᾱ",
         lambda x0, beta, t: ((1 - bar(beta, t)) ** 0.5 * x0, bar(beta, t)),
         "at t = 0 the mean must be x_0 and the variance 0."),
    ]),
    "1.3": Exercise(
        lambda x, e, ab, s, t: add_noise(x, e, ab[t] / ab[s]),
        [(1.5, 0.8, ALPHA_BAR, 1, 3), (-0.6, 1.1, FIVE, 2, 4), (0.9, -0.4, FIVE, 1, 5)], [
        ("you jumped as if x_s were x_0", lambda x, e, ab, s, t: add_noise(x, e, ab[t]),
         "part of the noise is in x_s already; only the steps after s are still to come."),
        ("you started one step early", lambda x, e, ab, s, t: add_noise(x, e, ab[t] / ab[s - 1]),
         "the steps to come are s + 1 … t; the factor of time s is in x_s already."),
        ("the noise is the difference of the two noise variances",
         lambda x, e, ab, s, t: (ab[t] / ab[s]) ** 0.5 * x + (ab[s] - ab[t]) ** 0.5 * e,
         "the noise in x_s shrinks on the way, so more than the difference is added."),
        ("the noise is scaled by its variance",
         lambda x, e, ab, s, t: (ab[t] / ab[s]) ** 0.5 * x + (1 - ab[t] / ab[s]) * e,
         "ε has variance 1; a factor c gives it the variance c²."),
        ("the signal lacks its square root",
         lambda x, e, ab, s, t: ab[t] / ab[s] * x + (1 - ab[t] / ab[s]) ** 0.5 * e,
         "the quotient is a share of variance; x_s itself is scaled by less."),
        ("the noise is that of the whole way from x_0",
         lambda x, e, ab, s, t: (ab[t] / ab[s]) ** 0.5 * x + (1 - ab[t]) ** 0.5 * e,
         "part of the noise is in x_s already; only the steps after s are still to come."),
        ("both roots are missing",
         lambda x, e, ab, s, t: ab[t] / ab[s] * x + (1 - ab[t] / ab[s]) * e,
         "the quotient and what is missing to 1 are shares of variance; x_s and ε are no squares."),
        ("the noise has the wrong sign",
         lambda x, e, ab, s, t: add_noise(x, -e, ab[t] / ab[s]),
         "its law would be the same, but add_noise adds: with this sign ε̂ would be −ε in all that follows."),
    ]),
    "1.4": Exercise(
        lambda x, points, a: finite_data(points).x0(x, a),
        [(X, POINTS, 0.3), (X[:1], POINTS[:3], 0.9), (X[1:, :1], POINTS[:, :1], 0.05)], [
        ("the points are not shrunk",                lambda x, points, a: mean(x, points, 1.0, 1 - a),
         "x_t = √ᾱ_t x_0 + noise: around which place does it lie if x_0 is the point?"),
        ("the points are shrunk by ᾱ_t, not √ᾱ_t",   lambda x, points, a: mean(x, points, a, 1 - a),
         "x scales with roots."),
        ("you divided by √(1−ᾱ_t), not by 1−ᾱ_t",    lambda x, points, a: mean(x, points, a**0.5, (1 - a) ** 0.5),
         "a Gaussian's exponent holds the variance."),
        ("you divided by (1−ᾱ_t)², not by 1−ᾱ_t",    lambda x, points, a: mean(x, points, a**0.5, (1 - a) ** 2),
         "1−ᾱ_t is a variance already."),
        ("you divided by ᾱ_t, not by 1−ᾱ_t",         lambda x, points, a: mean(x, points, a**0.5, a),
         "the noise of x_t has the variance 1−ᾱ_t."),
        ("the factor 1/2 in the exponent is missing", lambda x, points, a: mean(x, points, a**0.5, (1 - a) / 2),
         "write down the density of N(x; m, v I)."),
        ("the exponent has the wrong sign",          lambda x, points, a: mean(x, points, a**0.5, a - 1),
         "far points must count less."),
        ("the weights do not add up to 1",           lambda x, points, a: mean(x, points, a**0.5, 1 - a, share=False),
         "divide by their sum over the points, for each x."),
        ("the weights add up to 1 over the x, not over the points",
         lambda x, points, a: mean(x, points, a**0.5, 1 - a, axis=0),
         "each x has its own weights: sum over the axis of the points."),
        ("the weights of all x together add up to 1",
         lambda x, points, a: mean(x, points, a**0.5, 1 - a, axis=None),
         "the weights of each x must: give sum the axis of the points."),
        ("points and x are shrunk by √ᾱ_t both",     lambda x, points, a: mean(a**0.5 * x, points, a**0.5, 1 - a),
         "x_t is what you see; it is shrunk already."),
        ("you gave the posterior mean of x_t, not of x_0", lambda x, points, a: a**0.5 * mean(x, points, a**0.5, 1 - a),
         "the mean of √ᾱ_t x_0 is asked for nowhere: average the points themselves."),
        ("you gave the nearest point",               nearest,
         "all points that could have led to x count, by how likely that is."),
        ("you gave the mean of the data",            lambda x, points, a: mean(x, points, 0.0, 1.0),
         "that is right at ᾱ_t = 0 alone, where x_t says nothing."),
    ]),
}
# fmt: on
