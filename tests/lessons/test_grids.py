"""Grids of libraries, and the inspector that says what they do."""

import numpy as np
import pytest

from ddim_lessons.lessons.lesson_12.grids import GRIDS, inspect
from ddim_lessons.schedules import alpha_bar_schedule, make_tau

ALPHA_BAR = alpha_bar_schedule("linear", 1000)


def test_ours_start_at_T_and_have_the_right_count_for_every_S():
    for spacing in ("linear", "quadratic", "leading", "trailing"):
        for S in (1, 2, 7, 30, 600, 999, 1000):
            times = GRIDS[f"ours, {spacing}"](1000, S)
            found = inspect(times, ALPHA_BAR)
            assert times == make_tau(1000, S, spacing)[:-1]
            assert (found.steps, found.start, found.repeated) == (S, ALPHA_BAR[-1], 0) and not found.out_of_range


def test_the_strided_range_miscounts_and_leaves_the_array_as_often_as_is_known():
    found = {S: inspect(GRIDS["strided range + 1"](1000, S), ALPHA_BAR) for S in range(1, 1001)}
    assert sum(f.steps != S for S, f in found.items()) == 984
    assert sum(bool(f.out_of_range) for f in found.values()) == 599


@pytest.mark.parametrize(
    "grid, S, first, last, steps",
    [
        ("leading, from index 0", 10, 901, 1, 10),
        ("leading, from index 0", 1, 1, 1, 1),
        ("leading, offset 1", 10, 902, 2, 10),
        ("strided range", 30, 991, 1, 31),
        ("squares to 0.8 T", 10, 801, 1, 10),
        ("even, to both ends", 10, 1000, 1, 10),
        ("even, to both ends", 1, 1, 1, 1),
        ("trailing, in floats", 30, 1000, 33, 30),
    ],
)
def test_ends_and_counts(grid, S, first, last, steps):
    times = GRIDS[grid](1000, S)
    assert (times[0], times[-1], len(times)) == (first, last, steps)
    found = inspect(times, ALPHA_BAR)
    assert found.start == ALPHA_BAR[first] and found.last_jump == 1 - ALPHA_BAR[last]


def test_a_grid_beyond_the_end_has_no_start():
    found = inspect((1001, 500, 500), ALPHA_BAR)
    assert found.start is None and found.out_of_range == (1001,) and found.repeated == 1
    assert inspect((5, -3), ALPHA_BAR).last_jump is None


def test_every_grid_falls_for_every_schedule():
    for make in GRIDS.values():
        for S in (1, 10, 300, 1000):
            assert (np.diff(make(1000, S)) <= 0).all()


def test_trailing_in_floats_takes_one_step_too_many_where_rounding_leaves_a_last_0():
    times = GRIDS["trailing, in floats"](1000, 61)
    assert len(times) == 62 and times[-1] == 0
    assert sum(len(GRIDS["trailing, in floats"](1000, S)) != S for S in range(1, 1001)) == 62
