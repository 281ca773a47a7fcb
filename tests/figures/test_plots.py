"""Pictures: the same figure gives the same bytes, the caption is the text alternative, colours can be told apart."""

import re
from itertools import combinations

import numpy as np
import pytest

from ddim_lessons.figures import plots
from ddim_lessons.files import ROOT


def example():
    figure, axes = plots.panels(1, 2, width=4, height=2)
    plots.draw_points(axes[0], np.eye(2), label="points")
    plots.draw_paths(axes[1], np.zeros((3, 5, 2)))
    plots.frame(axes[0], 1, "title")
    return figure


def test_png_is_deterministic_and_sized_as_asked():
    first, second = plots.png(example()), plots.png(example())
    assert first == second and first.startswith(b"\x89PNG")
    width, height = (int.from_bytes(first[k : k + 4], "big") for k in (16, 20))
    assert (width, height) == (4 * plots.DPI, 2 * plots.DPI)


def test_show_gives_the_picture_and_its_words(monkeypatch):
    shown = []
    monkeypatch.setattr(plots, "display", lambda *args, **kwargs: shown.append((args, kwargs)))
    plots.show(example(), "two points <and> no path")
    ((picture,), options), ((caption,), _) = shown
    assert picture["text/plain"] == "[figure] two points <and> no path" and picture["image/png"].startswith("iVBOR")
    assert options["metadata"]["image/png"]["alt"] == "two points <and> no path"
    assert "two points &lt;and&gt; no path" in caption.data


def test_exported_pages_hold_the_alternative_text_of_every_picture():
    from nbconvert import HTMLExporter

    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        html, _ = HTMLExporter(template_name="classic").from_filename(path)  # the "lab" template drops them
        pictures = re.findall(r"<img[^>]*>", html)
        assert pictures and all(re.search(r'alt="[^"]{20,}"', p) and "No description" not in p for p in pictures), path


def luminance(color):
    """Relative luminance of #rrggbb (WCAG 2)."""
    channels = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


@pytest.mark.parametrize("color", [plots.INK, plots.GREY, plots.BLUE])
def test_text_colours_have_contrast_on_white(color):
    assert 1.05 / (luminance(color) + 0.05) >= 4.5


def test_the_pair_that_every_lesson_uses_differs_in_grey_too():
    for one, other in combinations((plots.BLUE, plots.ORANGE, plots.INK), 2):
        light, dark = sorted((luminance(one), luminance(other)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 1.9, (one, other)


# --- colour vision -----------------------------------------------------------------------------------------------

# Viénot, Brettel and Mollon 1999: RGB to cone responses, and the plane on which one kind of cone answers nothing.
TO_CONES = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
BLIND = {
    "no red cones": np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]]),
    "no green cones": np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]]),
}
SHARED = [  # pairs that lessons put on the same axes
    (plots.BLUE, plots.ORANGE), (plots.BLUE, plots.VERMILION), (plots.BLUE, plots.INK), (plots.ORANGE, plots.INK),
    (plots.BLUE, plots.GREY), (plots.ORANGE, plots.GREY), (plots.BLUE, plots.GREEN), (plots.VERMILION, plots.INK),
]  # fmt: skip


def linear_rgb(color):
    channels = np.array([int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """CIE L*a*b* (D65) of linear RGB: there the distance of two colours is about how different they look."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = (f ** (1 / 3) if f > 0.008856 else 7.787 * f + 16 / 116 for f in to_xyz @ rgb / to_xyz.sum(axis=1))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def seen(color, vision):
    """How a reader without one kind of cone sees a colour, in L*a*b*."""
    rgb = linear_rgb(color)
    if vision in BLIND:
        rgb = np.linalg.inv(TO_CONES) @ BLIND[vision] @ TO_CONES @ rgb
    return lab(np.clip(rgb, 0, 1))


def apart(one, other, vision):
    return np.linalg.norm(seen(one, vision) - seen(other, vision))


@pytest.mark.parametrize("vision", ["all cones", *BLIND])
@pytest.mark.parametrize("one, other", SHARED)
def test_pairs_on_the_same_axes_stay_apart_for_colour_blind_readers(one, other, vision):
    assert apart(one, other, vision) > 20, "a just noticeable difference is about 2"


def test_the_simulation_finds_what_it_is_for():
    """Planted: a red and a green that readers without green cones confuse."""
    assert apart("#C03030", "#6B7B00", "all cones") > 60 > 20 > apart("#C03030", "#6B7B00", "no green cones")


CONTRAST = {name: 1.05 / (luminance(getattr(plots, name)) + 0.05) for name in (
    "BLUE", "ORANGE", "GREEN", "VERMILION", "PURPLE", "SKY", "INK", "GREY", "PALE",
)}  # fmt: skip


def test_colours_that_carry_meaning_alone_have_contrast_3_on_white_and_the_others_are_known():
    """Those below 3 have a second cue: orange and sky differ from their partners in lightness and carry markers, dashes
    or labels, and pale is a background."""
    below = {name for name, ratio in CONTRAST.items() if ratio < 3}
    assert below == {"ORANGE", "SKY", "PALE"}
    assert CONTRAST["ORANGE"] > 2
