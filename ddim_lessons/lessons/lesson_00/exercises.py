"""Exercise of lesson 00: translate α from the DDIM paper into the notation of these lessons."""

import numpy as np

from ...teaching.exercises import Exercise

# the DDIM paper's α_t from t = 0 on, which is ᾱ_t here
SHORT, LONG = np.array([1.0, 0.9, 0.72, 0.36]), np.array([1.0, 0.95, 0.6, 0.5, 0.2, 0.05])

# a mistake: its name, what it answers, a hint
# fmt: off
EXERCISES = {
    "0.1": Exercise(
        lambda ab, t: 1 - ab[t] / ab[t - 1],
        [(SHORT, 1), (SHORT, 3), (LONG, 2), (LONG, 5)], [
        ("you took the paper's α_t for a one-step α_t",           lambda ab, t: 1 - ab[t],
         "in the DDIM paper α_t is a product over all steps up to t, what these lessons call ᾱ_t."),
        ("you divided the later value into the earlier one",      lambda ab, t: 1 - ab[t - 1] / ab[t],
         "ᾱ falls with time, so α_t = ᾱ_t/ᾱ_{t−1} must come out below 1."),
        ("you gave α_t, the share of signal that one step keeps", lambda ab, t: ab[t] / ab[t - 1],
         "β_t is what is missing to 1."),
        ("you subtracted where the factors multiply",             lambda ab, t: ab[t - 1] - ab[t],
         "ᾱ_t = ᾱ_{t−1} · α_t is a product: undo it by a division."),
        ("the sign is wrong",                                     lambda ab, t: ab[t] / ab[t - 1] - 1,
         "β_t is a variance, above 0."),
        ("you took a square root",                                lambda ab, t: 1 - (ab[t] / ab[t - 1]) ** 0.5,
         "β_t is a variance; roots appear only when x is scaled."),
    ]),
}
# fmt: on
