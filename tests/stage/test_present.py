"""Presenting: the copy is folded and the lesson untouched, settings stay apart, the preflight tells the truth."""

import json
import os
import socket
from html import unescape

import pytest

from ddim_lessons.stage import preflight, present, server

NUMBERS = sorted(path.name[:2] for path in server.NOTEBOOKS.glob("*.ipynb"))


def read(number):
    return json.loads(server.lesson(number).read_text(encoding="utf-8"))


@pytest.mark.parametrize("number", NUMBERS)
def test_the_copy_folds_all_code_but_the_exercises_and_shows_no_answer(number):
    lesson = read(number)
    copy = present.presenting_copy(lesson)
    assert lesson == read(number), "the lesson itself must stay as it was"
    assert [cell["source"] for cell in copy["cells"]] == [cell["source"] for cell in lesson["cells"]]
    for cell in (cell for cell in copy["cells"] if cell["cell_type"] == "code"):
        exercise = any("exercise" in tag for tag in cell["metadata"].get("tags", []))
        assert cell["outputs"] == []
        assert cell["metadata"].get("jupyter", {}).get("source_hidden", False) != exercise


def test_all_that_is_written_lies_in_the_folder(tmp_path):
    present.fill(tmp_path)
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert {f"lessons/{path.name}" for path in server.NOTEBOOKS.glob("*.ipynb")} < written
    assert "jupyter_config_dir/custom/custom.css" in written
    _, environment = present.stage(tmp_path, "07.ipynb", 1)
    changed = {name: value for name, value in environment.items() if os.environ.get(name) != value}
    assert set(changed) == set(server.PLACES) | {"DDIM_LESSONS_ZOOM", "DDIM_LESSONS_PROGRESS"}
    assert all(changed[place].startswith(str(tmp_path)) for place in server.PLACES)


def test_the_keys_come_as_an_extension_that_jupyterlab_finds(tmp_path):
    present.fill(tmp_path)
    folder = tmp_path / "extensions" / "ddim-present"
    package = json.loads((folder / "package.json").read_text())
    keys = (folder / package["jupyterlab"]["_build"]["load"]).read_text()
    assert f'["{package["name"]}"]' in keys and "PageDown" in keys and "PageUp" in keys
    command, _ = present.stage(tmp_path, "07.ipynb", 1)
    assert f"--LabApp.extra_labextensions_path={tmp_path / 'extensions'}" in command
    assert "--ip=127.0.0.1" in command and not any("token" in word for word in command), "JupyterLab makes the token"


@pytest.mark.parametrize("arguments, sentence", [
    (["77"], "the lesson is '77', but must be one of 00, 01"),
    (["x", "--check"], "the lesson is 'x'"),
    (["-1", "--notes"], "the lesson is '-1'"),
    (["00", "--port", "99999"], "port 99999 cannot be used"),
    (["00", "--port", "-1"], "port -1 cannot be used"),
    (["", "--notes"], "the lesson is ''"),
    (["../00", "--check"], "the lesson is '../00'"),
    (["00", "--folder", "/dev/null"], "[Errno "),
])  # fmt: skip
def test_bad_input_gets_a_sentence(arguments, sentence, capsys):
    assert present.main(arguments) == 2
    assert capsys.readouterr().err.startswith(f"present: {sentence}")


@pytest.mark.parametrize("arguments", [[], ["00", "--port", "many"], ["00", "--loud"], ["00", "01"]])
def test_a_wrong_command_line_gets_the_usage(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        present.main(arguments)
    assert stop.value.code == 2 and "usage: python -m ddim_lessons.present" in capsys.readouterr().err


def test_ctrl_c_in_the_preflight_is_no_traceback(monkeypatch, capsys):
    monkeypatch.setattr(preflight, "run", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert present.main(["--check", "00"]) == 130
    assert capsys.readouterr().err == "present: stopped\n"


def test_a_taken_port_gets_a_sentence(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert present.main(["00", "--port", str(port)]) == 2
    assert f"port {port} cannot be used" in capsys.readouterr().err


def test_a_missing_jupyterlab_gets_a_sentence(monkeypatch, capsys):
    monkeypatch.setattr(server, "find_spec", lambda name: None)
    assert present.main(["00"]) == 2
    assert "JupyterLab is not installed" in capsys.readouterr().err


def test_the_preflight_says_that_all_is_ready_or_what_is_not(tmp_path, monkeypatch, capsys):
    notebook = read("00")
    notebook["cells"] = notebook["cells"][:4]
    good, bad = tmp_path / "00_good.ipynb", tmp_path / "01_bad.ipynb"
    good.write_text(json.dumps(notebook))
    notebook["cells"][3]["source"] = ["print('another text')\n", "1 / 0"]
    bad.write_text(json.dumps(notebook))
    monkeypatch.setattr(server, "NOTEBOOKS", tmp_path)
    assert present.main(["--check", "00"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Lesson 00: 2 code cells ran in ")
    assert "All is ready: python -m ddim_lessons.present 00" in out
    assert present.main(["--check", "01"]) == 1
    out = capsys.readouterr().out
    assert "NOT READY: a cell under “1 · Data dissolves into noise” stopped with ZeroDivisionError" in out
    assert "prints something else than the lesson's file holds" in out and "All is ready" not in out


def test_a_folder_without_lessons_gets_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "NOTEBOOKS", tmp_path)
    with pytest.raises(ValueError, match="a folder with the lessons"):
        server.lesson("00")


def test_copies_that_lie_in_the_folder_stay_as_they_are(tmp_path):
    assert not present.fill(tmp_path)
    edited, gone = sorted((tmp_path / "lessons").glob("*.ipynb"))[:2]
    edited.write_text("worked on while presenting")
    gone.unlink()
    assert present.fill(tmp_path)
    assert edited.read_text() == "worked on while presenting" and gone.exists()


ASKED = [(number, question) for number in NUMBERS for question in present.questions(number)]


@pytest.mark.parametrize("number, question", ASKED)
def test_a_question_for_the_class_stands_behind_its_prediction(number, question):
    copy = present.presenting_copy(read(number), [question])
    sources = ["".join(cell["source"]) for cell in copy["cells"]]
    (where,) = [k for k, source in enumerate(sources) if "ClassPrediction(" in source]
    assert question["predict"] in sources[where - 1] and "**Predict" in sources[where - 1]
    names = {}
    exec(sources[where].rpartition("\n")[0], names)
    asked = eval(sources[where].rpartition("\n")[2], names)
    asked.hands[0].value, asked.hands[1].value = 3, 9
    asked.button.click()
    shown = unescape(asked.result.value)
    assert f"✓ {question['answer']}" in shown and question["why"] in shown
    assert shown.count("of 12") == len(asked.choices)


@pytest.mark.parametrize("number", NUMBERS)
def test_each_lesson_asks_the_class_and_what_comes_next_decides(number):
    """At least two questions; code that shows something comes before any text."""
    asked = present.questions(number)
    assert len(asked) >= 2
    copy = present.presenting_copy(read(number), asked)["cells"]
    ids = [cell["id"] for cell in copy]
    assert len(set(ids)) == len(ids)
    shown = {cell["id"] for cell in read(number)["cells"] if cell.get("outputs")}
    for k in range(len(asked)):
        after = copy[ids.index(f"hands-{k}") + 1 :][:2]
        assert after[0]["cell_type"] == "code" and shown & {cell["id"] for cell in after if cell["cell_type"] == "code"}
    for question in asked:
        assert 3 <= len(set(question["choices"])) == len(question["choices"]) and question["why"].endswith(".")


def test_a_question_whose_answer_is_no_choice_is_refused():
    from ddim_lessons.figures.live import ClassPrediction

    with pytest.raises(ValueError, match="answer is 'c'"):
        ClassPrediction("which?", ["a", "b"], "c")
