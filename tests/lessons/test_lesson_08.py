"""Lesson 08: the exercises name mistakes, wrong equations are caught, the pictures follow, the record is whole."""

from itertools import pairwise

import numpy as np
import pytest

from ddim_lessons import ddim
from ddim_lessons.gaussians import sampler_moments
from ddim_lessons.learning import quality
from ddim_lessons.lessons.lesson_08 import pictures
from ddim_lessons.lessons.lesson_08.exercises import EXERCISES, gain, in_log_values
from ddim_lessons.schedules import alpha_bar_schedule, make_tau
from ddim_lessons.teaching.checks import EquationError, verify, verify_mean

ALPHA_BAR, STEPS = alpha_bar_schedule("linear", 1000), (5, 10, 20, 50, 100)

# --- exercises ---------------------------------------------------------------------------------------------------


def crossing(place):
    """A wrong answer to 8.3: the crossing is put by ``place(low, high, share)``."""

    def answer(steps, values, target):
        j = next(j for j in range(len(values)) if values[j] <= target)
        return place(steps[j - 1], steps[j], (values[j - 1] - target) / (values[j - 1] - values[j]))

    return answer


def by_hand(v, t, s, sq, of=None, k_too=1):
    """g of (8.1), with two places to go wrong."""
    k = np.sqrt((1 - s - sq) / (1 - t))
    return k_too * k + (np.sqrt(s) - k * np.sqrt(t)) * np.sqrt(t) * v / (of or t * v + 1 - t)


ANSWERS = [
    ("8.1", lambda var, v, t, s, sq: gain(v, t, s, sq) * var + sq, "g is not squared"),
    ("8.1", lambda var, v, t, s, sq: gain(v, t, s, sq) ** 2 * var, "fresh noise is missing"),
    ("8.1", lambda var, v, t, s, sq: gain(v, t, s, sq) ** 2 * var + np.sqrt(sq), "added σ, not σ²"),
    ("8.1", lambda var, v, t, s, sq: gain(v, t, s, 0) ** 2 * var + sq, "missing under the root"),
    ("8.1", lambda var, v, t, s, sq: s * v + 1 - s, "not the sampler's"),
    ("8.1", lambda var, v, t, s, sq: by_hand(v, t, s, sq, of=var) ** 2 * var + sq, "var_t stands in g"),
    ("8.1", lambda var, v, t, s, sq: gain(v, t, s, sq) ** 2 * (var - t * v - 1 + t) + s * v + 1 - s, "λ(x_0−x̂_0)"),
    ("8.1", lambda var, v, t, s, sq: gain(v, t, s, sq) ** 2 * var + sq**2, "σ⁴"),
    ("8.1", lambda var, v, t, s, sq: by_hand(v, t, s, sq) ** 2 * (t * v + 1 - t) + sq, "started from v_t"),
    ("8.1", lambda var, v, t, s, sq: by_hand(v, t, s, sq, k_too=0) ** 2 * var + sq, "left out k"),
    ("8.1", lambda var, v, t, s, sq: np.sqrt(by_hand(v, t, s, sq) ** 2 * var + sq), "the standard deviation"),
    ("8.1", lambda var, v, t, s, sq: sum(ddim.coefficients(t, s, sq)) ** 2 * var + sq, "as if x̂_0 were x_t"),
    ("8.1", lambda var, v, t, s, sq: (1 - s - sq) / (1 - t) * var + sq, "left out λ"),
    (
        "8.1",
        lambda var, v, t, s, sq: np.dot(np.power(ddim.coefficients(t, s, sq), 2), [var, v]) + sq,
        "as if they were",
    ),
    ("8.1", lambda var, v, t, s, sq: var, "none of the usual mistakes"),
    ("8.2", crossing(lambda low, high, share: low + (high - low) * share), "straight in S"),
    ("8.2", crossing(lambda low, high, share: high), "a measured S"),
    ("8.2", crossing(lambda low, high, share: high * (low / high) ** share), "wrong end"),
    ("8.2", lambda steps, values, target: np.interp(target, values, steps), "given falling values"),
    ("8.2", in_log_values, "logarithms of the values"),
    ("8.2", lambda steps, values, target: 1.0, "none of the usual mistakes"),
]


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
G = gain(V, A_T, A_S, SIGMA_SQ)


def check_variance(g):
    """(8.1) with another g."""
    *_, (_, _, before), (_, _, after) = sampler_moments(0.0, V, ALPHA_BAR, (1000, 500, 400), 0.5)
    verify("8.1", after, g**2 * before + SIGMA_SQ)


def check_deficit(kept, power):
    """(8.2) with another share that is kept, or with λ to another power."""
    *_, (_, _, before), (_, _, after) = sampler_moments(0.0, V, ALPHA_BAR, (1000, 500, 400), 0.5)
    _, lam = ddim.coefficients(A_T, A_S, SIGMA_SQ)
    lost = lam**power * V * (1 - A_T) / V_T
    verify("8.2", V_S - after, kept * (V_T - before) + lost)


def check_excess(power):
    """(8.4) with σ̂ to another power (right: 4)."""
    hat = 1 - A_T / A_S
    k, _ = ddim.coefficients(A_T, A_S, ddim.variance(A_T, A_S, 1.0))
    verify("8.4", k**2 * (1 - A_T) + hat - (1 - A_S), A_S * hat ** (power / 2) / (1 - A_T))


def check_hat(last):
    """(8.5) for a point, with another last jump."""
    var = 1.0
    for t, s in pairwise(make_tau(1000, 10)):
        a_t, a_s = ALPHA_BAR[t], ALPHA_BAR[s]
        var = gain(0.0, a_t, a_s, ddim.variance(a_t, a_s, 1.0)) ** 2 * var + 1 - a_t / a_s
    verify("8.5", var, 1 - ALPHA_BAR[last])


def check_floor(times_n):
    """(8.3) with another numerator."""
    a, b = np.random.default_rng(2).standard_normal((2, 20_000, 100))
    gaps = (a.mean(axis=1) - b.mean(axis=1)) ** 2 + (a.std(axis=1, ddof=1) - b.std(axis=1, ddof=1)) ** 2
    verify_mean("8.3", gaps, times_n / 100)


def check_jackknife(factor):
    """(8.6) with another factor before the sum."""
    left_out = np.array([np.mean(np.delete(X, i)) for i in range(50)])
    verify("8.6", factor * np.sum((left_out - left_out.mean()) ** 2), np.sum((X - X.mean()) ** 2) / (50 * 49))


def check_crossing(answer):
    """(8.7) with another place of the crossing."""
    values = (8.0, 4.0, 2.0, 1.0, 0.5)
    verify("8.7", pictures.steps_for(STEPS, values, 3.0), answer)


PLANTED = {
    "8.1 a sign": lambda: check_variance((np.sqrt(A_S * A_T) * V - np.sqrt((1 - A_S - SIGMA_SQ) * (1 - A_T))) / V_T),
    "8.1 σ² left out": lambda: check_variance(gain(V, A_T, A_S, 0.0)),
    "8.2 losses added up": lambda: check_deficit(1.0, 2),
    "8.2 a power": lambda: check_deficit(G**2, 1),
    "8.3 the means alone": lambda: check_floor(2),
    "8.4 a power": lambda: check_excess(2),
    "8.5 the wrong jump": lambda: check_hat(200),
    "8.6 the usual factor": lambda: check_jackknife(1 / (50 * 49)),
    "8.7 straight in S": lambda: check_crossing(15.0),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_error_is_caught(name):
    with pytest.raises(EquationError):
        PLANTED[name]()


def test_the_right_equations_pass():
    check_variance(G)
    check_deficit(G**2, 2)
    check_floor(3)
    check_excess(4)
    check_hat(100)
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


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("data, S, level, seeds", [("ring", 10, "1", 4), ("moons", 10, "σ̂", 4), ("digits", 5, "0", 10)])
def test_a_slice_of_the_record_drawn_again(data, S, level, seeds):
    parts = [quality.sample_case(data, "exact", S, level, seed) for seed in range(seeds)]
    kept = [pictures.cell(data, "exact", metric, level, S)[0] for metric in pictures.metrics_of(data)]
    assert quality.measure_with_error(data, parts)[0] == pytest.approx(kept, rel=0.02)


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


def test_the_paper_s_table_is_printed_whole():
    paper = pictures.paper_text()
    assert len(paper.splitlines()) == 1 + len(pictures.PAPER)
    assert all(f"{value:.2f}" in paper for row in pictures.PAPER.values() for value in row)


def test_gaps_and_equal_steps_of_the_record():
    ratio, apart = pictures.eta_gap("digits", "trained", "Fréchet", 5)
    values, errors = pictures.table("digits", "trained", "Fréchet")
    assert ratio == pytest.approx(values[3, 0] / values[0, 0])
    assert apart == pytest.approx((values[3, 0] - values[0, 0]) / np.hypot(errors[3, 0], errors[0, 0]))
    low, middle, high = pictures.equal_steps("moons", "exact", 10, draws=200)
    assert 10 < low < middle < high < 25


def test_digit_variances_are_those_of_the_pixels_turned():
    assert pictures.digit_variances().sum() == pytest.approx(pictures.load_digits()[0].var(axis=0, ddof=1).sum())
