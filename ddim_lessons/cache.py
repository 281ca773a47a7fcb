"""Remember what a function returned, within a bound in megabytes: for slider states whose arrays differ in size."""

from collections import OrderedDict
from functools import wraps

from .errors import require_real


def bounded_cache(megabytes):
    """Return a decorator that keeps a function's results, the longest unused dropped first, up to ``megabytes``.

    Like ``functools.lru_cache`` for functions of hashable positional arguments, but bounded by the bytes of the
    arrays in the results (:func:`nbytes`). A result that is larger than the bound is not kept.
    ``decorated.megabytes()`` tells what is kept now, ``decorated.clear()`` forgets it.
    """
    require_real("megabytes", megabytes, 0)

    def decorate(function):
        kept = OrderedDict()

        @wraps(function)
        def cached(*key):
            if key not in kept:
                kept[key] = function(*key)
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
