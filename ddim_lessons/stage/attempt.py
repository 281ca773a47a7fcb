"""Run one submission and say what it answers: ``python -m ddim_lessons.stage.attempt NOTEBOOK LESSON SECONDS``.

This is the part of marking that runs code which nobody has read. It gives no verdict: what it writes to standard
output, numbers and texts as a line of JSON for each exercise, is judged by the process that started it.
"""

import json
import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ..teaching.answers import HALF
from ..teaching.checks import to_numpy
from ..teaching.exercises import answer_to, exercise
from ..teaching.road import exercise_of, source_of, without_check
from .handout import asked

MOST = 100_000  # numbers in an answer to a case: more is no answer to any of the questions


def own_code(notebook, lesson):
    """The code cells of a submission that the lesson does not have as they are, after the lesson's setup."""
    known = {source_of(cell) for cell in lesson["cells"] if cell["cell_type"] == "code" and not exercise_of(cell)}
    setup = source_of(lesson["cells"][1])
    cells = [source_of(cell) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [setup, *(without_check(source) for source in cells if source not in known)]


class TooLongError(BaseException):
    """A cell or an answer takes longer than its share; no ``except Exception`` of a student's stops it."""


@contextmanager
def at_most(seconds):
    """Stop Python code in this block after so many seconds, where the system has an alarm; inf is no limit."""
    if seconds == float("inf") or not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_):
        raise TooLongError(f"stopped after {seconds:g} seconds")

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def run(sources, names, seconds):
    """Run cells one after the other, each for so many seconds at most; return what stopped the last, or None."""
    stopped = None
    for source in sources:
        plain = "\n".join(line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))
        try:
            with at_most(seconds):
                exec(compile(plain, "a cell", "exec"), names)
        except BaseException as error:  # sys.exit and whatever else a submission raises
            stopped = said(error)
    return stopped


def said(error):
    """Return an error as one short text."""
    return f"{type(error).__name__}: {error}"[:200]


def answers(number, expression, names, seconds, stopped):
    """Return how an exercise stands: {"state": …}, and the "values" of an answer to each case or "why" none are."""
    try:
        answer = eval(expression, names)
    except Exception as error:
        return {"state": "error" if stopped else "open", "why": stopped or said(error)}
    if answer is None or answer is Ellipsis:
        return {"state": "open"}
    cases = exercise(number).cases
    try:
        with at_most(seconds):
            values = [encoded(answer_to(answer, case)) for case in cases]
    except BaseException as error:
        return {"state": "error", "why": said(error)}
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


def main(notebook, lesson, seconds):
    """Run a submission, and write a line on the whole, then one on each exercise of the lesson."""
    out, silent = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)  # whatever it prints, and however much
    submitted, original = (json.loads(Path(path).read_text(encoding="utf-8")) for path in (notebook, lesson))
    names, share = {"__name__": "__main__", "display": lambda *shown, **options: None}, float(seconds) / 4
    setup, *own = own_code(submitted, original)
    stopped = run([setup], names, float("inf")) or run(own, names, share)
    if stopped and stopped.startswith("NameError"):  # it uses what another cell of the lesson made
        run([source_of(cell) for cell in submitted["cells"] if cell["cell_type"] == "code"], names, share)
    name = names.get("NAME")
    _write(out, {"exercise": "", "stopped": stopped, "name": name[:200] if isinstance(name, str) else ""})
    for number, stub in ((exercise_of(cell), source_of(cell)) for cell in original["cells"] if exercise_of(cell)):
        _write(out, {"exercise": number} | answers(number, asked(stub), names, share, stopped))
    os._exit(0)  # threads that it left do not hold this process


def _write(out, entry):
    """Write a line at once: what hangs later loses nothing of what is there."""
    os.write(out, json.dumps(entry).encode() + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
