"""Symbols in words are typeset: as mathtext in pictures, as subscripts in HTML, and only they."""

import re

import numpy as np
import pytest
from matplotlib.text import Text

from ddim_lessons.figures import plots
from ddim_lessons.figures.live import LiveFigure
from ddim_lessons.figures.typeset import in_html, in_picture


@pytest.mark.parametrize(
    "words, picture, html",
    [
        ("x_t, t = 500", r"$x_{t}$, t = 500", "<i>x</i><sub><i>t</i></sub>, t = 500"),
        ("q(x_s | x_0)", r"q($x_{s}$ | $x_{0}$)", "q(<i>x</i><sub><i>s</i></sub> | <i>x</i><sub>0</sub>)"),
        ("x̂_0's way", r"$\hat{x}_{0}$'s way", "<i>x̂</i><sub>0</sub>'s way"),
        ("L_simple at -0.5", r"$L_{\mathrm{simple}}$ at −0.5", "<i>L</i><sub>simple</sub> at −0.5"),
        ("√(1−ᾱ_s−σ²) ε̂", r"$\sqrt{1−\bar{α}_{s}−σ²}$ $\hat{ε}$", "√(1−<i>ᾱ</i><sub><i>s</i></sub>−σ²) <i>ε̂</i>"),
        ("√ᾱ_s", r"$\sqrt{\bar{α}_{s}}$", "√<i>ᾱ</i><sub><i>s</i></sub>"),
        ("eps_fn, 3-4, x-1, <b>", "eps_fn, 3-4, x-1, <b>", "eps_fn, 3-4, x-1, &lt;b&gt;"),
        ("$x_0$", "$x_0$", "$<i>x</i><sub>0</sub>$"),
    ],
)
def test_symbols_are_set_and_words_stay(words, picture, html):
    assert in_picture(words) == picture and in_html(words) == html
    assert in_picture(picture) == picture, "what is set already stays"


def raw(figure):
    """The texts of a figure in which a symbol stands as it is typed."""
    texts = {text.get_text() for text in figure.findobj(Text)}
    return {text for text in texts if "$" not in text and re.search(r"\b\w[\u0302-\u0304]?_\w", text)}


def test_titles_labels_legends_ticks_and_what_moves_are_set():
    figure, axes = plots.panels(width=3, height=2)
    axes.plot([0, 1], [0, 1], label="x_t")
    axes.set(title="q(x_t)", xlabel="x_s", xticks=[0, 1], xticklabels=["x_0", "x_T"])
    axes.legend()
    words = axes.text(0, 0, "z_t")
    assert raw(figure) >= {"x_t", "q(x_t)", "x_s", "z_t"}
    live = LiveFigure(figure, [words], {}, lambda: words.set_text("x̂_0 now") or "z_t is gone")
    assert raw(figure) == set() and words.get_text() == r"$\hat{x}_{0}$ now"
    assert live.image.tooltip == "z_t is gone" and "<sub>" in live.caption.value


def test_long_paths_are_paler_than_short_ones():
    _, axes = plots.panels(width=2, height=2)
    lines, rng = plots.draw_paths(axes, []), np.random.default_rng(0)
    alphas = [plots.move_paths(lines, np.cumsum(rng.normal(size=(6, S, 2)), axis=1)) for S in (2, 10, 100, 1000)]
    assert alphas[0] == 0.8 and alphas[-1] == 0.08 and sorted(alphas, reverse=True) == alphas
    assert lines.get_alpha() == 0.08 and plots.move_paths(lines, []) == 0.8
