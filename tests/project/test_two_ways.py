"""Each numbered equation is checked in two independent ways; ``tests/lessons/ways/NN.json`` says which, a word each."""

import ast
import json

import nbformat
import pytest

from ddim_lessons.files import ROOT

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WAYS = {
    "formula",  # written out in the cell
    "package",  # its function
    "algebra",  # SymPy
    "simulation",
    "quadrature",
    "determinant",
    "finite difference",
    "autograd",
    "recursion",
    "enumeration",
    "linear algebra",
    "paper",  # a number typed in from it
    "diffusers",
    "exact denoiser",
    "training",
}
INPUTS = {"schedules", "toy_data", "files"}  # what both sides may read: a schedule, a set of points, a recorded table
NUMBERED = {"verify", "verify_mean", "verify_true"}


def bindings(cell_tree):
    """Yield (name, the piece of code that gives it its value) of a cell."""
    for node in ast.walk(cell_tree):
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.For | ast.comprehension | ast.NamedExpr):
            value = node.iter if isinstance(node, ast.For | ast.comprehension) else node.value
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for part in ast.walk(target):
                    if isinstance(part, ast.Name):
                        yield part.id, value


def imports(cell_tree):
    """Yield (name, where it comes from in the package) of a cell's imports; names of other libraries have None."""
    for node in ast.walk(cell_tree):
        if isinstance(node, ast.ImportFrom):
            inside = (node.module or "").partition("ddim_lessons")
            for alias in node.names:
                path = f"{inside[2]}.{alias.name}".strip(".") if inside[1] else None
                yield alias.asname or alias.name, path
        elif isinstance(node, ast.Import):
            yield from (((alias.asname or alias.name).partition(".")[0], None) for alias in node.names)


def functions(code, known, package, seen=()):
    """The package's functions that a piece of code reaches, by way of the lesson's own names too."""
    found = set()
    for node in ast.walk(code):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and package.get(node.value.id):
            found.add(f"{package[node.value.id]}.{node.attr}")
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in seen:
            if node.id in known:
                found |= functions(known[node.id], known, package, (*seen, node.id))
            elif package.get(node.id):
                found.add(package[node.id])
    modules = {f for f in found if (ROOT / "ddim_lessons" / f.replace(".", "/")).with_suffix(".py").exists()}
    return {f for f in found - modules if not INPUTS & set(f.split(".")) and f.split(".")[-1][0].islower()}


def sides(call):
    """The two sides of a check: its two values, or those of a single comparison that must be true."""
    if call.func.id != "verify_true":
        return call.args[1:3]
    compare = call.args[2] if len(call.args) > 2 else None
    return [compare.left, compare.comparators[0]] if isinstance(compare, ast.Compare) else []


def checked(path):
    """Yield (equation, functions of the left side, functions of the right) of a lesson's checks."""
    known, package = {}, {}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code" or "on_purpose" in cell.source:
            continue
        tree = ast.parse(cell.source)
        package |= dict(imports(tree))
        known |= dict(bindings(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) in NUMBERED:
                reached = [functions(side, known, package) for side in sides(node)]
                yield node.args[0].value, *(reached or [set(), set()])


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_both_ways_are_named_and_do_not_come_from_one_function(path):
    named = json.loads((ROOT / f"tests/lessons/ways/{path.stem[:2]}.json").read_text(encoding="utf-8"))
    found = list(checked(path))
    assert set(named) == {number for number, *_ in found}
    for number, ways in named.items():
        assert len(set(ways)) == 2 and set(ways) <= WAYS, (number, ways)
    for number in named:
        pairs = [(left, right) for equation, left, right in found if equation == number]
        assert any(not left or left != right for left, right in pairs), f"({number}): both sides come from {pairs[0]}"


def test_a_planted_check_of_a_function_by_itself_is_seen(tmp_path):
    source = "from ddim_lessons.ddim import variance\nv = 2 * variance(0.3, 0.8, 1.0)\n"
    source += "w = variance(0.3, 0.8, 1.0) + 1\n"
    cell = nbformat.v4.new_code_cell(source + 'verify("9.1", v, 2 * (w - 1))\nverify("9.2", v, 2 * 0.04)')
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "copy.ipynb")
    (_, one, other), (_, left, right) = checked(tmp_path / "copy.ipynb")
    assert one == other == {"ddim.variance"} and left == {"ddim.variance"} and right == set()
