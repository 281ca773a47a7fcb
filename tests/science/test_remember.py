"""The bounded cache: it remembers, it counts bytes, it drops the longest unused, and it never exceeds its bound."""

from typing import NamedTuple

import numpy as np
import pytest
import torch

from ddim_lessons.remember import nbytes, remember


class Result(NamedTuple):
    paths: np.ndarray
    distance: float


def counted(megabytes):
    """A cached function that returns an array of n bytes and notes each real call."""
    calls = []

    @remember(megabytes=megabytes)
    def make(n, seed=0):
        calls.append(n)
        return Result(np.zeros(n, dtype=np.uint8), 1.5)

    return make, calls


def test_a_second_call_is_remembered_and_is_the_same_object():
    make, calls = counted(1)
    assert make(10) is make(10) and calls == [10]
    assert make(10, 1) is not make(10) and calls == [10, 10]


def test_the_longest_unused_goes_first_and_the_bound_holds():
    make, calls = counted(1)
    for n in (400_000, 300_000, 400_000, 500_000):  # 400 kB is used again, so 300 kB goes
        make(n)
        assert make.megabytes() <= 1
    make(400_000)
    assert calls == [400_000, 300_000, 500_000]
    make(300_000)
    assert calls[-1] == 300_000


def test_a_result_larger_than_the_bound_is_returned_and_not_kept():
    make, calls = counted(0.1)
    assert len(make(200_000).paths) == 200_000 and make.megabytes() == 0
    make(200_000)
    assert calls == [200_000, 200_000]


def test_clear_forgets():
    make, calls = counted(1)
    make(10)
    make.clear()
    make(10)
    assert calls == [10, 10]


def test_bytes_of_nested_results():
    array = np.zeros((3, 4))
    assert nbytes((array, [torch.zeros(5), 1, "text"], {"a": array})) == 96 + 20 + 96


def test_bad_bounds_are_told():
    with pytest.raises(ValueError, match="megabytes is -1, but must be a finite number of at least 0"):
        remember(megabytes=-1)
    with pytest.raises(ValueError, match="results is 0, but must be a whole number of at least 1"):
        remember(0)
    with pytest.raises(ValueError, match=r"\(results, megabytes\) is \(None, None\), but must be a bound at least"):
        remember()


def test_what_is_remembered_cannot_be_changed_by_a_slip():
    make, _ = counted(1)
    made = remember(2)(lambda n, scale=1: {"paths": [np.ones(n) * scale], "words": "as they are"})
    for array in (make(3).paths, made(3)["paths"][0], made(3, scale=2)["paths"][0]):
        with pytest.raises(ValueError, match="read-only"):
            array *= 2
    assert made(3, scale=2) is made(3, scale=2) is not made(3)


def test_the_newest_results_are_kept_and_what_is_no_key_is_asked_again():
    calls = []
    make = remember(results=2)(lambda n: calls.append(n) or n)
    for n in (1, 2, 1, 3, 1, 2):  # 1 is used again, so 2 goes
        assert make(n) == n
    assert calls == [1, 2, 3, 2]
    assert make([4]) == make([4]) == [4] and calls[4:] == [[4], [4]]


def test_a_generator_is_run_to_its_end_or_in_slices():
    ran = []

    @remember(results=2)
    def walk(steps):
        for k in range(steps):
            ran.append(k)
            yield k / steps
        return np.ones(steps)

    assert list(walk.slices(3)) == [0, 1 / 3, 2 / 3] and ran == [0, 1, 2]
    assert walk(3).sum() == 3 and ran == [0, 1, 2] and not walk(3).flags.writeable
    assert walk(2).sum() == 2 and list(walk.slices(2)) == []
    stopped = walk.slices(5)
    next(stopped)
    stopped.close()
    assert walk(5).sum() == 5, "half a walk is not kept"
