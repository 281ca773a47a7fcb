"""Lesson 01: its exercises know the usual mistakes, its checks fail on wrong equations, its figures move."""

from functools import lru_cache

import numpy as np
import pytest
import sympy as sp

from ddim_lessons.lessons.lesson_01 import pictures
from ddim_lessons.schedules import alpha_bar_from_beta, alpha_bar_schedule, linear_beta
from ddim_lessons.teaching.checks import EquationError, verify, verify_mean, verify_true
from ddim_lessons.toy_data import digit, three_peaks

# --- exercises ---------------------------------------------------------------------------------------------------


def product(beta, t):
    return np.cumprod(1 - beta)[t]


ANSWERS = [
    ("1.1", lambda a, b: ((a * b) ** 0.5, 1 - a * b), "is the variance"),
    ("1.1", lambda a, b: ((a * b) ** 0.5, (b * (1 - a)) ** 0.5 + (1 - b) ** 0.5), "added the standard deviations"),
    ("1.1", lambda a, b: ((a * b) ** 0.5, (2 - a - b) ** 0.5), "not scaled by the second step"),
    ("1.1", lambda a, b: ((a * b) ** 0.5, (b * b * (1 - a) + 1 - b) ** 0.5), "should be √α_2"),
    ("1.1", lambda a, b: (a * b, (1 - a * b) ** 0.5), "lacks its square root"),
    ("1.1", lambda a, b: (b**0.5, (1 - b) ** 0.5), "second step alone"),
    ("1.1", lambda a, b: (a**0.5, (1 - a) ** 0.5), "none of the usual mistakes"),
    ("1.1", lambda a, b: (a * b, 1 - a * b), "both roots"),
    ("1.1", lambda a, b: 1 - a * b, "has shape ()"),
    ("1.2", lambda x0, beta, t: ((1 - beta[t]) ** 0.5 * x0, beta[t]), "α_t for ᾱ_t"),
    ("1.2", lambda x0, beta, t: (np.prod(1 - beta[:t]) ** 0.5 * x0, 1 - np.prod(1 - beta[:t])), "one step early"),
    ("1.2", lambda x0, beta, t: (product(beta, t) * x0, 1 - product(beta, t)), "mean lacks its square root"),
    ("1.2", lambda x0, beta, t: (product(beta, t) ** 0.5 * x0, (1 - product(beta, t)) ** 0.5), "standard deviation"),
    ("1.2", lambda x0, beta, t: ((1 - sum(beta[: t + 1])) ** 0.5 * x0, sum(beta[: t + 1])), "added the β"),
    ("1.2", lambda x0, beta, t: ((1 - product(beta, t)) ** 0.5 * x0, product(beta, t)), "changed places"),
    ("1.2", lambda x0, beta, t: (product(beta, t) * x0, (1 - product(beta, t)) ** 0.5), "both roots changed places"),
    ("1.2", lambda x0, beta, t: (product(beta, t) ** 0.5 * x0, product(beta, t)), "share of signal"),
    ("1.2", lambda x0, beta, t: (x0, product(beta, t)), "none of the usual mistakes"),
    ("1.2", lambda x0, beta, t: beta[t + 1], "IndexError"),
    ("1.3", lambda x, eps, ab, s, t: ab[t] ** 0.5 * x + (1 - ab[t]) ** 0.5 * eps, "as if x_s were x_0"),
    ("1.3", lambda x, eps, ab, s, t: mix(x, eps, ab[t] / ab[s - 1]), "started one step early"),
    (
        "1.3",
        lambda x, eps, ab, s, t: (ab[t] / ab[s]) ** 0.5 * x + (ab[s] - ab[t]) ** 0.5 * eps,
        "difference of the two",
    ),
    ("1.3", lambda x, eps, ab, s, t: (ab[t] / ab[s]) ** 0.5 * x + (1 - ab[t] / ab[s]) * eps, "scaled by its variance"),
    ("1.3", lambda x, eps, ab, s, t: ab[t] / ab[s] * x + (1 - ab[t] / ab[s]) ** 0.5 * eps, "signal lacks its square"),
    ("1.3", lambda x, eps, ab, s, t: mix(x, -eps, ab[t] / ab[s]), "wrong sign"),
    ("1.3", lambda x, e, ab, s, t: (ab[t] / ab[s]) ** 0.5 * x + (1 - ab[t]) ** 0.5 * e, "the whole way from x_0"),
    ("1.3", lambda x, eps, ab, s, t: ab[t] / ab[s] * x + (1 - ab[t] / ab[s]) * eps, "both roots"),
    ("1.3", lambda x, eps, ab, s, t: x, "none of the usual mistakes"),
    ("1.4", lambda x, points, a: guess(x, points, points, 1 - a), "are not shrunk"),
    ("1.4", lambda x, points, a: guess(x, a * points, points, 1 - a), "by ᾱ_t, not √ᾱ_t"),
    ("1.4", lambda x, points, a: guess(x, a**0.5 * points, points, (1 - a) ** 0.5), "divided by √(1−ᾱ_t)"),
    ("1.4", lambda x, points, a: guess(x, a**0.5 * points, points, (1 - a) / 2), "factor 1/2"),
    ("1.4", lambda x, points, a: guess(x, a**0.5 * points, points, a - 1), "wrong sign"),
    ("1.4", lambda x, points, a: guess(x, a**0.5 * points, points, 1 - a, axis=None), "do not add up to 1"),
    ("1.4", lambda x, points, a: guess(x, a**0.5 * points, points, 1 - a, axis=0), "over the x, not over the points"),
    ("1.4", lambda x, points, a: guess(x, a**0.5 * points, points, 1 - a, axis=(0, 1)), "of all x together"),
    ("1.4", lambda x, points, a: guess(a**0.5 * x, a**0.5 * points, points, 1 - a), "shrunk by √ᾱ_t both"),
    ("1.4", lambda x, points, a: guess(x, a**0.5 * points, a**0.5 * points, 1 - a), "posterior mean of x_t"),
    ("1.4", lambda x, points, a: points[abs(x[:, None] - a**0.5 * points).sum(-1).argmin(1)], "the nearest point"),
    ("1.4", lambda x, points, a: 0 * x + points.mean(axis=0), "the mean of the data"),
    ("1.4", lambda x, points, a: guess(x, a**0.5 * points, points, (1 - a) ** 2), "divided by (1−ᾱ_t)²"),
    ("1.4", lambda x, points, a: guess(x, a**0.5 * points, points, a), "divided by ᾱ_t"),
    ("1.4", lambda x, points, a: x / a**0.5, "none of the usual mistakes"),
    ("1.4", lambda x, points, a: points, "should have shape (3, 2)"),
]


def guess(x, centres, values, var, axis=1):
    """A mean of ``values`` weighted by exp(−|x − centre|²/(2 var)), normalised along ``axis``."""
    weights = np.exp(-np.sum((x[:, None] - centres) ** 2, axis=2) / (2 * var))
    return (weights if axis is None else weights / weights.sum(axis=axis, keepdims=True)) @ values


def mix(x, eps, ratio):
    return ratio**0.5 * x + (1 - ratio) ** 0.5 * eps


# --- planted errors: each is an equation of the lesson with one thing wrong ----------------------------------------


@pytest.fixture
def merged():
    """x_2 after two steps, with its symbols."""
    alpha_1, alpha_2 = sp.symbols("alpha_1 alpha_2", positive=True)
    x_0, eps_1, eps_2 = sp.symbols("x_0 epsilon_1 epsilon_2", real=True)
    x_1 = sp.sqrt(alpha_1) * x_0 + sp.sqrt(1 - alpha_1) * eps_1
    x_2 = sp.expand(sp.sqrt(alpha_2) * x_1 + sp.sqrt(1 - alpha_2) * eps_2)
    return x_2, alpha_1, alpha_2, x_0, eps_1, eps_2


@pytest.mark.parametrize("error", ["variance for root", "signal unscaled", "wrong law"])
def test_1_1_wrong(error):
    rng, alpha_t, x_prev = np.random.default_rng(0), 0.9, 1.5
    noise = rng.standard_normal(100_000)
    factor, spread = np.sqrt(alpha_t), np.sqrt(1 - alpha_t)
    if error == "variance for root":
        spread = 1 - alpha_t
    if error == "signal unscaled":
        factor = alpha_t
    x_t = factor * x_prev + spread * noise
    mean, var = np.sqrt(alpha_t) * x_prev, (1 - alpha_t) * (1.1 if error == "wrong law" else 1)
    with pytest.raises(EquationError, match=r"1\.1"):
        verify_mean("1.1", np.column_stack([x_t, (x_t - mean) ** 2]), [mean, var])


def test_1_2_wrong_when_standard_deviations_are_added():
    def normal(x, std):
        return np.exp(-((x / std) ** 2) / 2) / (std * np.sqrt(2 * np.pi))

    x = np.linspace(-1.5, 1.5, 31)
    u, du = np.linspace(-6, 6, 4001, retstep=True)
    integral = (normal(u, 0.3) * normal(x[:, None] - u, 0.4)).sum(axis=1) * du
    verify("1.2", integral, normal(x, 0.5))
    with pytest.raises(EquationError, match=r"1\.2"):
        verify("1.2", integral, normal(x, 0.7))


def test_1_3_wrong_without_the_second_steps_scaling(merged):
    x_2, alpha_1, alpha_2, x_0, eps_1, eps_2 = merged
    noise = sp.sqrt(1 - alpha_1) * eps_1 + sp.sqrt(1 - alpha_2) * eps_2
    with pytest.raises(EquationError, match=r"1\.3"):
        verify("1.3", x_2, sp.sqrt(alpha_1 * alpha_2) * x_0 + noise)


def test_1_4_wrong_with_a_sum_for_the_product(merged):
    x_2, alpha_1, alpha_2, _, eps_1, eps_2 = merged
    variance = x_2.coeff(eps_1) ** 2 + x_2.coeff(eps_2) ** 2
    with pytest.raises(EquationError, match=r"1\.4"):
        verify("1.4", variance, 2 - alpha_1 - alpha_2)


@pytest.mark.parametrize("wrong", [lambda a, beta: (a, 1 - a), lambda a, beta: (1 - beta, beta)])
def test_1_5_wrong_with_a_missing_root_or_the_single_step(wrong):
    beta, alpha_bar = linear_beta(1000), alpha_bar_schedule("linear", 1000)
    factors, variances = [1.0], [0.0]
    for beta_t in beta[1:]:
        factors.append(np.sqrt(1 - beta_t) * factors[-1])
        variances.append((1 - beta_t) * variances[-1] + beta_t)
    verify("1.5", [factors, variances], [np.sqrt(alpha_bar), 1 - alpha_bar])
    with pytest.raises(EquationError, match=r"1\.5"):
        verify("1.5", [factors, variances], wrong(alpha_bar, beta))


def test_1_5_wrong_by_one_index():
    alpha_bar = alpha_bar_schedule("linear", 1000)
    with pytest.raises(EquationError, match=r"1\.5"):
        verify("1.5", np.cumprod(1 - linear_beta(1000))[1:], alpha_bar[:-1])


def test_1_6_wrong_with_the_difference_of_variances():
    a_s, a_t = sp.symbols("a_s a_t", positive=True)
    verify("1.6", a_t / a_s * (1 - a_s) + 1 - a_t / a_s, 1 - a_t)
    with pytest.raises(EquationError, match=r"1\.6"):
        verify("1.6", a_t / a_s * (1 - a_s) + a_s - a_t, 1 - a_t)


def test_1_7_wrong_with_the_later_variance():
    beta, alpha_bar = linear_beta(1000), alpha_bar_schedule("linear", 1000)
    s, t, x0 = 200, 300, 1.5
    x = pictures.chain(np.full(10_000, x0), beta[: t + 1], np.random.default_rng(3))
    draws = (x[:, s] - alpha_bar[s] ** 0.5 * x0) * (x[:, t] - alpha_bar[t] ** 0.5 * x0)
    with pytest.raises(EquationError, match=r"1\.7"):
        verify_mean("1.7", draws, np.sqrt(alpha_bar[t] / alpha_bar[s]) * (1 - alpha_bar[t]))


@pytest.mark.parametrize("wrong", ["not shrunk", "nearest", "twice the variance"])
def test_1_8_and_1_9_with_wrong_weights_are_noticed(wrong):
    points, a, rng = np.array([-1.0, 0.2, 1.5]), alpha_bar_schedule("linear", 1000)[300], np.random.default_rng(4)
    x0 = rng.choice(points, 200_000)
    x_t = a**0.5 * x0 + (1 - a) ** 0.5 * rng.standard_normal(x0.shape)
    near = np.abs(x_t - 0.5) < 0.2
    centres = points if wrong == "not shrunk" else a**0.5 * points
    sharp = {"nearest": 50.0, "twice the variance": 0.5}.get(wrong, 1.0)
    weights = np.exp(-sharp * (x_t[near, None] - centres) ** 2 / (2 * (1 - a)))
    weights = weights / weights.sum(axis=1, keepdims=True)
    with pytest.raises(EquationError, match=r"1\.8"):
        verify_mean("1.8", (x0[near, None] == points) - weights, 0)
    with pytest.raises(EquationError, match=r"1\.9"):
        verify_mean("1.9", x0[near] - weights @ points, 0)


def test_1_11_wrong_way_back():
    r, a = sp.symbols("r a", positive=True)
    with pytest.raises(EquationError, match=r"1\.11"):
        verify("1.11", sp.solve(sp.Eq(r, a / (1 - a)), a)[0], r / (1 - r))


def test_1_12_wrong_way_round():
    betas = [linear_beta(T) for T in (50, 1000)]
    with pytest.raises(EquationError, match=r"1\.12"):
        verify_true("1.12", "ᾱ_T is at least exp(−Σβ)", [np.prod(1 - b) >= np.exp(-b.sum()) for b in betas])


@pytest.mark.parametrize("sign", [1, -1])
def test_1_13_wrong_sign_of_the_logarithm(sign):
    a, x0 = 0.6, 1.3
    x, dx = np.linspace(-9, 9, 4001, retstep=True)
    log_q = -((x - a**0.5 * x0) ** 2) / (2 * (1 - a)) - np.log(2 * np.pi * (1 - a)) / 2
    integral = np.sum(np.exp(log_q) * (log_q + x**2 / 2 + np.log(2 * np.pi) / 2)) * dx
    formula = (a * x0**2 - a - sign * np.log(1 - a)) / 2
    if sign == 1:
        verify("1.13", integral, formula)
    else:
        with pytest.raises(EquationError, match=r"1\.13"):
            verify("1.13", integral, formula)


# --- explorers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", pictures.BETAS)
def test_every_column_of_the_density_map_integrates_to_one_and_has_the_right_mean(schedule):
    columns, dx = pictures.density_map(schedule), pictures.X[1] - pictures.X[0]
    assert columns.shape == (181, 51)
    np.testing.assert_allclose(columns.sum(axis=0) * dx, 1, atol=0.01)
    mean = pictures.alpha_bar_shown(schedule) ** 0.5 * three_peaks().mean()[0]
    np.testing.assert_allclose((pictures.X[:, None] * columns).sum(axis=0) * dx, mean, atol=0.01)


@pytest.mark.parametrize("kind", pictures.KINDS)
@pytest.mark.parametrize("schedule", pictures.BETAS)
def test_all_walkers_have_the_exact_moments_at_every_time(schedule, kind):
    x, level = pictures.walks(schedule, kind, seed=0), pictures.alpha_bar_shown(schedule)
    data = three_peaks()
    std = np.sqrt(level * data.variance()[0] + 1 - level)
    error_bar = std / np.sqrt(len(x))
    assert np.all(np.abs(x.mean(axis=0) - level**0.5 * data.mean()[0]) < 5 * error_bar)
    assert np.all(np.abs(x.std(axis=0) - std) < 5 * error_bar)


def test_the_kinds_of_walkers_differ_in_how_two_times_hang_together():
    level = pictures.alpha_bar_shown("linear, T = 1000")
    ratio = level / (1 - level + 1e-300)
    links = []
    for kind in pictures.KINDS:
        x = pictures.walks("linear, T = 1000", kind, seed=0)
        noise = x - level**0.5 * x[:, :1]
        np.testing.assert_allclose(pictures.noise_of(x, "linear, T = 1000"), noise)
        links.append(np.corrcoef(noise[:, 25], noise[:, 30])[0, 1])
    np.testing.assert_allclose(links, [np.sqrt(ratio[30] / ratio[25]), 1, 0], atol=0.1)


def test_the_chain_keeps_its_start_and_matches_the_closed_formula():
    beta = np.array([0.0, 0.2, 0.3, 0.4])
    x = pictures.chain(np.full(40_000, 2.0), beta, np.random.default_rng(0))
    assert x.shape == (40_000, 4) and np.all(x[:, 0] == 2)
    alpha_bar = alpha_bar_from_beta(beta)
    np.testing.assert_allclose(x.mean(axis=0), 2 * alpha_bar**0.5, atol=0.02)
    np.testing.assert_allclose(x.var(axis=0), 1 - alpha_bar, atol=0.03)


def test_the_observer_is_sure_of_a_clean_digit_and_guesses_at_the_end():
    x0 = digit(3)[None]
    assert pictures.label_probability(x0, 1.0, 3) == 1
    assert pictures.label_probability(x0, 0.99, 3) > 0.999
    every = [pictures.label_probability(0.0 * x0, 0.3, label)[0] for label in range(10)]
    assert sum(every) == pytest.approx(1)
    assert pictures.label_probability(x0, 1e-9, 3)[0] == pytest.approx(0.1, abs=0.01)


def test_the_histogram_has_area_one():
    density, height = pictures.histogram(np.random.default_rng(0).uniform(-1, 1, 1000))
    assert np.sum(density[::2] * np.diff(height)[::2]) == pytest.approx(1)


@lru_cache(maxsize=2)
def made_once(make):
    return make()


def ready(make):
    """The live figure that ``make`` returns, made once and put back to its first settings."""
    live = made_once(make)
    live.reset()
    return live


@pytest.mark.parametrize(
    ("make", "control", "value"),
    [
        (pictures.chain_or_jump, "progress", 0.8),
        (pictures.chain_or_jump, "schedule", "linear, T = 50"),
        (pictures.chain_or_jump, "kind", pictures.KINDS[1]),
        (pictures.chain_or_jump, "seed", 3),
        (pictures.dissolving, "t", 600),
        (pictures.dissolving, "schedule", "cosine"),
        (pictures.dissolving, "label", 7),
        (pictures.dissolving, "data", "ring"),
        (pictures.dissolving, "seed", 2),
    ],
)
def test_a_live_figure_follows_its_control(make, control, value):
    live = ready(make)
    image, words = live.image.value, live.words
    live.controls[control].value = value
    assert live.image.value != image
    assert live.words != words or control in ("data", "seed")  # the cloud has no number in the words


def test_the_words_tell_the_schedule_that_ends_too_early():
    live = ready(pictures.chain_or_jump)
    live.controls["schedule"].value = "linear, T = 50"
    live.controls["progress"].value = 1.0
    assert "t = 50" in live.words and "ᾱ = 0.603" in live.words


def test_the_noise_of_the_dissolving_digit_does_not_depend_on_time():
    parts = []
    for t in (300, 700):
        level = alpha_bar_schedule("linear", 1000)[t]
        _, x_t = pictures.dissolved(t, "linear", "moons", 3, seed=1)
        parts.append((x_t - level**0.5 * digit(3, 1)) / (1 - level) ** 0.5)
    np.testing.assert_allclose(parts[0], parts[1])
