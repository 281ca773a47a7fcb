"""Exercises of lesson 08: the variance recursion, its closed form, a grid's two ends, equal steps, two finds."""

import numpy as np

from ...schedules import alpha_bar_schedule
from ...teaching.exercises import Exercise, choice

LINEAR, COSINE = alpha_bar_schedule("linear", 1000), alpha_bar_schedule("cosine", 51)
STEPS = np.array([5, 10, 20, 50, 100])
FALLS = [  # steps, values, target
    (STEPS, np.array([8.0, 4.0, 2.0, 1.0, 0.5]), 3.4),
    (STEPS, np.array([9.0, 5.0, 3.0, 2.5, 0.7]), 2.7),
    (np.array([2, 9, 30]), np.array([0.9, 0.8, 0.1]), 0.3),
]


def gain(v, ab_t, ab_s, sigma_sq):
    """g of (8.1)."""
    share = (ab_t * ab_s) ** 0.5 * v + (1 - ab_s - sigma_sq) ** 0.5 * (1 - ab_t) ** 0.5
    return share / (ab_t * v + 1 - ab_t)


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
        ("this is the right variance at s, not the sampler's", lambda var, v, t, s, sq: s * v + 1 - s,
         "the sampler does not reach it: that is the point."),
    ]),
    "8.2": Exercise(
        lambda S: np.cos(np.pi / (2 * S)) ** (2 * S),
        [(1,), (2,), (7,), (100,)], [
        ("this is the standard deviation, not the variance", lambda S: np.cos(np.pi / (2 * S)) ** S,
         "each step multiplies the variance by cos²."),
        ("each angle is twice too large",                    lambda S: np.cos(np.pi / S) ** (2 * S),
         "S angles fill a quarter."),
        ("this is the approximation for large S",            lambda S: 1 - np.pi**2 / (4 * S),
         "at S = 1 it is below 0; keep the cosine."),
        ("this is one step alone",                           lambda S: np.cos(np.pi / (2 * S)) ** 2,
         "there are S equal steps."),
    ]),
    "8.3": Exercise(
        between(lambda low, high, share: low * (high / low) ** share),
        FALLS, [
        ("your line is straight in S, not in log S",   between(lambda low, high, share: low + (high - low) * share),
         "half way between 10 and 1000 is 100."),
        ("you returned a measured S, not one between", between(lambda low, high, share: high),
         "the curve crosses the target before that."),
        ("the share is counted from the wrong end",    between(lambda low, high, share: high * (low / high) ** share),
         "the closer the target to the earlier value, the fewer steps."),
        ("you took logarithms of the values, too",     in_log_values,
         "here the values stay as they are."),
    ]),
    "8.4": Exercise(
        lambda i, ab: (ab[max(i) + 1], 1 - ab[min(i) + 1]),
        [([900, 600, 300, 0], LINEAR), ([0, 99, 500], LINEAR), ([7, 40, 21], COSINE)], [
        ("index and time are off by one",                  lambda i, ab: (ab[max(i)], 1 - ab[min(i)]),
         "their index 0 is our time 1."),
        ("the second number is the signal, not the noise", lambda i, ab: (ab[max(i) + 1], ab[min(i) + 1]),
         "the last jump removes 1 − ᾱ."),
        ("start and end have changed places",              lambda i, ab: (ab[min(i) + 1], 1 - ab[max(i) + 1]),
         "sampling starts at the latest time."),
        ("you trusted the order of the list",              lambda i, ab: (ab[i[0] + 1], 1 - ab[i[-1] + 1]),
         "a library may give the indices rising or falling."),
        ("you assumed that the grid starts at T",          lambda i, ab: (ab[-1], 1 - ab[min(i) + 1]),
         "look at the latest index that is there."),
    ]),
    "8.5": choice("D", {
        "A": "A's points are too close together, not fuzzy; and two of its runs differ.",
        "B": "look where B's first question is: it starts near the data.",
        "C": "C is not fuzzy.",
        "E": "E is not fuzzy but far away: something worse happens in its last step.",
        "F": "F walks from the data to noise.",
        "G": "G is fuzzy, but two runs from the same start differ: its fuzz is fresh noise.",
        "H": "H is nearly right; look at the times it asks about.",
    }),
    "8.6": choice("C", {
        "A": "A makes S calls at every S.",
        "B": "B makes S calls at every S, but only at small times.",
        "D": "D makes S calls, and then stops early.",
        "E": "E makes S calls at every S.",
        "F": "F makes S calls at every S.",
        "G": "G makes S calls at every S.",
        "H": "H makes S calls at every S.",
    }),
}
# fmt: on
