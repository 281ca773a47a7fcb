"""Where formulas run out of digits: the ends of every schedule, the bound of η, far, narrow and tiny data."""

import re
from math import erfc

import numpy as np
import pytest
import torch

from ddim_lessons import ddim, metrics, schedules, solvers, split
from ddim_lessons.detection import boxes
from ddim_lessons.gaussians import sampler_moments
from ddim_lessons.learning import quality
from ddim_lessons.objective import bound, model_moments
from ddim_lessons.oracle import GaussianMixture
from ddim_lessons.toy_data import two_peaks

X = np.arange(8.0).reshape(4, 2) / 8
NAMES = ("linear", "cosine")


def half(x, t):
    return x / 2


# --- index is time: the form of every other library lacks the leading 1 -------------------------------------------

OTHER = np.cumprod(1 - np.linspace(1e-4, 0.02, 11))  # ᾱ_1 … ᾱ_11
WALK = {"eps_fn": half, "alpha_bar": OTHER, "tau": (10, 5, 0)}
FACTORS = split.chain_and_star(10, {3, 10})
WITH_OTHER = {
    "horizon": lambda: schedules.horizon(OTHER),
    "alpha_bar_pair": lambda: ddim.alpha_bar_pair(OTHER, 10, 0),
    "ddim_step": lambda: ddim.ddim_step(X, X, OTHER, 5, 0),
    "ddim_path": lambda: list(ddim.ddim_path(X, **WALK)),
    "ddim_states": lambda: list(ddim.ddim_states(X, **WALK)),
    "ddim_sample": lambda: ddim.ddim_sample(X, **WALK),
    "ddim_sample, torch": lambda: ddim.ddim_sample(torch.tensor(X), **WALK | {"alpha_bar": torch.tensor(OTHER)}),
    "affine_steps": lambda: ddim.affine_steps(OTHER, (10, 0), 0.0),
    "invert_step": lambda: ddim.invert_step(X, X, OTHER, 0, 5),
    "invert_path": lambda: list(ddim.invert_path(X, **WALK)),
    "invert": lambda: solvers.invert(X, **WALK),
    "multistep_sample": lambda: solvers.multistep_sample(X, **WALK),
    "joint": lambda: split.joint(FACTORS, OTHER, 0.5),
    "law": lambda: split.law((3, (10, 0)), OTHER, 0.5),
    "jump": lambda: split.jump(OTHER, 10, 3),
    "sample": lambda: split.sample(FACTORS, 1.0, OTHER, 3, np.random.default_rng(0)),
    "log_product": lambda: split.log_product(np.ones((3, 11)), FACTORS, OTHER, 0.5),
    "normaliser": lambda: split.normaliser(FACTORS, OTHER, 0.5),
    "bound": lambda: bound(0.3, 0.0, 1.0, OTHER, (10, 5, 0), 0.5),
    "model_moments": lambda: model_moments(0.0, 1.0, OTHER, (10, 5, 0), 0.5),
    "sampler_moments": lambda: list(sampler_moments(0.0, 1.0, OTHER, (10, 5, 0), 0.5)),
    "eps_fn": lambda: two_peaks().eps_fn(OTHER),
    "hat_sample": lambda: quality.hat_sample(X, **WALK, rng=np.random.default_rng(0)),
}


@pytest.mark.parametrize("name", WITH_OTHER)
def test_a_schedule_without_its_leading_1_is_refused_with_the_way_out(name):
    with pytest.raises(ValueError, match=re.escape("alpha_bar[0] is 0.9999, but must be 1: prepend 1")):
        WITH_OTHER[name]()


# --- η at its bound ------------------------------------------------------------------------------------------------


def pairs(name, T, dtype):
    """(ᾱ_t, ᾱ_prev) of all pairs T ≥ t > t_prev ≥ 0."""
    alpha_bar = schedules.alpha_bar_schedule(name, T).astype(dtype)
    t, t_prev = np.tril_indices(T + 1, -1)
    return alpha_bar[t], alpha_bar[t_prev]


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_at_the_bound_of_eta_the_direction_is_0_and_never_nan(name, dtype, kind):
    a_t, a_s = map(kind, pairs(name, 1000, dtype))
    rounding = 1e-3 if dtype is np.float32 else 1e-7
    sigma_sq = ddim.variance(a_t, a_s, ddim.eta_max(a_t, a_s))
    k, lam = ddim.coefficients(a_t, a_s, sigma_sq)
    _, b, c = ddim.affine_step(a_t, a_s, sigma_sq)
    forward = ddim.forward_coefficients(a_t[a_s < 1], a_s[a_s < 1], sigma_sq[a_s < 1])
    moved = ddim.move(0.0 * a_s, 1.0, a_s, sigma_sq)
    for found in (k, lam, b, c, moved, *forward):
        assert np.isfinite(np.asarray(found)).all()
    assert abs(np.asarray(k)).max() < rounding and abs(np.asarray(moved)).max() < rounding
    assert np.allclose(np.asarray(lam), np.asarray(a_s) ** 0.5, atol=rounding)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_the_sampler_takes_the_bound_and_nothing_beyond(name, dtype):
    a_t, a_s = pairs(name, 100, dtype)
    for pair in zip(a_t.tolist(), a_s.tolist(), strict=True):
        largest = ddim.eta_max(*pair)
        assert ddim.checked_variance(*pair, largest) <= 1 - pair[1]
        assert ddim.checked_variance(*pair, float(np.float32(largest) * (1 - 2**-24))) <= 1 - pair[1]
        if pair[1] < 1:
            with pytest.raises(ValueError, match="eta is"):
                ddim.checked_variance(*pair, largest * 1.001)


def test_beyond_the_bound_formulas_show_it():
    a_t, a_s = np.array([0.3]), np.array([0.6])
    with np.errstate(invalid="ignore"):
        assert np.isnan(ddim.coefficients(a_t, a_s, np.array([0.401]))[0]).all()


# --- long schedules ------------------------------------------------------------------------------------------------


def test_the_longest_linear_schedule_is_stated_and_works():
    with pytest.raises(ValueError, match="T is 100000, but must be at most [0-9]+") as error:
        schedules.alpha_bar_schedule("linear", 100_000)
    longest = int(re.search("at most ([0-9]+)", str(error.value)).group(1))
    alpha_bar = schedules.alpha_bar_schedule("linear", longest)
    assert longest > 60_000 and alpha_bar[-1] >= np.finfo(float).tiny and (np.diff(alpha_bar) < 0).all()
    with pytest.raises(ValueError, match=f"T is {longest + 1}, but must be at most {longest}"):
        schedules.alpha_bar_schedule("linear", longest + 1)
    x = ddim.ddim_sample(X, lambda x, t: x, alpha_bar, schedules.make_tau(longest, 10))
    assert np.isfinite(x).all()


@pytest.mark.parametrize("T", [1, 2, 3, 1000, 30_000, 1_000_000])
def test_a_cosine_schedule_falls_however_long_it_is(T):
    alpha_bar = schedules.alpha_bar_schedule("cosine", T)
    assert alpha_bar[0] == 1 and (np.diff(alpha_bar) < 0).all() and alpha_bar[-1] > 0


def test_a_beta_that_uses_up_all_of_the_signal_is_refused():
    with pytest.raises(ValueError, match="beta"):
        schedules.alpha_bar_from_beta([0, *[0.999] * 200])


@pytest.mark.parametrize("spacing", schedules.SPACINGS)
@pytest.mark.parametrize("T, S", [(1, 1), (7, 7), (1_000_000, 1_000_000), (1_000_000, 3), (999_983, 1000)])
def test_grids_of_any_size_fall_from_t_to_0(spacing, T, S):
    tau = schedules.make_tau(T, S, spacing)
    assert (tau[0], tau[-1], len(tau)) == (T, 0, S + 1) and (np.diff(tau) < 0).all()


# --- the oracle, far away and narrow --------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [1, 2, 8, 9, 64])
@pytest.mark.parametrize("offset", [1e3, 1e6, -1e6, 1e8])
def test_the_oracle_does_not_care_where_the_data_are(offset, dim):
    rng = np.random.default_rng(0)
    means = np.round(rng.standard_normal((6, dim)) * 64) / 64  # a shift by the offset rounds none of them
    here, there = (GaussianMixture(means + o, 0.125, np.arange(1, 7)) for o in (0.0, offset))
    x = np.round((means[:4] + 0.2 * rng.standard_normal((4, dim))) * 64) / 64
    for name in ("log_density", "eps", "responsibilities"):
        a, b = (getattr(data, name)(x + o, 1.0) for data, o in ((here, 0.0), (there, offset)))
        assert np.allclose(a, b, rtol=1e-9, atol=1e-9), name
    assert np.allclose(there.x0(x + offset, 1.0) - offset, here.x0(x, 1.0), atol=1e-15 * abs(offset) + 1e-12)
    assert np.allclose(here.variance(), there.variance(), rtol=1e-9)


@pytest.mark.parametrize("std", [1e-6, 1e-3, 1e3, 1e6])
def test_the_oracle_takes_any_width(std):
    data = GaussianMixture(np.array([[0.0, 1.0], [3.0, -2.0]]) * std, std)
    x = data.sample(50, np.random.default_rng(0))
    unit = GaussianMixture(np.array([[0.0, 1.0], [3.0, -2.0]]), 1.0)
    assert np.allclose(data.log_density(x), unit.log_density(x / std) - 2 * np.log(std), rtol=1e-9)
    for name in ("eps", "x0"):
        assert np.isfinite(getattr(data, name)(x, 0.5)).all()


@pytest.mark.parametrize("means, std", [([[1e200, 0.0]], 1.0), ([[0.0, 0.0]], 1e160), ([[np.inf, 0.0]], 1.0)])
def test_data_whose_squares_are_infinite_are_refused(means, std):
    with pytest.raises(ValueError, match="means|std"):
        GaussianMixture(means, std)


# --- one dimension: far out in the tails ----------------------------------------------------------------------------


@pytest.mark.parametrize("mean, std", [(0.0, 1.0), (1e6, 1.0), (-40.0, 1e-3), (0.0, 100.0)])
def test_the_quantile_map_of_a_gaussian_is_a_line_in_both_tails(mean, std):
    data = GaussianMixture([[mean]], std)
    a = 0.5
    z = np.array([-30.0, -20, -12, -8.5, -8.4, -3, 0, 3, 8.5, 12, 20, 30])[:, None]
    x_T = a**0.5 * mean + (a * std**2 + 1 - a) ** 0.5 * z
    assert np.allclose((solvers.quantile_map(data, x_T, a) - mean) / std, z, rtol=1e-6, atol=1e-6)


def test_a_mixture_keeps_its_order_far_out():
    x_T = np.linspace(-25, 25, 101)[:, None]
    x_0 = solvers.quantile_map(two_peaks(), x_T, 1e-4)
    assert (np.diff(x_0[:, 0]) > 0).all() and np.allclose(x_0, -x_0[::-1], atol=1e-9)


@pytest.mark.parametrize("x", [-100.0, 100.0])
def test_beyond_what_numbers_can_tell_the_quantile_map_says_so(x):
    with pytest.raises(ValueError, match="x_T"):
        solvers.quantile_map(two_peaks(), np.array([[0.0], [x]]), 1e-4)


def test_the_quantile_map_of_points_is_refused():
    with pytest.raises(ValueError, match="std"):
        solvers.quantile_map(GaussianMixture([[0.0], [1.0]]), np.zeros((1, 1)), 0.5)


def test_the_cdf_has_all_its_digits_in_the_lower_tail():
    assert np.allclose(
        solvers.cdf(GaussianMixture([[0.0]], 1.0), np.array([[-20.0]])), erfc(20 / 2**0.5) / 2, rtol=1e-9
    )


# --- metrics --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [1, 2, 8, 9, 64])
@pytest.mark.parametrize("size", [1e-150, 1e-3, 1.0, 1e8, 1e140])
def test_the_nearest_is_the_nearest_at_any_size_and_distance(size, dim):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, dim))
    for shift in (0.0, 1e8):
        centres = np.concatenate([x[::-1] + 2e-3 * rng.standard_normal(x.shape), x[::-1] + 1e-3])
        a, b = size * (x + shift), size * (centres + shift)
        truth = np.array([(abs((p - b) / size) ** 2).sum(axis=1).argmin() for p in a])
        assert (metrics.nearest(a, b)[0] == truth).all()


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("scale", [1e-100, 1e-9, 1.0, 1e100])
def test_the_frechet_distance_is_never_negative_and_keeps_its_unit(scale, offset):
    rng = np.random.default_rng(0)
    for n, d in ((3, 8), (50, 2), (200, 32)):
        a = rng.standard_normal((n, d))
        for near in (0.0, 1e-12, 1e-6, 1e-3):
            b = a + near * rng.standard_normal((n, d))
            found, unit = metrics.frechet_distance(scale * (a + offset), scale * (b + offset)), 1e-6 + offset * 1e-9
            assert found >= 0 and abs(found / scale**2 - metrics.frechet_distance(a, b)) < unit
    assert np.isclose(metrics.frechet_distance(a * scale, (a + 1) * scale), 32 * scale**2, rtol=1e-6)


# --- boxes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("side", [1e-18, 1e-7, 1e-3, 0.5, 1e3])
def test_boxes_of_any_size_are_themselves_and_half_of_their_half(side, dtype, kind):
    box = np.array([[0.5, 0.5, side, side]], dtype)
    thin = np.array([[0.5, 0.5, side, side / 2]], dtype)
    for overlap in (boxes.iou, boxes.giou):
        assert float(overlap(kind(box), kind(box))[0, 0]) == 1
        assert abs(float(overlap(kind(box), kind(thin))[0, 0]) - 0.5) < 1e-6
    assert float(boxes.iou(kind(box), kind(np.array([[5e6, 0.5, side, side]], dtype)))[0, 0]) == 0


def test_boxes_without_area_share_nothing():
    points = np.array([[0.5, 0.5, 0, 0], [0.5, 0.5, 0.2, 0.0]])
    assert (boxes.iou(points, points) == 0).all() and (abs(boxes.giou(points, points)) <= 1).all()


@pytest.mark.parametrize("overlap", [boxes.iou, boxes.giou])
def test_boxes_that_are_none_are_refused(overlap):
    for wrong in ([[0.5, 0.5, -0.1, 0.1]], [[0.5, np.nan, 0.1, 0.1]], [[0.5, 0.5, np.inf, 0.1]]):
        with pytest.raises(ValueError, match=r"\ba\b"):
            overlap(np.array(wrong), np.full((1, 4), 0.5))


@pytest.mark.parametrize("part, value", [(0, np.nan), (1, np.nan), (1, np.inf), (2, np.nan), (2, 7), (2, -1), (2, 0.5)])
def test_average_precision_refuses_what_is_no_box_no_score_and_no_class(part, value):
    found = [np.full((2, 4), 0.5), np.ones(2), np.zeros(2)]
    found[part].flat[0] = value
    with pytest.raises(ValueError, match="of found"):
        boxes.average_precision([tuple(found)], [(np.full((1, 4), 0.5), np.zeros(1))])


# --- variances and iterations ---------------------------------------------------------------------------------------

ALPHA_BAR = schedules.alpha_bar_schedule("linear", 10)


@pytest.mark.parametrize("var", [0.0, -1.0, np.nan, np.inf, 1e-320, [1.0, 0.0], [1.0, -1e-9]])
def test_a_variance_that_is_none_is_refused(var):
    for function in (bound, model_moments):
        arguments = {"mean": 0.0, "var": var, "alpha_bar": ALPHA_BAR, "tau": (10, 5, 0), "eta": 0.5}
        with pytest.raises(ValueError, match="var"):
            function(**arguments | ({"x0": 0.3} if function is bound else {}))
    with pytest.raises(ValueError, match="var_0"):
        list(sampler_moments(0.0, -1.0, ALPHA_BAR, (10, 5, 0), 0.5))


def test_inverting_says_when_its_rounds_do_not_converge():
    x, tau = np.ones((1, 2)), schedules.make_tau(1000, 2)
    alpha_bar = schedules.alpha_bar_schedule("linear", 1000)
    steep = lambda x, t: 3.0 * x  # noqa: E731
    with pytest.raises(ValueError, match="rounds is 40, but .*converge"):
        solvers.invert(x, steep, alpha_bar, tau, rounds=40)
    mild = GaussianMixture([[0.0, 0.0]], 1.0).eps_fn(alpha_bar)
    x_T = solvers.invert(x, mild, alpha_bar, schedules.make_tau(1000, 50), rounds=40)
    assert np.allclose(ddim.ddim_sample(x_T, mild, alpha_bar, schedules.make_tau(1000, 50)), x, atol=1e-9)
