"""A number of NumPy's or torch's is taken as Python's of the same value, or refused in a sentence: none keeps its few
bits inside, none spoils a file of JSON."""

import pytest
from sweeps import CALLS, NO_NUMBERS, NUMBERS, difference, is_sentence, numbers_of, results, same_number
from test_misuse import FREE, NAMES

from ddim_lessons import require


@pytest.mark.parametrize("name", NAMES)
def test_a_number_of_another_kind_is_the_same_number(name):
    function, bad = NAMES[name], []
    for argument in numbers_of(CALLS[function]):
        value = CALLS[function][argument]
        for kind, make in NUMBERS.items():
            other = same_number(value, make)
            if other is not None:
                plain = type(value)(require.plain(other))
                right = results(function, CALLS[function] | {argument: plain})
                wrong = difference(right, results(function, CALLS[function] | {argument: other}), 1e-12)
                bad += [f"{argument} = {kind}: {wrong}"] if wrong else []
    assert not bad, "\n".join(bad)


# where an array is as good as a number: of truth values, or with an axis that broadcasts
ARRAYS = {("sample", "x0"), ("GaussianMixture", "std"), ("verify", "left"), ("verify", "right")}
ARRAYS |= {("verify_mean", "expected"), ("noisy_boxes", "alpha_bar_t")}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_number_is_refused(name):
    function, bad = NAMES[name], []
    for argument in numbers_of(CALLS[function]):
        for what, value in NO_NUMBERS.items():
            array = (name, argument) in ARRAYS and what in ("np.True_", "one number in an axis")
            if (name, argument) not in FREE and not array:
                found = results(function, CALLS[function] | {argument: value})
                bad += [] if is_sentence(found) else [f"{argument} = {what}: {found!r}"]
    assert not bad, "\n".join(bad)
