"""Lesson 03: its exercises know the usual mistakes, its equations can fail, its graph editor follows the buttons."""

from itertools import combinations

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from ddim_lessons import ddim, split
from ddim_lessons.gaussians import log_normal
from ddim_lessons.lessons.lesson_03 import pictures
from ddim_lessons.schedules import alpha_bar_from_beta, linear_beta
from ddim_lessons.teaching.checks import EquationError, verify, verify_mean, verify_true

T, A = 8, {2, 5, 8}
BETA = linear_beta(T, 0.05, 0.35)
ALPHA_BAR = alpha_bar_from_beta(BETA)

# --- exercises

STAR = {(2, 0), (3, 0), (5, 0)}


def covariance_by(start, slopes):
    """An answer to exercise 3.3 with the pieces exchanged."""

    def answer(alpha_bar, A, s, t, eta):
        if s not in A or t not in A:
            return 0.0
        stops = [u for u in sorted(A) if s <= u <= t]
        value = start(alpha_bar, s, t)
        for earlier, later in zip(stops, stops[1:], strict=False):
            value *= slopes(alpha_bar, later, earlier, eta)
        return value

    return answer


def k(alpha_bar, t, s, eta):
    return ((1 - alpha_bar[s] - ddim.variance(alpha_bar[t], alpha_bar[s], eta)) / (1 - alpha_bar[t])) ** 0.5


def k_direct(alpha_bar, A, s, t, eta):
    return k(alpha_bar, t, s, eta) * (1 - alpha_bar[t]) if {s, t} <= set(A) else 0.0


def tied(alpha_bar, A, s, t, eta):
    return covariance_by(lambda a, s, t: 1 - a[t], k)(alpha_bar, {*A, s, t}, s, t, eta)


def in_the_chain_alone(alpha_bar, A, s, t, eta):
    stops = [u for u in sorted(A) if s <= u <= t]
    slopes = [k(alpha_bar, later, earlier, eta) for earlier, later in zip(stops, stops[1:], strict=False)]
    return (1 - alpha_bar[t]) * np.prod(slopes)


def down_by_index(alpha_bar, A, s, t, eta):
    chain, value = sorted(A), 1 - alpha_bar[t]
    i = chain.index(t)
    while chain[i] != s:
        value *= split.jump(alpha_bar, chain[i], chain[i - 1], eta)[0]
        i -= 1
    return value


def in_full_chain(alpha_bar, A, s, t, eta):
    return covariance_by(lambda a, s, t: 1 - a[t], k)(alpha_bar, range(1, len(alpha_bar)), s, t, eta)


def with_a_set_of_its_own(alpha_bar, A, s, t, eta):
    return covariance_by(lambda a, s, t: 1 - a[t], k)(alpha_bar, {2, 5, 8}, s, t, eta)


ANSWERS = [
    ("3.1", {(6, 0), (5, 6), (3, 4)} | STAR, "“i minus one”. Hint"),
    ("3.1", {(6, 0), (5, 6), (3, 4), (0, 1)} | STAR, "“i minus one”, and defined x_0"),
    ("3.1", {(6, 0), (4, 6), (1, 4), (0, 1)} | STAR, "goes on to x_0"),
    ("3.1", {(4, 6), (1, 4)} | STAR, "nothing starts the chain"),
    ("3.1", {(6, 0), (4, 6), (1, 4)}, "left out the star"),
    ("3.1", {(t, t + 1) for t in range(1, 6)} | {(6, 0)}, "the full chain"),
    ("3.1", {(t, 0) for t in range(1, 7)}, "hung every time on x_0"),
    ("3.1", {(1, 0), (4, 1), (6, 4)} | STAR, "arrows run upwards"),
    ("3.1", {(6, 0), (6, 4), (4, 1)} | STAR, "the chain's pairs"),
    ("3.1", [(0, 6), (6, 4), (4, 1), (0, 2), (0, 3), (0, 5)], "all pairs"),
    ("3.1", {(6, 0), (4, 6), (1, 4), (2, 4), (3, 4), (5, 6)}, "chain's elements above"),
    ("3.1", {(6, 0)}, "none of the usual mistakes"),
    ("3.1", [(6, 0), (4, 6), (1, 4), *STAR], "✓ right"),
    ("3.1", ..., "not attempted yet"),
    ("3.1", {(6, 0), (4, 6), (1, 4)} | STAR, "✓ right"),
    ("3.2", (2, 3), "other order"),
    ("3.2", (0, 2), "behind the bar"),
    ("3.2", (3, 1), "x_1 is defined"),
    ("3.2", (4, 2), "none of the usual mistakes"),
    ("3.2", (3, 2), "✓ right"),
    ("3.3", in_full_chain, "covariance of the full chain"),
    ("3.3", k_direct, "jumped from t to s at once"),
    ("3.3", covariance_by(lambda a, s, t: 1 - a[s], k), "the variance of x_s"),
    ("3.3", covariance_by(lambda a, s, t: ((1 - a[t]) / (1 - a[s])) ** 0.5, k), "the correlation"),
    ("3.3", covariance_by(lambda a, s, t: 1.0, k), "the slopes alone"),
    ("3.3", covariance_by(lambda a, s, t: 1 - a[t], lambda a, t, s, _: k(a, t, s, 1.0)), "that of η = 1"),
    ("3.3", in_the_chain_alone, "may lie in B"),
    ("3.3", down_by_index, ", 3, 8, 0.5: t_prev is 8"),
    ("3.3", tied, "a time in B to the chain"),
    ("3.3", covariance_by(lambda a, s, t: -1.0, k), "none of the usual mistakes"),
    ("3.3", with_a_set_of_its_own, "none of the usual mistakes"),
    ("3.3", covariance_by(lambda a, s, t: 1 - a[t], k), "✓ right"),
    ("3.4", lambda T, A: T - len(A), "the factors of B alone"),
    ("3.4", lambda T, A: len(A), "the chain's factors"),
    ("3.4", lambda T, A: T + 1, "all factors of p"),
    ("3.4", lambda T, A: 1, "exactly one"),
    ("3.4", lambda T, A: T, "none of the usual mistakes"),
    ("3.4", lambda T, A: T - 2, "none of the usual mistakes"),  # right for three times in A alone
    ("3.4", lambda T, A: T - len(A) + 1, "✓ right"),
]


# --- planted errors: each equation of the lesson, written wrong

ab_t, ab_s, ab_r, eta = sp.symbols("alphabar_t alphabar_s alphabar_r eta", positive=True)


def paths_by_small_steps(n=20_000):
    rng, x = np.random.default_rng(0), np.ones((n, T + 1))
    for t in range(1, T + 1):
        x[:, t] = (1 - BETA[t]) ** 0.5 * x[:, t - 1] + BETA[t] ** 0.5 * rng.standard_normal(n)
    return x


def wrong_3_1_variance_for_root():
    rng = np.random.default_rng(0)
    x0, eps = rng.standard_normal((20_000, 1)), rng.standard_normal((20_000, T))
    x_t = ddim.add_noise(x0, eps, ALPHA_BAR[1:])
    verify_mean("3.1", (eps - 0.6 * x_t) ** 2, 1 - 2 * 0.6 * (1 - ALPHA_BAR[1:]) + 0.6**2)


def wrong_3_2_late_variance():
    gap = paths_by_small_steps() - ALPHA_BAR**0.5
    verify_mean("3.2", gap[:, 5] * gap[:, 8], (ALPHA_BAR[8] / ALPHA_BAR[5]) ** 0.5 * (1 - ALPHA_BAR[8]))


def wrong_3_3_at_eta_one_half():
    x = paths_by_small_steps(5)
    upwards = log_normal(x[:, 1:], (1 - BETA[1:]) ** 0.5 * x[:, :-1], BETA[1:]).sum(axis=1)
    verify("3.3", upwards, split.log_product(x, split.full_chain(T), ALPHA_BAR, 0.5))


def wrong_3_4_forgotten_root_of_the_mean():
    k, lam = ddim.coefficients(ab_t, ab_s, ddim.variance(ab_t, ab_s, eta))
    verify("3.4", k * ab_t + lam, sp.sqrt(ab_s))  # as in the article's garbled line


def wrong_3_4_slope_not_squared():
    sigma_sq = ddim.variance(ab_t, ab_s, eta)
    k, _ = ddim.coefficients(ab_t, ab_s, sigma_sq)
    verify("3.4", k * (1 - ab_t) + sigma_sq, 1 - ab_s)


def literal_integral(constant):
    slopes = [split.jump(ALPHA_BAR, i, i - 1, 0.5)[0] for i in (2, 5)]
    right_side = 1 / np.prod(slopes) * constant
    verify("3.5", split.normaliser(split.read_literally(T, A), ALPHA_BAR, 0.5), right_side, tol=1e-9)


def wrong_3_6_read_literally():
    verify_true("3.6", "the linter is content", split.lint(split.read_literally(T, A), T) == [])


def wrong_3_7_variance_squared():
    """The bug that squares σ twice: a σ where the variance belongs."""
    sigma_sq = {(8, 5): 0.2, (5, 2): 0.1}
    rows = split.system(split.chain_and_star(T, A), ALPHA_BAR, sigma_sq=sigma_sq)
    R, var = rows[0], np.where(np.isin(rows[2], (0.2, 0.1)), rows[2] ** 0.5, rows[2])
    cov = np.linalg.inv(R) * var @ np.linalg.inv(R).T
    verify("3.7", np.diag(cov)[[1, 4]], 1 - ALPHA_BAR[[2, 5]])


def wrong_3_8_one_slope():
    cov = split.joint(split.chain_and_star(T, A), ALPHA_BAR, 0.5)[1]
    verify("3.8", cov[2, 8], split.jump(ALPHA_BAR, 8, 2, 0.5)[0] * (1 - ALPHA_BAR[8]))


def rho_sq(ab_t, ab_s):
    return 1 - eta**2 * w(ab_t, ab_s)


def w(ab_t, ab_s):
    return (1 - ab_t / ab_s) / (1 - ab_t)


def wrong_3_9(right_side):
    left = rho_sq(ab_t, ab_r) - rho_sq(ab_t, ab_s) * rho_sq(ab_s, ab_r)
    verify("3.9", left, right_side)


def wrong_3_10_all_times():
    R = np.array([[0, 0, 1], [1, 0, -(ALPHA_BAR[2] ** 0.5)], [1, -(ALPHA_BAR[1] ** 0.5), 0]])
    verify("3.10", split.integral(R, np.ones(3)), np.prod(ALPHA_BAR[1:3] ** -0.5))


@pytest.mark.parametrize(
    "wrong",
    [
        wrong_3_1_variance_for_root,
        wrong_3_2_late_variance,
        wrong_3_3_at_eta_one_half,
        wrong_3_4_forgotten_root_of_the_mean,
        wrong_3_4_slope_not_squared,
        lambda: literal_integral(1.0),
        lambda: literal_integral(1 / (2 * np.pi * (1 - ALPHA_BAR[7])) ** 0.5),
        lambda: literal_integral(1 / (2 * (np.pi * (1 - ALPHA_BAR[8])) ** 0.5)),
        wrong_3_6_read_literally,
        wrong_3_7_variance_squared,
        wrong_3_8_one_slope,
        lambda: wrong_3_9(0),
        lambda: wrong_3_9(eta**2 * (1 + eta**2) * w(ab_t, ab_s) * w(ab_s, ab_r)),
        lambda: wrong_3_9(eta**2 * (1 - eta**2) * w(ab_t, ab_s) * w(ab_t, ab_r)),
        wrong_3_10_all_times,
    ],
)
def test_a_wrong_equation_is_caught(wrong):
    with pytest.raises(EquationError):
        wrong()


def test_the_planted_errors_are_wrong_for_the_reason_they_name():
    literal_integral(1 / (2 * (np.pi * (1 - ALPHA_BAR[7])) ** 0.5))
    wrong_3_9(eta**2 * (1 - eta**2) * w(ab_t, ab_s) * w(ab_s, ab_r))


# --- the graph editor


def test_the_words_of_the_editor_say_what_the_linter_and_the_joint_say():
    live = pictures.graph_editor()
    assert live.words.startswith("The linter is content") and "8 factors for 8 variables" in live.words
    assert "Cov(x_5, x_8 | x_0) = 0.595" in live.words
    live.controls["reading"].value = "read literally"
    assert "x_1, x_4 and x_7 are defined twice; x_2 and x_5 are never defined" in live.words
    assert "integrates to 0.726, not to 1" in live.words
    for t in (2, 5):
        live.controls[f"t{t}"].value = False
    live.controls["t1"].value = True
    assert "A = {1, 8}" in live.words and "infinite" in live.words
    live.reset()
    assert "A = {2, 5, 8}" in live.words and "chain and star" in live.words


def test_buttons_say_where_their_time_is_and_T_cannot_leave_A():
    live = pictures.graph_editor()
    buttons = {t: live.controls[f"t{t}"] for t in range(1, 11)}
    assert buttons[2].description == "2 ∈ A" and buttons[3].description == "3 ∈ B" and buttons[8].description == "8 ∈ A"
    assert [t for t, button in buttons.items() if button.disabled] == [8, 9, 10]
    live.controls["T"].value = 10
    assert buttons[8].description == "8 ∈ B" and [t for t, button in buttons.items() if button.disabled] == [10]
    assert "A = {2, 5, 10}" in live.words


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 10), st.data())
def test_any_combination_of_controls_can_be_shown(T, data):
    chosen = frozenset(data.draw(st.sets(st.integers(1, T)))) | {T}
    reading = data.draw(st.sampled_from(list(pictures.READINGS)))
    eta = data.draw(st.sampled_from([0.0, 0.3, 1.0]))
    shown = pictures.picture(T, chosen, reading, eta)
    assert (shown.cov is None) == bool(shown.problems) == (shown.paths is None)
    assert all(np.isfinite(curve).all() and np.isfinite(head).all()
               for group in pictures.arrows(shown.factors, chosen) for curve, head in group)  # fmt: skip
    lines = pictures.formula(shown.factors)
    assert len(lines) == 4 and sum(line.count("q(") for line in lines) == len(shown.factors)
    words = pictures.words_for(T, chosen, reading, eta)
    assert f"T = {T}" in words and "nan" not in words and ("B = {}" in words) == (len(chosen) == T)


def test_the_paths_of_the_editor_have_the_law_of_the_joint(monkeypatch):
    monkeypatch.setattr(pictures, "PATHS", 40_000)
    factors = split.chain_and_star(8, A)
    m, cov = split.joint(factors, ALPHA_BAR, 0.5)
    x = pictures.paths_of(factors, 8, 0.5)
    np.testing.assert_allclose(x.mean(axis=0), pictures.X0 * m, atol=0.03)
    np.testing.assert_allclose(np.cov(x.T), cov, atol=0.04)


def test_an_arrow_starts_and_ends_where_it_should():
    for start, end, bend in (([8, 1], [5, 1], 0), ([0, 0.5], [3, 0], -0.5), ([2, 1], [1, 0], 0)):
        curve, head = pictures.arrow(np.array(start), np.array(end), bend)
        assert np.allclose(curve[0], start) and np.linalg.norm(curve[-1] - end) < 0.3
        assert np.linalg.norm(head[0] - end) < np.linalg.norm(head[1] - end)


def test_heat_leaves_times_without_entry_blank():
    shown = pictures.heat(np.eye(4), 5)
    assert shown.mask.sum() == 25 - 9 and pictures.heat(None, 5).mask.all()


def test_problem_times_are_ringed():
    axes = pictures.panels()[1]
    artists = pictures.graph_artists(axes, 8)
    pictures.move_graph(artists, split.read_literally(8, A), frozenset(A))
    assert sorted(artists["bad"].get_xdata()) == [1, 2, 4, 5, 7]
    assert artists["count 2"].get_text() == "never" and artists["count 7"].get_text() == "2×"
    pictures.move_graph(artists, split.chain_and_star(8, A), frozenset(A))
    assert len(artists["bad"].get_xdata()) == 0
    assert {artists[f"count {t}"].get_text() for t in range(1, 9)} == {""}
    for s, t in combinations(sorted(A), 2):
        assert pictures.place(s, A)[1] == pictures.place(t, A)[1] == 1
