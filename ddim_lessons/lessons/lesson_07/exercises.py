"""Exercises of lesson 07: the sampler, what is left of x_T, the affine step, a run's figures, a step from x̂_0."""

import numpy as np

from ...ddim import affine_step, move, predict_eps, variance
from ...teaching.exercises import Exercise, choice
from .whole import SAMPLER

PATHS = [  # (ᾱ along a path, η)
    (np.array([0.05, 0.2, 0.5]), 0.6),
    (np.array([0.1, 0.15, 0.4, 0.9]), 1.0),
    (np.array([0.3, 0.7]), 0.3),
    (np.array([0.02, 0.6, 0.8]), 0.0),
]
X, X_0, Z = np.array([[1.2, -0.4, 0.7], [0.9, 0.3, -1.1], [-0.5, 1.1, 0.2]])


def share(ab, eta):
    """Return the share of new noise, (7.3), of each jump of a path: shape (jumps,)."""
    return variance(ab[:-1], ab[1:], eta) / (1 - ab[1:])


def step(x_0, eps, t, s, eta, z):
    """(7.2) for any x̂_0 and ε̂."""
    return move(x_0, eps, s, variance(t, s, eta), z)


# a mistake: its name, what it answers, a hint
# fmt: off
EXERCISES = {
    "7.1": SAMPLER,
    "7.2": Exercise(
        lambda ab, eta: np.prod(1 - share(ab, eta)),
        PATHS, [
        ("you gave the share that was replaced", lambda ab, eta: 1 - np.prod(1 - share(ab, eta)),
         "at η = 0 all of x_T's noise is left."),
        ("you multiplied the new shares",        lambda ab, eta: np.prod(share(ab, eta)),
         "a jump keeps 1 minus its new share."),
        ("you took the new shares off one after the other", lambda ab, eta: 1 - np.sum(share(ab, eta)),
         "the second jump replaces a share of all noise, also of what the first one brought."),
        ("η is not squared",                     lambda ab, eta: np.prod(1 - share(ab, eta**0.5)),
         "η scales σ, and the share is one of variances."),
        ("you took the root",                    lambda ab, eta: np.prod(1 - share(ab, eta)) ** 0.5,
         "that is the correlation ρ with the first noise, (4.5); the share of the variance is its square."),
        ("you put σ² in the place of its share", lambda ab, eta: np.prod(1 - (1 - ab[1:]) * share(ab, eta)),
         "divide by all the noise there is at time s."),
    ]),
    "7.3": Exercise(
        lambda t, s: affine_step(t, s, 0.0)[:2],
        [(0.08, 0.4), (0.3, 0.31), (0.2, 0.9), (0.5, 1.0)], [
        ("b lacks the part that comes from x̂_0", lambda t, s: ((s / t) ** 0.5, (1 - s) ** 0.5),
         "put (7.1) into (7.2): x̂_0 holds −√(1−ᾱ_t) ε̂ as well."),
        ("the sign in b is wrong",      lambda t, s: ((s / t) ** 0.5, (1 - s) ** 0.5 + (s / t) ** 0.5 * (1 - t) ** 0.5),
         "x̂_0 has a minus before √(1−ᾱ_t) ε̂."),
        ("the whole sign of b is wrong",
         lambda t, s: ((s / t) ** 0.5, (s / t) ** 0.5 * (1 - t) ** 0.5 - (1 - s) ** 0.5),
         "x̂_0 takes ε̂ off, and the direction adds it."),
        ("the pair is turned round", lambda t, s: affine_step(t, s, 0.0)[1::-1],
         "first a, the factor of x_t."),
        ("x̂_0's noise is not divided by √ᾱ_t", lambda t, s: ((s / t) ** 0.5, (1 - s) ** 0.5 - (s * (1 - t)) ** 0.5),
         "√ᾱ_t stands under all of x̂_0."),
        ("t and s have changed places", lambda t, s: ((t / s) ** 0.5, (1 - t) ** 0.5 - (t / s) ** 0.5 * (1 - s) ** 0.5),
         "that is the step up, from s to t: it shrinks x."),
        ("the roots are missing",       lambda t, s: (s / t, (1 - s) - s / t * (1 - t)),
         "ᾱ scales variances, √ᾱ scales x."),
    ]),
    "7.4": choice("A", {
        "B": "92% still on their side: no noise was added on the way.",
        "C": "that is DDPM, but its paths are the shorter ones and its samples are off: few steps.",
        "D": "the path is almost straight: no noise was added on the way.",
    }),
    "7.5": Exercise(
        lambda x, x0, t, s, eta, z: step(x0, predict_eps(x, x0, t), t, s, eta, z),
        [(X, X_0, 0.08, 0.4, 0.6, Z), (X, X_0, 0.3, 0.31, 0.0, Z), (X[:1], Z[:1], 0.2, 0.9, 1.0, X_0[:1])], [
        ("the direction has no room for the new noise",
         lambda x, x0, t, s, eta, z: move(x0, predict_eps(x, x0, t), s) + variance(t, s, eta) ** 0.5 * z,
         "old and new noise together must have variance 1−ᾱ_s."),
        ("the noise is multiplied by σ², not by σ",
         lambda x, x0, t, s, eta, z: step(x0, predict_eps(x, x0, t), t, s, eta, variance(t, s, eta) ** 0.5 * z),
         "variance first, root last."),
        ("you used x_t where ε̂ belongs",
         lambda x, x0, t, s, eta, z: step(x0, x, t, s, eta, z),
         "x_t holds signal as well: take it off, and bring the rest to variance 1."),
        ("ε̂ was not divided by √(1−ᾱ_t)",
         lambda x, x0, t, s, eta, z: step(x0, x - t**0.5 * x0, t, s, eta, z),
         "x_t − √ᾱ_t x̂_0 is √(1−ᾱ_t) ε̂."),
        ("the root over 1−ᾱ_s−σ² is missing",
         lambda x, x0, t, s, eta, z: step(
             x0, (1 - s - variance(t, s, eta)) ** 0.5 * predict_eps(x, x0, t), t, s, eta, z),
         "ε̂ is multiplied by a standard deviation."),
        ("noise is missing",
         lambda x, x0, t, s, eta, z: step(x0, predict_eps(x, x0, t), t, s, eta, 0 * z),
         "with η > 0 there is fresh noise."),
        ("this is DDIM's step at every η",
         lambda x, x0, t, s, eta, z: step(x0, predict_eps(x, x0, t), t, s, 0.0, z),
         "σ² depends on η."),
        ("η is not squared",
         lambda x, x0, t, s, eta, z: step(x0, predict_eps(x, x0, t), t, s, eta**0.5, z),
         "η scales σ."),
        ("ε̂ was computed with ᾱ of the wrong time",
         lambda x, x0, t, s, eta, z: step(x0, predict_eps(x, x0, s), t, s, eta, z),
         "x_t lies at time t, so its noise has the variance 1−ᾱ_t."),
    ]),
}
# fmt: on
