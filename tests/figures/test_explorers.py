"""Live figures: every control over its whole grid, the picture follows, and a broken callback cannot hide."""

import importlib
import pkgutil
import time
from io import BytesIO
from threading import Event, Thread

import numpy as np
import pytest
from cycler import cycler
from matplotlib import rc_context, rcParams, style
from PIL import Image
from test_typeset import raw

from ddim_lessons import lessons
from ddim_lessons.figures import live as widgets
from ddim_lessons.figures import plots
from ddim_lessons.figures.controls import choice_slider, control_values, menu, number_slider, toggle, whole_slider
from ddim_lessons.figures.live import ClassPrediction, Live, LiveFigure, LiveHTML
from ddim_lessons.figures.plots import draw_paths, draw_points, frame, panels, png
from ddim_lessons.lessons.lesson_07 import pictures as lesson_07

# One value that matplotlib's default is not, for each setting that a reader's matplotlibrc may hold and pictures see.
LEAKS = {
    "text.usetex": True, "text.color": "red", "text.hinting": "none", "text.antialiased": False, "font.size": 20.0,
    "font.family": ["monospace"], "font.weight": "bold", "mathtext.fontset": "stix", "mathtext.default": "regular",
    "axes.unicode_minus": False, "axes.grid": True, "axes.spines.top": True, "axes.facecolor": "black",
    "axes.titlelocation": "left", "axes.titlesize": 5, "axes.labelcolor": "red", "axes.xmargin": 0.4,
    "axes.axisbelow": True, "axes.formatter.limits": [-1, 1], "axes.formatter.use_mathtext": True,
    "axes.formatter.use_locale": True, "axes.prop_cycle": cycler(color=["red"]), "xtick.direction": "in",
    "ytick.major.size": 15.0, "ytick.right": True, "ytick.minor.visible": True, "xaxis.labellocation": "left",
    "lines.linewidth": 7.0, "lines.marker": "x", "lines.antialiased": False, "legend.loc": "lower left",
    "legend.facecolor": "red", "legend.fontsize": 20.0, "image.cmap": "jet", "image.interpolation": "bilinear",
    "image.origin": "lower", "patch.linewidth": 4.0, "patch.force_edgecolor": True, "hatch.linewidth": 5.0,
    "scatter.marker": "x", "date.converter": "concise", "figure.autolayout": True, "figure.dpi": 40.0,
    "figure.constrained_layout.w_pad": 0.6, "figure.facecolor": "black", "savefig.facecolor": "red",
    "savefig.bbox": "tight", "path.sketch": (2.0, 20.0, 2.0), "path.snap": False, "agg.path.chunksize": 3,
}  # fmt: skip
HOSTILE = {key: value for key, value in LEAKS.items() if key != "text.usetex"}


def find_explorers():
    """Every function of the lessons' pictures that says it returns a live view."""
    for info in filter(lambda info: info.ispkg, pkgutil.iter_modules(lessons.__path__)):
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


@pytest.fixture
def few_steps(monkeypatch):
    """End the labs' sliders at 50 steps: more steps take their time and draw nothing that fewer do not."""
    for name in ("STEPS", "DIGIT_STEPS"):
        monkeypatch.setattr(lesson_07, name, tuple(S for S in getattr(lesson_07, name) if S <= 50))


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("make", list(find_explorers()))
def test_every_control_over_its_whole_grid(make):
    live = make()
    assert sweep(live) > len(live.controls)
    assert all(control.description for control in live.controls.values()), "a control without a label"
    assert raw(live.figure) == set() if hasattr(live, "figure") else True, "a symbol that is not typeset"


# where a control can show what it does, if not at the first settings
WHERE = {lab: {"S": 20, "t": 300} for lab in ("trajectory_lab", "digits_lab")}  # it visits every 50th time
STAYS = {  # what a control rightly leaves as it is
    ("dissolving", "data"): {"words"},  # the cloud has no number in the words
    ("dissolving", "seed"): {"words"},
    ("graph_editor", "t8"): {"picture", "words"},  # beyond the graph's last time
    ("graph_editor", "t9"): {"picture", "words"},
    ("graph_editor", "t10"): {"picture", "words"},
}


def seen(live):
    """What a reader sees."""
    return {"picture": (live.image if hasattr(live, "image") else live.html).value, "words": live.words}


def neighbour(control):
    """The value that a control takes when it is moved once."""
    values = control_values(control)
    k = values.index(control.value) if control.value in values else -1
    return values[k + 1] if k + 1 < len(values) else values[k - 1]


def stays(live, where):
    """What each control, moved once from ``where`` on, leaves as it was, by its name."""
    found = {}
    for name, control in live.controls.items():
        live.reset()
        for other, value in where.items():
            live.controls[other].value = value
        before = seen(live)
        control.value = neighbour(control)
        found[name] = {part for part, value in seen(live).items() if value == before[part]}
    return found


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("make", list(find_explorers()))
def test_each_control_moved_once_changes_picture_and_words(make):
    left = stays(make(), WHERE.get(make.__name__, {}))
    found = {(make.__name__, name): parts for name, parts in left.items() if parts}
    assert found == {key: parts for key, parts in STAYS.items() if key[0] == make.__name__}


def outputs_of(live):
    """The (data, metadata) of what a live view displays."""
    shown = []
    with pytest.MonkeyPatch.context() as patch:
        for module in (plots, widgets):
            patch.setattr(module, "display", lambda what, metadata=None, raw=False: shown.append((what, metadata)))
        live._ipython_display_()
    return [(what if isinstance(what, dict) else {"text/html": what.data}, metadata) for what, metadata in shown]


def still_of(live):
    """The first output, which is what a file shows."""
    return outputs_of(live)[0]


@pytest.mark.parametrize("make", list(find_explorers()))
def test_reset_brings_back_the_first_picture_also_with_settings_of_the_reader_s(make):
    first = still_of(make())
    with rc_context(HOSTILE):
        live = make()
        assert still_of(live) == first
        for control in live.controls.values():
            control.value = next(value for value in control_values(control) if value != control.value)
        live.reset()
        assert still_of(live) == first


# --- the reader's settings ---------------------------------------------------------------------------------------


def pictures_of_all_kinds():
    """PNGs of a figure with what figures are made of: as a still one, and as a live one after a move."""
    figure, axes = panels(width=2, height=1.4)
    axes.imshow(np.arange(6.0).reshape(2, 3), extent=(0, 1, 0, 1))
    (line,) = axes.plot([0, 0.5, 1], [-1, 0.3, 2], label="a line", zorder=5)
    axes.bar([0.4], [1], width=0.1, hatch="/")
    axes.scatter([0.2, 0.8], [1, 0])
    draw_paths(axes, np.random.default_rng(0).random((2, 5, 2)))
    axes.set(title="title $x_0$", xlabel="x", aspect="auto", ylim=(-1, 2))
    words = axes.text(0.1, 1.5, "−1")
    axes.legend()
    still = png(figure)

    def move(x):
        line.set_data([0, x], [x, -1])
        words.set_text(f"$x_0$ = {x:.1f}")
        return "moved"

    live = LiveFigure(figure, [line, words], {"x": number_slider("x", 0, 1, 0.5, 0)}, move)
    live.controls["x"].value = 0.5
    return still, live.still()


@pytest.fixture(scope="module")
def expected():
    return pictures_of_all_kinds()


@pytest.mark.parametrize("settings", [*style.available, *LEAKS])
def test_no_setting_of_the_reader_s_changes_a_picture_and_none_is_changed(settings, expected):
    own = {settings: LEAKS[settings]} if settings in LEAKS else settings
    with style.context(own):
        before = dict(rcParams)
        assert pictures_of_all_kinds() == expected
        assert dict(rcParams) == before


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


VIEW = "application/vnd.jupyter.widget-view+json"


def check_outputs(live, kind, words):
    """A still alone, then its caption and a note, then the live box alone."""
    (still, metadata), (note, _), (box, _) = outputs_of(live)
    assert set(still) == {kind, "text/plain"} and set(box) == {VIEW, "text/plain"} and box["text/plain"] == ""
    assert f"<small>{words}</small>" in note["text/html"] and 'class="ddim-revive"' in note["text/html"]
    assert "ddim-live" in live.box._dom_classes
    return still, metadata


def test_a_live_figure_displays_a_still_a_caption_and_itself():
    still, metadata = check_outputs(small_figure(lambda x: "a < b"), "image/png", "a &lt; b")
    assert still["text/plain"] == "[live figure] a < b" and metadata["image/png"]["alt"] == "a < b"


def test_a_question_displays_its_choices_and_not_its_answer():
    still, _ = check_outputs(ClassPrediction("a < b?", ["yes", "no & no"], "yes", "because"), "text/html", "")
    assert "a &lt; b?" in still["text/html"] and "<li>yes</li><li>no &amp; no</li>" in still["text/html"]
    assert "because" not in str(still)


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


def test_planted_bug_a_control_that_does_nothing_is_seen():
    assert stays(small_figure(), {}) == {"x": set()}
    assert stays(small_figure(lambda x: "a dot"), {}) == {"x": {"picture", "words"}}


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
    draw = live.draw
    monkeypatch.setattr(live, "draw", lambda state: drawn.append(state["x"]) or draw(state))
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


def test_a_change_on_its_way_when_reset_was_pressed_does_not_undo_it(monkeypatch):
    live, loop, drawn = queued_figure(monkeypatch)
    monkeypatch.setattr(widgets, "QUEUED", 0.0)
    live.touched.value = 1  # a page that tells what is touched
    monkeypatch.setattr(widgets, "LATE_UNHEARD", 0.0)
    live.controls["x"].value = 0.4
    live.touched.value = 2  # Reset, in the page
    live.controls["x"].set_state({"value": 0.8})  # the page kept it until the kernel had drawn 0.4
    loop.run()
    assert live.state == live.start and drawn[-1] == live.start["x"] and 0.8 not in drawn
    monkeypatch.setattr(widgets, "QUEUED", float("inf"))
    live.touched.value = 4  # its picture waits, and is overtaken by what is on its way
    live.controls["x"].set_state({"value": 0.8})
    while loop.later:
        loop.run()
    assert live.state == live.start and drawn[-1] == live.start["x"], "while a picture waits"


@pytest.mark.parametrize("why", ["the reader touched it", "it is late", "a cell moves it", "the page says nothing"])
def test_a_change_made_after_reset_is_drawn(why, monkeypatch):
    live, loop, drawn = queued_figure(monkeypatch)
    monkeypatch.setattr(widgets, "QUEUED", 0.0)
    monkeypatch.setattr(widgets, "LATE", 0.0 if why == "it is late" else float("inf"))
    monkeypatch.setattr(widgets, "LATE_UNHEARD", 0.0)
    if why == "the page says nothing":
        live.reset_button.click()
    else:
        live.touched.value = 2
    if why == "the reader touched it":
        live.touched.value = 3
    if why == "a cell moves it":
        live.controls["x"].value = 0.8
    else:
        live.controls["x"].set_state({"value": 0.8})
    assert drawn[-1] == 0.8 and loop.later == []


def test_reset_waits_for_a_picture_that_another_thread_is_drawing():
    live, begun, reset = small_figure(), Event(), Event()
    draw = live.draw

    def slow(state):
        if state["x"] == 0.8:
            begun.set()
            reset.wait(0.5)  # Reset, if it does not wait, is over before this picture is
        return draw(state)

    live.draw = slow
    mover = Thread(target=setattr, args=(live.controls["x"], "value", 0.8))
    mover.start()
    begun.wait(5)
    live.reset()
    reset.set()
    mover.join()
    assert live.state == live.start and live.words == f"a dot at {live.start['x']}"


def test_a_play_button_moves_its_slider_and_does_not_start_by_itself():
    figure, axes = panels(width=2, height=2)
    frame(axes, 1)
    dot = draw_points(axes, np.zeros((1, 2)))
    controls = {"t": choice_slider("t", (1000, 500, 0), 1000)}
    live = LiveFigure(figure, [dot], controls, lambda t: f"t = {t}", play="t")
    (row, *_) = live.layout.children
    (together,) = row.children[0].children
    play, slider, _ = together.children
    play.playing = True
    live.reset_button.click()
    assert not play.playing, "Reset does not stop it"
    assert slider is controls["t"]
    assert play.max == 2 and play.playing is False and play.repeat is False and play.value == slider.index
    assert "move t from" in play.tooltip


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
    still, _ = check_outputs(live, "text/html", "it is True")
    assert still == {"text/html": "<b>True</b>", "text/plain": "[live table] it is True"}


def test_the_main_controls_are_seen_and_the_others_are_folded():
    few = LiveHTML({"on": toggle("on", False), "m": menu("m", ["a"], "a")}, lambda on, m: ("", "words"))
    assert not [c for c in few.controls.values() if "ddim-folded" in c._dom_classes]
    controls = {f"x{k}": whole_slider(f"x{k}", 0, 3, 1) for k in range(3)}
    controls |= {"seed": whole_slider("noise seed", 0, 3, 1), "data": menu("data", ["a", "b"], "a")}
    many = LiveHTML(controls, lambda **state: ("", "words"))
    folded = [name for name, control in many.controls.items() if "ddim-folded" in control._dom_classes]
    assert folded == ["seed", "data"]
    row = many.layout.children[0]
    assert [button.description for button in row.children[1].children] == ["More settings", "Reset"]


def test_a_slow_picture_says_so_before_it_is_there_and_a_quick_one_does_not(monkeypatch):
    monkeypatch.setattr(widgets, "SLOW", 0.01)
    done = {}

    def update(x):
        while x and "ddim-busy" not in live.layout._dom_classes:  # as long as it takes
            pass
        done[x] = live.caption.value if x else ""
        return "", f"x is {x}"

    live = LiveHTML({"x": whole_slider("x", 0, 3, 0)}, update)
    live.controls["x"].value = 2
    assert "One moment" in done[2] and "x is 2" in live.caption.value
    assert "ddim-busy" not in live.layout._dom_classes


def test_a_wait_that_is_told_as_the_picture_comes_does_not_stay(monkeypatch):
    class Slow(LiveHTML):
        def _say(self, words):  # the page takes long to get the words of the picture: the timer goes off meanwhile
            super()._say(words)
            time.sleep(0.05 if words.startswith("x is") else 0)

    monkeypatch.setattr(widgets, "SLOW", 0.01)
    live = Slow({"x": whole_slider("x", 0, 3, 0)}, lambda x: ("", f"x is {x}"))
    live.controls["x"].value = 2
    assert "x is 2" in live.caption.value and "ddim-busy" not in live.layout._dom_classes


def test_a_dense_screen_gets_a_dense_picture_and_the_file_the_same_still():
    figure, axes = panels(width=2, height=2)
    frame(axes, 1)
    live = LiveFigure(figure, [draw_points(axes, np.zeros((1, 2)))], {}, lambda: "a dot")
    size, still = Image.open(BytesIO(live.image.value)).size, Image.open(BytesIO(live.still())).size
    live.density.value = 2.0
    assert Image.open(BytesIO(live.image.value)).size == (2 * size[0], 2 * size[1])
    assert Image.open(BytesIO(live.still())).size == still
    live.density.value = 1.0
    assert Image.open(BytesIO(live.image.value)).size == size
