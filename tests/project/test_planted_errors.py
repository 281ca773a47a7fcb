"""Every check of a lesson can fail, and every claim holds on seeds that its author did not see.

Each lesson runs in this process under one shift of all seeds (tools/other_seeds.py; weekly.yml takes twenty fresh
ones). Before a cell that checks a numbered equation runs as it stands, copies of it with one operator changed (+ ↔ −,
· ↔ /, or a power left out) run on a copy of the lesson's variables.
"""

import ast
import sys
from copy import deepcopy

import nbformat
import numpy as np
import pytest

from ddim_lessons.files import ROOT

sys.path.insert(0, str(ROOT / "tools"))

import other_seeds

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SWAP = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
SHIFT = 1


def operators(tree):
    """The arithmetic operations of a cell, plus and minus first: they are the errors that readers make."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.BinOp) and type(node.op) in (*SWAP, ast.Pow)]
    return sorted(found, key=lambda node: not isinstance(node.op, ast.Add | ast.Sub))


def mutants(source):
    """Yield a changed tree for each operator of a cell."""
    for index in range(len(operators(ast.parse(source)))):
        tree = ast.parse(source)
        target = operators(tree)[index]
        if isinstance(target.op, ast.Pow):
            target.op, target.right = ast.Mult(), ast.Constant(1)
        else:
            target.op = SWAP[type(target.op)]()
        yield ast.fix_missing_locations(tree)


def fallen(tree, names, found):
    """The checks that fail in a cell, and what stops it; its variables are copies, so that nothing of it stays."""
    found.clear()
    own = {k: deepcopy(v) if isinstance(v, np.ndarray | np.random.Generator) else v for k, v in names.items()}
    other_seeds.run_cell(tree, own, found)
    return {text for _, text, holds in found if not holds}


def has_operators_and_verifies(cell):
    """Whether a cell checks an equation that it computes; one that fails on purpose has been seen to fail."""
    meant = "verify" in cell.source and "on_purpose" not in cell.source
    return meant and "setup" not in cell.metadata.get("tags", []) and bool(operators(ast.parse(cell.source)))


def run_with_errors(path):
    """Run a lesson; return ({(cell, claim): whether it holds}, {checking cell: whether a changed copy is caught})."""
    caught = {}

    def plant(cell, names, found):
        if has_operators_and_verifies(cell):
            anyway = fallen(ast.parse(cell.source), names, found)  # claims about a record, which was not shifted
            caught[cell.source] = any(fallen(tree, names, found) - anyway for tree in mutants(cell.source))

    return other_seeds.run_lesson(path, SHIFT, before=plant)[0], caught


def run_cells(folder, *sources):
    """Run a lesson of these cells, as :func:`run_with_errors` does."""
    cells = ["from ddim_lessons.teaching.checks import claim, verify", *sources]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    nbformat.write(notebook, folder / "09_planted.ipynb")
    return run_with_errors(folder / "09_planted.ipynb")


@pytest.mark.filterwarnings("ignore")
def test_a_check_of_a_number_by_itself_is_seen(tmp_path):
    by_itself = "value = 1.0 + 2.0\nverify('9.2', value, value)"
    held, caught = run_cells(tmp_path, "verify('9.1', 1.0 + 2.0, 3.0)", by_itself)
    assert list(caught.values()) == [True, False] and all(held.values()) and len(held) == 2
    _, caught = run_cells(tmp_path, f"{by_itself}\nclaim('falls anyway', False)")
    assert list(caught.values()) == [False], "what falls anyway says nothing of the change"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_claim_holds_on_other_seeds_and_every_check_can_fail(path):
    held, caught = run_with_errors(path)
    assert len(held) > 3 and [key for key, holds in held.items() if not holds] == []
    assert [source for source, is_seen in caught.items() if not is_seen] == [], "checks that no changed operator fails"
    least = 3 if path.stem == "00_start_here" else 5
    assert len(caught) >= least, f"{len(caught)} cells compute an equation and verify it, but {least} are the least"
