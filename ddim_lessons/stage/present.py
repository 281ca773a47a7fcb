"""Present a lesson: a copy with folded code and large type, in a JupyterLab that leaves the lecturer's own alone.

The copies and all settings live in a folder of their own. It is removed at the end, unless the lecturer names one.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from ..teaching.road import exercise_of, source_of
from ..teaching.say import say
from . import server

ZOOM = 1.4  # pictures against those of the lessons
HERE = Path(__file__).parent
HOW_TO = (
    "Page Down goes on by one thought and runs it, Page Up goes back, E unfolds and folds a cell's code, R restarts "
    "the kernel and comes back to the same place, F11 fills the screen. What has not been reached yet stays pale. "
    "End with Ctrl+C here."
)


def speaker_notes(number):
    """Return the speaker notes of a lesson."""
    path = server.NOTES / f"{server.lesson_path(number).name[:2]}.md"
    return path.read_text(encoding="utf-8") if path.is_file() else "There are no speaker notes for this lesson.\n"


def class_questions(number):
    """Return the questions of a lesson that are asked with a show of hands, a list of dicts.

    Each has ``predict``, words of the lesson's **Predict.**; ``choices``, the usual wrong idea among them; the
    ``answer``; and ``why``, the sentence that is read when it is revealed.
    """
    return json.loads((server.NOTES / "questions.json").read_text(encoding="utf-8")).get(number, [])


def question_cell(question, k=0):
    """The ``k``-th folded cell that asks a question; what decides it is what the lesson shows next."""
    plain = question["predict"].replace("*", "").replace("`", "")
    arguments = ", ".join(map(repr, (plain, question["choices"], question["answer"], question["why"])))
    source = f"from ddim_lessons.figures.live import ClassPrediction\n\nClassPrediction({arguments})"
    return {"cell_type": "code", "metadata": {"jupyter": {"source_hidden": True}}, "source": source} | {
        "outputs": [], "execution_count": None, "id": f"hands-{k}"
    }  # fmt: skip


def presenting_copy(notebook, questions=()):
    """Return a notebook, a dict as in its file, without outputs and with its code folded, exercises excepted.

    A cell with a show of hands follows each of ``questions``.
    """
    cells = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            folded = {} if exercise_of(cell) else {"jupyter": {"source_hidden": True}}
            cell = cell | {"outputs": [], "execution_count": None, "metadata": cell["metadata"] | folded}
        cells.append(cell)
        source = source_of(cell)
        cells += [question_cell(asked, k) for k, asked in enumerate(questions) if asked["predict"] in source]
    return notebook | {"cells": cells}


def write_settings(folder):
    """Write JupyterLab's settings, the style and the presenter's keys into ``folder``."""
    own = json.loads((HERE / "present.json").read_text(encoding="utf-8"))
    for name, settings in own["settings"].items():
        place = folder / "jupyterlab_settings_dir" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        server.write_file(place, json.dumps(settings, indent=1))
    style = (HERE / "present.css").read_text(encoding="utf-8")
    server.write_file(folder / "jupyter_config_dir" / "custom" / "custom.css", style)
    extension = folder / "extensions" / own["extension"]["name"]
    server.write_file(extension / "package.json", json.dumps(own["extension"], indent=1))
    server.write_file(extension / "static" / "present.js", (HERE / "present.js").read_text(encoding="utf-8"))


def server_command(folder, name, port, flags=()):
    """Return (command, environment) of the JupyterLab that presents the copy called ``name``."""
    command = [
        sys.executable, "-m", "jupyterlab", *server.LAB_FLAGS, *flags, f"--port={port}", "--ServerApp.port_retries=0",
        "--LabApp.custom_css=True", "--LabApp.extension_manager=readonly", f"--LabApp.default_url=/doc/tree/{name}",
        f"--LabApp.extra_labextensions_path={folder / 'extensions'}", f"--ServerApp.root_dir={folder / 'lessons'}",
    ]  # fmt: skip
    return command, server.own_environment(folder) | {"DDIM_LESSONS_ZOOM": str(ZOOM)}


def present_lesson(number, port=None, folder=None, flags=()):
    """Open a lesson for a class; returns the exit status of JupyterLab, to which ``flags`` are handed."""
    path = server.lesson_path(number)
    server.require_jupyterlab()
    port = server.usable_port(port)
    with TemporaryDirectory(prefix="ddim-present-") as temporary:
        place = Path(folder).resolve() if folder else Path(temporary)
        if server.write_copies(place, lambda notebook, name: presenting_copy(notebook, class_questions(name))):
            say(f"{place / 'lessons'} holds copies from before. They stay as they are; delete them for new ones.")
        write_settings(place)
        say(speaker_notes(number))
        say(f"Presenting {path.stem} from {place}. {HOW_TO}")
        return server.serve(*server_command(place, path.name, port, flags))
