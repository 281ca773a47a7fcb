"""Exercises of lesson 07: new noise, the affine step, reading a run's figures, counting calls, the whole step."""

import numpy as np

from ..checks import Exercise, Mistake, choice

PAIRS = [(0.08, 0.4), (0.3, 0.31)]  # (ᾱ_t, ᾱ_s)
X_T, EPS, Z = np.array([[1.2, -0.4]]), np.array([[0.9, 0.3]]), np.array([[-0.5, 1.1]])


def sampling_step(x_t, eps_hat, alpha_bar_t, alpha_bar_s, eta, z, clean=None, room=None, root=True):
    """The step of (7.2), with parts that can be put wrong: x̂_0, the room 1−ᾱ_s−σ², the root of σ²."""
    sigma_sq = eta**2 * (1 - alpha_bar_s) * (1 - alpha_bar_t / alpha_bar_s) / (1 - alpha_bar_t)
    x0_hat = (x_t - (1 - alpha_bar_t) ** 0.5 * eps_hat) / alpha_bar_t**0.5 if clean is None else clean
    left = 1 - alpha_bar_s - sigma_sq if room is None else room
    return alpha_bar_s**0.5 * x0_hat + left**0.5 * eps_hat + (sigma_sq**0.5 if root else sigma_sq) * z


EXERCISES = {
    "7.1": Exercise(
        truth=lambda a_t, a_s, eta: eta**2 * (1 - a_t / a_s) / (1 - a_t),
        cases=[(*pair, eta) for pair in PAIRS for eta in (0.3, 1.0)],
        mistakes=[
            Mistake(
                "you gave σ² itself",
                lambda a_t, a_s, eta: eta**2 * (1 - a_s) * (1 - a_t / a_s) / (1 - a_t),
                "divide by all the noise there is at time s.",
            ),
            Mistake(
                "η is not squared",
                lambda a_t, a_s, eta: eta * (1 - a_t / a_s) / (1 - a_t),
                "η scales σ, and the share is one of variances.",
            ),
            Mistake(
                "you took the root",
                lambda a_t, a_s, eta: eta * ((1 - a_t / a_s) / (1 - a_t)) ** 0.5,
                "that is the ratio of standard deviations; variances are what adds up to 1−ᾱ_s.",
            ),
            Mistake(
                "you gave the share of old noise",
                lambda a_t, a_s, eta: 1 - eta**2 * (1 - a_t / a_s) / (1 - a_t),
                "at η = 0 nothing is new.",
            ),
            Mistake(
                "you divided by the noise at time t",
                lambda a_t, a_s, eta: eta**2 * (1 - a_s) * (1 - a_t / a_s) / (1 - a_t) ** 2,
                "σ² is part of the noise at the time where the step ends.",
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
            "C": "that is DDPM, but the path is short and the samples are off: few steps.",
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
        cases=[(X_T, EPS, *pair, eta, Z) for pair in PAIRS for eta in (0.0, 0.6)],
        mistakes=[
            Mistake(
                "the direction has no room for the new noise",
                lambda x, e, a_t, a_s, eta, z: sampling_step(x, e, a_t, a_s, eta, z, room=1 - a_s),
                "old and new noise together must have variance 1−ᾱ_s.",
            ),
            Mistake(
                "the noise is multiplied by σ², not by σ",
                lambda x, e, a_t, a_s, eta, z: sampling_step(x, e, a_t, a_s, eta, z, root=False),
                "variance first, root last.",
            ),
            Mistake(
                "you used x_t where x̂_0 belongs",
                lambda x, e, a_t, a_s, eta, z: sampling_step(x, e, a_t, a_s, eta, z, clean=x),
                "the signal is √ᾱ_s times the predicted clean sample.",
            ),
            Mistake(
                "x̂_0 was computed with ᾱ of the wrong time",
                lambda x, e, a_t, a_s, eta, z: sampling_step(
                    x, e, a_t, a_s, eta, z, clean=(x - (1 - a_s) ** 0.5 * e) / a_s**0.5
                ),
                "x_t lies at time t, so its noise has the variance 1−ᾱ_t.",
            ),
        ],
    ),
}
