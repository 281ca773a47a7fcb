"""Schedules and grids: index is time, and every grid has exactly S jumps from T to 0."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddim_lessons import schedules
from ddim_lessons.schedules import (
    SCHEDULES,
    SPACINGS,
    alpha_bar_from_beta,
    alpha_bar_schedule,
    check_tau,
    cosine_beta,
    linear_beta,
    make_tau,
)


def is_grid(tau, T, S):
    falling = all(t > t_prev for t, t_prev in pairwise(tau))
    return len(tau) == S + 1 and tau[0] == T and tau[-1] == 0 and falling and all(type(t) is int for t in tau)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_every_grid_up_to_T_60(spacing):
    for T in range(1, 61):
        for S in range(1, T + 1):
            assert is_grid(make_tau(T, S, spacing), T, S), (T, S, spacing)


@given(st.sampled_from(SPACINGS), st.integers(1, 1000), st.data())
def test_grids_up_to_T_1000(spacing, T, data):
    S = data.draw(st.integers(1, T))
    assert is_grid(make_tau(T, S, spacing), T, S)


@pytest.mark.parametrize(
    "spacing, tau",
    [
        ("linear", (10, 8, 5, 3, 0)),
        ("quadratic", (10, 6, 3, 1, 0)),
        ("leading", (10, 6, 4, 2, 0)),
        ("trailing", (10, 8, 6, 4, 0)),
    ],
)
def test_grids_by_hand(spacing, tau):
    assert make_tau(10, 4, spacing) == tau


def test_spacings_agree_where_S_divides_T():
    assert make_tau(1000, 10) == make_tau(1000, 10, "leading") == make_tau(1000, 10, "trailing")
    assert make_tau(1000, 1000, "quadratic") == tuple(range(1000, -1, -1))


def test_linear_schedule_has_the_published_values():
    beta = linear_beta(1000)
    assert beta[0] == 0 and beta[1] == 1e-4 and beta[1000] == 0.02 and len(beta) == 1001
    assert alpha_bar_from_beta(beta)[1000] == pytest.approx(4.036e-5, rel=1e-3)  # the end of DDPM's schedule


def test_short_linear_schedule_does_not_reach_noise():
    assert alpha_bar_schedule("linear", 50)[50] == pytest.approx(0.603, abs=5e-4)


def test_cosine_schedule_is_a_squared_cosine_where_not_capped():
    alpha_bar = alpha_bar_schedule("cosine", 1000)
    angle = (np.arange(1000) / 1000 + 0.008) / 1.008 * np.pi / 2
    assert np.allclose(alpha_bar[:1000], np.cos(angle) ** 2 / np.cos(angle[0]) ** 2, atol=1e-12)
    assert cosine_beta(1000)[1000] == 0.999


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("T", [1, 2, 50, 1000])
def test_alpha_bar_starts_at_one_and_falls(name, T):
    alpha_bar = alpha_bar_schedule(name, T)
    assert alpha_bar.shape == (T + 1,) and alpha_bar[0] == 1
    assert (np.diff(alpha_bar) < 0).all() and alpha_bar[-1] > 0


BAD = [
    (lambda: make_tau(10, 0), "S is 0, but must be a whole number from 1 to 10"),
    (lambda: make_tau(10, 11), "S is 11, but must be a whole number from 1 to 10"),
    (lambda: make_tau(10, 2.5), "S is 2.5, but must be a whole number"),
    (lambda: make_tau(10, True), "S is True, but must be a whole number"),
    (lambda: make_tau(0, 1), "T is 0, but must be a whole number from 1 to 1000000"),
    (lambda: make_tau(10, 5, "log"), "spacing is 'log', but must be one of 'linear', 'quadratic'"),
    (lambda: make_tau(10, 5, None), "spacing is None"),
    (lambda: alpha_bar_schedule("sigmoid"), "name is 'sigmoid', but must be one of 'linear', 'cosine'"),
    (lambda: linear_beta(10, first=-0.1), "first is -0.1, but must be a number from 0 to 1"),
    (lambda: linear_beta(10, last=float("nan")), "last is nan"),
    (lambda: alpha_bar_from_beta([0.1, 0.2]), "beta[0] is 0.1, but must be 0"),
    (lambda: alpha_bar_from_beta([0, 1.5]), "beta is 1.5, but must be from 0 to below 1"),
    (lambda: alpha_bar_from_beta([0, float("nan")]), "beta is nan"),
    (lambda: alpha_bar_from_beta([[0, 0.1]]), "beta's shape is (1, 2)"),
    (lambda: check_tau((10, 5, 5, 0), 10), "strictly decreasing, but 5 follows 5"),
    (lambda: check_tau((10, 3, 7, 0), 10), "strictly decreasing, but 7 follows 3"),
    (lambda: check_tau((12, 0), 10), "a time in tau is 12, but must be a whole number from 0 to 10"),
    (lambda: check_tau((10, -1), 10), "a time in tau is -1, but must be a whole number from 0 to 10"),
    (lambda: check_tau((10,), 10), "at least two times"),
]


@pytest.mark.parametrize("call, sentence", BAD)
def test_bad_input_is_told(call, sentence):
    with pytest.raises(ValueError) as error:
        call()
    assert sentence in str(error.value)


def test_lengths_by_default_and_the_bounds_of_beta():
    lengths = {len(schedules.linear_beta()), len(schedules.cosine_beta()), len(schedules.alpha_bar_schedule())}
    assert lengths == {1001} and schedules.horizon(np.linspace(1, 0.1, 11)) == 10
    for call in (lambda: schedules.linear_beta(10, last=1.5), lambda: schedules.cosine_beta(10, beta_max=1.5)):
        with pytest.raises(ValueError, match="is 1.5, but must be a number from 0 to 1"):
            call()


def test_the_shortest_schedules_and_lists_of_times():
    assert schedules.horizon([1.0, 0.5]) == 1 and check_tau((1, 0), 1) == (1, 0)
    with pytest.raises(ValueError, match=r"alpha_bar's shape is \(1,\)"):
        schedules.horizon([1.0])
    with pytest.raises(ValueError, match="beta is 1.0, but must be from 0 to below 1"):
        alpha_bar_from_beta([0.0, 1.0])
