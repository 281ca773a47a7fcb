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
        yield chromium.new_context(viewport=browser.WINDOW)
        chromium.close()


@pytest.fixture(scope="module")
def desks():
    """The pages with JupyterLab that wait for a lesson: one page takes a second to open it, a new one five."""
    return []


@pytest.fixture
def open_lesson(lab, context, desks):
    """Open a lesson, a second one in a page of its own; at the end none left loopback and none reported errors.

    The kernels end with the test: one that is left alone goes on computing ahead.
    """
    import browser

    used = []

    def open_(name):
        used.append(desks.pop() if desks else browser.Desk(context, *lab))
        return used[-1].open(name)

    yield open_
    outside, errors = [desk.outside[:] for desk in used], [desk.errors[:] for desk in used]
    desks[:] = [desk for desk in used if desk.clear()][:1]
    for desk in used:
        if desk not in desks:
            desk.page.close()
    browser.end_kernels(*lab)
    assert not any(outside), f"requests left loopback: {outside}"
    assert not any(errors), f"the page reported errors: {errors}"
