"""Lesson 11: exercises name mistakes, equations can fail, and clocks, guidance and couplings do what it says."""

import json
import re
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
import torch

from ddim_lessons import data_set, ddim, ddim_sample, make_tau
from ddim_lessons.files import ROOT
from ddim_lessons.gaussians import exact_eps
from ddim_lessons.learning.networks import PointMLP
from ddim_lessons.lessons.lesson_11 import beside, clocks, coupled, guidance, paired, pictures
from ddim_lessons.lessons.lesson_11.exercises import EXERCISES
from ddim_lessons.oracle import GaussianMixture, gaussian
from ddim_lessons.solvers import gaussian_flow, smooth_alpha_bar
from ddim_lessons.teaching.checks import EquationError, verify, verify_mean
from ddim_lessons.teaching.exercises import judge

ALPHA_BAR = guidance.ALPHA_BAR
MOONS = data_set("moons")
REFERENCE = json.loads((ROOT / "tests/lessons/reference_flow.json").read_text(encoding="utf-8"))


def noise(ab):
    return ((1 - ab) / ab) ** 0.5


def total(ab):
    return ab**0.5 + (1 - ab) ** 0.5


def x0_of(x, e, ab):
    return (x - (1 - ab) ** 0.5 * e) / ab**0.5


# --- exercises -----------------------------------------------------------------------------------------------------

ANSWERS = [
    ("11.1", lambda x, ab: (1 - ab, x / (ab + 1 - ab)), "forgot the roots"),
    ("11.1", lambda x, ab: (noise(ab), x / total(ab)), "σ̃ itself"),
    ("11.1", lambda x, ab: (ab**0.5 / total(ab), x / total(ab)), "1 at the data"),
    ("11.1", lambda x, ab: (noise(ab) / (1 + noise(ab)), x / ab**0.5), "its signal alone"),
    ("11.1", lambda x, ab: (noise(ab) / (1 + noise(ab)), x), "was not divided"),
    ("11.1", lambda x, ab: ((1 - ab) ** 0.5, x / total(ab)), "u is √(1−ᾱ)"),
    ("11.1", lambda x, ab: (x / total(ab), (1 - ab) ** 0.5 / total(ab)), "turned round"),
    ("11.1", lambda x, ab: (0.5, x), "none of the usual mistakes"),
    *[("11.2", letter, "is not it") for letter in "ACD"],
    ("11.2", "E", "answer with one of"),
    ("11.3", lambda x, e, ab: x0_of(x, e, ab) - e, "sign is turned round"),
    ("11.3", lambda x, e, ab: ab**0.5 * e - (1 - ab) ** 0.5 * x0_of(x, e, ab), "the other v"),
    ("11.3", lambda x, e, ab: e - x, "x_t is no x̂_0"),
    ("11.3", lambda x, e, ab: e - x + (1 - ab) ** 0.5 * e, "not divided by √ᾱ"),
    ("11.3", lambda x, e, ab: (e - x) * (1 + noise(ab)), "took x_t for x_u"),
    ("11.3", lambda x, e, ab: e - (x - (1 - ab) * e) / ab, "forgot the roots"),
    ("11.3", lambda x, e, ab: e + x, "none of the usual mistakes"),
    ("11.4", lambda t, s, up: up**2 / s**2 / (1 - s**2 / t**2), "this is η²"),
    ("11.4", lambda t, s, up: s * (1 - s**2 / t**2) ** 0.5 / up, "upside down"),
    ("11.4", lambda t, s, up: up / s, "√ of the share"),
    ("11.4", lambda t, s, up: up / s / (1 - s**2 / t**2), "forgot the root"),
    ("11.4", lambda t, s, up: up / t / (1 - s**2 / t**2) ** 0.5, "what is left at t"),
    ("11.4", lambda t, s, up: 1.0, "none of the usual mistakes"),
    ("11.5", lambda v_c, v, w: (v_c**w * v ** (1 - w)) ** 2, "pull was doubled"),
    ("11.5", lambda c, u, w: 1 / (w / c + (1 - w) / u), "tilted law's variance"),
    ("11.5", lambda c, u, w: w * c + (1 - w) * u, "a mean of variances"),
    ("11.5", lambda c, u, w: u * (u / c) ** (w - 1), "changed places"),
    ("11.5", lambda c, u, w: c**w * u ** (w - 1), "lost its sign"),
    ("11.5", lambda c, u, w: np.sqrt(c * (c / u) ** (w - 1)), "standard deviation"),
    ("11.5", lambda c, u, w: c, "none of the usual mistakes"),
    ("11.6", lambda x, ab, m, v: m + (x / ab**0.5 - m) / (v + (1 - ab) / ab) ** 0.5, "√v was forgotten"),
    ("11.6", lambda x, ab, m, v: x0_of(x, exact_eps(x, m, v, ab), ab), "x̂_0, the mean"),
    ("11.6", lambda x, ab, m, v: m + (x / ab**0.5 - m) * v / (v + noise(ab) ** 2), "forget a root"),
    ("11.6", lambda x, ab, m, v: m + (x / ab**0.5 - m) * (1 + noise(ab) ** 2 / v) ** 0.5, "upside down"),
    ("11.6", lambda x, ab, m, v: m + (x - m) / (1 + noise(ab) ** 2 / v) ** 0.5, "not divided by √ᾱ"),
    ("11.6", lambda x, ab, m, v: x / ab**0.5 / (1 + noise(ab) ** 2 / v) ** 0.5, "mean was forgotten"),
    ("11.6", lambda x, ab, m, v: x, "none of the usual mistakes"),
]


def test_right_answers_by_another_road():
    answers = {
        "11.1": lambda x, ab: np.array([(1 - ab) ** 0.5, x]) / total(ab),
        "11.2": "b",
        "11.3": lambda x, e, ab: (e * total(ab) - x) / ab**0.5,
        "11.4": lambda t, s, up: (up**2 / s**2 / (1 - s**2 / t**2)) ** 0.5,
        "11.5": lambda c, u, w: c * (c / u) ** (w - 1),
        "11.6": lambda x, ab, m, v: m + v**0.5 * (x - ab**0.5 * m) / (ab * v + 1 - ab) ** 0.5,
    }
    for number, answer in answers.items():
        assert judge(EXERCISES[number], answer) == ("right", "✓ right")


def test_the_four_euler_steps_of_exercise_2():
    """A DDIM step over a long jump against one step of each of the four, in its own coordinates."""
    t, s, x, e = 700, 200, 0.9, -0.6
    x0, a_t, a_s = x0_of(x, e, ALPHA_BAR[t]), ALPHA_BAR[t], ALPHA_BAR[s]
    u_t, u_s, w_t, w_s = (f(noise(a)) for f in (lambda n: n / (1 + n), np.arctan) for a in (a_t, a_s))
    falls = (ALPHA_BAR[t + 1] ** 0.5 - ALPHA_BAR[t - 1] ** 0.5) / 2
    rises = ((1 - ALPHA_BAR[t + 1]) ** 0.5 - (1 - ALPHA_BAR[t - 1]) ** 0.5) / 2
    ends = {
        "A": x + (s - t) * (falls * x0 + rises * e),
        "B": (x / total(a_t) + (u_s - u_t) * (e - x0)) * total(a_s),
        "C": x + (w_s - w_t) * (np.cos(w_t) * e - np.sin(w_t) * x0),
        "D": (x / a_t**0.5 + np.log(noise(a_s) / noise(a_t)) * noise(a_t) * e) * a_s**0.5,
    }
    off = {name: abs(end - ddim.move(x0, e, a_s)) for name, end in ends.items()}
    assert off.pop("B") < 1e-12 and min(off.values()) > 0.05


# --- planted errors ------------------------------------------------------------------------------------------------

A, B, X, X0, EPS = sp.symbols("a b x x_0 epsilon", positive=True)  # √ᾱ, √(1−ᾱ)
RNG = np.random.default_rng(0)


def flow(velocity):
    """(11.2) on the moons in three steps, with a velocity made of x̂_0 and ε̂."""
    tau = make_tau(1000, 3)
    u, x = noise(ALPHA_BAR) / (1 + noise(ALPHA_BAR)), RNG.standard_normal((50, 2))
    y = x / total(ALPHA_BAR[1000])
    for t, s in pairwise(tau):
        e = MOONS.eps(y * total(ALPHA_BAR[t]), ALPHA_BAR[t])
        y = y + (u[s] - u[t]) * velocity(e, x0_of(y * total(ALPHA_BAR[t]), e, ALPHA_BAR[t]))
    verify("11.2", y, ddim_sample(x, MOONS.eps_fn(ALPHA_BAR), ALPHA_BAR, tau), tol=1e-10)


def on_clock(name):
    """(11.3): Euler on a clock against DDIM, a whole path."""
    ab, clock = smooth_alpha_bar(6), clocks.CLOCKS[name]
    x = RNG.standard_normal((20, 1))
    end = clocks.euler_path(clock, x, gaussian([0.5], 0.5).eps_fn(ab), ab)[-1]
    verify("11.3", end, ddim_sample(x, gaussian([0.5], 0.5).eps_fn(ab), ab, range(6, -1, -1)), tol=1e-10)


def fresh(power):
    """(11.4) with a power of σ̃_s/σ̃_t (right: 2)."""
    a_t, a_s = ALPHA_BAR[600], ALPHA_BAR[300]
    verify("11.4", ddim.variance(a_t, a_s, 1.0) / (1 - a_s), 1 - (noise(a_s) / noise(a_t)) ** power)


def weight(factor):
    """(11.5) for a = √ᾱ, b = √(1−ᾱ)."""
    guess = EPS + 1
    off = [e - (X - B * e) / A for e in (guess, EPS)]
    verify("11.5", (off[0] - off[1]) ** 2, sp.expand(factor(B / A)))


def shift(k_of_sigma):
    """(11.6)."""
    u = np.linspace(0.1, 0.9, 9)
    moved = 3 * u / (1 + 2 * u)
    verify("11.6", moved / (1 - moved), k_of_sigma(u / (1 - u)))


def guided(value, eta=1.0):
    """(11.7) by the exact recursion over 1,000 steps."""
    verify("11.7", guidance.variance_by_steps(1.0, 2.0, 3.0, eta, 1000), value, tol=5e-3)


def coupled_variance(value, same):
    """(11.10) at u = 0.4 for v = 0.25."""
    eps, other = np.random.default_rng(1).standard_normal((2, 50_000))
    verify_mean("11.10", (0.6 * 0.5 * (eps if same else other) + 0.4 * eps) ** 2, value)


PLANTED = {
    "11.1 the signal alone": lambda: verify("11.1", (A * X0 + B * EPS) / A, (1 - B / (A + B)) * X0 + B / (A + B) * EPS),
    "11.2 a sign": lambda: flow(lambda e, x0: x0 - e),
    "11.2 the other v": lambda: flow(lambda e, x0: e),
    "11.3 time": lambda: on_clock("time"),
    "11.3 angle": lambda: on_clock("angle"),
    "11.4 no square": lambda: fresh(1),
    "11.5 no square": lambda: weight(lambda s: 1 + s),
    "11.5 the other v's": lambda: weight(lambda s: 1 + s**2),
    "11.6 upside down": lambda: shift(lambda s: s / 3),
    "11.7 the tilted law": lambda: guided(0.5),
    "11.7 η = 0's": lambda: guided(0.25),
    "11.8 the mean": lambda: jump(lambda x, ab: x0_of(x, exact_eps(x, 0.5, 0.25, ab), ab)),
    "11.9 the wrong order": lambda: order("line", 2),
    "11.10 the other coupling": lambda: coupled_variance(0.36 * 0.25 + 0.16, True),
}


def jump(f):
    """(11.8) for one Gaussian."""
    x = RNG.standard_normal((20, 1))
    end = ddim_sample(x, gaussian([0.5], 0.5).eps_fn(ALPHA_BAR), ALPHA_BAR, range(500, -1, -1))
    verify("11.8", end, f(x, ALPHA_BAR[500]), tol=0.02)


def order(name, p):
    """(11.9) for one Gaussian."""
    data, x, errors = gaussian([0.5], 0.5), RNG.standard_normal((100, 1)), []
    for S in (100, 200):
        ab = smooth_alpha_bar(S)
        end = clocks.euler_path(clocks.CLOCKS[name], x, data.eps_fn(ab), ab)[-1]
        errors.append(abs(end - gaussian_flow(x, 0.5, 0.25, ab[-1])).mean())
    verify("11.9", np.log2(errors[0] / errors[1]), p, tol=0.05)


@pytest.mark.parametrize("name", PLANTED)
def test_planted_error_is_caught(name):
    with pytest.raises(EquationError):
        PLANTED[name]()


def test_the_right_equations_pass():
    flow(lambda e, x0: e - x0)
    on_clock("noise")
    on_clock("line")
    fresh(2)
    weight(lambda s: (1 + s) ** 2)
    shift(lambda s: 3 * s)
    guided(31 / 80)
    guided(0.25, 0.0)
    jump(lambda x, ab: gaussian_flow(x, 0.5, 0.25, ab))
    for name in clocks.CLOCKS:
        order(name, 1)
    coupled_variance(0.36 * 0.25 + 0.16, False)
    coupled_variance((0.6 * 0.5 + 0.4) ** 2, True)


# --- clocks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", clocks.CLOCKS)
def test_a_clock_is_one_scale_and_its_slopes_are_those_of_its_weights(name):
    clock, ab = clocks.CLOCKS[name], smooth_alpha_bar(40)[1:]
    w = clock.reads(ab)
    assert (np.diff(w) > 0).all()
    (a, b), c = clock.weights(w), clocks.scale(clock, ab)
    np.testing.assert_allclose([a * c, b * c], [ab**0.5, (1 - ab) ** 0.5], atol=1e-12)
    rise = [(hi - lo) / 2e-6 for hi, lo in zip(clock.weights(w + 1e-6), clock.weights(w - 1e-6), strict=True)]
    np.testing.assert_allclose(rise, np.broadcast_arrays(*clock.slopes(w), w)[:2], rtol=1e-4, atol=1e-6)


def test_the_exact_curve_of_one_point_is_straight_on_two_clocks_alone():
    bends = {}
    for name, (exact, *_) in pictures.one_path(2.0, "one point", 4).items():
        w, y = exact.T
        bends[name] = abs(y - np.interp(w, [w[-1], w[0]], [y[-1], y[0]])).max() / np.ptp(y)
    assert max(bends["noise"], bends["line"]) < 0.01 < 0.05 < min(bends["time"], bends["angle"])


def test_the_live_paths_are_ddim_s_and_their_words_the_ends():
    live = pictures.four_coordinates()
    live.show({"x_T": 1.0, "S": 6, "data": "three peaks"})
    ab = smooth_alpha_bar(6)
    end = ddim_sample(np.array([[1.0]]), pictures.three_peaks().eps_fn(ab), ab, range(6, -1, -1)).item()
    assert f"DDIM's 6 steps at {pictures.signed(end)}" in live.words
    ends = dict(map(reversed, re.findall(r"(−?\d\.\d\d) in ([^,.]+)", live.words)))
    assert ends["σ̃"] == ends["u"] == pictures.signed(end)
    for _, pieces, points, euler in (pictures.one_path(1.0, "three peaks", 6)[name] for name in ("noise", "line")):
        np.testing.assert_allclose(points, euler, atol=1e-9)
        on_the_way = np.interp(pieces[::-1, 0], points[::-1, 0], points[::-1, 1])
        np.testing.assert_allclose(pieces[::-1, 1], on_the_way, rtol=1e-6, atol=1e-9)


def test_heun_in_u_is_heun_of_ddim_s_clock():
    """On u and on σ̃ Heun's steps differ, and both are exact to second order for one Gaussian."""
    data, x, off = gaussian([0.5], 0.5), np.array([[-1.0], [0.3], [2.0]]), []
    for S in (50, 100):
        ab = smooth_alpha_bar(S)
        off.append(abs(pictures.heun_in_u(x, data.eps_fn(ab), ab) - gaussian_flow(x, 0.5, 0.25, ab[-1])).max())
    assert off[1] < 1e-3 and 3.4 < off[0] / off[1] < 4.6


# --- guidance ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("w", [1.0, 3.0, 7.0])
def test_guided_variance_by_formula_quadrature_and_steps(w):
    assert guidance.guided_variance(1.0, 2.0, w, 0.0) == pytest.approx(2 ** (1 - w), rel=1e-3)
    if w < 7:  # by hand: 1, and 31/80
        assert guidance.guided_variance(1.0, 2.0, w, 1.0) == pytest.approx({1.0: 1, 3.0: 31 / 80}[w], rel=1e-3)
    for eta in pictures.LEVELS:
        steps = guidance.variance_by_steps(1.0, 2.0, w, eta, 1000)
        assert steps == pytest.approx(guidance.guided_variance(1.0, 2.0, w, eta), rel=0.03), eta


def test_the_contours_hold_their_shares_and_the_law_s_own_samples_leave_them_as_they_must():
    for w in (1.0, 4.0):
        levels, height = guidance.contours(w)
        mass = np.exp(height - height.max())
        held = [mass[height >= level].sum() / mass.sum() for level in levels]
        np.testing.assert_allclose(held, guidance.SHARES, atol=2e-3)
    own = guidance.upper_moon().sample(20_000, np.random.default_rng(0))
    assert guidance.outside(own, 1.0) == pytest.approx(0.01, abs=0.003)
    np.testing.assert_allclose(guidance.tilted_spread(1.0), own.std(axis=0), rtol=0.02)
    assert set(np.unique(pictures.shades(3.0))) == {0, 1, 2, 3}


def test_guidance_of_strength_1_is_the_condition_alone_and_of_0_none():
    x = np.random.default_rng(0).standard_normal((20, 2))
    told, free = guidance.upper_moon(), MOONS
    np.testing.assert_allclose(guidance.guided(1, told, free)(x, 300), told.eps(x, ALPHA_BAR[300]))
    np.testing.assert_allclose(guidance.guided(0, told, free)(x, 300), free.eps(x, ALPHA_BAR[300]))


def test_the_guidance_lab_s_words_are_the_samples():
    live = pictures.guidance_lab()
    live.show({"w": 7.0, "eta": 1.0, "S": 20})
    x = guidance.samples(7.0, 1.0, 20)
    assert f"{guidance.outside(x, 7.0):.1%} of 500" in live.words and f"deviation is {x[:, 0].std():.2f}" in live.words
    assert f"variance {guidance.variance_by_steps(1.0, 2.0, 7.0, 1.0, 20):.3f}, the tilted law's 0.250" in live.words


# --- couplings -----------------------------------------------------------------------------------------------------


def test_a_paired_run_keeps_rows_together():
    x0 = np.arange(20.0).reshape(10, 2) / 10
    run = paired.Paired(PointMLP(), x0, noise=2 * x0, times=np.arange(1, 11), steps=5)
    data, t, noise_ = run.draw()
    torch.testing.assert_close(noise_, 2 * data)
    torch.testing.assert_close(t.cpu(), torch.round(data[:, 0] * 5).long().cpu() + 1)
    drawn = paired.Paired(PointMLP(), x0, noise=2 * x0, steps=5).draw()[1]
    assert drawn.min() >= 1 and drawn.max() <= 1000 and len(drawn.unique()) > 50


def test_along_paths_the_noise_leads_from_the_end_to_the_point():
    x_T, tau = np.random.default_rng(0).standard_normal((7, 2)), make_tau(1000, 4)
    ends, noise_, times = coupled.along_paths(x_T, MOONS.eps_fn(ALPHA_BAR), ALPHA_BAR, tau)
    assert ends.shape == noise_.shape == (28, 2) and list(times[::7]) == list(tau[:-1])
    states = np.concatenate(list(ddim.ddim_states(x_T, MOONS.eps_fn(ALPHA_BAR), ALPHA_BAR, tau))[:-1])
    np.testing.assert_allclose(ddim.add_noise(ends, noise_, ALPHA_BAR[times][:, None]), states)


def test_the_detour_of_a_line_is_1_and_of_a_half_circle_half_of_pi():
    angle = np.linspace(0, np.pi, 400)
    half = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert pictures.detour(half[None]) == pytest.approx(np.pi / 2, rel=1e-4)
    assert pictures.detour(np.linspace([0, 0], [1, 2], 5)[None]) == pytest.approx(1)


@pytest.mark.usefixtures("one_thread")
def test_reflow_of_one_gaussian_is_exact_in_one_step_and_breaks_with_noise():
    """The network learns x_0 = √v ε, so that one step lands there; with η = 1 its variance is not v."""
    x_T = np.random.default_rng(0).standard_normal((2000, 2))
    eps_hat = coupled.eps_fn(coupled.learn(0.8 * x_T, noise=x_T, steps=400))
    assert abs(ddim_sample(x_T, eps_hat, ALPHA_BAR, (1000, 0)) - 0.8 * x_T).mean() < 0.1
    rough = ddim_sample(x_T, eps_hat, ALPHA_BAR, make_tau(1000, 50), 1.0, np.random.default_rng(1))
    assert rough.var() < 0.64 / 2


# --- diffusers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", REFERENCE["runs"], ids=lambda run: f"S = {run['S']}, shift {run['shift']}")
def test_our_step_is_diffusers_flow_matching_step_as_recorded(run):
    u, path = np.array(run["u"]), np.array(run["path"])
    for k in range(run["S"]):
        velocity = np.tanh(path[k]) * (0.5 + u[k])
        np.testing.assert_allclose(beside.flow_step(path[k], velocity, u[k], u[k + 1]), path[k + 1], atol=1e-6)


@pytest.mark.skipif(find_spec("diffusers") is None, reason="diffusers is not installed")
@pytest.mark.filterwarnings("ignore")
def test_our_steps_are_diffusers():
    for S, shift in beside.TABLE:
        assert beside.beside_flow(S, shift) < 1e-6
    for eta in (0.0, 1.0):
        assert beside.beside_ddim(20, eta) < 1e-6


def test_without_diffusers_the_lesson_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr(beside, "find_spec", lambda name: None)
    beside.beside_diffusers()
    assert "pip install diffusers" in capsys.readouterr().out


def test_a_shift_is_data_of_another_scale():
    small = GaussianMixture(MOONS.means / 3, MOONS.std / 3)
    x_bar = np.random.default_rng(0).standard_normal((20, 2))
    near, far = 1 / (1 + 1.5**2), 1 / (1 + 0.5**2)
    np.testing.assert_allclose(MOONS.eps(near**0.5 * x_bar, near), small.eps(far**0.5 * x_bar / 3, far), atol=1e-12)
