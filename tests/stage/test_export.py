"""What is written to read, to show and to print: it needs nothing from outside, and the PDF has words and pictures."""

import importlib.util
import os
import re
import zlib

import pytest

from ddim_lessons.files import ROOT

spec = importlib.util.spec_from_file_location("export", ROOT / "tools" / "export.py")
export = importlib.util.module_from_spec(spec)
spec.loader.exec_module(export)
OUTSIDE = re.compile(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"(?:https?:)?//[^\"]*")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """(page, slides, PDF) of lesson 04 as it is stored."""
    there = all((export.MODULES / place).is_dir() for place in export.NEEDED.values())
    if not (there and export.CHROMIUM):
        message = "no reveal.js, KaTeX or Chromium on this machine (see CONTRIBUTING.md)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    out = tmp_path_factory.mktemp("export")
    export.copy_assets(out)
    return export.export(next((ROOT / "notebooks").glob("04_*.ipynb")), out, as_stored=True)


def drawn(pdf):
    """Return (how many pieces of text, how many pictures) a PDF draws."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, flags=re.DOTALL)
    words = 0
    for stream in streams:
        try:
            words += len(re.findall(rb"\bT[jJ]\b", zlib.decompress(stream)))
        except zlib.error:
            continue
    return words, pdf.count(b"/Subtype /Image")


def test_page_and_slides_load_nothing_from_outside_and_fold_their_code(written):
    for path in written[:2]:
        html = path.read_text(encoding="utf-8")
        assert not OUTSIDE.findall(html), "asks someone outside"
        assert html.count('<details class="code">') > 10 and "widget-view" not in html
        for name in re.findall(r"(?:src|href)=\"(assets/[^\"]+)", html):
            assert (path.parent / name).is_file(), f"{name} is not there"


def test_styles_ask_nobody_outside(written):
    for style in (written[0].parent / "assets").rglob("*.css"):
        used = style.name in ("katex.min.css", "reveal.css", "white.css")
        assert not used or "url(http" not in style.read_text(encoding="utf-8").replace('"', ""), style


def test_the_pdf_has_words_and_every_picture(written):
    page, pdf = written[0].read_text(encoding="utf-8"), written[2].read_bytes()
    words, pictures = drawn(pdf)
    assert pdf.startswith(b"%PDF") and words > 500
    assert pictures >= page.count("<img") >= 5


def test_without_npm_s_parts_there_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "MODULES", tmp_path)
    with pytest.raises(ValueError, match="npm install"):
        export.copy_assets(tmp_path)
