"""Whatever numbers are written in, the answer is that of float64, up to the rounding of what they are written in; or
it is one sentence that names the argument."""

import re

import numpy as np
import pytest
from sweeps import (
    CALLS,
    NOT_THERE,
    WRITTEN,
    arrays_of,
    as_in_the_table,
    difference,
    is_sentence,
    numbers,
    precision,
    put,
    results,
)
from test_misuse import NAMES

# what a sentence calls an argument otherwise
SAID = {"alpha_bar": r"ᾱ|alpha_bar", "parts": "samples"}


def bases(value):
    """The argument of the table as float64, and in whole numbers that nearly fill eight bits."""
    value = numbers(value)
    return [value, np.round(value * 100)]


@pytest.mark.parametrize("name", NAMES)
def test_one_argument_written_another_way(name):
    function, bad = NAMES[name], []
    for path, value in arrays_of(CALLS[function]):
        for base in bases(value):
            for way, write in WRITTEN.items():
                with np.errstate(all="ignore"):
                    written = write(base)
                    same = as_in_the_table(value, numbers(written))
                right = results(function, put(CALLS[function], path, same))
                other = results(function, put(CALLS[function], path, written))
                wrong = difference(right, other, precision(way))
                bad += [f"{path} = {way}: {wrong}"] if wrong else []
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("name", NAMES)
def test_numbers_that_are_not_there_are_no_numbers(name):
    function, bad = NAMES[name], []
    for path, value in arrays_of(CALLS[function]):
        for way, write in NOT_THERE.items():
            other = results(function, put(CALLS[function], path, write(numbers(value))))
            named = is_sentence(other) and re.search(SAID.get(path[0], path[0]), str(other))
            bad += [] if named else [f"{path} = {way}: {other!r}"]
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("name", [name for name in NAMES if len(list(arrays_of(CALLS[NAMES[name]]))) > 1])
def test_each_argument_written_its_own_way(name):
    function, bad, choose = NAMES[name], [], np.random.default_rng(0)
    for _ in range(30):
        right, other, ways = CALLS[function], CALLS[function], []
        for path, value in arrays_of(CALLS[function]):
            ways.append(str(choose.choice(list(WRITTEN))))
            with np.errstate(all="ignore"):
                written = WRITTEN[ways[-1]](numbers(value))
                right = put(right, path, as_in_the_table(value, numbers(written)))
            other = put(other, path, written)
        wrong = difference(results(function, right), results(function, other), max(map(precision, ways)))
        bad += [f"{ways}: {wrong}"] if wrong else []
    assert not bad, "\n".join(bad)
