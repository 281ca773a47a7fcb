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
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Event
from time import monotonic, sleep

import numpy as np

from .. import require
from ..files import write_whole
from ..teaching.exercises import exercise, judge
from ..teaching.road import exercise_of, source_of
from ..teaching.say import say
from . import server
from .attempt import said
from .handout import STAMP, stamp_of
from .present import class_questions

BOX = ["setpriv", "--pdeathsig", "KILL", "unshare", "-rmnpf", "--kill-child"]  # it ends when the command does
BOX += ["sh", str(Path(__file__).with_name("box.sh"))]
GIGABYTE = 2**30
COLUMNS = ("student", "file", "lesson", "exercise", "verdict", "mistake", "note")
LARGEST = 20_000_000  # bytes of a submission
SOLVED = re.compile(r"EXERCISES|\.truth\b|\bexercise\(|lesson_\d\d\.(exercises|whole)|getsource")


# --- one submission --------------------------------------------------------------------------------------------------


class StoppedError(Exception):
    """The command was stopped while a submission ran: it is not marked."""


def mark_file(path, seconds=60, gigabytes=6, boxed=True, stop=None):
    """Run one submission and judge it; returns {"student", "lesson", "rows", "note"}, whatever the submission does.

    Once ``stop``, an Event, is set, the submission is ended and ``StoppedError`` raised.
    """
    try:
        require.that(_bytes(path), "the file", path.name, f"readable and of 1 to {LARGEST} bytes")
        notebook = json.loads(_bytes(path).decode("utf-8-sig"))
        lesson = server.lesson_path(lesson_of(path, notebook))
        original = json.loads(lesson.read_text(encoding="utf-8"))
        numbers = [exercise_of(cell) for cell in original["cells"] if exercise_of(cell)]
        stamp = notebook.get("metadata", {}).get(STAMP, {})
        asked = [number for number in numbers if number in stamp.get("asked", numbers)]
        code = "\n".join({source_of(cell) for cell in notebook["cells"]} - {source_of(c) for c in original["cells"]})
    except Exception as error:  # whatever stands in the file
        return {"student": path.stem, "lesson": "?", "rows": [], "note": f"no submission: {said(error)}"}
    with TemporaryDirectory(prefix="ddim-marks-", ignore_cleanup_errors=True) as folder:
        whole, found, *notes = _attempt(notebook, lesson, Path(folder), seconds, gigabytes, boxed, stop or Event())
    unseen = {"state": "error", "why": notes[0] or "it ended before its answer"}
    rows = [(number, *verdict_on(number, found.get(number, unseen))) for number in asked]
    if stamp.get("exercises", stamp_of(original)) != stamp_of(original):
        notes.append("handed out from another version of the lesson")
    if names := sorted({match[0].strip("(.") for match in SOLVED.finditer(code)}):
        notes.append(f"read its code: it names {', '.join(names)}")
    name = " ".join(str(whole.get("name", "")).split())[:100] or path.stem
    return {"student": name, "lesson": lesson.name[:2], "rows": rows, "note": "; ".join(filter(None, notes))}


def _bytes(path):
    """Return what stands in a file; of one that is too large for a submission, or cannot be read, nothing."""
    with suppress(OSError), open(path, "rb") as file:
        data = file.read(LARGEST + 1)
        return data if len(data) <= LARGEST else b""
    return b""


def lesson_of(path, notebook):
    """Return the number of the lesson that a submission answers: by its stamp, its exercises, or its file's name."""
    stamp = notebook.get("metadata", {}).get(STAMP, {}).get("lesson")
    tagged = (exercise_of(cell) for cell in notebook["cells"] if exercise_of(cell))
    named = re.match(r"\d\d", path.name)
    return stamp or next((f"{int(n.partition('.')[0]):02d}" for n in tagged), named[0] if named else "")


def _attempt(notebook, lesson, folder, seconds, gigabytes, boxed, stop):
    """Run a submission in a folder; returns (what it says on the whole, on each exercise, notes on what went wrong)."""
    submission, box = folder / "submission.json", folder / "box"
    submission.write_text(json.dumps(notebook), encoding="utf-8")
    box.mkdir()
    own = {name: str(box) for name in ("HOME", "TMPDIR", "MPLCONFIGDIR", "IPYTHONDIR")}
    own |= {"DDIM_LESSONS_PROGRESS": str(box / "p.json"), "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
    own |= {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "ddim_lessons.stage.attempt", str(submission), str(lesson), str(seconds)]
    prefix = [*BOX, str(box)] if boxed else BOX[:3] * bool(shutil.which("setpriv"))
    with TemporaryFile() as out:
        process = subprocess.Popen(
            [*prefix, *command], cwd=box, env=os.environ | own, stdin=subprocess.DEVNULL,
            stdout=out, stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=_limits(seconds, gigabytes),
        )  # fmt: skip
        note = _wait(process, seconds, stop)
        out.seek(0)
        found = dict(map(_entry, out.read().splitlines()))
    whole = found.pop("", {})
    note = note or ("" if whole else "ended without answers")
    return whole, found, note, whole.get("stopped") and f"a cell stopped: {whole['stopped']}"[:220]


def _wait(process, seconds, stop):
    """Wait for a process, end it and its group; returns what is to be said of its end, "" if nothing."""
    until = monotonic() + seconds
    while process.poll() is None and monotonic() < until and not stop.is_set():
        sleep(0.02)
    status = process.poll()
    _end(process)
    if stop.is_set():
        raise StoppedError
    if status is None:
        return f"stopped after {seconds} seconds"
    return f"ended with status {status}" if status else ""


def _entry(line):
    """Read a line of :mod:`.attempt`; what a submission wrote in between says nothing."""
    with suppress(ValueError, TypeError, RecursionError):
        entry = json.loads(line)
        if isinstance(entry, dict) and isinstance(entry.get("exercise"), str):
            return entry["exercise"], entry
    return None, {}


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
    if state.get("state") != "answers":
        return "error" if state.get("state") == "error" else "open", str(state.get("why", ""))[:200]
    try:
        values = iter([decoded(value) for value in state["values"]])
        answer = (lambda *case: next(values)) if state["callable"] else next(values)
        verdict, sentence = judge(exercise(number), answer)
    except Exception as error:  # whatever a submission wrote in its place
        return "error", f"what it wrote cannot be read: {said(error)}"
    return verdict, "" if verdict in ("right", "open") else sentence.removeprefix("not yet: ").partition(" Hint:")[
        0
    ].rstrip(".")


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


def mark_class(folder, out="marks.csv", jobs=2, seconds=60, watch=None):
    """Mark every notebook under ``folder``; write the CSV ``out`` and a page for the teacher beside it.

    What is marked is kept at once in ``out``'s folder of parts: a run that was stopped goes on there. With ``watch``
    it looks again after so many seconds, until it is stopped, and the page names no student. Returns 0.
    """
    folder, out = Path(folder).expanduser(), Path(out).expanduser()
    boxed = can_box()
    if not boxed:
        say("This system gives no box: submissions could read and write your files. Use a machine of its own.")
    while True:
        paths = [p for p in sorted(folder.rglob("*.ipynb")) if p.is_file() and ".ipynb_checkpoints" not in p.parts]
        require.that(paths or watch, "the folder of submissions", str(folder), "a folder with notebooks in it")
        marked = _mark_all(paths, folder, out, jobs, seconds, boxed)
        write_csv(out, marked)
        write_whole(out.with_suffix(".html"), class_page(marked, watch).encode())
        if not watch:
            return 0
        sleep(watch)


def _mark_all(paths, folder, out, jobs, seconds, boxed):
    """Mark files, so many at once; whatever stops this ends those that run, and leaves what is marked."""
    began, stop, parts, marked = monotonic(), Event(), out.with_name(out.name + ".parts"), []
    pool = ThreadPoolExecutor(jobs)
    try:
        waiting = [pool.submit(_kept, path, folder, parts, seconds, boxed, stop) for path in paths]
        for k, (path, future) in enumerate(zip(paths, waiting, strict=True), 1):
            marked.append(future.result() | {"file": path.relative_to(folder).as_posix(), "copy": own_digest(path)})
            say(f"{'█' * (20 * k // len(paths)):20} {k} of {len(paths)}: {marked[-1]['file']} {marked[-1]['note']}")
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
    _note_copies(marked)
    say(f"{len(paths)} submissions in {monotonic() - began:.0f} s: {out} and {out.with_suffix('.html')}")
    return marked


def _kept(path, folder, parts, seconds, boxed, stop):
    """Mark a submission, or read what was kept of it."""
    name = path.relative_to(folder).as_posix().encode()
    part = parts / (hashlib.sha256(name + _bytes(path)).hexdigest()[:24] + ".json")
    if part.is_file():
        return json.loads(part.read_text(encoding="utf-8"))
    result = mark_file(path, seconds, boxed=boxed, stop=stop)
    write_whole(part, json.dumps(result).encode())
    return result


def own_digest(path):
    """Return a digest of a submission's answers without blanks, or "" if it has none: copies share it."""
    try:
        cells = json.loads(_bytes(path).decode("utf-8-sig"))["cells"]
        stubs = "".join("".join(source_of(cell).split()) for cell in cells if exercise_of(cell))
    except Exception:  # whatever stands in the file
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

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">{refresh}<title>What the class got wrong</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 52em; margin: 2em auto; padding: 0 1em; color: #222; }}
ul {{ list-style: none; padding: 0; }} li {{ margin-bottom: .5em; }}
h2 {{ margin: 1.6em 0 0; }} p {{ margin: 0; color: #555; }}
i {{ display: block; height: .7em; background: #9DB4C6; min-width: 3px; }} .right i {{ background: #009E73; }}
td, th {{ padding: 2px 12px 2px 0; text-align: left; border-bottom: 1px solid #ddd; vertical-align: top; }}
td.n {{ text-align: right; }} tbody th {{ font-weight: normal; }}</style>
<h1>What the class got wrong</h1>
<p>Submissions: {count}. The most frequent answer stands first; right ones have a green bar.</p>{exercises}{students}
</html>"""
STUDENTS = """<h2>Student by student</h2><table><thead><tr>{heads}</tr></thead><tbody>
{rows}</tbody></table>"""
VERDICTS = ("right", "known mistake", "wrong", "open", "error")
PLAIN = {"open": "not attempted", "wrong": "wrong in another way", "error": "stopped with an error"}


def class_page(marked, watch=None):
    """Return the teacher's page: each exercise's answers, most frequent first, and what to show again.

    One that is looked at in class, every ``watch`` seconds, names no student.
    """
    answers = {}
    for m in marked:
        for number, verdict, mistake in m["rows"]:
            words = mistake if verdict == "known mistake" else PLAIN.get(verdict, verdict)
            answers.setdefault((m["lesson"], number), Counter())[verdict, words] += 1
    exercises = "".join(_exercise_part(*key, answers[key]) for key in sorted(answers, key=lambda k: _order(k[1])))
    heads = "".join(f'<th scope="col">{head}' for head in ("student", *(PLAIN.get(v, v) for v in VERDICTS), "note"))
    rows = "".join(_student_row(m) for m in sorted(marked, key=lambda m: m["student"].lower()))
    refresh = f'<meta http-equiv="refresh" content="{watch}">' if watch else ""
    students = "" if watch else STUDENTS.format(heads=heads, rows=rows)
    return PAGE.format(refresh=refresh, count=len(marked), exercises=exercises, students=students)


def _order(number):
    return [int(part) for part in number.split(".")]


def _exercise_part(lesson, number, counts):
    bars = "".join(
        f"<li{' class=right' * (verdict == 'right')}>{escape(words)}: {n} of {counts.total()}"
        f'<i style="width:{100 * n / counts.total():.0f}%" aria-hidden="true"></i></li>'
        for (verdict, words), n in counts.most_common()
    )
    section, question = show_again(lesson, number)
    ask = f"<p>Ask for hands: “{escape(question)}”</p>" if question else ""
    return f"<h2>Exercise {number}</h2><p>Show again: lesson {lesson}, § {escape(section)}</p>{ask}<ul>{bars}</ul>"


def show_again(lesson, number):
    """Return the section in which an exercise stands, and the class question that stands nearest to it, or ""."""
    cells = json.loads(server.lesson_path(lesson).read_text(encoding="utf-8"))["cells"]
    here = next(k for k, cell in enumerate(cells) if exercise_of(cell) == number)
    heading = re.findall(r"^## (.+)$", "\n".join(map(source_of, cells[:here])), re.MULTILINE)[-1]
    asked = [question["predict"] for question in class_questions(lesson)]
    near = [(abs(k - here), q) for k, cell in enumerate(cells) for q in asked if q in source_of(cell)]
    return [re.sub(r"[$\\*`]", "", words) for words in (heading, min(near, default=("", ""))[1])]


def _student_row(m):
    counts = Counter(row[1] for row in m["rows"])
    cells = "".join(f'<td class="n">{counts[v]}' for v in VERDICTS)
    return f'<tr><th scope="row">{escape(m["student"])}{cells}<td>{escape(m["note"])}</tr>'
