"""Exercises of lesson 08: the variance recursion, its closed form, a grid's two ends, equal steps, two finds."""

import numpy as np

from ...schedules import alpha_bar_schedule
from ...teaching.exercises import Exercise, Mistake, choice

ALPHA_BAR = alpha_bar_schedule("linear", 1000)
STEPS, FALLING, FALLING_2 = (5, 10, 20, 50, 100), (8.0, 4.0, 2.0, 1.0, 0.5), (9.0, 5.0, 3.0, 2.5, 0.7)


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


EXERCISES = {
    "8.1": Exercise(
        truth=lambda var, v, t, s, sq: gain(v, t, s, sq) ** 2 * var + sq,
        cases=[(0.9, 0.25, 0.3, 0.6, 0.05), (1.2, 2.0, 0.1, 0.4, 0.3)],
        mistakes=[
            Mistake(
                "g is not squared",
                lambda var, v, t, s, sq: gain(v, t, s, sq) * var + sq,
                "a factor in front of x stands squared in the variance.",
            ),
            Mistake(
                "the fresh noise is missing",
                lambda var, v, t, s, sq: gain(v, t, s, sq) ** 2 * var,
                "independent noise adds its variance.",
            ),
            Mistake(
                "you added σ, not σ²",
                lambda var, v, t, s, sq: gain(v, t, s, sq) ** 2 * var + sq**0.5,
                "variances add, standard deviations do not.",
            ),
            Mistake(
                "σ² is missing under the root of the direction",
                lambda var, v, t, s, sq: gain(v, t, s, 0.0) ** 2 * var + sq,
                "the fresh noise takes its room from the old noise.",
            ),
            Mistake(
                "this is the right variance at s, not the sampler's",
                lambda var, v, t, s, sq: s * v + 1 - s,
                "the sampler does not reach it: that is the point.",
            ),
        ],
    ),
    "8.2": Exercise(
        truth=lambda S: np.cos(np.pi / (2 * S)) ** (2 * S),
        cases=[(1,), (2,), (7,), (100,)],
        mistakes=[
            Mistake(
                "this is the standard deviation, not the variance",
                lambda S: np.cos(np.pi / (2 * S)) ** S,
                "each step multiplies the variance by cos².",
            ),
            Mistake(
                "each angle is twice too large", lambda S: np.cos(np.pi / S) ** (2 * S), "S angles fill a quarter."
            ),
            Mistake(
                "this is the approximation for large S",
                lambda S: 1 - np.pi**2 / (4 * S),
                "at S = 1 it is below 0; keep the cosine.",
            ),
            Mistake("this is one step alone", lambda S: np.cos(np.pi / (2 * S)) ** 2, "there are S equal steps."),
        ],
    ),
    "8.3": Exercise(
        truth=between(lambda low, high, share: low * (high / low) ** share),
        cases=[(STEPS, FALLING, 3.0), (STEPS, FALLING_2, 2.7)],
        mistakes=[
            Mistake(
                "your line is straight in S, not in log S",
                between(lambda low, high, share: low + (high - low) * share),
                "half way between 10 and 1000 is 100.",
            ),
            Mistake(
                "you returned a measured S, not one between",
                between(lambda low, high, share: high),
                "the curve crosses the target before that.",
            ),
            Mistake(
                "the share is counted from the wrong end",
                between(lambda low, high, share: high * (low / high) ** share),
                "the closer the target to the earlier value, the fewer steps.",
            ),
            Mistake("you took logarithms of the values, too", in_log_values, "here the values stay as they are."),
        ],
    ),
    "8.4": Exercise(
        truth=lambda indices, ab: np.array([ab[max(indices) + 1], 1 - ab[min(indices) + 1]]),
        cases=[([900, 600, 300, 0], ALPHA_BAR), ([0, 99, 500], ALPHA_BAR)],
        mistakes=[
            Mistake(
                "index and time are off by one",
                lambda indices, ab: np.array([ab[max(indices)], 1 - ab[min(indices)]]),
                "their index 0 is our time 1.",
            ),
            Mistake(
                "the second number is the signal, not the noise",
                lambda indices, ab: np.array([ab[max(indices) + 1], ab[min(indices) + 1]]),
                "the last jump removes 1 − ᾱ.",
            ),
            Mistake(
                "start and end have changed places",
                lambda indices, ab: np.array([ab[min(indices) + 1], 1 - ab[max(indices) + 1]]),
                "sampling starts at the latest time.",
            ),
            Mistake(
                "you trusted the order of the list",
                lambda indices, ab: np.array([ab[indices[0] + 1], 1 - ab[indices[-1] + 1]]),
                "a library may give the indices rising or falling.",
            ),
            Mistake(
                "you assumed that the grid starts at T",
                lambda indices, ab: np.array([ab[-1], 1 - ab[min(indices) + 1]]),
                "look at the latest index that is there.",
            ),
        ],
    ),
    "8.5": choice(
        tuple("ABCDEFGH"),
        right="D",
        wrong={
            "A": "A's points are too close together, not fuzzy; and two of its runs differ.",
            "B": "look where B's first question is: it starts near the data.",
            "C": "C is not fuzzy.",
            "E": "E is not fuzzy but far away: something worse happens in its last step.",
            "F": "F walks from the data to noise.",
            "G": "G is fuzzy, but two runs from the same start differ: its fuzz is fresh noise.",
            "H": "H is nearly right; look at the times it asks about.",
        },
    ),
    "8.6": choice(
        tuple("ABCDEFGH"),
        right="C",
        wrong={
            "A": "A makes S calls at every S.",
            "B": "B makes S calls at every S, but only at small times.",
            "D": "D makes S calls, and then stops early.",
            "E": "E makes S calls at every S.",
            "F": "F makes S calls at every S.",
            "G": "G makes S calls at every S.",
            "H": "H makes S calls at every S.",
        },
    ),
}
