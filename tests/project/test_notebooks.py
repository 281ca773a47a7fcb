"""The lessons' files keep the rules; the folded solutions are right; and each rule catches what it is for."""

import importlib.util
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import nbformat
import notebook_rules as rules
import pytest

from ddim_lessons.files import ROOT

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = [path.stem for path in PATHS]


def read(path):
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_rule(path, rule):
    assert rule(read(path)) == []


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_size_and_links(path):
    assert rules.sizes(read(path), path) + rules.links(read(path), path) == []


def setup_of(notebook):
    """Run a notebook's setup cell and return its names."""
    names = {}
    exec(notebook.cells[1].source, names)
    return names


EXERCISES = [
    pytest.param(path, number, id=f"{path.stem}-{number}") for path in PATHS for number in rules.exercises(read(path))
]


@pytest.mark.parametrize("path, number", EXERCISES)
def test_the_stub_is_open_and_the_solution_is_right(path, number, capsys):
    notebook = read(path)
    stub, solution = rules.exercises(notebook)[number]
    assert solution, f"exercise {number} lacks a folded solution with one python block, in the cell after the stub"
    names = setup_of(notebook)
    exec(stub, names)
    exec(rules.with_solution(stub, solution), names)
    first, second = capsys.readouterr().out.splitlines()
    assert "not attempted yet" in first, f"the stub of exercise {number} is told: {first}"
    assert second == f"Exercise {number}: ✓ right", f"the folded solution of exercise {number} is told: {second}"


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_every_known_exercise_stands_in_its_lesson(path):
    from importlib import import_module

    known = import_module(f"ddim_lessons.lessons.lesson_{path.stem[:2]}.exercises").EXERCISES
    assert list(rules.exercises(read(path))) == list(known)


# --- each rule catches what it is for ----------------------------------------------------------------------------


def first_code(notebook):
    return rules.code_cells(notebook)[1]


def live_outputs(notebook):
    return next(cell.outputs for cell in rules.code_cells(notebook) if "[live figure]" in str(cell.outputs))


def last_tag(notebook):
    return [cell for cell in notebook.cells if "\\tag{" in cell.source][-1]


def is_of_an_equation(cell):
    return "\\tag{" in cell.source or "verify" in cell.source


def stream(name, text):
    return nbformat.v4.new_output("stream", name=name, text=text)


def set_in(mapping, key, value):
    mapping[key] = value


PLANTED = [
    (rules.execution_counts, lambda nb: set_in(first_code(nb), "execution_count", None)),
    (rules.metadata, lambda nb: set_in(nb.metadata.kernelspec, "name", "my-env")),
    (rules.metadata, lambda nb: set_in(nb.metadata, "widgets", {})),
    (rules.metadata, lambda nb: set_in(nb.cells[3].metadata, "tags", ["nbval-skip"])),
    (rules.metadata, lambda nb: nb.cells[3].metadata.pop("slideshow")),
    (rules.metadata, lambda nb: set_in(nb.cells[3].metadata, "execution", {"iopub.status.busy": "now"})),
    (rules.clean_outputs, lambda nb: first_code(nb).outputs.append(stream("stderr", "a warning"))),
    (rules.clean_outputs, lambda nb: first_code(nb).outputs.append(stream("stdout", "<object at 0x7f1234567890>"))),
    (rules.clean_outputs, lambda nb: first_code(nb).outputs.append(stream("stdout", "took 12.5 ms"))),
    (rules.cell_lengths, lambda nb: set_in(first_code(nb), "source", "x = 1\n" * 21)),
    (rules.opening, lambda nb: set_in(nb.cells[0], "source", "# 00 · Start here")),
    (rules.cell_lengths, lambda nb: set_in(first_code(nb), "source", "x = 1\n" * 13)),
    (rules.cell_lengths, lambda nb: set_in(nb.cells[1], "source", "import numpy\n" * 6)),
    (rules.minutes, lambda nb: nb.cells.append(nbformat.v4.new_markdown_cell("word " * 600))),
    (rules.formulas, lambda nb: nb.cells.append(nbformat.v4.new_markdown_cell("$$x_t = \\eta} \\tag{3.7}$$"))),
    (rules.sections, lambda nb: nb.cells.append(nbformat.v4.new_markdown_cell("## 4 · Now yours"))),
    (rules.side_roads, lambda nb: nb.cells.append(nbformat.v4.new_markdown_cell("## 9 · Side road: more"))),
    (rules.side_roads, lambda nb: set_in(first_code(nb).metadata, "tags", ["side-road"])),
    (rules.side_roads, lambda nb: nb.cells.append(nbformat.v4.new_markdown_cell("text\n\n## 9 · More"))),
    (rules.main_road_stands_alone, lambda nb: set_in(first_code(nb).metadata, "tags", ["side-road"])),
    (rules.exercises_import_for_themselves, lambda nb: set_in(nb.cells[1].metadata, "tags", ["exercise-0.1"])),
    (rules.predictions, lambda nb: set_in(nb.cells[2], "source", "**Predict.** Which?\n\nThe first.")),
    (rules.no_plumbing, lambda nb: set_in(first_code(nb), "source", "x.transpose(1, 0)")),
    (rules.one_check_fails_on_purpose, lambda nb: set_in(nb, "cells", [c for c in nb.cells if not c.get("outputs")])),
    (rules.ending, lambda nb: nb.cells.pop()),
    (rules.equations_are_checked, lambda nb: nb.cells.append(nbformat.v4.new_markdown_cell("$$1=1 \\tag{0.9}$$"))),
    (rules.equations_are_checked, lambda nb: set_in(last_tag(nb), "source", "no equation any more")),
    (rules.equations_are_checked, lambda nb: set_in(nb, "cells", [c for c in nb.cells if not is_of_an_equation(c)])),
    (rules.still_before_live, lambda nb: set_in(nb, "cells", [c for c in nb.cells if not c.get("outputs")])),
    (rules.still_before_live, lambda nb: [c.outputs.clear() for c in rules.code_cells(nb) if "show(" in c.source]),
    (rules.live_figures_leave_a_still, lambda nb: live_outputs(nb)[0].data.pop("image/png")),
    (rules.live_figures_leave_a_still, lambda nb: live_outputs(nb)[1].data.update({"text/html": "a note"})),
    (rules.live_figures_leave_a_still, lambda nb: live_outputs(nb).pop()),
]


@pytest.mark.parametrize("rule, plant", PLANTED)
def test_planted_offence_is_caught(rule, plant):
    notebook = read(PATHS[0])
    assert rule(notebook) == []
    plant(notebook)
    assert rule(notebook) != []


# --- strict nbval ------------------------------------------------------------------------------------------------


def run_nbval(folder):
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-p", "no:playwright", "-q"]
    config = ["-c", "/dev/null", "--rootdir", str(folder), "-p", "no:cacheprovider"]
    return subprocess.run([*command, *config, str(folder)], capture_output=True, text=True)


def small_lesson(folder, change=lambda notebook: None):
    """A copy of lesson 00's first four cells, with a change, to be run by strict nbval."""
    notebook = read(PATHS[0])
    notebook.cells = notebook.cells[:4]
    change(notebook)
    nbformat.write(notebook, folder / "copy.ipynb")
    return run_nbval(folder)


def test_strict_nbval_passes_on_lesson_00_and_fails_when_one_printed_figure_is_changed(tmp_path):
    def change_a_figure(notebook):
        output = notebook.cells[3].outputs[0]
        assert "72 s" in output.text
        output.text = re.sub("72 s", "73 s", output.text)

    good = small_lesson(tmp_path)
    assert good.returncode == 0, good.stdout
    bad = small_lesson(tmp_path, change_a_figure)
    assert bad.returncode == 1 and "73 s" in bad.stdout


def test_strict_nbval_fails_when_a_live_figure_raises_on_its_first_call(tmp_path):
    def break_the_figure(notebook):
        notebook.cells[3].source += "\npictures.ddpm_beside_ddim('no such data')"

    bad = small_lesson(tmp_path, break_the_figure)
    assert bad.returncode == 1 and "no such data" in bad.stdout


# --- one notebook alone ------------------------------------------------------------------------------------------


def test_a_notebook_alone_does_not_depend_on_the_tester_s_home(tmp_path):
    """The conftest.py of the root: another IPython profile changes no output, and no progress is written."""
    profile = tmp_path / ".ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text('get_config().InteractiveShell.ast_node_interactivity = "all"')
    command = [sys.executable, "-m", "pytest", "--nbval", "-n0", "notebooks/03_the_ab_split.ipynb"]
    own = ("DDIM_LESSONS_PROGRESS", "IPYTHONDIR", "MATPLOTLIBRC")
    environment = {name: value for name, value in os.environ.items() if name not in own} | {"HOME": str(tmp_path)}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
    assert not [path.name for path in tmp_path.rglob("*") if "progress" in path.name]


@pytest.fixture(scope="module")
def root_conftest():
    spec = importlib.util.spec_from_file_location("root_conftest", ROOT / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    environment = dict(os.environ)
    spec.loader.exec_module(module)
    os.environ.update(environment)
    return module


def test_shuffled_cells_are_put_back_in_order(root_conftest):
    test, other = SimpleNamespace(name="test"), SimpleNamespace(name="other")
    cells = [SimpleNamespace(path=name, cell_num=k) for name in ("a", "b") for k in range(12)]
    items = [*cells[::-5], test, *(cell for cell in cells[::2] if cell not in cells[::-5]), other]
    items += [cell for cell in cells if cell not in items]
    root_conftest.pytest_collection_modifyitems(items)
    assert items == [test, other, *cells]


def test_a_notebook_on_two_processes_is_refused(root_conftest):
    for how in ("load", "worksteal"):
        with pytest.raises(pytest.UsageError, match="--dist loadfile"):
            root_conftest.pytest_configure(SimpleNamespace(getoption=lambda *_, how=how: how))
    root_conftest.pytest_configure(SimpleNamespace(getoption=lambda *_: "loadfile"))
