"""The algebra of Gaussians against sums over a fine grid."""

import numpy as np
import pytest

from ddim_lessons.ddim import Affine, predict_x0
from ddim_lessons.gaussians import (
    affine,
    affine_moments,
    exact_eps,
    gaussian_denoiser,
    kl,
    log_normal,
    moments_along,
    noised,
    product,
)

X, STEP = np.linspace(-30, 30, 60_001, retstep=True)
PAIRS = [(0.3, 2.0, -0.5, 0.7), (1.0, 0.25, 1.0, 0.25), (-2.0, 0.5, 1.0, 3.0)]


@pytest.mark.parametrize(("mean", "var"), [(0.0, 1.0), (-1.5, 0.2), (3.0, 6.0)])
def test_a_normal_density_has_its_mass_mean_and_variance(mean, var):
    p = np.exp(log_normal(X, mean, var)) * STEP
    assert p.sum() == pytest.approx(1, abs=1e-12)
    assert p @ X == pytest.approx(mean, abs=1e-12) and p @ (X - mean) ** 2 == pytest.approx(var, abs=1e-11)


@pytest.mark.parametrize("four", PAIRS)
def test_kl_is_the_mean_of_the_difference_of_logarithms(four):
    mean_q, var_q, mean_p, var_p = four
    log_q, log_p = log_normal(X, mean_q, var_q), log_normal(X, mean_p, var_p)
    assert kl(*four) == pytest.approx((np.exp(log_q) * (log_q - log_p)).sum() * STEP, abs=1e-11)


@pytest.mark.parametrize("four", PAIRS)
def test_a_product_of_densities_is_a_density_up_to_a_factor(four):
    gap = log_normal(X, *four[:2]) + log_normal(X, *four[2:]) - log_normal(X, *product(*four))
    assert np.ptp(gap[np.abs(X) < 5]) < 1e-10


def test_moments_of_a_straight_line_with_and_without_noise():
    assert affine_moments(lambda x: 2 * x + 1, 3.0, 4.0) == (7.0, 16.0)
    assert affine_moments(lambda x: 2 * x + 1, 3.0, 4.0, 0.5) == (7.0, 16.5)


@pytest.mark.parametrize("alpha_bar_t", [0.02, 0.4, 0.97])
def test_the_exact_denoiser_is_the_posterior_on_a_grid(alpha_bar_t):
    mean, var, x_t = 0.7, 0.3, -0.4
    of_x_t = log_normal(x_t, alpha_bar_t**0.5 * X, 1 - alpha_bar_t)
    evidence = (np.exp(log_normal(X, mean, var) + of_x_t)).sum() * STEP
    assert np.log(evidence) == pytest.approx(log_normal(x_t, *noised(mean, var, alpha_bar_t)), abs=1e-10)
    slope, offset, left = gaussian_denoiser(mean, var, alpha_bar_t)
    expected = log_normal(X, mean, var) + of_x_t - np.log(evidence)
    assert np.allclose(log_normal(X, slope * x_t + offset, left)[abs(X - 0.5) < 3], expected[abs(X - 0.5) < 3])
    by_eps = predict_x0(x_t, exact_eps(x_t, mean, var, alpha_bar_t), alpha_bar_t)
    assert by_eps == pytest.approx(slope * x_t + offset, abs=1e-12)


def test_at_both_ends_the_exact_denoiser_knows_all_or_nothing():
    assert gaussian_denoiser(0.7, 0.3, 0.0) == pytest.approx((0.0, 0.7, 0.3))
    assert gaussian_denoiser(0.7, 0.3, 1.0) == pytest.approx((1.0, 0.0, 0.0))
    assert noised(0.7, 1e-30, 1.0) == (0.7, 1e-30), "1 − ᾱ is taken first, so that a narrow width is not lost"


def test_a_function_becomes_an_affine_step_and_steps_follow_each_other():
    step = affine(lambda x: 2 * x + 1, 0.5)
    assert step == Affine(2.0, 1.0, 0.5) and affine(lambda x: x).var == 0
    assert step.moments(3.0, 4.0) == (7.0, 16.5)
    assert list(moments_along([(9, step), (4, step)])) == [(9, 0.0, 1.0), (4, 1.0, 4.5), (0, 3.0, 18.5)]
    assert [t for t, _, _ in moments_along([(9, step)], end=5)] == [9, 5]
