"""Lesson 05: the wrong answers its exercises know, planted errors in its equations, its numbers and its figures."""

import numpy as np
import pytest
import sympy as sp

from ddim_lessons import objective, split
from ddim_lessons.ddim import add_noise, coefficients, eta_max, predict_x0, variance
from ddim_lessons.gaussians import kl, log_normal
from ddim_lessons.lessons.lesson_05 import pictures
from ddim_lessons.oracle import gaussian
from ddim_lessons.schedules import alpha_bar_from_beta, alpha_bar_schedule, linear_beta, make_tau
from ddim_lessons.teaching.checks import EquationError, verify, verify_mean, verify_true

MEAN, VAR, ETA, X0, TAU = 0.5, 0.25, 0.5, 0.7, (8, 5, 2, 0)
ALPHA_BAR = alpha_bar_from_beta(linear_beta(8, 0.05, 0.35))
LONG = alpha_bar_schedule("linear", 1000)

# --- exercises ---------------------------------------------------------------------------------------------------


def jump(formula):
    """An answer to 5.2 from a formula of (λ, σ², ᾱ_t, ᾱ_s)."""

    def answer(ab_t, ab_s, eta):
        sigma_sq = variance(ab_t, ab_s, eta)
        return formula(coefficients(ab_t, ab_s, sigma_sq)[1], sigma_sq, ab_t, ab_s)

    return answer


ANSWERS = [
    ("5.1", lambda q, p, s: ((q - p) ** 2).sum() / (2 * s**2), "✓ right"),
    ("5.1", lambda q, p, s: ((q - p) ** 2).sum() / (2 * s), "divided by σ"),
    ("5.1", lambda q, p, s: ((q - p) ** 2).sum() / s**2, "1/2 is missing"),
    ("5.1", lambda q, p, s: ((q - p) ** 2).mean() / (2 * s**2), "averaged over the coordinates"),
    ("5.1", lambda q, p, s: (q - p) ** 2 / (2 * s**2), "one number for each coordinate"),
    ("5.1", lambda q, p, s: np.linalg.norm(q - p) / (2 * s**2), "not its square"),
    ("5.1", lambda q, p, s: 0.0, "none of the usual mistakes"),
    ("5.1", lambda q, p, s: ..., "not attempted yet"),
    ("5.2", jump(lambda lam, v, t, s: lam**2 * (1 - t) / (2 * v * t)), "✓ right"),
    ("5.2", jump(lambda lam, v, t, s: (1 - t) / (2 * v * t)), "factor λ² is missing"),
    ("5.2", jump(lambda lam, v, t, s: lam * (1 - t) / (2 * v * t)), "λ where its square"),
    ("5.2", jump(lambda lam, v, t, s: lam**2 * (1 - s) / (2 * v * s)), "ᾱ_s for ᾱ_t"),
    ("5.2", jump(lambda lam, v, t, s: lam**2 * (1 - t) / (v * t)), "1/2 is missing"),
    ("5.2", jump(lambda lam, v, t, s: lam**2 * (1 - t) / (2 * v**0.5 * t)), "divided by σ"),
    ("5.2", jump(lambda lam, v, t, s: 1 / (2 * v * t)), "weight of the paper's proof"),
    ("5.2", jump(lambda lam, v, t, s: lam**2 * (1 - t) / (2 * v**2 * t)), "divided by σ⁴"),
    ("5.2", jump(lambda lam, v, t, s: lam**2 * t / (2 * v * (1 - t))), "upside down"),
    ("5.2", lambda t, s, eta: coefficients(t, s, eta)[1] ** 2 * (1 - t) / (2 * eta * t), "eta where σ² belongs"),
    (
        "5.2",
        lambda t, s, eta: jump(lambda _, v, t, s: coefficients(t, s, eta)[1] ** 2 * (1 / t - 1) / 2 / v)(t, s, eta),
        "coefficients() eta",
    ),
    ("5.2", jump(lambda lam, v, t, s: (1 - s - v) / (2 * v * t)), "k for λ"),
    ("5.2", lambda t, s, eta: jump(lambda lam, v, t, s: lam**2 * (1 - t) / (2 * v * t))(s, t, eta), "changed places"),
    ("5.2", jump(lambda lam, v, t, s: lam**2 / (2 * v)), "(1−ᾱ_t)/ᾱ_t is missing"),
    ("5.2", jump(lambda lam, v, t, s: lam**2 * (1 / t - 1) ** 0.5 / (2 * v)), "a root too many"),
    ("5.2", jump(lambda lam, v, t, s: 1.0), "none of the usual mistakes"),
    ("5.3", {2, 3}, "✓ right"),
    ("5.3", {1, 2, 3}, "nothing to train"),
    ("5.3", {2}, "times that the sampler skips"),
    ("5.3", {3}, "links of the chain"),
    ("5.3", {1}, "without a denoiser"),
    ("5.3", [2, 3], "✓ right"),
    ("5.3", {4}, "none of the usual mistakes"),
    ("5.4", lambda v, ab: 0.5 * np.log((ab * v + 1 - ab) / v), "✓ right"),
    ("5.4", lambda v, ab: 0.5 * np.log(v / (ab * v + 1 - ab)), "sign is turned round"),
    ("5.4", lambda v, ab: np.log((ab * v + 1 - ab) / v), "1/2 is missing"),
    ("5.4", lambda v, ab: 0.5 * np.log((1 - ab) / v), "the noise for the whole variance"),
    ("5.4", lambda v, ab: 0.5 * np.log((v + 1 - ab) / v), "forgot to shrink"),
    ("5.4", lambda v, ab: 0.5 * np.log((ab**0.5 * v + 1 - ab) / v), "√ᾱ_j where"),
    ("5.4", lambda v, ab: v, "none of the usual mistakes"),
]


# --- planted errors ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def groups_drawn():
    """log p − log q of the three groups on draws from the split; shape (n, 3)."""
    x = split.sample(split.chain_and_star(8, {2, 5, 8}), X0, ALPHA_BAR, 50_000, np.random.default_rng(1), ETA).T
    exact = {t: objective.gaussian_denoiser(MEAN, VAR, ALPHA_BAR[t]) for t in range(1, 9)}
    guess = {t: exact[t].slope * x[t] + exact[t].offset for t in exact}
    log_q = {t: log_normal(x[t], ALPHA_BAR[t] ** 0.5 * X0, 1 - ALPHA_BAR[t]) for t in exact}
    chain = log_normal(X0, guess[2], exact[2].var)
    for t, s in ((8, 5), (5, 2)):
        sigma_sq = variance(ALPHA_BAR[t], ALPHA_BAR[s], ETA)
        k, lam = coefficients(ALPHA_BAR[t], ALPHA_BAR[s], sigma_sq)
        chain = chain + log_normal(x[s], k * x[t] + lam * guess[t], sigma_sq)
        chain = chain - log_normal(x[s], k * x[t] + lam * X0, sigma_sq)
    star = sum(log_normal(X0, guess[j], exact[j].var) - log_q[j] for j in (1, 3, 4, 6, 7))
    return np.stack([log_normal(x[8], 0, 1) - log_q[8], chain, star], axis=1)


def closed(x0=X0, eta=ETA):
    parts = objective.bound(x0, MEAN, VAR, ALPHA_BAR, TAU, eta)
    return [parts.prior, parts.links.sum() + parts.last, parts.star.sum()]


def test_groups_against_draws(groups_drawn):
    verify_mean("5.2", groups_drawn, closed())


@pytest.mark.parametrize("sign", [(-1, 1, 1), (1, -1, 1), (1, 1, -1)])
def test_a_wrong_sign_of_a_group_is_caught(groups_drawn, sign):
    with pytest.raises(EquationError):
        verify_mean("5.2", groups_drawn, np.array(sign) * closed())


def test_planted_the_logarithm_of_the_mean(groups_drawn):
    log_p = log_normal(X0, *objective.model_moments(MEAN, VAR, ALPHA_BAR, TAU, ETA))
    chain = groups_drawn[:, :2].sum(axis=1)
    verify_mean("5.1", np.exp(chain), np.exp(log_p))
    with pytest.raises(EquationError):
        verify_mean("5.1", chain, log_p)
    with pytest.raises(EquationError, match="not true"):
        verify_true("5.1", "the three groups are below", groups_drawn.sum(axis=1).mean() < log_p)


def test_planted_lambda_dropped_from_the_kl():
    sigma_sq = variance(ALPHA_BAR[8], ALPHA_BAR[5], ETA)
    k, lam = coefficients(ALPHA_BAR[8], ALPHA_BAR[5], sigma_sq)
    left = kl(k + lam * 0.7, sigma_sq, k + lam * 0.1, sigma_sq)
    verify("5.3", left, lam**2 * 0.6**2 / (2 * sigma_sq))
    for wrong in (0.6**2 / (2 * sigma_sq), lam**2 * 0.6**2 / (2 * sigma_sq**0.5), lam**2 * 0.6**2 / sigma_sq):
        with pytest.raises(EquationError):
            verify("5.3", left, wrong)


def test_planted_symbols():
    t, s, v, lam = sp.symbols("t s v lambda", positive=True)
    x, eps, eps_hat = sp.symbols("x e h", real=True)
    left = lam**2 * (predict_x0(x, eps, t) - predict_x0(x, eps_hat, t)) ** 2 / (2 * v)
    verify("5.4", left, lam**2 * (1 - t) / (2 * v * t) * (eps - eps_hat) ** 2)
    for weight in (lam**2 * (1 - s) / (2 * v * s), (1 - t) / (2 * v * t), lam**2 / (2 * v * t)):
        with pytest.raises(EquationError):
            verify("5.4", left, weight * (eps - eps_hat) ** 2)


def test_planted_ddpm_weight():
    now, before = LONG[2:], LONG[1:-1]
    alpha, sigma_sq = now / before, variance(now, before, 1)
    gamma = objective.gamma(now, before, sigma_sq)
    verify("5.7", gamma, (1 - alpha) ** 2 / (2 * sigma_sq * alpha * (1 - now)), tol=1e-8)
    for wrong in (
        (1 - alpha) / (2 * sigma_sq * alpha * (1 - now)),
        (1 - alpha) ** 2 / (2 * sigma_sq * alpha * (1 - before)),
        1 / (2 * sigma_sq * now),
    ):
        with pytest.raises(EquationError):
            verify("5.7", gamma, wrong, tol=1e-8)


def test_planted_star():
    rng, j = np.random.default_rng(2), 6
    bad = objective.gaussian_denoiser(MEAN, VAR, ALPHA_BAR[j])._replace(slope=0.5)
    x = add_noise(X0, rng.standard_normal(50_000), ALPHA_BAR[j])
    log_q = log_normal(x, ALPHA_BAR[j] ** 0.5 * X0, 1 - ALPHA_BAR[j])
    draws = log_normal(X0, bad.slope * x + bad.offset, bad.var) - log_q
    gamma = (1 - ALPHA_BAR[j]) / (2 * bad.var * ALPHA_BAR[j])
    loss, constant = objective.eps_loss(X0, bad, ALPHA_BAR[j]), 0.5 + 0.5 * np.log((1 - ALPHA_BAR[j]) / bad.var)
    verify_mean("5.8", draws, -gamma * loss + constant)
    verify_mean("5.8", draws, objective.star_term(X0, bad, ALPHA_BAR[j]))
    for wrong in (gamma * loss + constant, -gamma * loss - constant, -gamma * loss + constant - 0.5):
        with pytest.raises(EquationError):
            verify_mean("5.8", draws, wrong)


def test_planted_short_jump():
    ratio = objective.gamma(0.5, 0.5001, variance(0.5, 0.5001, 0.2))
    ratio /= objective.gamma(0.5, 0.5001, variance(0.5, 0.5001, 1.0))
    verify("5.10", ratio, (1.04 / 0.4) ** 2, tol=1e-3)
    for wrong in (1.04 / 0.4, 1 / 0.2**2, (0.96 / 0.4) ** 2):
        with pytest.raises(EquationError):
            verify("5.10", ratio, wrong, tol=1e-3)


def test_planted_weights_do_matter_when_shared():
    rng = np.random.default_rng(3)
    features, target, weight = rng.standard_normal((300, 4)), rng.standard_normal(300), 10 ** rng.uniform(-1, 1, 2)
    block = np.arange(300) % 2  # two times; separate coefficients: columns 0, 1 for one, 2, 3 for the other
    separate = features * ((np.arange(4) // 2)[None] == block[:, None])
    plain = pictures.weighted_fit(separate, target)
    verify("5.6", pictures.weighted_fit(separate, target, weight[block]), plain)
    with pytest.raises(EquationError):
        verify("5.6", pictures.weighted_fit(features, target, weight[block]), pictures.weighted_fit(features, target))


# --- the module --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha_bar_t", [0.01, 0.5, 0.99])
def test_denoiser_is_the_oracle(alpha_bar_t):
    x, exact = np.linspace(-3, 3, 5), objective.gaussian_denoiser(MEAN, VAR, alpha_bar_t)
    data = gaussian([MEAN], VAR**0.5)
    assert np.allclose(exact.slope * x + exact.offset, data.x0(x[:, None], alpha_bar_t)[:, 0])
    losses = objective.over_data(lambda x0: objective.x0_loss(x0, exact, alpha_bar_t), MEAN, VAR)
    assert losses == pytest.approx(exact.var)  # an exact guess leaves just the posterior variance


def test_bound_by_quadrature():
    """A chain of one link, T → s → 0, integrated on a grid instead of in closed form."""
    alpha_bar, tau = np.array([1.0, 0.6, 0.2]), (2, 1, 0)
    x = np.linspace(-9, 9, 601)
    x_2, x_1 = x[:, None], x[None, :]
    sigma_sq = variance(0.2, 0.6, 0.8)
    k, lam = coefficients(0.2, 0.6, sigma_sq)
    guess = [gaussian([MEAN], VAR**0.5).x0(x[:, None], ab)[:, 0] for ab in (0.2, 0.6)]
    log_q = log_normal(x_2, 0.2**0.5 * X0, 0.8) + log_normal(x_1, k * x_2 + lam * X0, sigma_sq)
    left = objective.gaussian_denoiser(MEAN, VAR, 0.6).var
    log_p = log_normal(x_2, 0, 1) + log_normal(x_1, k * x_2 + lam * guess[0][:, None], sigma_sq)
    log_p = log_p + log_normal(X0, guess[1][None, :], left)
    cell = (x[1] - x[0]) ** 2
    parts = objective.bound(X0, MEAN, VAR, alpha_bar, tau, 0.8)
    assert parts.proper == pytest.approx((np.exp(log_q) * (log_p - log_q)).sum() * cell, abs=1e-9)
    model = objective.model_moments(MEAN, VAR, alpha_bar, tau, 0.8)
    assert log_normal(X0, *model) == pytest.approx(np.log(np.exp(log_p).sum() * cell), abs=1e-9)
    assert parts.star.size == 0


@pytest.mark.parametrize("eta", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("S", [1, 7, 100])
def test_the_bound_is_one(S, eta):
    x0, tau = np.linspace(-2, 3, 11), make_tau(1000, S)
    proper = objective.bound(x0, MEAN, VAR, LONG, tau, eta).proper
    assert proper.shape == (11,)
    assert np.all(proper <= log_normal(x0, *objective.model_moments(MEAN, VAR, LONG, tau, eta)) + 1e-12)


def test_moments_by_sampling_backwards():
    """At η = 0 the chain is deterministic: its variance is the square of the product of its slopes, plus the last."""
    m, v = objective.model_moments(0.0, 1.0, LONG, (1000, 500, 0), 0.0)
    slope = (LONG[500] * LONG[1000]) ** 0.5 + ((1 - LONG[500]) * (1 - LONG[1000])) ** 0.5
    assert (m, v) == pytest.approx((0.0, slope**2 * LONG[500] + 1 - LONG[500]))


@pytest.mark.parametrize("eta", [0.0, -0.5, float("nan"), 10.0])
def test_bound_refuses_eta(eta):
    with pytest.raises(ValueError, match="eta"):
        objective.bound(X0, MEAN, VAR, ALPHA_BAR, TAU, eta)


def test_bound_refuses_a_path_that_does_not_reach_the_data():
    with pytest.raises(ValueError, match="tau's ends"):
        objective.bound(X0, MEAN, VAR, ALPHA_BAR, (8, 5, 2), 0.5)


def test_bound_takes_eta_above_1_where_the_room_allows():
    largest = min(eta_max(ALPHA_BAR[8], ALPHA_BAR[5]), eta_max(ALPHA_BAR[5], ALPHA_BAR[2]))
    assert np.isfinite(objective.bound(X0, MEAN, VAR, ALPHA_BAR, TAU, (1 + largest) / 2).proper)


# --- the explorers -----------------------------------------------------------------------------------------------


def test_false_kl():
    assert pictures.false_kl(0.01, LONG[400]) == pytest.approx(-2.1952, abs=1e-4)
    assert np.allclose(pictures.false_kl(1.0, LONG[1:]), 0)
    exact = objective.gaussian_denoiser(0.0, 4.0, LONG[200])
    addend = objective.over_data(lambda x0: objective.star_term(x0, exact, LONG[200]), 0.0, 4.0)
    assert pictures.false_kl(4.0, LONG[200]) == pytest.approx(-addend)


def test_weights_add_up():
    state = pictures.weights(10, 0.5)
    assert len(state.t) == len(state.gamma) == len(state.loss) == 9
    assert state.groups["2: links"] == pytest.approx(-np.sum(state.gamma * state.loss))
    parts = [state.groups[name] for name in ("1: top", "2: links", "2: last link")]
    assert state.groups["bound of the chain"] == pytest.approx(sum(parts))
    assert state.groups["bound of the chain"] < state.groups["log p of the chain"]


def test_a_wrong_denoiser_has_the_higher_loss():
    exact, wrong = (pictures.weights(20, 0.5, "linear", name) for name in list(pictures.DENOISERS)[:2])
    assert np.all(exact.loss < wrong.loss)
    assert np.all(exact.gamma == wrong.gamma)


def test_the_false_kl_says_when_it_is_negative():
    live = pictures.kl_that_is_none()
    assert "negative" in live.words
    live.controls["std"].value = 1.5
    assert "negative" not in live.words


# --- edges of the bound


def test_the_mean_over_data_of_a_quadratic_function():
    assert objective.over_data(lambda x: 3 * x**2 + x + 2, 0.5, 2.0) == pytest.approx(3 * 2.25 + 0.5 + 2)


def test_the_largest_eta_is_allowed_and_ends_are_told():
    steps = ALPHA_BAR[list(TAU[:-1])]
    largest = float(eta_max(steps[:-1], steps[1:]).min())
    assert np.isfinite(objective.model_moments(MEAN, VAR, ALPHA_BAR, TAU, largest)).all()
    with pytest.raises(ValueError, match="eta is .*, but must be at most"):
        objective.model_moments(MEAN, VAR, ALPHA_BAR, TAU, largest * (1 + 1e-5))
    with pytest.raises(ValueError, match=r"tau's ends is \(8, 1\), but must be \(8, 0\)"):
        objective.model_moments(MEAN, VAR, ALPHA_BAR, (8, 5, 1), 0.5)
    with pytest.raises(ValueError, match=r"tau's ends is \(5, 0\), but must be \(8, 0\)"):
        objective.model_moments(MEAN, VAR, ALPHA_BAR, (5, 2, 0), 0.5)
    with pytest.raises(ValueError, match="eta is 0.0, but must be above 0: at η = 0 the weight γ is infinite"):
        objective.bound(X0, MEAN, VAR, ALPHA_BAR, TAU, 0.0)
    with pytest.raises(ValueError, match="eta is 1e-150, but must be at least 1e-100"):
        objective.bound(X0, MEAN, VAR, ALPHA_BAR, TAU, 1e-150)
    assert np.isfinite(objective.bound(X0, MEAN, VAR, ALPHA_BAR, TAU, 1e-100).links).all()
    with pytest.raises(ValueError, match="falling with time, within"):
        objective.model_moments(MEAN, VAR, np.append(ALPHA_BAR[:-1], 0.0), TAU, 0.5)
