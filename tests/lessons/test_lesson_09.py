"""Lesson 09: the exercises name mistakes, wrong equations are caught, solvers have their order, the pictures follow."""

from functools import partial

import numpy as np
import pytest
import sympy as sp
import torch

from ddim_lessons import ddim, solvers
from ddim_lessons.ddim import ddim_sample, ddim_states, invert_path
from ddim_lessons.gaussians import exact_eps
from ddim_lessons.lessons.lesson_09 import pictures
from ddim_lessons.lessons.lesson_09.exercises import noise
from ddim_lessons.metrics import TOO_LARGE
from ddim_lessons.oracle import GaussianMixture, gaussian
from ddim_lessons.schedules import alpha_bar_schedule, make_tau
from ddim_lessons.solvers import (
    cdf,
    gaussian_flow,
    half_log_snr,
    invert,
    multistep_path,
    multistep_sample,
    quantile_map,
    sigma_bar,
    slerp,
    smooth_alpha_bar,
)
from ddim_lessons.teaching.checks import EquationError, verify, verify_mean
from ddim_lessons.toy_data import data_set, three_peaks, two_peaks

ALPHA_BAR = alpha_bar_schedule("linear", 1000)
A, B = np.array([0.6, -1.2, 0.4, 2.0]), np.array([1.5, 0.3, -0.8, 0.1])
MOONS = data_set("moons").eps_fn(ALPHA_BAR)
X_T = np.random.default_rng(0).standard_normal((60, 2))


pytestmark = pytest.mark.usefixtures("one_thread")


# --- exercises ---------------------------------------------------------------------------------------------------


def up(x, eps, level, alpha_bar_t):
    """x̂_0 read at ``level``, noised to ᾱ_t."""
    return alpha_bar_t**0.5 * (x - (1 - level) ** 0.5 * eps) / level**0.5 + (1 - alpha_bar_t) ** 0.5 * eps


ANSWERS = [
    ("9.1", lambda x, e, t, s: x / t**0.5 + (noise(s) - noise(t)) * e, "stopped at x̄_s"),
    ("9.1", lambda x, e, t, s: s**0.5 * (x / t**0.5 - (noise(s) - noise(t)) * e), "wrong sign"),
    ("9.1", lambda x, e, t, s: s**0.5 * (x + (noise(s) - noise(t)) * e), "not divided by its signal"),
    ("9.1", lambda x, e, t, s: s**0.5 * (x / t**0.5 + ((1 - s) ** 0.5 - (1 - t) ** 0.5) * e), "time by √(1−ᾱ)"),
    ("9.1", lambda x, e, t, s: s**0.5 * (x / t**0.5 + (1 / s - 1 / t) * e), "lost its root"),
    ("9.1", lambda x, e, t, s: x + t**0.5 * (noise(s) - noise(t)) * e, "last factor is √ᾱ_t"),
    ("9.1", lambda x, e, t, s: s * (x / t**0.5 + (noise(s) - noise(t)) * e), "last factor is ᾱ_s"),
    ("9.1", lambda x, e, t, s: s**0.5 * (x / t + (noise(s) - noise(t)) * e), "divided by ᾱ_t, without"),
    ("9.1", lambda x, e, t, s: s**0.5 * (x / s**0.5 + (noise(s) - noise(t)) * e), "divided by √ᾱ_s"),
    ("9.1", lambda x, e, t, s: s**0.5 * (x / t**0.5 + noise(s) * e), "σ̃_s for the step"),
    ("9.1", lambda x, e, t, s: x, "none of the usual mistakes"),
    ("9.2", lambda e, old, h, g: e + h / g * (e - old), "end of the step"),
    ("9.2", lambda e, old, h, g: (3 * e - old) / 2, "equal steps only"),
    ("9.2", lambda e, old, h, g: e - h / (2 * g) * (e - old), "wrong way"),
    ("9.2", lambda e, old, h, g: e + g / (2 * h) * (e - old), "changed places"),
    ("9.2", lambda e, old, h, g: (e + old) / 2, "mean of the two slopes"),
    ("9.2", lambda e, old, h, g: e, "none of the usual mistakes"),
    *[("9.3", f"line {k}", "is not it") for k in (1, 2, 3, 5)],
    ("9.3", "line 6", "answer with one of line 1, line 2"),
]


def test_the_loop_of_exercise_3_returns_the_picture_itself():
    x = np.array([[0.3, -0.8]])
    for s, t in ((0, 100), (100, 600), (600, 1000)):
        x = up(x, MOONS(x, s), ALPHA_BAR[t], ALPHA_BAR[t])
    assert np.allclose(x, [[0.3, -0.8]])


# --- planted errors ----------------------------------------------------------------------------------------------

X, EPS, M, END = sp.symbols("x epsilon m xbar_T", real=True)
A_T, A_S, VAR, NOISE, NOISE_T = sp.symbols("a_t a_s v sigma sigma_T", positive=True)
STEP = ddim.move(ddim.predict_x0(X, EPS, A_T), EPS, A_S) / sp.sqrt(A_S)


def wrong_curve(power):
    """(9.2) with a wrong power of the hyperbola (right: 1/2)."""
    curve = M + (END - M) * ((VAR + NOISE**2) / (VAR + NOISE_T**2)) ** sp.Rational(*power)
    level = 1 / (1 + NOISE**2)
    verify("9.2", sp.diff(curve, NOISE), exact_eps(sp.sqrt(level) * curve, M, VAR, level))


def wrong_line(factor):
    """(9.6) with a wrong share of the way (right: 1/2)."""
    z, p, q, t_old, t, t_next = sp.symbols("z p q t_old t t_next", real=True)
    h, h_old = t_next - t, t - t_old
    guess = h * (p + q * t) + factor * h**2 / h_old * q * (t - t_old)
    verify("9.6", sp.integrate(p + q * z, (z, t, t_next)), sp.expand(guess))


def wrong_guess(shift):
    """(9.7) with 1 − e^{−h} shifted (right: by 0)."""
    ratio = sp.sqrt(1 - A_S) / sp.sqrt(A_S) / (sp.sqrt(1 - A_T) / sp.sqrt(A_T))
    left = sp.sqrt(1 - A_S) / sp.sqrt(1 - A_T) * X + sp.sqrt(A_S) * (1 + shift - ratio) * EPS
    verify("9.7", left, ddim.move(EPS, ddim.predict_eps(X, EPS, A_T), A_S))


def quantiles(level):
    """(9.8) with F_T taken at another noise level (right: that of T)."""
    x_T = np.random.default_rng(1).standard_normal((50, 1))
    data, tau = three_peaks(), make_tau(1000, 500, "quadratic")
    x_0 = multistep_sample(x_T, data.eps_fn(ALPHA_BAR), ALPHA_BAR, tau, "eps")
    verify("9.8", cdf(data, x_0), cdf(data, x_T, ALPHA_BAR[level]), tol=1e-3)


def mixture_variance(power):
    """(9.3) with a wrong power of the weights (right: 2)."""
    a, b = np.random.default_rng(2).standard_normal((2, 20_000, 8))
    verify_mean("9.3", ((0.3 * a + 0.7 * b) ** 2).mean(axis=1), 0.3**power + 0.7**power)


def length(mix):
    """(9.4): the length of a point on the way from a to b of equal length."""
    b = B * np.linalg.norm(A) / np.linalg.norm(B)
    verify("9.4", np.linalg.norm(mix(A[None], b[None], 0.4)), np.linalg.norm(A))


def step_up(at_t):
    """(9.9) with the noise asked for at the start of the step instead of its end (right: at its end)."""
    x_s = np.random.default_rng(3).standard_normal((20, 2))
    x_t = invert(x_s, MOONS, ALPHA_BAR, (420, 400), 40 if at_t else 1)
    verify("9.9", ddim.ddim_step(x_t, MOONS(x_t, 420), ALPHA_BAR, 420, 400), x_s, tol=1e-9)


def kept(eta, root):
    """(9.10) for η, with the answer of η = 0 (``root`` true) or of η = 1."""
    a_T, factor = ALPHA_BAR[-1], 1.0
    for t in range(1000, 0, -1):
        a, b, _ = ddim.affine_step(*ALPHA_BAR[[t, t - 1]], ddim.variance(*ALPHA_BAR[[t, t - 1]], eta))
        factor *= a + b * exact_eps(1.0, 0.0, 0.25, ALPHA_BAR[t])
    total = 0.25 * a_T + 1 - a_T
    verify("9.10", 1000 * factor, 1000 * (0.5 / total**0.5 if root else a_T**0.5 * 0.25 / total), tol=0.01)


PLANTED = {
    "9.1 a sign": lambda: verify("9.1", STEP, X / sp.sqrt(A_T) - (noise(A_S) - noise(A_T)) * EPS),
    "9.1 a root": lambda: verify("9.1", STEP, X / sp.sqrt(A_T) + (noise(A_S) ** 2 - noise(A_T) ** 2) * EPS),
    "9.2 no root": lambda: wrong_curve((1, 1)),
    "9.6 the end of the step": lambda: wrong_line(1),
    "9.6 Euler": lambda: wrong_line(0),
    "9.7 e^{−h} alone": lambda: wrong_guess(-1),
    "9.8 another time": lambda: quantiles(500),
    "9.3 no square": lambda: mixture_variance(1),
    "9.4 linear": lambda: length(lambda a, b, w: (1 - w) * a + w * b),
    "9.5 the level of t": lambda: verify("9.5", up(X, EPS, A_S, A_T), up(X, EPS, A_T, A_T)),
    "9.9 one round": lambda: step_up(False),
    "9.10 η = 0 has no root": lambda: kept(0.0, False),
    "9.10 η = 1 has a root": lambda: kept(1.0, True),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_error_is_caught(name):
    with pytest.raises(EquationError):
        PLANTED[name]()


def test_the_right_equations_pass():
    verify("9.1", STEP, X / sp.sqrt(A_T) + (noise(A_S) - noise(A_T)) * EPS)
    wrong_curve((1, 2))
    wrong_line(sp.Rational(1, 2))
    wrong_guess(0)
    quantiles(1000)
    mixture_variance(2)
    length(slerp)
    step_up(True)
    kept(0.0, True)
    kept(1.0, False)


# --- solvers -----------------------------------------------------------------------------------------------------


def slope(sample, data, truth, power=2, counts=(80, 160, 320)):
    """Slope of log error over log S on the smooth grid."""
    x_T, errors = np.random.default_rng(1).standard_normal((200, 1)), []
    for S in counts:
        alpha_bar = smooth_alpha_bar(S, power)
        end = sample(x_T, data.eps_fn(alpha_bar), alpha_bar, range(S, -1, -1))
        errors.append(np.abs(end - truth(x_T, alpha_bar[-1])).mean())
    return np.polyfit(np.log(counts), np.log(errors), 1)[0]


CASES = {
    "one Gaussian": (gaussian([0.5], 0.5), lambda x_T, ab: gaussian_flow(x_T, 0.5, 0.25, ab)),
    "two peaks": (two_peaks(), lambda x_T, ab: quantile_map(two_peaks(), x_T, ab)),
}


@pytest.mark.parametrize("case", CASES)
def test_orders(case):
    assert abs(slope(ddim_sample, *CASES[case]) + 1) < 0.05
    for guess in ("eps", "x0"):
        assert abs(slope(lambda *a, guess=guess: multistep_sample(*a, guess), *CASES[case]) + 2) < 0.15, guess


def test_multistep_is_ddim_on_the_first_step_and_moments_are_those_of_the_path():
    moments = list(multistep_path(X_T, MOONS, ALPHA_BAR, (1000, 400, 0)))
    states = list(ddim_states(X_T, MOONS, ALPHA_BAR, (1000, 400, 0)))
    assert [m.t for m in moments] == [1000, 400, 0] and np.allclose(moments[1].x, states[1])
    assert np.allclose(moments[0].x0_hat, ddim.predict_x0(X_T, MOONS(X_T, 1000), ALPHA_BAR[1000]))
    # the last jump to 0 of x0 is DDIM's own; that of eps is not
    assert np.allclose(moments[2].x, states[2])
    assert not np.allclose(multistep_sample(X_T, MOONS, ALPHA_BAR, (1000, 400, 0), "eps"), states[2])


@pytest.mark.parametrize("guess", ["eps", "x0"])
def test_multistep_beats_ddim_at_equal_calls_and_calls_once_a_step(guess):
    calls, tau = [], make_tau(1000, 20, "quadratic")
    end = multistep_sample(X_T, lambda x, t: calls.append(t) or MOONS(x, t), ALPHA_BAR, tau, guess)
    assert calls == list(tau[:-1])
    truth = multistep_sample(X_T, MOONS, ALPHA_BAR, make_tau(1000, 1000), "eps")
    ours, ddims = (pictures.mean_distance(e, truth) for e in (end, ddim_sample(X_T, MOONS, ALPHA_BAR, tau)))
    assert ours < ddims / (1.5 if guess == "eps" else 8)


def test_solvers_run_on_torch():
    x_T, tau = torch.tensor(X_T), make_tau(1000, 10)
    torch_eps = lambda x, t: torch.tensor(MOONS(x.numpy(), t))  # noqa: E731
    for guess in ("eps", "x0"):
        end = multistep_sample(x_T, torch_eps, ALPHA_BAR, tau, guess)
        assert np.allclose(end.numpy(), multistep_sample(X_T, MOONS, ALPHA_BAR, tau, guess))
    code = invert(x_T, torch_eps, ALPHA_BAR, tau, 2)
    assert np.allclose(code.numpy(), invert(X_T, MOONS, ALPHA_BAR, tau, 2))


def test_inversion_by_rounds():
    tau = make_tau(1000, 100, "quadratic")
    assert np.allclose(invert(X_T, MOONS, ALPHA_BAR, tau), list(invert_path(X_T, MOONS, ALPHA_BAR, tau))[-1].x)
    x_0 = data_set("moons").sample(60, np.random.default_rng(1))
    back = {k: ddim_sample(invert(x_0, MOONS, ALPHA_BAR, tau, k), MOONS, ALPHA_BAR, tau) for k in (0, 1, 5, 30)}
    errors = [pictures.mean_distance(end, x_0) for end in back.values()]
    assert errors == sorted(errors, reverse=True) and errors[-1] < 1e-8


@pytest.mark.parametrize(
    ("S", "rounds", "refused"),
    [
        *((S, rounds, None) for S in (5, 20) for rounds in (0, 1)),  # approximations for any step
        *((S, 5, None) for S in (5, 10)),  # x moves still, and is no wider than noise
        *((S, 40, "further and further") for S in (5, 10)),
        *((20, rounds, "times as wide") for rounds in (5, 10, 40)),  # at 40 they are at rest, where no latent is
        (30, 5, None),
    ],
)
def test_rounds_that_lead_nowhere_are_refused(S, rounds, refused):
    x_0, tau = pictures.load_digits()[0][30:31], make_tau(1000, S, "quadratic")
    encode = partial(invert, x_0, pictures.digits_eps(), ALPHA_BAR, tau, rounds)
    if refused:
        with pytest.raises(ValueError, match=f"rounds is {rounds}, .*{refused}.*a contraction.*take more steps"):
            encode()
    else:
        assert encode().std() < 1.8


def test_latents_as_wide_as_far_data_are_not_refused():
    data, alpha_bar = gaussian([0.0], 0.1), smooth_alpha_bar(200)
    far = np.array([[3.0]])  # 30 standard deviations out, and so is its latent
    code = invert(far, data.eps_fn(alpha_bar), alpha_bar, range(200, -1, -1), 10)
    assert code[0, 0] == pytest.approx(30, rel=0.05)


def test_gaussian_flow_is_what_the_solver_finds_and_keeps_the_law():
    data = gaussian([0.5], 0.5)
    alpha_bar = smooth_alpha_bar(2000)
    x_T = np.array([[-1.0], [0.0], [2.0]])
    end = multistep_sample(x_T, data.eps_fn(alpha_bar), alpha_bar, range(2000, -1, -1), "eps")
    assert np.allclose(end, gaussian_flow(x_T, 0.5, 0.25, alpha_bar[-1]), atol=1e-5)
    assert np.allclose(gaussian_flow(x_T, 0.5, 0.25, 0.3, 0.3), x_T)
    assert np.allclose(quantile_map(data, x_T, 0.1), gaussian_flow(x_T, 0.5, 0.25, 0.1))


def test_cdf_and_quantile_map():
    data = GaussianMixture([[-1.0], [2.0]], [0.5, 0.1], [0.3, 0.7])
    draws = data.sample(100_000, np.random.default_rng(0))
    for point in (-1.0, 0.5, 2.0):
        assert cdf(data, np.array([[point]]))[0, 0] == pytest.approx(np.mean(draws <= point), abs=0.006)
    x_T = np.linspace(-3, 3, 41)[:, None]
    mapped = quantile_map(data, x_T, 0.01)
    assert (np.diff(mapped[:, 0]) > 0).all() and np.allclose(cdf(data, mapped), cdf(data, x_T, 0.01))


def test_smooth_schedule_and_clocks():
    alpha_bar = smooth_alpha_bar(50)
    assert len(alpha_bar) == 51 and alpha_bar[0] == 1 and (np.diff(alpha_bar) < 0).all()
    assert sigma_bar(alpha_bar[-1]) == pytest.approx(sigma_bar(ALPHA_BAR[-1]), rel=0.05)
    assert sigma_bar(1.0) == 0 and half_log_snr(1.0) == float("inf")
    assert half_log_snr(0.3) == pytest.approx(-np.log(sigma_bar(0.3)))


def test_slerp_meets_its_ends_and_keeps_the_length():
    a, b = np.random.default_rng(0).standard_normal((2, 5, 64))
    assert np.allclose(slerp(a, b, 0), a) and np.allclose(slerp(a, b, 1), b)
    assert np.allclose(slerp(np.array([[1.0, 0]]), np.array([[0, 1.0]]), 0.5), [[0.5**0.5, 0.5**0.5]])


BAD = {
    "guess": lambda: multistep_sample(X_T, MOONS, ALPHA_BAR, (1000, 0), "v"),
    "tau": lambda: multistep_sample(X_T, MOONS, ALPHA_BAR, (0, 1000)),
    "eps_hat": lambda: multistep_sample(X_T, lambda x, t: x[:3], ALPHA_BAR, (1000, 0)),
    "rounds": lambda: invert(X_T, MOONS, ALPHA_BAR, (1000, 0), -1),
    "eps_hat at t = 0 contains NaN": lambda: invert(X_T, lambda x, t: x * np.nan, ALPHA_BAR, (1000, 0)),
    "dimension": lambda: cdf(data_set("moons"), X_T),
    "angle": lambda: slerp(X_T, 2 * X_T, 0.5),
    "w is": lambda: slerp(X_T, -X_T[::-1], 1.5),
    "S is": lambda: smooth_alpha_bar(0),
    "denoiser": lambda: pictures.digits_eps("best"),
    "label is 3": lambda: pictures.digits_eps("trained", 3),
}


@pytest.mark.parametrize("fragment", BAD)
def test_bad_input_gets_a_sentence(fragment):
    with pytest.raises(ValueError, match=fragment):
        BAD[fragment]()


# --- what was recorded, a slice of it again ------------------------------------------------------------------------


def test_recorded_reconstruction_is_what_the_network_does():
    recorded = pictures.recorded()["reconstruction"]["trained"]
    x, _ = pictures.load_digits()
    x_0 = x[np.random.default_rng(1).choice(len(x), 100, replace=False)]
    for rounds in (0, 1):
        tau = make_tau(1000, 20, "quadratic")
        code = invert(x_0, pictures.digits_eps(), ALPHA_BAR, tau, rounds)
        error = pictures.pixel_error(ddim_sample(code, pictures.digits_eps(), ALPHA_BAR, tau), x_0)
        assert error == pytest.approx(recorded[str(rounds)]["20"]["error"], rel=0.02)


def test_recorded_tables_have_all_steps_of_table_2():
    for found in pictures.recorded()["reconstruction"].values():
        assert all(set(map(int, row)) == set(pictures.TABLE_2) for row in found.values())


# --- pictures ----------------------------------------------------------------------------------------------------


def test_ddim_lands_on_one_point_near_its_limit_and_ddpm_on_many():
    found = pictures.landing(0.6, 1.2, 100, "moons", "exact")
    assert np.linalg.norm(found.path[-1] - found.limit) < 0.05 and found.cloud.std(axis=0).min() > 0.3
    assert np.array_equal(found.path[0], [0.6, 1.2]) and found.path.shape == (101, 2)


def test_in_the_middle_of_the_ring_there_is_no_limit():
    live = pictures.drag_x_T()
    live.show(live.start | {"first": 0.0, "second": 0.0, "data": "ring"})
    assert "lands at (0.00, 0.00), on a border" in live.words and "from where it lands" not in live.words
    assert not pictures.landing(0.1, 0.0, 20, "ring", "exact").on_border


def test_the_words_name_the_seeds_that_are_drawn():
    live = pictures.interpolate_digits()
    live.show(live.start | {"seed_a": 4})
    assert "From seed 4 to seed 14," in live.words
    assert np.allclose(pictures.between(4, 4, "slerp", 10, "trained")[0][-1:], pictures.latent(14))


def test_linear_paths_are_short_in_the_middle_and_both_share_their_ends():
    arc_x, arc_drawn = pictures.between(2, 4, "slerp", 5, "trained")
    line_x, line_drawn = pictures.between(2, 4, "linear", 5, "trained")
    assert np.linalg.norm(line_x[5]) < 0.8 * np.linalg.norm(arc_x[5])
    assert np.allclose(arc_drawn[[0, -1]], line_drawn[[0, -1]], atol=1e-4)


def test_an_edit_of_no_strength_changes_nothing_and_a_full_one_changes_the_class():
    nothing = pictures.edit_digit(pictures.EDITS[0], 4, 9, 20, 0.0)
    assert np.array_equal(nothing.original, nothing.edited)
    full = pictures.edit_digit(pictures.EDITS[0], 4, 9, 20, 1.0)
    assert pictures.class_shares(full.edited[None])[0].argmax() == 9
    assert pictures.pixel_error(full.back, full.original) < 1e-3
    mixed = pictures.edit_digit(pictures.EDITS[1], 4, 9, 50, 0.0)
    assert np.allclose(mixed.back, mixed.edited) and pictures.pixel_error(mixed.back, mixed.original) < 1e-2


# --- defaults and edges of the solvers


def test_defaults_and_edges_of_the_solvers():
    np.testing.assert_array_equal(solvers.smooth_alpha_bar(4), solvers.smooth_alpha_bar(4, 2))
    np.testing.assert_allclose(solvers.smooth_alpha_bar(2, 1), np.exp([0, -0.05 - 19.9 / 8, -0.1 - 19.9 / 2]))
    assert solvers.smooth_alpha_bar(1, 1).shape == (2,)
    mixture = GaussianMixture([[0.0]], 1.0)
    assert solvers.cdf(mixture, np.zeros((1, 1))) == solvers.cdf(mixture, np.zeros((1, 1)), 1.0) == 0.5
    with pytest.raises(ValueError, match="alpha_bar_t is 1.5"):
        solvers.cdf(mixture, np.zeros((1, 1)), 1.5)
    with pytest.raises(ValueError, match="shortest length of a row is 0.0"):
        solvers.slerp(np.zeros((1, 2)), np.ones((1, 2)), 0.5)
    with pytest.raises(ValueError, match="largest value of a and b"):
        solvers.slerp(np.full((1, 2), TOO_LARGE), np.ones((1, 2)), 0.5)
    same = np.random.default_rng(25).standard_normal((1, 3))  # its cosine with itself rounds to above 1
    assert (same * same).sum() > np.linalg.norm(same) ** 2
    with pytest.raises(ValueError, match="the angle between a and b is 0.0"):
        solvers.slerp(same, same, 0.5)
    with pytest.raises(ValueError, match="the angle between a and b is 3.14"):
        solvers.slerp(same, -same, 0.5)
    with pytest.raises(ValueError, match="rounds is 1001"):
        solvers.invert(np.zeros((1, 1)), lambda x, t: x, np.array([1.0, 0.5]), (1, 0), rounds=1001)


# --- still pictures ------------------------------------------------------------------------------------------------


def test_the_still_pictures_tell_what_they_show(monkeypatch):
    shown = []
    monkeypatch.setattr(pictures, "show", lambda figure, caption: shown.append(caption))
    heights, errors = pictures.euler_pieces()
    assert round(heights[0]) == 152 and round(heights[0] - heights[1]) == 129 and errors[0] == 0
    apart = pictures.same_start()
    assert apart[3] == 0 < apart[2] < apart[1] < apart[0] < min(apart[4:])
    errors = pictures.round_trip()
    assert errors[100] < errors[20] < errors[10] < 0.05
    pictures.half_way()
    pictures.equal_calls((10, 20), {("DDIM", "exact"): [0.2, 0.1], ("DDIM", "trained"): [0.2, 0.1]})
    assert len(shown) == 5 and len(set(shown)) == 5


def test_the_best_pairing_is_bounded_from_below():
    x = np.random.default_rng(0).standard_normal((60, 2))
    assert 0 <= pictures.best_pairing_saves(x, x + 1) < 0.05  # a shift is optimal
    assert pictures.best_pairing_saves(x, x[::-1] * 1.0) > 0.9  # all could have stayed where they were
