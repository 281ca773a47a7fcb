"""Lesson 07: the exercises name mistakes, wrong equations are caught, the lab shows what it says."""

from itertools import pairwise

import numpy as np
import pytest
import sympy as sp

from ddim_lessons.ddim import affine_step, eta_max, predict_eps, variance
from ddim_lessons.lessons.lesson_07 import pictures
from ddim_lessons.lessons.lesson_07.exercises import EXERCISES, step
from ddim_lessons.schedules import make_tau
from ddim_lessons.teaching.checks import EquationError, verify, verify_mean
from ddim_lessons.toy_data import data_set

ALPHA_BAR = pictures.ALPHA_BAR


pytestmark = pytest.mark.usefixtures("one_thread")


# --- exercises ---------------------------------------------------------------------------------------------------


def new(alpha_bars, eta):
    """The share of new noise of each jump, by the package's variance."""
    return variance(alpha_bars[:-1], alpha_bars[1:], eta) / (1 - alpha_bars[1:])


def sampled(x, x0, t, s, eta, z, room=None, root=0.5):
    """(7.2) by hand, with two places to go wrong."""
    left = 1 - s - variance(t, s, eta) if room is None else room
    return np.sqrt(s) * x0 + np.sqrt(left) * predict_eps(x, x0, t) + variance(t, s, eta) ** root * z


def sampler(
    rounds=pairwise,
    asked=lambda t, s, x, x_T: (x, t),
    start=lambda t, s: t,
    signal=lambda t, s: s,
    noise=None,
    size=None,
):
    """A loop of one's own for exercise 7.1, in 64-bit roots by hand, with places to go wrong."""

    def ddim(x_T, eps_fn, alpha_bar, tau):
        x = x_T
        for t, s in rounds(tau):
            eps_hat = eps_fn(*asked(t, s, x, x_T))
            at, to = alpha_bar[start(t, s)], alpha_bar[signal(t, s)]
            x0_hat = (x - np.sqrt(1 - alpha_bar[(size or start)(t, s)]) * eps_hat) / np.sqrt(at)
            x = np.sqrt(to) * x0_hat + np.sqrt(1 - alpha_bar[(noise or signal)(t, s)]) * eps_hat
        return x

    return ddim


def in_two_numbers(x, eps_fn, alpha_bar, tau):
    """Right, in another form: the step as a x + b ε̂, in a loop over positions."""
    for i in range(len(tau) - 1):
        now, then = alpha_bar[tau[i]], alpha_bar[tau[i + 1]]
        a = np.sqrt(then / now)
        x = a * x + (np.sqrt(1 - then) - a * np.sqrt(1 - now)) * eps_fn(x, tau[i])
    return x


def by_score(x, eps_fn, alpha_bar, tau):
    """Right, in another form: straight in x/√ᾱ against √((1−ᾱ)/ᾱ)."""
    x = x / alpha_bar[tau[0]] ** 0.5
    for t, s in pairwise(tau):
        slope = ((1 - alpha_bar) / alpha_bar) ** 0.5
        x = x + (slope[s] - slope[t]) * eps_fn(x * alpha_bar[t] ** 0.5, t)
    return x


SAMPLERS = [
    (sampler(rounds=lambda tau: list(pairwise(tau))[:-1]), "left out the last step"),
    (sampler(rounds=lambda tau: list(pairwise(tau))[1:]), "left out the first step"),
    (sampler(asked=lambda t, s, x, x_T: (x, s)), "asked at the time of arrival"),
    (sampler(asked=lambda t, s, x, x_T: (x, t - 1)), "asked at t − 1"),
    (sampler(signal=lambda t, s: t - 1), "each step goes to t − 1"),
    (sampler(start=lambda t, s: s), "ᾱ of the time of arrival"),
    (sampler(start=lambda t, s: s, size=lambda t, s: t), "multiplied by one √ᾱ"),
    (sampler(signal=lambda t, s: t, noise=lambda t, s: s), "multiplied by one √ᾱ"),
    (sampler(size=lambda t, s: s), "noise has the size of the time of arrival"),
    (sampler(asked=lambda t, s, x, x_T: (x_T, t)), "sees x_T in every round"),
    (sampler(noise=lambda t, s: t), "as long as at time t"),
    (sampler(rounds=lambda tau: pairwise(reversed(tau))), "you walked up"),
    (sampler(rounds=lambda tau: pairwise(range(tau[0], -1, -1))), "through all times"),
    (sampler(noise=lambda t, s: 0), "direction is missing"),
    (sampler(signal=lambda t, s: 0), "handed on as x_s"),
    (lambda x, f, ab, tau: sampler(asked=lambda t, s, x, _: (x, tau.index(t)))(x, f, ab, tau), "number of the round"),
    (lambda x, f, ab, tau: sampler()(x, lambda x, t: -f(x, t), ab, tau), "signs before ε̂"),
    *[(right, "✓ right") for right in (sampler(), in_two_numbers, by_score)],
]

ANSWERS = [
    *[("7.1", sampler, fragment) for sampler, fragment in SAMPLERS],
    ("7.1", lambda x, eps, ab, tau: [x, x], "it should have shape"),
    ("7.1", lambda x, eps, ab, tau: print(x), "prints and returns nothing"),
    ("7.2", lambda a, e: 1 - np.prod(1 - new(a, e)), "share that was replaced"),
    ("7.2", lambda a, e: np.prod(new(a, e)), "multiplied the new shares"),
    ("7.2", lambda a, e: 1 - np.sum(new(a, e)), "one after the other"),
    ("7.2", lambda a, e: np.prod(1 - new(a, np.sqrt(e))), "η is not squared"),
    ("7.2", lambda a, e: np.sqrt(np.prod(1 - new(a, e))), "you took the root"),
    ("7.2", lambda a, e: np.prod(1 - variance(a[:-1], a[1:], e)), "in the place of its share"),
    ("7.2", lambda a, e: e, "none of the usual mistakes"),
    ("7.3", lambda a, b: (np.sqrt(b / a), np.sqrt(1 - b)), "lacks the part"),
    ("7.3", lambda a, b: (np.sqrt(b / a), np.sqrt(1 - b) + np.sqrt(b / a * (1 - a))), "the sign in b"),
    ("7.3", lambda a, b: (np.sqrt(a / b), np.sqrt(1 - a) - np.sqrt(a / b * (1 - b))), "changed places"),
    ("7.3", lambda a, b: (b / a, (1 - b) - b / a * (1 - a)), "roots are missing"),
    ("7.3", lambda a, b: (np.sqrt(b / a), np.sqrt(b / a * (1 - a)) - np.sqrt(1 - b)), "whole sign of b"),
    ("7.3", lambda a, b: (np.sqrt(1 - b) - np.sqrt(b / a * (1 - a)), np.sqrt(b / a)), "pair is turned round"),
    ("7.3", lambda a, b: (np.sqrt(b / a), np.sqrt(1 - b) - np.sqrt(b) * np.sqrt(1 - a)), "not divided by √ᾱ_t"),
    ("7.3", lambda a, b: (1.0, 2.0), "none of the usual mistakes"),
    ("7.4", "B", "no noise was added"),
    ("7.4", "C", "few steps"),
    ("7.4", "D", "almost straight"),
    ("7.4", "E", "answer with one of A, B, C, D"),
    ("7.5", lambda x, x0, t, s, eta, z: sampled(x, x0, t, s, eta, z, room=1 - s), "no room for the new noise"),
    ("7.5", lambda x, x0, t, s, eta, z: sampled(x, x0, t, s, eta, z, root=1), "by σ², not by σ"),
    ("7.5", lambda x, x0, t, s, eta, z: step(x0, x, t, s, eta, z), "where ε̂ belongs"),
    ("7.5", lambda x, x0, t, s, eta, z: step(x0, x - np.sqrt(t) * x0, t, s, eta, z), "was not divided"),
    ("7.5", lambda x, x0, t, s, eta, z: step(x0, predict_eps(x, x0, s), t, s, eta, z), "wrong time"),
    ("7.5", lambda x, x0, t, s, e, z: sampled(x, x0, t, s, e, z, room=(1 - s - variance(t, s, e)) ** 2), "root over"),
    ("7.5", lambda x, x0, t, s, eta, z: sampled(x, x0, t, s, eta, 0 * z), "noise is missing"),
    ("7.5", lambda x, x0, t, s, eta, z: np.sqrt(s) * x0 + np.sqrt(1 - s) * predict_eps(x, x0, t), "at every η"),
    ("7.5", lambda x, x0, t, s, eta, z: sampled(x, x0, t, s, np.sqrt(eta), z), "η is not squared"),
    ("7.5", lambda *a: a[0], "none of the usual mistakes"),
]


def test_the_whole_step_of_the_exercise_is_the_package_s():
    for x, x0_hat, a_t, a_s, eta, z in EXERCISES["7.5"].cases:
        a, b, c = affine_step(a_t, a_s, variance(a_t, a_s, eta))
        assert np.allclose(
            EXERCISES["7.5"].truth(x, x0_hat, a_t, a_s, eta, z),
            a * x + b * predict_eps(x, x0_hat, a_t) + c * z,
            atol=1e-12,
        )


def test_the_runs_of_exercise_4_are_measured_ones():
    """The table's rows: (path, same side, off) of η = 1 or 0 and S = 1000 or 10."""
    rows = {(1.0, 1000): (68, 0.52, 1.0), (0.0, 1000): (1.2, 0.92, 1.0), (1.0, 10): (5.9, 0.49, 2.3)}
    for (eta, S), (wiggle, side, off) in (rows | {(0.0, 10): (1.2, 0.92, 2.1)}).items():
        run = pictures.run_sampler("moons", "exact", S, eta, "linear", 0)
        assert abs(run.wiggle / wiggle - 1) < 0.05 and abs(run.kept_side - side) < 0.01 and abs(run.off - off) < 0.1


# --- planted errors ----------------------------------------------------------------------------------------------

A_T, A_S, ETA, X, EPS, Z = sp.symbols("abar_t abar_s eta x epsilon z", positive=True)
SIGMA_SQ = variance(A_T, A_S, ETA)
PARTICLE, PULL = pictures.PARTICLE, data_set("moons").eps(pictures.PARTICLE[None], ALPHA_BAR[500])[0]


def one_step(eta=0.5, sign=1, room=1.0):
    """(7.2) for the lesson's particle, with a sign and the direction's room that can be put wrong."""
    z = np.random.default_rng(1).standard_normal(2)
    parts = pictures.take_apart(PARTICLE, PULL, 500, 300, eta, z)
    sigma_sq = variance(ALPHA_BAR[500], ALPHA_BAR[300], eta)
    direction = np.sqrt(room - ALPHA_BAR[300] - sigma_sq) * PULL
    verify("7.2", parts.signal + sign * direction + np.sqrt(sigma_sq) * z, parts.x_s)


def mean_length(factor):
    draws = 0.4 * np.random.default_rng(3).standard_normal((100_000, 2))
    verify_mean("7.6", np.linalg.norm(draws, axis=1), 0.4 * factor)


def at_the_bound(eta):
    z = np.random.default_rng(4).standard_normal(2)
    parts = pictures.take_apart(PARTICLE, PULL, 500, 300, eta, z)
    anew = np.sqrt(ALPHA_BAR[300]) * parts.x0_hat + np.sqrt(1 - ALPHA_BAR[300]) * z
    verify("7.7", parts.x_s, anew, tol=1e-6)  # the root of a rounding error is about 1e-8


def memory(power):
    """(7.4) for N(0, 1) and η = 0.5: the correlation of x_T and x_0 after 1,000 linear steps."""
    kept, var = 1.0, 1.0
    for t, s in pairwise(make_tau(1000, 1000)):
        a, b, c = affine_step(ALPHA_BAR[t], ALPHA_BAR[s], variance(ALPHA_BAR[t], ALPHA_BAR[s], 0.5))
        slope = a + b * (1 - ALPHA_BAR[t]) ** 0.5
        kept, var = kept * slope, slope**2 * var + c**2
    verify("7.4", kept / var**0.5, ALPHA_BAR[1000] ** power, tol=3e-3)


PLANTED = {
    "7.1 a sign": lambda: verify(
        "7.1",
        (PARTICLE + np.sqrt(1 - ALPHA_BAR[500]) * PULL) / np.sqrt(ALPHA_BAR[500]),
        data_set("moons").x0(PARTICLE[None], ALPHA_BAR[500])[0],
    ),
    "7.2 a sign": lambda: one_step(sign=-1),
    "7.2 the room": lambda: one_step(room=1.1),
    "7.3 not squared": lambda: verify("7.3", SIGMA_SQ / (1 - A_S), ETA * (1 - A_T / A_S) / (1 - A_T)),
    "7.3 no room taken": lambda: verify("7.3", (1 - A_S) + SIGMA_SQ, 1 - A_S),
    "7.5 turned round": lambda: verify("7.5", affine_step(A_T, A_S, SIGMA_SQ)[0], sp.sqrt(A_T / A_S)),
    "7.5 half of b": lambda: verify("7.5", affine_step(A_T, A_S, SIGMA_SQ)[1], sp.sqrt(1 - A_S - SIGMA_SQ)),
    "7.6 no root": lambda: mean_length(np.pi / 2),
    "7.4 η not squared": lambda: memory(0.5 / 2),
    "7.7 below the bound": lambda: at_the_bound(1.0),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_error_is_caught(name):
    with pytest.raises(EquationError):
        PLANTED[name]()


def test_the_right_equations_pass():
    one_step()
    mean_length(np.sqrt(np.pi / 2))
    memory(0.5**2 / 2)
    at_the_bound(float(eta_max(ALPHA_BAR[500], ALPHA_BAR[300])))


@pytest.mark.parametrize("t, s", [(1000, 1), (900, 450), (500, 300), (2, 1)])
def test_a_step_can_be_taken_apart_at_the_bound(t, s):
    """σ² may exceed its room there by a rounding error, and the root must not be NaN."""
    bound = float(eta_max(ALPHA_BAR[t], ALPHA_BAR[s]))
    for eta in (bound, np.nextafter(bound, 2 * bound)):
        parts = pictures.take_apart(PARTICLE, PULL, t, s, eta, np.ones(2))
        assert np.all(np.isfinite(parts.x_s)) and np.linalg.norm(parts.direction) < 1e-6


def test_path_lengths_are_summed_over_all_points():
    x = [np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[3.0, 4.0], [1.0, 1.0]]), np.array([[0.0, 0.0], [1.0, 1.0]])]
    assert pictures.total_distance(x[0], x[1]) == pytest.approx(6)
    x = [np.tile(points, (1000, 1)) for points in x]
    assert pictures.measure("moons", x)[3] == pytest.approx((6 + 5) / 1)


# --- the lab -----------------------------------------------------------------------------------------------------


def test_bound_is_the_tightest_of_the_path():
    tau = make_tau(1000, 10)
    bound = pictures.eta_of(pictures.BOUND, tau)
    assert bound == min(eta_max(ALPHA_BAR[t], ALPHA_BAR[s]) for t, s in pairwise(tau) if s > 0) > 1
    assert pictures.eta_of(0.3, tau) == 0.3 and pictures.eta_of(pictures.BOUND, (1000, 0)) == 1.0


@pytest.mark.parametrize("S", [1, 3, 20, 1000])
def test_the_clock_shows_the_last_time_that_was_reached(S):
    tau = make_tau(1000, S)
    for t in pictures.CLOCK:
        i = pictures.visited(tau, t)
        assert tau[i] >= t and (tau[i] == t or tau[i + 1] < t)


def test_both_sides_start_from_the_same_points_and_end_where_their_sampler_ends():
    ddpm, ddim = (pictures.run_sampler("moons", "exact", 7, eta, "linear", 3) for eta in (1.0, 0.0))
    assert np.array_equal(ddpm.frames[0], ddim.frames[0]) and not np.allclose(ddpm.frames[-1], ddim.frames[-1])
    assert np.allclose(ddim.frames[-1][: pictures.FOLLOWED], ddim.paths[-1], atol=1e-6)


def test_exact_and_trained_start_alike_and_end_near_each_other():
    exact, trained = (pictures.run_sampler("moons", kind, 20, 0.0, "linear", 0) for kind in pictures.DENOISERS)
    assert np.allclose(exact.frames[0], trained.frames[0], atol=1e-6)
    apart = np.linalg.norm(exact.frames[-1] - trained.frames[-1], axis=1)
    assert 0 < np.median(apart) < 0.1


def test_every_control_of_the_single_step_moves_picture_and_words():
    live = pictures.step_taken_apart()
    for name, value in {"t": 700, "jump": 50, "eta": 1.0, "draw": 5}.items():
        image, words = live.image.value, live.words
        live.controls[name].value = value
        assert live.image.value != image and live.words != words, name
    live.controls["eta"].value = 0.0
    assert "the only place there is at η = 0" in live.words
    live.show({"t": 300, "jump": 300, "eta": 1.0, "draw": 1})
    assert "the only place there is at s = 0" in live.words


def test_ghosts_are_the_predicted_clean_samples_and_a_sample_is_its_own():
    x = pictures.starts(0, n=5)
    exact = data_set("ring").x0(x, ALPHA_BAR[400])
    assert np.allclose(pictures.ghosts_of("ring", "exact", x, 400), exact)
    assert pictures.ghosts_of("ring", "exact", x, 0) is x


def test_the_cache_of_runs_keeps_to_its_bound():
    pictures.run_sampler.clear()
    for seed in range(3):
        pictures.run_sampler("ring", "trained", 1000, 0.0, "linear", seed)
    assert 0 < pictures.run_sampler.megabytes() < 48
    assert pictures.run_sampler("ring", "trained", 1000, 0.0, "linear", 0).frames.nbytes < 1_000_000


def test_true_digits_are_sure_and_not_copies_of_each_other():
    sure, apart = pictures.digit_truth()
    assert sure > 0.95 and 0.2 < apart < 0.35
    digits = pictures.load_digits()[0]
    assert pictures.away(digits[:5], digits) == 0 and pictures.away(digits[:5] + 0.5, digits) <= 0.5
