"""Run one submission and write down its answers: ``python -m ddim_lessons.stage.attempt NOTEBOOK LESSON OUT``.

This is the part of marking that runs code which nobody has read. It gives no verdict: what it writes, numbers and
texts as JSON, is judged by the process that started it.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

from ..files import write_whole
from ..teaching.answers import HALF
from ..teaching.checks import to_numpy
from ..teaching.exercises import answer_to, exercise
from ..teaching.road import exercise_of, source_of
from .handout import asked

MOST = 100_000  # numbers in an answer to a case: more is no answer to any of the questions


def own_code(notebook, lesson):
    """The code cells of a submission that the lesson does not have as they are, after the lesson's setup."""
    known = {source_of(cell) for cell in lesson["cells"] if cell["cell_type"] == "code" and not exercise_of(cell)}
    setup = source_of(lesson["cells"][1])
    cells = [source_of(cell) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [setup, *(source for source in cells if source not in known)]


def run(sources, names):
    """Run cells one after the other; return what stopped the last one that was stopped, or None."""
    stopped = None
    for source in sources:
        plain = "\n".join(line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))
        try:
            exec(compile(plain, "a cell", "exec"), names)
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            stopped = f"{type(error).__name__}: {error}"[:200]
    return stopped


def answers(number, expression, names):
    """Return how an exercise stands: {"state": …}, and the "values" of an answer to each case or "why" none are."""
    try:
        answer = eval(expression, names)
    except Exception as error:
        return {"state": "missing", "why": f"{type(error).__name__}: {error}"[:200]}
    if answer is None or answer is Ellipsis:
        return {"state": "open"}
    cases = exercise(number).cases
    try:
        values = [encoded(answer_to(answer, case)) for case in cases]
    except (Exception, SystemExit) as error:
        return {"state": "error", "why": f"{type(error).__name__}: {error}"[:200]}
    return {"state": "answers", "values": values, "callable": callable(answer)}


def encoded(value):
    """Write an answer as what JSON can hold: a list of a kind and a value."""
    if value is None or value is Ellipsis:
        return ["nothing" if value is None else "open"]
    if isinstance(value, str):
        return ["text", value[:1000]]
    if isinstance(value, set | frozenset):
        return ["set", [encoded(part) for part in list(value)[:1000]]]
    if isinstance(value, list | tuple):
        return ["list", [encoded(part) for part in value[:1000]]]
    kind = str(getattr(value, "dtype", "")).removeprefix("torch.")
    array = np.asarray(to_numpy(value))
    if array.size > MOST or array.dtype.kind not in "biuf":
        return ["other", type(value).__name__]
    return ["numbers", kind if kind in (*HALF, "float32") else array.dtype.name, array.tolist()]


def main(notebook, lesson, out):
    """Run a submission and write the state of every exercise of the lesson to ``out``."""
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)  # whatever it prints, and however much
    submitted, original = (json.loads(Path(path).read_text(encoding="utf-8")) for path in (notebook, lesson))
    names = {"__name__": "__main__", "display": lambda *shown, **options: None}
    sources = own_code(submitted, original)
    stopped = run(sources, names)
    if stopped and stopped.startswith("NameError"):  # it uses what another cell of the lesson made
        run([source_of(cell) for cell in submitted["cells"] if cell["cell_type"] == "code"], names)
    stubs = {exercise_of(cell): source_of(cell) for cell in original["cells"] if exercise_of(cell)}
    report = {"stopped": stopped, "name": str(names.get("NAME", ""))[:200], "found": {}}
    for number, stub in stubs.items():
        write_whole(Path(out), json.dumps(report).encode())  # what hangs later loses nothing of what is there
        report["found"][number] = answers(number, asked(stub), names)
    write_whole(Path(out), json.dumps(report).encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
