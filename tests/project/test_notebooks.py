"""The lessons' files keep the rules; the folded solutions are right; and each rule catches what it is for."""

import re
import subprocess
import sys

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
    (rules.ending, lambda nb: nb.cells.pop()),
    (rules.equations_are_checked, lambda nb: nb.cells.append(nbformat.v4.new_markdown_cell("$$1=1 \\tag{0.9}$$"))),
    (rules.equations_are_checked, lambda nb: set_in(last_tag(nb), "source", "no equation any more")),
    (rules.equations_are_checked, lambda nb: set_in(nb, "cells", [c for c in nb.cells if not is_of_an_equation(c)])),
    (rules.still_before_live, lambda nb: set_in(nb, "cells", [c for c in nb.cells if not c.get("outputs")])),
    (rules.still_before_live, lambda nb: [c.outputs.clear() for c in rules.code_cells(nb) if "show(" in c.source]),
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
        assert "1,000 values" in output.text
        output.text = re.sub("1,000 values", "1,001 values", output.text)

    good = small_lesson(tmp_path)
    assert good.returncode == 0, good.stdout
    bad = small_lesson(tmp_path, change_a_figure)
    assert bad.returncode == 1 and "1,001 values" in bad.stdout


def test_strict_nbval_fails_when_a_live_figure_raises_on_its_first_call(tmp_path):
    def break_the_figure(notebook):
        notebook.cells[3].source += "\nddpm_beside_ddim('no such data')"

    bad = small_lesson(tmp_path, break_the_figure)
    assert bad.returncode == 1 and "no such data" in bad.stdout
