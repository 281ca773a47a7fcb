"""Presenting: the copy is folded and the lesson untouched, settings stay apart, the preflight tells the truth.

And the command ``ddim-lessons``, of which presenting is a part.
"""

import json
import os
import socket
import subprocess
import sys
from html import unescape
from importlib.metadata import version

import pytest

from ddim_lessons.__main__ import COMMANDS, main
from ddim_lessons.stage import preflight, present, server, start
from ddim_lessons.teaching import environment

NUMBERS = sorted(path.name[:2] for path in server.NOTEBOOKS.glob("*.ipynb"))


def write(folder):
    """Write all that a presentation needs; returns whether copies lay there already."""
    present.write_settings(folder)
    return server.write_copies(folder, lambda notebook, number: notebook)


def read(number):
    return json.loads(server.lesson_path(number).read_text(encoding="utf-8"))


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
    write(tmp_path)
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert {f"lessons/{path.name}" for path in server.NOTEBOOKS.glob("*.ipynb")} < written
    assert "jupyter_config_dir/custom/custom.css" in written
    _, environment = present.server_command(tmp_path, "07.ipynb", 1)
    changed = {name: value for name, value in environment.items() if os.environ.get(name) != value}
    assert set(changed) == set(server.OWN_FOLDERS) | {"DDIM_LESSONS_ZOOM", "DDIM_LESSONS_PROGRESS"}
    assert all(changed[place].startswith(str(tmp_path)) for place in server.OWN_FOLDERS)


def test_the_keys_come_as_an_extension_that_jupyterlab_finds(tmp_path):
    present.write_settings(tmp_path)
    folder = tmp_path / "extensions" / "ddim-present"
    package = json.loads((folder / "package.json").read_text())
    keys = (folder / package["jupyterlab"]["_build"]["load"]).read_text()
    assert f'["{package["name"]}"]' in keys and "PageDown" in keys and "PageUp" in keys
    command, _ = present.server_command(tmp_path, "07.ipynb", 1)
    assert f"--LabApp.extra_labextensions_path={tmp_path / 'extensions'}" in command
    assert "--ip=127.0.0.1" in command and not any("token" in word for word in command), "JupyterLab makes the token"


@pytest.mark.parametrize("arguments, sentence", [
    (["present", "77"], "the lesson is '77', but must be one of 00, 01"),
    (["start", "77"], "the lesson is '77', but must be one of 00, 01"),
    (["page", "77"], "the lesson is '77', but must be one of 00, 01"),
    (["check", "x"], "the lesson is 'x'"),
    (["present", "-1", "--notes"], "the lesson is '-1'"),
    (["present", "00", "--port", "99999"], "port 99999 cannot be used"),
    (["page", "00", "--port", "99999"], "port 99999 cannot be used"),
    (["start", "--port", "-1"], "port -1 cannot be used"),
    (["present", "", "--notes"], "the lesson is ''"),
    (["check", "../00"], "the lesson is '../00'"),
    (["present", "00", "--folder", "/dev/null"], "[Errno "),
])  # fmt: skip
def test_bad_input_gets_a_sentence(arguments, sentence, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert err.startswith(f"ddim-lessons: {sentence}") and err.count("\n") == 1 and out == ""


@pytest.mark.parametrize(
    "arguments",
    [[], ["dance"], ["present"], ["page", "00", "--port", "many"], ["check", "00", "--loud"], ["doctor", "1"]],
)
def test_a_wrong_command_line_gets_the_usage(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2 and "usage: ddim-lessons" in capsys.readouterr().err


@pytest.mark.parametrize("name", [None, *(function.__name__ for function, _, _ in COMMANDS)])
def test_help_is_one_page_that_every_terminal_shows(name, capsys):
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"] if name else ["--help"])
    out = capsys.readouterr().out
    assert stop.value.code == 0 and out.isascii() and len(out.splitlines()) <= 24
    assert name or all(function.__name__ in out for function, _, _ in COMMANDS)


def test_ctrl_c_in_the_preflight_is_no_traceback(monkeypatch, capsys):
    monkeypatch.setattr(preflight, "run_lesson", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert main(["check", "00"]) == 130
    assert capsys.readouterr().err == "ddim-lessons: stopped\n"


class Server:
    """Stands for a running JupyterLab: the first wait for it ends with Ctrl+C."""

    def __init__(self, command, env):
        self.command, self.env, self.did = command, env, []
        Server.last = self

    def wait(self, timeout=None):
        self.did.append("wait")
        if self.did == ["wait"]:
            raise KeyboardInterrupt

    def terminate(self):
        self.did.append("terminate")


@pytest.mark.parametrize("arguments", [["start", "03"], ["present", "03"], ["page", "03", "--no-browser"]])
def test_ctrl_c_ends_the_server_before_the_command(arguments, monkeypatch, capsys):
    monkeypatch.setattr(server.subprocess, "Popen", Server)
    monkeypatch.setattr(server.signal, "signal", lambda *_: None)
    assert main(arguments) == 130
    assert capsys.readouterr().err == "ddim-lessons: stopped\n"
    assert Server.last.did == ["wait", "terminate", "wait"]


def test_start_opens_the_lesson_itself_with_the_reader_s_own_settings(monkeypatch):
    monkeypatch.setattr(server.subprocess, "Popen", Server)
    monkeypatch.setattr(server.signal, "signal", lambda *_: None)
    main(["start", "--no-browser"])
    assert Server.last.env is None, "another environment would hide the reader's settings"
    command = Server.last.command
    assert "--LabApp.default_url=/lab/tree/00_start_here.ipynb" in command and "--no-browser" in command
    assert f"--ServerApp.root_dir={server.NOTEBOOKS}" in command and not any("--port" in word for word in command)
    assert "--ip=127.0.0.1" in command and "--LabApp.news_url=" in command, "nobody is asked for news"


def started_in(folder, monkeypatch):
    monkeypatch.setattr(server, "serve", lambda command: command)
    return start.start_lesson("03", folder=folder)


def test_start_copies_the_lessons_and_never_writes_over_what_was_worked_on(tmp_path, monkeypatch, capsys):
    shipped, mine = tmp_path / "shipped", tmp_path / "mine"
    shipped.mkdir()
    for number in ("02", "03", "04"):
        (shipped / f"{number}_x.ipynb").write_text(f"lesson {number}")
    monkeypatch.setattr(server, "NOTEBOOKS", shipped)
    command = started_in(mine, monkeypatch)
    assert f"--ServerApp.root_dir={mine}" in command and "--LabApp.default_url=/lab/tree/03_x.ipynb" in command
    (mine / "03_x.ipynb").write_text("my own work")
    (mine / "04_x.ipynb").unlink()
    (shipped / "02_x.ipynb").write_text("lesson 02, mended")
    (shipped / "03_x.ipynb").write_text("lesson 03, mended")
    capsys.readouterr()
    started_in(mine, monkeypatch)
    texts = {path.relative_to(mine).as_posix(): path.read_text() for path in mine.rglob("*.ipynb")}
    assert texts == {
        "02_x.ipynb": "lesson 02, mended", "03_x.ipynb": "my own work", "04_x.ipynb": "lesson 04",
        "newer/03_x.ipynb": "lesson 03, mended",
    }  # fmt: skip
    said = capsys.readouterr().out
    assert "02_x.ipynb: replaced" in said and "03_x.ipynb: yours stays" in said and "04" not in said
    started_in(mine, monkeypatch)
    assert capsys.readouterr().out.count("\n") == 1, "what was said once is not said again"
    (mine / start.COPIED).write_text("damaged")
    started_in(mine, monkeypatch)
    assert (mine / "03_x.ipynb").read_text() == "my own work"


def test_an_installed_package_starts_on_copies_where_the_command_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(start, "PACKAGE", start.ROOT)
    assert f"--ServerApp.root_dir={tmp_path / 'ddim-lessons'}" in started_in(None, monkeypatch)


ODD = """
import sys
from ddim_lessons.__main__ import main
from ddim_lessons.teaching.checks import claim, verify, verify_true
from ddim_lessons.teaching.exercises import check
verify("2.2", 1.0, 1.0)
verify_true("2.3", "σ² ≥ 0", True)
claim("ᾱ falls", True)
check("5.3", {2, 3})
sys.exit(main(["present", "--notes", "04"]) or main(["doctor"]))
"""


@pytest.mark.parametrize("alphabet", ["cp1252", "ascii"])
def test_a_terminal_with_another_alphabet_stops_nothing(alphabet, tmp_path):
    notes = tmp_path / "progress.json"
    own = os.environ | {"PYTHONIOENCODING": alphabet, "DDIM_LESSONS_PROGRESS": str(notes)}
    done = subprocess.run([sys.executable, "-c", ODD], env=own, capture_output=True)
    said = done.stdout.decode(alphabet)
    assert done.returncode == 0 and done.stderr == b"", done.stderr
    assert said.startswith("? (2.2) both sides agree to 1e-12") and "? ? falls" in said and "Data files:" in said
    assert json.loads(notes.read_text()) == {"exercise": ["5.3"], "equation": ["2.2", "2.3"]}


@pytest.mark.parametrize("form, first", [
    (["present", "--notes", "04"], "# Lesson 04 · The non-Markovian posterior"),
    (["present", "--check", "77"], "ddim-lessons: the lesson is '77'"),
    (["pages", "77"], "ddim-lessons: the lesson is '77'"),
])  # fmt: skip
def test_the_modules_are_the_same_command(form, first):
    command = [sys.executable, "-m", f"ddim_lessons.{form[0]}", *form[1:]]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONIOENCODING": "utf-8"})
    assert (done.stdout + done.stderr).startswith(first) and done.returncode == (0 if "--notes" in form else 2)


def test_the_doctor_s_status_says_whether_something_is_missing_or_damaged(monkeypatch, capsys):
    monkeypatch.setattr(environment, "_device", lambda: (True, "a device"))
    assert main(["doctor"]) == 0
    capsys.readouterr()
    for name, value, sentence in [
        ("_dependencies", lambda: ["numpy", "no-such-package"], "no-such-package MISSING"),
        ("_device", lambda: (False, "torch is there and does not start"), "does not start"),
        ("damaged_files", lambda: ["digits.npz"], "missing or damaged: digits.npz"),
    ]:
        with monkeypatch.context() as planted:
            planted.setattr(environment, name, value)
            assert main(["doctor"]) == 1, name
            assert sentence in capsys.readouterr().out
    for name in ("requires", "version"):  # as in a clone that nobody installed
        monkeypatch.setattr(environment, name, lambda name: version(f"no-such-{name}"))
    assert main(["doctor"]) == 1
    assert "ddim-lessons MISSING: run the first command" in capsys.readouterr().out


def test_a_taken_port_gets_a_sentence(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["present", "00", "--port", str(port)]) == 2
    assert f"port {port} cannot be used" in capsys.readouterr().err


def test_a_missing_jupyterlab_gets_a_sentence(monkeypatch, capsys):
    monkeypatch.setattr(server, "find_spec", lambda name: None)
    for command in ("start", "present", "check"):
        assert main([command, "00"]) == 2
        assert "JupyterLab is not installed" in capsys.readouterr().err


def test_the_preflight_says_that_all_is_ready_or_what_is_not(tmp_path, monkeypatch, capsys):
    notebook = read("00")
    notebook["cells"] = notebook["cells"][:4]
    good, bad = tmp_path / "00_good.ipynb", tmp_path / "01_bad.ipynb"
    good.write_text(json.dumps(notebook))
    notebook["cells"][3]["source"] = ["print('another text')\n", "1 / 0"]
    bad.write_text(json.dumps(notebook))
    monkeypatch.setattr(server, "NOTEBOOKS", tmp_path)
    assert main(["check", "00"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Lesson 00: 2 code cells ran in ")
    assert "All is ready: ddim-lessons present 00" in out
    assert main(["check", "01"]) == 1
    out = capsys.readouterr().out
    assert "NOT READY: a cell under “1 · Why DDIM” stopped with ZeroDivisionError" in out
    assert "prints something else than the lesson's file holds" in out and "All is ready" not in out


def test_a_folder_without_lessons_gets_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(server, "NOTEBOOKS", tmp_path)
    for command in (["start"], ["present", "00"], ["page", "00"], ["check", "00"]):
        assert main(command) == 2
        assert "a folder with the lessons" in capsys.readouterr().err


def test_copies_that_lie_in_the_folder_stay_as_they_are(tmp_path):
    assert not write(tmp_path)
    edited, gone = sorted((tmp_path / "lessons").glob("*.ipynb"))[:2]
    edited.write_text("worked on while presenting")
    gone.unlink()
    assert write(tmp_path)
    assert edited.read_text() == "worked on while presenting" and gone.exists()


ASKED = [(number, question) for number in NUMBERS for question in present.class_questions(number)]


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
    asked = present.class_questions(number)
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
