"""Exercises of lesson 10: the code of boxes, dynamic k, the ensemble that drops a step, which control to run."""

from dataclasses import dataclass

import numpy as np

from ... import require
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


@dataclass(frozen=True)
class Detector:
    """A made-up detector: calling it runs it, and returns its AP.

    ``one`` is the AP of one step. More steps gain ``looks`` through the ensemble, ``walk`` if boxes are carried on at
    all, ``formula`` if DDIM's step does it; new places, by noise or by renewal, gain ``noise`` and ``renewal``.
    """

    one: float
    looks: float
    walk: float
    formula: float
    noise: float
    renewal: float
    __name__ = "measure"  # what a reader is shown as the argument

    def __call__(self, S=8, update="DDIM", eta=1.0, renew=True, ensemble="all"):
        require.whole("S", S, 1)
        require.choice("update", update, ("DDIM", "direct", "fresh"))
        require.choice("ensemble", ensemble, ("all", "official", "last"))
        gain = {"all": self.looks, "official": self.looks * 0.9, "last": 0.0}[ensemble]
        by_step = self.walk + self.formula + self.noise * eta
        gain += {"DDIM": by_step, "direct": self.walk, "fresh": self.noise}[update]
        gain += self.renewal if renew or update == "fresh" else 0.0
        return self.one + gain * (1 - 1 / S) * 8 / 7


def lost(measure, without):
    """Which part of the gain over one step is lost ``without`` something."""
    return (measure() - without) / (measure() - measure(S=1))


def lost_without_the_walk(measure):
    """Which part of the gain over one step is lost when z is drawn afresh at each visit, and all else stays."""
    return lost(measure, measure(update="fresh"))


def lost_in_the_last_visit(measure):
    """The same, judged by the last visit alone."""
    full, fresh = measure(ensemble="last"), measure(ensemble="last", update="fresh")
    return (full - fresh) / (full - measure(S=1))


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
        lost_without_the_walk,
        [(Detector(0.40, 0.05, 0.03, 0.01, 0.006, 0.012),), (Detector(0.83, 0.09, -0.002, -0.003, 0.02, 0.04),),
         (Detector(0.30, 0.02, 0.05, 0.20, 0.07, 0.01),)], [
        ("at η = 0 the step is still DDIM's", lambda m: lost(m, m(eta=0.0)),
         "this control tells what the fresh noise in the step does. Switch the step itself off."),
        ("you switched off renewal", lambda m: lost(m, m(renew=False)),
         "that tells what renewal does; the boxes still walk."),
        ("you switched off all fresh noise", lambda m: lost(m, m(eta=0.0, renew=False)),
         "that takes away what disturbs the walk. Switch the walk itself off."),
        ("“direct” still carries the boxes on", lambda m: lost(m, m(update="direct")),
         "this control asks whether it must be DDIM's formula. First ask whether carrying on matters at all."),
        ("with S = 1 the other visits are gone as well", lambda m: lost(m, m(S=1)),
         "keep all visits, so that the ensemble has as much to collect."),
        ("you changed the ensemble together with the step", lambda m: lost(m, m(update="fresh", ensemble="last")),
         "change one thing at a time."),
        ("you judged by the last visit alone", lost_in_the_last_visit,
         "DiffusionDet collects all visits: take the sampler as it is, and change one thing."),
        ("this is what is kept, not what is lost", lambda m: 1 - lost(m, m(update="fresh")),
         "subtract it from 1."),
        ("you compared with all of the AP, not with the gain", lambda m: (m() - m(update="fresh")) / m(),
         "one step alone already has AP: only what exceeds it is the steps' gain."),
        ("a difference is not a share", lambda m: m() - m(update="fresh"),
         "divide it by the whole gain."),
        ("the sign is wrong", lambda m: -lost(m, m(update="fresh")),
         "if the AP falls without the walk, a positive share is lost."),
    ]),
}
# fmt: on
