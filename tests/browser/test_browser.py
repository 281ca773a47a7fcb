"""The lessons as their readers meet them: each in the real JupyterLab, every slider by keyboard, one by mouse."""

import access
import browser
import pytest

pytestmark = pytest.mark.browser
NAMES = sorted(path.name for path in (browser.ROOT / "notebooks").glob("*.ipynb"))


def key_for(handle):
    """The arrow key that has room to move this slider."""
    at_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
    return "ArrowLeft" if at_end else "ArrowRight"


def drag(lesson, handle, pixels=45):
    """Drag a slider's handle by mouse, towards the side that has room."""
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    lesson.page.mouse.move(x, y)
    lesson.page.mouse.down()
    lesson.page.mouse.move(x + (pixels if key_for(handle) == "ArrowRight" else -pixels), y, steps=5)
    lesson.page.mouse.up()


def words_of(figure):
    """The caption of a live figure; it must also be the accessible name of its picture."""
    caption = lambda: figure.get_by_role("status").text_content()  # noqa: E731
    title = lambda: figure.get_by_role("img").first.get_attribute("title")  # noqa: E731
    typeset = lambda: title().replace("_", "").replace("-", "−")  # noqa: E731
    browser.wait_for(
        lambda: typeset() == caption().replace("-", "−"),
        10, f"the picture's text alternative is not its caption, {caption()!r}",
    )  # fmt: skip
    return caption()


def check_alternative_text(lesson):
    """The lesson's first still figure has its caption as alternative text."""
    cell = lesson.cell(lesson.cells_that_show("image/png", "small>")[0])
    picture, caption = cell.locator(".jp-RenderedImage img").first, cell.locator("small").first
    browser.wait_for(lambda: picture.get_attribute("alt"), 10, "the picture has no alternative text")
    assert picture.get_attribute("alt").replace("_", "") == caption.text_content()


def check_controls(lesson, figure):
    """Each slider, moved by its arrow keys, changes the picture, and one changes the words; Reset undoes it all."""
    sliders = figure.locator(".widget-slider")
    before = words_of(figure)
    for k in range(sliders.count()):
        label = sliders.nth(k).locator(".widget-label").inner_text()
        handle = sliders.nth(k).get_by_role("slider", name=label)
        handle.wait_for(timeout=5_000)
        handle.focus()
        key = key_for(handle)
        lesson.figure_after(figure, lambda: lesson.page.keyboard.press(key))  # noqa: B023
    assert words_of(figure) != before, "the words do not follow the state"
    figure.get_by_role("button", name="Reset").click()
    browser.wait_for(lambda: words_of(figure) == before, 20, "Reset does not bring back the words")


@pytest.mark.parametrize("name", NAMES)
def test_lesson_runs_and_every_slider_moves_its_picture(open_lesson, name):
    lesson = open_lesson(name)
    lesson.run_all()
    kinds = [output["output_type"] for outputs in lesson.outputs() for output in outputs]
    assert kinds and "error" not in kinds
    assert (cells := lesson.live_cells())
    check_alternative_text(lesson)
    handles = []
    for k, index in enumerate(cells):
        figure = lesson.live_figure(index)
        lesson.screenshot(f"{name[:2]}-live-{k + 1}")
        handles = figure.get_by_role("slider")
        if (more := figure.locator(".ddim-more")).count():
            more.click()
            figure.locator(".ddim-folded").first.wait_for(timeout=5_000)
        if handles.count():  # else it is a training view: it follows the training, not a slider
            check_controls(lesson, figure)
            access.check_keyboard(lesson, figure)
        if figure.locator(".widget-play").count():
            access.check_player(lesson, figure)
    lesson.figure_after(figure, lambda: drag(lesson, handles.first))
    lesson.screenshot(f"{name[:2]}-dragged")
    access.check_theme_and_zoom(lesson, cells)


def slider_of(figure, label):
    """The handle of the slider with this label."""
    return figure.get_by_role("slider", name=label)


UNSEEN = """button => [['outline', 'none'], ['box-shadow', 'none'], ['border-color', 'black'], ['background', 'white']]
  .forEach(([name, value]) => button.style.setProperty(name, value, 'important'))"""
DEAF = "button => button.addEventListener('click', event => event.stopImmediatePropagation(), true)"
PLANTED = [  # what is spoilt, how, and what the check must say of it
    ("[role=status]", "words => { words.style.color = '#b0b0b0'; }", "contrast", "too faint"),
    (
        "img",
        "picture => { picture.style.maxWidth = 'none'; picture.style.width = '3000px'; }",
        "width",
        "cut off: [['IMG'",
    ),
    ("button:has-text('Reset')", "button => { button.replaceChildren(); }", "keyboard", "has no name"),
    ("button:has-text('Reset')", "button => { button.tabIndex = -1; }", "keyboard", "Tab reaches"),
    ("button:has-text('Reset')", UNSEEN, "keyboard", "the focus does not show"),
    (
        ".slider-container",
        "track => { track.style.cssText = 'min-width: 0; max-width: 40px'; }",
        "layout",
        "a track of 40",
    ),
    (".ddim-grid > *", "control => { control.style.marginLeft = '9px'; }", "layout", "left edges at"),
    ("img", "picture => { picture.style.cssText = 'max-height: none; height: 1200px'; }", "layout", "and picture take"),
    (".widget-play button:nth-of-type(2)", DEAF, "player", "Stop does not go back"),
]


def test_planted_faults_of_access_are_caught(open_lesson):
    lesson = open_lesson(NAMES[10])
    lesson.run_all()
    figure = next(f for k in lesson.live_cells() if (f := lesson.live_figure(k)).locator(".widget-play").count())
    checks = {
        "contrast": lambda: access.check_contrast(figure),
        "width": lambda: access.check_width(figure),
        "layout": lambda: access.check_layout(figure),
        "keyboard": lambda: access.check_keyboard(lesson, figure),
        "player": lambda: access.check_player(lesson, figure),
    }
    for check in checks.values():
        check()
    for selector, fault, check, words in PLANTED:
        part = figure.locator(selector).first.element_handle()
        part.evaluate("part => { part.whole = [part.getAttribute('style') || '', [...part.childNodes]]; }")
        part.evaluate(fault)
        try:
            checks[check]()
        except AssertionError as error:
            found = str(error)
        else:
            found = "nothing"
        assert words in found, f"{fault}: {check} finds {found}"
        part.evaluate("""part => { part.style.cssText = part.whole[0];
          part.tabIndex = 0; part.replaceChildren(...part.whole[1]); }""")
