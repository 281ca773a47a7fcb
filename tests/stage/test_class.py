"""A class: hand-outs show no solution; what is handed in costs its own points at most; each mistake is named."""

import csv
import json
import re
import subprocess
import sys

import pytest

from ddim_lessons.__main__ import main
from ddim_lessons.stage import handout, marks, server
from ddim_lessons.teaching.road import exercise_of, source_of

LESSON = json.loads(server.lesson_path("04").read_text(encoding="utf-8"))
NUMBERS = [exercise_of(cell) for cell in LESSON["cells"] if exercise_of(cell)]
FIRST = NUMBERS[0]
NAME = handout.asked(next(source_of(cell) for cell in LESSON["cells"] if exercise_of(cell) == FIRST))


def answered(body, name="A. Student", feedback="full"):
    """A hand-out whose first exercise is answered by a function with this body, a list of lines."""
    notebook = handout.handout(LESSON, "04", feedback=feedback)
    for cell in notebook["cells"]:
        if exercise_of(cell) == FIRST:
            lines = "\n".join(f"    {line}" for line in body)
            cell["source"] = f"def {NAME}(t, s, sq):\n{lines}\n\n\ncheck({FIRST!r}, {NAME})"
        if "name" in cell["metadata"].get("tags", []):
            cell["source"] = f"NAME = {name!r}"
    return notebook


@pytest.mark.parametrize("feedback", handout.FEEDBACK)
@pytest.mark.parametrize("main_road", [False, True])
def test_a_hand_out_shows_no_solution_and_no_output(main_road, feedback):
    given = handout.handout(LESSON, "04", main_road, False, feedback)
    text = "\n".join(map(source_of, given["cells"]))
    assert "<details><summary>Solution" not in text and "<details><summary>Hint" not in text
    assert all(not cell.get("outputs") for cell in given["cells"])
    stubs = [source_of(cell) for cell in given["cells"] if exercise_of(cell)]
    assert stubs and all(("check(" in stub) == (feedback != "none") for stub in stubs)
    marked = [cell["metadata"]["nbgrader"] for cell in given["cells"] if exercise_of(cell)]
    assert all(re.fullmatch(r"[a-zA-Z0-9_\-]+", grader["grade_id"]) for grader in marked), "else nbgrader refuses it"
    assert len({grader["grade_id"] for grader in marked}) == len(marked)
    assert given["metadata"]["ddim_lessons"]["exercises"] == handout.stamp_of(LESSON)
    assert len(given["cells"]) <= len(LESSON["cells"]) + 1 and "NAME" in source_of(given["cells"][1])


def test_hints_stay_where_they_are_wanted(tmp_path, capsys):
    assert main(["handout", "04", "--out", str(tmp_path), "--hints", "--feedback", "verdict"]) == 0
    text = (tmp_path / server.lesson_path("04").name).read_text(encoding="utf-8")
    assert "<summary>Hint" in text and "<summary>Solution" not in text and "full=False" in text
    assert main(["handout", "04", "--out", str(tmp_path)]) == 2, "work may lie there"
    assert "must be a new file" in capsys.readouterr().err


def test_a_verdict_alone_says_no_mistake(capsys):
    from ddim_lessons.teaching import check

    check(FIRST, lambda t, s, sq: (1 - s - sq) / (1 - t), full=False)
    assert capsys.readouterr().out == f"Exercise {FIRST}: not yet\n"


K = "((1 - s - sq) / (1 - t))"
SUBMISSIONS = {  # a file, what its first exercise says, and what must become of it: (verdict, words of the mistake)
    "right": ([f"return {K} ** 0.5"], ("right", "")),
    "mistake": ([f"return {K}"], ("known mistake", "you forgot the square root")),
    "wrong": (["return 17.0"], ("wrong", "")),
    "empty": (["return ..."], ("open", "")),
    "hanging": (["while True:", "    pass"], ("error", "stopped after")),
    "forking": (
        ["import subprocess as p", "p.Popen(['sleep', '987'], start_new_session=True)", f"return {K} ** 0.5"],
        ("right", ""),
    ),
    "printing": (["for _ in range(20):", "    print('x' * 10**6)", f"return {K} ** 0.5"], ("right", "")),
    "hungry": (["x = bytearray(10**11)", f"return {K} ** 0.5"], ("error", "MemoryError")),
    "leaving": (["import os", "os._exit(0)"], ("error", "")),
    "tampering": (
        ["import ddim_lessons.teaching as t", "t.check = print", "return 'right'"],
        ("wrong", ""),
    ),
}


@pytest.mark.skipif(sys.platform != "linux", reason="limits of time and memory are tried on Linux")
def test_a_class_is_marked_whatever_it_hands_in(tmp_path, capsys):
    folder, kept = tmp_path / "handed in", tmp_path / "keep.txt"
    kept.write_text("mine")
    folder.mkdir()
    cases = SUBMISSIONS | {
        "deleting": ([f"__import__('os').remove({str(kept)!r})", f"return {K} ** 0.5"], ("error", "")),
    }
    boxed = marks.can_box()
    if not boxed:
        del cases["deleting"], cases["forking"]
    for name, (body, _) in cases.items():
        (folder / f"{name}.ipynb").write_text(json.dumps(answered(body, name)), encoding="utf-8")
    (folder / "windows.ipynb").write_bytes(
        json.dumps(answered(SUBMISSIONS["right"][0], "windows"), indent=1).replace("\n", "\r\n").encode()
    )
    broken = answered(["return 1 +"], "broken")
    broken["metadata"]["kernelspec"] = {"name": "no-such-kernel"}
    (folder / "broken.ipynb").write_text(json.dumps(broken))
    (folder / "notes.ipynb").write_text("no notebook")
    out = tmp_path / "out" / "marks.csv"
    assert main(["marks", str(folder), "--out", str(out), "--seconds", "20"]) == 0
    with open(out, encoding="utf-8-sig", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file) if row["exercise"] in (FIRST, "")}
    for name, (_, (verdict, words)) in cases.items():
        row = rows[name]
        assert row["verdict"] == verdict and words in row["mistake"] + row["note"], (name, row)
    assert rows["windows"]["verdict"] == "right" and "the same text as 1 other" in rows["windows"]["note"]
    assert rows["broken"]["verdict"] == "open" and "SyntaxError" in rows["broken"]["note"]
    assert rows["notes"]["verdict"] == "error" and "no submission" in rows["notes"]["note"]
    sleepers = subprocess.run(["pgrep", "-f", "sleep 987"], capture_output=True, text=True)
    assert not sleepers.stdout, "what a submission started outlives it"
    assert kept.read_text() == "mine", "a submission changed something outside its folder"
    page = out.with_suffix(".html").read_text(encoding="utf-8")
    assert (
        "you forgot the square root: 1 of" in page
        and f"Exercise {FIRST}" in page
        and "To show again: lesson 04" in page
    )
    capsys.readouterr()
    assert main(["marks", str(folder), "--out", str(out), "--seconds", "1"]) == 0, "all was kept: nothing runs again"
    assert "stopped after 20 seconds" in capsys.readouterr().out


def test_a_formula_for_a_spreadsheet_is_text(tmp_path):
    marked = {"student": "=1+1", "file": "a.ipynb", "lesson": "04", "rows": [("4.1", "right", "")], "note": ""}
    marks.write_csv(tmp_path / "m.csv", [marked])
    assert "'=1+1" in (tmp_path / "m.csv").read_text(encoding="utf-8-sig")


def test_marking_says_what_is_missing(tmp_path, capsys):
    assert main(["marks", str(tmp_path)]) == 2
    assert "but must be a folder with notebooks in it" in capsys.readouterr().err
    done = subprocess.run([sys.executable, "-m", "ddim_lessons", "marks", "-h"], capture_output=True, text=True)
    assert done.returncode == 0 and "--seconds" in done.stdout
