"""Fixtures of the tests. What holds for every run, of a notebook alone too, stands in the conftest.py above.

Hypothesis draws the same examples in every run; ``pytest --hypothesis-profile=long tests/project/test_misuse.py`` draws
many others, for as long as one likes to wait.
"""

import os

import pytest
from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.register_profile("long", max_examples=20_000, deadline=None, database=None)
settings.load_profile("same")


@pytest.fixture
def one_thread():
    """Let torch use one thread: two busy cores that share small networks are many times slower than one."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


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
    """Open a lesson in a page of its own; at the end no request has left loopback and the page has no errors.

    The kernels end with the pages: one that is left alone goes on computing ahead.
    """
    import browser

    lessons = []

    def open_(name):
        lessons.append(browser.Lesson(context, *lab, name))
        return lessons[-1]

    yield open_
    for lesson in lessons:
        lesson.page.close()
    browser.end_kernels(*lab)
    for lesson in lessons:
        assert lesson.outside == [], "requests left loopback"
        assert lesson.errors == [], "the page reported errors"
