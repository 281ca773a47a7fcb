"""States in slices: a long one is drawn coarse first and overtaken by the next, neighbours are computed meanwhile."""

import numpy as np
import pytest

from ddim_lessons.figures import ahead
from ddim_lessons.figures import live as widgets
from ddim_lessons.figures.controls import choice_slider
from ddim_lessons.figures.live import LiveFigure
from ddim_lessons.figures.plots import draw_points, frame, panels
from ddim_lessons.remember import remember


class Loop:
    """An event loop whose clock is turned by hand: runs what is due, a call at a time."""

    def __init__(self):
        self.later = []

    def call_later(self, seconds, call):
        self.later.append(call)

    def step(self):
        self.later.pop(0)()

    def run(self, most=1000):
        for _ in range(most):
            if not self.later:
                return
            self.step()
        raise AssertionError("it never rests")


class Walks:
    """A live figure of S and η whose states are walks of S steps: what was computed, what was drawn."""

    def __init__(self, monkeypatch):
        self.loop, self.computed, self.drawn = Loop(), [], []
        monkeypatch.setattr(widgets, "_running_loop", lambda: self.loop)
        for name in ("GLANCE", "SLICE"):
            monkeypatch.setattr(ahead, name, -1.0)  # every yield ends a slice
        for name in ("PATIENCE", "ALONE"):
            monkeypatch.setattr(ahead, name, -9.0)  # nothing is soon done

        @remember(results=20)
        def walk(S, eta):
            for k in range(S):
                yield k / S
            if eta > 0.8:
                raise ValueError("eta is too large")
            self.computed.append((S, eta))
            return np.full(2, S * (1 + eta))

        self.walk = walk
        self.live = self.figure().computes(lambda S, eta: walk.slices(S, eta), {"S": 2}, ("S", "eta"))

    def figure(self):
        figure, axes = panels(width=2, height=2)
        frame(axes, 1)
        dot = draw_points(axes, np.zeros((1, 2)))
        steps, levels = (2, 5, 10, 20, 40), (0.0, 0.5, 0.9)
        controls = {"S": choice_slider("S", steps, 2), "eta": choice_slider("η", levels, 0.0)}

        def update(S, eta):
            self.walk(S, eta)
            self.drawn.append((S, eta))
            return f"{S} steps at {eta}. Drawn."

        return LiveFigure(figure, [dot], controls, update)

    def move(self, **values):
        for name, value in values.items():
            self.live._drawn = 0.0
            self.live.controls[name].value = value


@pytest.fixture
def walks(monkeypatch):
    return Walks(monkeypatch)


def test_a_long_state_is_shown_coarse_then_whole(walks):
    walks.move(S=20)
    assert walks.drawn[-1] == (2, 0.0) and "ddim-busy" in walks.live.layout._dom_classes
    assert "meanwhile with S 2" in walks.live.caption.value and "0% computed" in walks.live.caption.value
    while walks.drawn[-1] != (20, 0.0):
        walks.loop.step()
    assert "20 steps" in walks.live.caption.value and "ddim-busy" not in walks.live.layout._dom_classes


def test_a_state_no_longer_than_its_likeness_is_waited_for(walks):
    before = list(walks.drawn)
    walks.move(eta=0.5)
    assert walks.drawn == before and "ddim-busy" in walks.live.layout._dom_classes
    assert "One moment: what you asked for is 0% computed." in walks.live.caption.value
    walks.loop.run()
    assert walks.drawn == [*before, (2, 0.5)]


def test_what_a_glance_shows_to_be_soon_done_is_waited_for_and_shown_once(walks, monkeypatch):
    monkeypatch.setattr(ahead, "GLANCE", 0.01)
    monkeypatch.setattr(ahead, "PATIENCE", 100.0)
    before = list(walks.drawn)
    walks.move(S=20)
    assert walks.drawn == [*before, (20, 0.0)]


def test_a_glance_judges_by_what_it_has_computed_itself_not_by_what_was_known_before(monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr(ahead.time, "monotonic", lambda: next(clock) / 100)
    work = ahead.shares([iter(()), iter(np.arange(0, 1, 0.01))])  # one half is known, the other takes a second
    assert not ahead._soon_done(work, 0.5) and next(work) < 0.6
    clock = iter(range(1000))
    assert ahead._soon_done(ahead.shares([iter(()), iter(np.arange(0, 1, 0.01))]), 2.0)


def test_shares_are_those_of_the_whole():
    assert list(ahead.shares([iter((0.0, 0.5)), iter(()), iter((0.5,))])) == [0, 1 / 6, 2.5 / 3]


def test_a_newer_state_overtakes_a_long_one(walks):
    walks.move(S=40)
    for _ in range(5):
        walks.loop.step()
    walks.move(S=10)
    walks.loop.run()
    assert (40, 0.0) not in walks.drawn and walks.drawn[-1] == (10, 0.0)
    assert walks.computed.count((40, 0.0)) <= 1, "only as a neighbour may it be computed"


def test_neighbours_are_known_before_they_are_asked_for(walks):
    walks.move(S=5)
    walks.loop.run()
    assert walks.computed == [(2, 0.0), (5, 0.0), (10, 0.0), (20, 0.0), (5, 0.5)]
    before = list(walks.drawn)
    walks.move(S=10)
    assert walks.drawn == [*before, (10, 0.0)], "no coarse picture where the state is known"


def test_a_state_that_fails_is_told_and_the_next_is_drawn(walks):
    walks.move(eta=0.9)
    walks.loop.run()
    assert "eta is too large" in walks.live.caption.value and "ddim-busy" not in walks.live.layout._dom_classes
    walks.move(eta=0.5)
    walks.loop.run()
    assert walks.drawn[-1] == (2, 0.5)


def test_without_a_loop_every_state_is_drawn_at_once(walks, monkeypatch):
    monkeypatch.setattr(widgets, "_running_loop", lambda: None)
    walks.move(S=40)
    assert walks.drawn[-1] == (40, 0.0) and walks.loop.later == []
