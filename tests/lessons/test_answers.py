"""Answers in all their forms: right ones are accepted, every named mistake is named, every two are told apart."""

from decimal import Decimal
from fractions import Fraction
from functools import partial
from importlib import import_module
from itertools import combinations

import numpy as np
import pytest
import sympy as sp
import torch

from ddim_lessons import split
from ddim_lessons.teaching.answers import distance, elements, letter, numbers
from ddim_lessons.teaching.exercises import Exercise, choice, judge

EXERCISES = {
    number: exercise
    for lesson in range(13)
    for number, exercise in import_module(f"ddim_lessons.lessons.lesson_{lesson:02d}.exercises").EXERCISES.items()
}
FUNCTIONS = [number for number, exercise in EXERCISES.items() if exercise.cases[0]]
APART = 1e-3  # how far two answers of a table must be apart: a thousand roundings of 32-bit numbers


def formulas(exercise):
    """The name and the formula of the truth and of every mistake."""
    return [("the truth", exercise.truth), *((name, formula) for name, formula, _ in exercise.mistakes)]


def value_of(formula, case):
    return formula(*case) if callable(formula) else formula


# --- forms: what a reader may hand over for one value ----------------------------------------------------------------


def each(kind, value):
    """A nested list of numbers with each number made a ``kind``."""
    return [each(kind, part) for part in value] if isinstance(value, list) else kind(value)


def nested(value, kind=tuple):
    return kind(nested(part, kind) for part in value) if isinstance(value, list) else value


def plain(value):
    return np.asarray(value).tolist()


def in_place(value):
    """An array, written into the one that the code made."""
    array = np.zeros(np.shape(value), dtype=np.asarray(value).dtype)
    array[...] = value
    return array


NUMBERS = {
    "as it is": lambda v: v,
    "lists": plain,
    "tuples": lambda v: nested(plain(v)),
    "an array": in_place,
    "32 bits": lambda v: np.asarray(v, dtype=np.float32),
    "NumPy scalars": lambda v: each(np.float64, plain(v)),
    "a tensor": lambda v: torch.tensor(plain(v), dtype=torch.float64),
    "a tensor of 32 bits with a gradient": lambda v: torch.tensor(plain(v), dtype=torch.float32, requires_grad=True),
    "tensors in lists": lambda v: each(partial(torch.tensor, dtype=torch.float64, requires_grad=True), plain(v)),
    "fractions": lambda v: each(Fraction, plain(v)),
    "decimals": lambda v: each(Decimal, plain(v)),
    "SymPy's numbers": lambda v: each(lambda x: sp.Rational(str(Fraction(x))), plain(v)),
}
TEXTS = {
    "as it is": lambda v: v,
    "small": str.lower,
    "large, with blanks": lambda v: f"  {v.upper()}\n",
    "in brackets": lambda v: f"({v})",
    "half in brackets": lambda v: f"{v.lower()})",
    "with a full stop": lambda v: f"{v}.",
    "full width": lambda v: "".join(chr(ord(c) + 0xFEE0) if c > " " else c for c in v),
    "in a sentence": lambda v: f"The answer is {v}.",
    "in a list": lambda v: [v],
    "in a set": lambda v: {v.lower()},
    "a NumPy text": np.array,
    "as short as it gets": lambda v: v.split()[-1].lower(),
    "a number": lambda v: int(v.split()[-1]) if v[-1].isdigit() else v,
    "a tensor": lambda v: torch.tensor(float(v.split()[-1])) if v[-1].isdigit() else v,
}
SETS = {
    "as it is": lambda v: v,
    "a frozen set": frozenset,
    "a list": sorted,
    "a tuple, turned round": lambda v: tuple(sorted(v, reverse=True)),
    "a set of other numbers or letters": lambda v: set(map(loosely, v)),
    "an array": lambda v: np.array(sorted(v)),
    "lists in a list": lambda v: [list(part) if isinstance(part, tuple) else part for part in v],
    "the keys of a dict": lambda v: dict.fromkeys(v).keys(),
    "a tensor": lambda v: v if any(isinstance(part, str) for part in v) else torch.tensor(sorted(v)),
}


def loosely(part):
    """An element, written otherwise."""
    if isinstance(part, tuple):
        return tuple(map(loosely, part))
    return f" {part.lower()}." if isinstance(part, str) else float(part)


def forms(exercise):
    """The forms that answers to an exercise may have."""
    truth = value_of(exercise.truth, exercise.cases[0])
    return TEXTS if isinstance(truth, str) else SETS if isinstance(truth, set) else NUMBERS


def answers(exercise, formula):
    """(form, an answer of that form) for a formula: a function where one is asked for, else a value or a function."""
    for form, change in forms(exercise).items():
        if exercise.cases[0]:
            yield form, lambda *case, change=change: change(value_of(formula, case))
        else:
            yield form, change(formula)
            yield f"{form}, from a function", lambda change=change: change(formula)
    if exercise.cases[0]:
        yield "computed in 32 bits", lambda *case: value_of(formula, [single(part) for part in case])


def single(part):
    """An argument in 32 bits."""
    is_float = isinstance(part, float) or isinstance(part, np.ndarray) and part.dtype.kind == "f"
    return np.float32(part) if is_float else part


@pytest.mark.parametrize("number", EXERCISES)
def test_right_answers_and_named_mistakes_are_known_in_every_form(number):
    exercise = EXERCISES[number]
    for name, formula in formulas(exercise):
        seen = list(answers(exercise, formula))
        assert len(seen) >= 5
        for form, answer in seen:
            verdict, sentence = judge(exercise, answer)
            if name == "the truth":
                assert verdict == "right", f"right, but {form}: {sentence}"
            else:
                assert verdict == "known mistake" and name in sentence, f"“{name}”, but {form}: {sentence}"


@pytest.mark.parametrize("number", FUNCTIONS)
def test_numbers_of_16_bits_are_told_by_what_they_are_nearest_to(number):
    exercise = EXERCISES[number]
    for name, formula in formulas(exercise):
        if np.asarray(value_of(formula, exercise.cases[0])).dtype.kind == "f":  # a time or a count must be met
            verdict, sentence = judge(exercise, lambda *case: short(value_of(formula, case)))  # noqa: B023
            found = verdict == "right" and "rounding" in sentence if name == "the truth" else name in sentence
            assert found, f"{name}: {sentence}"


def short(value):
    return torch.tensor(plain(value), dtype=torch.bfloat16)


# --- cases: what they must tell apart --------------------------------------------------------------------------------


def too_near(exercise):
    """The pairs of the truth and the mistakes that differ by less than ``APART`` on every case."""
    values = {name: [value_of(formula, case) for case in exercise.cases] for name, formula in formulas(exercise)}
    assert len(values) == len(formulas(exercise)), "two mistakes have one name"
    return [
        (one, other)
        for one, other in combinations(values, 2)
        if max(map(distance, values[one], values[other])) < APART
        or max(map(distance, values[other], values[one])) < APART
    ]


@pytest.mark.parametrize("number", EXERCISES)
def test_the_truth_and_all_mistakes_differ_from_one_another_on_some_case(number):
    assert too_near(EXERCISES[number]) == []


def test_two_formulas_that_the_cases_cannot_tell_apart_are_noticed():
    mistakes = [("squared", lambda x: x**2, ""), ("cubed", lambda x: x**3, "")]
    assert too_near(Exercise(lambda x: x, [(0.0,), (1.0,)], mistakes)) == [
        ("the truth", "squared"), ("the truth", "cubed"), ("squared", "cubed"),
    ]  # fmt: skip
    assert too_near(Exercise(lambda x: x, [(0.0,), (-1.0,)], mistakes)) == [("the truth", "cubed")]
    assert too_near(Exercise({1}, [()], [("a", {1, 2}, ""), ("b", {2, 1}, "")])) == [("a", "b")]


@pytest.mark.parametrize("number", EXERCISES)
def test_every_formula_is_finite_and_real_on_every_case(number):
    for name, formula in formulas(EXERCISES[number]):
        for case in EXERCISES[number].cases:
            value = value_of(formula, case)
            assert isinstance(value, set | str) or np.isfinite(np.asarray(value, dtype=float)).all(), (name, case)


@pytest.mark.parametrize("number", FUNCTIONS)
def test_no_constant_is_right_and_three_cases_have_answers_of_their_own(number):
    exercise = EXERCISES[number]
    truths = [value_of(exercise.truth, case) for case in exercise.cases]
    different = []
    for truth in truths:
        assert judge(exercise, lambda *_, truth=truth: truth)[0] != "right"
        if all(distance(truth, other) > APART for other in different):
            different.append(truth)
    assert len(different) >= 3


# --- what is said to other answers -----------------------------------------------------------------------------------

HALF = Exercise(lambda x: x / 2, [(1.0,), (2.0,), (5.0,)], [("you doubled", lambda x: 2 * x, "half of 2 is 1.")])
PAIR = Exercise((3, 2), [()], [])
SET = Exercise({2, 3}, [()], [])
LINES = choice("line 2", {"line 1": "look lower.", "line 3": "look higher."})


@pytest.mark.parametrize(
    "exercise, answer, fragment",
    [
        (HALF, None, "not attempted yet"),
        (HALF, ..., "not attempted yet"),
        (HALF, lambda x: ..., "not attempted yet"),
        (Exercise(lambda: (1, 2), [()], []), (1, ...), "not attempted yet"),
        (HALF, lambda x: None, "your function returns nothing: is a `return` missing?"),
        (HALF, lambda x: x / 2 if x < 3 else None, "returns nothing for the arguments 5: is a `return` missing?"),
        (HALF, lambda x: print(x / 2), "prints and returns nothing: write `return` where `print` stands"),
        (HALF, 0.5, "a function is asked for, not a value"),
        (HALF, lambda x: True, "your answer (bool) is not made of real numbers"),
        (HALF, lambda x: x / 2 + 1e-5, "none of the usual mistakes"),
        (HALF, lambda x: [x / 2], "has shape (1,), but it should have shape ()"),
        (PAIR, {3, 2}, "a set has no order"),
        (PAIR, (True, 2), "is not made of real numbers"),
        (PAIR, (3, 2.001), "none of the usual mistakes"),
        (PAIR, ("3", "2"), "is not made of real numbers"),
        (SET, [2, 3, 3], "should be a set, each element once"),
        (SET, True, "should be a set, each element once"),
        (SET, {2: "two", 3: "three"}, "should be a set, each element once"),
        (SET, 2, "2 is not right"),
        (SET, "2 and 3", "✓ right"),
        (SET, range(2, 4), "✓ right"),
        (LINES, 1, "“line 1” is not it. Hint: look lower."),
        (LINES, "4", "answer with one of line 1, line 2, line 3"),
        (LINES, -2, "answer with one of line 1"),
        (LINES, 2.5, "answer with one of line 1"),
        (LINES, True, "answer with one of line 1"),
        (LINES, ["line 2", "line 3"], "answer with one of line 1"),
    ],
)
def test_what_is_said(exercise, answer, fragment):
    assert fragment in judge(exercise, answer)[1]


def test_what_a_function_prints_is_seen_and_does_not_matter(capsys):
    def talks(x):
        print("x is", x)
        return x / 2

    assert judge(HALF, talks)[0] == "right" and capsys.readouterr().out.splitlines()[0] == "x is 1.0"


def test_rounding_of_32_bits_is_accepted_and_said():
    rough = judge(HALF, lambda x: np.float32(x) / np.float32(2) * (1 + 1e-6))
    assert rough == ("right", "✓ right, within the rounding of 32-bit or shorter numbers")


def test_sets_are_handed_over_as_the_text_shows_them_and_may_be_read_by_index():
    ends = Exercise(lambda A: max(A) - min(A), [({2, 5, 8},), ({1, 4},), ({3},)], [])
    assert judge(ends, lambda A: max(A | {0}) - min(A))[0] == "right"
    assert judge(ends, lambda A: A[-1] - A[0])[0] == "right"
    assert judge(ends, lambda A: A.index(max(A)) + A.count(0))[0] == "wrong"
    assert "TypeError" in judge(HALF, lambda x: x[0])[1]


def test_the_covariance_of_exercise_3_3_is_the_joint_s():
    for alpha_bar, A, s, t, eta in EXERCISES["3.3"].cases:
        joint = split.joint(split.chain_and_star(len(alpha_bar) - 1, A), alpha_bar, eta)[1]
        assert EXERCISES["3.3"].truth(alpha_bar, A, s, t, eta) == pytest.approx(joint[s, t], abs=1e-12)


def test_the_forms_of_one_answer():
    assert {letter(form) for form in ("Line 4", 4, 4.0, "(4)", "line4", np.int64(4), "第 4 行", ["4"])} == {"4"}
    assert {letter(form) for form in (True, None, b"4", 4j, [], ["4", "5"], "")} == {None}
    assert elements([(1, 0), [2, 1]]) == elements({(2.0, 1), (1, 0)}) and elements({(1, 0)}) != elements({(0, 1)})
    for nothing in (
        True,
        [True, 2.0],
        "1",
        ["1"],
        1j,
        {1},
        {},
        None,
        np.array([True, 2], object),
        10**400,
        sp.Symbol("x"),
    ):
        assert numbers(nothing) is None, nothing
    assert numbers([Fraction(1, 2), torch.tensor(0.25, dtype=torch.bfloat16)]).tolist() == [0.5, 0.25]
    assert distance(np.nan, 1.0) == distance([1.0], 1.0) == np.inf and distance(2.0, 1.0) == 0.5
