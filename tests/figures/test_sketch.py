"""The sheet to draw on, without a browser: what the front end tells becomes strokes, words and data."""

import io

import pytest
from PIL import Image

from ddim_lessons.figures.sketch import SCRIPT, own_drawing
from ddim_lessons.lessons.lesson_00.pictures import ddpm_beside_ddim
from ddim_lessons.own import own_data

TOLD = "60,60 60,260 200,260;300,60 420,260"


@pytest.fixture
def sketch():
    """A sheet on which an L and a line were drawn."""
    sheet = own_drawing()
    sheet._told.value = TOLD
    return sheet


def test_what_is_drawn_is_data(sketch):
    assert sketch.strokes == [[(60, 60), (60, 260), (200, 260)], [(300, 60), (420, 260)]]
    data = own_data(sketch)
    assert data == own_data(sketch) and data.in_ink(data.points) == 1
    assert "“your drawing”" in ddpm_beside_ddim(sketch).words


def press(sketch, name):
    (button,) = (part for part in sketch.box.children[1].children if part.description == name)
    button.click()
    return sketch.caption.value


def test_done_says_which_data_it_is_and_clear_begins_anew(sketch):
    assert "20,000 points" in press(sketch, "Done") and sketch._sheet.value.count("<polyline") == 2
    sheet = sketch._sheet.value
    assert "Draw here" in press(sketch, "Clear") and sketch.strokes == []
    assert sketch._sheet.value != sheet and "polyline points" not in sketch._sheet.value
    empty = sketch._sheet.value
    assert 'role="alert"' in press(sketch, "Done") and "the drawing is &#x27;empty&#x27;" in sketch.caption.value
    press(sketch, "Clear")
    assert sketch._sheet.value != empty, "or a sheet on which the kernel knows no stroke stays as it is"


def test_a_file_keeps_the_drawing_as_a_picture_with_its_words(sketch, monkeypatch):
    shown = []
    monkeypatch.setattr("ddim_lessons.figures.plots.display", lambda what, **more: shown.append(what))
    monkeypatch.setattr("ddim_lessons.figures.live.display", lambda what, **more: shown.append(what))
    sketch._ipython_display_()
    assert shown[0]["text/plain"].startswith("[live sheet] Draw here")
    still = Image.open(io.BytesIO(sketch.still()))
    assert still.getpixel((60, 100)) < 9 and still.getpixel((300, 200)) > 250
    assert "application/vnd.jupyter.widget-view+json" in shown[-1]


def test_the_front_end_s_script_asks_for_nothing():
    assert "http" not in SCRIPT.replace("http://www.w3.org", "") and "import" not in SCRIPT and "fetch" not in SCRIPT
