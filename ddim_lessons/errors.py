"""Checks of arguments; each failure is one sentence that names the argument, its value and what is allowed."""

from numbers import Integral, Real

import numpy as np


def require(condition, argument, value, allowed):
    """Raise a ``ValueError`` that reads "argument is value, but must be allowed" unless ``condition`` holds."""
    if not condition:
        raise ValueError(f"{argument} is {value!r}, but must be {allowed}")


def require_int(argument, value, low, high=None):
    """Check that ``value`` is a whole number with low ≤ value ≤ high (no upper end if ``high`` is None)."""
    allowed = f"a whole number from {low} to {high}" if high is not None else f"a whole number of at least {low}"
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    require(whole and low <= value and (high is None or value <= high), argument, value, allowed)


def require_real(argument, value, low, high=float("inf")):
    """Check that ``value`` is one finite real number with low ≤ value ≤ high."""
    allowed = f"a finite number of at least {low}" if high == float("inf") else f"a number from {low} to {high}"
    real = isinstance(value, Real) and not isinstance(value, bool)
    require(real and np.isfinite(value) and low <= value <= high, argument, value, allowed)


def require_choice(argument, value, choices):
    """Check that ``value`` is one of the named ``choices``."""
    allowed = "one of " + ", ".join(repr(choice) for choice in choices)
    require(isinstance(value, str) and value in choices, argument, value, allowed)


def require_finite(argument, array):
    """Check that a NumPy array or torch tensor holds no NaN and no infinity (one pass: their sum would show it)."""
    if not np.isfinite(float(abs(array).sum())):
        raise ValueError(f"{argument} contains NaN or infinity, but must be finite everywhere")


def require_same_shape(argument, array, other_argument, other):
    """Check that two arrays have one shape."""
    if tuple(array.shape) != tuple(other.shape):
        wanted = f"the shape of {other_argument}, {tuple(other.shape)}"
        raise ValueError(f"{argument} has shape {tuple(array.shape)}, but must have {wanted}")
