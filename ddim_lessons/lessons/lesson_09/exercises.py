"""Exercises of lesson 09: the Euler step, the order, second order, slerp, one step up, a bug in an inversion."""

import numpy as np

from ...ddim import add_noise, move, predict_x0
from ...solvers import slerp
from ...teaching.exercises import Exercise, choice

X, EPS = np.array([[0.5, -1.0], [2.0, 0.3], [0.2, 0.9]]), np.array([[1.0, 0.4], [-0.7, 0.2], [0.6, -1.3]])
A, B = np.array([0.6, -1.2, 0.4, 2.0]), np.array([1.5, 0.3, -0.8, 0.1])


def noise(ab):
    """σ̃, noise in units of the signal."""
    return ((1 - ab) / ab) ** 0.5


def angle(a, b):
    """The angle between two vectors."""
    return np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def arc(a, b, w, theta):
    """Slerp with a given angle."""
    return (np.sin((1 - w) * theta) * a + np.sin(w * theta) * b) / np.sin(theta)


# a mistake: its name, what it answers, a hint
# fmt: off
EXERCISES = {
    "9.1": Exercise(
        lambda x, e, t, s: move(predict_x0(x, e, t), e, s),
        [(X, EPS, 0.2, 0.7), (X[:1], EPS[:1], 0.9, 1.0), (EPS[0], X[0], 0.1, 0.3)], [
        ("you stopped at x̄_s", lambda x, e, t, s: x / t**0.5 + (noise(s) - noise(t)) * e,
         "the answer is x_s = √ᾱ_s x̄_s."),
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
        lambda S_1, e_1, S_2, e_2: np.log(e_1 / e_2) / np.log(S_2 / S_1),
        [(10, 0.12, 40, 0.03), (20, 0.08, 100, 0.004), (8, 0.5, 24, 0.1)], [
        ("the sign is turned round: this is the slope",
         lambda S_1, e_1, S_2, e_2: np.log(e_2 / e_1) / np.log(S_2 / S_1),
         "the order of an error that falls is positive."),
        ("you forgot the logarithms",      lambda S_1, e_1, S_2, e_2: (e_1 / e_2) / (S_2 / S_1),
         "p is an exponent."),
        ("only the error has a logarithm", lambda S_1, e_1, S_2, e_2: np.log(e_1 / e_2) / (S_2 / S_1),
         "(S_2/S_1)^p: p stands in an exponent of the ratio of steps."),
        ("numerator and denominator have changed places",
         lambda S_1, e_1, S_2, e_2: np.log(S_2 / S_1) / np.log(e_1 / e_2),
         "a method of high order has a small error after few steps."),
    ]),
    "9.3": Exercise(
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
    "9.4": Exercise(
        slerp,
        [(A, B, 0.3), (A, -B, 0.5), (A[:3], B[:3], 0.8)], [
        ("this is linear mixing",       lambda a, b, w: (1 - w) * a + w * b,
         "half way its length is too small."),
        ("w and 1 − w have changed places", lambda a, b, w: slerp(a, b, 1 - w),
         "at w = 0 the answer is a."),
        ("you did not divide by sin θ", lambda a, b, w: np.sin((1 - w) * angle(a, b)) * a + np.sin(w * angle(a, b)) * b,
         "at w = 0 the answer is a itself."),
        ("you took the angle to be a right one", lambda a, b, w: np.cos(w * np.pi / 2) * a + np.sin(w * np.pi / 2) * b,
         "two random latents are nearly at right angles, these are not."),
        ("the lengths are missing in the cosine", lambda a, b, w: arc(a, b, w, np.arccos(a @ b)),
         "a·b = |a||b| cos θ."),
    ]),
    "9.5": Exercise(
        lambda x, e, s, t: move(predict_x0(x, e, s), e, t),
        [(X, EPS, 0.7, 0.2), (X[:1], EPS[:1], 0.95, 0.9), (EPS[0], X[0], 0.5, 0.05)], [
        ("x has not moved: x̂_0 was read with the level of t", lambda x, e, s, t: move(predict_x0(x, e, t), e, t),
         "x_s is at time s, so its own ᾱ_s leads to x̂_0."),
        ("this is fresh noise on x_s, as if it were clean",    lambda x, e, s, t: add_noise(x, e, t),
         "take the noise of time s out first."),
        ("s and t have changed places",                        lambda x, e, s, t: move(predict_x0(x, e, t), e, s),
         "the answer is noisier than x_s."),
        ("you stopped at x̂_0",                                lambda x, e, s, t: predict_x0(x, e, s),
         "now noise it to the level of t."),
    ]),
    "9.6": choice("line 4", {
        "line 1": "51 times from 1000 down to 0, as always.",
        "line 2": "pairs of neighbours from the data up, the earlier time first.",
        "line 3": "that is the noise at the point at hand, at its own time: (9.9).",
        "line 5": "that is the way to the level of t, where the step ends.",
    }),
}
# fmt: on
