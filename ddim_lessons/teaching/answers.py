"""A reader's answer in whatever form it comes, and how far it is from what is right: numbers, sets, letters, lines."""

import re
from collections.abc import Set
from unicodedata import normalize

import numpy as np

from .checks import to_numpy

EXACT = 1e-9  # relative: a right formula in 64-bit numbers comes nearer
SINGLE = 2e-6  # in 32-bit numbers, some sixteen of their roundings
HALF = {"bfloat16": 2**-6, "float16": 2**-9}  # in 16-bit numbers, four of their roundings
MOST = 1000  # elements of a set: more is no answer to any of the questions
BOOLS = (bool, np.bool_)
FILLERS = {"the", "answer", "is", "line", "run", "exhibit", "option", "letter", "group", "and"}


def distance(given, expected):
    """Return how far ``given`` is from ``expected``: numbers relatively to 1 + |expected|, all else 0 or ∞."""
    if isinstance(expected, str | set):
        form = letter if isinstance(expected, str) else elements
        return 0.0 if form(given) == form(expected) else np.inf
    given, expected = numbers(given), np.asarray(expected)
    if given is None or given.shape != expected.shape:
        return np.inf
    off = float(np.max(np.abs(given - expected) / (1 + np.abs(expected)), initial=0.0))
    most = EXACT if expected.dtype.kind in "iu" else np.inf  # a time or a count is met or missed
    return off if off <= most else np.inf  # NaN, too, is infinitely far


def rounding(given):
    """Return the distance that the numbers of an answer may have from a right formula's, by how they are stored."""
    if isinstance(given, list | tuple):
        return max(map(rounding, given), default=SINGLE)
    kind = str(getattr(given, "dtype", ""))
    return next((off for name, off in HALF.items() if name in kind), SINGLE)


def numbers(value):
    """Return an answer as an array of real numbers, or None if it is none; truth values and texts are none."""
    try:
        return np.array(_array(value), dtype=float)
    except (OverflowError, TypeError, ValueError):
        return None


def _array(value):
    """Return a number, an array, a tensor, or a list of them, as float arrays; a ``TypeError`` for anything else."""
    if isinstance(value, list | tuple):
        return [_array(part) for part in value]
    array = np.asarray(to_numpy(value))
    objects = array.dtype.kind == "O" and all(hasattr(v, "__float__") and not isinstance(v, BOOLS) for v in array.flat)
    if array.dtype.kind not in "iuf" and not objects:  # objects are Fractions, Decimals, SymPy's numbers, large ints
        raise TypeError("not made of real numbers")
    return array.astype(float)


def letter(value):
    """Return what is left of a letter or a line: of "Line 4", "(4)" and 4 it is "4"; None if there is none."""
    if isinstance(value, list | tuple | Set) and len(value) == 1:
        return letter(next(iter(value)))
    value = to_numpy(value)
    value = value.item() if isinstance(value, np.ndarray | np.generic) and value.size == 1 else value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, BOOLS) or not isinstance(value, str | int | float):
        return None
    return " ".join(_words(str(value))) or None


def _words(text):
    """Return the words and numbers of a text that can be told apart: without case, full width and fillers."""
    found = re.findall(r"[a-z]+|-?\d+", normalize("NFKC", text).casefold())
    return [word for word in found if word not in FILLERS]


def elements(value):
    """Return an answer's elements as a set, whatever holds them; None where one is no element or stands twice."""
    value = _words(value) if isinstance(value, str) else to_numpy(value)
    parts = value if isinstance(value, Set | list | tuple | range | np.ndarray) else [value]
    if len(parts) > MOST:
        return None
    found = [_element(part) for part in parts]
    return None if None in found or len(set(found)) < len(found) else set(found)


def _element(value):
    """Return an element, a number, a letter or a tuple of them, as something that can be compared."""
    return tuple(map(_element, value)) if isinstance(value, list | tuple | np.ndarray) else letter(value)


def misfit(given, expected, options, where=""):
    """Return why ``given`` can be no answer where ``expected`` is right, as a sentence; "" if it could be one.

    ``where`` names the arguments.
    """
    kind = type(given).__name__
    if isinstance(expected, str):
        return "" if letter(given) in map(letter, options) else f"answer with one of {', '.join(options)}"
    if isinstance(expected, set):
        return f"your answer ({kind}) should be a set, each element once" if elements(given) is None else ""
    found, wanted = numbers(given), np.shape(expected)
    if isinstance(given, Set):
        return f"a set has no order: your answer should have shape {wanted}"
    if np.iscomplex(given).any() if found is None else not np.isfinite(found).all():
        hint = "look for a root of a negative number or a division by 0 (are two ᾱ swapped?)"
        return f"your answer is no real number{where}: {hint}"
    if found is None:
        return f"your answer ({kind}) is not made of real numbers; it should have shape {wanted}"
    return "" if found.shape == wanted else f"your answer has shape {found.shape}, but it should have shape {wanted}"
