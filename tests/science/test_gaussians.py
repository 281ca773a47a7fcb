"""The algebra of Gaussians against sums over a fine grid."""

import numpy as np
import pytest

from ddim_lessons.gaussians import affine_moments, kl, log_normal, product

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
