"""The tool that shifts all seeds sees a lucky claim and lets a sure one pass."""

import sys

import nbformat
import numpy as np
import pytest

from ddim_lessons.files import ROOT

sys.path.insert(0, str(ROOT / "tools"))

import other_seeds

SETUP = """
import numpy as np, torch
from ddim_lessons.files import read_json
from ddim_lessons.learning import quality
from ddim_lessons.teaching.checks import claim, verify, verify_mean
recorded = read_json("results/lesson_09.json")
"""
CELLS = {
    "sure": "claim('sure', abs(np.random.default_rng(0).standard_normal(100).mean()) < 2)",
    "lucky": "claim('lucky', np.random.default_rng(0).standard_normal() > 0.1)",
    "lucky in torch": "torch.manual_seed(0)\nclaim('lucky in torch', torch.randn(1).item() > 1)",
    "of a generator": "one = torch.Generator().manual_seed(0)\nclaim('of one', torch.randn(1, generator=one) > 1)",
    "of the package": "claim('of the package', quality.true_draw('ring', 0, n=1)[0, 0] > 0)",
    "an equation": "verify('9.1', 1.0, 2.0)\nclaim('the cell goes on', True)",
    "about a record": "claim('about a record', recorded == np.random.default_rng(0).random())",
    "stops": "np.ones(3) + np.ones(4)",
}


@pytest.fixture
def lesson(tmp_path):
    """A lesson with one cell for each kind of claim."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in (SETUP, *CELLS.values())])
    nbformat.write(notebook, tmp_path / "09_planted.ipynb")
    return tmp_path / "09_planted.ipynb"


@pytest.mark.filterwarnings("ignore")
def test_a_lucky_claim_is_seen_and_a_sure_one_is_not(lesson, capsys):
    results = [other_seeds.run_lesson(lesson, shift) for shift in range(1000, 1016)]
    runs, fell = other_seeds.share(lesson, results)
    said = capsys.readouterr().out
    for lucky in ("lucky", "lucky in torch", "of one", "of the package"):
        held = [holds for run, _ in results for (_, text), holds in run.items() if text == lucky]
        assert len(held) == 16 and {True, False} == set(held), f"{lucky}: {held}"
    assert runs == 16 * 7 and fell == sum(not holds for run, _ in results for holds in run.values()) > 16
    assert "fell in 16 of 16: c6 (9.1) verify" in said and "c8 the cell stopped: ValueError" in said
    assert "about a record: c7" in said and "sure" not in said and "goes on" not in said


def test_a_shift_is_the_same_in_every_run_and_ends_with_the_block():
    before = np.random.default_rng(3).random()
    draws = []
    for shift in (1000, 1000, 1001):
        with other_seeds.shifted_seeds(shift):
            draws.append(np.random.default_rng(3).random())
            assert np.random.default_rng([3, 1]).random() not in draws
    assert draws[0] == draws[1] != draws[2] and before not in draws
    assert np.random.default_rng(3).random() == before


def test_what_comes_from_a_record_is_followed_and_forgotten():
    names = set()
    source = "a = recorded()\nb = a + 1\nclaim('x', b)\na = 2\nclaim('y', a)"
    assert other_seeds.lines_about_records(source, {"recorded"}, names) == {1, 2, 3}
    assert names == {"b"}


def test_an_attribute_is_not_taken_for_a_variable_that_holds_a_record(tmp_path):
    names = set()
    source = (
        "excess = recorded()\nclaim('of a training', high.excess > low.excess)\nclaim('x', pictures.recorded() > 1)"
    )
    assert other_seeds.lines_about_records(source, {"recorded"}, names) == {1, 3}
    (tmp_path / "pictures.py").write_text(
        "def one(run):\n    return run.read_json\ndef two():\n    return read_json('a')\n"
    )
    assert other_seeds.record_readers(tmp_path / "pictures.py") == {"read_json", "read_arrays", "two"}
