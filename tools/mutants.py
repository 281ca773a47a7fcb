"""Plant one small error at a time in a module and see whether its tests notice: ``python tools/mutants.py ddim``.

An error is another operator, comparison, sign or constant, or a condition turned round. The tests are collected once.
For each error this process forks (so: Linux or macOS), the child's functions get the code of the wrong ones, and the
tests run until one fails. What no test could notice stands in ``SAME``, with the reason. The status is 1 if anything
else survives, or if the tests fail without an error. ``--lines 20 30`` plants in these lines only.
"""

import argparse
import ast
import copy
import importlib
import os
import signal
import sys
import types
from importlib.abc import ExecutionLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

ROOT = Path(__file__).resolve().parents[1]
TESTS = {  # those that notice most come first
    "ddim": ["test_ddim"],
    "split": ["test_split"],
    "teaching.checks": ["test_checks"],
    "teaching.exercises": ["test_checks", "test_exercises"],
    "schedules": ["test_schedules"],
    "solvers": ["test_lesson_09"],
    "objective": ["test_lesson_05"],
    "gaussians": ["test_gaussians", "test_lesson_02"],
    "oracle": ["test_oracle", "test_toy_data_and_metrics"],
}
SECONDS = 120  # a child that runs longer goes round for ever: caught
FLOOR = "whole numbers far below 2⁵³: floor by / and int() is the same"
SAME = {  # (module, line, error): why no test can tell it from the right one
    (
        "teaching.checks",
        'require.that(draws.size > 0, "draws\' shape", draws.shape, "not empty")',
        "0 + 1",
    ): "at least two draws were asked for before",
    (
        "ddim",
        "near = abs(mine - here) <= 1e-6 * here  # one of the two may be in 32 bits",
        "abs(mine - here) <= 1e-06 * here  Lt",
    ): "one number of an interval",
    (
        "ddim",
        "both = zip(pairwise(tau), pairwise(levels), strict=True)",
        "not True",
    ): "the lengths are equal",
    (
        "ddim",
        'return x.new_tensor(z) if hasattr(x, "new_tensor") else z.astype(x.dtype, copy=False)',
        "not False",
    ): "a copy of what nobody else holds",
    (
        "split",
        'many = isinstance(A, Iterable) and not isinstance(A, str) and getattr(A, "ndim", 1) > 0',
        "1 + 1",
    ): "what has no dimensions counts as one or two: both above 0",
    (
        "split",
        "for row, factor, (slope, _, _) in zip(R, factors, laws, strict=True):",
        "not True",
    ): "the lengths are equal",
    ("split", "_, lam, var = np.array(laws).reshape(-1, 3).T", "1 + 1"): "NumPy takes −2 for −1",
    ("schedules", '"linear": (2 * i * T + S) // (2 * S),', "(2 * i * T + S) // (2 * S)  Div"): FLOOR,
    (
        "schedules",
        '"quadratic": np.maximum((2 * i**2 * T + S**2) // (2 * S**2), i),',
        "(2 * i ** 2 * T + S ** 2) // (2 * S ** 2)  Div",
    ): FLOOR,
    ("solvers", "def quantile_map(mixture, x_T, alpha_bar_T, reach=20.0, halvings=55):", "20.0 + 1"): "wide enough",
    ("solvers", "def quantile_map(mixture, x_T, alpha_bar_T, reach=20.0, halvings=55):", "55 + 1"): "below rounding",
    (
        "solvers",
        "too_low = cdf(mixture, middle) < share",
        "cdf(mixture, middle) < share  LtE",
    ): "one point of an interval",
    (
        "solvers",
        "apart = np.sin(theta) > 1e-6",
        "np.sin(theta) > 1e-06  GtE",
    ): "one angle of an interval",
    ("solvers", "largest = max(float(abs(ends).max(initial=0)) for ends in (a, b))", "0 + 1"): "compared with 1e150",
}
SAME |= {
    ("teaching.exercises", line, "not True"): "the lengths are equal"
    for line in (
        "return all(_equal(g, formula(*case), exercise.tol) for g, case in zip(given, exercise.cases, strict=True))",
        "for value, case in zip(given, exercise.cases, strict=True):",
    )
}
SAME |= {
    ("solvers", line, error): "rows of a table: the last axis is axis 1"
    for line, error in (
        ("lengths = np.linalg.norm(a, axis=-1, keepdims=True) * np.linalg.norm(b, axis=-1, keepdims=True)", "+ for -1"),
        ("theta = np.arccos(np.clip((a * b).sum(axis=-1, keepdims=True) / lengths, -1, 1))", "+ for -1"),
    )
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


# --- planting ----------------------------------------------------------------------------------------------------


class Text(ExecutionLoader):
    """Loads a module from a text as if it stood in the file ``path``."""

    def __init__(self, source, path):
        self.source, self.path = source, path

    def get_source(self, name):
        return self.source

    def get_filename(self, name):
        return self.path


def load(module, source):
    """Return a module with the name and the neighbours of ``module``, made from ``source``; it is not registered."""
    spec = spec_from_loader(module.__name__, Text(source, module.__file__))
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def functions(module):
    """Return the functions and methods that ``module`` defines, by name; what wraps them is taken off."""
    found = {}
    for name, value in vars(module).items():
        parts = vars(value).items() if isinstance(value, type) and value.__module__ == module.__name__ else ()
        for key, part in [(name, value), *((f"{name}.{inner}", part) for inner, part in parts)]:
            part = getattr(part, "fget", None) or getattr(part, "__func__", part)
            while hasattr(part, "__wrapped__"):
                part = part.__wrapped__
            if isinstance(part, types.FunctionType) and part.__module__ == module.__name__:
                found[key] = part
    return found


def content(function):
    """Return what an error can change of a function."""
    return function.__code__, function.__defaults__, function.__kwdefaults__


def plant(module, wrong):
    """Give the functions and numbers of ``module`` those of the module ``wrong``."""
    for key, function in functions(wrong).items():
        target = functions(module)[key]
        target.__code__, target.__defaults__, target.__kwdefaults__ = content(function)
    for name, value in vars(wrong).items():
        if isinstance(value, int | float):
            setattr(module, name, value)


# --- trying ------------------------------------------------------------------------------------------------------


def all_pass(items, prepare):
    """Whether all tests pass in a child process after ``prepare()``."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    signal.alarm(SECONDS)
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    try:
        prepare()
        for item, following in zip(items, [*items[1:], None], strict=True):
            if any(report.failed for report in runtestprotocol(item, nextitem=following, log=False)):
                os._exit(1)
    except BaseException:
        os._exit(1)
    os._exit(0)


def is_about(item, name):
    """Whether a test is one of the module ``name``: of ``test_misuse.py`` only those of its own functions."""
    if "test_misuse" not in item.nodeid:
        return "browser" not in item.keywords
    function = getattr(item, "callspec", None) and item.callspec.params.get("name")
    known = item.module.NAMES.get(function)
    return known is not None and getattr(known, "__module__", "") == f"ddim_lessons.{name}"


class Trial:
    """A pytest plugin that, instead of running the tests once, runs them once for each planted error."""

    def __init__(self, name, lines):
        self.name, self.lines = name, lines
        self.module = importlib.import_module(f"ddim_lessons.{name}")
        self.source = Path(self.module.__file__).read_text(encoding="utf-8")
        self.bad = True

    def pytest_runtestloop(self, session):
        items = [item for item in session.items if is_about(item, self.name)]
        if not all_pass(items, lambda: None):
            print("the tests fail without any planted error")
            return True
        tried = [found for found in mutants(self.source) if not self.lines or found[0] in self.lines]
        survived = [found[:2] for found in tried if all_pass(items, lambda s=found[2]: self.plant(s))]
        self.report(len(tried), survived)
        return True

    def plant(self, source):
        plant(self.module, load(self.module, source))

    def report(self, tried, survived):
        """Print what survived; what is known to make no difference is only counted."""
        lines = self.source.splitlines()
        rows = [(self.name, lines[line - 1].strip(), words) for line, words in survived]
        unknown = [found for found, row in zip(survived, rows, strict=True) if row not in SAME]
        for line, words in unknown:
            print(f"survived: {self.name}, line {line}: {words}")
        stale = [row[1:] for row in SAME if row[0] == self.name and row not in rows and not self.lines]
        for row in stale:
            print(f"SAME has a row that nothing needs: {row}")
        left = len(unknown)
        known, caught = len(survived) - left, tried - len(survived)
        print(f"{self.name}: of {tried} errors {caught} caught, {known} make no difference, {left} survived")
        self.bad = bool(unknown or stale)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("module", choices=TESTS)
    parser.add_argument("--lines", type=int, nargs="*", help="plant in these lines only")
    given = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    trial = Trial(given.module, given.lines)
    files = [str(next((ROOT / "tests").rglob(f"{name}.py"))) for name in (*TESTS[given.module], "test_misuse")]
    options = [
        "-n",
        "0",
        "-q",
        "-s",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:faulthandler",
        "-o",
        "addopts=",
        f"--rootdir={ROOT}",
    ]
    pytest.main([*options, *files], plugins=[trial])
    sys.exit(trial.bad)


if __name__ == "__main__":
    main()
