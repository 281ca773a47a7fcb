"""Exercises: ``check`` looks one up by its number, judges an answer and prints one constant line.

An exercise names the usual mistakes; each lesson's stand in ``ddim_lessons/lessons/lesson_NN/exercises.py``.
"""

from contextlib import redirect_stdout
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from io import StringIO

import numpy as np

from .. import require
from .answers import EXACT, distance, misfit, rounding
from .checks import to_numpy
from .progress import record
from .say import say


@dataclass(frozen=True)
class Exercise:
    """A question with a right answer, the arguments on which it is tried, and the usual mistakes.

    ``truth`` is a function of the arguments, or a value where one is asked for; then ``cases`` is [()]. A mistake is
    a triple: its name ("you forgot the square root"), what it answers, a function or a value, and a hint. Answers are
    numbers, arrays or tuples of them, sets, or texts (:mod:`.answers`).
    """

    truth: object
    cases: list
    mistakes: list


def judge(exercise, answer):
    """Return (verdict, sentence) for an ``answer``, a function or a value.

    Verdicts: "open" (not attempted), "right", "known mistake", "wrong". No sentence gives the solution away.
    """
    if answer is None or answer is Ellipsis:
        return "open", "not attempted yet: replace the ... by your answer, then run the cell again"
    printed, given = StringIO(), []
    try:
        with redirect_stdout(printed):
            for case in exercise.cases:
                given.append(answer_to(answer, case))
    except (Exception, SystemExit) as error:
        return "wrong", _stopped(error, exercise.cases[len(given)])
    finally:
        say(printed.getvalue(), end="")
    if any(part is Ellipsis for value in given for part in (value if isinstance(value, list | tuple) else [value])):
        return judge(exercise, ...)
    if any(value is None for value in given):
        return "wrong", _without_return(exercise, given, printed.getvalue())
    try:
        verdict, sentence = _compare(exercise, given)
        if verdict == "wrong" and exercise.cases[0] and not callable(answer):
            sentence = "not yet: a function is asked for, not a value: hand over its name, as the stub does"
        return verdict, sentence
    except Exception as error:  # the given value is an object that cannot be compared or shown
        return "wrong", f"not yet: your answer, of type {type(given[0]).__name__}, cannot be compared ({_short(error)})"


def answer_to(answer, case):
    """Return an answer to a case, on copies: code that works in place must not change the question.

    The text hands over sets as sets; code that reads them by index gets them as rising tuples.
    """
    if not callable(answer):
        return answer
    try:
        return answer(*deepcopy(case))
    except (AttributeError, TypeError):
        if not any(isinstance(part, set) for part in case):
            raise
        return answer(*(tuple(sorted(part)) if isinstance(part, set) else deepcopy(part) for part in case))


def _stopped(error, case):
    """Say what stopped the reader's code, and what usually helps where two shapes do not line up."""
    words = f"not yet: your code stopped with {type(error).__name__}{_for(case)}: {_short(error)}"
    if not any(part in str(error) for part in ("must match the size of tensor", "could not be broadcast")):
        return words
    return f"{words}. Does one value for each point, shape (n,), need a column, `[:, None]`, beside coordinates (n, 2)?"


def _without_return(exercise, given, printed):
    """Say that a function returned nothing: always, or for one of the cases."""
    if printed:
        return "not yet: your function prints and returns nothing: write `return` where `print` stands"
    case = next(case for value, case in zip(given, exercise.cases, strict=True) if value is None)
    where = "" if all(value is None for value in given) else _for(case)
    return f"not yet: your function returns nothing{where}: is a `return` missing?"


def _compare(exercise, given):
    """Return :func:`judge`'s answer for the values ``given`` on the exercise's cases: what they are nearest to."""
    formulas = [exercise.truth, *(formula for _, formula, _ in exercise.mistakes)]
    off = [max(map(distance, given, (answer_to(f, case) for case in exercise.cases))) for f in formulas]
    nearest = int(np.argmin(off))
    if not off[nearest] <= rounding(given):
        return "wrong", _first_difference(exercise, given)
    if nearest == 0:
        return "right", "✓ right" if off[0] <= EXACT else "✓ right, within the rounding of 32-bit or shorter numbers"
    name, _, hint = exercise.mistakes[nearest - 1]
    return "known mistake", f"not yet: {name}. Hint: {hint}"


def _first_difference(exercise, given):
    """Say where an unknown wrong answer goes wrong, without saying what is right."""
    tried = ((value, case, answer_to(exercise.truth, case)) for value, case in zip(given, exercise.cases, strict=True))
    value, case, expected = next(row for row in tried if distance(row[0], row[2]) > rounding(given))
    options = sorted([exercise.truth, *(formula for _, formula, _ in exercise.mistakes)], key=str)
    if sentence := misfit(value, expected, options, _for(case)):
        return f"not yet: {sentence}"
    return f"not yet: {_shown([value])} is not right{_for(case)}, and it is none of the usual mistakes"


def _for(case):
    """Name the arguments of a case, if it has any."""
    return f" for the arguments {_shown(case)}" if case else ""


def _shown(values):
    """Write arguments short: numbers with four digits, arrays and tensors by their first entries."""
    values = map(to_numpy, values)
    with np.printoptions(precision=4, threshold=6, edgeitems=2):
        return ", ".join(map(_word, values))


def _word(value):
    """Write one argument, or a tuple of them."""
    if isinstance(value, tuple):
        return f"({_shown(value)})"
    return f"{value:.4g}" if isinstance(value, float) else _short(getattr(value, "__name__", value))


def _short(value):
    """Return ``str(value)`` in one line that is not too long."""
    words = " ".join(str(value).split())
    return words if len(words) <= require.SHOWN else f"{words[: require.SHOWN - 1]}…"


def choice(right, wrong):
    """Make the exercise "which of these?": ``wrong`` maps every option that is not the ``right`` one to its hint."""
    return Exercise(right, [()], [(f"“{option}” is not it", option, hint) for option, hint in wrong.items()])


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


def check(number, answer, full=True):
    """Judge an ``answer``, a function or a value, to the exercise called ``number`` and print one line.

    Without ``full`` the line says whether it is right, not what is wrong with it.
    """
    verdict, sentence = judge(exercise(number), answer)
    if not full and verdict in ("known mistake", "wrong"):
        sentence = "not yet"
    if verdict == "right":
        record("exercise", number)
    say(f"Exercise {number}: {sentence}")
