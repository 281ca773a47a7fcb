"""Hand-outs: a lesson as a class gets it, without solutions, with a name to fill in and a stamp for the marker.

The package that students have installed holds the solutions (``ddim_lessons/lessons/lesson_NN/exercises.py``): a
hand-out does not show them, it does not lock them away.
"""

import ast
import hashlib
import json
import re
from pathlib import Path

from .. import __version__, require
from ..files import write_whole
from ..teaching.road import exercise_of, is_main, source_of, without_check
from . import server

FEEDBACK = ("full", "verdict", "none")  # what the checkers tell: the mistake, right or not yet, nothing
FOLDED = re.compile(r"\n*<details><summary>(Hint|Solution)</summary>.*?</details>\n*", re.DOTALL)
NAME = 'NAME = ""  # your name, as your teacher has it'
STAMP = "ddim_lessons"  # the key of a hand-out's metadata


def asked(stub):
    """Return the code of the answer that a stub hands to ``check``, such as "posterior_mean"."""
    calls = [node for node in ast.walk(ast.parse(stub)) if isinstance(node, ast.Call)]
    return next(ast.unparse(call.args[1]) for call in calls if getattr(call.func, "id", "") == "check")


def stamp_of(notebook):
    """Return the digest of a lesson's exercises: two versions with the same stubs have the same."""
    stubs = [source_of(cell) for cell in notebook["cells"] if exercise_of(cell)]
    return hashlib.sha256("\n\n".join(stubs).encode()).hexdigest()[:16]


def handout(notebook, number, main_road=False, hints=False, feedback="full"):
    """Return a lesson, a dict as in its file, as a class gets it; raises a ``ValueError`` for unknown ``feedback``."""
    require.choice("feedback", feedback, FEEDBACK)
    cells = [_open(cell, hints, feedback) for cell in notebook["cells"] if is_main(cell) or not main_road]
    name = {"cell_type": "code", "id": "name", "metadata": {"tags": ["name"]}, "source": NAME}
    cells.insert(1, name | {"outputs": [], "execution_count": None})
    facts = {"lesson": number, "version": __version__, "exercises": stamp_of(notebook), "feedback": feedback}
    facts["asked"] = [exercise_of(cell) for cell in cells if exercise_of(cell)]
    return notebook | {
        "cells": [cell for cell in cells if source_of(cell).strip()],
        "metadata": notebook["metadata"] | {STAMP: facts},
    }


def _open(cell, hints, feedback):
    """Return a cell without what it knew before: outputs, solutions, perhaps hints; a stub with its grader's marks."""
    if cell["cell_type"] == "markdown":
        kept = FOLDED.sub(lambda fold: fold[0] if hints and fold[1] == "Hint" else "\n", source_of(cell))
        return cell | {"source": kept.strip("\n")}
    number = exercise_of(cell)
    grader = {"nbgrader": _for_nbgrader(number)} if number else {}
    source = _with_feedback(source_of(cell), feedback) if number else source_of(cell)
    return cell | {"source": source, "outputs": [], "execution_count": None, "metadata": cell["metadata"] | grader}


def _with_feedback(stub, feedback):
    """Let a stub's checker say all, right or not yet, or nothing."""
    if feedback == "full":
        return stub
    if feedback == "none":
        return without_check(stub)
    call = next(line for line in stub.splitlines() if line.startswith("check("))
    return stub.replace(call, f"{call[:-1]}, full=False)")


def _for_nbgrader(number):
    """The metadata by which nbgrader finds an answer: a cell that the student writes and a teacher marks by hand."""
    return {
        "grade": True, "grade_id": f"exercise-{number.replace('.', '-')}", "locked": False, "points": 1,
        "schema_version": 3, "solution": True, "task": False, "cell_type": "code",
    }  # fmt: skip


def write_handout(number, folder, main_road=False, hints=False, feedback="full"):
    """Write a lesson's hand-out into ``folder``; returns its path. One that is there is not written over."""
    path = server.lesson_path(number)
    place = Path(folder).expanduser() / path.name
    require.that(not place.exists(), "the hand-out", str(place), "a new file: move or delete the one that is there")
    lesson = json.loads(path.read_text(encoding="utf-8"))
    text = json.dumps(handout(lesson, path.name[:2], main_road, hints, feedback), ensure_ascii=False, indent=1)
    write_whole(place, (text + "\n").encode())
    return place
