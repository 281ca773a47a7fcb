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
NAME = """NAME = ""  # your name, as your teacher has it
# These cells send nothing. Your teacher sees your answers in the file that you hand in, and in class only if you save
# it in the folder that was named for that."""
HIDDEN = """### BEGIN HIDDEN TESTS
from ddim_lessons.teaching.exercises import exercise, judge

assert judge(exercise("{0}"), {1})[0] == "right"
### END HIDDEN TESTS"""
STAMP = "ddim_lessons"  # the key of a hand-out's metadata


def asked(stub):
    """Return the code of the answer that a stub hands to ``check``, such as "posterior_mean"."""
    calls = [node for node in ast.walk(ast.parse(stub)) if isinstance(node, ast.Call)]
    return next(ast.unparse(call.args[1]) for call in calls if getattr(call.func, "id", "") == "check")


def stamp_of(notebook):
    """Return the digest of a lesson's exercises: two versions with the same stubs have the same."""
    stubs = [source_of(cell) for cell in notebook["cells"] if exercise_of(cell)]
    return hashlib.sha256("\n\n".join(stubs).encode()).hexdigest()[:16]


def handout(notebook, number, main_road=False, hints=False, feedback="full", nbgrader=False):
    """Return a lesson, a dict as in its file, as a class gets it; raises a ``ValueError`` for unknown ``feedback``.

    For ``nbgrader`` a cell of hidden tests follows each exercise.
    """
    require.choice("feedback", feedback, FEEDBACK)
    there = [cell for cell in notebook["cells"] if is_main(cell) or not main_road]
    cells = [part for cell in there for part in _open(cell, hints, feedback, nbgrader)]
    name = {"cell_type": "code", "id": "name", "metadata": {"tags": ["name"]}, "source": NAME}
    cells.insert(1, name | {"outputs": [], "execution_count": None})
    facts = {"lesson": number, "version": __version__, "exercises": stamp_of(notebook), "feedback": feedback}
    facts["asked"] = [exercise_of(cell) for cell in cells if exercise_of(cell)]
    return notebook | {
        "cells": [cell for cell in cells if source_of(cell).strip()],
        "metadata": notebook["metadata"] | {STAMP: facts},
    }


def _open(cell, hints, feedback, nbgrader):
    """Return a cell without what it knew before, outputs, solutions, perhaps hints, and what nbgrader marks it by."""
    if cell["cell_type"] == "markdown":
        kept = FOLDED.sub(lambda fold: fold[0] if hints and fold[1] == "Hint" else "\n", source_of(cell))
        return [cell | {"source": kept.strip("\n")}]
    number, stub = exercise_of(cell), source_of(cell)
    given = cell | {"source": _with_feedback(stub, feedback) if number else stub}
    cells = [given, _hidden_test(number, stub)] if number and nbgrader else [given]
    return [cell | {"outputs": [], "execution_count": None} for cell in cells]


def _with_feedback(stub, feedback):
    """Let a stub's checker say all, right or not yet, or nothing."""
    if feedback == "full":
        return stub
    if feedback == "none":
        return without_check(stub)
    call = next(line for line in stub.splitlines() if line.startswith("check("))
    return stub.replace(call, f"{call[:-1]}, full=False)")


def _hidden_test(number, stub):
    """Return the locked cell by which nbgrader gives a point for an exercise; its test is not in what it releases."""
    name = f"exercise-{number.replace('.', '-')}"
    grader = {"grade": True, "grade_id": name, "locked": True, "points": 1, "solution": False, "task": False}
    grader |= {"schema_version": 3, "cell_type": "code"}
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {"nbgrader": grader},
        "source": HIDDEN.format(number, asked(stub)),
    }


def write_handout(number, folder, main_road=False, hints=False, feedback="full", nbgrader=False):
    """Write a lesson's hand-out into ``folder``; returns its path. One that is there is not written over."""
    path = server.lesson_path(number)
    place = Path(folder).expanduser() / path.name
    require.that(not place.exists(), "the hand-out", str(place), "a new file: move or delete the one that is there")
    lesson = json.loads(path.read_text(encoding="utf-8"))
    given = handout(lesson, path.name[:2], main_road, hints, feedback, nbgrader)
    text = json.dumps(given, ensure_ascii=False, indent=1)
    write_whole(place, (text + "\n").encode())
    return place
