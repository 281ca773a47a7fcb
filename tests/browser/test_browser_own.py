"""Data of one's own in the real JupyterLab: drawn with the mouse, trained, moved by both sliders, saved."""

from ast import literal_eval

import browser
import pytest
from PIL import Image
from test_browser import NAMES, slider_of

pytestmark = pytest.mark.browser

SHOW, ASK, TRAIN, SAVE = CELLS = 4, 6, 9, 12  # cells of lesson 07 whose sources are replaced
SOURCES = (
    "sketch = pictures.own_drawing()\nsketch",
    "print(sketch.strokes)",
    """run = pictures.trained(pictures.own_data(sketch), steps=200, width=32)
lab = pictures.trajectory_lab(run)
lab""",
    """import os
lab.save("mine.png")
print([os.path.abspath("mine.png"), float(run.data.in_ink(run.data.points)), run.data.ink.shape])""",
)
STROKES = ([(60, 60), (60, 260), (200, 260)], [(300, 60), (420, 260)])  # an L, and a line beside it
LOSES = """sheet => { let count = 0; sheet.addEventListener('pointerdown',
  event => { if (count++ % 2) event.stopImmediatePropagation(); }, true); }"""


def draw(lesson, sheet):
    """Draw with the mouse; places are pixels of the sheet."""
    box, mouse = sheet.bounding_box(), lesson.page.mouse
    for first, *others in STROKES:
        mouse.move(box["x"] + first[0], box["y"] + first[1])
        mouse.down()
        for x, y in others:
            mouse.move(box["x"] + x, box["y"] + y, steps=8)
        mouse.up()


def told(lesson, cell):
    """What a cell prints, as Python's values."""
    lesson.run_cell(cell)
    return literal_eval(lesson.outputs_of(cell)[0]["text"])


def check_drawing(lesson, sheet):
    """Every stroke of the mouse is known to the kernel, in order and whole.

    A stroke waits in the page while the kernel is busy with the one before: the first question may come too early.
    """
    draw(lesson, sheet)
    for _ in range(5):
        if len(known := told(lesson, ASK)) == len(STROKES):
            break
    assert len(known) == len(STROKES), f"{len(known)} of {len(STROKES)} strokes are known"
    for mine, theirs in zip(STROKES, known, strict=True):
        assert len(theirs) > 8 * (len(mine) - 1), f"places are lost: {theirs}"
        apart = [abs(a - b) for k in (0, -1) for a, b in zip(mine[k], theirs[k], strict=True)]
        assert max(apart) <= 2, f"{mine} is known as {theirs}"


def test_a_drawing_is_trained_on_moved_and_saved(open_lesson):
    """Draw with the mouse, train, move S and η, save a picture; a planted sheet that loses strokes is caught."""
    lesson = open_lesson(NAMES[7])
    for cell, source in zip(CELLS, SOURCES, strict=True):
        lesson.set_source(cell, source)
    lesson.run_cell(1)
    lesson.run_cell(SHOW)
    lesson.page.evaluate(f"window.jupyterapp.shell.currentWidget.content.scrollToItem({SHOW}, 'start')")
    box = lesson.page.locator(".ddim-sketch")
    sheet, words = box.get_by_role("img", name="A sheet to draw on"), box.locator("p")
    sheet.wait_for(timeout=20_000)
    sheet.evaluate(LOSES)
    with pytest.raises(AssertionError, match="1 of 2 strokes"):
        check_drawing(lesson, sheet)

    def press(button, answer):
        box.get_by_role("button", name=button).focus()
        lesson.page.keyboard.press("Enter")
        browser.wait_for(lambda: answer in words.inner_text(), 10, f"{button} does not say {answer!r}")

    press("Clear", "Draw here")
    assert told(lesson, ASK) == [] and not sheet.locator("polyline").count()
    press("Done", "the drawing is 'empty'")
    check_drawing(lesson, sheet)
    press("Done", "20,000 points were drawn evenly from the ink of “your drawing”")
    lesson.screenshot("07-drawn")

    lesson.run_cell(TRAIN)
    figure = lesson.live_figure(TRAIN)
    for label in ("S (steps)", "η (right)"):
        slider_of(figure, label).focus()
        lesson.figure_after(figure, lambda: lesson.page.keyboard.press("ArrowRight"))
    browser.wait_for(lambda: "S = 70 steps" in figure.get_by_role("status").inner_text(), 10, "S does not follow")
    assert "“your drawing”, trained denoiser" in figure.get_by_role("status").inner_text()
    lesson.screenshot("07-drawn-lab")
    path, inside, (height, width) = told(lesson, SAVE)
    with Image.open(path) as picture:
        assert picture.format == "PNG" and picture.width > 600
    assert inside == 1 and abs(width - 400) <= 4 and abs(height - 240) <= 4, "the drawing, and a pen's width around it"
