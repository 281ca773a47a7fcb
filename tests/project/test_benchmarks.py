"""The performance table: what it computes from times (no time is tested)."""

import ast
import math
import sys

import pytest

from ddim_lessons.files import ROOT

BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def rows(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import rows

    yield rows
    sys.modules.pop("rows")


def test_in_turn_calls_in_turn_and_leaves_the_warm_rounds_out(rows):
    called, ticks = [], iter(range(100))
    ways = {"a": lambda k: called.append(("a", k)), "b": lambda k: called.append(("b", k))}
    took = rows.in_turn(ways, rounds=2, clock=lambda: next(ticks) ** 2, warm=1)
    assert called == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    assert took == {"a": [25 - 16, 81 - 64], "b": [49 - 36, 121 - 100]}


def test_a_run_that_never_arrives_counts_as_the_longest(rows):
    row = rows.Row("training", "a peer", "s", [1.0, math.inf, 3.0])
    assert row.quartiles() == [1.0, 3.0, math.inf]
    assert math.isinf(row.p95())


def test_the_table_says_the_ratio_to_the_first_and_never(rows, capsys):
    table = [
        rows.Row("training", "ours", "s", [2.0, 2.0, 2.0]),
        rows.Row("training", "slower", "s", [5.0, 5.0, 5.0]),
        rows.Row("training", "never", "s", [math.inf] * 3),
        rows.Row("lessons", "00", "s", [7.0]),
        rows.Row("lessons", "01", "s", [14.0], beside=False),
    ]
    assert list(rows.print_rows(table)) == table
    lines = capsys.readouterr().out.splitlines()
    slower, never, first, second = (
        next(line for line in lines if f"  {name} " in line) for name in ("slower", "never", "00", "01")
    )
    assert "2.50 × the first" in slower and "never s" in never and "×" not in never
    assert "1.00 × the first" in first and "×" not in second


def test_the_one_command_runs_every_benchmark_that_has_rows():
    def functions(path):
        return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}

    having = {path.stem for path in BENCHMARKS.glob("*.py") if "rows" in functions(path)}
    text = (BENCHMARKS / "performance.py").read_text()
    assert len(having) >= 7 and all(f"{name}.rows" in text for name in having)
