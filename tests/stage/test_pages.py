"""Pages without code: no exercise, no hint, no code is left, what is left still runs, and one page in the browser."""

import ast
import builtins
import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec

import browser
import pytest

from ddim_lessons.__main__ import main
from ddim_lessons.stage import pages, server

PATHS = sorted(server.NOTEBOOKS.glob("*.ipynb"))


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def names(code, kind):
    """The names that a cell's code sets (``ast.Store``) or uses (``ast.Load``), functions and imports included."""
    tree = ast.parse(code.removeprefix("%%capture\n"))
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, kind)}
    if kind is ast.Store:
        found |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        found |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        found |= {node.asname or node.name for node in ast.walk(tree) if isinstance(node, ast.alias)}
        found |= {node.name for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)}
    return found


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_page_has_no_exercise_and_all_the_rest_of_its_lesson(path):
    lesson, page = read(path), pages.page_copy(read(path))
    assert lesson == read(path), "the lesson itself must stay as it was"
    text = "\n\n".join(cell["source"] for cell in page["cells"] if cell["cell_type"] == "markdown")
    assert not re.search(r"^#+ .*Exercise|<summary>(Hint|Solution)|```", text, re.MULTILINE)
    assert text.count("<details>") == text.count("</details>")
    tags = {r"\\tag\{": 0, r"^## (?!.*Exercises)": re.MULTILINE}
    whole = "\n\n".join("".join(cell["source"]) for cell in lesson["cells"] if cell["cell_type"] == "markdown")
    assert all(len(re.findall(tag, text, flags)) == len(re.findall(tag, whole, flags)) for tag, flags in tags.items())
    code = [cell["source"] for cell in page["cells"] if cell["cell_type"] == "code"]
    assert not any("check(" in source for source in code) and all(not c.get("outputs") for c in page["cells"])
    known = set(dir(builtins)) | {"display"}  # IPython's own
    for source in code:
        known |= names(source, ast.Store)
        assert names(source, ast.Load) <= known, f"{names(source, ast.Load) - known} came from an exercise"


def test_an_exercise_ends_with_its_solution_also_when_the_text_goes_on():
    text = "a\n\n### Exercise 1.1 · b\n\nc\n\n<details><summary>Solution</summary>\n\nd\n\n</details>\n\ne"
    assert pages.outside_exercises(text, inside=False) == ("a\n\ne", False)
    assert pages.outside_exercises("a\n\n### Exercise 1.1", inside=False) == ("a", True)
    assert pages.outside_exercises("<details><summary>Hint</summary>x</details>", inside=True) == ("", True)


def test_without_voila_there_is_a_sentence(monkeypatch, capsys):
    monkeypatch.setattr(pages, "find_spec", lambda name: None)
    assert main(["page", "00"]) == 2 and "pip install -e '.[voila]'" in capsys.readouterr().err
    assert main(["page", "77"]) == 2 and "the lesson is '77'" in capsys.readouterr().err


def test_the_server_is_this_machine_s_and_its_token_is_not_on_the_command_line(tmp_path):
    pages.write_settings(tmp_path, "secret")
    command, environment = pages.server_command(tmp_path, 1)
    assert not any("secret" in word for word in command)
    settings = json.loads((tmp_path / "jupyter_config_dir" / "voila.json").read_text())
    assert settings["Voila"] | {"ip": "127.0.0.1", "token": "secret"} == settings["Voila"]
    assert environment["DDIM_LESSONS_PROGRESS"].startswith(str(tmp_path)), "a page is not the reader's own progress"


@pytest.mark.browser
def test_a_page_in_the_browser_shows_no_code_and_follows_its_sliders(context, tmp_path):
    if find_spec("voila") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("Voilà, an optional extra, is not installed")
    command = [sys.executable, "-m", "ddim_lessons.pages", "00", "--no-browser"]
    with open(tmp_path / "log", "w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=browser.ROOT)
    try:
        said = lambda pattern: re.search(pattern, (tmp_path / "log").read_text())  # noqa: E731
        browser.wait_for(lambda: said("running at"), 60, "Voilà does not start")
        address = said(r"http://\S+token=\w+").group()
        show_page(context.new_page(), address)
    finally:
        server.terminate()
        server.wait(30)


def show_page(page, address):
    """Open a page, move a slider, and look at what it holds and asks for."""
    home, outside, errors = address.partition("/voila")[0], [], []
    known = (home, home.replace("http", "ws"), "data:", "blob:", "about:")
    page.on("request", lambda request: None if request.url.startswith(known) else outside.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(address.partition("?")[0])
    assert "/login" in page.url, "it opens without the token"
    page.goto(address, timeout=90_000)
    figure = page.locator(".widget-vbox:has(img)").first
    slider = figure.get_by_role("slider", name="S (steps)")
    slider.wait_for(timeout=60_000)
    slider.focus()
    page.keyboard.press("ArrowRight")
    browser.wait_for(lambda: "S = 20" in figure.get_by_role("status").inner_text(), 20, "the figure does not follow")
    browser.wait_for(lambda: "S = 20" in figure.locator("img").get_attribute("title"), 20, "the words do not follow")
    live = page.locator(".jp-OutputArea:has(.ddim-revive)")
    assert live.locator("img, table, .ddim-revive").filter(visible=True).count() == live.count() > 1, "a still stays"
    assert page.locator(".jp-Editor, .jp-InputArea-editor, .highlight").count() == 0, "there is code"
    assert page.locator("mjx-container").count() > 50 and page.get_by_text("✓ (0.1)").count()
    browser.ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=browser.ARTIFACTS / "00-page-without-code.png")
    page.close()
    assert outside == [] and errors == []
