"""The suite as its readers meet it: the real JupyterLab in headless Chromium, on loopback only."""

import os

import browser
import pytest
from playwright.sync_api import sync_playwright

pytestmark = pytest.mark.browser
NAMES = sorted(path.name for path in (browser.ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    if browser.CHROMIUM is None:
        message = "no Chromium on this machine (Debian: apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with browser.jupyterlab(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="module")
def context(lab):
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.CHROMIUM, args=browser.CHROMIUM_FLAGS)
        yield chromium.new_context(viewport={"width": 1280, "height": 1000})
        chromium.close()


@pytest.fixture
def open_lesson(lab, context):
    lessons = []

    def open_(name):
        lessons.append(browser.Lesson(context, *lab, name))
        return lessons[-1]

    yield open_
    for lesson in lessons:
        lesson.page.close()
        assert lesson.outside == [], "requests left loopback"
        assert lesson.errors == [], "the page reported errors"


def slider_of(figure, label):
    """The handle of the slider with this label."""
    return figure.locator(f".widget-inline-hbox:has(.widget-label:text-is('{label}')) .noUi-handle").first


@pytest.mark.parametrize("name", NAMES)
def test_lesson_runs_and_every_live_figure_follows_the_keyboard(open_lesson, name):
    lesson = open_lesson(name)
    lesson.run_all()
    kinds = [output["output_type"] for outputs in lesson.outputs() for output in outputs]
    assert kinds and "error" not in kinds
    assert (cells := lesson.live_cells())
    for k, index in enumerate(cells):
        figure = lesson.live_figure(index)
        lesson.screenshot(f"{name[:2]}-live-{k + 1}")
        if figure.locator(".noUi-handle").count() == 0:
            continue  # a training view: it follows the training, not a slider
        handle = figure.locator(".noUi-handle").first
        handle.focus()
        key = (
            "ArrowLeft"
            if handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
            else "ArrowRight"
        )
        words = figure.locator("[role=status]").inner_text()
        lesson.figure_after(figure, lambda: lesson.page.keyboard.press(key))  # noqa: B023
        assert figure.locator("[role=status]").inner_text() != words


def test_lesson_00_follows_keyboard_mouse_and_reset(open_lesson):
    lesson = open_lesson(NAMES[0])
    lesson.run_all()
    figure = lesson.live_figure(lesson.live_cells()[0])
    first = figure.locator("img").get_attribute("src")
    caption = figure.locator("[role=status]")

    steps = slider_of(figure, "S (steps)")
    steps.focus()
    lesson.figure_after(figure, lambda: lesson.page.keyboard.press("ArrowRight"))
    browser.wait_for(lambda: "S = 20" in caption.inner_text(), 10, "the caption does not follow S")

    box = slider_of(figure, "η (noise)").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag():
        lesson.page.mouse.move(x, y)
        lesson.page.mouse.down()
        lesson.page.mouse.move(x + 60, y, steps=5)
        lesson.page.mouse.up()

    lesson.figure_after(figure, drag)
    browser.wait_for(lambda: "with η = 0.0" not in caption.inner_text(), 10, "the caption does not follow η")
    lesson.screenshot("00-dragged")

    lesson.figure_after(figure, lambda: figure.get_by_role("button", name="Reset").click())
    browser.wait_for(lambda: "S = 10" in caption.inner_text(), 10, "Reset does not bring back S")
    browser.wait_for(lambda: figure.locator("img").get_attribute("src") != first, 10, "a new picture has a new address")


def test_a_broken_live_figure_is_seen(open_lesson):
    """Planted bug: a live figure that raises when it is built leaves an error output after Run All."""
    lesson = open_lesson(NAMES[0])
    code = "from ddim_lessons.explorers import lesson_00\nlesson_00.ddpm_beside_ddim('no such data')"
    change = "code => window.jupyterapp.shell.currentWidget.content.model.cells.get(1).sharedModel.setSource(code)"
    lesson.page.evaluate(change, code)
    lesson.run_all()
    assert "error" in [output["output_type"] for outputs in lesson.outputs() for output in outputs]


def test_presenting_moves_on_by_one_key(context, tmp_path):
    """Page Down goes on and runs, also from inside a slider; code is folded, E unfolds it, Page Up goes back."""
    with browser.presenting("00", tmp_path) as (address, token):
        lesson = browser.Lesson(context, address, token, NAMES[0])
        page = lesson.page
        page.wait_for_selector(".jp-mod-presentationMode")
        active = page.locator(".jp-Cell.jp-mod-active")
        folded, printed = active.locator(".jp-Placeholder"), active.locator(".jp-OutputArea-output")
        page.keyboard.press("PageDown")  # from the title over the setup cell, which prints nothing, to section 1
        active.get_by_role("heading", name="1 · Data dissolves into noise").wait_for(timeout=20_000)
        page.keyboard.press("PageDown")
        printed.get_by_text("✓ (0.1)").wait_for(timeout=30_000)
        assert folded.count() == 1
        page.keyboard.press("e")
        browser.wait_for(lambda: folded.count() == 0, 5, "E does not unfold the code")
        page.keyboard.press("PageUp")
        active.get_by_role("heading", name="1 · Data dissolves into noise").wait_for(timeout=5_000)
        size = page.locator(".jp-MarkdownOutput p").first.evaluate("p => parseFloat(getComputedStyle(p).fontSize)")
        assert size >= 26
        assert lesson.outside == [] and lesson.errors == []
        page.close()
