"""Exercises of lesson 11: a change of clock, four Euler steps, ε to v, Euler ancestral, guidance, a jump."""

import numpy as np

from ...ddim import predict_x0
from ...solvers import gaussian_flow, sigma_bar
from ...teaching.exercises import Exercise, choice

X, EPS = np.array([[0.5, -1.0], [2.0, 0.3], [0.2, 0.9]]), np.array([[1.0, 0.4], [-0.7, 0.2], [0.6, -1.3]])


def share(ab):
    """u, the share of noise on the straight line."""
    return sigma_bar(ab) / (1 + sigma_bar(ab))


def slope(var, ab):
    """x̂_0's slope in x_t for data N(0, var)."""
    return ab**0.5 * var / (ab * var + 1 - ab)


# a mistake: its name, what it answers, a hint
# fmt: off
EXERCISES = {
    "11.1": Exercise(
        lambda x, ab: (share(ab), x / (ab**0.5 + (1 - ab) ** 0.5)),
        [(0.8, 0.3), (-1.5, 0.9), (2.0, 0.05)], [
        ("you forgot the roots",          lambda x, ab: (1 - ab, x),
         "ᾱ and 1−ᾱ are variances: x_0 and ε are multiplied by their roots."),
        ("your u is σ̃ itself",           lambda x, ab: (sigma_bar(ab), x / (ab**0.5 + (1 - ab) ** 0.5)),
         "u runs from 0 to 1: the weight of ε after the division."),
        ("u is 1 at the data",            lambda x, ab: (1 - share(ab), x / (ab**0.5 + (1 - ab) ** 0.5)),
         "that is the weight of x_0; u is the weight of ε."),
        ("x was divided by its signal alone", lambda x, ab: (share(ab), x / ab**0.5),
         "that is x̄; the two weights must add up to 1."),
        ("x was not divided",             lambda x, ab: (share(ab), x),
         "the weights of x_0 and ε in x_t add up to more than 1."),
        ("u is √(1−ᾱ)",                   lambda x, ab: ((1 - ab) ** 0.5, x / (ab**0.5 + (1 - ab) ** 0.5)),
         "the weight of ε is divided too."),
        ("the pair is turned round",  lambda x, ab: (x / (ab**0.5 + (1 - ab) ** 0.5), share(ab)),
         "first u, then x_u."),
    ]),
    "11.2": choice("B", {
        "A": "√ᾱ is no straight line in t, so x_0's weight bends within the step.",
        "C": "cos and sin bend: along the step x̂_0 and ε̂ would be weighed otherwise than at its end.",
        "D": "B(w) = e^w is no straight line in w = log σ̃, although A = 1 is.",
    }),
    "11.3": Exercise(
        lambda x, e, ab: e - predict_x0(x, e, ab),
        [(X, EPS, 0.2), (X[:1], EPS[:1], 0.9), (EPS[0], X[0], 0.5)], [
        ("the sign is turned round",  lambda x, e, ab: predict_x0(x, e, ab) - e,
         "as u grows, noise comes in and data go out."),
        ("this is the other v, √ᾱ ε − √(1−ᾱ) x_0",
         lambda x, e, ab: ab**0.5 * e - (1 - ab) ** 0.5 * predict_x0(x, e, ab),
         "flow matching's weights are 1 and 1."),
        ("x_t is no x̂_0",            lambda x, e, ab: e - x,
         "solve x_t = √ᾱ x_0 + √(1−ᾱ) ε for x_0 first."),
        ("x̂_0 was not divided by √ᾱ", lambda x, e, ab: e - (x - (1 - ab) ** 0.5 * e),
         "x_t − √(1−ᾱ) ε̂ is √ᾱ x̂_0."),
        ("you forgot the roots",      lambda x, e, ab: e - (x - (1 - ab) * e) / ab,
         "ᾱ and 1−ᾱ are variances: x_0 and ε are multiplied by their roots."),
        ("you took x_t for x_u",      lambda x, e, ab: e - (x - share(ab) * e) / (1 - share(ab)),
         "x_t = √ᾱ x_0 + √(1−ᾱ) ε is not yet divided by √ᾱ + √(1−ᾱ)."),
    ]),
    "11.4": Exercise(
        lambda s_t, s_s, up: up / (s_s * (1 - (s_s / s_t) ** 2) ** 0.5),
        [(2.0, 1.0, 0.3), (10.0, 4.0, 2.5), (0.5, 0.4, 0.1)], [
        ("this is η²",                lambda s_t, s_s, up: up**2 / (s_s**2 * (1 - (s_s / s_t) ** 2)),
         "the share of fresh noise has η² in it."),
        ("the ratio is upside down",  lambda s_t, s_s, up: s_s * (1 - (s_s / s_t) ** 2) ** 0.5 / up,
         "more fresh noise, larger η."),
        ("this is √ of the share of fresh noise", lambda s_t, s_s, up: up / s_s,
         "at η = 1 the share is not 1 but 1 − (σ̃_s/σ̃_t)²."),
        ("you forgot the root",       lambda s_t, s_s, up: up / (s_s * (1 - (s_s / s_t) ** 2)),
         "1 − (σ̃_s/σ̃_t)² is a share of variance."),
        ("you compared with what is left at t", lambda s_t, s_s, up: up / (s_t * (1 - (s_s / s_t) ** 2) ** 0.5),
         "the share is one of x_s, whose noise has size σ̃_s."),
    ]),
    "11.5": Exercise(
        lambda v_c, v, w: v_c**w * v ** (1 - w),
        [(1.0, 2.0, 3.0), (0.25, 1.0, 2.0), (0.5, 0.8, 7.5)], [
        ("this is the tilted law's variance", lambda v_c, v, w: 1 / (w / v_c + (1 - w) / v),
         "precisions add up in the product of densities; the sampler adds up dV/V."),
        ("this is a mean of variances",       lambda v_c, v, w: w * v_c + (1 - w) * v,
         "dV/V = d log V: logarithms are what is mixed."),
        ("condition and no condition have changed places", lambda v_c, v, w: v**w * v_c ** (1 - w),
         "w = 1 must give v_c."),
        ("the second exponent lost its sign", lambda v_c, v, w: v_c**w * v ** (w - 1),
         "the answer without c has the weight 1 − w, below 0."),
        ("this is the standard deviation",    lambda v_c, v, w: (v_c**w * v ** (1 - w)) ** 0.5,
         "a variance is asked for."),
        ("the pull was doubled",              lambda v_c, v, w: v_c ** (2 * w) * v ** (2 - 2 * w),
         "that is η = 1, which also adds noise; here η = 0."),
    ]),
    "11.6": Exercise(
        lambda x, ab, m, v: gaussian_flow(x, m, v, ab),
        [(1.2, 0.3, 0.5, 0.25), (-2.0, 0.9, -1.0, 2.0), (0.4, 0.05, 0.0, 1.0)], [
        ("this is x̂_0, the mean",  lambda x, ab, m, v: m + slope(v, ab) * (x - ab**0.5 * m),
         "one DDIM step jumps there, short of spread; the curve matches standard deviations: did you forget a root?"),
        ("the ratio is upside down", lambda x, ab, m, v: m + (x / ab**0.5 - m) * ((v + sigma_bar(ab) ** 2) / v) ** 0.5,
         "the spread shrinks towards the data."),
        ("x was not divided by √ᾱ", lambda x, ab, m, v: m + (x - m) * (v / (v + sigma_bar(ab) ** 2)) ** 0.5,
         "σ̃ measures noise beside x̄ = x/√ᾱ."),
        ("the mean was forgotten",  lambda x, ab, m, v: x / ab**0.5 * (v / (v + sigma_bar(ab) ** 2)) ** 0.5,
         "it is the distance from the mean that shrinks."),
        ("√v was forgotten",        lambda x, ab, m, v: m + (x / ab**0.5 - m) / (v + sigma_bar(ab) ** 2) ** 0.5,
         "at the end, σ̃ = 0, the distance from the mean must be left as it is."),
    ]),
}
# fmt: on
