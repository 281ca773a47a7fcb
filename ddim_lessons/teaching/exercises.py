"""Exercises: ``check`` looks one up by its number, judges an answer and prints one constant line.

An exercise names the usual mistakes; each lesson's stand in ``ddim_lessons/lessons/lesson_NN/exercises.py``.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from .. import require
from .checks import to_numpy
from .progress import record
from .say import say


@dataclass(frozen=True)
class Mistake:
    """A usual wrong answer: its ``name`` ("you forgot the square root"), how it is computed, and a ``hint``."""

    name: str
    answer: Callable
    hint: str


@dataclass(frozen=True)
class Exercise:
    """A question with a right answer, the arguments on which it is tried, and the usual mistakes.

    ``truth`` and each mistake take the same arguments; an exercise that asks for a value takes none, and its
    ``cases`` are ``[()]``. Answers are numbers, arrays, or anything that ``==`` compares (sets, texts).
    """

    truth: Callable
    cases: list
    mistakes: list
    tol: float = 1e-9


def judge(exercise, answer):
    """Return (verdict, sentence) for an ``answer``, a function or a value.

    Verdicts: "open" (not attempted), "right", "known mistake", "wrong". No sentence gives the solution away.
    """
    try:  # on copies: code that works in place must not change the question
        given = [answer(*deepcopy(case)) if callable(answer) else answer for case in exercise.cases]
    except (Exception, SystemExit) as error:
        return "wrong", f"your code stopped with {type(error).__name__}: {_short(error)}"
    if any(value is None or value is Ellipsis for value in given):
        return "open", "not attempted yet: replace the ... by your answer, then run the cell again"
    try:
        return _compare(exercise, given)
    except Exception as error:  # the given value is an object that cannot be compared or shown
        return "wrong", f"not yet: your answer, of type {type(given[0]).__name__}, cannot be compared ({_short(error)})"


def _compare(exercise, given):
    """Return :func:`judge`'s answer for the values ``given`` on the exercise's cases."""
    if _agree(exercise, given, exercise.truth):
        return "right", "✓ right"
    for mistake in exercise.mistakes:
        if _agree(exercise, given, mistake.answer):
            return "known mistake", f"not yet: {mistake.name}. Hint: {mistake.hint}"
    return "wrong", _first_difference(exercise, given)


def _agree(exercise, given, formula):
    """Whether the given answers equal ``formula`` on every case."""
    return all(_equal(g, formula(*case), exercise.tol) for g, case in zip(given, exercise.cases, strict=True))


def _equal(given, expected, tol):
    """Compare numbers and arrays within a relative ``tol`` (and shape), everything else by ``==``."""
    if not _is_numeric(expected):
        return type(given) is type(expected) and given == expected
    given = _numbers(given)
    if given is None:
        return False
    expected = np.asarray(expected, dtype=float)
    if given.shape != expected.shape:
        return False
    return bool(np.all(np.abs(given - expected) <= tol * (1 + np.abs(expected))))


def _is_numeric(expected):
    """Whether a right answer is made of numbers."""
    return not isinstance(expected, str | set | frozenset | bool) and np.issubdtype(
        np.asarray(expected).dtype, np.number
    )


def _numbers(value):
    """Return an answer as an array of real numbers, or None if it is none."""
    try:
        array = np.asarray(to_numpy(value))
        return array.astype(float) if array.dtype.kind in "biufO" else None
    except (OverflowError, TypeError, ValueError):
        return None


def _first_difference(exercise, given):
    """Say where an unknown wrong answer goes wrong, without saying what is right."""
    for value, case in zip(given, exercise.cases, strict=True):
        expected = exercise.truth(*case)
        if _equal(value, expected, exercise.tol):
            continue
        found, wanted = _numbers(value), np.shape(expected)
        if _is_numeric(expected) and found is None:
            kind = type(value).__name__
            return f"not yet: your answer ({kind}) is not made of real numbers; it should have shape {wanted}"
        if _is_numeric(expected) and found.shape != wanted:
            return f"not yet: your answer has shape {found.shape}, but it should have shape {wanted}"
        where = f" for the arguments {_words(case)}" if case else ""
        return f"not yet: {_words([value])} is not right{where}, and it is none of the usual mistakes"
    return "not yet"


def _words(values):
    """Write arguments short: numbers with four digits, arrays by their first entries."""
    with np.printoptions(precision=4, threshold=6, edgeitems=2):
        return ", ".join(f"{v:.4g}" if isinstance(v, float) else _short(v) for v in values)


def _short(value):
    """Return ``str(value)`` in one line that is not too long."""
    words = " ".join(str(value).split())
    return words if len(words) <= require.SHOWN else f"{words[: require.SHOWN - 1]}…"


def choice(options, right, wrong):
    """Make the exercise "which of these?": ``right`` is one of ``options``, ``wrong`` maps others to hints."""
    require.that(right in options, "right", right, f"one of {sorted(options)}")
    mistakes = [Mistake(f"“{option}” is not it", lambda option=option: option, hint) for option, hint in wrong.items()]
    return Exercise(truth=lambda: right, cases=[()], mistakes=mistakes)


# --- looking up -----------------------------------------------------------------------------------------------------


def exercise(number):
    """Return the exercise called ``number``: "2.3" is the third of lesson 02."""
    require.that(isinstance(number, str), "number", number, "a text such as '2.3'")
    lesson, _, _ = number.partition(".")
    try:
        found = import_module(f"ddim_lessons.lessons.lesson_{int(lesson):02d}.exercises").EXERCISES
    except (ValueError, ModuleNotFoundError):
        found = {}
    require.that(
        number in found, "number", number, f"an exercise of its lesson ({', '.join(found) or 'there are none'})"
    )
    return found[number]


def check(number, answer):
    """Judge an ``answer``, a function or a value, to the exercise called ``number`` and print one line."""
    verdict, sentence = judge(exercise(number), answer)
    if verdict == "right":
        record("exercise", number)
    say(f"Exercise {number}: {sentence}")
