"""Build the site from the committed notebooks; no lesson is run.

    python tools/build_site.py OUT
    python tools/build_site.py OUT --figures 00 03 --most 6     # figures move in two lessons, over six pictures each

The live figures are drawn by their own code over the grid of their main controls. KaTeX comes from npm, in the folder
.node: ``npm install --prefix .node katex@0.19.1``. With ``--repository OWNER/NAME`` lessons link to Binder.
"""

import argparse
import ast
import importlib
import json
import os
import re
import shutil
import sys
import time
from base64 import b64decode
from concurrent.futures import ProcessPoolExecutor
from html import escape
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the processes that draw share the cores

import nbformat
from PIL import Image

from ddim_lessons.figures.live import Live
from ddim_lessons.figures.typeset import in_html
from ddim_lessons.teaching.road import exercise_of, without_check

ROOT = Path(__file__).resolve().parents[1]
WEB, KATEX = ROOT / "web", ROOT / ".node" / "node_modules" / "katex" / "dist"
FIRST, FIGURE, SITE = 60_000, 4_000_000, 60_000_000  # bytes at most: a figure's first picture, all of it, the site
WIDTH, QUALITIES = 1000, (60, 45, 30)
PAGES = ("CONTRIBUTING.md", "deploy/README.md", "data/README.md")
LINK = re.compile(r"\]\(([^)#:\s]+)")
LIVE, STILL = re.compile(r"\[live (?:figure|table)\] (.*)", re.DOTALL), re.compile(r"\[figure\] (.*)", re.DOTALL)
ICONS = r"<script[^>]*fontawesome\.js[^>]*></script>"  # 1.5 MB; site.css takes the ten that are used from a font
MENDED = (  # else what axe finds in the theme's pages: names that are not what is read, heads of columns without a word
    (ICONS, ""),
    (r'(<button class="btn search-button-field[^>]*) aria-label="Search"', r"\1"),
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    (r'<th class="head">(<p>\s*</p>)?</th>', "<td></td>"),
)


# --- live figures ------------------------------------------------------------------------------------------------


def find_figures(number):
    """Return {name: function} of a lesson's functions that say that they return a live view."""
    module = importlib.import_module(f"ddim_lessons.lessons.lesson_{number}.pictures")
    returns = {name: getattr(f, "__annotations__", {}).get("return") for name, f in vars(module).items()}
    return {name: vars(module)[name] for name, r in returns.items() if isinstance(r, type) and issubclass(r, Live)}


def called(source):
    """Return the name of the function that a cell's last line calls, or None."""
    last = ast.parse(source).body[-1]
    call = last.value if isinstance(last, ast.Expr) else None
    function = call.func if isinstance(call, ast.Call) else None
    return getattr(function, "attr", getattr(function, "id", None))


def in_words(control, value):
    """Return a control's value as the figure shows it."""
    if hasattr(control, "options"):
        return next(text for text, option in control._options_full if option == value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format(value, getattr(control, "readout_format", "")).replace("-", "−")


def control_html(control, values):
    """Return a native slider, or a menu for what is no number, over the ``values`` of a figure's control."""
    texts, start = [in_words(control, value) for value in values], values.index(control.value)
    label, count = in_html(control.tooltip), f'data-count="{len(values)}" data-start="{start}"'
    if type(control).__name__.endswith("Slider"):
        said = f'data-texts="{escape(json.dumps(texts))}" aria-valuetext="{escape(texts[start])}"'
        slider = f'<input type="range" min="0" max="{len(values) - 1}" value="{start}" {count} {said}>'
        return f"<label><span>{label} <b>{escape(texts[start])}</b></span>{slider}</label>"
    options = (f"<option{' selected' * (k == start)}>{escape(text)}</option>" for k, text in enumerate(texts))
    return f"<label><span>{label}</span><select {count}>{''.join(options)}</select></label>"


def encode(pictures, start):
    """Return Pillow images as WebP bytes, in the best quality in which the figure and its first picture are small."""
    for quality in QUALITIES:
        files = []
        for image in pictures:
            buffer = BytesIO()
            image.save(buffer, format="webp", quality=quality)
            files.append(buffer.getvalue())
        if len(files[start]) <= FIRST and sum(map(len, files)) <= FIGURE:
            return files
    sizes = len(files[start]), sum(map(len, files))
    raise ValueError(f"the first picture and all have {sizes} bytes, but must have at most {FIRST} and {FIGURE}")


def fitted(image):
    """Return a Pillow image, at most ``WIDTH`` wide."""
    scale = min(1, WIDTH / image.width)
    return image.resize([round(side * scale) for side in image.size], Image.Resampling.LANCZOS)


def make_frames(number, name, folder, most):
    """Draw a figure's states into ``folder`` and return the HTML that shows them, with {frames} for the folder."""
    live = find_figures(number)[name]()
    controls, first = live.controls, (live.words, live.shown())
    grid, states = live.frames(most)
    states = [(words, fitted(seen) if isinstance(seen, Image.Image) else seen) for words, seen in states]
    folder.mkdir(parents=True)
    start = 0
    for key, values in grid.items():
        start = start * len(values) + values.index(live.start[key])
    assert states[start][0] == first[0], f"{name}: its first picture is not the lesson's"
    if isinstance(states[0][1], Image.Image):
        for k, data in enumerate(encode([image for _, image in states], start)):
            (folder / f"{k:03}.webp").write_bytes(data)
        (width, height), told = states[0][1].size, [(words, in_html(words)) for words, _ in states]
        size = f'width="{width}" height="{height}" loading="lazy"'
        view = f'<img src="{{frames}}/{start:03}.webp" alt="{escape(first[0])}" {size}>'
    else:
        view = f'<div class="ddim-html">{first[1]}</div>'
        told = [(words, in_html(words), html) for words, html in states]
    text = f"window.ddimFrames[{json.dumps(folder.name)}] = {json.dumps(told, ensure_ascii=False)};\n"
    (folder / "frames.js").write_text(text, encoding="utf-8")
    return player_html(grid, controls, view, first[0])


def player_html(grid, controls, view, words):
    """Return the HTML of a figure that moves without a kernel."""
    moved = "".join(control_html(controls[name], values) for name, values in grid.items())
    still = ", ".join(control.tooltip for name, control in controls.items() if name not in grid)
    note = f'<p class="ddim-note">In the lesson itself also: {in_html(still)}.</p>' if still else ""
    return (
        f'<figure class="ddim-player" data-frames="{{frames}}"><div class="ddim-controls">{moved}'
        f'<button type="button">Reset</button></div>{view}'
        f'<p class="ddim-words" role="status">{in_html(words)}</p>{note}</figure>'
    )


# --- lessons -----------------------------------------------------------------------------------------------------


def raw(html):
    """Return HTML as the one output of a cell."""
    return [nbformat.v4.new_output("display_data", {"text/html": html, "text/plain": ""})]


def site_copy(notebook, number, folder, players, head):
    """Return a lesson as the site shows it: pictures with their captions, players, exercises without their stubs."""
    cells = []
    for k, cell in enumerate(notebook.cells):
        tags = cell.metadata.get("tags", [])
        if exercise_of(cell):
            cell = nbformat.v4.new_markdown_cell(stub(cell.source))
        elif cell.cell_type == "code":
            cell.metadata = {"tags": ["hide-input"]} if "setup" in tags else {}
            cell.outputs = site_outputs(cell, f"{number}-{k}", number, folder, players)
        cells.append(cell)
    notebook.cells = [cells[0], nbformat.v4.new_markdown_cell(head), *cells[1:]]
    return notebook


def stub(source):
    """Return what an exercise's stub says, as text: the answer's shape, and where it is checked."""
    shape = without_check(source).strip()
    return f"<details><summary>Where to begin</summary>\n\n```python\n{shape}\n```\n\n</details>"


def site_outputs(cell, name, number, folder, players):
    """Return a code cell's outputs with each picture, which has its caption behind it, as one piece of HTML."""
    outputs, skipped = [], 0
    for output in cell.outputs:
        words = output.get("data", {}).get("text/plain", "")
        if skipped and output.output_type == "display_data" and not words.startswith("["):
            continue  # the caption of a picture, a note, the place of the live box
        live, still = LIVE.match(words), STILL.match(words)
        skipped = live or still
        if live and called(cell.source) in players:
            html = players[called(cell.source)].replace("{frames}", f"../frames/{number}-{called(cell.source)}")
            outputs += raw(html)
        elif skipped and "image/png" in output.data:
            outputs += raw(still_html(output.data["image/png"], (live or still).group(1), name, len(outputs), folder))
        else:
            outputs.append(output)
    return outputs


def still_html(png, words, name, k, folder):
    """Write a picture into ``folder`` and return the HTML that shows it with its caption."""
    path = folder / "pictures" / f"{name}-{k}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b64decode(png))
    width, height = Image.open(path).size
    size, said = f'width="{width}" height="{height}" loading="lazy"', escape(words)
    image = f'<img src="../pictures/{path.name}" alt="{said}" {size}>'
    return f'<figure class="ddim-figure">{image}<figcaption aria-hidden="true">{said}</figcaption></figure>'


def head_of(path, repository):
    """Return the line under a lesson's first cell: how to run it."""
    ways = [f'<a href="{path.name}" download>the notebook</a>', f"<code>ddim-lessons start {path.name[:2]}</code>"]
    if repository:
        binder = f"https://mybinder.org/v2/gh/{repository}/HEAD?labpath=notebooks%2F{path.name}"
        ways.append(f'<a href="{binder}">Binder</a>')
    return f"Read it here, the figures move; to run it and solve its exercises: {' · '.join(ways)}."


def linked(text):
    """Return a page of ``lecture/`` whose equations' numbers, in a row (7.1) or as a link, lead to their places."""
    lesson = {path.name[:2]: path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}

    def link(found):
        number = found["number"]
        page = lesson[number.partition(".")[0].zfill(2)]
        return f'<a href="../notebooks/{page}.html#eq-{number}">({number})</a>'

    text = re.sub(r"\[\((?P<number>\d+\.\d+)\)\]\(\.\./notebooks/\w+\.ipynb\)", link, text)
    text = re.sub(r"(?<=^\| )\((?P<number>\d+\.\d+)\)(?= \|)", link, text, flags=re.MULTILINE)
    return text.replace("](../README.md", "](../index.md")


# --- the site ----------------------------------------------------------------------------------------------------

PLAY = """# The playground

Type a word or draw: the exact denoiser of its points is known, so nothing is trained. DDPM and DDIM start from one x_T;
S and η are under your fingers, and a starting point can be dragged.

<p><a href="playground.html">Open the playground</a></p>
"""
TREE = """
```{{toctree}}
:hidden:
:caption: {}
{}
```
"""


def index(names):
    """Return the first page: the README, behind it the list of all pages."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    readme = re.sub(r"\[([^]]+)\]\(\.\./\.\./[^)]*\)", r"\1", readme)  # GitHub's own pages, as the site itself
    readme = re.sub(r"\*\*Without an install\*\*:.*?of yours\. ", "", readme)  # the lead says it
    title, _, rest = readme.partition("\n")
    lead = (
        "\n**Here every live figure moves without an install.** [The playground](play.md) takes a drawing of yours.\n"
    )
    pages = sorted(path.stem for path in (ROOT / "lecture").glob("*.md"))
    lectures = [f"lecture/{page}" for page in pages if page.isdigit()]
    indexes = [f"lecture/{page}" for page in pages if not page.isdigit() and page != "README"]
    more = ["lecture/README", *lectures, "deploy/README", "data/README", "CONTRIBUTING"]
    trees = [TREE.format("Lessons", "\n".join(f"notebooks/{name}" for name in names))]
    trees.append(TREE.format("More", "\n".join(["play", *indexes])))
    trees.append(TREE.format("For lecturers and authors", "\n".join(more)))
    return title + "\n" + lead + rest + "\n" + "".join(trees)


def copy_pages(source):
    """Copy the pages for people that are not lessons, and the files that they and the README link to."""
    for page in ("README.md", *PAGES):
        linked = LINK.findall((ROOT / page).read_text(encoding="utf-8"))
        inside = [link for link in linked if not link.startswith("../../")]  # else GitHub's own pages
        for path in [ROOT / page, *((ROOT / page).parent / link for link in inside)]:
            copy = source / path.resolve().relative_to(ROOT)
            if path.is_file() and path.suffix != ".ipynb" and not copy.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, copy)
    (source / "README.md").unlink()


def write_sources(source, names, out, players, repository):
    """Write what Sphinx reads: pages, lessons, and the files that they link to."""
    (source / "notebooks").mkdir(parents=True)
    shutil.copytree(ROOT / "lecture", source / "lecture")
    for path in (source / "lecture").glob("*.md"):
        path.write_text(linked(path.read_text(encoding="utf-8")), encoding="utf-8")
    copy_pages(source)
    notebooks = {ROOT / "notebooks" / f"{n}.ipynb": None for n in names}
    for path in notebooks:
        notebooks[path] = nbformat.read(path, as_version=4)
    (source / "play.md").write_text(PLAY, encoding="utf-8")
    (source / "index.md").write_text(index(names), encoding="utf-8")
    for path, notebook in notebooks.items():
        number, head = path.name[:2], head_of(path, repository)
        copy = site_copy(notebook, number, out, players.get(number, {}), head)
        nbformat.write(copy, source / "notebooks" / path.name)


def make_players(numbers, out, most, jobs):
    """Draw all figures of the lessons; returns {lesson: {figure: HTML}}."""
    players = {number: {} for number in numbers}
    with ProcessPoolExecutor(jobs) as pool:
        tasks = [(n, figure, pool.submit(make_frames, n, figure, out / "frames" / f"{n}-{figure}", most))
                 for n in players for figure in find_figures(n)]  # fmt: skip
        for number, figure, task in tasks:
            players[number][figure] = task.result()
    return players


def build(out, figures=None, most=96, jobs=2, repository=None):
    """Build the site into the folder ``out``, which must not be there yet.

    ``figures`` are the numbers of the lessons whose figures move, all if None; elsewhere the still pictures stay.
    """
    from sphinx.cmd.build import build_main

    if not KATEX.is_dir():
        raise ValueError("KaTeX is not there: npm install --prefix .node katex@0.19.1")
    out.mkdir(parents=True)
    names = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    players = make_players(figures or [name[:2] for name in names], out, most, jobs)
    with TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        write_sources(source, names, out, players, repository)
        options = ["-q", "-W", "--keep-going", "-c", str(WEB), "-d", f"{folder}/trees"]
        status = build_main([*options, str(source), str(out)])
    if status:
        raise ValueError("Sphinx has warnings: see above")
    finish(out, names)


def finish(out, names):
    """Put beside Sphinx's pages what they load: KaTeX, the playground, the notebooks as they are."""
    katex = out / "_static" / "katex"
    shutil.copytree(KATEX / "fonts", katex / "fonts", ignore=shutil.ignore_patterns("*.ttf", "*.woff"))
    for name in ("katex.min.css", "katex.min.js"):
        shutil.copy(KATEX / name, katex / name)
    for path in [
        *(out / "_static").rglob("*.map"),
        *(out / "_static").rglob("fontawesome.js"),
        *(out / "_static").glob("*macros.html"),
    ]:
        path.unlink()
    for path in out.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for old, new in MENDED:
            text = re.sub(old, new, text)
        path.write_text(text, encoding="utf-8")
    for path in (WEB / "playground").iterdir():
        shutil.copy(path, out / path.name)
    for name in names:
        shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", out / "notebooks")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="a folder that is not there yet")
    parser.add_argument("--figures", nargs="*", help="numbers of the lessons whose figures move; all if none is given")
    parser.add_argument("--most", type=int, default=96, help="pictures a figure at most")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--repository", help="OWNER/NAME on GitHub")
    arguments = parser.parse_args()
    begin = time.monotonic()
    build(arguments.out, arguments.figures, arguments.most, arguments.jobs, arguments.repository)
    size = sum(path.stat().st_size for path in arguments.out.rglob("*") if path.is_file())
    print(f"{size / 1e6:.1f} MB, {time.monotonic() - begin:.0f} s")
    return size > SITE


if __name__ == "__main__":
    sys.exit(main())
