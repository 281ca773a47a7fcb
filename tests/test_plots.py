"""Pictures: the same figure gives the same bytes, the caption is the text alternative, colours can be told apart."""

from itertools import combinations

import numpy as np
import pytest

from ddim_lessons import plots


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
