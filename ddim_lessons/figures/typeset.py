"""Symbols in words, as "x̂_0", set as in a book: in pictures as mathtext, in HTML as italics and subscripts.

Lessons write them as plain text, which is also what a screen reader hears and a notebook compares.
"""

import re
from html import escape
from unicodedata import normalize

from matplotlib.text import Text

ACCENTS = {"\u0302": r"\hat", "\u0303": r"\tilde", "\u0304": r"\bar"}
LETTER = r"(?<!\w)(?P<letter>[A-Za-zα-ω]|\u1fb1)(?P<accent>[\u0302-\u0304]?)"
SYMBOL = re.compile(LETTER + r"(?:_\{(?P<long>[^}]*)\}|_(?P<short>[A-Za-zθ]+|\d+))?")
ROOT = re.compile(r"√(\([^()]*\)|\d+|(?:[A-Za-zα-ω]|\u1fb1)[\u0302-\u0304]?(?:_\w)?)")
HYPHEN = re.compile(r"(?<![\w.)\]-])-(?=\d|\.\d)")


def in_picture(words):
    """Return ``words`` as matplotlib sets them: symbols and roots as mathtext, a minus before negative numbers."""
    if "$" in words:
        return words
    words = HYPHEN.sub("−", words)
    roots = ROOT.split(words)  # what stands between roots, and what is under them, by turns
    parts = [
        rf"$\sqrt{{{_mathtext(part.strip('()'), '', '')}}}$" if k % 2 else _mathtext(part, "$", "$")
        for k, part in enumerate(roots)
    ]
    return "".join(parts)


def _mathtext(words, before, after):
    def symbol(found):
        letter, accent, lower = _parts(found)
        if not accent and not lower:
            return found[0]
        body = rf"{ACCENTS[accent]}{{{letter}}}" if accent else letter
        lower = rf"\mathrm{{{lower}}}" if len(lower) > 1 and lower.isalpha() else lower
        return f"{before}{body}" + (f"_{{{lower}}}" if lower else "") + after

    return SYMBOL.sub(symbol, words)


def in_html(words, lower="<sub>{}</sub>"):
    """Return ``words`` as HTML, escaped; ``lower`` is how a subscript is put: some places take no ``<sub>``."""

    def symbol(found):
        letter, accent, below = _parts(found)
        if not accent and not below:
            return found[0]
        below = f"<i>{below}</i>" if len(below) == 1 and below.isalpha() else below
        return f"<i>{normalize('NFC', letter + accent)}</i>" + (lower.format(below) if below else "")

    return SYMBOL.sub(symbol, escape(HYPHEN.sub("−", words), quote=False))


def _parts(found):
    """Return (letter, accent, subscript) of a symbol."""
    letter, *accent = normalize("NFD", found["letter"] + found["accent"])
    return letter, "".join(accent), found["long"] or found["short"] or ""


def set_texts(texts):
    """Set the words of Text artists as :func:`in_picture` has them."""
    for text in texts:
        words = text.get_text()
        if (wanted := in_picture(words)) != words:
            text.set_text(wanted)


def set_figure(figure):
    """Set all words of a figure: titles, labels, legends, texts, and the names at its ticks."""
    set_texts(figure.findobj(Text))
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        names = [text.get_text() for text in axis.get_majorticklabels()]
        wanted = list(map(in_picture, names))
        if wanted != names:
            axis.set_ticks(axis.get_majorticklocs(), labels=wanted)
