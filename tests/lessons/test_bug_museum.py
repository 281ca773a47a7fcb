"""The bug museum: for each bug a named test that the right sampler passes and the exhibit fails."""

import numpy as np
import pytest

from ddim_lessons.lessons.lesson_12 import bug_museum as museum
from ddim_lessons.schedules import alpha_bar_schedule

ALPHA_BAR = alpha_bar_schedule("linear", 1000)
X_T = np.random.default_rng(0).standard_normal((4000, 1))


class Spy:
    """The exact denoiser of the one-point data set {c}; it keeps the times asked about and the points it was shown."""

    def __init__(self, c=0.0):
        self.c, self.times, self.shown = c, [], []

    def __call__(self, x, t):
        self.times.append(t)
        self.shown.append(x)
        return (x - ALPHA_BAR[t] ** 0.5 * self.c) / max(1 - ALPHA_BAR[t], 1e-12) ** 0.5


def run(sampler, S=20, c=2.0, x=X_T):
    """Run a sampler; returns (its samples, the spy)."""
    spy = Spy(c)
    return sampler(x, spy, ALPHA_BAR, S, np.random.default_rng(1)), spy


def lands_on_the_point(sampler):
    samples, spy = run(sampler)
    assert np.allclose(samples, spy.c, atol=1e-9)


def keeps_the_spread_of_every_marginal(sampler):
    _, spy = run(sampler, S=50, c=0.0)
    wanted = np.sqrt(1 - ALPHA_BAR[spy.times])
    assert np.allclose([x.std() for x in spy.shown], wanted, rtol=0.1)


def starts_in_pure_noise(sampler):
    _, spy = run(sampler)
    assert ALPHA_BAR[spy.times[0]] < 1e-3


def asks_as_often_as_it_was_told(sampler):
    for S in (1, 7, 20, 30, 333, 1000):
        assert len(run(sampler, S, x=X_T[:2])[1].times) == S


def makes_its_last_jump(sampler):
    """Without the last jump the samples keep the noise of the last time asked about."""
    samples, spy = run(sampler)
    assert samples.std() < 0.01 * spy.shown[-1].std()


def never_returns_to_noise(sampler):
    samples, spy = run(sampler)
    assert abs(samples.mean() - spy.c) < abs(spy.shown[-1].mean() - spy.c) + 0.1


def adds_no_noise_in_its_last_step(sampler):
    """Two generators that agree on all but the last draw give the same samples."""
    samples = []
    for last in (1.0, -1.0):
        rng = LastDraw(20, last)
        samples.append(sampler(X_T, Spy(2.0), ALPHA_BAR, 20, rng))
    assert np.allclose(*samples)


class LastDraw:
    """A generator that draws zeros, but ``value`` in the n-th draw."""

    def __init__(self, n, value):
        self.n, self.value, self.count = n, value, 0

    def standard_normal(self, shape):
        self.count += 1
        return np.full(shape, self.value if self.count == self.n else 0.0)


def asks_about_the_point_s_own_time(sampler):
    """On the way down to a point at 0 with η = 0 each x is √((1−ᾱ_t)/(1−ᾱ_T)) x_T, so it tells its own time."""
    _, spy = run(sampler, c=0.0)
    own = [np.sqrt((1 - ALPHA_BAR[t]) / (1 - ALPHA_BAR[-1])) * X_T for t in spy.times]
    assert np.allclose(spy.shown, own, rtol=1e-3)


def an_encoder_asks_about_the_data_first(encoder):
    _, spy = run(encoder, x=X_T)
    assert spy.times[0] == 0 and 1000 not in spy.times


def with_noise(x, eps_fn, alpha_bar, S, rng):
    """The right sampler at η = 1."""
    return museum.right_sampler(x, eps_fn, alpha_bar, S, rng, eta=1.0)


CASES = {  # the bug: (its test, the exhibit, what is right instead)
    "negative index": (never_returns_to_noise, museum.negative_index, museum.right_sampler),
    "noise at the end": (adds_no_noise_in_its_last_step, museum.noise_at_the_end, with_noise),
    "clamped variance": (keeps_the_spread_of_every_marginal, museum.clamped_variance, with_noise),
    "late start": (starts_in_pure_noise, museum.late_start, museum.right_sampler),
    "told the next time": (asks_about_the_point_s_own_time, museum.told_the_next_time, museum.right_sampler),
    "never arrives": (makes_its_last_jump, museum.never_arrives, museum.right_sampler),
    "wrong count": (asks_as_often_as_it_was_told, museum.wrong_count, museum.right_sampler),
    "encodes ahead": (an_encoder_asks_about_the_data_first, museum.encodes_ahead, museum.right_encoder),
}


@pytest.mark.parametrize("bug", CASES)
def test_the_right_one_passes_and_the_exhibit_fails(bug):
    check, exhibit, right = CASES[bug]
    check(right)
    with pytest.raises(AssertionError):
        check(exhibit)


def test_each_exhibit_has_its_case_and_one_letter():
    assert sorted(f.__name__ for f in museum.EXHIBITS.values()) == sorted(f.__name__ for _, f, _ in CASES.values())
    assert list(museum.EXHIBITS) == list("ABCDEFGH")


def test_landing_on_the_point_alone_catches_four():
    lands_on_the_point(museum.right_sampler)
    caught = []
    for letter, exhibit in museum.EXHIBITS.items():
        try:
            lands_on_the_point(exhibit)
        except AssertionError:
            caught.append(letter)
    assert set(caught) >= {"D", "E", "G", "H"} and not {"A", "B", "C"} & set(caught)


@pytest.mark.parametrize("bug", CASES)
def test_every_exhibit_runs_without_an_error(bug):
    for S in (10, 20, 30, 50):
        assert np.isfinite(run(CASES[bug][1], S, x=X_T[:5])[0]).all()
