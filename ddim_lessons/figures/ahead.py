"""What a live figure computes in slices, so that a key press never waits: the state that is asked for, if it is long,
and, while nobody asks, the states that are one key press away."""

import time
from itertools import chain
from threading import RLock

from .controls import control_values

GLANCE = 0.015  # seconds of computing after which it is known how long a state takes
PATIENCE = 0.06  # seconds that a state is then waited for, if it has a coarse likeness that can be shown at once
ALONE = 0.1  # the same, if it has none
SLICE, GAP = 0.01, 0.001  # seconds of computing, and between two slices, where a key press comes in
REST = 0.1  # seconds without a change after which the neighbours are computed
SAID = 0.3  # seconds between two words on how far it is
ONE_AT_A_TIME = RLock()  # a kernel may hear a slider in one thread, Reset or a cell in another; all draw with the same


class Ahead:
    """Computes for a live figure: ``compute(**state)`` is a generator that yields the share that is done.

    At its end what ``update`` needs for that state is remembered (:func:`ddim_lessons.remember.remember`). ``coarse``
    holds the settings of a likeness that is quick, shown meanwhile if what is asked for has larger ones; ``along``
    names the controls whose neighbouring values are computed while nobody moves any.
    """

    def __init__(self, live, compute, coarse, along):
        self.live, self.compute, self.coarse, self.along = live, compute, dict(coarse), tuple(along)
        self.turn, self.state, self.told, self.shown = 0, live.start, 0.0, {}

    def ask(self, loop):
        """Draw what the controls say, soon; whatever was being computed is overtaken."""
        self.turn += 1
        before, self.state = self.state, self.live.state
        self.shown = self.coarse if all(self.state[name] > value for name, value in self.coarse.items()) else {}
        work = self._slices(self.state)
        if _soon_done(work, PATIENCE if self.shown else ALONE):
            self._finish(loop, before)
            return
        if self.shown:
            self.live.draw_now(self.state | self.shown)
        self.told = 0.0
        self._tell(0.0)
        self._later(loop, work, 0.0, lambda: self._finish(loop, before), self._tell)

    def _finish(self, loop, before):
        self.live.draw_now(self.state)
        self._later(loop, self._foreseen(before), REST)

    def _later(self, loop, work, wait, then=lambda: None, tell=lambda share: None):
        """Compute ``work`` in slices after ``wait`` seconds, unless the figure is asked for something else."""
        turn = self.turn

        def go_on():
            with ONE_AT_A_TIME:
                if turn != self.turn:
                    return
                share = _share(work, SLICE)
                if share is None:
                    then()
                else:
                    tell(share)
                    loop.call_later(GAP, go_on)

        loop.call_later(wait, go_on)

    def _tell(self, share):
        """Say now and then what is shown and how far what is asked for is."""
        if time.monotonic() - self.told > SAID:
            self.told = time.monotonic()
            shown = ", ".join(f"{self.live.controls[name].description} {value}" for name, value in self.shown.items())
            likeness = f", meanwhile with {shown}" if shown else ""
            self.live.meanwhile(f"One moment{likeness}: what you asked for is {share:.0%} computed.")

    def _slices(self, state):
        """Compute a state; one whose settings do not go together ends at once, and drawing it says why."""
        try:
            yield from self.compute(**state)
        except ValueError:
            return

    def _foreseen(self, before):
        """Compute the neighbours: first the next two in the direction of the last change, then one on either side."""
        return chain.from_iterable(self._slices(self.state | change) for change in self._neighbours(before))

    def _neighbours(self, before):
        moved = sorted(self.along, key=lambda name: before[name] == self.state[name])  # what has moved comes first
        for name in moved:
            values = control_values(self.live.controls[name])
            if self.state[name] not in values or before[name] not in values:
                continue
            here = values.index(self.state[name])
            steps = here - values.index(before[name])
            order = (1, -1) if steps == 0 else (1, 2, -1) if steps > 0 else (-1, -2, 1)
            yield from ({name: values[here + k]} for k in order if 0 <= here + k < len(values))


def _share(work, seconds):
    """Compute for so many seconds; return the share that is done, None at the end."""
    end = time.monotonic() + seconds
    for share in work:
        if time.monotonic() > end:
            return share
    return None


def _soon_done(work, patience):
    """Compute for a glance, then on, unless what is left would take more seconds than ``patience``; return if done."""
    first = next(work, 1.0)
    share = _share(work, GLANCE)
    if share is not None and GLANCE * (1 - share) <= patience * (share - first):
        share = _share(work, patience)
    return share is None


def shares(parts):
    """Yield the share of the whole that is done, of ``parts`` that take about as long as each other."""
    for k, part in enumerate(parts):
        yield from ((k + share) / len(parts) for share in part)
