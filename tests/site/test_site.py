"""The site: figures that move without a kernel, links that lead somewhere, nothing asked of another server."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from math import prod
from urllib.parse import unquote, urldefrag

import pytest
import served

from ddim_lessons.figures.controls import control_values, main_grid, menu, number_slider, toggle, whole_slider
from ddim_lessons.files import ROOT

NODE_MODULES = ROOT / ".node" / "node_modules"
MOVING = ("00", "02")  # lessons whose figures move in the small site of these tests


def build_site():
    spec = importlib.util.spec_from_file_location("build_site", ROOT / "tools" / "build_site.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- which states --------------------------------------------------------------------------------------------------


def test_the_grid_takes_two_controls_thinned_with_their_starts_and_others_that_fit():
    controls = {
        "seed": whole_slider("seed", 0, 9, 0), "x": number_slider("x", 0, 1, 0.05, 0.35), "on": toggle("on", True),
        "kind": menu("kind", ["a", "b"], "b"), "t": whole_slider("t", 0, 1000, 333),
    }  # fmt: skip
    for most in (20, 96, 1000):
        grid = main_grid(controls, None, most)
        assert list(grid)[:2] == ["x", "t"] and prod(map(len, grid.values())) <= most
        for name in ("x", "t"):
            values = control_values(controls[name])
            assert grid[name][0] == values[0] and grid[name][-1] == values[-1] and controls[name].value in grid[name]
            assert grid[name] == sorted(set(grid[name]))
    assert list(main_grid(controls, None, 1000)) == ["x", "t", "on"] and len(main_grid(controls, None, 1000)["t"]) == 22
    assert list(main_grid(controls, ["kind", "seed"], 40)) == ["kind", "seed", "on"]
    rounded = {"x": number_slider("x", -3, 3, 0.1, -0.3), "y": number_slider("y", -3, 3, 0.1, 0.3)}
    assert [len(values) for values in main_grid(rounded, None, 1000).values()] == [21, 21], "a start stands there twice"


# --- the pages -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site whose figures move in two lessons only; the pages are all there."""
    if missing := [name for name in ("katex", "axe-core") if not (NODE_MODULES / name).is_dir()]:
        words = f"{missing} of npm is not there; CONTRIBUTING.md says how to get it"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(words)
    out = tmp_path_factory.mktemp("site") / "out"
    command = [sys.executable, str(ROOT / "tools" / "build_site.py"), str(out), "--figures", *MOVING, "--most", "6"]
    done = subprocess.run([*command, "--repository", "somebody/somewhere"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


class Links(HTMLParser):
    """The ids of a page, what it loads, and where it leads."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.loads, self.leads = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids |= {found[name] for name in ("id", "name") if name in found and tag != "input"}
        if tag == "a":
            self.leads.append(found.get("href") or "")
        elif tag == "link":
            self.loads.append(found.get("href") or "")
        elif "src" in found:
            self.loads.append(found["src"])


def test_every_link_and_anchor_leads_somewhere_and_nothing_is_loaded_from_outside(site):
    pages = {path: Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    assert len(pages) > 25
    used = set(re.findall(r'"[^"]*\bfa-solid (fa-[\w-]+)', "".join(path.read_text(encoding="utf-8") for path in pages)))
    assert used and all(f".{icon} {{" in (ROOT / "web" / "static" / "site.css").read_text() for icon in used), used
    outside = ("http:", "https:", "mailto:", "data:")
    for path, page in pages.items():
        assert not [url for url in page.loads if url.startswith(("http", "//"))], path.name
        for link in page.loads + page.leads:
            if not link or link.startswith(outside):
                continue
            target, anchor = urldefrag(link)
            file = (path.parent / unquote(target.partition("?")[0])).resolve() if target else path.resolve()
            file = file / "index.html" if file.is_dir() else file
            assert file.is_file(), f"{path.name}: {link} leads nowhere"
            if anchor and file.suffix == ".html":
                assert unquote(anchor) in pages[site / file.relative_to(site.resolve())].ids, f"{path.name}: {link}"


def test_lessons_show_exercises_without_stubs_and_every_numbered_equation_is_in_the_index(site):
    listed = (site / "lecture" / "equations.html").read_text(encoding="utf-8")
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        page = (site / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")
        stubs = [cell for cell in cells if any("exercise-" in tag for tag in cell["metadata"].get("tags", []))]
        assert page.count("<summary>Where to begin</summary>") == len(stubs) > 0 and "ddim-revive" not in page
        text = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        for number in re.findall(r"\\tag\{([\d.]+)\}", text):
            assert f'href="../notebooks/{path.stem}.html#eq-{number}"' in listed and f'id="eq-{number}"' in page
        assert (site / "notebooks" / path.name).read_bytes() == path.read_bytes()
        assert f"somebody/somewhere/HEAD?labpath=notebooks%2F{path.name}" in page


def test_every_live_figure_of_the_two_lessons_is_there_within_its_size(site):
    tool = build_site()
    for number in MOVING:
        (page,) = (site / "notebooks").glob(f"{number}_*.html")
        for name in tool.find_figures(number):
            folder = site / "frames" / f"{number}-{name}"
            text, pictures = page.read_text(encoding="utf-8"), sorted(folder.glob("*.webp"))
            assert f'data-frames="../frames/{folder.name}"' in text and len(pictures) <= 6
            for first in re.findall(rf'src="\.\./(frames/{folder.name}/\d+\.webp)"', text):
                assert (site / first).stat().st_size <= 60_000


# --- in a browser ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def program():
    with served.chromium() as program:
        yield program


STATE = """figure => ({words: figure.querySelector('.ddim-words').textContent, shown: figure.dataset.shown,
  alt: figure.querySelector('img')?.alt, html: figure.querySelector('.ddim-html')?.innerText,
  source: figure.querySelector('img')?.getAttribute('src').split('/').at(-1)})"""


def told(site, figure):
    """(The words of all states of a figure, those words as they are read when typeset), from its file."""
    name = figure.get_attribute("data-frames").split("/")[-1]
    text = (site / "frames" / name / "frames.js").read_text(encoding="utf-8")
    states = json.loads(text.partition(" = ")[2].rstrip(";\n"))
    return zip(*[(words, unescape(re.sub("<[^>]+>", "", typeset))) for words, typeset, *_ in states], strict=True)


@pytest.mark.browser
@pytest.mark.parametrize("number", MOVING)
def test_every_control_by_keyboard_the_picture_and_its_words_follow(site, program, number):
    (path,) = (site / "notebooks").glob(f"{number}_*.html")
    with served.serve(site) as address, served.page_of(program, address) as page:
        page.goto(f"{address}/notebooks/{path.name}")
        assert page.locator(".tex").count() == page.locator(".tex > .katex, .tex > .katex-display").count() > 5
        assert page.locator(".katex-error").count() == 0
        figures = page.locator(".ddim-player").all()
        assert figures
        for figure in figures:
            (alts, words), first = told(site, figure), figure.evaluate(STATE)
            assert first["words"] in words and first["alt"] in (None, alts[words.index(first["words"])])
            for control in figure.locator("[data-count]").all():
                before = figure.evaluate(STATE)
                at_end = int(control.get_attribute("data-start")) == int(control.get_attribute("data-count")) - 1
                menu_ = control.evaluate("control => control.localName") == "select"
                control.press(("ArrowUp" if at_end else "ArrowDown") if menu_ else
                              ("ArrowLeft" if at_end else "ArrowRight"))  # fmt: skip
                handle = figure.element_handle()
                page.wait_for_function("([f, was]) => (f.dataset.shown ?? null) !== was", arg=[handle, before["shown"]])
                now = figure.evaluate(STATE)
                assert now["words"] == words[int(now["shown"])] != before["words"]
                assert now["alt"] in (None, alts[int(now["shown"])])
                assert (now["source"], now["html"]) != (before["source"], before["html"])
            figure.get_by_role("button", name="Reset").click()
            page.wait_for_function("([f, w]) => f.querySelector('.ddim-words').textContent === w",
                                   arg=[figure.element_handle(), first["words"]])  # fmt: skip


VIOLATIONS = """async rules => (await axe.run({exclude: ['.katex']}, rules)).violations.map(v =>
  `${v.id} (${v.nodes.length}): ${v.nodes[0].html.slice(0, 200)}`)"""


@pytest.mark.browser
@pytest.mark.parametrize("name", ["index.html", "notebooks/00_start_here.html", "playground.html"])
def test_axe_finds_nothing(site, program, name):
    options = {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}}
    with served.serve(site) as address, served.page_of(program, address, **options) as page:
        page.goto(f"{address}/{name}")
        page.evaluate((NODE_MODULES / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
        assert page.evaluate(VIOLATIONS, {}) == []
        page.emulate_media(color_scheme="dark")
        page.wait_for_timeout(500)  # colours fade
        assert page.evaluate(VIOLATIONS, {"runOnly": ["color-contrast"]}) == []
