"""Exercises of lesson 10: the code of boxes, dynamic k, the ensemble that drops a step, a share."""

import numpy as np

from ...teaching.exercises import Exercise

Z = np.array([[0.4, -1.2, -1.5, -1.0], [2.6, 0.3, -0.8, 3.1], [-3.0, 1.9, 0.0, -2.2]])
OVERLAPS = np.array([[0.5, 0.8, 0.3, 0.6, 0.9, 0.4, 0.7], [0, 0.1, 0, 0.3, 0, 0.2, 0], [0.6, 0.9, 0.2, 0, 0, 0.3, 1]]).T


def decoded(z, scale):
    """The boxes of a code that may lie outside ±scale."""
    return (np.clip(z, -scale, scale) / scale + 1) / 2


def matches(overlaps):
    """k of each object: the sum of its five best IoUs, rounded down, at least 1."""
    best = np.sort(overlaps, axis=0)[::-1][:5]
    return np.maximum(1, np.floor(best.sum(axis=0))).astype(int)


def counted(S):
    """How many visits' boxes the official ensemble uses."""
    return 1 if S == 1 else S - 1


def share(one, full, fresh):
    """What part of the gain over one step is gone when z is drawn afresh at each step."""
    return (full - fresh) / (full - one)


# a mistake: its name, what it answers, a hint
# fmt: off
EXERCISES = {
    "10.1": Exercise(
        decoded,
        [(Z, 2.0), (Z, 1.0), (Z[1:2], 3.0), (np.tile(Z[:1], (5, 1)) - 0.3, 0.5)], [
        ("noise outside ±scale gives boxes outside the picture", lambda z, c: (z / c + 1) / 2,
         "cut z to ±scale first."),
        ("you cut the boxes but not z",                          lambda z, c: np.clip(z, 0, 1),
         "z = 0 is the middle of the picture, b = 1/2."),
        ("you forgot the scale",                                 lambda z, c: (np.clip(z, -c, c) + 1) / 2,
         "z = scale must give b = 1."),
        ("you multiplied by the scale",                          lambda z, c: (np.clip(z, -c, c) * c + 1) / 2,
         "undo what (10.1) did last: it multiplied by the scale."),
        ("half and shift have changed places",                   lambda z, c: np.clip(z, -c, c) / c / 2 + 1,
         "solve z = (2 b − 1) · scale for b, one operation after the other."),
    ]),
    "10.2": Exercise(
        matches,
        [(OVERLAPS,), (OVERLAPS[:, ::-1] * 0.5,), (OVERLAPS[1:5],), (OVERLAPS[::2, :1],)], [
        ("an object can be left without a box",
         lambda o: np.floor(np.sort(o, axis=0)[::-1][:5].sum(axis=0)).astype(int),
         "k is at least 1."),
        ("you summed over the objects",
         lambda o: np.maximum(1, np.floor(np.sort(o, axis=1)[:, ::-1][:, :5].sum(axis=1))).astype(int),
         "rows are boxes and columns are objects: one k for each column."),
        ("you summed over all boxes", lambda o: np.maximum(1, np.floor(o.sum(axis=0))).astype(int),
         "only the five largest of a column count."),
        ("you took the first five boxes, not the five best",
         lambda o: np.maximum(1, np.floor(o[:5].sum(axis=0))).astype(int),
         "sort each column; the best IoU comes last in np.sort."),
        ("you rounded to the nearest number",
         lambda o: np.maximum(1, np.round(np.sort(o, axis=0)[::-1][:5].sum(axis=0))).astype(int),
         "round down."),
    ]),
    "10.3": Exercise(
        counted,
        [(1,), (2,), (4,), (8,)], [
        ("you count every visit",             lambda S: S,
         "the last visit is computed, and then left out."),
        ("with S = 1 nothing would be found", lambda S: S - 1,
         "with one visit its boxes are used."),
        ("you count the last visit alone",    1,
         "an ensemble collects; it leaves out only one."),
        ("you left out two",                  lambda S: max(1, S - 2),
         "the last visit is the one at the smallest time."),
    ]),
    "10.4": Exercise(
        share,
        [(0.80, 0.90, 0.88), (0.824, 0.909, 0.905), (0.5, 0.7, 0.75)], [
        ("this is what fresh noise keeps, not what it loses",  lambda one, full, fresh: (fresh - one) / (full - one),
         "subtract it from 1, or start from full − fresh."),
        ("you compared with all of the AP, not with the gain", lambda one, full, fresh: (full - fresh) / full,
         "one step alone already gives `one`: only what exceeds it is the steps' gain."),
        ("you divided by the gain of fresh noise",             lambda one, full, fresh: (full - fresh) / (fresh - one),
         "the whole gain is that of the full sampler."),
        ("a difference is not a share",                        lambda one, full, fresh: full - fresh,
         "divide it by the whole gain."),
        ("the sign is wrong",                                  lambda one, full, fresh: (fresh - full) / (full - one),
         "a sampler that is better than fresh noise has a positive share."),
    ]),
}
# fmt: on
