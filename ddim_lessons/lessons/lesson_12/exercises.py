"""Exercises of lesson 12: a grid's two ends, and two exhibits of the bug museum."""

from ...schedules import alpha_bar_schedule
from ...teaching.exercises import Exercise, choice

LINEAR, COSINE = alpha_bar_schedule("linear", 1000), alpha_bar_schedule("cosine", 51)

# a mistake: its name, what it answers, a hint
# fmt: off
EXERCISES = {
    "12.1": Exercise(
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
    "12.2": choice("D", {
        "A": "A's points are too close together, not fuzzy; and two of its runs differ.",
        "B": "look where B's first question is: it starts near the data.",
        "C": "C is not fuzzy.",
        "E": "E is not fuzzy but far away: something worse happens in its last step.",
        "F": "F walks from the data to noise.",
        "G": "G is fuzzy, but two runs from the same start differ: its fuzz is fresh noise.",
        "H": "H is nearly right; look at the times it asks about.",
    }),
    "12.3": choice("C", {
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
