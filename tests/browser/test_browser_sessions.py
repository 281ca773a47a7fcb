"""What goes on around a lesson: presenting, the stop button, restarts, two lessons at once, players, broken figures."""

import browser
import pytest
from test_browser import NAMES

pytestmark = pytest.mark.browser


STAGES = ((1920, 1080), (1366, 768), (1280, 720), (1024, 768))

# on a stage: the tracks that are too short, what reaches beyond the page, and how much of the page the picture takes
ON_STAGE = """figure => {
  const page = figure.closest('.jp-WindowedPanel-outer').getBoundingClientRect();
  const seen = [...figure.querySelectorAll('.slider-container, button, select, img')]
    .filter(e => e.getClientRects().length);
  const box = figure.querySelector('img').getBoundingClientRect();
  return {short: seen.filter(e => e.matches('.slider-container')).map(e => e.clientWidth).filter(w => w < 100),
    beyond: seen.filter(e => e.getBoundingClientRect().right > page.right + 1).map(e => e.outerHTML.slice(0, 90)),
    area: box.width * box.height / (page.width * page.height), height: box.height / page.height}; }"""


def test_presenting_moves_on_by_one_thought_and_comes_back_after_a_restart(context, tmp_path):
    """Page Down goes on and runs, also from inside a slider; code is folded, E unfolds it, Page Up goes back."""
    with browser.presenting("00", tmp_path) as (address, token):
        lesson = browser.Desk(context, address, token).open(NAMES[0])
        page = lesson.page
        page.wait_for_selector(".jp-mod-presentationMode")
        page.wait_for_selector(".ddim-stage", state="attached")
        assert not page.locator("#jp-menu-panel").is_visible(), "JupyterLab's menu is on the stage"
        active, banner = page.locator(".jp-Cell.jp-mod-active"), page.locator(".ddim-banner")
        printed = page.locator(".ddim-shown .jp-OutputArea-output")

        def press():
            page.keyboard.press("PageDown")
            page.wait_for_timeout(300)
            runs = page.locator(".jp-InputPrompt", has_text="[*]")
            browser.wait_for(lambda: not runs.count(), 60, "a cell does not end")

        def on_until(text):
            for _ in range(20):
                if printed.get_by_text(text).count():
                    return
                press()
            raise AssertionError(f"{text} does not come")

        page.keyboard.press("PageDown")  # from the title over the setup cell, which prints nothing
        printed.get_by_text("one picture: 72 s").wait_for(timeout=40_000)  # the text and its check are one thought
        assert banner.inner_text().startswith("1 · ")
        code = active.locator(".cm-content")
        page.keyboard.press("e")
        browser.wait_for(lambda: code.count() == 1 and code.is_visible(), 5, "E does not unfold the code")
        on_until("✓ (0.2)")
        size = page.locator(".jp-MarkdownOutput p").first.evaluate("p => parseFloat(getComputedStyle(p).fontSize)")
        assert size >= 18, "1.46 % of the window's width"
        here = banner.inner_text()
        page.keyboard.press("r")
        page.wait_for_selector(".ddim-notice", timeout=10_000)
        browser.wait_for(lambda: not page.locator(".ddim-notice").count(), 60, "the lesson does not come back")
        assert banner.inner_text() == here and active.locator(".jp-OutputArea-output").first.is_visible()
        figure = page.locator(".ddim-figure:has(.ddim-controls):has(img)")
        for _ in range(20):
            if figure.count():
                break
            press()
        assert not page.get_by_text("NameError").count(), "what had run before the restart was not run again"
        for width, height in STAGES:
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(500)
            seen = figure.first.evaluate(ON_STAGE)
            lesson.screenshot(f"stage-{width}")
            assert not seen["short"] and not seen["beyond"], (width, seen)
            assert seen["area"] >= 0.5 or seen["height"] >= 0.6, (width, seen)
        here = banner.inner_text()
        browser.end_kernels(address, token)
        page.keyboard.press("r")  # the page does not know yet that the kernel has gone
        page.wait_for_selector(".ddim-notice", timeout=20_000)
        browser.wait_for(lambda: not page.locator(".ddim-notice").count(), 60, "the lesson does not come back")
        assert banner.inner_text() == here and not page.locator(".jp-Dialog").count()
        for _ in range(10):
            press()
        lesson.screenshot("stage-ten-presses-after-the-end")
        assert page.locator(".ddim-shown.jp-CodeCell .jp-OutputArea-output").count() > 10
        assert not page.get_by_text("NameError").count(), "what had run before the end was not run again"
        page.keyboard.press("PageUp")
        assert lesson.outside == [] and [error for error in lesson.errors if "status of 500" not in error] == []
        page.close()


def test_the_stop_button_ends_a_training_and_its_cell_run_again_goes_on(open_lesson):
    lesson = open_lesson(NAMES[6])
    texts = lesson.sources()
    training = next(k for k, text in enumerate(texts) if "display(view)" in text)
    for cell in (
        1,
        *(
            k
            for k, text in enumerate(texts[:training])
            if "import torch" in text or "MOONS =" in text or "Run(" in text
        ),
    ):
        lesson.run_cell(cell)
    lesson.run_cell(training, wait=False)
    figure = lesson.live_figure(training)
    lesson.figure_after(figure, lambda: None)
    lesson.page.locator('[data-command="notebook:interrupt-kernel"]').first.click()
    browser.wait_for(
        lambda: any(o.get("ename") == "Stopped" for o in lesson.outputs_of(training)), 20, "it does not stop"
    )
    browser.wait_for(lesson._kernel_ready, 20, "the kernel is not idle after the stop")
    told = next(o for o in lesson.outputs_of(training) if o.get("ename"))["traceback"]
    assert len(told) == 1 and "run this cell again to go on" in told[0].lower(), "more than one sentence"
    lesson.set_source(training + 1, "print(run.step)")

    def printed():  # what is sent while the kernel still clears its queue is dropped: send it again
        lesson.run_cell(training + 1)
        return int(lesson.outputs_of(training + 1)[0]["text"]) if lesson.outputs_of(training + 1) else 0

    assert 0 < browser.wait_for(printed, 30, "the kernel prints nothing") < 2000
    lesson.run_cell(training)
    assert printed() == 2000, "the cell that was stopped, run again, does not go on"


def test_a_player_goes_one_picture_at_a_press_for_readers_who_ask_for_less_motion(open_lesson):
    lesson = open_lesson(NAMES[6])
    lesson.page.emulate_media(reduced_motion="reduce")
    lesson.run_cell(1)
    cell = lesson.cell_with("walk_through_training()")
    lesson.run_cell(cell)
    figure = lesson.live_figure(cell)
    figure.get_by_text("Play moves on by one picture at each press").wait_for(timeout=5_000)
    play = figure.get_by_role("button", name="One picture on")
    handle = figure.locator(".widget-hbox:has(> .widget-play)").get_by_role("slider")
    first = float(handle.get_attribute("aria-valuenow"))
    for press in (1, 2):
        lesson.figure_after(figure, play.click)
        lesson.page.wait_for_timeout(400)  # three pictures, if it ran
        assert float(handle.get_attribute("aria-valuenow")) == first + press


def test_two_lessons_at_once(open_lesson):
    first, second = open_lesson(NAMES[0]), open_lesson(NAMES[5])
    for lesson, call in ((first, "ddpm_beside_ddim()"), (second, "gamma_and_loss()")):
        lesson.run_cell(1, wait=False)
        lesson.run_cell(lesson.cell_with(call), wait=False)
    for lesson in (second, first):
        browser.wait_for(lesson.live_cells, 60, f"{lesson.name} shows no live figure")
    for lesson in (first, second):
        lesson.page.bring_to_front()
        figure = lesson.live_figure(lesson.live_cells()[0])
        handle = figure.get_by_role("slider").first
        handle.focus()
        lesson.figure_after(figure, lambda: lesson.page.keyboard.press("ArrowLeft"))  # noqa: B023


def test_restart_the_kernel_and_run_all(open_lesson):
    lesson = open_lesson(NAMES[0])
    counts = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
                  .filter(cell => cell.type === 'code').map(cell => cell.executionCount)"""
    lesson.run_cell(1)
    lesson.run_cell(1)  # so that the counts are not yet those of a fresh run
    lesson.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:restart-run-all'); }")
    lesson.page.locator(".jp-Dialog .jp-mod-accept").click()
    whole = list(range(1, len(lesson.outputs()) + 1))
    browser.wait_for(lambda: lesson.page.evaluate(counts) == whole, 60, "does not run all from the start")
    assert "error" not in [output["output_type"] for outputs in lesson.outputs() for output in outputs]
    figure = lesson.live_figure(lesson.live_cells()[0])
    figure.get_by_role("slider").first.focus()
    lesson.figure_after(figure, lambda: lesson.page.keyboard.press("ArrowRight"))


def test_a_broken_live_figure_is_seen(open_lesson):
    """Planted bug: a live figure that raises when it is built leaves an error output after Run All."""
    lesson = open_lesson(NAMES[0])
    code = "from ddim_lessons.lessons.lesson_00 import pictures\npictures.ddpm_beside_ddim('no such data')"
    lesson.set_source(1, code)
    lesson.run_all()
    assert "error" in [output["output_type"] for outputs in lesson.outputs() for output in outputs]


def test_a_callback_that_breaks_when_a_slider_moves_is_seen(open_lesson):
    """Planted bug: the picture is drawn once and no more; the test of every slider must notice."""
    lesson = open_lesson(NAMES[2])
    live = lesson.cell_with("moving_posterior()")
    lesson.run_cell(1)
    lesson.set_source(live, f"figure = {lesson.sources()[live]}\nfigure.update = lambda **state: 1 / 0\nfigure")
    lesson.run_cell(live)
    figure = lesson.live_figure(live)
    figure.get_by_role("slider").first.focus()
    with pytest.raises(AssertionError, match="the picture does not change"):
        lesson.figure_after(figure, lambda: lesson.page.keyboard.press("ArrowRight"), seconds=3)
