"""Live figures take data, networks, schedules and samplers of one's own, and live on whatever these do."""

from itertools import pairwise

import numpy as np
import pytest

from ddim_lessons.learning.own import OwnNetwork, own_run
from ddim_lessons.learning.training import Run, fit
from ddim_lessons.lessons.lesson_00 import pictures as lesson_00
from ddim_lessons.lessons.lesson_01 import pictures as lesson_01
from ddim_lessons.lessons.lesson_06 import pictures as lesson_06
from ddim_lessons.lessons.lesson_07 import pictures
from ddim_lessons.lessons.lesson_09 import pictures as lesson_09
from ddim_lessons.own import own_data
from ddim_lessons.schedules import own_schedule

pytestmark = pytest.mark.usefixtures("one_thread")
POINTS = np.random.default_rng(0).normal([500, -3], 70, (100, 2))
WORD = own_data("Hi")


def ddim(x_T, eps_fn, alpha_bar, tau):
    """A reader's own loop."""
    x = x_T
    for t, s in pairwise(tau):
        eps_hat = eps_fn(x, t)
        x0_hat = (x - (1 - alpha_bar[t]) ** 0.5 * eps_hat) / alpha_bar[t] ** 0.5
        x = alpha_bar[s] ** 0.5 * x0_hat + (1 - alpha_bar[s]) ** 0.5 * eps_hat
    return x


def moved(live, **values):
    """Move controls one after the other; the caption at the end."""
    for name, value in values.items():
        live.controls[name].value = value
    return live.caption.value


@pytest.mark.parametrize("make", [lesson_00.ddpm_beside_ddim, lesson_01.dissolving, lesson_09.drag_x_T])
def test_other_lessons_take_an_array_and_a_word(make):
    for data in (POINTS, WORD):
        live = make(data)
        before, words = live.image.value, live.words
        assert len(live.controls["data"].options) == 6
        assert moved(live, data="ring", seed=3) if "seed" in live.controls else moved(live, data="ring", S=50)
        assert live.image.value != before and "alert" not in live.caption.value
        assert live.words != words or make is lesson_01.dissolving  # which speaks of the digit alone


def test_the_lab_takes_own_data_and_tells_the_ink():
    live = pictures.trajectory_lab(POINTS)
    assert "“your data”, exact denoiser, S = 10" in live.words and "ink" not in live.words
    live = pictures.trajectory_lab(WORD)
    ink = [run.ink for run in (pictures.run_sampler(WORD, "exact", S, 0.0, "linear", 0) for S in (5, 50))]
    assert ink[0] < 0.8 and ink[1] > 0.95 and f"{ink[1]:.0%} of the samples" in live.words
    assert "alert" in moved(live, kind="trained") and "no network was trained on “Hi”" in live.caption.value
    assert "“moons”, trained" in moved(live, data="moons") and "“Hi”" in moved(live, kind="exact", data=WORD)


def test_a_set_changed_under_the_same_name_is_another_picture():
    """The lab of yesterday must not show what was there under this name."""
    first, second = own_data(POINTS, "mine"), own_data(-(POINTS**2), "mine")
    a, b = (pictures.trajectory_lab(data).still() for data in (first, second))
    assert a != b
    runs = [pictures.run_sampler(data, "exact", 5, 0.0, "linear", 0) for data in (first, second)]
    assert not np.allclose(runs[0].frames[-1], runs[1].frames[-1])
    assert pictures.run_sampler(own_data(POINTS.copy(), "mine"), "exact", 5, 0.0, "linear", 0) is runs[0]


def test_a_run_is_shown_with_its_network_as_it_is_now():
    run = own_run(WORD, steps=40, width=16, batch=64)
    shown = []
    for _ in fit(run, every=20):
        live = pictures.trajectory_lab(run)
        assert "“Hi”, trained denoiser" in live.words
        shown.append(live.image.value)
    assert shown[0] != shown[1]
    assert "exact denoiser" in moved(live, kind="exact")


@pytest.mark.parametrize("T", [1, 7, 50])
def test_the_lab_follows_an_own_schedule_to_its_T(T):
    data = own_data(POINTS).on_schedule(own_schedule(np.linspace(1, 0, T + 1)))  # nothing of the signal is left
    run = own_run(data, steps=2, width=8, batch=8)
    for _ in fit(run):
        pass
    live = pictures.trajectory_lab(run)
    assert f"S = {max(S for S in pictures.STEPS if min(T, 10) >= S)} steps" in live.words
    for state in (dict(t=1000), dict(ghosts=True), dict(kind="exact"), dict(eta=1.0), dict(t=500), dict(t=0)):
        assert "alert" not in moved(live, **state), state
    assert f"at time t = {T}" in moved(live, t=1000)


def test_an_own_sampler_drives_the_right_side_at_eta_0():
    live = pictures.trajectory_lab("moons", sampler=ddim)
    assert live.words.startswith("Right: your sampler, which differs from the package's by at most")
    assert float(live.words.split("at most ")[1].split(". ")[0].rstrip(".")) < 1e-3
    plain = pictures.trajectory_lab("moons")
    assert abs(len(live.image.value) - len(plain.image.value)) < 2000
    assert "your sampler" not in moved(live, eta=0.5) and "your sampler" in moved(live, eta=0.0, S=50)


def lazy(x_T, eps_fn, alpha_bar, tau):
    """A sampler that stops halfway, on other times."""
    return ddim(x_T, eps_fn, alpha_bar, (*tau[::2], 0) if tau[::2][-1] else tau[::2])


def test_a_wrong_sampler_is_seen_to_be_wrong():
    live = pictures.trajectory_lab("moons", sampler=lazy)
    assert "not at the times of τ" in live.words and "calls" not in live.caption.value[:40]
    run, told = pictures.own_sampler_run(lazy, "moons", "exact", 10, "linear", 0)
    assert run.calls == 5 and "differs" in told


FAULTS = {
    "raises": (lambda *given: 1 / 0, "ZeroDivisionError"),
    "shape": (lambda x_T, *given: x_T[:7], "the shape of what it returns"),
    "NaN": (lambda x_T, f, ab, tau: np.nan * f(x_T, 1000), "NaN"),
    "nothing": (lambda x_T, f, ab, tau: f(x_T, 5) and None, "ValueError"),
    "never asks": (lambda x_T, f, ab, tau: x_T, "number of calls of eps_fn is 0"),
    "one point": (lambda x_T, f, ab, tau: x_T + f(x_T[:1], 5), "each with all points"),
    "arguments": (lambda x_T: x_T, "TypeError"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_sampler_that_fails_is_a_sentence_and_the_figure_lives_on(name):
    sampler, words = FAULTS[name]
    live = pictures.trajectory_lab("ring", kind="exact", sampler=sampler)
    assert live.words.startswith("Your sampler cannot be shown") and words in live.words
    before = live.image.value
    assert words in moved(live, S=20) and live.image.value != before
    assert "cannot be shown" not in moved(live, eta=1.0)


@pytest.mark.parametrize("answer, words", [(lambda x, t: x * np.nan, "NaN"), (lambda x, t: x[1:], "shape"),
                                           (lambda x, t: x.nothing, "AttributeError")])  # fmt: skip
def test_a_network_that_fails_is_a_sentence_and_the_figure_lives_on(answer, words):
    data = own_data(POINTS)
    live = pictures.trajectory_lab(data.with_network(OwnNetwork(answer, data.alpha_bar)))
    assert words in live.words and live.image.value
    assert "exact denoiser" in moved(live, kind="exact")
    assert words in moved(live, kind="trained")


def test_small_pictures_have_their_lab():
    squares = np.random.default_rng(0).random((25, 6, 9))
    live = pictures.trajectory_lab(squares)
    assert "pictures like “your pictures”" in live.words and "0.0" in live.words
    assert "alert" in moved(live, kind="trained") and "alert" not in moved(live, kind="exact", t=500, ghosts=True)
    run = own_run(np.random.default_rng(0).random((25, 8, 8)), steps=2, batch=8)
    for _ in fit(run):
        pass
    assert "trained denoiser" in pictures.trajectory_lab(run).words


@pytest.mark.parametrize("columns", [1, 3, 10])
def test_what_a_plane_cannot_show_is_a_sentence(columns):
    data = np.random.default_rng(0).standard_normal((30, columns))
    for make in (pictures.trajectory_lab, lesson_00.ddpm_beside_ddim, lesson_01.dissolving, lesson_09.drag_x_T):
        with pytest.raises(ValueError, match="columns"):
            make(data)


def test_the_training_view_shows_the_run_s_own_data_time_and_schedule():
    data = own_data("o").on_schedule(own_schedule(np.linspace(1, 0, 13)))
    views = {}
    for name, run in {
        "own": own_run(data, steps=2, batch=8),
        "array": Run(own_run(data).model, data.points, 2),
    }.items():
        view = views[name] = lesson_06.training_view(run)
        for progress in fit(run, every=1):
            view.update(progress)
        assert "After 2 steps" in view.words
        centres = view.scene.dots.axes.lines[0].get_xydata()
        assert data.in_ink(centres) > 0.9, "the grey centres are the data's, not the moons'"
        assert view.scene.t == 1 and view.scene.tau[0] == 12
    moons = Run(own_run(data).model, lesson_06.points(), 2)
    assert lesson_06.data_of(moons) is lesson_06.MOONS
