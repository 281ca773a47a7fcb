"""Samples and metrics of lesson 08's tables."""

import numpy as np
import pytest

from ddim_lessons.gaussians import sampler_moments
from ddim_lessons.learning import quality
from ddim_lessons.learning.cases import ALPHA_BAR, DENOISERS, LEVELS
from ddim_lessons.learning.denoisers import denoiser_of
from ddim_lessons.learning.runs import distance_in_floors, kept_side
from ddim_lessons.metrics import coverage, off_manifold, standard_error
from ddim_lessons.oracle import finite_data, finite_eps_fn, gaussian
from ddim_lessons.schedules import make_tau
from ddim_lessons.toy_data import data_set, load_digits

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_fast_exact_denoiser_is_the_oracle_s():
    x0 = load_digits()[0]
    fast, exact = finite_eps_fn(x0, ALPHA_BAR), finite_data(x0).eps_fn(ALPHA_BAR)
    noise = np.random.default_rng(0).standard_normal((50, 64))
    for t in (1, 30, 300, 1000):
        x_t = ALPHA_BAR[t] ** 0.5 * x0[:50] + (1 - ALPHA_BAR[t]) ** 0.5 * noise
        assert np.allclose(fast(x_t.astype(np.float32), t), exact(x_t, t), atol=2e-4)
        assert fast(x_t.astype(np.float32), t).dtype == np.float32
        assert np.allclose(fast(x_t, t), exact(x_t, t), atol=1e-11), "pixels are exact in 32 bits, x is not rounded"


def test_x_T_depends_on_the_seed_alone_and_levels_differ():
    draws = {level: quality.sample_case("ring", "exact", 5, level, 0, n=50) for level in LEVELS}
    assert np.array_equal(draws["0"], quality.sample_case("ring", "exact", 5, "0", 0, n=50))
    assert not np.array_equal(draws["0"], quality.sample_case("ring", "exact", 5, "0", 1, n=50))
    for first, second in zip(LEVELS, LEVELS[1:], strict=False):
        assert not np.allclose(draws[first], draws[second]), (first, second)
    assert draws["0"].shape == (50, 2)


def test_bad_levels_and_denoisers_are_named():
    with pytest.raises(ValueError, match="level is '0.3'"):
        quality.sample_case("ring", "exact", 5, "0.3", 0)
    with pytest.raises(ValueError, match="denoiser is 'perfect'"):
        quality.sample_case("ring", "perfect", 5, "0", 0)


def test_denoisers_have_names_and_no_name_stands_for_another():
    x = np.random.default_rng(0).standard_normal((5, 2))
    exact, trained = (denoiser_of("moons", denoiser)(x, 300) for denoiser in DENOISERS)
    assert np.array_equal(exact, data_set("moons").eps(x, ALPHA_BAR[300])) and 0 < abs(exact - trained).max() < 0.3
    for data, denoiser, words in (
        ("sun", "exact", "data is 'sun', but must be one of 'ring'"),
        ("digit classifier", "trained", "data is 'digit classifier'"),
        ("moons", "Exact", "denoiser is 'Exact', but must be one of 'exact', 'trained'"),
        (["moons"], "exact", "data is \\['moons'\\]"),
    ):
        with pytest.raises(ValueError, match=words):
            denoiser_of(data, denoiser)


def test_runs_are_held_against_true_samples():
    data = gaussian([0.0, 0.0], 1.0)
    draw = np.random.default_rng(1).standard_normal((500, 2))
    assert 0.5 < distance_in_floors(draw, data, np.random.default_rng(2)) < 2
    assert distance_in_floors(draw + 1, data, np.random.default_rng(2)) > 5
    assert kept_side(np.array([[1.0, 0], [-1, 0], [2, 0]]), np.array([[3.0, -1], [1, -1], [1, 0]])) == 2 / 3


def test_hat_is_right_for_unit_gaussian_data_and_noisy_on_a_point():
    tau, x_T = make_tau(1000, 10), np.random.default_rng(0).standard_normal((20_000, 1))
    unit = gaussian([0.0], 1.0).eps_fn(ALPHA_BAR)
    samples = quality.hat_sample(x_T, unit, ALPHA_BAR, tau, np.random.default_rng(1))
    assert samples.var() == pytest.approx(1.0, abs=0.04)
    *_, (_, _, ddpm) = sampler_moments(0.0, 1.0, ALPHA_BAR, tau, 1.0)
    assert ddpm < 0.6
    point = gaussian([0.0], 0.0).eps_fn(ALPHA_BAR)
    samples = quality.hat_sample(x_T, point, ALPHA_BAR, tau, np.random.default_rng(1))
    assert samples.var() == pytest.approx(1 - ALPHA_BAR[100], rel=0.04)
    assert quality.hat_sample(x_T, point, ALPHA_BAR, tau, np.random.default_rng(1), clean_end=True).std() < 1e-6


def test_the_error_of_a_mean_is_its_standard_error():
    parts = [quality.true_draw("digits", seed, n=40) for seed in range(5)]
    values, errors = quality.measure_with_error("digits", parts)
    away = [quality.facts_of("digits", part + 0.1)["away"].mean() for part in parts]
    values, errors = quality.measure_with_error("digits", [part + 0.1 for part in parts])
    assert values[1] == pytest.approx(np.mean(away)) and errors[1] == pytest.approx(standard_error(away))


def test_metrics_of_points_are_the_package_s():
    data = data_set("moons")
    samples, truth = quality.true_draw("moons", 0, n=500) * 1.1, quality.true_draw("moons", 1, n=500)
    found = quality.metrics_from("moons", quality.facts_of("moons", samples), truth)
    assert found[1:] == (off_manifold(samples, data.means), coverage(samples, data.means))
    assert quality.metrics_from("moons", quality.facts_of("moons", truth), truth)[0] == 0


def test_true_digits_are_near_sure_and_close():
    x = load_digits()[0]
    distance, away, sure = quality.metrics_from("digits", quality.facts_of("digits", x))
    assert abs(distance) < 1e-6 and away == 0 and sure > 0.95
    assert 0.2 < quality.nearest_other().mean() < 0.3


def test_floors_fall_with_n():
    few, many = (quality.floors("digits", n, repeats=3)[0] for n in (300, 1200))
    assert few[0] > 2 * many[0] and few[1] == many[1]
