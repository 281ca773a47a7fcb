"""Which exercises are solved and which equations were checked, kept in one small file on this machine; no account.

The file is ``.ddim_lessons/progress.json`` in the home folder, or the one that the environment variable
DDIM_LESSONS_PROGRESS names: ~ is the home folder, a relative path starts there, and in a folder the file is called
``progress.json``. Delete it to begin anew. Where it cannot be written, lessons run all the same.
"""

import json
import os
import re
from contextlib import suppress
from pathlib import Path

from .. import require
from ..files import ROOT

NOTEBOOKS = ROOT / "notebooks"
KINDS = {"exercise": r"^exercise-(\d+\.\d+)$", "equation": r"\\tag\{(\d+\.\d+)\}"}  # a cell's tag; in its text


def place():
    """Return the path of the file; ``OSError`` where a home folder is needed and nobody knows one."""
    path = Path(os.environ.get("DDIM_LESSONS_PROGRESS") or ".ddim_lessons/progress.json")
    try:
        path = path.expanduser()
        path = path if path.is_absolute() else Path.home() / path
    except RuntimeError as error:
        raise OSError(f"no place for the progress: {error}") from None
    return path / "progress.json" if os.path.isdir(path) else path


def done(kind):
    """Return the set of numbers, such as "2.4", of the exercises solved or equations checked so far."""
    require.choice("kind", kind, KINDS)
    try:
        return set(filter(_is_number, json.loads(place().read_text(encoding="utf-8"))[kind]))
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def record(kind, number):
    """Note that an exercise is solved or an equation checked; do nothing where nothing can be written.

    A reader's own equation may have any name; it is noted only if it looks like a lesson's.
    """
    require.choice("kind", kind, KINDS)
    before = {name: done(name) for name in KINDS}
    if not _is_number(number) or number in before[kind]:
        return
    before[kind].add(number)
    with suppress(OSError):  # no home or a read-only one, a full disk
        _replace(place(), json.dumps({name: sorted(numbers) for name, numbers in before.items()}))


def _replace(path, text):
    """Write a file in one go: it has the old text or the new, also when this process is ended meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _is_number(number):
    return isinstance(number, str) and re.fullmatch(r"\d+\.\d+", number) is not None


def overview():
    """Return for each lesson (title, {kind: (numbers done, all numbers in the lesson's order)}).

    A copy of a lesson has its title and is not counted again; a notebook without a lesson's title is no lesson.
    """
    rows, ready = {}, {kind: done(kind) for kind in KINDS}
    for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
        text = _sources_and_tags(path)
        title = re.match(r"# (\d\d · .+)", text)
        if title:
            found = {kind: dict.fromkeys(re.findall(pattern, text, re.MULTILINE)) for kind, pattern in KINDS.items()}
            rows[title[1]] = {kind: ([n for n in all_ if n in ready[kind]], list(all_)) for kind, all_ in found.items()}
    return list(rows.items())


def _sources_and_tags(path):
    """The sources of a notebook's cells, then their tags, each on lines of its own; "" where it cannot be read."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        tags = [tag for cell in cells for tag in cell["metadata"].get("tags", [])]
        return "\n".join(["".join(cell["source"]) for cell in cells] + tags)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""
