"""Checks for readers: ``verify`` for numbered equations, ``check`` for exercises.

Both print one constant line, so that a notebook's output is the same on every machine.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from .errors import SHOWN, real_array, require, require_int, require_real
from .metrics import standard_error
from .progress import record


class EquationError(AssertionError):
    """A numbered equation does not hold."""


# --- equations ---------------------------------------------------------------------------------------------------


def verify(equation, left, right, tol=1e-12):
    """Check the numbered ``equation``, such as "1.3": ``left`` = ``right``.

    SymPy expressions must have a difference that simplifies to 0; numbers and arrays must agree everywhere within
    ``tol`` · (1 + |right|). Prints one line, or raises ``EquationError`` with the difference.
    """
    if _is_symbolic(left) or _is_symbolic(right):
        _verify_symbols(equation, left, right)
        _passed(equation, "left − right simplifies to 0")
        return
    named = {"the left side": left, "the right side": right}.items()
    left, right = (real_array(name, _to_numpy(side)).astype(float) for name, side in named)
    _verify_numbers(equation, left, right, tol)
    count = np.broadcast(left, right).size
    _passed(equation, f"{'both sides agree' if count == 1 else f'{count:,} values agree'} to {tol:g}")


def verify_mean(equation, draws, expected, sigmas=5):
    """Check an expectation by Monte Carlo: the mean of ``draws`` over axis 0 within ``sigmas`` standard errors.

    Prints one line, or raises ``EquationError`` with the deviation in standard errors.
    """
    draws, expected = real_array("draws", _to_numpy(draws)), real_array("expected", _to_numpy(expected))
    require_int("the number of draws", draws.shape[0] if draws.ndim else 0, 2)
    require_real("sigmas", sigmas, 0)
    means = draws.shape[1:]
    require(expected.shape in ((), means), "expected's shape", expected.shape, f"{means}, that of one draw, or ()")
    require(draws.size > 0, "draws' shape", draws.shape, "not empty")
    with np.errstate(divide="ignore", invalid="ignore"):  # draws that are all alike, and NaN, are off by more
        deviation = np.max(np.abs(draws.mean(axis=0) - expected) / standard_error(draws))
    if not deviation <= sigmas:
        raise EquationError(
            f"({equation}) does not hold: the mean of {len(draws):,} draws is {deviation:.1f} standard errors off"
        )
    _passed(equation, f"the mean of {len(draws):,} draws is within {sigmas} standard errors")


def verify_true(equation, statement, condition):
    """Check a numbered formula that is no equality, such as a bound: ``condition`` must be true everywhere."""
    if not _holds(condition):
        raise EquationError(f"({equation}) does not hold: it is not true that {statement}")
    _passed(equation, statement)


def _passed(equation, words):
    """Say that an equation holds, and note it for the reader's progress."""
    print(f"✓ ({equation}) {words}")
    record("equation", equation)


def claim(statement, condition):
    """Check a sentence of a lesson that has no number: print it if ``condition`` is true everywhere, else raise."""
    if not _holds(condition):
        raise AssertionError(f"it is not true that {statement}")
    print(f"✓ {statement}")


def _holds(condition):
    """Whether a condition is true everywhere; it must say yes or no (NaN would count as true), and of something."""
    answers = np.asarray(bool(condition) if _is_symbolic(condition) else _to_numpy(condition))
    require(answers.dtype == bool, "the condition", condition, "True, False, or an array of these")
    require(answers.size > 0, "the condition", condition, "about at least one value")
    return answers.all()


def _is_symbolic(value):
    return type(value).__module__.partition(".")[0] == "sympy"


def _to_numpy(value):
    """Bring a torch tensor to NumPy; leave everything else."""
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value


def _verify_symbols(equation, left, right):
    """Raise unless left − right simplifies to 0; a ``** 0.5`` of the package counts as a square root."""
    import sympy

    try:
        left, right = (sympy.sympify(side, strict=True) for side in (left, right))  # strict: no text is evaluated
    except sympy.SympifyError as error:
        require(False, "a side of the equation", error.expr, "a SymPy expression or a number, like the other side")
    difference = sympy.nsimplify(left - right, rational=True)
    for simplify in (sympy.expand, sympy.simplify, sympy.radsimp, lambda d: sympy.simplify(sympy.expand(d))):
        difference = simplify(difference)
        if difference == 0:
            return
    raise EquationError(f"({equation}) does not hold: left − right is {difference}, not 0")


def _verify_numbers(equation, left, right, tol):
    """Raise unless the arrays broadcast, are finite and agree within tol · (1 + |right|)."""
    require_real("tol", tol, 0)
    try:
        with np.errstate(invalid="ignore"):  # ∞ − ∞ is NaN, which is not "at most 0"
            excess = np.abs(left - right) - tol * (1 + np.abs(right))
    except ValueError:
        raise EquationError(f"({equation}): the sides have shapes {left.shape} and {right.shape}") from None
    if excess.size == 0:
        raise EquationError(f"({equation}) compares nothing: the sides are empty")
    if not np.all(excess <= 0):
        worst = np.unravel_index(np.argmax(np.where(np.isnan(excess), np.inf, excess)), excess.shape)
        left, right = np.broadcast_arrays(left, right)
        raise EquationError(
            f"({equation}) does not hold: {left[worst]:.6g} on the left, {right[worst]:.6g} on the right"
        )


# --- exercises ---------------------------------------------------------------------------------------------------


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
        array = np.asarray(_to_numpy(value))
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
    return words if len(words) <= SHOWN else f"{words[: SHOWN - 1]}…"


def choice(options, right, wrong):
    """Make the exercise "which of these?": ``right`` is one of ``options``, ``wrong`` maps others to hints."""
    require(right in options, "right", right, f"one of {sorted(options)}")
    mistakes = [Mistake(f"“{option}” is not it", lambda option=option: option, hint) for option, hint in wrong.items()]
    return Exercise(truth=lambda: right, cases=[()], mistakes=mistakes)
