"""The step and the path: against theory, against another library's numbers, for NumPy and torch alike."""

import json
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
import torch
from hypothesis import given
from hypothesis import strategies as st

from ddim_lessons import ddim
from ddim_lessons.learning.networks import PointMLP, eps_fn
from ddim_lessons.oracle import gaussian
from ddim_lessons.schedules import SCHEDULES, alpha_bar_schedule, make_tau
from ddim_lessons.solvers import invert, multistep_sample

REFERENCE = json.loads((Path(__file__).parent / "reference_ddim.json").read_text())
ALPHA_BAR = alpha_bar_schedule("linear", 1000)


def pairs(T):
    """All (t, t_prev) with T ≥ t > t_prev ≥ 0 as two index arrays."""
    return np.tril_indices(T + 1, -1)


# --- the variance ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", SCHEDULES)
def test_variance_leaves_room_for_the_direction_on_every_pair(name, eta, dtype):
    alpha_bar = alpha_bar_schedule(name, 1000).astype(dtype)
    t, t_prev = pairs(1000)
    sigma_sq = ddim.variance(alpha_bar[t], alpha_bar[t_prev], dtype(eta))
    rest = 1 - alpha_bar[t_prev] - sigma_sq
    assert sigma_sq.dtype == dtype
    assert np.isfinite(sigma_sq).all() and (sigma_sq >= 0).all() and (rest >= 0).all()


def test_squaring_a_rounded_sigma_would_fail():
    """The reason for "variance first, root last": the other order makes the rest negative in float32."""
    alpha_bar = alpha_bar_schedule("cosine", 1000).astype(np.float32)
    t, t_prev = pairs(1000)
    sigma = np.sqrt(ddim.variance(alpha_bar[t], alpha_bar[t_prev], np.float32(1)))
    assert (1 - alpha_bar[t_prev] - sigma**2 < 0).any()


@pytest.mark.parametrize("name", SCHEDULES)
def test_eta_one_is_the_ddpm_posterior_on_every_pair(name):
    alpha_bar = alpha_bar_schedule(name, 200)
    t, s = pairs(200)
    beta_jump = 1 - alpha_bar[t] / alpha_bar[s]
    posterior = beta_jump * (1 - alpha_bar[s]) / (1 - alpha_bar[t])
    sigma_sq = ddim.variance(alpha_bar[t], alpha_bar[s], 1.0)
    k, lam = ddim.coefficients(alpha_bar[t], alpha_bar[s], sigma_sq)
    assert np.allclose(sigma_sq, posterior, rtol=1e-12)
    assert np.allclose(k, np.sqrt(1 - beta_jump) * (1 - alpha_bar[s]) / (1 - alpha_bar[t]), atol=1e-12)
    assert np.allclose(lam, np.sqrt(alpha_bar[s]) * beta_jump / (1 - alpha_bar[t]), atol=1e-10)


def test_the_formulas_run_on_symbols():
    a, b = sp.symbols("a b", positive=True)
    x, eps = sp.symbols("x epsilon")
    there_and_back = ddim.predict_x0(ddim.add_noise(x, eps, a), eps, a)
    assert sp.simplify(sp.nsimplify(there_and_back, rational=True) - x) == 0
    assert sp.simplify(ddim.variance(a, b, 1) - (1 - b) * (1 - a / b) / (1 - a)) == 0


def test_eta_max_is_where_the_room_ends():
    bound = ddim.eta_max(ALPHA_BAR[1000], ALPHA_BAR[900])
    assert bound > 1
    assert ddim.variance(ALPHA_BAR[1000], ALPHA_BAR[900], bound) == pytest.approx(1 - ALPHA_BAR[900])
    x = np.zeros((2, 1))
    assert np.isfinite(ddim.ddim_step(x, x, ALPHA_BAR, 1000, 900, float(bound), x)).all()


@pytest.mark.parametrize("root", [None, 1, -1])
@pytest.mark.parametrize("eta", [0.3, 1.0])
def test_the_forward_step_and_the_posterior_are_one_joint(eta, root):
    """q(x_t|x_0) · posterior = q(x_s|x_0) · forward step: equal covariances and means, both roots, + by default."""
    a, b = ALPHA_BAR[700], ALPHA_BAR[300]
    signs, sigma_sq = () if root is None else (root,), ddim.variance(a, b, eta)
    k, lam = ddim.coefficients(a, b, sigma_sq, *signs)
    slope, c, v = ddim.forward_coefficients(a, b, sigma_sq, *signs)
    assert np.sign(k) == np.sign(slope) == (root or 1)
    assert slope * (1 - b) == pytest.approx(k * (1 - a))  # Cov(x_s, x_t | x_0)
    assert slope**2 * (1 - b) + v == pytest.approx(1 - a)
    assert slope * b**0.5 + c == pytest.approx(a**0.5)
    assert k * a**0.5 + lam == pytest.approx(b**0.5)


# --- one step ----------------------------------------------------------------------------------------------------


def test_predict_eps_and_x0_invert_add_noise():
    rng = np.random.default_rng(0)
    x0, eps = rng.standard_normal((2, 100, 3))
    x_t = ddim.add_noise(x0, eps, 0.3)
    assert np.allclose(ddim.predict_x0(x_t, eps, 0.3), x0, atol=1e-12)
    assert np.allclose(ddim.predict_eps(x_t, x0, 0.3), eps, atol=1e-12)


@given(st.integers(1, 1000), st.data(), st.floats(0, 1), st.sampled_from(SCHEDULES), st.sampled_from([1, -1]))
def test_marginals_are_kept_by_every_jump_and_eta(t, data, eta, name, root):
    """If x_t ~ N(√ᾱ_t x_0, 1−ᾱ_t), then x_s = k x_t + λ x_0 + σ z ~ N(√ᾱ_s x_0, 1−ᾱ_s): DDIM's lemma 1."""
    alpha_bar = alpha_bar_schedule(name, 1000)
    s = data.draw(st.integers(0, t - 1))
    sigma_sq = ddim.variance(alpha_bar[t], alpha_bar[s], eta)
    k, lam = ddim.coefficients(alpha_bar[t], alpha_bar[s], sigma_sq, root)
    assert k * alpha_bar[t] ** 0.5 + lam == pytest.approx(alpha_bar[s] ** 0.5, abs=1e-12)
    assert k**2 * (1 - alpha_bar[t]) + sigma_sq == pytest.approx(1 - alpha_bar[s], abs=1e-12)


def test_the_step_is_the_posterior_with_the_predicted_x0():
    rng = np.random.default_rng(1)
    x_t, eps_hat, z = rng.standard_normal((3, 50, 2))
    sigma_sq = ddim.variance(ALPHA_BAR[700], ALPHA_BAR[300], 0.7)
    k, lam = ddim.coefficients(ALPHA_BAR[700], ALPHA_BAR[300], sigma_sq)
    expected = k * x_t + lam * ddim.predict_x0(x_t, eps_hat, ALPHA_BAR[700]) + sigma_sq**0.5 * z
    assert np.allclose(ddim.ddim_step(x_t, eps_hat, ALPHA_BAR, 700, 300, 0.7, z), expected, atol=1e-12)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_numpy_and_torch_agree(eta):
    rng = np.random.default_rng(2)
    x_t, eps_hat, z = rng.standard_normal((3, 20, 2))
    for t, t_prev in pairwise(make_tau(1000, 7, "quadratic")):
        with_numpy = ddim.ddim_step(x_t, eps_hat, ALPHA_BAR, t, t_prev, eta, z)
        tensors = (torch.from_numpy(a) for a in (x_t, eps_hat))
        with_torch = ddim.ddim_step(*tensors, torch.from_numpy(ALPHA_BAR), t, t_prev, eta, torch.from_numpy(z))
        assert np.array_equal(with_numpy, with_torch.numpy())


@pytest.mark.parametrize("make", [np.float32, np.float64])
def test_the_type_of_x_is_kept(make):
    rng, x_T = np.random.default_rng(0), np.ones((5, 2), dtype=make)
    assert ddim.ddim_sample(x_T, lambda x, t: x / 2, ALPHA_BAR, make_tau(1000, 4), 1.0, rng).dtype == make
    tensor = torch.ones(5, 2)
    assert ddim.ddim_sample(tensor, lambda x, t: x / 2, ALPHA_BAR, make_tau(1000, 4), 1.0, rng).dtype == torch.float32


def test_move_without_noise_goes_to_the_mean():
    x0, eps = np.array([1.0, -2.0]), np.array([0.5, 0.25])
    assert np.array_equal(ddim.move(x0, eps, 0.6, 0.1), 0.6**0.5 * x0 + (1 - 0.6 - 0.1) ** 0.5 * eps)


def test_without_a_word_about_eta_no_noise_is_added():
    x, tau = np.ones((3, 2)), make_tau(1000, 4)
    for walk in (ddim.ddim_sample, ddim.ddim_states, ddim.ddim_path):
        silent, told = (walk(x, lambda x, t: x / 2, ALPHA_BAR, tau, *eta) for eta in ((), (0.0,)))
        ends = [list(way)[-1] if walk is not ddim.ddim_sample else way for way in (silent, told)]
        assert np.array_equal(*(end.x if walk is ddim.ddim_path else end for end in ends))
    assert np.array_equal(
        ddim.ddim_step(x, x / 2, ALPHA_BAR, 9, 5), ddim.ddim_step(x, x / 2, ALPHA_BAR, 9, 5, 0.0, np.full((3, 2), 7.0))
    )
    assert np.array_equal(ddim.move(x, x, 0.3), ddim.move(x, x, 0.3, 0.0, 0.0))


# --- paths -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", REFERENCE["runs"], ids=lambda r: f"{r['schedule']}-S{r['S']}-eta{r['eta']}")
def test_path_equals_an_independent_implementation(run):
    """Frozen numbers of diffusers' DDIMScheduler (``tools/make_reference.py``), which works in float32 inside."""
    alpha_bar = alpha_bar_schedule(run["schedule"], REFERENCE["T"])
    x = np.array(run["path"][0])
    for (t, t_prev), expected, noise in zip(pairwise(run["tau"]), run["path"][1:], run["noises"], strict=True):
        eps_hat = np.tanh(x) * (0.5 + t / 2000)
        x = ddim.ddim_step(x, eps_hat, alpha_bar, t, t_prev, run["eta"], np.array(noise))
        assert np.allclose(x, expected, rtol=2e-4, atol=2e-4)


def test_path_visits_tau_and_points_to_x0():
    data = gaussian([0.5], 0.3)
    moments = list(ddim.ddim_path(np.ones((3, 1)), data.eps_fn(ALPHA_BAR), ALPHA_BAR, make_tau(1000, 5)))
    assert [m.t for m in moments] == [1000, 800, 600, 400, 200, 0]
    assert all(m.x.shape == m.x0_hat.shape == (3, 1) for m in moments)
    assert np.allclose(moments[2].x0_hat, data.x0(moments[2].x, ALPHA_BAR[600]))
    assert moments[-1].x0_hat is moments[-1].x


@pytest.mark.parametrize("spacing, S", [("linear", 1), ("linear", 10), ("quadratic", 50), ("trailing", 333)])
@pytest.mark.parametrize("eta", [0.0, 0.6, 1.0])
def test_the_fast_way_visits_the_same_points_as_the_path(spacing, S, eta):
    data, tau = gaussian([0.5, -0.2], 0.3), make_tau(1000, S, spacing)
    x_T = np.random.default_rng(6).standard_normal((20, 2))
    arguments = (x_T, data.eps_fn(ALPHA_BAR), ALPHA_BAR, tau, eta)
    path = [moment.x for moment in ddim.ddim_path(*arguments, np.random.default_rng(7))]
    fast = list(ddim.ddim_states(*arguments, np.random.default_rng(7)))
    assert len(fast) == len(path) == S + 1
    assert np.allclose(fast, path, rtol=0, atol=1e-10)


def test_affine_step_is_the_step_multiplied_out():
    a_t, a_s, s, x, eps, z = sp.symbols("abar_t abar_s sigma_sq x epsilon z", positive=True)
    a, b, c = ddim.affine_step(a_t, a_s, s)
    step = ddim.move(ddim.predict_x0(x, eps, a_t), eps, a_s, s, z)
    assert sp.simplify(sp.nsimplify(sp.expand(a * x + b * eps + c * z - step))) == 0


def test_eta_zero_is_deterministic_and_needs_no_generator():
    data, x_T, tau = gaussian([0.0, 1.0], 0.5), np.random.default_rng(0).standard_normal((10, 2)), make_tau(1000, 20)
    first, second = (ddim.ddim_sample(x_T, data.eps_fn(ALPHA_BAR), ALPHA_BAR, tau) for _ in range(2))
    assert np.array_equal(first, second)


def test_same_generator_same_path_and_numpy_equals_torch():
    x_T, tau = np.random.default_rng(0).standard_normal((10, 2)), make_tau(1000, 10)
    a, b = (ddim.ddim_sample(x_T, lambda x, t: x / 2, ALPHA_BAR, tau, 1.0, np.random.default_rng(3)) for _ in range(2))
    c = ddim.ddim_sample(torch.from_numpy(x_T), lambda x, t: x / 2, ALPHA_BAR, tau, 1.0, np.random.default_rng(3))
    assert np.array_equal(a, b) and np.allclose(a, c.numpy(), atol=1e-14)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_many_steps_reach_the_data(eta):
    """With an exact denoiser and S = T the samples have the data's mean and variance, within Monte Carlo error."""
    data, rng = gaussian([0.7], 0.4), np.random.default_rng(4)
    x_T = rng.standard_normal((4000, 1))
    x = ddim.ddim_sample(x_T, data.eps_fn(ALPHA_BAR), ALPHA_BAR, make_tau(1000, 1000), eta, rng)
    assert x.mean() == pytest.approx(0.7, abs=5 * 0.4 / 4000**0.5)
    assert x.var() == pytest.approx(0.16, rel=0.12)


def test_one_step_lands_on_the_predicted_x0():
    data, x_T = gaussian([0.7], 0.4), np.array([[0.3]])
    x = ddim.ddim_sample(x_T, data.eps_fn(ALPHA_BAR), ALPHA_BAR, (1000, 0), 1.0, np.random.default_rng(0))
    assert np.allclose(x, data.x0(x_T, ALPHA_BAR[1000]))


def test_inversion_undoes_sampling_better_with_more_steps():
    data, x0 = gaussian([0.2], 0.6), np.array([[1.0], [-0.4]])
    errors = []
    for S in (10, 20, 40):
        tau, eps_fn = make_tau(1000, S), data.eps_fn(ALPHA_BAR)
        *_, top = ddim.invert_path(x0, eps_fn, ALPHA_BAR, tau)
        assert top.t == 1000
        errors.append(np.abs(ddim.ddim_sample(top.x, eps_fn, ALPHA_BAR, tau) - x0).max())
    assert errors[0] > 1.5 * errors[1] > 2.25 * errors[2]


def test_inversion_step_is_the_step_read_backwards():
    x, eps_hat = np.random.default_rng(5).standard_normal((2, 8, 2))
    down = ddim.ddim_step(x, eps_hat, ALPHA_BAR, 400, 250)
    assert np.allclose(ddim.invert_step(down, eps_hat, ALPHA_BAR, 250, 400), x, atol=1e-12)


def test_every_pair_of_a_short_schedule_can_be_jumped():
    alpha_bar, x = alpha_bar_schedule("cosine", 12), np.ones((2, 1))
    for t_prev, t in combinations(range(13), 2):
        assert np.isfinite(ddim.ddim_step(x, x, alpha_bar, t, t_prev, 1.0, x)).all()


# --- bad input ---------------------------------------------------------------------------------------------------

X = np.zeros((3, 2))
NAN = np.full((3, 2), np.nan)
ZEROS = torch.zeros(3, 2)  # in 32 bits: what passes 3.4e38 is infinite


GIVEN = {"x_T": X, "eps_fn": lambda x, t: x, "alpha_bar": ALPHA_BAR, "tau": (1000, 900, 0)}


def path(**change):
    return list(ddim.ddim_path(**GIVEN | change))


def sample(**change):
    return ddim.ddim_sample(**GIVEN | change)


def encode(x_0, eps_fn):
    return list(ddim.invert_path(x_0, eps_fn, ALPHA_BAR, (1000, 500, 0)))


BAD = [
    (lambda: ddim.ddim_step(X, X, ALPHA_BAR, 5, 5), "t_prev is 5, but must be a whole number from 0 to 4"),
    (lambda: ddim.ddim_step(X, X, ALPHA_BAR, 5, -1), "t_prev is -1, but must be a whole number from 0 to 4"),
    (lambda: ddim.ddim_step(X, X, ALPHA_BAR, 1001, 5), "t is 1001, but must be a whole number from 1 to 1000"),
    (lambda: ddim.ddim_step(X, X, ALPHA_BAR, 5.0, 2), "t is 5.0, but must be a whole number"),
    (lambda: ddim.ddim_step(X, X, ALPHA_BAR, 5, 2, eta=-0.1), "eta is -0.1, but must be a finite number of at least 0"),
    (lambda: ddim.ddim_step(X, X, ALPHA_BAR, 5, 2, eta=float("nan")), "eta is nan"),
    (lambda: ddim.ddim_step(X, X, ALPHA_BAR, 1000, 900, 1.5, X), "eta is 1.5, but must be at most 1.08"),
    (lambda: ddim.ddim_step(X, X, ALPHA_BAR, 5, 2, eta=1.0), "noise is None, but must be an array like x_t"),
    (
        lambda: ddim.ddim_step(X, X[:2], ALPHA_BAR, 5, 2),
        "eps_hat has shape (2, 2), but must have the shape of x_t, (3, 2)",
    ),
    (
        lambda: ddim.ddim_step(X, X, ALPHA_BAR, 5, 2, 1.0, X[:1]),
        "noise has shape (1, 2), but must have the shape of x_t",
    ),
    (lambda: ddim.ddim_step(X, X, 1 - ALPHA_BAR, 5, 2), "alpha_bar[0] is 0.0, but must be 1: prepend 1"),
    (lambda: ddim.ddim_step(X, X, np.r_[1, ALPHA_BAR[:0:-1]], 5, 2), "falling with time"),
    (lambda: path(x_T=NAN), "x_T contains NaN or infinity"),
    (lambda: path(eps_fn=lambda x, t: NAN), "eps_hat at t = 1000 contains NaN or infinity"),
    (lambda: sample(x_T=NAN), "x_T contains NaN or infinity"),
    (lambda: sample(eps_fn=lambda x, t: NAN), "the sample, and so an eps_hat on the way, contains NaN"),
    (lambda: sample(eps_fn=lambda x, t: x[:1]), "eps_hat has shape (1, 2), but must have the shape of x_t, (3, 2)"),
    (lambda: sample(eta=0.5), "rng is None, but must be a NumPy generator"),
    (lambda: sample(tau=(0, 500, 1000)), "strictly decreasing"),
    (lambda: sample(eta=1.5), "eta is 1.5, but must be at most 1.08"),
    (lambda: path(eta=0.5), "rng is None, but must be a NumPy generator"),
    (lambda: path(eta=0.5, rng=7), "rng is 7, but must be a NumPy generator"),
    (lambda: path(tau=(1000, 500, 500, 0)), "strictly decreasing, but 500 follows 500"),
    (lambda: path(tau=(0, 500, 1000)), "strictly decreasing"),
    (lambda: path(tau=(1001, 0)), "a time in tau is 1001"),
    (lambda: path(eta=-1.0), "eta is -1.0"),
    (lambda: path(eps_fn=lambda x, t: X if t > 900 else NAN), "eps_hat at t = 900 contains NaN"),
    (lambda: path(x_T=ZEROS, eps_fn=lambda x, t: ZEROS + 3e38), "the sample contains NaN or infinity"),
    (lambda: encode(ZEROS, lambda x, t: ZEROS + (3e38 if t else -3e38)), "the latent contains NaN or infinity"),
    (lambda: encode(X, lambda x, t: x[:1]), "eps_hat at t = 0 has shape (1, 2)"),
    (lambda: encode(X, "no function"), "eps_fn is 'no function'"),
    (lambda: encode(NAN, lambda x, t: x), "x_0 contains NaN"),
    (lambda: ddim.invert_step(X, X, ALPHA_BAR, 10, 5), "t_prev is 10, but must be a whole number from 0 to 4"),
]


@pytest.mark.parametrize("call, sentence", BAD)
def test_bad_input_is_told(call, sentence):
    with pytest.raises(ValueError) as error:
        call()
    assert sentence in str(error.value)


@pytest.mark.parametrize("pair", [(0.5, 0.5), (0.0, 0.5), (0.5, 1.5), (0.6, 0.5), (-0.1, 0.5), (float("nan"), 0.5)])
def test_alpha_bar_must_fall_within_0_and_1_at_the_times_of_a_step(pair):
    alpha_bar = np.array([1.0, pair[1], pair[0]])
    with pytest.raises(ValueError, match=r"\(ᾱ_2, ᾱ_1\) is .* must be falling with time, within \(0, 1\]"):
        ddim.alpha_bar_pair(alpha_bar, 2, 1)
    with pytest.raises(ValueError, match="must be falling with time"):
        ddim.jumps(alpha_bar, (2, 1))
    with pytest.raises(ValueError, match="ᾱ_(t|prev) is"):
        ddim.checked_variance(*pair, 0.5)


def test_alpha_bar_1_at_the_data_is_allowed():
    assert ddim.alpha_bar_pair(np.array([1.0, 0.5]), 1, 0) == (0.5, 1.0)
    assert ddim.checked_variance(0.5, 1.0, 1.0) == 0


# --- the door ----------------------------------------------------------------------------------------------------


def test_jumps_are_the_checked_formulas_along_tau():
    tau = make_tau(1000, 7, "quadratic")
    for (times, levels), pair in zip(ddim.jumps(ALPHA_BAR, tau, 0.7), pairwise(tau), strict=True):
        a_t, a_prev = ddim.alpha_bar_pair(ALPHA_BAR, *pair)
        assert times == pair and levels == (a_t, a_prev, ddim.checked_variance(a_t, a_prev, 0.7))
    assert [levels[2] for _, levels in ddim.jumps(ALPHA_BAR, tau)] == [0.0] * 7
    assert ddim.walk("x_T", X, lambda x, t: x, ALPHA_BAR, tau) == ddim.jumps(ALPHA_BAR, tau, 0.0)


WALKS = {
    "path": lambda *given: list(ddim.ddim_path(*given)),
    "sample": ddim.ddim_sample,
    "inversion": lambda *given: list(ddim.invert_path(*given)),
    "second order": multistep_sample,
    "encoding": lambda *given: invert(*given, rounds=1),
}


@pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS)
def test_a_denoiser_made_for_another_schedule_is_refused(walk):
    tau, cosine = make_tau(1000, 4), alpha_bar_schedule("cosine", 1000)
    data = gaussian([0.5, 0.1], 0.3)
    with pytest.raises(ValueError, match=r"ᾱ_1000 of eps_fn's schedule is .*, but must be alpha_bar's, 4\.03"):
        walk(X, data.eps_fn(cosine), ALPHA_BAR, tau)
    with pytest.raises(ValueError, match="the T of eps_fn's schedule is 20, but must be alpha_bar's, 1000"):
        walk(X, data.eps_fn(ALPHA_BAR[:21]), ALPHA_BAR, tau)
    for same in (ALPHA_BAR, ALPHA_BAR.copy(), list(ALPHA_BAR), ALPHA_BAR.astype(np.float32)):
        walk(X, data.eps_fn(same), ALPHA_BAR, tau)


def test_a_trained_network_carries_its_schedule():
    network = eps_fn(PointMLP(width=8))
    assert ddim.ddim_sample(X, network, alpha_bar_schedule("linear", 1000), (1000, 0)).shape == X.shape
    with pytest.raises(ValueError, match="of eps_fn's schedule"):
        ddim.ddim_sample(X, network, alpha_bar_schedule("cosine", 1000), (1000, 0))


def test_no_network_is_asked_before_the_whole_walk_is_checked():
    asked, flat = [], ALPHA_BAR.copy()
    flat[1] = 1.0
    with pytest.raises(ValueError, match=r"\(ᾱ_1, ᾱ_0\)"):
        ddim.ddim_sample(X, lambda x, t: asked.append(t), flat, (1000, 1, 0))
    assert not asked
