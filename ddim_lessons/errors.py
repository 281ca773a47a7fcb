"""Checks of arguments; each failure is one sentence that names the argument, its value and what is allowed."""

from numbers import Integral, Real

import numpy as np

SHOWN = 160  # characters of a value that an error shows
LARGEST = 1e150  # of a number: its square is finite too
MANY = 100_000_000  # of anything: more is a slip of the finger that would fill the memory or never end


def require(condition, argument, value, allowed):
    """Raise a ``ValueError`` that reads "argument is value, but must be allowed" unless ``condition`` holds."""
    if not condition:
        shown = repr(value)
        shown = shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 1]}…"
        raise ValueError(f"{argument} is {shown}, but must be {allowed}")


def require_int(argument, value, low, high=None):
    """Check that ``value`` is a whole number with low ≤ value ≤ high (no upper end if ``high`` is None)."""
    allowed = f"a whole number from {low} to {high}" if high is not None else f"a whole number of at least {low}"
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    require(whole and low <= value and (high is None or value <= high), argument, value, allowed)


def require_real(argument, value, low, high=float("inf")):
    """Check that ``value`` is one finite real number with low ≤ value ≤ high; its square must be finite too."""
    allowed = f"a finite number of at least {low}" if high == float("inf") else f"a number from {low} to {high}"
    real = isinstance(value, Real) and not isinstance(value, bool)
    require(real and low <= value <= min(high, LARGEST), argument, value, allowed)


def require_choice(argument, value, choices):
    """Check that ``value`` is one of the named ``choices``."""
    allowed = "one of " + ", ".join(repr(choice) for choice in choices)
    require(isinstance(value, str) and value in choices, argument, value, allowed)


def require_sequence(argument, value, allowed):
    """Check that ``value`` has a length and an order: a list, tuple, range or array, but no text."""
    ordered = hasattr(value, "__len__") and hasattr(value, "__getitem__") and getattr(value, "ndim", 1) > 0
    require(ordered and not isinstance(value, str | dict), argument, value, allowed)


def require_callable(argument, value, signature):
    """Check that ``value`` can be called as ``signature`` says, such as "(x, t) -> ε̂"."""
    require(callable(value), argument, value, f"a function {signature}")


def require_rng(rng):
    """Check that ``rng`` draws like a NumPy generator."""
    require(hasattr(rng, "standard_normal"), "rng", rng, "a NumPy generator such as np.random.default_rng(0)")


def require_seed(seed):
    """Check that ``seed`` is a whole number that seeds NumPy's and torch's generators."""
    require_int("seed", seed, 0, 2**63 - 1)


def require_array(argument, array, kinds=("float", "int")):
    """Check that ``array`` is a NumPy array or torch tensor whose dtype is of one of the ``kinds``."""
    dtype = str(getattr(array, "dtype", ""))
    real = hasattr(array, "shape") and any(kind in dtype for kind in kinds)
    words = "floating-point" if kinds == ("float",) else "real"
    if not real and dtype:
        raise ValueError(f"{argument} has dtype {dtype}, but must be an array or tensor of {words} numbers")
    require(real, argument, array, f"an array or tensor of {words} numbers")


def require_finite(argument, array):
    """Check that an array or tensor holds real numbers, no NaN and no infinity (one pass: their sum shows it)."""
    require_array(argument, array)
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite(float(abs(array).sum())) or bool((array - array == 0).all())  # a finite sum may overflow
    if not finite:
        raise ValueError(f"{argument} contains NaN or infinity, but must be finite everywhere")


def require_floats(argument, array):
    """Check that an array or tensor holds finite floating-point numbers: whole ones would cut off the noise."""
    require_array(argument, array, ("float",))
    require_finite(argument, array)


def require_same_shape(argument, array, other_argument, other):
    """Check that two arrays have one shape."""
    wanted = f"the shape of {other_argument}, {tuple(other.shape)}"
    require(hasattr(array, "shape"), argument, array, f"an array of {wanted}")
    if hasattr(array, "new_tensor") != hasattr(other, "new_tensor"):
        raise ValueError(f"{argument} is {type(array)}, but must be what {other_argument} is, {type(other)}")
    if tuple(array.shape) != tuple(other.shape):
        raise ValueError(f"{argument} has shape {tuple(array.shape)}, but must have {wanted}")


def real_array(argument, values):
    """Return ``values`` (numbers, lists, an array) as a NumPy array of real numbers, its dtype kept."""
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):  # lists of unequal lengths; a tensor on a GPU or with a gradient
        array = np.array(None)
    if array.dtype.kind not in "fiub":
        require(False, argument, values, "real numbers in an array, or in lists of equal lengths")
    return array
