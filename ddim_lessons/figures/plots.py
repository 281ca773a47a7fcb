"""Pictures: ``draw_*(axes, arrays…)`` put arrays on axes and return the artists; no state, no globals, no pyplot.

Colours are Okabe and Ito's, told apart by colour-blind readers; where two things share axes they also differ in
lightness or line style, so that a grey print still reads.
"""

import os
from base64 import b64encode
from contextlib import contextmanager
from functools import wraps
from inspect import getmembers, isfunction
from io import BytesIO

import numpy as np
from cycler import cycler
from IPython.display import HTML, display
from matplotlib import rcParams, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from PIL import Image as PillowImage

from .. import require
from .typeset import in_html, set_figure

ZOOM = float(os.environ.get("DDIM_LESSONS_ZOOM", "1"))  # larger pictures for a projector: present.py sets it
DPI = round(88 * ZOOM)
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
INK, GREY, PALE = "#222222", "#767676", "#D9D9D9"
WINDOW = (2.6, 2.1)  # half a plane's width and height: all point sets fit, and all but some 4% of N(0, I)

STYLE = {
    "figure.dpi": DPI,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "axes.labelsize": 12,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=[BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY]),
}
HOUSE = {name: value for name, value in (dict(rcParamsDefault) | STYLE).items() if name != "backend"}
_ENTERED = []  # holds something while the settings are the house's


@contextmanager
def house():
    """Give matplotlib its own defaults and ``STYLE`` for a while, whatever the reader's settings are.

    Artists look settings up when they are made and again when they are drawn. Also a decorator: ``@house()``.
    """
    if _ENTERED:
        yield
        return
    own = {name: rcParams[name] for name, value in HOUSE.items() if rcParams[name] != value}
    rcParams.update({name: HOUSE[name] for name in own})  # rc_context copies all 340, which a slider would feel
    _ENTERED.append(True)
    try:
        yield
    finally:
        _ENTERED.pop()
        rcParams.update(own)


def _within(method):
    """Return the method in the house's settings; one that another has called already has them."""
    guarded = house()(method)
    return wraps(method)(lambda *args, **options: (method if _ENTERED else guarded)(*args, **options))


def _housed(kind):
    """Return a subclass of ``kind`` of which every public method works with the house's settings."""
    at_home = type(kind.__name__, (kind,), {"__doc__": f"{kind.__name__} with the house's settings."})
    for name, method in getmembers(kind, isfunction):
        if not name.startswith("_"):
            setattr(at_home, name, _within(method))
    return at_home


_Axes, _Figure = _housed(Axes), _housed(Figure)


@house()
def panels(rows=1, columns=1, width=9.0, height=4.0, **axes_options):
    """Return (figure, axes) in the house style; ``axes`` is one Axes or an array of them. Size in inches.

    What is added to them is in that style too. ``axes_options`` go to ``Figure.subplots`` (``sharex``,
    ``width_ratios`` …).
    """
    figure = _Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, subplot_kw={"axes_class": _Axes}, **axes_options)


def png(figure):
    """Return the figure as PNG bytes, the same bytes for the same figure."""
    lay_out(figure)
    with house():
        figure.canvas.draw()
    return small_png(picture(figure.canvas))


@house()
def lay_out(figure):
    """Typeset a figure's words and find each panel's place; one of equal aspect finds its own at the second try."""
    set_figure(figure)
    for _ in range(2):
        figure.draw_without_rendering()


def picture(canvas):
    """Return what an Agg canvas shows as a Pillow image, without its alpha channel."""
    size = canvas.get_width_height()
    return PillowImage.frombuffer("RGBA", size, canvas.buffer_rgba(), "raw", "RGBA", 0, 1).convert("RGB")


def small_png(image, scale=1.0, colors=256):
    """Return a Pillow image as PNG bytes for files: scaled, of at most ``colors`` ≤ 256 colours, well packed."""
    if scale != 1:
        image = image.resize([round(side * scale) for side in image.size], PillowImage.Resampling.LANCZOS)
    buffer = BytesIO()
    few = image.quantize(colors, method=PillowImage.Quantize.MAXCOVERAGE, kmeans=1)  # the truest colours of its methods
    few.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


# JupyterLab leaves a picture's alternative text out. This gives the picture above a caption the caption's words, and
# does it again, for on a busy machine the picture comes after its caption.
ALT = """<style onload="[0, 200, 1000, 5000].forEach((delay) => setTimeout(() => {
  const above = this.closest('.jp-OutputArea-child')?.previousElementSibling?.querySelector('img');
  const words = this.closest('div')?.querySelector('small')?.cloneNode(true);
  words?.querySelectorAll('sub').forEach((part) => part.prepend('_'));
  if (above && words) above.alt = words.textContent; }, delay))"></style>"""


def show(figure, caption):
    """Display a figure with its caption under it; the caption is also its text alternative.

    It says what there is to see in words and numbers, for readers who cannot see the picture.
    """
    display_still({"image/png": b64encode(png(figure)).decode(), "text/plain": f"[figure] {caption}"}, caption)


def display_still(still, caption, note=""):
    """Display a MIME bundle, its caption under it, and a piece of HTML under that."""
    display(still, metadata={"image/png": {"alt": caption}} if "image/png" in still else {}, raw=True)
    display(HTML(f"<small>{in_html(caption)}</small>{ALT}{note}"))


# --- drawings ----------------------------------------------------------------------------------------------------


def draw_points(axes, points, color=BLUE, size=3.0, label=None, alpha=0.6):
    """Draw points of shape (n, 2) as dots of ``size`` typographic points; returns the Line2D."""
    points = np.asarray(points)
    (dots,) = axes.plot(
        points[:, 0], points[:, 1], "o", color=color, markersize=size, markeredgewidth=0, alpha=alpha, label=label
    )
    return dots


@house()
def draw_paths(axes, paths, color=INK, width=0.8, alpha=0.5, label=None):
    """Draw paths of shape (n, steps, 2) as thin lines; returns the LineCollection."""
    lines = LineCollection(list(paths), colors=color, linewidths=width, alpha=alpha, label=label)
    axes.add_collection(lines, autolim=False)
    return lines


def move_paths(lines, paths):
    """Set the lines of :func:`draw_paths` to paths (n, steps, 2): the longer they are, the paler, so that points show.

    Returns how opaque they are: 0.8 up to a length of 4, a dozen screens' worth of it still 0.08.
    """
    paths = np.asarray(paths, dtype=float)
    length = np.hypot(*np.moveaxis(np.diff(paths, axis=1), -1, 0)).sum(axis=1).mean() if paths.size else 0.0
    alpha = min(0.8, max(0.08, 0.8 * (4 / max(length, 4)) ** 0.75))
    lines.set(segments=list(paths), alpha=alpha)
    return alpha


def draw_started(axes, dot, alpha):
    """Prepare samples over the data's centres, blue if they started right and orange if left; returns the artists.

    The middle line, which decides what counts as a side, is dashed.
    """
    nothing = np.empty((0, 2))
    axes.axvline(0, color=GREY, linestyle="--", linewidth=1)
    return {
        "truth": draw_points(axes, nothing, PALE, size=2 * dot + 1, alpha=1.0),
        "right": draw_points(axes, nothing, BLUE, size=dot, alpha=alpha),
        "left": draw_points(axes, nothing, ORANGE, size=dot, alpha=alpha),
    }


def move_started(artists, centres, x_T, points):
    """Set the artists of :func:`draw_started` to ``centres`` (K, 2) and ``points`` (n, 2) that started at ``x_T``."""
    right = x_T[:, 0] > 0
    for name, xy in (("truth", centres), ("right", points[right]), ("left", points[~right])):
        artists[name].set_data(*xy.T)


def sides_key(figure, axes, *others):
    """Say under the figure's panels which colour started where; ``others`` are (colour, marker or line, words)."""
    entries = ((BLUE, "o", "started on the right"), (ORANGE, "o", "started on the left"), (PALE, "o", "the data"))
    for color, marker, words in (*entries, *others):
        axes.plot([], [], marker, color=color, markersize=7, markeredgewidth=0, label=words)
    key_below(figure)


def key_below(figure, columns=None):
    """Put the key of all labelled artists under the panels, in one row or ``columns``: nothing moves there."""
    columns = columns or sum(len(axes.get_legend_handles_labels()[1]) for axes in figure.axes)
    place = {"loc": "outside lower center", "frameon": False, "fontsize": 12}
    figure.legend(ncols=columns, handletextpad=0.4, columnspacing=1.5, handlelength=1.4, **place)


def corner_text(axes):
    """Return an empty text in the upper left corner, on paper so that points under it do not disturb it."""
    paper = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 2}
    return axes.text(0.02, 0.98, "", transform=axes.transAxes, va="top", fontsize=12, bbox=paper)


def as_ink(x):
    """Turn pictures of −1 (paper) … 1 (ink) into 0 … 255, as they are drawn and stored; the rest is cut off."""
    return np.clip((require.real_array("x", x) + 1) * 127.5, 0, 255)


def digit_mosaic(rows, gap=1, shape=(8, 8)):
    """Return pictures of shape (rows, columns, h·w) as one array, h + 2·gap pixels high each, with grey gaps."""
    rows = np.asarray(rows, dtype=float).reshape(*np.shape(rows)[:2], *shape)
    padded = np.pad(rows, ((0, 0), (0, 0), (gap, gap), (gap, gap)), constant_values=60)
    return padded.transpose(0, 2, 1, 3).reshape(len(rows) * (shape[0] + 2 * gap), -1)


def draw_digits(axes, rows, shape=(8, 8)):
    """Draw pictures of shape (rows, columns, h·w), values 0 (paper) … 255 (ink), as one mosaic; returns the image."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    return axes.imshow(digit_mosaic(rows, shape=shape), cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")


def frame(axes, limit, title=None, high=None):
    """Make the axes a window of ±``limit`` by ±``high`` (the same, if None) without ticks: a plane's shape matters."""
    high = high or limit
    axes.set(xlim=(-limit, limit), ylim=(-high, high), xticks=[], yticks=[], title=title or "")
    axes.set_aspect("equal")
    axes.spines[:].set_visible(True)
