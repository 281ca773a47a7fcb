"""Show the lessons as pages without code: text, mathematics and live figures, through Voilà (an optional extra).

    python -m ddim_lessons.pages 07      # lesson 07 as a page; the links on it lead to the other lessons' pages

A page is a copy: exercises, which are code to write, are left out, and so are hints and solutions. Copies and settings
live in a folder that is removed at the end. The server listens on this machine only, and asks for a token.
"""

import argparse
import json
import os
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

from .server import NOTEBOOKS, PLACES, free_port, lesson, require_free, serve, write

NOTE = (
    "*You read this lesson without its code. Marks such as ✓ (0.1) come from code that has just run and checked the "
    "equation of that number. The code, and the exercises, are in the lesson's notebook.*"
)
# Voilà's template asks a server elsewhere for an icon font that Voilà brings along itself: here no page asks anyone.
TEMPLATE = """{%- extends 'voila/templates/lab/index.html.j2' -%}
{%- block notebook_css -%}{{ super() | replace("https://cdn.jsdelivr.net/", "data:text/css,") }}
<style>#rendered_cells { max-width: 1100px; margin: auto; }</style>
{%- endblock notebook_css -%}
"""
BEGINS = re.compile(r"^#{2,3} (\d+ · )?Exercise", re.MULTILINE)
ENDS = re.compile(r"<summary>Solution</summary>.*?</details>", re.DOTALL)


def outside(text, inside):
    """Return (the part of a Markdown text that is outside exercises, whether its end is inside one).

    An exercise goes from its heading to the end of its solution, over several cells; ``inside`` says where ``text``
    begins.
    """
    found = (ENDS if inside else BEGINS).search(text)
    kept = "" if inside else text[: found.start() if found else len(text)]
    if not found:
        return kept.strip(), inside
    rest, inside = outside(text[found.end() :], not inside)
    return f"{kept.strip()}\n\n{rest}".strip(), inside


def page(notebook):
    """Return a notebook, a dict as in its file, without outputs and exercises; what their other cells print is hidden.

    Those cells run: later ones may use what they define.
    """
    cells, inside = [], False
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            source, inside = outside(source, inside)
        elif any(tag.startswith("exercise-") for tag in cell["metadata"].get("tags", [])):
            continue
        else:
            source = f"%%capture\n{source}" if inside else source
            cell = cell | {"outputs": [], "execution_count": None}
        if source:
            cells.append(cell | {"source": source})
    note = {"cell_type": "markdown", "metadata": {}, "source": NOTE, "id": "note"}
    return notebook | {"cells": [cells[0], note, *cells[1:]]}


def fill(folder, token):
    """Write the pages of all lessons and Voilà's settings into ``folder``."""
    for path in NOTEBOOKS.glob("*.ipynb"):
        copy = page(json.loads(path.read_text(encoding="utf-8")))
        write(folder / "lessons" / path.name, json.dumps(copy, ensure_ascii=False, indent=1))
    settings = {
        "Voila": {"ip": "127.0.0.1", "port_retries": 0, "open_browser": False, "token": token},
        "VoilaConfiguration": {"template": "ddim", "strip_sources": True},
    }
    write(folder / "jupyter_config_dir" / "voila.json", json.dumps(settings, indent=1))
    template = folder / "jupyter" / "voila" / "templates" / "ddim"
    write(template / "conf.json", json.dumps({"base_template": "lab"}))
    write(template / "index.html.j2", TEMPLATE)


def stage(folder, port):
    """Return (command, environment) of the Voilà that serves the pages of ``folder``."""
    environment = {place: str(folder / place.lower()) for place in PLACES}
    environment |= {"JUPYTER_PATH": str(folder / "jupyter"), "DDIM_LESSONS_PROGRESS": str(folder / "progress.json")}
    return [sys.executable, "-m", "voila", f"--port={port}", str(folder / "lessons")], os.environ | environment


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


def show(number, port=None, browser=True):
    """Serve the pages and open that of one lesson; returns when Voilà has been ended, by Ctrl+C."""
    path = lesson(number)
    if find_spec("voila") is None:
        raise ValueError("Voilà is not installed for this Python: pip install -e '.[voila]' brings it")
    if port is not None:
        require_free(port)
    port, token = port or free_port(), secrets.token_hex(16)
    with TemporaryDirectory(prefix="ddim-pages-") as folder:
        fill(Path(folder), token)
        address = f"http://127.0.0.1:{port}/voila/render/{path.name}?token={token}"
        print(f"{path.stem} without code: {address}")
        print("The lesson is run first, which takes seconds. End with Ctrl+C.", flush=True)
        if browser:
            Thread(target=open_when_up, args=(port, address), daemon=True).start()
        return serve(*stage(Path(folder), port))


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m ddim_lessons.pages", description=__doc__.splitlines()[0])
    parser.add_argument("lesson", help="the number of the lesson, such as 07")
    parser.add_argument("--port", type=int, help="the port on 127.0.0.1; any free one if left out")
    parser.add_argument("--no-browser", action="store_true", help="print the address and open no browser")
    given = parser.parse_args(arguments)
    try:
        return show(given.lesson, given.port, not given.no_browser)
    except (ValueError, OSError) as error:
        print(f"pages: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
