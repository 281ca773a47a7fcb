"""Progress: noted once, read back, shown in lesson 00; no write, no harm."""

import json

import pytest

from ddim_lessons.lessons.lesson_00.pictures import progress_table
from ddim_lessons.teaching import progress
from ddim_lessons.teaching.checks import EquationError, verify
from ddim_lessons.teaching.exercises import check, exercise


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "a folder" / "progress.json"
    monkeypatch.setenv("DDIM_LESSONS_PROGRESS", str(path))
    return path


def test_only_what_is_right_is_noted(file, capsys):
    check("2.4", ...)
    check("2.5", lambda *arguments: 1.0)
    with pytest.raises(EquationError):
        verify("2.1", 1.0, 2.0)
    assert not file.exists()
    check("5.3", {2, 3})
    verify("2.2", 1.0, 1.0)
    assert json.loads(file.read_text()) == {"exercise": ["5.3"], "equation": ["2.2"]}
    assert [path.name for path in file.parent.iterdir()] == ["progress.json"]
    assert capsys.readouterr().out.splitlines()[-2:] == ["Exercise 5.3: ✓ right", "✓ (2.2) both sides agree to 1e-12"]


def test_the_table_follows_and_counts_every_exercise(file, capsys):
    live = progress_table()
    words = live.words
    assert words.startswith("All lessons: 0 of ") and "0 of 1" in live.html.value
    total = sum(len(found["exercise"][1]) for _, found in progress.overview())
    assert f"0 of {total} exercises" in words
    assert all(exercise(n) for _, found in progress.overview() for n in found["exercise"][1])
    check("5.3", {2, 3})
    live.reset()
    assert live.words == words.replace("lessons: 0", "lessons: 1")
    live.controls["show"].value = "05 · One objective for all"
    assert "<td>5.3 ✓</td>" in live.html.value and "1 of 4 exercises solved" in live.words


def test_a_reader_s_own_notebook_a_broken_one_and_a_copy_of_a_lesson_count_for_nothing(tmp_path, monkeypatch):
    titles = {"00_start_here": "00 · Start", "00_start_here-Copy1": "00 · Start", "11_mine": "11 my scribbles"}
    for name, title in titles.items():
        cells = [{"cell_type": "markdown", "metadata": {}, "source": [f"# {title}\n"]}]
        (tmp_path / f"{name}.ipynb").write_text(json.dumps({"cells": cells}, ensure_ascii=False), encoding="utf-8")
    for number, text in enumerate(
        ['{"cells": [{', "[]", '{"cells": [5]}', '{"cells": [{"metadata": [], "source": ""}]}', "{}"]
    ):
        (tmp_path / f"2{number}_broken.ipynb").write_text(text, encoding="utf-8")
    monkeypatch.setattr(progress, "NOTEBOOKS", tmp_path)
    assert progress.overview() == [("00 · Start", {"exercise": ([], []), "equation": ([], [])})]


def test_numbers_come_from_tags_and_equations_and_from_nothing_else(file, tmp_path, monkeypatch):
    cells = [
        {"metadata": {}, "source": "# 07 · Lab\n\nSee exercise-7.9 and tag{7.9}."},
        {"metadata": {}, "source": ["$$x \\tag{7.2}$$\n", "$$y \\tag{7.1}$$ and once more \\tag{7.2}"]},
        {"metadata": {"tags": ["exercise-7.1", "setup"]}, "source": "...", "outputs": [{"text": "\\tag{7.8}"}]},
    ]
    (tmp_path / "07_lab.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    monkeypatch.setattr(progress, "NOTEBOOKS", tmp_path)
    assert progress.overview() == [("07 · Lab", {"exercise": ([], ["7.1"]), "equation": ([], ["7.2", "7.1"])})]


def test_a_place_that_cannot_be_written_or_read_does_no_harm(file, capsys):
    file.parent.mkdir()
    file.write_text("not JSON")
    assert progress.done("exercise") == set()
    file.unlink()
    file.parent.rmdir()
    file.parent.write_text("a file where the folder should be")
    check("5.3", {2, 3})
    assert capsys.readouterr().out == "Exercise 5.3: ✓ right\n" and progress.done("exercise") == set()


def test_a_reader_s_own_equations_of_any_name_leave_the_file_whole(file, capsys):
    for name in (1.1, 5, None, ("1", 2), ["1.1"], "mine", "1.1.1"):
        verify(name, 1.0, 1.0)
    assert not file.exists()
    verify("2.2", 1.0, 1.0)
    file.write_text('{"exercise": [5.3, null, "5.1"], "equation": ["2.2", 7, [1]]}')
    verify("2.3", 1.0, 1.0)
    assert json.loads(file.read_text()) == {"exercise": ["5.1"], "equation": ["2.2", "2.3"]}


def test_the_reader_s_home_is_the_default_and_tests_leave_it_alone(monkeypatch):
    assert ".ddim_lessons" not in str(progress.place()), "conftest.py must name another place"
    monkeypatch.delenv("DDIM_LESSONS_PROGRESS")
    assert progress.place().parts[-2:] == (".ddim_lessons", "progress.json")


HOME = ".ddim_lessons/progress.json"


@pytest.mark.parametrize("named, where", [
    ("", HOME), ("~/notes/x.json", "notes/x.json"), ("x.json", "x.json"), ("notes/x.json", "notes/x.json"),
    ("~", "progress.json"), (".", "progress.json"), ("a folder", "a folder/progress.json"),
    ("a folder/..", "a folder/../progress.json"),
])  # fmt: skip
def test_the_file_is_where_a_reader_would_look_for_it(named, where, tmp_path, monkeypatch, capsys):
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    (home / "a folder").mkdir(parents=True)
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)  # a kernel starts in the folder of its notebook
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("DDIM_LESSONS_PROGRESS", named)
    verify("2.2", 1.0, 1.0)
    assert progress.done("equation") == {"2.2"} and not list(elsewhere.iterdir())
    assert [path for path in home.rglob("*") if path.is_file()] == [(home / where).resolve()]


@pytest.mark.parametrize("named, noted", [("", False), ("~/x.json", False), ("x.json", False), ("{}/x.json", True)])
def test_without_a_home_a_check_holds_all_the_same(named, noted, tmp_path, monkeypatch, capsys):
    """As in a container whose user has no name: no HOME, and the list of users does not know this one."""
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "USERPROFILE", "HOMEPATH", "HOMEDRIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # what it does where it finds no home
    monkeypatch.setenv("DDIM_LESSONS_PROGRESS", named.format(tmp_path))
    check("5.3", {2, 3})
    verify("2.2", 1.0, 1.0)
    assert capsys.readouterr().out.splitlines() == ["Exercise 5.3: ✓ right", "✓ (2.2) both sides agree to 1e-12"]
    assert progress.done("exercise") == ({"5.3"} if noted else set())
    assert [path.name for path in tmp_path.iterdir()] == (["x.json"] if noted else [])
    assert progress.overview()[0][1]["equation"][1], "lesson 00's table shows what there is to do"


@pytest.mark.parametrize("trouble", ["~nobody-of-this-name/x.json", "/dev/null/x.json", "x" * 5000])
def test_a_place_that_does_not_exist_does_no_harm(trouble, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DDIM_LESSONS_PROGRESS", trouble)
    verify("2.2", 1.0, 1.0)
    assert "✓ (2.2)" in capsys.readouterr().out
    assert progress.done("equation") == set() and not list(tmp_path.iterdir())
