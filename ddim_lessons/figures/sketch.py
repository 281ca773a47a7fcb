"""A sheet to draw on, with mouse, pen or finger: what is drawn is data of one's own.

sketch = own_drawing()  # the last line of a cell shows it
own_data(sketch)        # in another cell, when it is drawn

The sheet is an HTML control of core ipywidgets, as all live figures are: nothing to install, nothing to load.
"""

from base64 import b64encode
from html import escape
from io import BytesIO
from pathlib import Path

import ipywidgets as ipw

from ..own import PEN, own_data, picture_of_strokes
from .live import display_live

WIDTH, HEIGHT = 480, 320
SCRIPT = (Path(__file__).parent / "sketch.js").read_text(encoding="utf-8")
LOOK = (
    f"width:{WIDTH}px;max-width:100%;background:white;border:1px solid #777;border-radius:4px;touch-action:none;"
    f"cursor:crosshair;fill:none;stroke:#111;stroke-width:{PEN};stroke-linecap:round;stroke-linejoin:round"
)
START = "Draw here with the mouse, a pen or a finger, then press Done. (Who cannot draw here types a word instead.)"


class Sketch:
    """A sheet to draw on; ``strokes`` is what was drawn, and :func:`ddim_lessons.own.own_data` takes it."""

    def __init__(self):
        self._sheet, self._cleared = ipw.HTML(), 0
        self._told = ipw.Text(layout={"display": "none"}).add_class("ddim-strokes")
        self.caption = ipw.HTML()
        clear = ipw.Button(description="Clear", icon="eraser", tooltip="Begin with an empty sheet")
        done = ipw.Button(description="Done", icon="check", tooltip="Say which data this drawing is")
        clear.on_click(lambda _: self.clear())
        done.on_click(lambda _: self.done())
        self.box = ipw.VBox([self._sheet, ipw.HBox([clear, done]), self.caption, self._told])
        self.box.add_class("ddim-sketch")
        self.clear()

    @property
    def strokes(self):
        """What is drawn: a list of strokes, each a list of places (x, y) in pixels, y downwards."""
        strokes = [stroke.split() for stroke in self._told.value.split(";") if stroke]
        return [[tuple(map(int, place.split(","))) for place in stroke] for stroke in strokes]

    def clear(self):
        """Begin with an empty sheet."""
        self._told.value, self._cleared = "", self._cleared + 1
        self._show()
        self._say(START)

    def done(self):
        """Show the strokes as they are known here, and say which data they are, or why they are none."""
        self._show()
        try:
            self._say(f"Done: own_data takes it. {own_data(self).said}")
        except ValueError as error:
            self._say(str(error), "alert")

    def _show(self):
        lines = "".join(f'<polyline points="{escape(stroke)}"/>' for stroke in self._told.value.split(";") if stroke)
        self._sheet.value = (
            f'<style onload="{escape(SCRIPT)}"></style><svg data-cleared="{self._cleared}" role="img" '
            f'aria-label="A sheet to draw on" viewBox="0 0 {WIDTH} {HEIGHT}" style="{LOOK}">{lines}</svg>'
        )

    def _say(self, words, role="status"):
        self.words = words
        self.caption.value = f'<p role="{role}" aria-live="polite" style="line-height:1.4">{escape(words)}</p>'

    def still(self):
        """Return the sheet as a PNG."""
        file = BytesIO()
        picture_of_strokes(self.strokes, (WIDTH, HEIGHT)).save(file, "png")
        return file.getvalue()

    def _ipython_display_(self):
        self._show()
        still = {"image/png": b64encode(self.still()).decode(), "text/plain": f"[live sheet] {self.words}"}
        display_live(self.box, "sheet", still, self.words)


def own_drawing():
    """Return a sheet to draw on: show it as the last line of a cell, draw, and give it to ``own_data`` in another."""
    return Sketch()
