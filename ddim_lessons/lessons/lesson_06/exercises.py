"""Exercises of lesson 06: the target v, ε from v, stratified times, the moving average, comparable losses, a bug."""

from itertools import combinations

import numpy as np

from ...learning.networks import make_target, to_eps
from ...teaching.exercises import Exercise, Mistake, choice

X0, NOISE = np.array([[0.5, -1.0], [2.0, 0.3]]), np.array([[1.0, 0.4], [-0.7, 0.2]])
V, X_T = np.array([[0.3, -0.8], [1.1, 0.6]]), np.array([[-0.2, 0.9], [0.4, 1.5]])
U = np.array([0.0, 0.25, 0.5, 0.999, 0.7])
WEIGHTS = np.array([[1.0, 0.0], [2.0, -1.0], [0.5, 4.0], [3.0, 1.0]])


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
    "targets": "by (6.4) the square of an error counts 1/ᾱ_t times more in v than in ε.",
    "times": "small t, where most of ε is unknowable, counts more in C.",
    "schedules": "look at the loss of the exact denoiser on the two schedules.",
}


def uncomparable(pair):
    """Return the mistake of comparing a ``pair`` of trainings that differ in more than the network."""
    one, other = (TRAININGS[name] for name in pair)
    different = [what for what, a, b in zip(WHY, one, other, strict=True) if a != b]
    name = f"{' and '.join(pair)} have different {' and '.join(different)}"
    return Mistake(name, lambda: set(pair), WHY[different[0]])


EXERCISES = {
    "6.1": Exercise(
        truth=lambda x0, noise, ab: make_target(x0, noise, ab, "v"),
        cases=[(X0, NOISE, 0.2), (X0, NOISE, 0.9)],
        mistakes=[
            Mistake(
                "this is x_t, what the network sees",
                lambda x0, noise, ab: ab**0.5 * x0 + (1 - ab) ** 0.5 * noise,
                "in v the two factors have changed places, and one sign is a minus.",
            ),
            Mistake(
                "the sign between the two terms is wrong",
                lambda x0, noise, ab: ab**0.5 * noise + (1 - ab) ** 0.5 * x0,
                "v must be 0 on average over x_t: it points away from the data, towards the noise.",
            ),
            Mistake(
                "the whole sign is turned round",
                lambda x0, noise, ab: (1 - ab) ** 0.5 * x0 - ab**0.5 * noise,
                "almost without noise, at ᾱ near 1, v is the noise itself.",
            ),
            Mistake(
                "the two factors have changed places",
                lambda x0, noise, ab: (1 - ab) ** 0.5 * noise - ab**0.5 * x0,
                "almost without noise, at ᾱ near 1, v is the noise itself.",
            ),
            Mistake(
                "the square roots are missing",
                lambda x0, noise, ab: ab * noise - (1 - ab) * x0,
                "ᾱ and 1−ᾱ are variances, and x_0 and ε are no squares.",
            ),
        ],
    ),
    "6.2": Exercise(
        truth=lambda v, x_t, ab: to_eps(v, x_t, ab, "v"),
        cases=[(V, X_T, 0.2), (V, X_T, 0.9)],
        mistakes=[
            Mistake(
                "this is x̂_0, not ε̂",
                lambda v, x_t, ab: ab**0.5 * x_t - (1 - ab) ** 0.5 * v,
                "you solved the two equations for the other unknown.",
            ),
            Mistake(
                "the sign between the two terms is wrong",
                lambda v, x_t, ab: ab**0.5 * v - (1 - ab) ** 0.5 * x_t,
                "put in x_0 = 0: then x_t and v are both positive multiples of ε.",
            ),
            Mistake(
                "the two factors have changed places",
                lambda v, x_t, ab: (1 - ab) ** 0.5 * v + ab**0.5 * x_t,
                "in pure noise, at ᾱ = 0, the noise is x_t itself.",
            ),
            Mistake(
                "you forgot the point x_t",
                lambda v, x_t, ab: v / ab**0.5,
                "v mixes ε with x_0: take x_0 out with the help of x_t.",
            ),
        ],
    ),
    "6.3": Exercise(
        truth=lambda u, T: 1 + np.floor(T * (np.arange(len(u)) + u) / len(u)).astype(int),
        cases=[(U, 1000), (U[::-1], 50)],
        mistakes=[
            Mistake(
                "your times run from 0 to T − 1",
                lambda u, T: np.floor(T * (np.arange(len(u)) + u) / len(u)).astype(int),
                "training needs t = 1 … T: at t = 0 there is no noise to predict, and T would never be trained.",
            ),
            Mistake(
                "the times are not stratified",
                lambda u, T: 1 + np.floor(T * u).astype(int),
                "u[i] must fall into the i-th of n equal slices, with n = len(u).",
            ),
            Mistake(
                "the times are not whole numbers",
                lambda u, T: 1 + T * (np.arange(len(u)) + u) / len(u),
                "t is an index of ᾱ.",
            ),
            Mistake(
                "the slices overlap: divide by the number of slices",
                lambda u, T: 1 + np.floor(T * (np.arange(len(u)) / len(u) + u)).astype(int),
                "u[i] is spread over the whole range; it must be spread over one slice.",
            ),
            Mistake(
                "you rounded up from the lowest end",
                lambda u, T: np.ceil(T * (np.arange(len(u)) + u) / len(u)).astype(int),
                "where u[0] is exactly 0 your first time is 0.",
            ),
        ],
    ),
    "6.4": Exercise(
        truth=average_of,
        cases=[(WEIGHTS, 0.9), (WEIGHTS, 0.25)],
        mistakes=[
            Mistake(
                "decay and 1 − decay have changed places",
                lambda weights, decay: average_of(weights, 1 - decay),
                "a decay near 1 must keep nearly all of the old average.",
            ),
            Mistake(
                "your average starts at 0",
                lambda weights, decay: average_of(np.concatenate([np.zeros_like(weights[:1]), weights]), decay),
                "before the first step the average is a copy of the network.",
            ),
            Mistake(
                "this is the plain mean of all weights",
                lambda weights, decay: weights.mean(axis=0),
                "newer weights must count more than older ones.",
            ),
            Mistake(
                "you moved the average once only",
                lambda weights, decay: decay * weights[0] + (1 - decay) * weights[-1],
                "every row moves it, in order.",
            ),
            Mistake(
                "each row is mixed with the row before it, not with the average",
                lambda weights, decay: decay * weights[-2] + (1 - decay) * weights[-1],
                "keep the result of one step and use it in the next.",
            ),
        ],
    ),
    "6.5": Exercise(
        truth=lambda: {"A", "D"},
        cases=[()],
        mistakes=[
            *(uncomparable(pair) for pair in combinations(TRAININGS, 2) if pair != ("A", "D")),
            Mistake(
                "these are all that share a target and a schedule, but one of them draws its times otherwise",
                lambda: {"A", "C", "D"},
                "drawing some times more often gives them more weight, in the floor too.",
            ),
        ],
    ),
    "6.6": choice(
        ("line 1", "line 2", "line 3", "line 4", "line 5", "line 6"),
        right="line 4",
        wrong={
            "line 1": "x_T is standard normal noise, as it should be.",
            "line 2": "these are S + 1 times from T down to 0.",
            "line 3": "pairs of neighbours, the later time first; i counts them.",
            "line 5": "that is predict_x0, with ᾱ at the time of x.",
            "line 6": "that is the step of (4.7) at η = 0.",
        },
    ),
}
