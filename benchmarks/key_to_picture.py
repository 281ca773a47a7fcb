"""Key press to changed picture, in headless Chromium on the real JupyterLab, for every live figure of every lesson.

    python benchmarks/key_to_picture.py          # all lessons
    python benchmarks/key_to_picture.py 00 03    # some

A press moves the figure's first slider by one step (or clicks its first toggle); the clock runs in the page, from the
key event to the moment when the new picture has been decoded and the next frame is drawn.
"""

import sys
import tempfile
from pathlib import Path

from rows import Row, print_rows

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "browser"))

import browser
from playwright.sync_api import sync_playwright

PRESSES = 20
WATCH = """(box) => {
  window.started = null; window.took = [];
  box.addEventListener('keydown', () => { window.started = performance.now(); }, true);
  const done = () => { if (window.started !== null) window.took.push(performance.now() - window.started);
                       window.started = null; };
  box.querySelector('img').addEventListener('load', () => requestAnimationFrame(done)); }"""


def measure(lesson, index):
    """Return milliseconds of ``PRESSES`` key presses on one live figure; the first two do not count."""
    figure = lesson.live_figure(index)
    control = figure.locator(".noUi-handle, .widget-toggle-button").first
    if control.count() == 0:
        return []
    control.focus()
    figure.evaluate(WATCH)
    for press in range(PRESSES + 2):
        slider = control.get_attribute("aria-valuenow") is not None
        key = ("ArrowRight", "ArrowLeft")[press // 4 % 2] if slider else "Space"
        before = len(figure.evaluate("() => window.took"))
        lesson.page.keyboard.press(key)
        try:
            browser.wait_for(lambda: len(figure.evaluate("() => window.took")) > before, 3, "no new picture")  # noqa: B023
        except AssertionError:
            continue  # the slider stood at its end
    return figure.evaluate("() => window.took")[2:]


def measured(context, address, token, wanted):
    """Yield (lesson's number, figure's number, milliseconds of the presses), figure by figure."""
    for name in sorted(path.name for path in (browser.ROOT / "notebooks").glob("*.ipynb")):
        if wanted and name[:2] not in wanted:
            continue
        lesson = browser.Desk(context, address, token).open(name)
        lesson.run_all()
        for number, index in enumerate(lesson.live_cells(), start=1):
            took = measure(lesson, index)
            if took:  # a training view has no controls
                yield name[:2], number, took
        lesson.page.close()


def rows(wanted=()):
    """Yield a row for each live figure of the lessons ``wanted``, of all if none is named."""
    with (
        tempfile.TemporaryDirectory() as folder,
        browser.jupyterlab(Path(folder)) as (address, token),
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=browser.CHROMIUM, args=browser.CHROMIUM_FLAGS)
        context = chromium.new_context(viewport=browser.WINDOW)
        for number, figure, took in measured(context, address, token, wanted):
            name = f"lesson {number}, figure {figure}"
            yield Row("Key press to changed picture, in Chromium", name, "ms", took, beside=False)
        chromium.close()


if __name__ == "__main__":
    for _ in print_rows(rows(sys.argv[1:])):
        pass
