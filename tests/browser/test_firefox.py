"""Two lessons in Firefox, over WebDriver BiDi, its own language: all cells run, a slider moves its picture."""

import json
import os
import re
import shutil
import subprocess
from itertools import count
from urllib.parse import quote

import browser
import pytest
from test_browser import NAMES
from websockets.sync.client import connect

pytestmark = pytest.mark.browser

FIREFOX = shutil.which("firefox") or shutil.which("firefox-esr")
RUN_ALL = """async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells');
  return JSON.stringify([...window.jupyterapp.shell.currentWidget.content.model.cells]
    .filter(cell => cell.type === 'code').map(cell => cell.toJSON().outputs.map(output => output.output_type))); }"""
# shows the first live figure, gives its first slider the focus, and says where its picture is
FIGURE = """() => { const notebook = window.jupyterapp.shell.currentWidget.content;
  const live = notebook.widgets.findIndex(cell => JSON.stringify(cell.model.toJSON()).includes('ddim-revive'));
  notebook.scrollToItem(live, 'start');
  const figure = notebook.widgets[live].node.querySelector('.ddim-figure');
  const handle = figure?.querySelector('[role=slider]'), image = figure?.querySelector('img');
  if (!handle || !image?.naturalWidth) return '';
  handle.focus();
  return document.activeElement === handle ? image.src : ''; }"""
SHOWN = "() => document.activeElement.closest('.ddim-figure').querySelector('img').src"
READY = f"() => !!window.jupyterapp?.shell.currentWidget?.content?.model && ({browser.CONNECTED})()"


class Page:
    """One tab of a Firefox."""

    def __init__(self, port):
        self.socket = connect(f"ws://127.0.0.1:{port}/session", max_size=None)
        self.numbers, self.errors = count(), []
        self.ask("session.new", capabilities={})
        self.tab = self.ask("browsingContext.create", type="tab")["context"]  # the first has no focus
        self.ask("session.subscribe", events=["log.entryAdded"])

    def ask(self, method, **params):
        """Send one command and return its answer; what the page reports meanwhile is kept."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (heard := json.loads(self.socket.recv(timeout=60))).get("id") != number:
            if heard.get("params", {}).get("level") == "error":
                self.errors.append(heard["params"]["text"])
        assert heard["type"] == "success", heard
        return heard["result"]

    def call(self, function):
        """Call a JavaScript function in the page and return what it gives."""
        target, rest = {"context": self.tab}, {"awaitPromise": True, "userActivation": True}
        answer = self.ask("script.callFunction", functionDeclaration=function, target=target, **rest)
        assert answer["type"] == "success", answer
        return answer["result"].get("value")

    def press(self, key):
        actions = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        self.ask("input.performActions", context=self.tab, actions=[{"type": "key", "id": "keys", "actions": actions}])


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    if FIREFOX is None:
        pytest.skip("no Firefox on this machine (Debian: apt-get install firefox-esr)")
    profile, heard = tmp_path_factory.mktemp("profile"), tmp_path_factory.mktemp("log") / "firefox.log"
    command = [FIREFOX, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port=0"]
    with open(heard, "w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"HOME": str(profile)})
        try:
            listens = re.compile(r"WebDriver BiDi listening on ws://127\.0\.0\.1:(\d+)")
            yield Page(browser.wait_for(lambda: listens.search(heard.read_text()), 60, "Firefox does not listen")[1])
        finally:
            process.terminate()
            process.wait(30)


@pytest.mark.parametrize("name", [NAMES[0], NAMES[7]])
def test_a_lesson_runs_in_firefox_and_a_slider_moves_its_picture(firefox, lab, name):
    address, token = lab
    url = f"{address}/doc/tree/{quote(name)}?reset&token={token}"
    firefox.ask("browsingContext.navigate", context=firefox.tab, url=url, wait="complete")
    browser.wait_for(lambda: firefox.call(READY), 60, "the kernel does not become ready")
    ran = json.loads(firefox.call(RUN_ALL))
    assert any(ran) and "error" not in {kind for kinds in ran for kind in kinds}
    before = browser.wait_for(lambda: firefox.call(FIGURE), 30, "no live figure")
    firefox.press("\ue014")  # the right arrow
    browser.wait_for(lambda: firefox.call(SHOWN) != before, 20, "the picture does not change")
    assert firefox.errors == [], "the page reported errors"
