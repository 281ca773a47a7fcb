"""Checks of a lesson's equations and sentences: ``verify``, ``verify_mean``, ``verify_true``, ``claim``.

Each prints one constant line, so that a notebook's output is the same on every machine, or raises. ``on_purpose`` shows
what a check says to something wrong.
"""

from contextlib import contextmanager

import numpy as np

from .. import require
from ..metrics import standard_error
from .progress import record
from .say import say


class EquationError(AssertionError):
    """A numbered equation does not hold."""


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
    left, right = (require.real_array(*side) for side in named)
    tol = require.real("tol", tol, 0)
    _verify_numbers(equation, left, right, tol)
    count = np.broadcast(left, right).size
    _passed(equation, f"{'both sides agree' if count == 1 else f'{count:,} values agree'} to {tol:g}")


def verify_mean(equation, draws, expected, sigmas=5):
    """Check an expectation by Monte Carlo: the mean of ``draws`` over axis 0 within ``sigmas`` standard errors.

    Prints one line, or raises ``EquationError`` with the deviation in standard errors.
    """
    draws, expected = require.real_array("draws", draws), require.real_array("expected", expected)
    require.whole("the number of draws", draws.shape[0] if draws.ndim else 0, 2)
    sigmas = require.real("sigmas", sigmas, 0)
    means = draws.shape[1:]
    require.that(expected.shape in ((), means), "expected's shape", expected.shape, f"{means}, that of one draw, or ()")
    require.that(draws.size > 0, "draws' shape", draws.shape, "not empty")
    with np.errstate(divide="ignore", invalid="ignore"):  # draws that are all alike, and NaN, are off by more
        deviation = np.max(np.abs(draws.mean(axis=0) - expected) / standard_error(draws))
    if not deviation <= sigmas:
        raise EquationError(
            f"({equation}) does not hold: the mean of {len(draws):,} draws is {deviation:.1f} standard errors off"
        )
    _passed(equation, f"the mean of {len(draws):,} draws is within {sigmas:g} standard errors")


def verify_true(equation, statement, condition):
    """Check a numbered formula that is no equality, such as a bound: ``condition`` must be true everywhere."""
    if not _holds(condition):
        raise EquationError(f"({equation}) does not hold: it is not true that {statement}")
    _passed(equation, statement)


def _passed(equation, words):
    """Note for the reader's progress that an equation holds, and say so."""
    record("equation", equation)
    say(f"✓ ({equation}) {words}")


def claim(statement, condition):
    """Check a sentence of a lesson that has no number: print it if ``condition`` is true everywhere, else raise."""
    if not _holds(condition):
        raise AssertionError(f"it is not true that {statement}")
    say(f"✓ {statement}")


@contextmanager
def on_purpose():
    """Break something on purpose: the check inside must fail; its sentence is printed, and the cell goes on."""
    try:
        yield
    except AssertionError as error:
        say(f"✗ {error}")
    else:
        raise AssertionError("this was to fail on purpose, and it holds")


def _holds(condition):
    """Whether a condition is true everywhere; it must say yes or no (NaN would count as true), and of something."""
    answers = np.asarray(bool(condition) if _is_symbolic(condition) else to_numpy(condition))
    require.that(answers.dtype == bool, "the condition", condition, "True, False, or an array of these")
    require.that(answers.size > 0, "the condition", condition, "about at least one value")
    return answers.all()


def _is_symbolic(value):
    return type(value).__module__.partition(".")[0] == "sympy"


def to_numpy(value):
    """Bring a torch tensor to NumPy, its floats in 64 bits (bfloat16 has no NumPy form); nothing may be masked."""
    require.there("a value", value)
    if not require.is_tensor(value):
        return value
    value = value.detach().cpu()
    return (value.double() if value.is_floating_point() else value).numpy()


def _verify_symbols(equation, left, right):
    """Raise unless left − right simplifies to 0; a ``** 0.5`` of the package counts as a square root."""
    import sympy

    try:
        left, right = (sympy.sympify(side, strict=True) for side in (left, right))  # strict: no text is evaluated
    except sympy.SympifyError as error:
        require.that(False, "a side of the equation", error.expr, "a SymPy expression or a number, like the other side")
    difference = sympy.nsimplify(left - right, rational=True)
    for simplify in (sympy.expand, sympy.simplify, sympy.radsimp, lambda d: sympy.simplify(sympy.expand(d))):
        difference = simplify(difference)
        if difference == 0:
            return
    raise EquationError(f"({equation}) does not hold: left − right is {difference}, not 0")


def _verify_numbers(equation, left, right, tol):
    """Raise unless the arrays broadcast, are finite and agree within tol · (1 + |right|)."""
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
