"""Plant one small error at a time in a module and see whether its tests notice: ``python tools/mutants.py ddim``.

An error is another operator, comparison, sign or constant, or a condition turned round. The tests run on a copy of the
package in a temporary folder and stop at their first failure. ``--most 40`` tries a sample (the same one each time).
"""

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = {  # those that notice most come first
    "ddim": ["test_ddim", "test_misuse"],
    "split": ["test_split", "test_misuse"],
    "checks": ["test_checks", "test_exercises", "test_misuse"],
    "schedules": ["test_schedules", "test_misuse"],
    "solvers": ["test_lesson_09", "test_misuse"],
}
OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.MatMult: ast.Mult,
    ast.FloorDiv: ast.Div, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def places(tree):
    """Yield (line, words, change) for each error that can be planted; ``change(node)`` gets the same node of a copy."""
    for number, node in enumerate(ast.walk(tree)):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in OPERATORS:
            other = OPERATORS[type(node.op)]
            yield number, line, f"{ast.unparse(node)[:60]}  {other.__name__}", lambda n, o=other: setattr(n, "op", o())
        elif isinstance(node, ast.Compare):
            for k, op in enumerate(node.ops):
                other = OPERATORS[type(op)]
                words = f"{ast.unparse(node)[:60]}  {other.__name__}"
                yield number, line, words, lambda n, k=k, o=other: n.ops.__setitem__(k, o())
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            yield number, line, f"{node.value} + 1", lambda n: setattr(n, "value", n.value + 1)
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
            yield number, line, f"not {node.value}", lambda n: setattr(n, "value", not n.value)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield number, line, f"+ for {ast.unparse(node)[:60]}", lambda n: setattr(n, "op", ast.UAdd())
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield number, line, f"no not in {ast.unparse(node)[:60]}", lambda n: n.__dict__.update(op=ast.UAdd())


def mutants(source):
    """Return a list of (line, words, source with one error)."""
    tree, found = ast.parse(source), []
    for number, line, words, change in places(tree):
        wrong = copy.deepcopy(tree)
        change(list(ast.walk(wrong))[number])
        found.append((line, words, ast.unparse(wrong)))
    return found


def is_caught(folder, module, source, seconds=120):
    """Whether a test of ``module`` fails, or does not end, when the module's file in ``folder`` holds ``source``."""
    (folder / "ddim_lessons" / f"{module}.py").write_text(source, encoding="utf-8")
    tests = [f"tests/{name}.py" for name in TESTS[module]]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "0",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "-o",
        "addopts=",
        *tests,
    ]
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return (
            subprocess.run(command, cwd=folder, capture_output=True, timeout=seconds, env=environment).returncode != 0
        )
    except subprocess.TimeoutExpired:
        return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("module", choices=TESTS)
    parser.add_argument("--most", type=int, default=10_000, help="try a sample of so many")
    arguments = parser.parse_args()
    source = (ROOT / "ddim_lessons" / f"{arguments.module}.py").read_text(encoding="utf-8")
    tried = mutants(source)
    tried = sorted(random.Random(0).sample(tried, min(arguments.most, len(tried))))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("ddim_lessons", "tests", "data"):
            shutil.copytree(ROOT / part, folder / part)
        shutil.copy(ROOT / "pyproject.toml", folder)
        if is_caught(folder, arguments.module, source):
            sys.exit("the tests fail without any planted error")
        caught = 0
        for line, words, wrong in tried:
            noticed = is_caught(folder, arguments.module, wrong)
            caught += noticed
            if not noticed:
                print(f"survived: {arguments.module}.py, line {line}: {words}", flush=True)
    print(f"{arguments.module}.py: {caught} of {len(tried)} planted errors caught")


if __name__ == "__main__":
    main()
