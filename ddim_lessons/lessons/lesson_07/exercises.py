"""Exercises of lesson 07: what is left of x_T, the affine step, reading a run's figures, counting calls, a step."""

import numpy as np

from ...teaching.exercises import Exercise, Mistake, choice

PAIRS = [(0.08, 0.4), (0.3, 0.31)]  # (ᾱ_t, ᾱ_s)
X_T, X_0, Z = np.array([[1.2, -0.4]]), np.array([[0.9, 0.3]]), np.array([[-0.5, 1.1]])


PATHS = [(np.array([0.05, 0.2, 0.5]), 0.6), (np.array([0.1, 0.15, 0.4, 0.9]), 1.0)]  # (ᾱ along a path, η)


def new_share(alpha_bars, eta):
    """Return the share of new noise, (7.3), of each jump of a path: shape (jumps,)."""
    a_t, a_s = alpha_bars[:-1], alpha_bars[1:]
    return eta**2 * (1 - a_t / a_s) / (1 - a_t)


def sampling_step(x_t, x0_hat, alpha_bar_t, alpha_bar_s, eta, z, eps=None, room=None, root=True):
    """The step of (7.2) for a given x̂_0, with parts that can be put wrong: ε̂, the room 1−ᾱ_s−σ², the root of σ²."""
    sigma_sq = eta**2 * (1 - alpha_bar_s) * (1 - alpha_bar_t / alpha_bar_s) / (1 - alpha_bar_t)
    eps_hat = (x_t - alpha_bar_t**0.5 * x0_hat) / (1 - alpha_bar_t) ** 0.5 if eps is None else eps
    left = 1 - alpha_bar_s - sigma_sq if room is None else room
    return alpha_bar_s**0.5 * x0_hat + left**0.5 * eps_hat + (sigma_sq**0.5 if root else sigma_sq) * z


EXERCISES = {
    "7.1": Exercise(
        truth=lambda alpha_bars, eta: np.prod(1 - new_share(alpha_bars, eta)),
        cases=PATHS,
        mistakes=[
            Mistake(
                "you gave the share that was replaced",
                lambda alpha_bars, eta: 1 - np.prod(1 - new_share(alpha_bars, eta)),
                "at η = 0 all of x_T's noise is left.",
            ),
            Mistake(
                "you multiplied the new shares",
                lambda alpha_bars, eta: np.prod(new_share(alpha_bars, eta)),
                "a jump keeps 1 minus its new share.",
            ),
            Mistake(
                "you took the new shares off one after the other",
                lambda alpha_bars, eta: 1 - np.sum(new_share(alpha_bars, eta)),
                "the second jump replaces a share of all noise, also of what the first one brought.",
            ),
            Mistake(
                "η is not squared",
                lambda alpha_bars, eta: np.prod(1 - new_share(alpha_bars, eta) / eta),
                "η scales σ, and the share is one of variances.",
            ),
            Mistake(
                "you took the root",
                lambda alpha_bars, eta: np.prod(1 - new_share(alpha_bars, eta)) ** 0.5,
                "that is the correlation ρ with the first noise, (4.5); the share of the variance is its square.",
            ),
            Mistake(
                "you put σ² in the place of its share",
                lambda alpha_bars, eta: np.prod(1 - (1 - alpha_bars[1:]) * new_share(alpha_bars, eta)),
                "divide by all the noise there is at time s.",
            ),
        ],
    ),
    "7.2": Exercise(
        truth=lambda a_t, a_s: ((a_s / a_t) ** 0.5, (1 - a_s) ** 0.5 - (a_s / a_t) ** 0.5 * (1 - a_t) ** 0.5),
        cases=PAIRS,
        mistakes=[
            Mistake(
                "b lacks the part that comes from x̂_0",
                lambda a_t, a_s: ((a_s / a_t) ** 0.5, (1 - a_s) ** 0.5),
                "put (7.1) into (7.2): x̂_0 holds −√(1−ᾱ_t) ε̂ as well.",
            ),
            Mistake(
                "the sign in b is wrong",
                lambda a_t, a_s: ((a_s / a_t) ** 0.5, (1 - a_s) ** 0.5 + (a_s / a_t) ** 0.5 * (1 - a_t) ** 0.5),
                "x̂_0 has a minus before √(1−ᾱ_t) ε̂.",
            ),
            Mistake(
                "t and s have changed places",
                lambda a_t, a_s: ((a_t / a_s) ** 0.5, (1 - a_t) ** 0.5 - (a_t / a_s) ** 0.5 * (1 - a_s) ** 0.5),
                "that is the step up, from s to t: it shrinks x.",
            ),
            Mistake(
                "the roots are missing",
                lambda a_t, a_s: (a_s / a_t, (1 - a_s) - a_s / a_t * (1 - a_t)),
                "ᾱ scales variances, √ᾱ scales x.",
            ),
        ],
    ),
    "7.3": choice(
        ("A", "B", "C", "D"),
        right="A",
        wrong={
            "B": "92% still on their side: no noise was added on the way.",
            "C": "that is DDPM, but its paths are the shorter ones and its samples are off: few steps.",
            "D": "the path is almost straight: no noise was added on the way.",
        },
    ),
    "7.4": Exercise(
        truth=lambda S, n, k: S * (2 + k),
        cases=[(10, 2000, 3), (50, 1, 0)],
        mistakes=[
            Mistake(
                "you counted every point",
                lambda S, n, k: S * n * (2 + k),
                "one call takes a whole batch.",
            ),
            Mistake(
                "the left side was sampled again each time",
                lambda S, n, k: 2 * S * (1 + k),
                "it does not depend on the slider, so it is kept.",
            ),
            Mistake(
                "the first value of η was forgotten",
                lambda S, n, k: S * (1 + k),
                "k other values come after the first one.",
            ),
            Mistake(
                "you counted the times instead of the steps",
                lambda S, n, k: (S + 1) * (2 + k),
                "S steps have S + 1 times, and the denoiser is not called at the last one, t = 0.",
            ),
        ],
    ),
    "7.5": Exercise(
        truth=sampling_step,
        cases=[(X_T, X_0, *pair, eta, Z) for pair in PAIRS for eta in (0.0, 0.6)],
        mistakes=[
            Mistake(
                "the direction has no room for the new noise",
                lambda x, x0, a_t, a_s, eta, z: sampling_step(x, x0, a_t, a_s, eta, z, room=1 - a_s),
                "old and new noise together must have variance 1−ᾱ_s.",
            ),
            Mistake(
                "the noise is multiplied by σ², not by σ",
                lambda x, x0, a_t, a_s, eta, z: sampling_step(x, x0, a_t, a_s, eta, z, root=False),
                "variance first, root last.",
            ),
            Mistake(
                "you used x_t where ε̂ belongs",
                lambda x, x0, a_t, a_s, eta, z: sampling_step(x, x0, a_t, a_s, eta, z, eps=x),
                "x_t holds signal as well: take it off, and bring the rest to variance 1.",
            ),
            Mistake(
                "ε̂ was not divided by √(1−ᾱ_t)",
                lambda x, x0, a_t, a_s, eta, z: sampling_step(x, x0, a_t, a_s, eta, z, eps=x - a_t**0.5 * x0),
                "x_t − √ᾱ_t x̂_0 is √(1−ᾱ_t) ε̂.",
            ),
            Mistake(
                "ε̂ was computed with ᾱ of the wrong time",
                lambda x, x0, a_t, a_s, eta, z: sampling_step(
                    x, x0, a_t, a_s, eta, z, eps=(x - a_s**0.5 * x0) / (1 - a_s) ** 0.5
                ),
                "x_t lies at time t, so its noise has the variance 1−ᾱ_t.",
            ),
        ],
    ),
}
