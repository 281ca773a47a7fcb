"""Exercises of lesson 06: the loop, the target v, ε from v, the average, comparable losses, a bug."""

from itertools import combinations

import numpy as np

from ...learning.networks import make_target, to_eps
from ...teaching.exercises import Exercise, choice
from .whole import TRAINING_LOOP

X, E = np.array([[0.5, -1.0], [2.0, 0.3], [0.7, -0.2]]), np.array([[1.0, 0.4], [-0.7, 0.2], [0.3, -1.6]])
PAIRS = [(X, E, 0.2), (X[:2], E[1:], 0.9), (X[0], E[2], 0.6), (E.T, X.T, 1.0)]  # two arrays and ᾱ_t
WEIGHTS = np.array([[1.0, 0.0, 0.3], [2.0, -1.0, 0.9], [0.5, 4.0, 0.1], [3.0, 1.0, -0.6]])


def average_of(weights, decay):
    """Return the moving average of rows of ``weights``: it starts at the first row and moves once for each other."""
    average = weights[0]
    for row in weights[1:]:
        average = decay * average + (1 - decay) * row
    return average


TRAININGS = {  # target, times, schedule: what decides the floor and the weights
    "A": ("ε", "uniform", "T = 1000"),
    "B": ("v", "uniform", "T = 1000"),
    "C": ("ε", "squared", "T = 1000"),
    "D": ("ε", "uniform", "T = 1000"),
    "E": ("ε", "uniform", "T = 50"),
}
WHY = {
    "targets": "by (6.5) the square of an error counts 1/ᾱ_t times more in v than in ε.",
    "times": "small t, where most of ε is unknowable, counts more in C.",
    "schedules": "look at the loss of the exact denoiser on the two schedules.",
}


def uncomparable(pair):
    """Return the mistake of comparing a ``pair`` of trainings that differ in more than the network."""
    one, other = (TRAININGS[name] for name in pair)
    different = [what for what, a, b in zip(WHY, one, other, strict=True) if a != b]
    name = f"{' and '.join(pair)} have different {' and '.join(different)}"
    return name, set(pair), WHY[different[0]]


# a mistake: its name, what it answers, a hint
# fmt: off
EXERCISES = {
    "6.1": TRAINING_LOOP,
    "6.2": Exercise(
        lambda x, e, ab: make_target(x, e, ab, "v"),
        PAIRS, [
        ("this is x_t, what the network sees",      lambda x, e, ab: ab**0.5 * x + (1 - ab) ** 0.5 * e,
         "in v the two factors have changed places, and one sign is a minus."),
        ("the sign between the two terms is wrong", lambda x, e, ab: ab**0.5 * e + (1 - ab) ** 0.5 * x,
         "v must be 0 on average over x_t: it points away from the data, towards the noise."),
        ("the whole sign is turned round",          lambda x, e, ab: (1 - ab) ** 0.5 * x - ab**0.5 * e,
         "almost without noise, at ᾱ near 1, v is the noise itself."),
        ("the two factors have changed places",     lambda x, e, ab: (1 - ab) ** 0.5 * e - ab**0.5 * x,
         "almost without noise, at ᾱ near 1, v is the noise itself."),
        ("this is ε − x_0, the v of flow matching", lambda x, e, ab: e - x,
         "the v of this lesson weighs the two by √ᾱ and √(1−ᾱ)."),
        ("the square roots are missing",            lambda x, e, ab: ab * e - (1 - ab) * x,
         "ᾱ and 1−ᾱ are variances, and x_0 and ε are no squares."),
    ]),
    "6.3": Exercise(
        lambda v, x, ab: to_eps(v, x, ab, "v"),
        PAIRS, [
        ("this is x̂_0, not ε̂",                    lambda v, x, ab: ab**0.5 * x - (1 - ab) ** 0.5 * v,
         "you solved the two equations for the other unknown."),
        ("the sign between the two terms is wrong", lambda v, x, ab: ab**0.5 * v - (1 - ab) ** 0.5 * x,
         "put in x_0 = 0: then x_t and v are both positive multiples of ε."),
        ("the two factors have changed places",     lambda v, x, ab: (1 - ab) ** 0.5 * v + ab**0.5 * x,
         "in pure noise, at ᾱ = 0, the noise is x_t itself."),
        ("the square roots are missing",            lambda v, x, ab: ab * v + (1 - ab) * x,
         "ᾱ and 1−ᾱ are variances."),
        ("the whole sign is turned round",          lambda v, x, ab: -(ab**0.5) * v - (1 - ab) ** 0.5 * x,
         "almost without noise, at ᾱ near 1, v is the noise itself."),
        ("you forgot the point x_t",                lambda v, x, ab: v / ab**0.5,
         "v mixes ε with x_0: take x_0 out with the help of x_t."),
    ]),
    "6.4": Exercise(
        average_of,
        [(WEIGHTS, 0.9), (WEIGHTS, 0.25), (WEIGHTS[1:, :2], 0.7)], [
        ("decay and 1 − decay have changed places", lambda w, d: average_of(w, 1 - d),
         "a decay near 1 must keep nearly all of the old average."),
        ("your average starts at 0",              lambda w, d: average_of(np.concatenate([np.zeros_like(w[:1]), w]), d),
         "before the first step the average is a copy of the network."),
        ("this is the plain mean of all weights", lambda w, d: w.mean(axis=0),
         "newer weights must count more than older ones."),
        ("you moved the average once only",       lambda w, d: d * w[0] + (1 - d) * w[-1],
         "every row moves it, in order."),
        ("each row is mixed with the row before it, not with the average", lambda w, d: d * w[-2] + (1 - d) * w[-1],
         "keep the result of one step and use it in the next."),
    ]),
    "6.5": Exercise(
        {"A", "D"},
        [()], [
        *(uncomparable(pair) for pair in combinations(TRAININGS, 2) if pair != ("A", "D")),
        ("these are all that share a target and a schedule, but one of them draws its times otherwise", {"A", "C", "D"},
         "drawing some times more often gives them more weight, in the floor too."),
    ]),
    "6.6": choice("line 4", {
        "line 1": "x_T is standard normal noise, as it should be.",
        "line 2": "these are S + 1 times from T down to 0.",
        "line 3": "pairs of neighbours, the later time first; i counts them.",
        "line 5": "that is predict_x0, with ᾱ at the time of x.",
        "line 6": "that is the step of (4.10) at η = 0, before it is multiplied out.",
    }),
}
# fmt: on
