"""Mark what a class handed in: each submission in a process of its own, within limits; who made which mistake.

A submission is code that nobody has read. Where the system allows it (Linux with ``unshare``) it runs in a box: it
writes in an empty folder alone and reaches no network. Elsewhere it has limits of time, memory and output only, and the
command says so.
"""

import csv
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import numpy as np

from .. import require
from ..files import write_whole
from ..teaching.exercises import exercise, judge
from ..teaching.road import exercise_of, source_of
from ..teaching.say import say
from . import server
from .handout import STAMP, stamp_of

BOX = ["unshare", "-rmnpf", "--kill-child", "sh", str(Path(__file__).with_name("box.sh"))]
GIGABYTE = 2**30
COLUMNS = ("student", "file", "lesson", "exercise", "verdict", "mistake", "note")
OVER = "stopped after {} seconds"


# --- one submission --------------------------------------------------------------------------------------------------


def mark_file(path, seconds=60, gigabytes=6, boxed=True):
    """Run one submission and judge it; returns {"student", "lesson", "rows", "note"}, whatever the submission does."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8-sig"))
        number = lesson_of(path, notebook)
        lesson = server.lesson_path(number)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return {"student": path.stem, "lesson": "?", "rows": [], "note": f"no submission: {str(error)[:200]}"}
    with TemporaryDirectory(prefix="ddim-marks-") as folder:
        note, report = _attempt(path, lesson, Path(folder), seconds, gigabytes, boxed)
    original = json.loads(lesson.read_text(encoding="utf-8"))
    numbers = [exercise_of(cell) for cell in original["cells"] if exercise_of(cell)]
    found = report.get("found", {})
    rows = [(n, *verdict_on(n, found.get(n, {"state": "error", "why": note}))) for n in numbers if _asked(n, notebook)]
    stamp = notebook.get("metadata", {}).get(STAMP, {}).get("exercises")
    old = "" if stamp in (None, stamp_of(original)) else "handed out from another version of the lesson"
    student = str(report.get("name") or "").strip() or path.stem
    return {"student": student, "lesson": number, "rows": rows, "note": "; ".join(filter(None, (note, old)))}


def lesson_of(path, notebook):
    """Return the number of the lesson that a submission answers: by its stamp, its exercises, or its file's name."""
    stamp = notebook.get("metadata", {}).get(STAMP, {}).get("lesson")
    tagged = (exercise_of(cell) for cell in notebook["cells"] if exercise_of(cell))
    named = re.match(r"\d\d", path.name)
    return stamp or next((f"{int(n.partition('.')[0]):02d}" for n in tagged), named[0] if named else "")


def _asked(number, notebook):
    """Whether a submission's hand-out had an exercise: one of the main road alone lacks the others."""
    stamped = notebook.get("metadata", {}).get(STAMP)
    return not stamped or any(exercise_of(cell) == number for cell in notebook["cells"])


def _attempt(path, lesson, folder, seconds, gigabytes, boxed):
    """Run a submission in ``folder``; returns (a note on what went wrong, its report, {} if there is none)."""
    shutil.copyfile(path, folder / "submission.ipynb")
    out = folder / "report.json"
    command = [
        sys.executable,
        "-m",
        "ddim_lessons.stage.attempt",
        str(folder / "submission.ipynb"),
        str(lesson),
        str(out),
    ]
    command = [*(BOX if boxed else ()), *([str(folder)] if boxed else ()), *command]
    own = {name: str(folder) for name in ("HOME", "TMPDIR", "MPLCONFIGDIR", "IPYTHONDIR")}
    own |= {"DDIM_LESSONS_PROGRESS": str(folder / "p.json"), "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
    own |= {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(
        command, cwd=folder, env=os.environ | own, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=_limits(seconds, gigabytes),
    )  # fmt: skip
    try:
        process.wait(seconds)
        note = "" if process.returncode == 0 else f"ended with status {process.returncode}"
    except subprocess.TimeoutExpired:
        note = OVER.format(seconds)
    finally:
        _end(process)
    try:
        report = json.loads(out.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return note or "ended without answers", {}
    return "; ".join(filter(None, (note, report["stopped"] and f"a cell stopped: {report['stopped']}"))), report


def _limits(seconds, gigabytes):
    """Return what sets a process's limits before it starts, or None where the system has none."""
    if os.name != "posix":
        return None
    import resource

    limits = {"RLIMIT_AS": gigabytes * GIGABYTE, "RLIMIT_CPU": seconds + 5, "RLIMIT_FSIZE": 50 * 2**20}
    limits |= {"RLIMIT_NPROC": 512, "RLIMIT_CORE": 0}
    return lambda: [resource.setrlimit(getattr(resource, name), (value, value)) for name, value in limits.items()]


def _end(process):
    """End a process and its group."""
    if os.name == "posix":
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def can_box():
    """Whether this system lets a command run in the box."""
    if shutil.which("unshare") is None:
        return False
    with TemporaryDirectory() as folder:
        done = subprocess.run([*BOX, folder, "true"], capture_output=True, env=os.environ | {"HOME": folder})
    return done.returncode == 0


def verdict_on(number, state):
    """Return (verdict, mistake) of an exercise from what a submission's process wrote."""
    if state["state"] != "answers":
        return "error" if state["state"] == "error" else "open", state.get("why", "")
    try:
        values = iter([decoded(value) for value in state["values"]])
        answer = (lambda *case: next(values)) if state["callable"] else next(values)
        verdict, sentence = judge(exercise(number), answer)
    except (KeyError, IndexError, TypeError, ValueError, StopIteration) as error:
        return "error", f"what it wrote cannot be read: {error}"
    return verdict, "" if verdict == "right" else sentence.removeprefix("not yet: ").partition(" Hint:")[0].rstrip(".")


def decoded(value):
    """Read an answer that :mod:`.attempt` wrote."""
    kind, *content = value
    if kind == "set":
        return {decoded(part) for part in content[0]}
    if kind == "list":
        return [decoded(part) for part in content[0]]
    if kind == "numbers":
        name, numbers = content
        return np.array(numbers, dtype="float16" if name == "bfloat16" else name)
    return {"text": lambda: content[0], "nothing": lambda: None, "open": lambda: ...}.get(kind, lambda: object())()


# --- a class ----------------------------------------------------------------------------------------------------------


def mark_class(folder, out="marks.csv", jobs=2, seconds=60):
    """Mark every notebook under ``folder``; write the CSV ``out`` and a page for the teacher beside it.

    What is marked is kept at once in ``out``'s folder of parts: a run that was stopped goes on there. Returns 0.
    """
    folder, out = Path(folder).expanduser(), Path(out).expanduser()
    paths = [p for p in sorted(folder.rglob("*.ipynb")) if ".ipynb_checkpoints" not in p.parts]
    require.that(paths, "the folder of submissions", str(folder), "a folder with notebooks in it")
    boxed, began, parts = can_box(), monotonic(), out.with_name(out.name + ".parts")
    if not boxed:
        say("This system gives no box: submissions could read and write your files. Use a machine of its own.")
    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(_kept, path, folder, parts, seconds, boxed) for path in paths]
        marked = []
        for k, (path, future) in enumerate(zip(paths, waiting, strict=True), 1):
            marked.append(future.result() | {"file": path.relative_to(folder).as_posix(), "copy": own_digest(path)})
            say(f"{'█' * (20 * k // len(paths)):20} {k} of {len(paths)}: {marked[-1]['file']} {marked[-1]['note']}")
    _note_copies(marked)
    write_csv(out, marked)
    write_whole(out.with_suffix(".html"), class_page(marked).encode())
    say(f"{len(paths)} submissions in {monotonic() - began:.0f} s: {out} and {out.with_suffix('.html')}")
    return 0


def _kept(path, folder, parts, seconds, boxed):
    """Mark a submission, or read what was kept of it."""
    part = parts / (hashlib.sha256(path.as_posix().encode() + path.read_bytes()).hexdigest()[:24] + ".json")
    if part.is_file():
        return json.loads(part.read_text(encoding="utf-8"))
    result = mark_file(path, seconds, boxed=boxed)
    write_whole(part, json.dumps(result).encode())
    return result


def own_digest(path):
    """Return a digest of a submission's answers without blanks, or "" if it has none: copies share it."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8-sig"))["cells"]
        stubs = "".join("".join(source_of(cell).split()) for cell in cells if exercise_of(cell))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return hashlib.sha256(stubs.encode()).hexdigest()[:12] if stubs else ""


def _note_copies(marked):
    """Note on each submission with right answers that another has the same text."""
    count = Counter(m["copy"] for m in marked if any(row[1] == "right" for row in m["rows"]))
    for m in marked:
        if count[m["copy"]] > 1:
            m["note"] = "; ".join(filter(None, (m["note"], f"the same text as {count[m['copy']] - 1} other")))


def write_csv(out, marked):
    """Write a row for each student and exercise."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with open(out, "w", newline="", encoding="utf-8-sig") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for m in marked:
            for number, verdict, mistake in m["rows"] or [("", "error", "")]:
                cells = (m["student"], m["file"], m["lesson"], number, verdict, mistake, m["note"])
                rows.writerow([f"'{c}" if str(c).startswith(("=", "+", "-", "@")) else c for c in cells])


# --- the teacher's page ----------------------------------------------------------------------------------------------

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>What the class got wrong</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #222; }}
i {{ display: block; height: .8em; background: #9DB4C6; min-width: 3px; }} i.right {{ background: #009E73; }}
td, th {{ padding: 2px 10px; text-align: left; border-bottom: 1px solid #ddd; }} p {{ margin: .3em 0; }}</style>
<h1>What the class got wrong</h1>
<p>{students} submissions. Most frequent answers first; green is right.</p>{exercises}
<h2>Student by student</h2><table><tr><th>student<th>right<th>known mistake<th>wrong<th>open<th>error<th>note</tr>
{rows}</table></html>"""
VERDICTS = ("right", "known mistake", "wrong", "open", "error")


def class_page(marked):
    """Return the teacher's page: each exercise's answers, most frequent first, and the section to show again."""
    answers = {}
    for m in marked:
        for number, verdict, mistake in m["rows"]:
            words = mistake if verdict == "known mistake" else verdict
            answers.setdefault((m["lesson"], number), Counter())[verdict, words] += 1
    exercises = "".join(_exercise_part(*key, answers[key]) for key in sorted(answers, key=lambda k: _order(k[1])))
    rows = "".join(_student_row(m) for m in sorted(marked, key=lambda m: m["student"].lower()))
    return PAGE.format(students=len(marked), exercises=exercises, rows=rows)


def _order(number):
    return [int(part) for part in number.split(".")]


def _exercise_part(lesson, number, counts):
    total = counts.total()
    bars = "".join(
        f'<p>{escape(words)}: {n} of {total}<i class="{"right" if verdict == "right" else ""}" '
        f'style="width:{100 * n / total:.0f}%"></i></p>'
        for (verdict, words), n in counts.most_common()
    )
    return (
        f"<h2>Exercise {number}</h2><p>To show again: lesson {lesson}, {escape(section_of(lesson, number))}</p>{bars}"
    )


def section_of(lesson, number):
    """Return the heading of the section in which an exercise stands."""
    cells = json.loads(server.lesson_path(lesson).read_text(encoding="utf-8"))["cells"]
    heading = ""
    for cell in cells:
        heading = (re.findall(r"^## (.+)$", source_of(cell), re.MULTILINE) or [heading])[-1]
        if exercise_of(cell) == number:
            return f"§ {heading}"
    return heading


def _student_row(m):
    counts = Counter(row[1] for row in m["rows"])
    return (
        f"<tr><td>{escape(m['student'])}" + "".join(f"<td>{counts[v]}" for v in VERDICTS) + f"<td>{escape(m['note'])}"
    )
