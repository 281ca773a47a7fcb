"""The exact denoisers: against finite differences of log q, against Monte Carlo, and at both ends of ᾱ."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddim_lessons.ddim import add_noise, predict_x0
from ddim_lessons.oracle import GaussianMixture, finite_data, gaussian
from ddim_lessons.toy_data import letters, ring, three_peaks, two_peaks

UNEVEN = GaussianMixture([[0.0, 1.0], [1.5, -1.0], [-1.0, 0.3]], [0.2, 0.5, 0.05], [0.2, 0.5, 0.3])


def score_by_differences(mixture, x, alpha_bar_t, h=1e-5):
    columns = []
    for step in np.eye(mixture.dim) * h:
        up, down = (mixture.log_density(x + sign * step, alpha_bar_t) for sign in (1, -1))
        columns.append((up - down) / (2 * h))
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("mixture", [UNEVEN, three_peaks(), ring(), letters()], ids=["uneven", "1-D", "ring", "DDIM"])
@pytest.mark.parametrize("alpha_bar_t", [0.999, 0.9, 0.5, 0.1, 1e-4])
def test_eps_is_the_scaled_score(mixture, alpha_bar_t):
    x = np.random.default_rng(0).standard_normal((20, mixture.dim))
    expected = -((1 - alpha_bar_t) ** 0.5) * score_by_differences(mixture, x, alpha_bar_t)
    assert np.allclose(mixture.eps(x, alpha_bar_t), expected, rtol=2e-5, atol=2e-5)


def test_eps_is_the_average_noise_among_draws_that_land_nearby():
    """E[ε | x_t in a bin] by Monte Carlo, within five standard errors in every bin."""
    rng, mixture, alpha_bar_t = np.random.default_rng(1), two_peaks(), 0.4
    x0, eps = mixture.sample(400_000, rng), rng.standard_normal((400_000, 1))
    x_t = add_noise(x0, eps, alpha_bar_t)
    residual = (eps - mixture.eps(x_t, alpha_bar_t))[:, 0]
    which = np.digitize(x_t[:, 0], np.linspace(-2, 2, 21))
    for bin_ in range(22):
        inside = residual[which == bin_]
        assert abs(inside.mean()) < 5 * inside.std() / len(inside) ** 0.5


@given(st.floats(0.001, 0.999), st.integers(0, 1000))
def test_x0_and_eps_say_the_same(alpha_bar_t, seed):
    x = np.random.default_rng(seed).standard_normal((5, 2)) * 2
    assert np.allclose(predict_x0(x, UNEVEN.eps(x, alpha_bar_t), alpha_bar_t), UNEVEN.x0(x, alpha_bar_t), atol=1e-9)


def test_a_single_gaussian_has_the_textbook_posterior_mean():
    data, x, a = gaussian([0.7], 0.4), np.linspace(-2, 2, 9)[:, None], 0.3
    expected = 0.7 + 0.3**0.5 * 0.16 / (0.3 * 0.16 + 0.7) * (x - 0.3**0.5 * 0.7)
    assert np.allclose(data.x0(x, a), expected, atol=1e-12)


@pytest.mark.parametrize("alpha_bar_t", [0.0, 1e-300, 1e-12, 1 - 1e-12])
def test_both_ends_are_finite(alpha_bar_t):
    x = np.random.default_rng(0).standard_normal((50, 2)) * 3
    for mixture in (UNEVEN, ring(), finite_data(np.eye(2))):
        assert np.isfinite(mixture.eps(x, alpha_bar_t)).all() and np.isfinite(mixture.x0(x, alpha_bar_t)).all()


def test_pure_noise_knows_only_the_mean_and_no_noise_has_no_eps():
    x = np.random.default_rng(0).standard_normal((10, 2))
    assert np.allclose(UNEVEN.x0(x, 0.0), UNEVEN.mean()) and np.allclose(UNEVEN.eps(x, 0.0), x)
    assert np.allclose(UNEVEN.x0(x, 1.0), x) and np.allclose(UNEVEN.eps(x, 1.0), 0)


def test_far_away_the_nearest_component_wins_without_overflow():
    far = np.array([[1e4, 1e4], [-1e4, 0.0]])
    assert np.isfinite(UNEVEN.log_density(far, 0.5)).all()
    assert np.allclose(finite_data([[0, 0], [1, 1]]).x0(far, 0.9999), [[1, 1], [0, 0]])


def test_finite_data_returns_its_own_points():
    points = np.random.default_rng(0).standard_normal((30, 5))
    x_t = 0.9999**0.5 * points + 1e-3 * np.random.default_rng(1).standard_normal(points.shape)
    assert np.allclose(finite_data(points).x0(x_t, 0.9999), points, atol=1e-6)


def test_log_density_integrates_to_one():
    x = np.linspace(-8, 8, 4001)[:, None]
    for alpha_bar_t in (1.0, 0.5, 0.01):
        density = np.exp(three_peaks().log_density(x, alpha_bar_t))
        assert np.trapezoid(density, x[:, 0]) == pytest.approx(1, abs=1e-9)


def test_samples_have_the_stated_mean_and_variance():
    x = UNEVEN.sample(100_000, np.random.default_rng(0))
    assert np.allclose(x.mean(axis=0), UNEVEN.mean(), atol=0.02)
    assert np.allclose(x.var(axis=0), UNEVEN.variance(), atol=0.02)


BAD = [
    (lambda: GaussianMixture([1.0, 2.0]), "means' shape is (2,), but must be (K, d)"),
    (lambda: GaussianMixture(np.empty((0, 2))), "means' shape is (0, 2)"),
    (lambda: GaussianMixture([[np.nan]]), "means contains NaN or infinity"),
    (lambda: GaussianMixture([[0.0]], -1.0), "std is -1.0, but must be finite and at least 0"),
    (lambda: GaussianMixture([[0.0]], [0.1, 0.2]), "std's shape is (2,), but must be () or (1,)"),
    (lambda: GaussianMixture([[0.0], [1.0]], 0.1, [1.0, 0.0]), "weights is [1.0, 0.0]"),
    (lambda: UNEVEN.eps(np.zeros((3, 1)), 0.5), "x_t's shape is (3, 1), but must be (n, 2)"),
    (lambda: UNEVEN.eps(np.zeros(2), 0.5), "x_t's shape is (2,), but must be (n, 2)"),
    (lambda: UNEVEN.eps(np.zeros((3, 2)), 1.5), "alpha_bar_t is 1.5, but must be a number from 0 to 1"),
    (lambda: UNEVEN.eps(np.zeros((3, 2)), float("nan")), "alpha_bar_t is nan"),
    (lambda: finite_data([[0.0]]).eps(np.zeros((1, 1)), 1.0), "below 1: a point set (std 0) has no density"),
    (lambda: UNEVEN.sample(-1, np.random.default_rng(0)), "n is -1, but must be a whole number from 0 to 100000000"),
]


@pytest.mark.parametrize("call, sentence", BAD)
def test_bad_input_is_told(call, sentence):
    with pytest.raises(ValueError) as error:
        call()
    assert sentence in str(error.value)
