"""Checks of arguments; each failure is one sentence that names the argument, its value and what is allowed.

from . import require
require.whole("T", T, 1)    # T is 0, but must be a whole number of at least 1
"""

from numbers import Integral, Real

import numpy as np

SHOWN = 160  # characters of a value that an error shows
LARGEST = 1e150  # of a number: its square is finite too
MANY = 100_000_000  # of anything: more is a slip of the finger that would fill the memory or never end


def that(condition, argument, value, allowed):
    """Raise a ``ValueError`` that reads "argument is value, but must be allowed" unless ``condition`` holds."""
    if not condition:
        refuse(argument, value, allowed)


def refuse(argument, value, allowed):
    """Raise the ``ValueError`` of :func:`that`: for conditions that are asked often, whose words would cost time."""
    shown = repr(value)
    shown = shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 1]}…"
    raise ValueError(f"{argument} is {shown}, but must be {allowed}")


def whole(argument, value, low, high=None):
    """Check that ``value`` is a whole number with low ≤ value ≤ high (no upper end if ``high`` is None)."""
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not (is_whole and low <= value and (high is None or value <= high)):
        ends = f"of at least {low}" if high is None else f"from {low} to {high}"
        refuse(argument, value, f"a whole number {ends}")


def real(argument, value, low, high=float("inf")):
    """Check that ``value`` is one finite real number with low ≤ value ≤ high; its square must be finite too."""
    is_real = isinstance(value, Real) and not isinstance(value, bool)
    if not (is_real and low <= value <= min(high, LARGEST)):
        endless, ends = f"a finite number of at least {low}", f"a number from {low} to {high}"
        refuse(argument, value, endless if high == float("inf") else ends)


def choice(argument, value, choices):
    """Check that ``value`` is one of the named ``choices``."""
    allowed = "one of " + ", ".join(repr(choice) for choice in choices)
    that(isinstance(value, str) and value in choices, argument, value, allowed)


def sequence(argument, value, allowed):
    """Check that ``value`` has a length and an order: a list, tuple, range or array, but no text."""
    ordered = hasattr(value, "__len__") and hasattr(value, "__getitem__") and getattr(value, "ndim", 1) > 0
    that(ordered and not isinstance(value, str | dict), argument, value, allowed)


def function(argument, value, signature):
    """Check that ``value`` can be called as ``signature`` says, such as "(x, t) -> ε̂"."""
    that(callable(value), argument, value, f"a function {signature}")


def rng(rng):
    """Check that ``rng`` draws like a NumPy generator."""
    that(hasattr(rng, "standard_normal"), "rng", rng, "a NumPy generator such as np.random.default_rng(0)")


def seed(seed):
    """Check that ``seed`` is a whole number that seeds NumPy's and torch's generators."""
    whole("seed", seed, 0, 2**63 - 1)


def array(argument, values, kinds=("float", "int")):
    """Check that ``values`` is a NumPy array or torch tensor whose dtype is of one of the ``kinds``."""
    dtype = str(getattr(values, "dtype", ""))
    is_real = hasattr(values, "shape") and any(kind in dtype for kind in kinds)
    words = "floating-point" if kinds == ("float",) else "real"
    if not is_real and dtype:
        raise ValueError(f"{argument} has dtype {dtype}, but must be an array or tensor of {words} numbers")
    that(is_real, argument, values, f"an array or tensor of {words} numbers")


def finite(argument, values):
    """Check that an array or tensor holds real numbers, no NaN and no infinity (one pass: their sum shows it)."""
    array(argument, values)
    with np.errstate(over="ignore", invalid="ignore"):
        all_finite = np.isfinite(float(abs(values).sum())) or bool(
            (values - values == 0).all()
        )  # a finite sum may overflow
    if not all_finite:
        raise ValueError(f"{argument} contains NaN or infinity, but must be finite everywhere")


def floats(argument, values):
    """Check that an array or tensor holds finite floating-point numbers: whole ones would cut off the noise."""
    array(argument, values, ("float",))
    finite(argument, values)


def same_shape(argument, values, other_argument, other):
    """Check that two arrays have one shape and are of one kind, NumPy's or torch's."""
    shape = getattr(values, "shape", None)
    if shape == other.shape and hasattr(values, "new_tensor") == hasattr(other, "new_tensor"):
        return
    wanted = f"the shape of {other_argument}, {tuple(other.shape)}"
    that(shape is not None, argument, values, f"an array of {wanted}")
    if hasattr(values, "new_tensor") != hasattr(other, "new_tensor"):
        raise ValueError(f"{argument} is {type(values)}, but must be what {other_argument} is, {type(other)}")
    raise ValueError(f"{argument} has shape {tuple(values.shape)}, but must have {wanted}")


def like(argument, values, other_argument, other):
    """Check that an array is shaped like another, and finite."""
    same_shape(argument, values, other_argument, other)
    finite(argument, values)


def real_array(argument, values):
    """Return ``values`` (numbers, lists, an array) as a NumPy array of real numbers, its dtype kept."""
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):  # lists of unequal lengths; a tensor on a GPU or with a gradient
        array = np.array(None)
    if array.dtype.kind not in "fiub":
        that(False, argument, values, "real numbers in an array, or in lists of equal lengths")
    return array
