"""Remember what a function returned. Its arrays become read-only: whoever changes one in place is told so, and no
later picture is drawn from it."""

from collections import OrderedDict
from collections.abc import Generator
from functools import wraps
from threading import Lock

import numpy as np

from . import require


def remember(results=None, megabytes=None):
    """Return a decorator that keeps a function's results, the longest unused dropped first.

    At most ``results`` are kept, and at most ``megabytes`` of arrays (:func:`nbytes`); None is no bound. A result that
    alone is larger is not kept. ``decorated.megabytes()`` tells what is kept now, ``decorated.clear()`` forgets it.
    The function may be a generator that yields the share that is done: ``decorated`` returns its result as of any
    other, and ``decorated.slices(...)`` is a generator that computes and keeps it, a slice at each step.
    """
    require.that(not results is megabytes is None, "(results, megabytes)", (results, megabytes), "a bound at least")
    if results is not None:
        results = require.whole("results", results, 1)
    if megabytes is not None:
        megabytes = require.real("megabytes", megabytes, 0)

    def decorate(function):
        kept, lock = OrderedDict(), Lock()  # figures may ask in several threads

        def held():
            return sum(map(nbytes, list(kept.values()))) / 1e6

        def too_much():
            return (results is not None and len(kept) > results) or (megabytes is not None and held() > megabytes)

        def keep(key, result):
            with lock:
                kept[key] = result
                kept.move_to_end(key)  # the newest is the last
                while kept and too_much():
                    kept.popitem(last=False)
            return result

        @wraps(function)
        def cached(*given, **named):
            key = given, tuple(sorted(named.items()))
            try:
                result = kept.get(key, kept)  # `kept` itself: nothing is kept
            except TypeError:  # a list, say, is no key: the function says what is wrong with it
                return to_the_end(function(*given, **named))
            return keep(key, read_only(to_the_end(function(*given, **named))) if result is kept else result)

        def slices(*given, **named):
            key = given, tuple(sorted(named.items()))
            if key not in kept:
                keep(key, read_only((yield from function(*given, **named))))

        cached.megabytes, cached.clear, cached.slices = held, kept.clear, slices
        return cached

    return decorate


def to_the_end(found):
    """Return what a generator returns at its end, or ``found`` itself if it is none."""
    while isinstance(found, Generator):
        try:
            next(found)
        except StopIteration as end:
            return end.value
    return found


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
