"""A folder served on loopback, and a headless Chromium that opens its pages; used by the tests of this folder."""

import os
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import browser
import pytest
from playwright.sync_api import sync_playwright


class Quiet(SimpleHTTPRequestHandler):
    """The files of a folder, without a log."""

    def log_message(self, *_):
        pass


@contextmanager
def serve(folder):
    """Serve a folder on a free port; yields the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@contextmanager
def chromium():
    """A headless Chromium; without one the test is skipped, except in CI."""
    if browser.CHROMIUM is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium here (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=browser.CHROMIUM, args=browser.CHROMIUM_FLAGS)
        yield program
        program.close()


@contextmanager
def page_of(program, address, **options):
    """A page that may ask ``address`` alone, and reports no error: both are checked at the end."""
    outside, errors = [], []
    context = program.new_context(**options)
    page = context.new_page()
    page.on("request", lambda request: outside.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert not [url for url in outside if not url.startswith((address, "data:", "blob:", "about:"))]
    assert errors == []
