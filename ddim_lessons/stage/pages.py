"""Show the lessons as pages without code: text, mathematics and live figures, through Voilà (an optional extra).

A page is a copy: exercises, which are code to write, are left out, and so are hints and solutions. Copies and settings
live in a folder that is removed at the end. The server listens on this machine only, and asks for a token.
"""

import json
import re
import secrets
import socket
import sys
import time
import webbrowser
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from ..teaching.road import exercise_of, source_of, without_check
from ..teaching.say import say
from . import server

NOTE = (
    "*You read this lesson without its code. Marks such as ✓ (0.1) come from code that has just run and checked the "
    "equation of that number. The code, and the exercises, are in the lesson's notebook.*"
)
BEGINS = re.compile(r"^#{2,3} (\d+ · )?(Side road: )?Exercise", re.MULTILINE)
ENDS = re.compile(r"<summary>Solution</summary>.*?</details>", re.DOTALL)


def outside_exercises(text, inside):
    """Return (the part of a Markdown text that is outside exercises, whether its end is inside one).

    An exercise goes from its heading to the end of its solution, over several cells; ``inside`` says where ``text``
    begins.
    """
    found = (ENDS if inside else BEGINS).search(text)
    kept = "" if inside else text[: found.start() if found else len(text)]
    if not found:
        return kept.strip(), inside
    rest, inside = outside_exercises(text[found.end() :], not inside)
    return f"{kept.strip()}\n\n{rest}".strip(), inside


def page_copy(notebook):
    """Return a notebook, a dict as in its file, without outputs and exercises; what their cells print is hidden.

    Those cells run, a stub unchecked: later ones may use what they define.
    """
    cells, inside = [], False
    for cell in notebook["cells"]:
        source = source_of(cell)
        if cell["cell_type"] == "markdown":
            source, inside = outside_exercises(source, inside)
        else:
            stub = exercise_of(cell) is not None
            source = without_check(source) if stub else source
            source = f"%%capture\n{source}" if inside or stub else source
            cell = cell | {"outputs": [], "execution_count": None}
        if source:
            cells.append(cell | {"source": source})
    note = {"cell_type": "markdown", "metadata": {}, "source": NOTE, "id": "note"}
    return notebook | {"cells": [cells[0], note, *cells[1:]]}


def write_settings(folder, token):
    """Write Voilà's settings and its template into ``folder``."""
    settings = {
        "Voila": {"ip": "127.0.0.1", "port_retries": 0, "open_browser": False, "token": token},
        "VoilaConfiguration": {"template": "ddim", "strip_sources": True},
    }
    server.write_file(folder / "jupyter_config_dir" / "voila.json", json.dumps(settings, indent=1))
    template = folder / "jupyter" / "voila" / "templates" / "ddim"
    server.write_file(template / "conf.json", json.dumps({"base_template": "lab"}))
    server.write_file(template / "index.html.j2", Path(__file__).with_name("page.html.j2").read_text(encoding="utf-8"))


def server_command(folder, port):
    """Return (command, environment) of the Voilà that serves the pages of ``folder``."""
    command = [sys.executable, "-m", "voila", f"--port={port}", str(folder / "lessons")]
    return command, server.own_environment(folder) | {"JUPYTER_PATH": str(folder / "jupyter")}


def open_when_up(port, address, seconds=60):
    """Open ``address`` in a browser as soon as the port answers; give up after ``seconds``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                webbrowser.open(address)
            return
        except OSError:
            time.sleep(0.2)


def show_page(number, port=None, browser=True):
    """Serve the pages and open that of one lesson; returns the exit status of Voilà."""
    path = server.lesson_path(number)
    if find_spec("voila") is None:
        raise ValueError("Voilà is not installed for this Python: pip install -e '.[voila]' brings it")
    port, token = server.usable_port(port), secrets.token_hex(16)
    with TemporaryDirectory(prefix="ddim-pages-") as temporary:
        folder = Path(temporary)
        server.write_copies(folder, lambda notebook, _: page_copy(notebook))
        write_settings(folder, token)
        address = f"http://127.0.0.1:{port}/voila/render/{path.name}?token={token}"
        say(f"{path.stem} without code: {address}")
        say("The lesson is run first, which takes seconds. End with Ctrl+C.")
        if browser:
            Thread(target=open_when_up, args=(port, address), daemon=True).start()
        return server.serve(*server_command(folder, port))
