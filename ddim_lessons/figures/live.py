"""Live figures: controls → state → draw, on one figure that is made once.

Only core ipywidgets are used, so a live figure works in JupyterLab, Jupyter Notebook and Voilà, offline. The
background (axes, ticks, fixed text) is drawn once; a change of a control moves the artists, draws them alone over
that background and sends one picture: no flicker, some ten milliseconds.
"""

import asyncio
import re
import time
from base64 import b64encode
from contextlib import contextmanager
from html import escape
from io import BytesIO
from itertools import product
from pathlib import Path
from threading import Lock, Timer

import ipywidgets as ipw
from IPython.display import display
from matplotlib.text import Text
from traitlets import Unicode

from .. import require
from .ahead import ONE_AT_A_TIME, Ahead
from .controls import common, control_row, control_values, main_grid
from .plots import DPI, ZOOM, display_still, house, lay_out, picture, small_png
from .typeset import in_html, set_texts

LIVE_DPI = round(110 * ZOOM)  # on the screen; the still copy in the file has plots.DPI
SLOW = 0.12  # seconds: a picture that takes longer says so, which is seen within 0.15
TALL = 0.62  # height / width of a figure beside which its controls and its words have room
HERE = Path(__file__).parent
# what every live figure brings along: how it is laid out, and what its front end has to do for it
STYLE, SCRIPT = ((HERE / f"live.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
DRESS = f'<style onload="{escape(SCRIPT)}">{STYLE}</style>'
QUEUED = 0.01  # seconds: a change that comes so soon after a picture was waiting while that picture was drawn
# Seconds after Reset in which a change from the page may have been made before it, for a page holds back what is new:
# of a page that tells what its reader touches (live.js), and of one that does not.
LATE, LATE_UNHEARD = 5.0, 0.3

# Under a still: that it is one, and the rules that hide it and this note while the live box under them is alive, and
# the box once it is not. Front ends prefer a widget to a picture in the same output also when the widget is gone.
REVIVE = """<br><small class="ddim-revive">A still {kind}. In JupyterLab, run this cell to bring it to life.</small>
<style>
.jp-OutputArea-child:has(.ddim-revive) + .jp-OutputArea-child:not(:has(.ddim-live)),
.jp-OutputArea-child:has(.ddim-revive):has(+ .jp-OutputArea-child .ddim-live),
.jp-OutputArea-child:has(+ .jp-OutputArea-child .ddim-revive):has(+ * + .jp-OutputArea-child .ddim-live) {{
  display: none; }}
</style>"""


def display_live(box, kind, still, caption, more=""):
    """Display three outputs: a still, as a MIME bundle; its caption, ``more`` HTML and a note; the live ``box``.

    While the box is alive it alone is seen. Without a kernel, on GitHub and in print the still and its caption are.
    """
    box.add_class("ddim-live")
    display_still(still, caption, more + REVIVE.format(kind=kind))
    display(box._repr_mimebundle_() | {"text/plain": ""}, raw=True)


class Live:
    """Controls and what follows them; subclasses say what is shown.

    ``controls`` is a dict of name to ipywidgets control; the state is the dict of name to value. ``update`` is
    called as ``update(**state)``. ``play`` names the control, one of :func:`choice_slider`, that gets a play button.
    ``main`` names the controls that are always seen; the others are folded behind "More settings". By default all are
    seen if they are four at most, else those that are neither a menu, a box to tick nor a seed. ``aside`` is an
    :class:`Aside` that ``update`` fills, or None.
    """

    ahead = None  # an Ahead, where states are computed in slices

    def __init__(self, controls, update, view, play=None, main=None, aside=None):
        self.controls, self.update, self.play, self.main, self.aside = dict(controls), update, play, main, aside
        self._drawn, self._waiting, self._drawing = 0.0, False, Lock()
        self._putting_back, self._was_reset = False, float("-inf")
        self.start = self.state
        self.caption = ipw.HTML()
        self.reset_button = ipw.Button(description="Reset", icon="undo", tooltip="Back to the first settings")
        self.reset_button.on_click(lambda _: self._reset_by_hand())
        self.touched = ipw.IntText(0, layout={"display": "none"})  # 2 more for each Reset, odd if touched since
        self.touched.add_class("ddim-touched")
        self.touched.observe(self._be_touched, names="value")
        self.show(self.state)
        for control in self.controls.values():
            control.observe(self._changed, names="value")
        row = control_row(self.controls, play, main, self.reset_button)
        views = [view, aside] if aside else [view]
        dress = ipw.HTML(DRESS, layout={"display": "none"})
        self.layout = ipw.VBox([row, *views, self.caption, dress, self.touched])
        self.layout.add_class("ddim-figure")
        self.box = ipw.VBox([self.layout])

    @property
    def state(self):
        """The controls' values by name."""
        return {name: control.value for name, control in self.controls.items()}

    def show(self, state):
        """Show ``state``, whatever the controls say; errors are not caught."""
        with ONE_AT_A_TIME:
            self.words = self.draw(state)
            self._say(self.words)

    def _say(self, words):
        """Write a caption: its first sentence is for eyes; the rest is heard, and read where the mouse rests."""
        first, rest = (*re.split(r"(?<=[.!?]) (?=[^a-z])", words, maxsplit=1), "")[:2]
        words = f"<b>{in_html(first)}</b> <span>{in_html(rest)}</span>" if rest else in_html(first)
        self.caption.value = f'<p role="status" aria-live="polite" style="line-height:1.4">{words}</p>'

    def draw(self, state):
        """Bring the view to ``state`` and return the caption: one or two sentences that say what is shown now."""
        raise NotImplementedError

    def reset(self):
        """Put every control back to where it started, then draw once."""
        with ONE_AT_A_TIME:
            self._putting_back = True
            try:
                for name, value in self.start.items():
                    self.controls[name].value = value
            finally:
                self._putting_back = False
            self._draw_soon()

    def _reset_by_hand(self):
        """Reset; what is on its way from the page to the controls will be put back too."""
        with ONE_AT_A_TIME:
            self.reset()
            self._was_reset = time.monotonic()

    def _be_touched(self, change):
        """The page tells that Reset was pressed, or a control touched, in the order in which its reader did it."""
        if change["new"] // 2 > change["old"] // 2:
            self.reset_button.click()

    def _is_late(self, control):
        """Whether a change of ``control`` comes from the page, where it was made before Reset was pressed."""
        untouched, late = (self.touched.value % 2 == 0, LATE) if self.touched.value else (True, LATE_UNHEARD)
        return bool(control._property_lock) and untouched and time.monotonic() < self._was_reset + late

    def sweep(self):
        """Yield a state for every value of every control, the others where they started: what a test walks over."""
        yield dict(self.start)
        for name, control in self.controls.items():
            for value in control_values(control):
                yield self.start | {name: value}

    def frames(self, most):
        """Return (grid, states): what a page without a kernel shows.

        ``grid`` is :func:`ddim_lessons.figures.controls.main_grid`, at most ``most`` combinations; ``states`` yields
        (words, what is shown then: a Pillow image, or HTML) for each, the last control's values running fastest.
        """
        grid = main_grid(self.controls, self.main, most)
        return grid, self._walk(grid)

    def _walk(self, grid):
        for values in product(*grid.values()):
            try:
                self.show(self.start | dict(zip(grid, values, strict=True)))
            except ValueError as error:  # as in the live figure, the picture stays
                self.words = f"These settings do not go together: {error}"
            yield self.words, self.shown()

    def _changed(self, change):
        """A control has moved: draw that, or put back what was on its way when Reset was pressed."""
        with ONE_AT_A_TIME:
            loop = _running_loop()
            if self._putting_back:
                return
            if loop is not None and self.state != self.start and self._is_late(change["owner"]):
                loop.call_later(QUEUED, self.reset)
            else:
                self._draw_soon()

    def _draw_soon(self):
        """Draw the new state, unless it was queued behind the last picture: then draw the newest of the queue once.

        Without an event loop, as in a script or a test, every state is drawn at once.
        """
        loop = _running_loop()
        if self._waiting:
            return
        if loop is not None and time.monotonic() - self._drawn < QUEUED:
            self._waiting = True
            loop.call_later(QUEUED, self._draw_newest)
            return
        self._draw_newest()

    def _draw_newest(self):
        with ONE_AT_A_TIME:
            self._waiting, loop = False, _running_loop()
            self.ahead.ask(loop) if self.ahead and loop else self.draw_now(self.state)

    def draw_now(self, state):
        """Draw ``state``; a bad combination of settings is told in the caption, and the picture stays."""
        try:
            with self._busy_if_slow():
                self.words = self.draw(state)
            self._say(self.words)  # here the timer is silent: said before, it could be said over
        except ValueError as error:
            self.caption.value = f'<p role="alert">These settings do not go together: {escape(str(error))}</p>'
        self._drawn = time.monotonic()

    @contextmanager
    def _busy_if_slow(self):
        """After ``SLOW`` seconds dim the picture and say that another is being computed, until it is there."""
        done = []
        timer = Timer(SLOW, self._be_busy, [done])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            with self._drawing:  # what the timer says is said whole, and before the new words, or not at all
                timer.cancel()
                done.append(True)  # for a timer that waits for the lock already
                self.layout.remove_class("ddim-busy")

    def _be_busy(self, done):
        with self._drawing:
            if not done:
                self.meanwhile("One moment: these settings are being computed.")

    def meanwhile(self, words):
        """Dim the picture and say that it is not yet what the controls ask for."""
        self.layout.add_class("ddim-busy")
        self._say(words)

    def computes(self, compute, coarse, along):
        """Compute long states in slices, and the neighbours of each while nobody asks: see :class:`Ahead`."""
        self.ahead = Ahead(self, compute, coarse, along)
        return self


class Aside(ipw.HTML):
    """A table of numbers that stands beside a picture, or under it where the page is narrow."""

    def __init__(self):
        super().__init__()
        self.add_class("ddim-aside")

    def fill(self, head, rows):
        """Show ``head``, the names of the columns, over ``rows``, each (name, a number in words for each column)."""
        top = "".join(f'<th scope="col">{in_html(name)}</th>' for name in head)
        body = "".join(
            f'<tr><th scope="row">{in_html(name)}</th>{"".join(f"<td>{in_html(cell)}</td>" for cell in cells)}</tr>'
            for name, *cells in rows
        )
        self.value = f"<table><tr><td></td>{top}</tr>{body}</table>"


class Picture(ipw.Image):
    """A picture whose ``tooltip`` is its text alternative: the front end makes it the title of the img element.

    The front end reads a description too, which ``Image`` has not; without one it fails.
    """

    description = Unicode("").tag(sync=True)


class LiveFigure(Live):
    """A figure that follows its controls.

    Parameters
    ----------
    figure : matplotlib Figure with an Agg canvas (:func:`ddim_lessons.figures.plots.panels`)
    artists : the artists that change, each already on axes of the figure; texts that change are artists too
    controls : dict of name to control
    update : ``update(**state)`` sets the artists' data and returns the caption, which is also the text alternative
    play, main : the name of the control that a play button moves, and those of the controls that are always seen
    aside : an :class:`Aside`, which ``update`` fills
    """

    colors = 256  # of the still in the file: a figure of many small dots may do with fewer

    def __init__(self, figure, artists, controls, update, play=None, main=None, aside=None):
        self.figure, self.artists = figure, list(artists)
        self.figure.set_dpi(LIVE_DPI)
        width, height = figure.canvas.get_width_height()
        self.image = Picture(format="jpeg", layout={"max_width": f"min(100%, {width}px)"})
        self._texts = [artist for artist in self.artists if isinstance(artist, Text)]
        self._background = self._draw_background()
        super().__init__(controls, update, self.image, play, main, aside)
        if height > TALL * width:
            self.layout.add_class("ddim-tall")
        self.density = ipw.FloatText(1.0, layout={"display": "none"})
        self.density.add_class("ddim-density")
        self.density.observe(self._be_dense, names="value")
        self.layout.children += (self.density,)

    @house()
    def draw(self, state):
        words = self.update(**state)
        set_texts(self._texts)
        canvas = self.figure.canvas
        canvas.restore_region(self._background)
        for artist in self.artists:
            self.figure.draw_artist(artist)
        with self.image.hold_sync():  # the tooltip is the name that a screen reader reads for the picture
            self.image.value, self.image.tooltip = _encode(canvas), words
        return words

    def shown(self):
        """Return what is shown now as a Pillow image."""
        return picture(self.figure.canvas)

    def still(self):
        """Return what is shown now as a PNG for files, at the resolution of the still figures."""
        return small_png(self.shown(), DPI / self.figure.dpi, self.colors)

    def save(self, path):
        """Write what is shown now to ``path`` as a PNG; as a GIF every value of the control that Play moves."""
        require.that(isinstance(path, str | Path), "path", path, "the path of a file")
        path, endings = Path(path), (".png", ".gif") if self.play else (".png",)
        require.that(path.suffix in endings, "path", path.name, f"one that ends in {' or '.join(endings)}")
        if path.suffix == ".png":
            path.write_bytes(self.still())
            return
        frames, now = [], self.state
        with ONE_AT_A_TIME:
            for value in control_values(self.controls[self.play]):
                self.draw(now | {self.play: value})
                frames.append(self.shown().quantize(64))
            self.show(now)
        shown = [120] * (len(frames) - 1) + [1500]  # milliseconds
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=shown, loop=0)

    def _be_dense(self, change):
        """Draw with as many dots as the reader's screen has: ``density`` for each pixel of the page."""
        with ONE_AT_A_TIME:
            self.figure.set_dpi(LIVE_DPI * min(max(change["new"], 1.0), 2.0))
            self._background = self._draw_background()
            self._draw_soon()

    def _draw_background(self):
        """Draw all that does not move, once; freeze the layout so that nothing shifts later."""
        for artist in self.artists:
            artist.set_animated(True)
        lay_out(self.figure)
        with house():
            self.figure.set_layout_engine("none")
            self.figure.canvas.draw()
        return self.figure.canvas.copy_from_bbox(self.figure.bbox)

    def _ipython_display_(self):
        still = {"image/png": b64encode(self.still()).decode(), "text/plain": f"[live figure] {self.words}"}
        display_live(self.box, "picture", still, self.words, self.aside.value if self.aside else "")


class LiveHTML(Live):
    """A piece of HTML, such as a table, that follows its controls: ``update(**state)`` returns (html, caption)."""

    def __init__(self, controls, update):
        self.html = ipw.HTML()
        super().__init__(controls, update, self.html)

    def draw(self, state):
        self.html.value, words = self.update(**state)
        return words

    def shown(self):
        """Return the HTML that is shown now."""
        return self.html.value

    def _ipython_display_(self):
        still = {"text/html": self.html.value, "text/plain": f"[live table] {self.words}"}
        display_live(self.box, "table", still, self.words)


class ClassPrediction:
    """A show of hands: a box for each choice; then "Reveal" draws the hands as bars and says which one is right.

    ``choices`` are texts, ``answer`` is one of them, ``why`` is the sentence to say with it. The picture that decides
    it is the lesson's next one; the question stands above, in the lesson's text.
    """

    def __init__(self, question, choices, answer, why=""):
        require.that(answer in choices, "answer", answer, f"one of {list(choices)}")
        self.question, self.choices, self.answer, self.why = question, list(choices), answer, why
        self.hands = [ipw.BoundedIntText(0, 0, 9999, **common(choice)) for choice in choices]
        self.button = ipw.Button(description="Reveal", tooltip="Show the hands and the answer")
        self.button.on_click(lambda _: self.reveal())
        self.result = ipw.HTML()
        boxes = ipw.Box([*self.hands, self.button]).add_class("ddim-hands")
        title = ipw.HTML(f'<b aria-label="Hands up: {escape(question)}">Hands up</b>')
        self.box = ipw.VBox([ipw.VBox([title, boxes, self.result, ipw.HTML(DRESS, layout={"display": "none"})])])
        self.box.children[0].add_class("ddim-figure")

    def reveal(self):
        """Show how many hands each choice got, mark the right one, and say why."""
        total = sum(box.value for box in self.hands)
        rows = "".join(
            self._bar(choice, box.value, total) for choice, box in zip(self.choices, self.hands, strict=True)
        )
        self.result.value = f'<div role="status" class="ddim-bars">{rows}<p>{escape(self.why)}</p></div>'

    def _bar(self, choice, hands, total):
        right = choice == self.answer
        kind, mark = ("right", "✓ ") if right else ("other", "")
        bar = f'<i class="{kind}" style="width:{100 * hands / max(total, 1):.0f}%"></i>'
        return f"<p><span>{mark}{escape(choice)}: {hands} of {total}</span>{bar}</p>"

    def _ipython_display_(self):
        items = "".join(f"<li>{escape(choice)}</li>" for choice in self.choices)
        words = f"<p><b>Hands up:</b> {escape(self.question)}</p><ul>{items}</ul>"
        display_live(self.box, "question", {"text/html": words, "text/plain": "[a question for the class]"}, "")


def _running_loop():
    """Return the event loop that this code runs in, or None."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _encode(canvas):
    """Return what the canvas shows as JPEG bytes: they look like a PNG's and take a fifth of the time."""
    buffer = BytesIO()
    picture(canvas).save(buffer, format="jpeg", quality=95, subsampling=0)
    return buffer.getvalue()
