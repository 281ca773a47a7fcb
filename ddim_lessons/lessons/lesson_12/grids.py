"""Grids of times as libraries make them, in our index (time t is their index t − 1), and an inspector that trusts none.

A grid is the tuple of the times at which the denoiser is asked, from the first step to the last; the last jump goes
from its last time to the data, t = 0. The times are not checked, on purpose: see :func:`inspect`.
"""

from typing import NamedTuple

import numpy as np

from ... import require
from ...schedules import LONGEST, SPACINGS, levels, make_tau


class Inspection(NamedTuple):
    """What a grid really does: see :func:`inspect`."""

    steps: int  # how often the denoiser is asked
    start: float | None  # ᾱ where pure noise is put in; None if that time does not exist
    last_jump: float | None  # 1 − ᾱ at the last time: the noise that the last jump must remove at once
    out_of_range: tuple  # times that do not exist
    repeated: int  # steps that go nowhere


def stride(T, S):
    """Return ⌊T/S⌋ after checking 1 ≤ S ≤ T."""
    T = require.whole("T", T, 1, LONGEST)
    return T // require.whole("S", S, 1, T)


def leading_from_0(T, S):
    """Indices i·⌊T/S⌋, i = 0 … S−1: the top is ⌊T/S⌋ below the end."""
    gap = stride(T, S)
    return tuple(1 + i * gap for i in range(S))[::-1]


def leading_offset_1(T, S):
    """The same, one later, as for networks that were trained so."""
    gap = stride(T, S)
    return tuple(2 + i * gap for i in range(S))[::-1]


def strided_range(T, S):
    """A range over all indices with the stride ⌊T/S⌋: as many as fit."""
    return tuple(1 + index for index in range(0, T, stride(T, S)))[::-1]


def strided_range_plus_1(T, S):
    """The same with 1 added to every index, the top one included."""
    return tuple(2 + index for index in range(0, T, stride(T, S)))[::-1]


def squares_to_80_percent(T, S):
    """Squares of S equal steps from 0 to √(0.8 T), cut to whole indices."""
    stride(T, S)
    T = require.plain(T)
    return tuple(1 + int(root**2) for root in np.linspace(0, np.sqrt(0.8 * T), S))[::-1]


def even_to_both_ends(T, S):
    """S indices at equal distances from the first to the last, rounded: starts at T, unless S = 1."""
    stride(T, S)
    return tuple(1 + int(index) for index in np.linspace(0, require.plain(T) - 1, S).round())[::-1]


def trailing_in_floats(T, S):
    """T, T − T/S … as long as it is above 0, rounded: starts at T, and rounding of T/S may leave a last 0."""
    stride(T, S)
    T = require.plain(T)
    return tuple(int(time) for time in np.arange(T, 0, -T / S).round())


GRIDS = {
    f"ours, {name}": lambda T, S, name=name: make_tau(T, S, name)[:-1] for name in SPACINGS
} | {
    "leading, from index 0": leading_from_0,
    "leading, offset 1": leading_offset_1,
    "strided range": strided_range,
    "strided range + 1": strided_range_plus_1,
    "squares to 0.8 T": squares_to_80_percent,
    "even, to both ends": even_to_both_ends,
    "trailing, in floats": trailing_in_floats,
}  # fmt: skip


def inspect(times, alpha_bar):
    """Return the :class:`Inspection` of a grid ``times`` on the schedule ``alpha_bar`` of length T + 1."""
    alpha_bar = levels(alpha_bar)
    T = len(alpha_bar) - 1
    require.sequence("times", times, "a list of times")
    require.that(len(times) >= 1, "times", times, "at least one time")
    require.there("times", times)
    times = [require.whole("a time", t, -require.MANY, require.MANY) for t in times]  # also one that does not exist

    def level(t):
        return float(alpha_bar[t]) if 0 <= t <= T else None

    last = level(times[-1])
    return Inspection(
        steps=len(times),
        start=level(times[0]),
        last_jump=None if last is None else 1 - last,
        out_of_range=tuple(t for t in times if not 0 <= t <= T),
        repeated=len(times) - len(set(times)),
    )
