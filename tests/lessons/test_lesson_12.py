"""Lesson 12: the exercises name mistakes, wrong equations are caught, the pictures say what grids and exhibits do."""

import numpy as np
import pytest

from ddim_lessons.gaussians import sampler_moments
from ddim_lessons.lessons.lesson_12 import bug_museum as museum
from ddim_lessons.lessons.lesson_12 import pictures
from ddim_lessons.lessons.lesson_12.exercises import EXERCISES
from ddim_lessons.lessons.lesson_12.grids import GRIDS
from ddim_lessons.schedules import alpha_bar_schedule
from ddim_lessons.teaching.checks import EquationError, verify, verify_mean

ALPHA_BAR = alpha_bar_schedule("linear", 1000)

# --- exercises ---------------------------------------------------------------------------------------------------


def ends(first, last, shift=1, noise=True):
    """A wrong answer to 12.1."""
    return lambda i, ab: np.array([ab[first(i) + shift], 1 - ab[last(i) + shift] if noise else ab[last(i) + shift]])


ANSWERS = [
    ("12.1", ends(max, min, shift=0), "off by one"),
    ("12.1", ends(max, min, noise=False), "the signal, not the noise"),
    ("12.1", ends(min, max), "changed places"),
    ("12.1", ends(lambda i: i[0], lambda i: i[-1]), "trusted the order"),
    ("12.1", ends(lambda i: -2, min), "starts at T"),
    ("12.1", lambda i, ab: np.zeros(3), "shape (3,), but it should have shape (2,)"),
    *[("12.2", letter, "is not it") for letter in "ABCEFGH"],
    ("12.2", "Z", "answer with one of A"),
    *[("12.3", letter, "is not it") for letter in "ABDEFGH"],
    ("12.3", "c", "✓ right"),
]


def test_the_answers_of_the_finds_are_the_exhibits_that_do_it():
    assert museum.EXHIBITS[EXERCISES["12.2"].truth] is museum.never_arrives
    assert museum.EXHIBITS[EXERCISES["12.3"].truth] is museum.wrong_count


# --- planted errors ----------------------------------------------------------------------------------------------


def shifted(index):
    """(12.1) with an index that is our time i + ``index`` (right: 1)."""
    levels = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
    verify("12.1", levels[: 1001 - index], ALPHA_BAR[index:][: len(levels)])


def counted(times):
    """(12.2) with another count of a range, for 30 steps."""
    verify("12.2", len(GRIDS["strided range"](1000, 30)), times)


def mean_off(sign, power):
    """(12.3) with a sign or the level's power changed (right: −1 and ½)."""
    tau = (*GRIDS["leading, from index 0"](1000, 10), 0)
    a, b = ALPHA_BAR[list(tau[:-1])], ALPHA_BAR[list(tau[1:])]
    g = ((a * b) ** 0.5 * 0.3 + ((1 - a) * (1 - b)) ** 0.5) / (a * 0.3 + 1 - a)
    *_, (_, mean, _) = sampler_moments(2.0, 0.3, ALPHA_BAR, tau, 0.0)
    verify("12.3", mean - 2, sign * a[0] ** power * 2 * np.prod(g))


def left_over(letter, t):
    """(12.5) for an exhibit, with the noise of time t."""

    def of_origin(x, t):
        return x / max(1 - ALPHA_BAR[t], 1e-12) ** 0.5

    rng = np.random.default_rng(1)
    samples = museum.EXHIBITS[letter](rng.standard_normal((4000, 1)), of_origin, ALPHA_BAR, 20, rng)
    verify_mean("12.5", samples**2, 1 - ALPHA_BAR[t])


PLANTED = {
    "12.1 no shift": lambda: shifted(0),
    "12.2 S": lambda: counted(30),
    "12.3 a sign": lambda: mean_off(1, 0.5),
    "12.3 no root": lambda: mean_off(-1, 1),
    "12.5 another time": lambda: left_over("D", 100),
    "12.5 G, another time": lambda: left_over("G", 100),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_error_is_caught(name):
    with pytest.raises(EquationError):
        PLANTED[name]()


def test_the_right_equations_pass():
    shifted(1)
    counted(-(-1000 // 33))
    mean_off(-1, 0.5)
    left_over("D", 50)
    left_over("G", 50)


# --- pictures ----------------------------------------------------------------------------------------------------


def test_the_museum_tells_what_the_exhibits_do():
    live = pictures.bug_museum()
    for letter, words in {"B": "from t = 100", "C": "20 calls", "F": "An encoder", "E": "from t = 999"}.items():
        live.controls["letter"].value = letter
        assert words in live.words, live.words
    assert pictures.exhibit("G", "moons", 20)[2] > 0.1 and pictures.exhibit("D", "moons", 20)[2] == 0


def test_the_inspector_tells_of_times_that_do_not_exist():
    live = pictures.grid_inspector("strided range + 1")
    live.controls["S"].value = 600
    assert "does not exist" in live.words and "asked 1000 times" in live.words
    live = pictures.grid_inspector("leading, from index 0")
    live.controls["S"].value = 1
    assert "asked once" in live.words and "variance 0.0001 at once" in live.words
