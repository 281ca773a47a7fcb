"""Exercise of lesson 00: translate α from the DDIM paper into the notation of these lessons."""

import numpy as np

from ...teaching.exercises import Exercise, Mistake

ALPHA_DDIM = np.array([1.0, 0.9, 0.72, 0.36])  # the DDIM paper's α_t for t = 0 … 3, which is ᾱ_t here

EXERCISES = {
    "0.1": Exercise(
        truth=lambda alpha_ddim, t: 1 - alpha_ddim[t] / alpha_ddim[t - 1],
        cases=[(ALPHA_DDIM, t) for t in (1, 2, 3)],
        mistakes=[
            Mistake(
                "you took the paper's α_t for a one-step α_t",
                lambda alpha_ddim, t: 1 - alpha_ddim[t],
                "in the DDIM paper α_t is a product over all steps up to t, what these lessons call ᾱ_t.",
            ),
            Mistake(
                "you divided the later value into the earlier one",
                lambda alpha_ddim, t: 1 - alpha_ddim[t - 1] / alpha_ddim[t],
                "ᾱ falls with time, so α_t = ᾱ_t/ᾱ_{t−1} must come out below 1.",
            ),
            Mistake(
                "you gave α_t, the share of signal that one step keeps",
                lambda alpha_ddim, t: alpha_ddim[t] / alpha_ddim[t - 1],
                "β_t is what is missing to 1.",
            ),
            Mistake(
                "you subtracted where the factors multiply",
                lambda alpha_ddim, t: alpha_ddim[t - 1] - alpha_ddim[t],
                "ᾱ_t = ᾱ_{t−1} · α_t is a product: undo it by a division.",
            ),
            Mistake(
                "you took a square root",
                lambda alpha_ddim, t: 1 - (alpha_ddim[t] / alpha_ddim[t - 1]) ** 0.5,
                "β_t is a variance; roots appear only when x is scaled.",
            ),
        ],
    ),
}
