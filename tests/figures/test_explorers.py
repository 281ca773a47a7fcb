"""Live figures: every control over its whole grid, the picture follows, and a broken callback cannot hide."""

import importlib
import pkgutil
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ddim_lessons import lessons
from ddim_lessons.figures import live as widgets
from ddim_lessons.figures.controls import choice_slider, control_values, menu, number_slider, toggle, whole_slider
from ddim_lessons.figures.live import Live, LiveFigure, LiveHTML
from ddim_lessons.figures.plots import draw_points, frame, panels


def find_explorers():
    """Every function of the lessons' pictures that says it returns a live view."""
    for info in pkgutil.iter_modules(lessons.__path__):
        module = importlib.import_module(f"{lessons.__name__}.{info.name}.pictures")
        for name, function in vars(module).items():
            returned = getattr(function, "__annotations__", {}).get("return")
            if isinstance(returned, type) and issubclass(returned, Live):
                yield pytest.param(function, id=f"{info.name}.{name}")


def sweep(live):
    """Show every state of the sweep; returns how many there were."""
    states = list(live.sweep())
    for state in states:
        live.show(state)
        assert live.words and "nan" not in live.words.lower(), state
    return len(states)


@pytest.mark.parametrize("make", list(find_explorers()))
def test_every_control_over_its_whole_grid(make):
    live = make()
    assert sweep(live) > len(live.controls)
    assert all(control.description for control in live.controls.values()), "a control without a label"


@pytest.mark.parametrize("make", list(find_explorers()))
def test_reset_brings_back_the_first_picture(make):
    live = make()
    first = live._repr_mimebundle_()
    for control in live.controls.values():
        control.value = next(value for value in control_values(control) if value != control.value)
    live.reset()
    again = live._repr_mimebundle_()
    keys = ("image/png", "text/plain", "text/html")
    both = [view[0] if isinstance(view, tuple) else view for view in (first, again)]
    assert [both[0].get(key) for key in keys] == [both[1].get(key) for key in keys]


# --- the engine --------------------------------------------------------------------------------------------------


def small_figure(update=None):
    """A live figure of one dot that follows a slider."""
    figure, axes = panels(width=2, height=2)
    frame(axes, 1)
    dot = draw_points(axes, np.zeros((1, 2)), size=10, alpha=1.0)

    def move(x):
        dot.set_data([x], [0])
        return f"a dot at {x:.1f}"

    return LiveFigure(figure, [dot], {"x": number_slider("x", -0.8, 0.8, 0.4, 0.0)}, update or move)


def dark_columns(png):
    """The columns of a picture that have a blue pixel inside the frame."""
    pixels = np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)
    return np.flatnonzero(((pixels[..., 2] - pixels[..., 0]) > 100).any(axis=0))


def test_the_dot_moves_and_leaves_nothing_behind():
    live = small_figure()
    middle = dark_columns(live.image.value)
    live.controls["x"].value = 0.8
    right = dark_columns(live.image.value)
    assert right.min() > middle.max() and abs(len(right) - len(middle)) <= 2
    assert live.words == "a dot at 0.8" and "a dot at 0.8" in live.caption.value


def test_mimebundle_has_a_view_a_picture_and_words():
    bundle, metadata = small_figure()._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"}
    assert bundle["text/plain"] == "[live figure] a dot at 0.0" and metadata["image/png"]["alt"] == "a dot at 0.0"


def test_reset_button_and_sweep():
    live = small_figure()
    live.controls["x"].value = 0.4
    live.reset_button.click()
    assert live.controls["x"].value == 0.0 and live.words == "a dot at 0.0"
    assert [round(state["x"], 1) for state in live.sweep()] == [0.0, -0.8, -0.4, 0.0, 0.4, 0.8]


def test_planted_bug_a_callback_that_raises_fails_the_sweep():
    def broken(x):
        if x > 0.5:
            raise ZeroDivisionError("planted")
        return "fine"

    with pytest.raises(ZeroDivisionError, match="planted"):
        sweep(small_figure(broken))


def test_settings_that_do_not_go_together_are_told_and_the_picture_stays():
    def picky(x):
        if x > 0.5:
            raise ValueError("x is 0.8, but must be <at most 0.5")
        return "fine"

    live = small_figure(picky)
    image = live.image.value
    live.controls["x"].value = 0.8
    assert live.image.value == image and "x is 0.8, but must be &lt;at most 0.5" in live.caption.value
    with pytest.raises(ValueError):
        sweep(live)


class FakeLoop:
    """An event loop that runs what it was told to call later when asked to."""

    def __init__(self):
        self.later = []

    def call_later(self, seconds, call):
        self.later.append(call)

    def run(self):
        calls, self.later = self.later, []
        for call in calls:
            call()


def queued_figure(monkeypatch):
    """A live figure in a loop whose changes all come right behind a picture; returns (figure, loop, drawn values)."""
    loop, drawn = FakeLoop(), []
    monkeypatch.setattr(widgets, "_running_loop", lambda: loop)
    monkeypatch.setattr(widgets, "QUEUED", float("inf"))
    live = small_figure()
    show = live.show
    monkeypatch.setattr(live, "show", lambda state: (drawn.append(state["x"]), show(state)))
    return live, loop, drawn


def test_a_burst_of_changes_draws_the_newest_state_once(monkeypatch):
    live, loop, drawn = queued_figure(monkeypatch)
    for x in (-0.8, -0.4, 0.4, 0.8):
        live.controls["x"].value = x
    assert drawn == [] and len(loop.later) == 1
    loop.run()
    assert drawn == [0.8] and live.words == "a dot at 0.8"
    live.controls["x"].value = 0.0
    loop.run()
    assert drawn == [0.8, 0.0] and loop.later == []


def test_a_change_that_nothing_came_before_is_drawn_at_once(monkeypatch):
    live, loop, drawn = queued_figure(monkeypatch)
    monkeypatch.setattr(widgets, "QUEUED", 0.0)
    live.controls["x"].value = 0.4
    assert drawn == [0.4] and loop.later == []


def test_a_play_button_moves_its_slider_and_does_not_start_by_itself():
    figure, axes = panels(width=2, height=2)
    frame(axes, 1)
    dot = draw_points(axes, np.zeros((1, 2)))
    controls = {"t": choice_slider("t", (1000, 500, 0), 1000)}
    live = LiveFigure(figure, [dot], controls, lambda t: f"t = {t}", play="t")
    play, slider = live.box.children[0].children[0].children[1], controls["t"]
    assert play.max == 2 and play.playing is False and play.repeat is False and play.value == slider.index
    assert "move t from" in play.tooltip and slider in live.box.children[0].children[0].children


def test_control_values_cover_both_ends():
    assert control_values(choice_slider("S", (1, 5, 10), 5)) == [1, 5, 10]
    assert control_values(toggle("on", True)) == [False, True]
    assert control_values(menu("m", ["a", "b"], "b")) == ["a", "b"]
    values = control_values(whole_slider("t", 0, 1000, 3))
    assert values[0] == 0 and values[-1] == 1000 and len(values) == 21 and all(type(v) is int for v in values)


def test_live_html_shows_what_update_returns():
    live = LiveHTML({"on": toggle("on", False)}, lambda on: (f"<b>{on}</b>", f"it is {on}"))
    live.controls["on"].value = True
    assert live.html.value == "<b>True</b>" and live.words == "it is True"
    assert live._repr_mimebundle_()["text/plain"] == "[live table] it is True"
