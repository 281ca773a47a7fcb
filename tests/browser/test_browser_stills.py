"""A live view whose kernel is gone leaves its still and its caption; run once more, it alone is there."""

import browser
import pytest
from test_browser import NAMES

pytestmark = pytest.mark.browser

QUESTION = """from ddim_lessons.figures.live import ClassPrediction
ClassPrediction("Which one?", ["the first", "the second"], "the first", "because")"""
BARE = "import ipywidgets\nipywidgets.IntSlider()"
LOST = "Error displaying widget: model not found"
CODE = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells].map((cell, index) => [cell.type, index])
  .filter(([type, _]) => type === 'code').map(([_, index]) => index)"""
STUBS = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells].map((cell, index) => [cell, index])
  .filter(([cell, _]) => (cell.getMetadata('tags') || []).some(tag => tag.startsWith('exercise')))
  .map(([_, index]) => index)"""
# what is seen of a cell's outputs: the text, each picture's words, how many live boxes
SEEN = """index => { const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.scrollToItem(index, 'start');
  const area = notebook.widgets[index].node.querySelector('.jp-Cell-outputArea');
  const seen = what => [...(area?.querySelectorAll(what) ?? [])].filter(part => part.checkVisibility());
  return {text: area?.innerText ?? '', pictures: seen('img').map(img => img.alt || img.title),
    boxes: seen('.ddim-live').length}; }"""
NOTE = "In JupyterLab, run this cell to bring it to life."


def seen(lesson, index, there):
    """What a reader sees of a cell's outputs, when ``there`` is true of it."""

    def look():  # the page may be drawing at the next look
        cell = lesson.page.evaluate(SEEN, index)
        return cell if there(cell) else None

    return browser.wait_for(look, 30, f"cell {index} does not show what it should")


def plain(words):
    """Words as they can be compared, typeset or not."""
    return " ".join(words.replace("_", "").replace("-", "−").split())


def kinds(lesson):
    """Each cell that displays a live view: (its index, its still's data, its caption or one choice)."""
    for index in lesson.page.evaluate(CODE):
        data = [output.get("data", {}) for output in lesson.outputs_of(index)]
        if any("ddim-revive" in str(bundle) for bundle in data):
            yield index, data[0], "".join(data[0]["text/plain"]).partition("] ")[2] or "the second"


def reopen(open_lesson, lesson):
    """Save, end the kernel and open the file once more, where a fresh kernel knows none of its widgets."""
    lesson.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    lesson.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    return open_lesson(lesson.name)


def check_still(lesson, index, still, words):
    """The still, its caption and a note are seen, once each, and nothing of the box that is gone."""
    dead = seen(lesson, index, lambda cell: NOTE in cell["text"] and all(cell["pictures"]))  # named a while later
    assert LOST not in dead["text"] and "not found" not in dead["text"] and dead["boxes"] == 0
    assert plain(dead["text"]).count(plain(words)) == 1
    assert dead["pictures"] == ([words] if "image/png" in still else [])


def check_live(lesson, index, still, words):
    """The live box alone is seen, with its one picture, and its caption once."""
    live = seen(lesson, index, lambda cell: cell["boxes"] == 1 and plain(words) in plain(cell["text"]))
    assert NOTE not in live["text"] and plain(live["text"]).count(plain(words)) == 1
    assert live["pictures"] == ([words] if "image/png" in still else [])


def test_a_reopened_lesson_shows_stills_and_a_run_brings_them_to_life(open_lesson):
    lesson = open_lesson(NAMES[4])
    bare, last = lesson.page.evaluate(STUBS)[:2]
    lesson.set_source(bare, BARE)
    lesson.set_source(last, QUESTION)
    lesson.run_all()  # what has run is trusted when it is opened once more
    views = list(kinds(lesson))
    assert len(views) >= 2 and {"image/png", "text/html"} <= {kind for _, still, _ in views for kind in still}
    for view in views:
        check_live(lesson, *view)
    reopened = reopen(open_lesson, lesson)
    seen(reopened, bare, lambda cell: LOST in cell["text"])  # planted: a widget without a still
    for view in views:
        check_still(reopened, *view)
    reopened.screenshot("04-reopened")
    reopened.run_cell(1)
    for index, still, words in views:
        reopened.run_cell(index)
        check_live(reopened, index, still, words)
    reopened.errors[:] = [error for error in reopened.errors if "widget model not found" not in error]  # the console's
