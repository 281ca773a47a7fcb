"""Open a lesson in the reader's own JupyterLab, with the reader's own settings.

In a clone the lessons are opened where they lie. An installed package has none that could be worked on: they are copied
into a folder of the reader's, and what was worked on there is never written over.
"""

import hashlib
import json
import sys
from pathlib import Path

from ..files import PACKAGE, ROOT, write_whole
from ..teaching.say import say
from . import server

COPIED = ".copied.json"  # in the reader's folder: the sha256 of each lesson when it was copied there
NEWER = "newer"  # in the reader's folder: lessons that changed since, where the reader's copy was worked on


def start_lesson(number="00", port=None, folder=None, flags=()):
    """Open a lesson; returns the exit status of JupyterLab, to which ``port`` and ``flags`` are handed.

    ``folder`` is where the reader works on copies: in a clone nowhere, else "ddim-lessons" where the command was given.
    """
    path = server.lesson_path(number)
    server.require_jupyterlab()
    if folder is None and ROOT == PACKAGE:
        folder = "ddim-lessons"
    if folder is not None:
        path = copy_lessons(Path(folder).expanduser()) / path.name
    ports = [] if port is None else [f"--port={server.usable_port(port)}", "--ServerApp.port_retries=0"]
    place = [f"--LabApp.default_url=/lab/tree/{path.name}", f"--ServerApp.root_dir={path.parent}"]
    return server.serve([sys.executable, "-m", "jupyterlab", *server.LAB_FLAGS, *ports, *place, *flags])


def copy_lessons(folder):
    """Bring the reader's ``folder`` up to date and say what was done; returns it, absolute.

    A lesson that is not there is copied, one that was never touched is replaced by a newer one. One that was worked on
    stays: if it has a newer version, that is put beside it.
    """
    folder = folder.absolute()
    stamps = _stamps(folder)
    for path in sorted(server.NOTEBOOKS.glob("*.ipynb")):
        mine, shipped = folder / path.name, path.read_bytes()
        touched = mine.exists() and _sha256(mine.read_bytes()) not in (stamps.get(path.name), _sha256(shipped))
        if not touched:
            if mine.exists() and mine.read_bytes() != shipped:
                say(f"{path.name}: replaced by its newer version; it had not been worked on")
            write_whole(mine, shipped)
        elif stamps.get(path.name) != _sha256(shipped):
            write_whole(folder / NEWER / path.name, shipped)
            say(f"{path.name}: yours stays; there is a newer version of the lesson in {folder / NEWER}")
        stamps[path.name] = _sha256(shipped)
    write_whole(folder / COPIED, json.dumps(stamps, indent=1).encode())
    say(f"The lessons are in {folder}: work on them as you like.")
    return folder


def _stamps(folder):
    """What the lessons in a folder were when they were copied there; nothing if that is not known."""
    try:
        stamps = json.loads((folder / COPIED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamps if isinstance(stamps, dict) else {}


def _sha256(data):
    return hashlib.sha256(data).hexdigest()
