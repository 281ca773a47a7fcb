"""Lesson 02: the exercises' checkers know the usual mistakes, the checks notice planted errors, the figures move."""

import numpy as np
import pytest
import sympy as sp

from ddim_lessons import ddim
from ddim_lessons.gaussians import affine_moments, exact_eps, log_normal, product, sampler_moments
from ddim_lessons.lessons.lesson_02 import pictures
from ddim_lessons.oracle import gaussian
from ddim_lessons.schedules import alpha_bar_schedule, make_tau
from ddim_lessons.teaching.checks import EquationError, verify, verify_mean

ALPHA_BAR = alpha_bar_schedule("linear", 1000)


# --- exercises ---------------------------------------------------------------------------------------------------


def mean_with(of_x_0, of_x_t):
    return lambda x_t, x_0, now, prev: (
        (of_x_0(now / prev, prev) * x_0 + of_x_t(now / prev, now, prev) * x_t) / (1 - now)
    )


def right_x_0(alpha, prev):
    return np.sqrt(prev) * (1 - alpha)


def right_x_t(alpha, now, prev):
    return np.sqrt(alpha) * (1 - prev)


def by_precision(p_t=lambda a: a / (1 - a), p_0=lambda prev: 1 / (1 - prev), says=lambda x, a: x / a**0.5, level=None):
    """The lesson's own form: precisions add, each mean counts by its precision."""

    def answer(x_t, x_0, now, prev):
        a = now / prev if level is None else level(now, prev)
        of_x_t, of_x_0 = p_t(a), p_0(prev)
        return (of_x_t * says(x_t, a) + of_x_0 * prev**0.5 * x_0) / (of_x_t + of_x_0)

    return answer


def chain(noisy=lambda t, T: t > 1, sign=-1, std=lambda beta, now, prev: np.sqrt(beta), eps_at=0, alpha_is=None):
    def sample(x, z, alpha_bar, var_0):
        T = len(alpha_bar) - 1
        for t in range(T, 0, -1):
            now, prev = alpha_bar[t], alpha_bar[t - 1]
            level = alpha_bar[max(1, t + eps_at)]
            eps_hat = np.sqrt(1 - level) * x / (level * var_0 + 1 - level)
            alpha = now if alpha_is == "bar" else now / prev
            x = (x + sign * (1 - alpha) / np.sqrt(1 - now) * eps_hat) / np.sqrt(alpha)
            if noisy(t, T):
                x = x + std(1 - now / prev, now, prev) * z[t]
        return x

    return sample


def jump(of_x=lambda a: a**-0.5, of_eps=lambda a, now: (1 - a) / np.sqrt((1 - now) * a), std=None, alpha=None):
    def answer(now, s):
        a = now / s if alpha is None else alpha(now, s)
        sigma = np.sqrt((1 - s) / (1 - now) * (1 - a)) if std is None else std(now, s)
        return [of_x(a), of_eps(a, now), sigma]

    return answer


def end_std(slopes, sigmas, scale=lambda a, v, s: a**2 * v + s**2, root=True):
    v = 0.0
    for a, s in zip(slopes, sigmas, strict=True):
        v = scale(a, v, s)
    return v**0.5 if root else v


ANSWERS = [
    ("2.1", mean_with(right_x_0, right_x_t), "✓ right"),
    ("2.1", mean_with(right_x_0, lambda a, now, prev: np.sqrt(now) * (1 - prev)), "√ᾱ_t for √α_t"),
    ("2.1", mean_with(right_x_0, lambda a, now, prev: a * (1 - prev)), "forgot the root of α_t"),
    ("2.1", mean_with(lambda a, prev: prev * (1 - a), right_x_t), "forgot the root of ᾱ_{t−1}"),
    ("2.1", mean_with(lambda a, prev: np.sqrt(a * prev) * (1 - a), right_x_t), "√ᾱ_t for √ᾱ_{t−1} in front of x_0"),
    ("2.1", lambda x_t, x_0, now, prev: mean_with(right_x_0, right_x_t)(x_0, x_t, now, prev), "exchanged"),
    ("2.1", mean_with(right_x_0, lambda a, now, prev: np.sqrt(a) * (1 - a)), "β_t for 1 − ᾱ_{t−1}"),
    ("2.1", by_precision(), "✓ right"),
    ("2.1", by_precision(lambda a: (1 - a) / a, lambda prev: 1 - prev), "by its own variance"),
    ("2.1", by_precision(lambda a: (a / (1 - a)) ** 0.5, lambda prev: (1 - prev) ** -0.5), "its standard deviation"),
    (
        "2.1",
        lambda x, x0, now, prev: x * (now / prev) ** 0.5 / (1 - now / prev) + x0 * prev**0.5 / (1 - prev),
        "sum of",
    ),
    ("2.1", by_precision(says=lambda x, a: x * a**0.5), "multiplied x_t by √α_t"),
    ("2.1", by_precision(says=lambda x, a: x), "forgot the root of α_t"),
    ("2.1", by_precision(says=lambda x, a: x / a), "divided x_t by α_t"),
    ("2.1", by_precision(lambda a: 1 / (1 - a)), "is not divided by α_t"),
    ("2.1", lambda x, x0, now, prev: mean_with(right_x_0, right_x_t)(x, x0, prev, now), "have changed places"),
    ("2.1", by_precision(level=lambda now, prev: now), "ᾱ_t for the step's α_t"),
    ("2.1", lambda x, x0, t, s: (s**0.5 * (1 - t) * x0 + t**0.5 * (1 - s) * x) / (1 - t), "in both weights"),
    ("2.1", lambda x, x0, t, s: (s * (1 - t / s) * x0 + t / s * (1 - s) * x) / (1 - t), "both roots"),
    ("2.1", lambda *c: mean_with(right_x_0, right_x_t)(*c) * (1 - c[2]), "did not divide by 1−ᾱ_t"),
    ("2.1", lambda x_t, x_0, now, prev: x_t - x_0, "none of the usual mistakes"),
    ("2.1", lambda *_: ..., "not attempted yet"),
    ("2.2", lambda ab, t: np.concatenate([[1.0], ab])[t - 1], "✓ right"),
    ("2.2", lambda ab, t: ab[t - 2], "noisiest level"),
    ("2.2", lambda ab, t: ab[t - 1], "time t itself"),
    ("2.2", lambda ab, t: ab[max(t - 2, 0)], "never reaches the data"),
    ("2.2", lambda ab, t: 0.0 if t == 1 else ab[t - 2], "no signal is left"),
    ("2.2", lambda ab, t: ab[t], "IndexError"),
    ("2.2", lambda ab, t: 0.5, "none of the usual mistakes"),
    ("2.3", end_std, "✓ right"),
    ("2.3", lambda a, s: end_std(a, s, lambda a, v, s: a * v + s, root=False), "the same z"),
    ("2.3", lambda a, s: end_std(a, s, root=False), "you gave the variance"),
    ("2.3", lambda a, s: np.sqrt(np.sum(s**2)), "left out the slopes"),
    ("2.3", lambda a, s: end_std(a, s, lambda a, v, s: a * v + s**2), "did not square the slopes"),
    ("2.3", lambda a, s: end_std(a, s, lambda a, v, s: a**2 * (v + s**2)), "own step's slope"),
    ("2.3", lambda a, s: end_std(a[::-1], s[::-1]), "from the last step to the first"),
    ("2.3", lambda a, s: a[0], "none of the usual mistakes"),
    ("2.4", chain(), "✓ right"),
    ("2.4", chain(noisy=lambda t, T: t > 0), "still added in the last step"),
    ("2.4", chain(noisy=lambda t, T: False), "in no step"),
    ("2.4", chain(noisy=lambda t, T: t < T), "noise of the first step"),
    ("2.4", chain(noisy=lambda t, T: t > 2), "last two steps"),
    ("2.4", chain(std=lambda beta, now, prev: np.sqrt((1 - prev) / (1 - now) * beta)), "to β̃_t"),
    ("2.4", chain(std=lambda beta, now, prev: beta), "multiplied by the variance"),
    ("2.4", chain(sign=1), "added, not subtracted"),
    ("2.4", chain(eps_at=-1), "at time t−1"),
    ("2.4", chain(alpha_is="bar"), "ᾱ_t stands where α_t belongs"),
    ("2.4", lambda x, z, alpha_bar, var_0: x, "none of the usual mistakes"),
    ("2.5", lambda now, s: np.array(jump()(now, s)), "✓ right"),
    (
        "2.5",
        jump(alpha=lambda now, s: now),
        "ᾱ_t for the signal",
    ),
    ("2.5", jump(std=lambda now, s: (1 - s) / (1 - now) * (1 - now / s)), "third number is a variance"),
    ("2.5", jump(std=lambda now, s: np.sqrt(1 - now / s)), "not the posterior's β̃"),
    ("2.5", jump(of_eps=lambda a, now: (1 - a) / np.sqrt(1 - now)), "not divided by the root"),
    ("2.5", jump(of_eps=lambda a, now: (1 - a) / (1 - now) / np.sqrt(a)), "root of 1 − ᾱ_t"),
    ("2.5", jump(of_x=lambda a: 1 / a, of_eps=lambda a, now: (1 - a) / np.sqrt(1 - now) / a), "root of the jump's α"),
    ("2.5", jump(of_eps=lambda a, now: -(1 - a) / np.sqrt((1 - now) * a)), "counted twice"),
    ("2.5", lambda now, s: np.ones(3), "none of the usual mistakes"),
    ("2.5", lambda now, s: 1.0, "shape"),
]


# --- planted errors ----------------------------------------------------------------------------------------------

X_T, X_0, A, B, E = sp.symbols("x_t x_0 alpha abar_prev epsilon", positive=True)
SOMEWHERE = {
    X_T: 0.7,
    X_0: -1.1,
    A: 0.8,
    B: 0.6,
    E: 0.4,
}  # a wrong formula is refuted sooner by numbers than by letters


def at(expression):
    return float(sp.sympify(expression).subs(SOMEWHERE))


def posterior(x_t, x_0, now, prev):
    alpha = now / prev
    return (prev**0.5 * (1 - alpha) * x_0 + alpha**0.5 * (1 - prev) * x_t) / (1 - now), (1 - prev) / (1 - now) * (
        1 - alpha
    )


def ddpm_mean(x_t, eps_hat, alpha, bar_t):
    return (x_t - (1 - alpha) / (1 - bar_t) ** 0.5 * eps_hat) / alpha**0.5


def test_2_1_without_the_denominator_is_noticed():
    x = np.linspace(-1, 1, 5)
    joint = log_normal(0.4, 0.9**0.5 * x, 0.1) + log_normal(x, 0.8**0.5 * 1.2, 0.2)
    mean, var = posterior(0.4, 1.2, 0.72, 0.8)
    verify("2.1", joint - log_normal(0.4, 0.72**0.5 * 1.2, 0.28), log_normal(x, mean, var))
    with pytest.raises(EquationError):
        verify("2.1", joint, log_normal(x, mean, var))


@pytest.mark.parametrize("wrong", [sp.sqrt(A * B), A, 1], ids=["abar", "no root", "no factor"])
def test_2_2_with_a_wrong_factor_of_x_t_is_noticed(wrong):
    mean, _ = product(X_T / sp.sqrt(A), (1 - A) / A, sp.sqrt(B) * X_0, 1 - B)
    verify("2.2", mean, posterior(X_T, X_0, A * B, B)[0])
    with pytest.raises(EquationError):
        verify("2.2", at(mean), at((sp.sqrt(B) * (1 - A) * X_0 + wrong * (1 - B) * X_T) / (1 - A * B)))


def test_2_2_with_beta_for_the_posterior_variance_is_noticed():
    _, var = product(X_T / sp.sqrt(A), (1 - A) / A, sp.sqrt(B) * X_0, 1 - B)
    with pytest.raises(EquationError):
        verify("2.2", var, 1 - A)


def test_2_3_with_the_sign_of_the_score_exchanged_is_noticed():
    data, x, h = gaussian([1.0], 0.2), np.linspace(-1, 2, 7)[:, None], 1e-4
    slope = (data.log_density(x + h, 0.5) - data.log_density(x - h, 0.5)) / (2 * h)
    verify("2.3", slope, -data.eps(x, 0.5)[:, 0] / np.sqrt(0.5), tol=1e-6)
    with pytest.raises(EquationError):
        verify("2.3", slope, data.eps(x, 0.5)[:, 0] / np.sqrt(0.5), tol=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        (X_T + (1 - A) / sp.sqrt(1 - A * B) * E) / sp.sqrt(A),
        (X_T - (1 - A) / (1 - A * B) * E) / sp.sqrt(A),
        (X_T - sp.sqrt(1 - A) / sp.sqrt(1 - A * B) * E) / sp.sqrt(A),
        (X_T - (1 - A) / sp.sqrt(1 - A * B) * E) / sp.sqrt(A * B),
        (X_T - (1 - A) / sp.sqrt(1 - B) * E) / sp.sqrt(A),
    ],
    ids=["sign", "no root", "root of beta", "abar", "time off by one"],
)
def test_2_4_written_wrong_is_noticed(wrong):
    right, _ = posterior(X_T, ddim.predict_x0(X_T, E, A * B), A * B, B)
    verify("2.4", at(right), at(ddpm_mean(X_T, E, A, A * B)))
    with pytest.raises(EquationError):
        verify("2.4", at(right), at(wrong))


@pytest.mark.parametrize("eta", [0, 0.5, 0.99])
def test_2_5_at_another_eta_is_noticed(eta):
    before, now, x_t, eps_hat = 0.6, 0.48, 0.7, 0.4
    sides = [
        ddim.move(ddim.predict_x0(x_t, eps_hat, now), eps_hat, before, ddim.variance(now, before, e)) for e in (1, eta)
    ]
    verify("2.5", sides[0], ddpm_mean(x_t, eps_hat, now / before, now))
    with pytest.raises(EquationError):
        verify("2.5", sides[1], ddpm_mean(x_t, eps_hat, now / before, now))


def test_2_5_in_letters_at_eta_0_is_noticed():
    p, r = sp.symbols("p r", positive=True)
    before, now = 1 / (1 + p), 1 / (1 + p + r)
    left = ddim.move(ddim.predict_x0(X_T, E, now), E, before)
    with pytest.raises(EquationError):
        verify("2.5", left, ddpm_mean(X_T, E, now / before, now))


@pytest.mark.parametrize("wrong", ["a factor is missing", "a factor twice", "steps from the wrong end"])
def test_2_6_with_wrong_factors_is_noticed(wrong):
    slopes, beta, path = np.array([0.9, 0.7]), np.array([0.3, 0.5]), np.array([0.4, -1.1, 0.6])  # x_0, x_1, x_2
    unmix = np.linalg.inv(np.eye(3) - np.diag(slopes, 1))
    covariance = unmix @ np.diag([*beta, 1]) @ unmix.T
    joint = -(path @ np.linalg.solve(covariance, path) + np.linalg.slogdet(2 * np.pi * covariance)[1]) / 2
    factors = [log_normal(path[2], 0, 1), *log_normal(path[:2], slopes * path[1:], beta)]
    verify("2.6", sum(factors), joint)
    if wrong == "steps from the wrong end":
        factors = [log_normal(path[0], 0, 1), *log_normal(path[1:], slopes * path[:2], beta)]
    factors = factors[1:] if "missing" in wrong else factors + factors[:1] if "twice" in wrong else factors
    with pytest.raises(EquationError, match=r"2\.6"):
        verify("2.6", sum(factors), joint)


def test_2_8_with_one_noise_used_twice_is_noticed():
    z = np.random.default_rng(0).standard_normal(40_000)
    with pytest.raises(EquationError):
        verify_mean("2.8", (0.9 * 0.1 * z + 0.1 * z) ** 2, 0.9**2 * 0.1**2 + 0.1**2)


def test_2_10_with_one_step_on_a_jump_is_noticed():
    t, s = 700, 600
    slope = np.sqrt(ALPHA_BAR[t] / ALPHA_BAR[s]) * (1 - ALPHA_BAR[s]) / (1 - ALPHA_BAR[t])
    exact = 1 - ALPHA_BAR[s] - slope**2 * (1 - ALPHA_BAR[t])
    verify("2.10", posterior(0, 0, ALPHA_BAR[t], ALPHA_BAR[s])[1], exact)
    with pytest.raises(EquationError):
        verify("2.10", posterior(0, 0, ALPHA_BAR[t], ALPHA_BAR[t - 1])[1], exact)


def test_2_11_with_eps_kept_in_place_of_x0_is_noticed():
    now, one, two, x_t, x_0, eps_hat = 0.3, 0.5, 0.8, 0.7, -1.1, 0.4
    kept_x0 = posterior(posterior(x_t, x_0, now, one)[0], x_0, one, two)[0]
    verify("2.11", kept_x0, posterior(x_t, x_0, now, two)[0])
    kept_eps = ddpm_mean(ddpm_mean(x_t, eps_hat, now / one, now), eps_hat, one / two, one)
    with pytest.raises(EquationError):
        verify("2.11", kept_eps, ddpm_mean(x_t, eps_hat, now / two, now))


# --- Gaussian moments --------------------------------------------------------------------------------------------


def test_exact_eps_is_the_oracles():
    x = np.linspace(-3, 3, 13)[:, None]
    np.testing.assert_allclose(exact_eps(x, 1.0, 0.04, 0.37), gaussian([1.0], 0.2).eps(x, 0.37), rtol=1e-12)


def test_affine_moments_of_a_known_line():
    assert affine_moments(lambda x: 3 * x - 2, 4.0, 0.5, 0.25) == pytest.approx((10.0, 4.75))


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_sampler_moments_against_draws(eta):
    rng, tau = np.random.default_rng(7), make_tau(1000, 7)
    x_T = rng.standard_normal((40_000, 1))
    x = ddim.ddim_sample(x_T, gaussian([1.0], 0.5).eps_fn(ALPHA_BAR), ALPHA_BAR, tau, eta, rng)[:, 0]
    *_, (t, mean, var) = sampler_moments(1.0, 0.25, ALPHA_BAR, tau, eta)
    assert t == 0
    verify_mean("the mean", x, mean)
    verify_mean("the variance", (x - mean) ** 2, var)


def test_sampler_moments_of_unit_data_at_equal_angles():
    """DDIM on N(0, 1): each step multiplies by the cosine of its angle, so S equal angles give cos^{2S}(π/2S)."""
    S = 10
    alpha_bar = np.cos(np.linspace(0, np.pi / 2 * 0.999999, S + 1)) ** 2
    *_, (_, mean, var) = sampler_moments(0.0, 1.0, alpha_bar, tuple(range(S, -1, -1)), eta=0)
    assert mean == 0
    assert var == pytest.approx(np.cos(np.pi / 2 / S) ** (2 * S), rel=1e-4)


def test_sampler_moments_broadcast():
    *_, (_, means, variances) = sampler_moments(1.0, np.array([0.04, 1.0]), ALPHA_BAR, make_tau(1000, 10), 1)
    assert means == pytest.approx([1, 1], abs=1e-3)
    assert variances == pytest.approx([0.008735, 0.548329], rel=1e-3)


# --- explorers ---------------------------------------------------------------------------------------------------


def test_three_gaussians_by_quadrature():
    three = pictures.three_gaussians(-0.8, 1.5, pictures.COARSE, 5)
    x = np.linspace(-8, 8, 4001)
    alpha = pictures.COARSE[5] / pictures.COARSE[4]
    density = np.exp(log_normal(-0.8, alpha**0.5 * x, 1 - alpha) + log_normal(x, *three.prior))
    density /= density.sum()
    mean = np.sum(x * density)
    assert three.posterior == pytest.approx((mean, np.sum((x - mean) ** 2 * density)), rel=1e-6)
    assert three.weight * three.likelihood[0] + (1 - three.weight) * three.prior[0] == pytest.approx(mean)


def test_three_gaussians_need_a_step_above_the_data():
    with pytest.raises(ValueError, match="t is 1"):
        pictures.three_gaussians(0.0, 0.0, pictures.COARSE, 1)


@pytest.mark.parametrize(("larger", "expected"), [(False, 0.948), (True, 0.946)])
def test_the_reused_formula_leaves_the_noise_where_it_was(larger, expected):
    *_, (_, mean, var) = pictures.one_step_reused(1.0, 0.04, ALPHA_BAR, make_tau(1000, 10), larger)
    assert var == pytest.approx(expected, abs=5e-4)
    assert mean == pytest.approx(0.040, abs=5e-4)


def test_the_reused_formula_by_hand_in_two_steps():
    """Slope (1 − β/v_t)/√(1−β) and variance β̃, written out for tau = (1000, 500, 0) and data N(0, 0.04)."""
    beta = np.concatenate([[0], np.linspace(1e-4, 0.02, 1000)])
    var = 1.0
    for t in (1000, 500):
        v_t = ALPHA_BAR[t] * 0.04 + 1 - ALPHA_BAR[t]
        slope = (1 - beta[t] / v_t) / np.sqrt(1 - beta[t])
        var = slope**2 * var + (1 - ALPHA_BAR[t - 1]) / (1 - ALPHA_BAR[t]) * beta[t]
    *_, (_, mean, found) = pictures.one_step_reused(0.0, 0.04, ALPHA_BAR, (1000, 500, 0))
    assert (mean, found) == pytest.approx((0, var))


def test_both_skips_agree_when_nothing_is_skipped():
    for var_0 in pictures.DATA_VARIANCES:
        reused, respaced = (pictures.output_curve(skip, var_0)[-1] for skip in pictures.SKIPS)
        assert reused == pytest.approx(respaced, rel=1e-9)


@pytest.mark.parametrize(
    ("make", "changes"),
    [
        (pictures.moving_posterior, {"t": 2, "x_t": 1.0, "x_0": -1.0}),
        (pictures.two_skips, {"S": 100, "var_0": 1.0}),
    ],
)
def test_live_figures_follow_every_control(make, changes):
    live = make()
    first = live.image.value
    for name, value in changes.items():
        before, words = live.image.value, live.words
        live.controls[name].value = value
        assert live.image.value != before
        assert live.words != words
    live.reset()
    assert live.image.value == first


def test_the_live_captions_tell_the_numbers():
    live = pictures.two_skips()
    assert "variance 0.95" in live.words
    assert "variance 0.0087" in live.words
    live.controls["var_0"].value = 1.0
    assert "variance 1" in live.words
