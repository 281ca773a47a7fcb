"""Plant one wrong sign at a time in the lessons' own checking cells: every check must be able to fail.

Each lesson runs cell by cell in this process. Before a cell that checks a numbered equation runs as it stands, copies
of it with one operator changed (+ ↔ −, · ↔ /, or a power left out) run on a copy of the lesson's variables.
"""

import ast
import contextlib
import io
import re

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


# --- what the checks need ------------------------------------------------------------------------------------------


def sets(statement):
    """The names that a statement binds or may change: assigned, defined, imported, or ``name.verb()`` on its own."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    nodes = list(ast.walk(statement))
    found = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    found |= {(node.asname or node.name).partition(".")[0] for node in nodes if isinstance(node, ast.alias)}
    told = (node.value.func for node in nodes if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
    parts = [node for node in nodes if isinstance(getattr(node, "ctx", None), ast.Store)]
    for part in [*told, *parts]:
        while isinstance(part, ast.Attribute | ast.Subscript):
            part = part.value
            found |= {part.id} if isinstance(part, ast.Name) else set()
    return found


def uses(statement):
    """The names that a statement reads."""
    found = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return found | (sets(statement) if isinstance(statement, ast.AugAssign) else set())


def rebinds(statement):
    """The names that a statement binds afresh, whatever they were before."""
    if isinstance(statement, ast.FunctionDef | ast.Import | ast.ImportFrom):
        return sets(statement)
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    names = [part for target in targets for part in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return {name.id for name in names if isinstance(name, ast.Name)}


def needed(cells):
    """For each of ``(statements, whether it checks)`` the statements that some check needs, found from the end.

    A checking cell is needed whole; else a statement that sets what a later needed one reads, or that draws from
    a generator that a later one draws from: its numbers depend on all draws before.
    """
    everything = [statement for statements, _ in cells for statement in statements]
    made = [s for s in everything if isinstance(s, ast.Assign) and re.search("default_rng|Generator", ast.unparse(s))]
    fixed = {
        name for s in everything if isinstance(s, ast.FunctionDef | ast.ImportFrom | ast.Import) for name in sets(s)
    }
    generators = {name for statement in made for name in sets(statement)} - fixed
    read, kept = set(), [[] for _ in cells]
    for k, (statements, checks) in reversed(list(enumerate(cells))):
        for statement in reversed(statements):
            told = sets(statement) - (fixed - rebinds(statement))
            if checks or told & read or uses(statement) & read & generators:
                read = (read - rebinds(statement)) | uses(statement)
                kept[k].insert(0, statement)
    return kept


def check_cells(path):
    """Run what a lesson's checks need; yield (source, whether a mutant was caught) for each cell that verifies.

    A cell that verifies without any operator has nothing that could be changed, and is not yielded.
    """
    names = {"display": lambda *shown: None}  # a kernel has it built in
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    trees = [ast.parse(cell.source) for cell in cells]
    setup = ["setup" in cell.metadata.get("tags", []) for cell in cells]
    meant = ["verify" in cell.source and "on_purpose" not in cell.source for cell in cells]
    checks = [is_meant and bool(operators(tree)) for is_meant, tree in zip(meant, trees, strict=True)]
    parts = needed([(t.body, c or s) for t, c, s in zip(trees, checks, setup, strict=True)])
    for cell, part, is_check, is_setup in zip(cells, parts, checks, setup, strict=True):
        if is_check and not is_setup:
            yield cell.source, any(is_caught(code, names) for code in mutants(cell.source))
        run(compile(ast.Module(part, []), path.name, "exec"), names)


def test_what_a_check_needs():
    lines = ["from numpy import linalg", "rng = default_rng(0)", "a = [rng.random()]", "a.append(2)", "rng.normal()"]
    lines += ["net = fit(rng)", "for b in a: c = b", "a = net", "print(c, rng.random())", "linalg.norm(c)", "c += 1"]
    statements = [ast.parse(line).body for line in [*lines, "verify(c, rng, linalg)"]]
    kept = needed([(body, body is statements[-1]) for body in statements])
    left_out = [line for line, part in zip(lines, kept, strict=False) if not part]
    assert left_out == ["a = net", "linalg.norm(c)"], "all else sets, changes or draws before it"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_check_can_fail(path, monkeypatch):
    monkeypatch.setattr("ddim_lessons.figures.plots.png", lambda figure: b"")  # nobody looks
    results = list(check_cells(path))
    assert [source for source, caught in results if not caught] == [], "checks that no changed operator fails"
    least = 3 if path.stem == "00_start_here" else 5
    assert len(results) >= least, f"{len(results)} cells compute an equation and verify it, but {least} are the least"
