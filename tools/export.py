"""Write lessons as pages, slides and a PDF that need nothing from outside: hand-outs to read, to show and to print.

    python tools/export.py OUT               # OUT/00.html, OUT/00.slides.html, OUT/00.pdf … of all lessons
    python tools/export.py OUT 04 07
    python tools/export.py OUT 07 --as-stored    # with the outputs in the file: seconds, but pictures of half the dots

Each lesson is run once, with figures of twice the dots. Code is folded. KaTeX and reveal.js come from npm, into the
folder .node: ``npm install --prefix .node katex@0.19.1 reveal.js@5.2.1``;
the PDF is printed by the system's Chromium.
"""

import argparse
import os
import shutil
import subprocess
import sys
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from jinja2 import DictLoader
from nbclient import NotebookClient
from nbconvert import HTMLExporter, SlidesExporter
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
MODULES = ROOT / ".node" / "node_modules"
NEEDED = {"katex": "katex/dist", "reveal": "reveal.js/dist"}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-pdf-header-footer")
SCALE = 2

HEAD = """{%- block html_head_js -%}{%- endblock -%}{%- block jupyter_widgets -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_css -%}
<link rel="stylesheet" href="assets/katex/katex.min.css">
<script src="assets/katex/katex.min.js"></script><script src="assets/katex/contrib/auto-render.min.js"></script>
<style>
details.code { margin: 0.3em 0; color: #666; font-size: 0.85em; }
img, table { break-inside: avoid; max-width: 100%; height: auto; }
.ddim-revive, .prompt { display: none; }
body { max-width: 62em; margin: auto; font-family: sans-serif; line-height: 1.45; }
@page { margin: 16mm; }
@media print { details.code { display: none; } }
</style>
{%- endblock -%}
{%- block in_prompt -%}{%- endblock -%}{%- block empty_in_prompt -%}{%- endblock -%}
{%- block input -%}<details class="code"><summary>code</summary>{{ super() }}</details>{%- endblock -%}
"""
TYPESET = """<script>renderMathInElement(document.body, {throwOnError: true, delimiters: [
  {left: '$$', right: '$$', display: true}, {left: '$', right: '$', display: false}]});</script>"""
TEMPLATES = {
    "page": "{%- extends 'classic/index.html.j2' -%}" + HEAD + "{%- block body_footer -%}" + TYPESET
    + "{{ super() }}{%- endblock -%}",
    "slides": "{%- extends 'reveal/index.html.j2' -%}" + HEAD + "{%- block footer_js -%}" + TYPESET
    + """<script src="assets/reveal/reveal.js"></script>
<script>Reveal.initialize({hash: true, slideNumber: true, width: 1280, height: 720, center: false});</script>
<style>.reveal section { overflow-y: auto; max-height: 100%; } .reveal { font-size: 22px; }</style>{%- endblock -%}""",
}  # fmt: skip


def run(notebook):
    """Run a notebook in a fresh kernel that draws figures of ``SCALE`` times the dots."""
    client = NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": ROOT / "notebooks"}})
    client.execute(env=os.environ | {"DDIM_LESSONS_ZOOM": str(SCALE)})
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        if "image/png" in output.get("data", {}):
            width = Image.open(BytesIO(b64decode(output.data["image/png"]))).width
            output.metadata.setdefault("image/png", {})["width"] = width // SCALE


def without_boxes(notebook):
    """Return a notebook without the live boxes, which are nothing without a kernel; their stills stay."""
    for cell in notebook.cells:
        if "outputs" in cell:
            cell.outputs = [
                o for o in cell.outputs if "application/vnd.jupyter.widget-view+json" not in o.get("data", {})
            ]
    return notebook


def exporter(kind):
    """Return the exporter of a page or of slides, whose scripts and styles lie beside what it writes."""
    options = {"extra_loaders": [DictLoader({"own.j2": TEMPLATES[kind]})], "template_file": "own.j2"}
    if kind == "slides":
        return SlidesExporter(reveal_url_prefix="assets/reveal", reveal_theme="white", **options)
    return HTMLExporter(template_name="classic", **options)


def copy_assets(out):
    """Copy KaTeX and reveal.js into ``out``; error: npm has not brought them."""
    for name, place in NEEDED.items():
        if not (MODULES / place).is_dir():
            raise ValueError(f"{name} is not there: npm install --prefix .node katex@0.19.1 reveal.js@5.2.1")
        shutil.copytree(MODULES / place, out / "assets" / name, dirs_exist_ok=True)
    for name in ("reset.css", "reveal.css", "theme"):  # where nbconvert's template looks for them
        source, target = out / "assets" / "reveal" / name, out / "assets" / "reveal" / "dist" / name
        target.parent.mkdir(exist_ok=True)
        shutil.copytree(source, target, dirs_exist_ok=True) if source.is_dir() else shutil.copy(source, target)


def print_pdf(page, target):
    """Print a page as a PDF. Error: no Chromium, or none that prints."""
    if CHROMIUM is None:
        raise ValueError("there is no Chromium to print the PDF (Debian: apt-get install chromium)")
    with TemporaryDirectory() as profile:
        own = [f"--user-data-dir={profile}", f"--print-to-pdf={target}", "--virtual-time-budget=20000"]
        subprocess.run([CHROMIUM, *FLAGS, *own, page.as_uri()], check=True, capture_output=True, timeout=120)


def export(path, out, as_stored=False):
    """Write a lesson's page, slides and PDF into ``out``; returns their paths."""
    notebook = nbformat.read(path, as_version=4)
    if not as_stored:
        run(notebook)
    notebook, number, written = without_boxes(notebook), path.stem[:2], []
    for kind, ending in (("page", "html"), ("slides", "slides.html")):
        written.append(out / f"{number}.{ending}")
        html, _ = exporter(kind).from_notebook_node(notebook)
        written[-1].write_text(html, encoding="utf-8")
    print_pdf(written[0].resolve(), out / f"{number}.pdf")
    return [*written, out / f"{number}.pdf"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="the folder to write into")
    parser.add_argument("lessons", nargs="*", help="lesson numbers such as 00; all if none is given")
    parser.add_argument("--as-stored", action="store_true", help="do not run the lessons")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    copy_assets(given.out)
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        if path.stem[:2] in (given.lessons or path.stem[:2]):
            print(*export(path, given.out, given.as_stored))


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(str(error))
