"""Exercises of lesson 08: one step of the variance, and the equal number of steps."""

import numpy as np

from ...ddim import coefficients
from ...teaching.exercises import Exercise

STEPS = np.array([5, 10, 20, 50, 100])
FALLS = [  # steps, values, target
    (STEPS, np.array([8.0, 4.0, 2.0, 1.0, 0.5]), 3.4),
    (STEPS, np.array([9.0, 5.0, 3.0, 2.5, 0.7]), 2.7),
    (np.array([2, 9, 30]), np.array([0.9, 0.8, 0.1]), 0.3),
]


def gain(v, ab_t, ab_s, sigma_sq, v_t=None):
    """g of (8.1); another ``v_t`` than the right variance at t is a mistake."""
    k, lam = coefficients(ab_t, ab_s, sigma_sq)
    return k + lam * ab_t**0.5 * v / (right(v, ab_t) if v_t is None else v_t)


def right(v, ab_t):
    """v_t, the variance that x_t should have."""
    return ab_t * v + 1 - ab_t


def left_out(v, t, s, sq):
    """λ² Var(x_0 | x_t), what the sampler leaves out."""
    return coefficients(t, s, sq)[1] ** 2 * v * (1 - t) / right(v, t)


def between(position):
    """Return the function that finds S between two neighbours, where ``position(low, high, share)`` says how."""

    def steps_needed(steps, values, target):
        j = next(j for j, value in enumerate(values) if value <= target)
        share = (values[j - 1] - target) / (values[j - 1] - values[j])
        return position(steps[j - 1], steps[j], share)

    return steps_needed


def in_log_values(steps, values, target):
    """The same, straight in log S and log value."""
    j = next(j for j, value in enumerate(values) if value <= target)
    share = np.log(values[j - 1] / target) / np.log(values[j - 1] / values[j])
    return steps[j - 1] * (steps[j] / steps[j - 1]) ** share


# a mistake: its name, what it answers, a hint
# fmt: off
EXERCISES = {
    "8.1": Exercise(
        lambda var, v, t, s, sq: gain(v, t, s, sq) ** 2 * var + sq,
        [(0.9, 0.25, 0.3, 0.6, 0.05), (1.2, 2.0, 0.1, 0.4, 0.3), (0.7, 0.01, 0.5, 0.9, 0.0)], [
        ("g is not squared",           lambda var, v, t, s, sq: gain(v, t, s, sq) * var + sq,
         "a factor in front of x stands squared in the variance."),
        ("the fresh noise is missing", lambda var, v, t, s, sq: gain(v, t, s, sq) ** 2 * var,
         "independent noise adds its variance."),
        ("you added σ, not σ²",        lambda var, v, t, s, sq: gain(v, t, s, sq) ** 2 * var + sq**0.5,
         "variances add, standard deviations do not."),
        ("σ² is missing under the root of the direction", lambda var, v, t, s, sq: gain(v, t, s, 0.0) ** 2 * var + sq,
         "the fresh noise takes its room from the old noise."),
        ("var_t stands in g for v_t",  lambda var, v, t, s, sq: gain(v, t, s, sq, v_t=var) ** 2 * var + sq,
         "x̂_0 is made for x_t as it should be, of variance v_t; it does not know the sampler's."),
        ("you added the term of λ(x_0−x̂_0)",
         lambda var, v, t, s, sq: gain(v, t, s, sq) ** 2 * var + sq + left_out(v, t, s, sq),
         "the sampler puts the mean x̂_0 where a draw would be: that term is what it loses."),
        ("you added σ⁴, not σ²",       lambda var, v, t, s, sq: gain(v, t, s, sq) ** 2 * var + sq**2,
         "the argument `sigma_sq` is σ² already."),
        ("you started from v_t, not from var_t",
         lambda var, v, t, s, sq: gain(v, t, s, sq) ** 2 * right(v, t) + sq,
         "the sampler's x_t has the variance var_t, which is no longer the right one."),
        ("g is k + λ, as if x̂_0 were x_t",
         lambda var, v, t, s, sq: sum(coefficients(t, s, sq)) ** 2 * var + sq,
         "x̂_0 has a slope in x_t: (8.1)."),
        ("you added x_t and x̂_0 as if they were independent",
         lambda var, v, t, s, sq: np.square(coefficients(t, s, sq)) @ (var, v) + sq,
         "x̂_0 is made from x_t: add their two slopes first, then square."),
        ("you left out λ",
         lambda var, v, t, s, sq: coefficients(t, s, sq)[0] ** 2 * var + sq,
         "x_t acts twice: by k, and through x̂_0."),
        ("you left out k",
         lambda var, v, t, s, sq: (gain(v, t, s, sq) - coefficients(t, s, sq)[0]) ** 2 * var + sq,
         "x_t acts twice: by k, and through x̂_0."),
        ("this is the standard deviation", lambda var, v, t, s, sq: (gain(v, t, s, sq) ** 2 * var + sq) ** 0.5,
         "the variance is asked for."),
        ("this is the right variance at s, not the sampler's", lambda var, v, t, s, sq: right(v, s),
         "the sampler does not reach it: that is the point."),
    ]),
    "8.2": Exercise(
        between(lambda low, high, share: low * (high / low) ** share),
        FALLS, [
        ("your line is straight in S, not in log S",   between(lambda low, high, share: low + (high - low) * share),
         "half way between 10 and 1000 is 100."),
        ("you returned a measured S, not one between", between(lambda low, high, share: high),
         "the curve crosses the target before that."),
        ("the share is counted from the wrong end",    between(lambda low, high, share: high * (low / high) ** share),
         "the closer the target to the earlier value, the fewer steps."),
        ("np.interp was given falling values",
         lambda steps, values, target: np.interp(target, values, steps),
         "it needs rising ones: turn both arrays round, or find the crossing by hand."),
        ("you took logarithms of the values, too",     in_log_values,
         "here the values stay as they are."),
    ]),
}
# fmt: on
