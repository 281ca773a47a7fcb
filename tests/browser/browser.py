"""A real JupyterLab on loopback and a headless Chromium that opens it; used by ``test_browser.py``."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress

from ddim_lessons.files import ROOT

ARTIFACTS = ROOT / ".artifacts"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
LAB_FLAGS = [
    "--no-browser", "--allow-root", "--ServerApp.port_retries=0", "--LabApp.news_url=",
    "--LabApp.expose_app_in_browser=True", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
]  # fmt: skip


LABS_OWN = ("Could not restore the debugger state",)  # what JupyterLab itself logs when a kernel is restarted


CONNECTED = """() => {
  if (!window.jupyterapp) return true;  // the page does not say: a presenting JupyterLab keeps its insides to itself
  const session = window.jupyterapp.shell.currentWidget?.sessionContext;
  return Boolean(session?.isReady && session.session?.kernel?.connectionStatus === 'connected'); }"""


OPEN = "async path => { await window.jupyterapp.commands.execute('docmanager:open', {path}); }"
CLOSE = "() => [...window.jupyterapp.shell.widgets('main')].forEach(document => document.dispose())"
WINDOW = {"width": 1280, "height": 1000}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def jupyterlab(folder):
    """Serve a copy of the notebooks from a JupyterLab with settings of its own; yields (address, token, its log)."""
    notebooks = folder / "notebooks"
    shutil.copytree(ROOT / "notebooks", notebooks, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    places = (
        "JUPYTER_CONFIG_DIR",
        "JUPYTERLAB_SETTINGS_DIR",
        "JUPYTERLAB_WORKSPACES_DIR",
        "JUPYTER_RUNTIME_DIR",
        "IPYTHONDIR",
    )
    environment = os.environ | {name: str(folder / name.lower()) for name in places}
    settings = folder / "jupyterlab_settings_dir" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(json.dumps({"fetchNews": "false"}))
    port, token = free_port(), secrets.token_hex(16)
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "jupyterlab", *LAB_FLAGS, f"--port={port}", f"--IdentityProvider.token={token}"]
    with open(folder / "lab.log", "w") as log:
        server = subprocess.Popen([*command, str(notebooks)], env=environment, stdout=log, stderr=log, cwd=notebooks)
        try:
            wait_for(lambda: ask(address, token, "api/status"), 60, "JupyterLab does not answer")
            yield address, token
        finally:
            server.terminate()
            server.wait(20)


@contextmanager
def presenting(number, folder):
    """Start the command that presents a lesson, as a lecturer does; yields (address, token) of its JupyterLab."""
    command = [sys.executable, "-m", "ddim_lessons.present", number, "--no-browser", "--allow-root"]
    with open(folder / "present.log", "w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
        try:
            pattern = re.compile(r"(http://127\.0\.0\.1:\d+)/doc/tree/\S+\?token=(\w+)")
            yield wait_for(lambda: pattern.search((folder / "present.log").read_text()), 60, "nothing opens").groups()
        finally:
            process.terminate()
            process.wait(30)


def end_kernels(address, token):
    """End every kernel behind the pages' backs, as a server does with those that were idle for long."""
    for session in ask(address, token, "api/sessions"):
        ask(address, token, f"api/kernels/{session['kernel']['id']}", "DELETE")


def ask(address, token, path, method="GET"):
    """Ask a REST address of the server; None while it does not answer."""
    request = urllib.request.Request(f"{address}/{path}", headers={"Authorization": f"token {token}"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return json.load(response) if method == "GET" else None
    except (urllib.error.URLError, OSError):
        return None


def wait_for(condition, seconds, complaint):
    """Poll until ``condition()`` is true and return it; fail with a sentence after ``seconds``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.04)
    raise AssertionError(f"{complaint} (waited {seconds} s)")


class Desk:
    """A browser page with JupyterLab, in which one lesson after the other is opened; what it reports is kept."""

    def __init__(self, context, address, token):
        self.address, self.token = address, token
        self.page = context.new_page()
        self.errors, self.outside = [], []
        self.page.on("console", lambda message: self._heard(message))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self._note(request.url))
        self.page.on("dialog", lambda dialog: dialog.accept())

    def _heard(self, message):
        if message.type == "error" and not message.text.startswith(LABS_OWN):
            self.errors.append(message.text)

    def _note(self, url):
        if not url.startswith((self.address, self.address.replace("http", "ws"), "data:", "blob:", "about:")):
            self.outside.append(url)

    def open(self, name):
        """Open a lesson; the first comes with JupyterLab itself."""
        if self.page.url == "about:blank":
            self.page.goto(f"{self.address}/doc/tree/{name}?reset&token={self.token}")
        else:
            self.page.evaluate(OPEN, name)
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        return Lesson(self, name)

    def clear(self):
        """Close what is open, unsaved; returns whether the next lesson finds JupyterLab as the first did."""
        self.page.evaluate(CLOSE)
        self.page.set_viewport_size(WINDOW)
        self.page.emulate_media(reduced_motion="no-preference")
        self.errors.clear()
        self.outside.clear()
        return self.page.locator(".jp-Dialog, .jp-Notebook").count() == 0


class Lesson:
    """One lesson on a desk: run all, read outputs, move controls, watch the picture."""

    def __init__(self, desk, name):
        self.address, self.token, self.name = desk.address, desk.token, name
        self.page, self.errors, self.outside = desk.page, desk.errors, desk.outside
        wait_for(self._kernel_ready, 60, f"the kernel of {name} does not become ready")

    def _kernel_ready(self):
        """Whether the session's kernel is idle and, as server and page both say, connected to the page."""
        sessions = ask(self.address, self.token, "api/sessions") or []
        kernels = [s["kernel"] for s in sessions if s["path"] == self.name]
        idle = any(k["execution_state"] == "idle" and k["connections"] > 0 for k in kernels)
        return idle and self.page.evaluate(CONNECTED)

    def run_all(self):
        """Run every cell; returns when the last has ended. A kernel that dropped all of them is asked once more."""
        for _ in range(2):
            self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
            if any(self.outputs()):
                return

    def sources(self):
        """The sources of all cells."""
        return self.page.evaluate(
            """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
                 .map(cell => cell.sharedModel.getSource())"""
        )

    def cell_with(self, text):
        """The index of the first cell whose source has ``text``."""
        return next(k for k, source in enumerate(self.sources()) if text in source)

    def set_source(self, index, code):
        """Replace the source of a cell."""
        change = """([index, code]) => window.jupyterapp.shell.currentWidget.content.model.cells.get(index)
                      .sharedModel.setSource(code)"""
        self.page.evaluate(change, [index, code])

    def run_cell(self, index, wait=True):
        """Run one cell; ``wait`` for its end."""
        run = """([index, wait]) => {
            window.jupyterapp.shell.currentWidget.content.activeCellIndex = index;
            const done = window.jupyterapp.commands.execute('notebook:run-cell');
            return wait ? done.then(() => null) : null; }"""
        self.page.evaluate(run, [index, wait])

    def outputs_of(self, index):
        """The outputs of one cell, from the notebook's model."""
        return self.page.evaluate(
            "index => window.jupyterapp.shell.currentWidget.content.model.cells.get(index).toJSON().outputs", index
        )

    def outputs(self):
        """All outputs of all code cells, from the notebook's model."""
        return self.page.evaluate(
            """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
                 .filter(cell => cell.type === 'code').map(cell => cell.toJSON().outputs)"""
        )

    def cells_that_show(self, *parts):
        """The indices of the cells whose outputs, as JSON, have all these parts."""
        return self.page.evaluate(
            """parts => [...window.jupyterapp.shell.currentWidget.content.model.cells]
                 .map((cell, index) => [index, JSON.stringify(cell.toJSON().outputs || [])])
                 .filter(([_, text]) => parts.every(part => text.includes(part)))
                 .map(([index, _]) => index)""",
            parts,
        )

    def live_cells(self):
        """The indices of the cells that hold a live figure (a widget view beside a picture)."""
        return self.cells_that_show("jupyter.widget-view", "image/png")

    def cell(self, index):
        """The cell with this index, scrolled to so that the page renders it.

        While cells above it are typeset it may move away again: it is scrolled to until a picture of it is seen.
        """
        scroll = "index => window.jupyterapp.shell.currentWidget.content.scrollToItem(index, 'start')"
        cell = self.page.locator(f'.jp-Cell[data-windowed-list-index="{index}"]')
        for _ in range(10):
            self.page.evaluate(scroll, index)
            with suppress(AssertionError):
                wait_for(cell.locator("img").filter(visible=True).count, 3, "no picture")
                return cell
        raise AssertionError(f"cell {index} shows no picture, but {cell.all_inner_texts()}")

    def live_figure(self, index):
        """The live figure of the cell with this index, scrolled to so that the page renders it."""
        figure = self.cell(index).locator(".widget-vbox:has(img)").first
        figure.locator("img").first.wait_for(timeout=20_000)
        figure.scroll_into_view_if_needed()
        return figure

    def figure_after(self, figure, act, seconds=20):
        """Do ``act``, wait until the figure's picture is another and complete, and return (old, new) addresses."""
        image = figure.locator("img").first
        before = image.get_attribute("src")
        act()
        wait_for(lambda: image.get_attribute("src") != before, seconds, "the picture does not change")
        wait_for(
            lambda: image.evaluate("img => img.complete && img.naturalWidth > 0"), 20, "the picture is not complete"
        )
        return before, image.get_attribute("src")

    def screenshot(self, name):
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{name}.png")
