"""Data sets, Gaussian algebra, digits and figures of merit."""

import numpy as np
import pytest

from ddim_lessons import gaussians, metrics, toy_data
from ddim_lessons.toy_data import DATA_SETS, data_set, digit, load_digits


@pytest.mark.parametrize("name", DATA_SETS)
def test_sets_are_centred_and_of_unit_variance(name):
    data = data_set(name)
    assert np.allclose(data.mean(), 0, atol=1e-12) and data.variance().mean() == pytest.approx(1)
    same = [data.sample(5, np.random.default_rng(3)) for _ in range(2)]
    assert np.array_equal(*same) and same[0].shape == (5, 2)


def test_one_dimensional_sets():
    assert toy_data.two_peaks().dim == toy_data.three_peaks().dim == 1
    assert toy_data.two_peaks().mean() == 0 and toy_data.three_peaks().mean() != 0


def test_ring_has_as_many_modes_as_asked():
    assert toy_data.ring(modes=5).means.shape == (5, 2)


def test_digits_are_pictures_between_minus_one_and_one():
    x, labels = load_digits()
    assert x.shape == (1797, 64) and labels.shape == (1797,)
    assert x.min() == -1 and x.max() == 1 and set(labels) == set(range(10))
    assert np.array_equal(digit(3, 0), x[labels == 3][0])
    with pytest.raises(ValueError, match="label is 12, but must be a whole number from 0 to 9"):
        digit(12)


def test_sliced_w2_of_a_shift_is_its_projection():
    x = np.random.default_rng(0).standard_normal((500, 2))
    assert metrics.sliced_w2(x, x) == 0
    assert metrics.sliced_w2(x, x + [0.3, 0.4]) == pytest.approx(0.5 / 2**0.5, rel=1e-6)
    assert metrics.sliced_w2(x[:, :1], x[:, :1] + 0.25) == pytest.approx(0.25)


def test_sliced_w2_in_high_dimension_draws_its_lines():
    x = np.zeros((10, 6))
    assert metrics.sliced_w2(x, x + 1, directions=4000, rng=np.random.default_rng(0)) == pytest.approx(1, rel=0.05)


def test_coverage_counts_modes_with_half_their_share():
    centres = toy_data.ring().means
    assert metrics.coverage(np.repeat(centres, 10, axis=0), centres) == 1
    assert metrics.coverage(np.repeat(centres[:6], 10, axis=0), centres) == 6 / 8


def test_off_manifold_is_the_distance_to_the_nearest_centre():
    centres = np.array([[0.0, 0.0], [10.0, 0.0]])
    assert metrics.off_manifold(np.array([[3.0, 4.0], [10.0, 5.0]]), centres) == pytest.approx(5)


def test_noise_floor_falls_with_the_number_of_points():
    data = data_set("moons")
    floors = [metrics.noise_floor(metrics.sliced_w2, data, n, np.random.default_rng(0)) for n in (100, 6400)]
    assert 4 < floors[0] / floors[1] < 16  # 1/√n would be 8


def test_standard_error_is_sigma_over_root_n():
    draws = np.random.default_rng(0).standard_normal((10_000, 2)) * 3
    assert np.allclose(metrics.standard_error(draws), 0.03, rtol=0.05)


def test_kl_and_product_against_numerical_integration():
    x = np.linspace(-12, 12, 20_001)
    p, q = gaussians.log_normal(x, 0.3, 2.0), gaussians.log_normal(x, -0.5, 0.7)
    assert np.trapezoid(np.exp(q) * (q - p), x) == pytest.approx(gaussians.kl(-0.5, 0.7, 0.3, 2.0), abs=1e-10)
    mean, var = gaussians.product(0.3, 2.0, -0.5, 0.7)
    density = np.exp(p + q) / np.trapezoid(np.exp(p + q), x)
    assert np.trapezoid(density * x, x) == pytest.approx(mean, abs=1e-10)
    assert np.trapezoid(density * (x - mean) ** 2, x) == pytest.approx(var, abs=1e-10)


X = np.zeros((4, 2))
BAD = [
    (lambda: data_set("spiral"), "name is 'spiral', but must be one of 'ring', 'moons'"),
    (lambda: metrics.sliced_w2(X, X[:2]), "the number of points is (4, 2), but must be the same in both sets"),
    (lambda: metrics.sliced_w2(X, np.zeros((4, 3))), "the dimensions is (2, 3), but must be equal"),
    (lambda: metrics.sliced_w2(X[:0], X[:0]), "x's shape is (0, 2)"),
    (lambda: metrics.sliced_w2(X * np.nan, X), "x contains NaN"),
    (lambda: metrics.sliced_w2(np.zeros((4, 3)), np.zeros((4, 3))), "rng is None"),
    (lambda: metrics.standard_error([1.0]), "the number of draws is 1"),
]


@pytest.mark.parametrize("call, sentence", BAD)
def test_bad_input_is_told(call, sentence):
    with pytest.raises(ValueError) as error:
        call()
    assert sentence in str(error.value)
