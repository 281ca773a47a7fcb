"""Lesson 08: the exercises name mistakes, wrong equations are caught, the pictures follow, the record is whole."""

from itertools import pairwise

import numpy as np
import pytest

from ddim_lessons import ddim
from ddim_lessons.gaussians import exact_eps, sampler_moments
from ddim_lessons.lessons.lesson_08 import pictures
from ddim_lessons.lessons.lesson_08.exercises import EXERCISES, STEPS, gain, in_log_values
from ddim_lessons.schedules import alpha_bar_schedule, make_tau
from ddim_lessons.teaching.checks import EquationError, verify, verify_mean

ALPHA_BAR = alpha_bar_schedule("linear", 1000)

# --- exercises ---------------------------------------------------------------------------------------------------


def crossing(place):
    """A wrong answer to 8.3: the crossing is put by ``place(low, high, share)``."""

    def answer(steps, values, target):
        j = next(j for j in range(len(values)) if values[j] <= target)
        return place(steps[j - 1], steps[j], (values[j - 1] - target) / (values[j - 1] - values[j]))

    return answer


def ends(first, last, shift=1, noise=True):
    """A wrong answer to 8.4."""
    return lambda i, ab: np.array([ab[first(i) + shift], 1 - ab[last(i) + shift] if noise else ab[last(i) + shift]])


ANSWERS = [
    ("8.1", lambda var, v, t, s, sq: gain(v, t, s, sq) * var + sq, "g is not squared"),
    ("8.1", lambda var, v, t, s, sq: gain(v, t, s, sq) ** 2 * var, "fresh noise is missing"),
    ("8.1", lambda var, v, t, s, sq: gain(v, t, s, sq) ** 2 * var + np.sqrt(sq), "added σ, not σ²"),
    ("8.1", lambda var, v, t, s, sq: gain(v, t, s, 0) ** 2 * var + sq, "missing under the root"),
    ("8.1", lambda var, v, t, s, sq: s * v + 1 - s, "not the sampler's"),
    ("8.1", lambda var, v, t, s, sq: var, "none of the usual mistakes"),
    ("8.2", lambda S: np.cos(np.pi / 2 / S) ** S, "standard deviation"),
    ("8.2", lambda S: np.cos(np.pi / S) ** (2 * S), "twice too large"),
    ("8.2", lambda S: 1 - np.pi**2 / 4 / S, "approximation"),
    ("8.2", lambda S: np.cos(np.pi / 2 / S) ** 2, "one step alone"),
    ("8.2", lambda S: 1.0, "none of the usual mistakes"),
    ("8.3", crossing(lambda low, high, share: low + (high - low) * share), "straight in S"),
    ("8.3", crossing(lambda low, high, share: high), "a measured S"),
    ("8.3", crossing(lambda low, high, share: high * (low / high) ** share), "wrong end"),
    ("8.3", in_log_values, "logarithms of the values"),
    ("8.3", lambda steps, values, target: 1.0, "none of the usual mistakes"),
    ("8.4", ends(max, min, shift=0), "off by one"),
    ("8.4", ends(max, min, noise=False), "the signal, not the noise"),
    ("8.4", ends(min, max), "changed places"),
    ("8.4", ends(lambda i: i[0], lambda i: i[-1]), "trusted the order"),
    ("8.4", ends(lambda i: 999, min), "starts at T"),
    ("8.4", lambda i, ab: np.zeros(3), "shape (3,), but it should have shape (2,)"),
    *[("8.5", letter, "is not it") for letter in "ABCEFGH"],
    ("8.5", "Z", "none of the usual mistakes"),
    *[("8.6", letter, "is not it") for letter in "ABDEFGH"],
    ("8.6", "c", "none of the usual mistakes"),
]


def test_the_answers_of_the_finds_are_the_exhibits_that_do_it():
    from ddim_lessons.lessons.lesson_08.bug_museum import EXHIBITS, never_arrives, wrong_count

    assert EXHIBITS[EXERCISES["8.5"].truth()] is never_arrives
    assert EXHIBITS[EXERCISES["8.6"].truth()] is wrong_count


def test_the_exercise_s_gain_and_the_package_s_recursion_agree():
    var = 1.0
    for t, s in pairwise(make_tau(1000, 7)):
        a_t, a_s = ALPHA_BAR[t], ALPHA_BAR[s]
        var = EXERCISES["8.1"].truth(var, 0.3, a_t, a_s, ddim.variance(a_t, a_s, 0.5))
    *_, (_, _, package) = sampler_moments(0.0, 0.3, ALPHA_BAR, make_tau(1000, 7), 0.5)
    assert var == pytest.approx(package)


# --- planted errors ----------------------------------------------------------------------------------------------

A_T, A_S, V, MU = ALPHA_BAR[500], ALPHA_BAR[400], 0.25, 0.7
SIGMA_SQ = ddim.variance(A_T, A_S, 0.5)
V_T, V_S = A_T * V + 1 - A_T, A_S * V + 1 - A_S
X = np.random.default_rng(0).standard_normal(50)


def step(x):
    """The package's step without fresh noise, at the exact denoiser of N(MU, V)."""
    eps_hat = exact_eps(x, MU, V, A_T)
    return ddim.move(ddim.predict_x0(x, eps_hat, A_T), eps_hat, A_S, SIGMA_SQ)


def check_gain(g):
    """(8.1) with another g."""
    verify("8.1", step(X) - A_S**0.5 * MU, g * (X - A_T**0.5 * MU))


def check_loss(power):
    """(8.3) with λ to another power."""
    _, lam = ddim.coefficients(A_T, A_S, SIGMA_SQ)
    verify("8.3", V_S - gain(V, A_T, A_S, SIGMA_SQ) ** 2 * V_T - SIGMA_SQ, lam**power * V * (1 - A_T) / V_T)


def check_angles(power):
    """(8.4) with another exponent of the cosine."""
    theta = np.arccos(np.sqrt(ALPHA_BAR))
    *_, (_, _, var) = sampler_moments(0.0, 1.0, ALPHA_BAR, make_tau(1000, 20), 0.0)
    verify("8.4", var, np.prod([np.cos(theta[t] - theta[s]) ** power for t, s in pairwise(make_tau(1000, 20))]))


def check_hat(last):
    """(8.5) for a point, with another last jump."""
    var = 1.0
    for t, s in pairwise(make_tau(1000, 10)):
        a_t, a_s = ALPHA_BAR[t], ALPHA_BAR[s]
        var = gain(0.0, a_t, a_s, ddim.variance(a_t, a_s, 1.0)) ** 2 * var + 1 - a_t / a_s
    verify("8.5", var, 1 - ALPHA_BAR[last])


def check_floor(times_n):
    """(8.6) with another numerator."""
    a, b = np.random.default_rng(2).standard_normal((2, 20_000, 100))
    gaps = (a.mean(axis=1) - b.mean(axis=1)) ** 2 + (a.std(axis=1, ddof=1) - b.std(axis=1, ddof=1)) ** 2
    verify_mean("8.6", gaps, times_n / 100)


def check_jackknife(factor):
    """(8.7) with another factor before the sum."""
    left_out = np.array([np.mean(np.delete(X, i)) for i in range(50)])
    verify("8.7", factor * np.sum((left_out - left_out.mean()) ** 2), np.sum((X - X.mean()) ** 2) / (50 * 49))


def check_crossing(answer):
    """(8.8) with another place of the crossing."""
    values = (8.0, 4.0, 2.0, 1.0, 0.5)
    verify("8.8", pictures.steps_for(STEPS, values, 3.0), answer)


PLANTED = {
    "8.1 a sign": lambda: check_gain((np.sqrt(A_S * A_T) * V - np.sqrt((1 - A_S - SIGMA_SQ) * (1 - A_T))) / V_T),
    "8.1 σ² left out": lambda: check_gain(gain(V, A_T, A_S, 0.0)),
    "8.3 a power": lambda: check_loss(1),
    "8.4 a power": lambda: check_angles(1),
    "8.5 the wrong jump": lambda: check_hat(200),
    "8.6 the means alone": lambda: check_floor(2),
    "8.7 the usual factor": lambda: check_jackknife(1 / (50 * 49)),
    "8.8 straight in S": lambda: check_crossing(15.0),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_error_is_caught(name):
    with pytest.raises(EquationError):
        PLANTED[name]()


def test_the_right_equations_pass():
    check_gain(gain(V, A_T, A_S, SIGMA_SQ))
    check_loss(2)
    check_angles(2)
    check_hat(100)
    check_floor(3)
    check_jackknife(49 / 50)
    check_crossing(10 * 2**0.5)


# --- the record --------------------------------------------------------------------------------------------------


def test_the_record_is_whole():
    for data, denoiser in pictures.CASES:
        for metric in pictures.metrics_of(data):
            values, errors = pictures.table(data, denoiser, metric)
            assert values.shape == errors.shape == (len(pictures.LEVELS), len(pictures.STEPS))
            assert np.isfinite(values).all() and (errors >= 0).all()
            assert pictures.floor(data, metric).shape == (2, len(pictures.STEPS))
        samples = pictures.recorded()[f"{data} {denoiser} samples"]
        assert samples.shape[:2] == (len(pictures.LEVELS), len(pictures.STEPS))
    assert pictures.recorded()["spacing"].shape == (2, 2, 2, 2, 2)


def test_tables_as_text_hold_every_cell():
    text = pictures.table_text("digits", "trained", "Fréchet")
    value, error = pictures.cell("digits", "trained", "Fréchet", "0.5", 20)
    assert f"{value:.2f} ±{error:.2f}" in text and "true samples" in text and "367.43" in pictures.paper_text()


def test_bad_cells_are_named():
    with pytest.raises(ValueError, match="metric is 'FID'"):
        pictures.table("digits", "exact", "FID")
    with pytest.raises(ValueError, match="the case is"):
        pictures.table("spiral", "exact", "sliced W2")


def test_steps_for_at_the_edges():
    assert pictures.steps_for(STEPS, (8, 4, 2, 1, 0.5), 9) == 0
    assert pictures.steps_for(STEPS, (8, 4, 2, 1, 0.5), 0.4) == np.inf
    assert pictures.steps_for(STEPS, (8, 4, 2, 1, 0.5), 2) == pytest.approx(20)


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


def test_the_recursion_names_the_closest_of_three():
    live = pictures.exact_recursion()
    for moves, words in [
        ({}, "η = 0 is closest"),
        ({"spread": 0.1}, "agree to 1%"),
        ({"mean": 4.0, "S": 100}, "η = 0.5 is closest"),
        ({"mean": 4.0, "S": 1000}, "η = 1 is closest"),
    ]:
        live.show(live.start | moves)
        assert words in live.words, live.words


def test_exact_errors_fall_with_S():
    distance, shift, narrowing = pictures.exact_errors(2.0, 1.0, 0.0)
    assert (np.diff(np.abs(narrowing)) < 0).all() and np.allclose(distance, np.hypot(shift, narrowing))


def test_the_texts_of_the_tables_hold_what_was_recorded():
    paper, spacing = pictures.paper_text(), pictures.spacing_text()
    assert len(paper.splitlines()) == 1 + len(pictures.PAPER) and len(spacing.splitlines()) == 5
    values, _ = pictures.recorded()["spacing"].astype(float)
    assert all(f"{value:.2f} ±" in spacing for value in values.ravel())
    assert all(f"{value:.2f}" in paper for row in pictures.PAPER.values() for value in row)
