"""Present a lesson: a copy with folded code and large type, in a JupyterLab that leaves the lecturer's own alone.

    python -m ddim_lessons.present 07            # open lesson 07 for a class; Page Down moves on
    python -m ddim_lessons.present --check 07    # run it once before the class, and say whether all is ready
    python -m ddim_lessons.present --notes 07    # print the speaker notes

The copies and all settings live in a folder of their own. It is removed at the end, unless ``--folder`` names it.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from .preflight import check
from .server import (
    LAB_FLAGS,
    NOTEBOOKS,
    NOTES,
    PLACES,
    free_port,
    lesson,
    require_free,
    require_jupyterlab,
    serve,
    write,
)

ZOOM = 1.4  # pictures and controls against those of the lessons
HOW_TO = (
    "Page Down goes on to the next cell and runs it, Page Up goes back, E unfolds and folds a cell's code, "
    "F11 fills the screen. What has not been reached yet stays pale. End with Ctrl+C here."
)

SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "apputils-extension/themes": {"theme": "JupyterLab Light"},
    "statusbar-extension/plugin": {"visible": False},
    "notebook-extension/tracker": {"windowingMode": "none", "scrollPastEnd": True, "kernelShutdown": True},
}
STYLE = f"""
body {{ --jp-content-presentation-font-size1: 28px; --jp-code-presentation-font-size: 24px; }}
.jp-Notebook .jp-Placeholder {{ opacity: 0.5; }}
.jp-Notebook .jp-cell-toolbar, .jp-Notebook .jp-InputPrompt, .jp-Notebook .jp-OutputPrompt {{ display: none; }}
.jp-Notebook .jp-Cell {{ scroll-margin-bottom: 8vh; }}
.jp-Notebook.ddim-veiled .jp-Cell:not(.ddim-shown) {{ opacity: 0.07; }}
.jp-Notebook .jp-OutputArea, .jp-Notebook .jp-OutputArea-child, .jp-Notebook .jp-OutputArea-output,
.jp-Notebook .jp-Cell, .jp-Notebook .jp-Cell-outputWrapper, .jp-Notebook .widget-vbox {{ overflow: visible; }}
.jp-Notebook .jupyter-widgets [role=status], .jp-Notebook .jupyter-widgets [role=alert],
.jp-Notebook .widget-vbox > .widget-htmlmath, .jp-Notebook .jp-RenderedHTMLCommon small {{ font-size: 26px; }}
.jp-Notebook .jp-MarkdownOutput {{ overflow: hidden; }}
.jp-Notebook .jp-RenderedImage img {{ max-width: 100%; }}
.jp-Notebook .widget-vbox > .widget-hbox:first-child, .jp-Notebook .widget-vbox > .widget-text,
.jp-Notebook .widget-vbox > .jupyter-button {{ zoom: {ZOOM}; --jp-widgets-font-size: 17px; }}
.jp-Notebook .widget-vbox > .widget-hbox:first-child {{
  position: sticky; top: 0; z-index: 2; background: var(--jp-layout-color0); }}
.jp-Notebook .widget-vbox > .widget-hbox .widget-inline-hbox {{ width: 370px !important; }}
.jp-Notebook .widget-vbox > .widget-hbox .widget-inline-hbox > .widget-label {{ width: 136px !important; }}
.jp-Notebook .widget-vbox > .widget-text {{ width: 540px !important; }}
.jp-Notebook .widget-vbox > .widget-text > .widget-label {{ width: 430px !important; }}
.jp-Notebook .widget-vbox:has(> .widget-image) {{ flex-flow: row wrap; align-items: flex-start; gap: 0 20px; }}
.jp-Notebook .widget-vbox:has(> .widget-image) > .widget-hbox:first-child {{ flex: 1 0 100%; }}
.jp-Notebook .widget-vbox > .widget-image {{
  width: auto; height: auto; max-width: calc(100% - 370px) !important; max-height: 73vh; }}
.jp-Notebook .widget-image ~ .widget-html {{ flex: 1 1 340px; }}
.jp-Notebook .widget-vbox.ddim-tall {{ display: grid; grid-template: auto 1fr / auto 1fr; }}
.jp-Notebook .widget-vbox.ddim-tall > .widget-image {{ grid-area: 1 / 1 / span 2; max-width: none !important; }}
.jp-Notebook .widget-vbox.ddim-tall > .widget-hbox:first-child {{ grid-area: 1 / 2; }}
"""
EXTENSION = {
    "name": "ddim-present",
    "version": "1.0.0",
    "description": "The presenter's keys of the DDIM lessons",
    "jupyterlab": {"extension": True, "_build": {"load": "static/present.js", "extension": "./extension"}},
}


def notes(number):
    """Return the speaker notes of a lesson."""
    path = NOTES / f"{lesson(number).name[:2]}.md"
    return path.read_text(encoding="utf-8") if path.is_file() else "There are no speaker notes for this lesson.\n"


# --- the copy ----------------------------------------------------------------------------------------------------


def questions(number):
    """Return the questions of a lesson that are asked with a show of hands, a list of dicts.

    Each has ``predict``, words of the lesson's **Predict.**; ``choices``, the usual wrong idea among them; the
    ``answer``; and ``why``, the sentence that is read when it is revealed.
    """
    return json.loads((NOTES / "questions.json").read_text(encoding="utf-8")).get(number, [])


def hands(question, k=0):
    """The ``k``-th folded cell that asks a question; what decides it is what the lesson shows next."""
    plain = question["predict"].replace("*", "").replace("`", "")
    arguments = ", ".join(map(repr, (plain, question["choices"], question["answer"], question["why"])))
    source = f"from ddim_lessons.figures.live import ClassPrediction\n\nClassPrediction({arguments})"
    return {"cell_type": "code", "metadata": {"jupyter": {"source_hidden": True}}, "source": source} | {
        "outputs": [], "execution_count": None, "id": f"hands-{k}"
    }  # fmt: skip


def presenting_copy(notebook, asked=()):
    """Return a notebook, a dict as in its file, without outputs and with its code folded, exercises excepted.

    A cell with a show of hands follows each question of ``asked``.
    """
    cells = []
    for cell in notebook["cells"]:
        cell = cell | {"metadata": dict(cell["metadata"])}
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
            exercise = any(tag.startswith("exercise-") for tag in cell["metadata"].get("tags", []))
            if not exercise:
                cell["metadata"]["jupyter"] = {"source_hidden": True}
        cells.append(cell)
        cells += [
            hands(question, k) for k, question in enumerate(asked) if question["predict"] in "".join(cell["source"])
        ]
    return notebook | {"cells": cells}


def fill(folder):
    """Write presenting copies of all lessons, so that their links work, and JupyterLab's settings into ``folder``.

    A copy that lies there already may have been worked on: it stays. Returns whether any did.
    """
    missing = [path for path in NOTEBOOKS.glob("*.ipynb") if not (folder / "lessons" / path.name).exists()]
    kept = len(missing) < len(list(NOTEBOOKS.glob("*.ipynb")))
    for path in missing:
        copy = presenting_copy(json.loads(path.read_text(encoding="utf-8")), questions(path.name[:2]))
        write(folder / "lessons" / path.name, json.dumps(copy, ensure_ascii=False, indent=1))
    for name, settings in SETTINGS.items():
        place = folder / "jupyterlab_settings_dir" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        write(place, json.dumps(settings, indent=1))
    write(folder / "jupyter_config_dir" / "custom" / "custom.css", STYLE)
    write(folder / "extensions" / "ddim-present" / "package.json", json.dumps(EXTENSION, indent=1))
    keys = Path(__file__).with_name("present.js").read_text(encoding="utf-8")
    write(folder / "extensions" / "ddim-present" / "static" / "present.js", keys)
    return kept


def stage(folder, name, port, flags=()):
    """Return (command, environment) of the JupyterLab that presents the copy called ``name``."""
    extensions = f"--LabApp.extra_labextensions_path={folder / 'extensions'}"
    python = [sys.executable, "-m", "jupyterlab", *LAB_FLAGS, extensions, *flags]
    open_ = [f"--port={port}", f"--LabApp.default_url=/doc/tree/{name}", f"--ServerApp.root_dir={folder / 'lessons'}"]
    environment = {place: str(folder / place.lower()) for place in PLACES} | {"DDIM_LESSONS_ZOOM": str(ZOOM)}
    environment |= {"DDIM_LESSONS_PROGRESS": str(folder / "progress.json")}
    return python + open_, os.environ | environment


def present(number, port=None, folder=None, flags=()):
    """Open a lesson for a class; returns when JupyterLab has been ended, by Ctrl+C or its File menu.

    ``flags`` are handed to JupyterLab.
    """
    path = lesson(number)
    require_jupyterlab()
    if port is not None:
        require_free(port)
    with TemporaryDirectory(prefix="ddim-present-") as temporary:
        place = Path(folder).resolve() if folder else Path(temporary)
        if fill(place):
            print(f"{place / 'lessons'} holds copies from before. They stay as they are; delete them for new ones.")
        print(notes(number))
        print(f"Presenting {path.stem} from {place}. {HOW_TO}", flush=True)
        command, environment = stage(place, path.name, port or free_port(), flags)
        return serve(command, environment)


# --- the command -------------------------------------------------------------------------------------------------


def main(arguments=None):
    """Run the command line; return 0, or 1 if the preflight finds something, or 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m ddim_lessons.present", description=__doc__.splitlines()[0])
    parser.add_argument("lesson", help="the number of the lesson, such as 07")
    parser.add_argument("--check", action="store_true", help="run the lesson once and say whether all is ready")
    parser.add_argument("--notes", action="store_true", help="print the speaker notes and do nothing else")
    parser.add_argument("--port", type=int, help="the port on 127.0.0.1; any free one if left out")
    parser.add_argument("--folder", help="keep copies and settings in this folder instead of a temporary one")
    parser.add_argument("--no-browser", action="store_true", help="print the address instead of opening a browser")
    parser.add_argument("--allow-root", action="store_true", help="let JupyterLab run as root, as in a container")
    given = parser.parse_args(arguments)
    flags = ["--no-browser"] * given.no_browser + ["--allow-root"] * given.allow_root
    try:
        if given.notes:
            print(notes(given.lesson), end="")
            return 0
        if given.check:
            ready, text = check(given.lesson)
            print(text)
            return 0 if ready else 1
        return present(given.lesson, given.port, given.folder, flags)
    except (ValueError, OSError) as error:
        print(f"present: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("present: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
