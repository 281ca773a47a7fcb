"""Remember what a function returned. Its arrays become read-only: whoever changes one in place is told so, and no
later picture is drawn from it."""

from collections import OrderedDict
from functools import lru_cache, wraps

import numpy as np

from . import require


def remember(results):
    """Return a decorator: ``functools.lru_cache`` for the newest ``results`` results, with read-only arrays."""

    def decorate(function):
        @lru_cache(maxsize=results)
        @wraps(function)
        def cached(*key, **named):
            return read_only(function(*key, **named))

        return cached

    return decorate


def bounded_cache(megabytes):
    """Return a decorator that keeps a function's results, the longest unused dropped first, up to ``megabytes``.

    Like :func:`remember`, but for functions of hashable positional arguments, and bounded by the bytes of the
    arrays in the results (:func:`nbytes`). A result that is larger than the bound is not kept.
    ``decorated.megabytes()`` tells what is kept now, ``decorated.clear()`` forgets it.
    """
    require.real("megabytes", megabytes, 0)

    def decorate(function):
        kept = OrderedDict()

        @wraps(function)
        def cached(*key):
            if key not in kept:
                kept[key] = read_only(function(*key))
            kept.move_to_end(key)
            result = kept[key]
            while kept and cached.megabytes() > megabytes:
                kept.popitem(last=False)
            return result

        cached.megabytes = lambda: sum(map(nbytes, kept.values())) / 1e6
        cached.clear = kept.clear
        return cached

    return decorate


def nbytes(value):
    """Return the bytes of the arrays and tensors in ``value``, which may be one, or tuples, lists and dicts of them."""
    if isinstance(value, dict):
        return nbytes(list(value.values()))
    if isinstance(value, tuple | list):
        return sum(map(nbytes, value))
    return getattr(value, "nbytes", 0)


def read_only(value):
    """Return ``value`` after making the arrays in it read-only; it may be one, or tuples, lists and dicts of them."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    elif isinstance(value, tuple | list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            read_only(part)
    return value
