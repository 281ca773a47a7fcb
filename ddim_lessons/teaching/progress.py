"""Which exercises are solved and which equations were checked, kept in one small file on this machine; no account.

The file is ``.ddim_lessons/progress.json`` in the home folder, or the one that the environment variable
DDIM_LESSONS_PROGRESS names. Delete it to begin anew. Where it cannot be written, lessons run all the same.
"""

import json
import os
import re
from contextlib import suppress
from pathlib import Path

from .. import require
from ..files import ROOT

NOTEBOOKS = ROOT / "notebooks"
KINDS = {"exercise": r"exercise-(\d+\.\d+)", "equation": r"\\\\tag\{(\d+\.\d+)\}"}  # as they stand in a lesson's file


def place():
    """Return the path of the file."""
    return Path(os.environ.get("DDIM_LESSONS_PROGRESS") or Path.home() / ".ddim_lessons" / "progress.json")


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
    before = {name: done(name) for name in KINDS}
    if not _is_number(number) or number in before[kind]:
        return
    before[kind].add(number)
    fresh = place().with_suffix(f".{os.getpid()}")
    try:
        place().parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps({name: sorted(numbers) for name, numbers in before.items()}), encoding="utf-8")
        fresh.replace(place())
    except OSError:  # a read-only home, a full disk
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def _is_number(number):
    return isinstance(number, str) and re.fullmatch(r"\d+\.\d+", number) is not None


def overview():
    """Return for each lesson (title, {kind: (numbers done, all numbers in the lesson's order)}).

    A copy of a lesson has its title and is not counted again; a notebook without a lesson's title is no lesson.
    """
    rows = {}
    for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
        text = path.read_text(encoding="utf-8")
        title = re.search(r"# (\d\d · [^\\\"]+)", text)
        if not title:
            continue
        found = {kind: list(dict.fromkeys(re.findall(pattern, text))) for kind, pattern in KINDS.items()}
        rows[title.group(1)] = {kind: ([n for n in all_ if n in done(kind)], all_) for kind, all_ in found.items()}
    return list(rows.items())
