"""A class: hand-outs show no solution; what is handed in costs its own points at most; each mistake is named."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest
import submissions
from submissions import LESSON, NUMBERS

from ddim_lessons.__main__ import main
from ddim_lessons.files import ROOT
from ddim_lessons.stage import handout, marks, server
from ddim_lessons.teaching.road import exercise_of, source_of

FIRST = NUMBERS[0]


@pytest.mark.parametrize("feedback", handout.FEEDBACK)
@pytest.mark.parametrize("main_road", [False, True])
def test_a_hand_out_shows_no_solution_and_no_output(main_road, feedback):
    given = handout.handout(LESSON, "04", main_road, False, feedback)
    text = "\n".join(map(source_of, given["cells"]))
    assert "<details><summary>Solution" not in text and "<details><summary>Hint" not in text
    assert all(not cell.get("outputs") for cell in given["cells"])
    stubs = [source_of(cell) for cell in given["cells"] if exercise_of(cell)]
    assert stubs and all(("check(" in stub) == (feedback != "none") for stub in stubs)
    assert given["metadata"]["ddim_lessons"]["exercises"] == handout.stamp_of(LESSON)
    assert len(given["cells"]) <= len(LESSON["cells"]) + 1 and "NAME" in source_of(given["cells"][1])


def test_hints_stay_where_they_are_wanted(tmp_path, capsys):
    assert main(["handout", "04", "--out", str(tmp_path), "--hints", "--feedback", "verdict", "--nbgrader"]) == 0
    text = (tmp_path / server.lesson_path("04").name).read_text(encoding="utf-8")
    assert "<summary>Hint" in text and "<summary>Solution" not in text and "full=False" in text
    assert text.count("BEGIN HIDDEN TESTS") == len(NUMBERS)
    assert main(["handout", "04", "--out", str(tmp_path)]) == 2, "work may lie there"
    assert "must be a new file" in capsys.readouterr().err


def test_a_verdict_alone_says_no_mistake(capsys):
    from ddim_lessons.teaching import check

    check(FIRST, lambda t, s, sq: (1 - s - sq) / (1 - t), full=False)
    assert capsys.readouterr().out == f"Exercise {FIRST}: not yet\n"


def marking(folder, out, seconds=12):
    """Start the command in a process of its own, whose temporary files lie beside ``out``'s folder."""
    tmp = out.parent.parent / "tmp"
    tmp.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "ddim_lessons", "marks", str(folder), "--out", str(out)]
    command += ["--seconds", str(seconds)]
    heard = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731 (a shell may have it ignored)
    environment = os.environ | {"TMPDIR": str(tmp)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, preexec_fn=heard)


def until(condition, seconds=100):
    """Wait for a condition; fail if it does not come."""
    end = monotonic() + seconds
    while not condition():
        assert monotonic() < end, "it did not come"
        sleep(0.05)


def running(words):
    return subprocess.run(["pgrep", "-f", words], capture_output=True, text=True).stdout


def tree(folder):
    """What stands in a folder: names and bytes."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.skipif(sys.platform != "linux", reason="limits of time and memory are tried on Linux")
def test_a_class_is_marked_whatever_it_hands_in_and_whenever_it_is_stopped(tmp_path):
    folder, kept, out = tmp_path / "handed in", tmp_path / "kept", tmp_path / "out" / "marks.csv"
    folder.mkdir()
    (kept / "below").mkdir(parents=True)
    (kept / "below" / "mine.txt").write_text("mine")
    boxed, done = marks.can_box(), {}
    students = submissions.write_class(folder, kept, boxed=boxed, slow=False)
    before = tree(folder), tree(kept)
    for least, end in ((2, signal.SIGKILL), (4, signal.SIGINT)):  # a power cut, and Ctrl+C
        process = marking(folder, out, seconds=600)  # the first hangs as long as it may
        until(lambda least=least: len(list(out.parent.glob("*/*.json"))) >= least)
        process.send_signal(end)
        assert process.wait(60) == (130 if end == signal.SIGINT else -end)
        until(lambda: not boxed or not running(str(tmp_path / "tmp")), 10)
        done |= {part: part.stat().st_mtime_ns for part in out.parent.glob("*/*.json")}
    said, _ = marking(folder, out).communicate()
    assert {part: part.stat().st_mtime_ns for part in done} == done, "what was kept was marked once more"
    assert f"{len(students)} of {len(students)}" in said and not out.with_name("marks.csv.part").exists()
    with open(out, encoding="utf-8-sig", newline="") as file:
        assert submissions.complaints(students, list(csv.DictReader(file))) == []
    assert not running("sleep 987") or not boxed, "what a submission started outlives it"
    assert (tree(folder), tree(kept)) == before, "a submission changed something outside its folder"
    page = out.with_suffix(".html").read_text(encoding="utf-8")
    assert "you forgot the square root: 1 of" in page and "Show again: lesson 04, § 2 ·" in page


MARKED = {"student": "=<b>1+1", "file": "a.ipynb", "lesson": "04", "rows": [("4.1", "right", "")], "note": "<i>"}


def test_what_a_student_writes_is_text_in_a_spreadsheet_and_on_the_page(tmp_path):
    marks.write_csv(tmp_path / "m.csv", [MARKED])
    assert "'=<b>1+1" in (tmp_path / "m.csv").read_text(encoding="utf-8-sig")
    page = marks.class_page([MARKED])
    assert "=&lt;b&gt;1+1" in page and "<b>" not in page and "<i>" not in page


def test_the_page_for_a_class_that_watches_names_no_student(tmp_path, capsys, monkeypatch):
    """It looks again after so many seconds, and sees what was saved meanwhile."""
    pages, out = [], tmp_path / "m.csv"

    def meanwhile(seconds):
        pages.append(out.with_suffix(".html").read_text(encoding="utf-8"))
        (tmp_path / "ada.ipynb").write_text(json.dumps(submissions.notebook(submissions.STUDENTS[0])))
        if len(pages) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(marks, "mark_file", lambda path, *_, **__: MARKED)
    monkeypatch.setattr(marks, "sleep", meanwhile)
    assert main(["marks", str(tmp_path), "--out", str(out), "--watch", "7"]) == 130
    assert "Submissions: 0" in pages[0] and "Submissions: 1" in pages[1] and "right: 1 of 1" in pages[1]
    assert all('http-equiv="refresh" content="7"' in page and "1+1" not in page for page in pages)


PLAN = (ROOT / "lecture" / "README.md").read_text(encoding="utf-8")
NBGRADER = ROOT / ".nbgrader"
INSTALL = ".venv/bin/pip install --no-deps --target .nbgrader nbgrader==0.9.6 rapidfuzz==3.14.6"  # README and CI


def nbgrader(course, *words):
    """Run one of nbgrader's commands in a course's folder, where the tests' own Python finds it."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    own = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(NBGRADER)]), "PATH": path, "HOME": str(course)}
    command = [sys.executable, "-m", "nbgrader", *words]
    done = subprocess.run(command, cwd=course, env=os.environ | own, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_nbgrader_gives_the_points_that_our_marks_give(tmp_path):
    """A lesson's exercises there and back, by the plan's commands; the released file holds no test."""
    if not NBGRADER.is_dir():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"nbgrader is not there: {INSTALL}")
    short = LESSON | {"cells": [cell for k, cell in enumerate(LESSON["cells"]) if k < 2 or exercise_of(cell)]}
    source, released = tmp_path / "source/lesson_04/04.ipynb", tmp_path / "release/lesson_04/04.ipynb"
    server.write_file(source, json.dumps(handout.handout(short, "04", nbgrader=True)))
    assert source.read_text().count("HIDDEN TESTS") == 2 * len(NUMBERS)
    commands = [line.split() for line in re.findall(r"^nbgrader (.+?)(?:  +#.*)?$", PLAN, re.MULTILINE)]
    nbgrader(tmp_path, *commands[0])
    assert "judge" not in released.read_text()
    answers = submissions.RIGHT | {"4.2": ["return 17.0"], "4.3": ["return ..."]}
    given = json.loads(released.read_text())
    for cell in given["cells"]:
        cell["source"] = submissions.filled(cell, answers)
    handed = tmp_path / "submitted/ada/lesson_04/04.ipynb"
    server.write_file(handed, json.dumps(given))
    assert [words[0] for words in commands[1:]] == ["autograde", "generate_feedback", "export"]
    for words in commands[1:]:
        nbgrader(tmp_path, *words)
    assert list((tmp_path / "feedback/ada").rglob("*.html"))
    with open(tmp_path / "grades.csv", encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    verdicts = [verdict for _, verdict, _ in marks.mark_file(handed, boxed=marks.can_box())["rows"]]
    assert float(row["max_score"]) == len(NUMBERS) == len(verdicts)
    assert float(row["score"]) == verdicts.count("right") == len(NUMBERS) - 2


def test_ci_and_readme_name_the_nbgrader_that_the_test_takes():
    for file in ("README.md", ".ci/run"):
        assert INSTALL.removeprefix(".venv/bin/pip install ") in (ROOT / file).read_text(encoding="utf-8"), file


def test_what_the_plan_says_that_a_student_can_find_is_there_and_the_rest_is_not():
    """Three lines find the truth; a package without the files that the plan names has no trace of it."""
    found = {}
    exec(re.search(r"```python\n(.*?)```", PLAN, re.DOTALL)[1], found)
    assert found["k"] == pytest.approx(((1 - 0.6 - 0.04) / (1 - 0.3)) ** 0.5) and len(found["solutions"]) > 5
    for path in (ROOT / "ddim_lessons").rglob("*.py"):
        if path.name not in ("exercises.py", "whole.py"):
            code = path.read_text(encoding="utf-8")
            assert "Exercise(" not in code and not re.search(r"(whole|lesson_\d\d\.exercises) import", code), path
    given = handout.handout(LESSON, "04", feedback="none")
    assert not any("check(" in source_of(cell) for cell in given["cells"] if cell["cell_type"] == "code")


def test_marking_says_what_is_missing(tmp_path, capsys):
    assert main(["marks", str(tmp_path)]) == 2
    assert "but must be a folder with notebooks in it" in capsys.readouterr().err
    done = subprocess.run([sys.executable, "-m", "ddim_lessons", "marks", "-h"], capture_output=True, text=True)
    assert done.returncode == 0 and "--seconds" in done.stdout
