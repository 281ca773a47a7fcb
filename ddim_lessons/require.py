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
    shown = " ".join(repr(value).split())
    shown = shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 1]}…"
    raise ValueError(f"{argument} is {shown}, but must be {allowed}")


def whole(argument, value, low, high=None):
    """Return ``value`` as an int if it is a whole number with low ≤ value ≤ high (no upper end if ``high`` is None)."""
    number = plain(value)
    is_whole = isinstance(number, Integral) and not isinstance(number, bool)
    if not (is_whole and low <= number and (high is None or number <= high)):
        allowed = f"a whole number of at least {low}" if high is None else f"a whole number from {low} to {high}"
        refuse(argument, value, allowed)
    return int(number)


def real(argument, value, low, high=float("inf")):
    """Return ``value`` as a float if it is one real number with low ≤ value ≤ high whose square is finite."""
    number = plain(value)
    is_real = isinstance(number, Real) and not isinstance(number, bool)
    if not (is_real and low <= number <= min(high, LARGEST)):
        endless = high == float("inf")
        refuse(argument, value, f"a finite number of at least {low}" if endless else f"a number from {low} to {high}")
    return float(number)


def yes_no(argument, value):
    """Return ``value`` as a bool if it is True or False, Python's or NumPy's: no text is taken for "yes"."""
    that(isinstance(plain(value), bool), argument, value, "True or False")
    return bool(value)


def plain(value):
    """Return a number of NumPy's, or an array or tensor without axes, as Python's number; all else as it is."""
    if getattr(value, "shape", None) != () or np.ma.is_masked(value) or getattr(value, "is_meta", False):
        return value
    return value.item()


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
    """Return ``seed`` as an int if it is a whole number that seeds NumPy's and torch's generators."""
    return whole("seed", seed, 0, 2**63 - 1)


def array(argument, values, kinds=("float", "int")):
    """Check that ``values`` is a NumPy array or torch tensor whose dtype is of one of the ``kinds``, none masked."""
    dtype, is_array = str(getattr(values, "dtype", "")), isinstance(values, np.ndarray) or is_tensor(values)
    words = "floating-point" if kinds == ("float",) else "real"
    that(is_array, argument, values, f"an array or tensor of {words} numbers")
    if not any(kind in dtype for kind in kinds):
        raise ValueError(f"{argument} has dtype {dtype}, but must be an array or tensor of {words} numbers")
    there(argument, values)


def there(argument, values):
    """Check that all numbers of ``values`` are there: none is masked, and no tensor is on a device without numbers."""
    if isinstance(values, list | tuple):
        for part in values:
            if not isinstance(part, int | float):
                there(argument, part)
    elif np.ma.is_masked(values):
        raise ValueError(f"{argument} has masked values, but must have none: fill them, or leave their rows out")
    elif getattr(values, "is_meta", False):
        raise ValueError(f"{argument} is on the device 'meta', which holds no numbers, but must be on the CPU or a GPU")


def is_tensor(values):
    """Whether ``values`` is a torch tensor, asked without torch."""
    return hasattr(values, "new_tensor")


def finite(argument, values):
    """Check that an array or tensor holds real numbers, no NaN and no infinity (one pass: their sum shows it)."""
    array(argument, values)
    with np.errstate(over="ignore", invalid="ignore"):
        all_finite = np.isfinite(total(values)) or bool((values - values == 0).all())  # a finite sum may overflow
    if not all_finite:
        raise ValueError(f"{argument} contains NaN or infinity, but must be finite everywhere")


def total(values):
    """Return the sum of the sizes of all numbers of an array or tensor, as a float that is no part of a gradient."""
    return float(abs(values.detach() if is_tensor(values) else values).sum())


def floats(argument, values):
    """Check that an array or tensor holds finite floats of at least 32 bits: fewer would cut off the noise."""
    array(argument, values, ("float",))
    if values.dtype.itemsize < 4:
        raise ValueError(f"{argument} has dtype {values.dtype}, but must have at least 32 bits to be divided by √ᾱ_t")
    finite(argument, values)


def same_shape(argument, values, other_argument, other):
    """Return ``values`` in the dtype of another array or tensor after checking that both are one kind, of one shape."""
    same_kind(argument, values, other_argument, other)
    if values.shape != other.shape:
        wanted = f"the shape of {other_argument}, {tuple(other.shape)}"
        raise ValueError(f"{argument} has shape {tuple(values.shape)}, but must have {wanted}")
    if values.dtype == other.dtype:
        return values
    array(argument, values)
    return values.to(other.dtype) if is_tensor(values) else values.astype(other.dtype)


def like(argument, values, other_argument, other):
    """Return ``values`` as :func:`same_shape` does after checking that they are finite."""
    values = same_shape(argument, values, other_argument, other)
    finite(argument, values)
    return values


def same_kind(argument, values, other_argument, other):
    """Check that two arrays are both NumPy's, or both tensors on one device."""
    if is_tensor(values) and is_tensor(other):
        if values.device != other.device:
            raise ValueError(f"{argument} is on {values.device}, but must be where {other_argument} is, {other.device}")
    elif not (isinstance(values, np.ndarray) and isinstance(other, np.ndarray)):
        raise ValueError(f"{argument} is {type(values)}, but must be what {other_argument} is, {type(other)}")


def floating(argument, values):
    """Return ``values`` as an array or tensor of floats of at least 32 bits; those that are such stay as they are.

    Whole numbers and truth values become 64 bits; a tensor keeps its device and its gradient, all else is NumPy's.
    """
    if is_tensor(values):
        array(argument, values, ("float", "int", "bool"))
        if not values.is_floating_point():
            return values.double()
        return values if values.element_size() >= 4 else values.float()
    if not (isinstance(values, np.ndarray) and values.dtype.kind == "f"):
        return real_array(argument, values)
    there(argument, values)
    return np.asarray(values, dtype=np.float32 if values.dtype.itemsize < 4 else values.dtype)


def returned(values, like):
    """Return NumPy's ``values`` as what ``like`` is: a tensor if it is one, in its dtype if that is of floats."""
    if is_tensor(like):
        return like.new_tensor(values) if like.is_floating_point() else values
    of_floats = isinstance(like, np.ndarray) and like.dtype.kind == "f"
    return values.astype(like.dtype, copy=False) if of_floats else values


def real_array(argument, values):
    """Return ``values`` (numbers, lists, an array, a tensor, a column of a table) as a NumPy array of 64-bit floats."""
    there(argument, values)
    try:
        numbers = np.asarray(floating(argument, values).detach().cpu() if is_tensor(values) else values)
    except (TypeError, ValueError, RuntimeError):  # lists of unequal lengths, or of tensors that carry a gradient
        numbers = np.array(None)
    that(numbers.dtype.kind in "fiub", argument, values, "real numbers in an array, or in lists of equal lengths")
    with np.errstate(over="ignore"):  # of more than 64 bits: infinity, which is refused where numbers must be finite
        return np.asarray(numbers, dtype=float)
