"""Plant one wrong sign at a time in the lessons' own checking cells: every check must be able to fail.

Each lesson runs cell by cell in this process. Before a cell that checks a numbered equation runs as it stands, copies
of it with one operator changed (+ ↔ −, · ↔ /, or a power left out) run on a copy of the lesson's variables.
"""

import ast
import contextlib
import io

import nbformat
import numpy as np
import pytest

from ddim_lessons.files import ROOT

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SWAP = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}


def operators(tree):
    """The arithmetic operations of a cell, plus and minus first: they are the errors that readers make."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.BinOp) and type(node.op) in (*SWAP, ast.Pow)]
    return sorted(found, key=lambda node: not isinstance(node.op, ast.Add | ast.Sub))


def mutants(source):
    """Yield changed code for each operator of a cell."""
    for index in range(len(operators(ast.parse(source)))):
        tree = ast.parse(source)
        target = operators(tree)[index]
        if isinstance(target.op, ast.Pow):
            target.op, target.right = ast.Mult(), ast.Constant(1)
        else:
            target.op = SWAP[type(target.op)]()
        yield compile(ast.fix_missing_locations(tree), "mutant", "exec")


def run(code, names):
    """Run code with its printing thrown away."""
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        exec(code, names)


def is_caught(code, names):
    """Whether the changed cell stops; it works on copies of the arrays, so that nothing of it stays."""
    try:
        run(code, {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in names.items()})
    except Exception:
        return True
    return False


def check_cells(path):
    """Run a lesson; yield (source, whether a mutant was caught) for each cell that verifies and has an operator."""
    names = {"display": lambda *shown: None}  # a kernel has it built in
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    for cell in cells:
        if (
            "verify" in cell.source
            and operators(ast.parse(cell.source))
            and "setup" not in cell.metadata.get("tags", [])
        ):
            yield cell.source, any(is_caught(code, names) for code in mutants(cell.source))
        run(compile(cell.source, path.name, "exec"), names)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_check_can_fail(path):
    results = list(check_cells(path))
    assert [source for source, caught in results if not caught] == [], "checks that no changed operator fails"
    least = 3 if path.stem == "00_start_here" else 5
    assert len(results) >= least, f"{len(results)} cells compute an equation and verify it, but {least} are the least"
