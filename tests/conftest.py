"""Fixtures of the browser tests; one thread for each process: kernels, a browser and this process share the cores."""

import os
import tempfile

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
# kernels inherit it: tests leave the reader's own progress alone
os.environ["DDIM_LESSONS_PROGRESS"] = os.path.join(tempfile.mkdtemp(), "progress.json")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """(address, token) of a JupyterLab of these tests' own."""
    import browser

    if browser.CHROMIUM is None:
        message = "no Chromium on this machine (Debian: apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with browser.jupyterlab(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="module")
def context(lab):
    """A browser with an empty profile."""
    import browser
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.CHROMIUM, args=browser.CHROMIUM_FLAGS)
        yield chromium.new_context(viewport={"width": 1280, "height": 1000})
        chromium.close()


@pytest.fixture
def open_lesson(lab, context):
    """Open a lesson in a page of its own; at the end no request has left loopback and the page has no errors."""
    import browser

    lessons = []

    def open_(name):
        lessons.append(browser.Lesson(context, *lab, name))
        return lessons[-1]

    yield open_
    for lesson in lessons:
        lesson.page.close()
        assert lesson.outside == [], "requests left loopback"
        assert lesson.errors == [], "the page reported errors"
