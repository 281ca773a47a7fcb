"""Run the notebooks in fresh kernels and write them back: the only writer of ``notebooks/``.

    python tools/refresh_notebooks.py              # all lessons
    python tools/refresh_notebooks.py 00 07        # some lessons
    python tools/refresh_notebooks.py --check      # write nothing; fail if a notebook would change

Two runs in a row give byte-identical files: no timings, no widget state, no random ids.
"""

import argparse
import hashlib
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def slide_type(cell):
    """Return the slide type of a cell: headings start slides, setup cells are skipped, the rest appears in turn."""
    if cell.cell_type == "markdown" and cell.source.startswith(("# ", "## ")):
        return "slide"
    if cell.cell_type == "markdown" and cell.source.startswith("### "):
        return "subslide"
    return "skip" if "setup" in cell.metadata.get("tags", []) else "fragment"


def normalise(notebook):
    """Set all metadata of a notebook in place: kernelspec, slide types, cell ids made of the source."""
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = {"kernelspec": dict(KERNELSPEC), "language_info": {"name": "python"}}
    seen = {}
    for cell in notebook.cells:
        cell.source = cell.source.rstrip()
        tags = cell.metadata.get("tags", [])
        cell.metadata = {"slideshow": {"slide_type": slide_type(cell)}} | ({"tags": tags} if tags else {})
        digest = hashlib.sha1(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:10]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def clean_outputs(notebook):
    """Remove from the outputs what is of this run alone: the widget views and their random model ids."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)


def refresh(path):
    """Run one notebook in a fresh kernel and return its text; raises what a cell raises."""
    notebook = nbformat.read(path, as_version=4)
    normalise(notebook)
    options = {"record_timing": False, "store_widget_state": False, "coalesce_streams": True}
    with TemporaryDirectory() as folder:  # the progress of nobody: lesson 00 shows it
        os.environ["DDIM_LESSONS_PROGRESS"] = f"{folder}/progress.json"
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": NOTEBOOKS}}, **options).execute()
    normalise(notebook)
    clean_outputs(notebook)
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="lesson numbers such as 00; all if none is given")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a notebook would change")
    arguments = parser.parse_args()
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    unknown = [number for number in arguments.lessons if not any(path.name[:2] == number for path in paths)]
    if unknown:
        parser.error(f"no lesson is called {', '.join(unknown)}")
    paths = [path for path in paths if not arguments.lessons or path.name[:2] in arguments.lessons]
    stale = []
    for path in paths:
        text = refresh(path)
        if text != path.read_text(encoding="utf-8"):
            stale.append(path.name)
        if not arguments.check:
            path.write_text(text, encoding="utf-8")
        print(f"{path.name}: {'changed' if path.name in stale else 'unchanged'}")
    return 1 if arguments.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
