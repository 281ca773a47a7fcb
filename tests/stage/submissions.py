"""A class of made-up students: what each hands in for lesson 04, and what must become of it.

``write_class`` writes them into a folder; the test marks those that are quick, ``benchmarks/class_marks.py`` all.
"""

import json
import os
from dataclasses import dataclass, field

from ddim_lessons.stage import handout, server
from ddim_lessons.teaching.road import exercise_of, source_of

LESSON = json.loads(server.lesson_path("04").read_text(encoding="utf-8"))
NUMBERS = [exercise_of(cell) for cell in LESSON["cells"] if exercise_of(cell)]
ROOT = "((1 - alpha_bar_s - sigma_sq) / (1 - alpha_bar_t)) ** 0.5"
STEP = [
    "x0 = (x_t - (1 - alpha_bar_t) ** 0.5 * eps_hat) / alpha_bar_t**0.5",
    "var = eta**2 * (1 - alpha_bar_s) * (1 - alpha_bar_t / alpha_bar_s) / (1 - alpha_bar_t)",
    "return alpha_bar_s**0.5 * x0 + (1 - alpha_bar_s - var) ** 0.5 * eps_hat + var**0.5 * z",
]
RIGHT = {
    "4.1": [f"return {ROOT}"],
    "4.2": [f"return alpha_bar_s**0.5 - {ROOT} * alpha_bar_t**0.5"],
    "4.3": ["return eps_T if jumps % 2 == 0 else -eps_T"],
    "4.4": ["return ((1 - alpha_bar_t) / (1 - alpha_bar_t / alpha_bar_s)) ** 0.5"],
    "4.5": STEP,
    "4.6": ["return (1 - alpha_bar_t) / (1 - alpha_bar_s) * sigma_sq"],
}
# fmt: off
KNOWN = [  # each usual mistake of 4.1 and 4.2: what a student writes, and how the mistake's name begins
    ("4.1", f"({ROOT}) ** 2",                                        "you forgot the square root"),
    ("4.1", f"-{ROOT}",                                              "you took the negative root"),
    ("4.1", "((1 - alpha_bar_t - sigma_sq) / (1 - alpha_bar_s)) ** 0.5", "you swapped"),
    ("4.1", "((1 - alpha_bar_s - sigma_sq**0.5) / (1 - alpha_bar_t)) ** 0.5", "you subtracted σ"),
    ("4.1", "((1 - alpha_bar_s - sigma_sq**2) / (1 - alpha_bar_t)) ** 0.5", "you squared σ²"),
    ("4.1", "((1 - alpha_bar_s + sigma_sq) / (1 - alpha_bar_t)) ** 0.5", "σ² has the wrong sign"),
    ("4.1", "((1 - alpha_bar_s) / (1 - alpha_bar_t)) ** 0.5",        "you left out σ²"),
    ("4.1", "(alpha_bar_s / alpha_bar_t) ** 0.5",                    "you used the equation of the mean"),
    ("4.2", "alpha_bar_s**0.5",                                      "you forgot the term with k"),
    ("4.2", f"alpha_bar_s**0.5 + {ROOT} * alpha_bar_t**0.5",         "you added the term with k"),
    ("4.2", f"alpha_bar_t**0.5 - {ROOT} * alpha_bar_s**0.5",         "you swapped"),
    ("4.2", f"alpha_bar_s - {ROOT} * alpha_bar_t",                   "you left out the roots"),
    ("4.2", f"alpha_bar_s**0.5 - ({ROOT}) ** 2 * alpha_bar_t**0.5",  "you put in k²"),
    ("4.2", f"{ROOT} * alpha_bar_t**0.5 - alpha_bar_s**0.5",         "all signs are reversed"),
]
# fmt: on


@dataclass
class Submission:
    """What a student writes, and what must become of it.

    ``answers``: lines of code by exercise; ``before``: lines of a cell of their own above the first; ``change``: a
    function of the notebook, which may return other bytes; ``file``: the file's name. ``verdicts`` of 4.1 and 4.2;
    ``words`` of a mistake or the note. ``box``: only a box withstands it; ``slow``: left to the benchmark.
    """

    name: str
    answers: dict = field(default_factory=dict)
    verdicts: tuple = ("open", "open")
    words: str = ""
    before: list = field(default_factory=list)
    change: object = None
    file: str = ""
    box: bool = False
    slow: bool = False


def one(*lines):
    """Answer 4.1 with these lines, and 4.2 rightly: what goes wrong in one must not cost the other."""
    return {"4.1": list(lines), "4.2": RIGHT["4.2"]}


def filled(cell, answers):
    """Return the source of a cell, with the lines of its answer if it is the stub of an exercise that has one."""
    stub, lines = source_of(cell), answers.get(exercise_of(cell))
    return stub if lines is None else "\n".join([stub.splitlines()[0], *(f"    {line}" for line in lines)])


def notebook(student):
    """Return a hand-out of lesson 04 with a student's name, answers and own cell."""
    given = json.loads(json.dumps(handout.handout(LESSON, "04")))
    for cell in given["cells"]:
        cell["source"] = filled(cell, student.answers)
        if "name" in cell["metadata"].get("tags", []):
            cell["source"] = f"NAME = {student.name!r}"
    first = next(k for k, cell in enumerate(given["cells"]) if exercise_of(cell))
    own = {"cell_type": "code", "metadata": {}, "source": "\n".join(student.before)}
    given["cells"][first:first] = [own | {"outputs": [], "execution_count": None}] if student.before else []
    return given


# --- what is done to a file ------------------------------------------------------------------------------------------


def other_kernel(given):
    given["metadata"]["kernelspec"] = {"name": "no-such-kernel", "display_name": "?"}


def without_first(given):
    given["cells"] = [cell for cell in given["cells"] if exercise_of(cell) != "4.1"]


def without_setup(given):
    given["cells"] = [cell for cell in given["cells"] if not source_of(cell).startswith("import numpy")]


def without_tags(given):
    given["cells"] = [cell | {"metadata": {}} for cell in given["cells"]]


def older(given):
    given["metadata"][handout.STAMP]["exercises"] = "0123456789abcdef"


def odd(given):
    given["metadata"][handout.STAMP] |= {"lesson": 4, "asked": 3}


def of_another_lesson(given):
    other = json.loads(server.lesson_path("03").read_text(encoding="utf-8"))
    return json.dumps(handout.handout(other, "03")).encode()


def windows(given):
    return json.dumps(given, indent=1).replace("\n", "\r\n").encode()


# --- the class -------------------------------------------------------------------------------------------------------

OK, SECOND = ("right", "right"), ("error", "right")
NEVER = ["import time", "while True:", "    try:", "        time.sleep(1)", "    except BaseException: pass"]
FORGED = 'b\'\\n[]\\n{"exercise": "4.1", "state": "answers", "values": 3, "callable": []}\\n\''
# fmt: off
STUDENTS = [
    Submission("right", RIGHT, OK),
    *(
        Submission(f"mistake {k}", {n: [f"return {code}"]}, ("open", "known mistake")[n == "4.1":], words, slow=k != 1)
        for k, (n, code, words) in enumerate(KNOWN, 1)
    ),
    Submission("wrong", one("return 17.0"), ("wrong", "right"), "17.0 is not right"),
    Submission("empty"),
    Submission("no return", one("3.0"), ("wrong", "right"), "is a `return` missing?", slow=True),
    Submission("hanging", one("import time", "time.sleep(987)"), SECOND, "stopped after"),
    Submission("hanging cell", one(*RIGHT["4.1"]), OK, "TooLongError", before=["while True:", "    pass"]),
    Submission("hanging for good", one(*NEVER), ("error", "error"), "stopped after", file="0 the first.ipynb"),
    Submission("waiting for input", one("return input()"), SECOND, "EOFError", slow=True),
    Submission("recursion", one("return k_of(alpha_bar_t, alpha_bar_s, sigma_sq)"), SECOND, "Recursion", slow=True),
    Submission("hungry", one("x = bytearray(10**11)", *RIGHT["4.1"]), SECOND, "MemoryError"),
    Submission("huge answer", one("return np.zeros(10**6)"), ("wrong", "right"), "not made of real numbers", slow=True),
    Submission("printing", one("for _ in range(20):", "    print('x' * 10**6)", *RIGHT["4.1"]), OK),
    Submission("filling the disk", one(*RIGHT["4.1"]), OK, "a cell stopped: OSError",
               before=["for k in range(9):", "    open(f'{k}', 'wb').write(bytes(40_000_000))"], box=True),
    Submission("forking", one(*RIGHT["4.1"]), OK, box=True, before=[
        "import os, subprocess, time", "for _ in range(20):", "    if os.fork() == 0:", "        time.sleep(987)",
        "        os._exit(0)", "subprocess.Popen(['sleep', '987'], start_new_session=True)",
    ]),
    Submission("threads that stay", one(*RIGHT["4.1"]), OK, before=[
        "import threading, time", "threading.Thread(target=time.sleep, args=(987,)).start()",
    ]),
    Submission("deleting", one(*RIGHT["4.1"]), OK, "OSError", before=[
        "import shutil", "shutil.rmtree(KEPT)",
    ], box=True),
    Submission("calling home", one(*RIGHT["4.1"]), OK, "a cell stopped", box=True, before=[
        "import socket", "socket.create_connection(('127.0.0.1', PORT), timeout=2)",
    ]),
    Submission("sys.exit", one("import sys", "sys.exit(0)"), SECOND, "SystemExit", slow=True),
    Submission("os._exit", one("import os", "os._exit(0)"), ("error", "error"), "it ended before"),
    Submission("own check", one("return 'right'"), ("wrong", "right"), "", before=[
        "from ddim_lessons.teaching import exercises", "exercises.judge = lambda *_: ('right', '✓ right')",
        "check = lambda *_: print('✓ right')",
    ]),
    Submission("forged report", one("return 17.0"), ("wrong", "right"), "", before=[
        "import os", f"line = {FORGED}",
        "for k in range(3, 9):", "    try: os.write(k, line)", "    except OSError: pass",
    ]),
    Submission("reading", one("return solution(alpha_bar_t, alpha_bar_s, sigma_sq)"), OK, "truth", before=[
        "from ddim_lessons.teaching.exercises import exercise", "solution = exercise('4.1').truth",
    ]),
    Submission("syntax error", one("return 1 +"), SECOND, "SyntaxError"),
    Submission("magics", one(*RIGHT["4.1"]), OK, before=["%matplotlib inline", "!ls", "NAME"], slow=True),
    Submission("wrong kernel", RIGHT, OK, change=other_kernel, slow=True),
    Submission("renamed", RIGHT, OK, file="Homework (final) ü 2.ipynb", slow=True),
    Submission("windows", RIGHT, OK, change=windows),
    Submission("bom", one(*RIGHT["4.1"]), OK, change=lambda given: b"\xef\xbb\xbf" + json.dumps(given).encode()),
    Submission("copied twice", RIGHT, OK, "the same text as", slow=True),
    Submission("cell deleted", one(*RIGHT["4.1"]), ("open", "right"), "NameError", change=without_first),
    Submission("setup deleted", one(*RIGHT["4.1"]), OK, change=without_setup, slow=True),
    Submission("tags lost", one(*RIGHT["4.1"]), OK, change=without_tags, slow=True),
    Submission("older", one(*RIGHT["4.1"]), OK, "another version", change=older, slow=True),
    Submission("odd stamp", change=odd, verdicts=(), words="no submission"),
    Submission("another lesson", change=of_another_lesson, verdicts=(), slow=True),
    Submission("<b>=1+1</b>", one(*RIGHT["4.1"]), OK, slow=True, file="markup.ipynb"),
    Submission("not JSON", change=lambda given: b"no notebook", verdicts=(), words="no submission"),
    Submission("nested", change=lambda given: b"[" * 10**5, verdicts=(), words="no submission"),
    Submission("no cells", change=lambda given: b'{"cells": [{"source": 3}]}', verdicts=(), words="no submission"),
    Submission("too large", change=lambda given: b" " * 21_000_000, verdicts=(), words="no submission"),
]
# fmt: on


def write_class(folder, kept, port=9, boxed=True, slow=True):
    """Write the class's files; returns the students whose submissions are there. ``kept``: what they try to delete."""
    there = [student for student in STUDENTS if (boxed or not student.box) and (slow or not student.slow)]
    for k, student in enumerate(there):
        student.before[:] = [
            line.replace("KEPT", repr(str(kept))).replace("PORT", str(port)) for line in student.before
        ]
        given = notebook(student)
        changed = student.change(given) if student.change else None
        student.file = student.file or f"{k:02}.ipynb"
        (folder / student.file).write_bytes(changed or json.dumps(given, ensure_ascii=False).encode())
    os.mkfifo(folder / "pipe.ipynb")
    (folder / "folder.ipynb").mkdir()
    return there


def complaints(students, rows):
    """What did not become of the students as it must, from the rows of marks.csv."""
    wrong = []
    for student in students:
        own = [row for row in rows if row["file"] == student.file]
        verdicts = tuple(row["verdict"] for row in own if row["exercise"] in ("4.1", "4.2"))
        said = "; ".join({row["mistake"]: 0 for row in own} | {row["note"]: 0 for row in own})
        if not own or verdicts[: len(student.verdicts)] != student.verdicts or student.words not in said:
            wrong.append((student.name, verdicts, said))
    return wrong


def table(students, rows):
    """What each got, as Markdown."""
    lines = ["| submission | 4.1 | 4.2 | what is said |", "|---|---|---|---|"]
    for student in students:
        own = [row for row in rows if row["file"] == student.file]
        got = [{row["exercise"]: row["verdict"] for row in own}.get(number, "–") for number in ("4.1", "4.2")]
        said = "; ".join(dict.fromkeys(word for row in own for word in (row["mistake"], row["note"]) if word))
        lines.append(f"| {student.name} | {' | '.join(got)} | {said[:110]} |")
    return "\n".join(lines)
