"""Run the lessons with every seed shifted and say which claims hold: a claim about chance is one about all seeds.

    python tools/other_seeds.py                             # all lessons, 20 shifts
    python tools/other_seeds.py 07 --shifts 20 --first 5000
    python tools/other_seeds.py --jobs 2

A shift gives other seeds to NumPy's and torch's generators, in the cells and in the package. The cells run in this
process, without a kernel. A claim that fails is counted, and the cell goes on; a cell that stops is counted too.
Claims about the tables in ``data/results`` are left out: what is recorded does not vary. The status is 1 if one fell.
"""

import argparse
import ast
import contextlib
import io
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two busy cores that share small networks are slower than one

import nbformat
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
CHECKS = ("claim", "verify", "verify_mean", "verify_true")
STOPPED = "the cell stopped: "


# --- seeds -------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def shifted_seeds(shift):
    """Give every seed of NumPy's ``default_rng`` and torch's ``manual_seed`` another value, one for each shift."""
    import torch

    numpy_rng, torch_seed = np.random.default_rng, torch.manual_seed

    def default_rng(seed):
        given = isinstance(seed, np.random.Generator | np.random.BitGenerator | np.random.SeedSequence)
        return numpy_rng(seed if given else [*np.atleast_1d(seed).tolist(), shift])

    class Generator(torch.Generator):
        def manual_seed(self, seed):
            return super().manual_seed(seed + 1_000_003 * shift)

    with (
        patch.object(np.random, "default_rng", default_rng),
        patch.object(torch, "manual_seed", lambda seed: torch_seed(seed + 1_000_003 * shift)),
        patch.object(torch, "Generator", Generator),
    ):
        yield


def forget():
    """Empty the caches of the package: what they keep was drawn with other seeds."""
    for name, module in list(sys.modules.items()):
        for value in list(vars(module).values()) if name.startswith("ddim_lessons.") else []:
            clear = getattr(value, "cache_clear", None) or hasattr(value, "megabytes") and value.clear
            if clear:
                clear()


# --- what is about a recorded table ------------------------------------------------------------------------------


def mentioned(tree):
    """The names that a piece of code reads, and what it reads of a lesson's ``pictures``; other attributes are not."""
    nodes = [node for node in ast.walk(tree) if isinstance(getattr(node, "ctx", None), ast.Load)]
    of_pictures = {node.attr for node in nodes if getattr(getattr(node, "value", None), "id", None) == "pictures"}
    return of_pictures | {node.id for node in nodes if isinstance(node, ast.Name)}


def bound(tree):
    """The names that a piece of code gives a value."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return names | {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def record_readers(path):
    """The functions of a lesson's pictures that read a recorded table, themselves or by way of others."""
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.exists() else ast.Module([])
    functions = {node.name: mentioned(node) for node in tree.body if isinstance(node, ast.FunctionDef)}
    readers, count = {"read_json", "read_arrays"}, 0
    while len(readers) > count:
        count = len(readers)
        readers |= {name for name, uses in functions.items() if uses & readers}
    return readers


def lines_about_records(source, readers, names):
    """The lines of a cell whose statement uses a record; ``names``, which hold what comes from one, is updated."""
    lines = set()
    for statement in ast.parse(source).body:
        binds = bound(statement)
        if mentioned(statement) & (readers | (names - binds)):
            lines |= set(range(statement.lineno, statement.end_lineno + 1))
            names |= binds
        else:
            names -= binds
    return lines


# --- running -----------------------------------------------------------------------------------------------------


def recording(check, found):
    """Return ``check`` as a function that notes in ``found`` (line, text, whether it holds) and never stops a cell."""

    def noted(*arguments, **named):
        text = arguments[0] if check.__name__ == "claim" else f"({arguments[0]}) {check.__name__}"
        text += f": {arguments[1]}" if check.__name__ == "verify_true" else ""
        try:
            check(*arguments, **named)
        except AssertionError:
            found.append((sys._getframe(1).f_lineno, text, False))
        else:
            found.append((sys._getframe(1).f_lineno, text, True))

    return noted


def breaking(found):
    """Return ``on_purpose`` for a lesson that is recorded: what was noted inside must have failed."""

    @contextlib.contextmanager
    def on_purpose():
        before = len(found)
        yield
        inside = found[before:]
        found[before:] = [(line, f"fails on purpose: {text}", not holds) for line, text, holds in inside]

    return on_purpose


def run_cell(source, names, found):
    """Run a cell, its source or its tree, with its printing thrown away; note in ``found`` what stopped it."""
    import matplotlib.pyplot as plt

    try:
        with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
            exec(compile(source, "a cell", "exec"), names)
    except Exception as error:
        found.append((0, f"{STOPPED}{type(error).__name__}: {error}", False))
    plt.close("all")


def run_lesson(path, shift, before=lambda cell, names, found: None):
    """Run a lesson under one shift; return (held, left out).

    ``held`` is a dict of (cell, text) to whether the check held each time it ran; ``left out`` holds those about
    records. Checks of which nothing is known, because their cell stopped before, are in neither. ``before`` is called
    with each code cell before it runs, the variables, and the list in which the checks note what they find.
    """
    from ddim_lessons import teaching

    readers = record_readers(ROOT / f"ddim_lessons/lessons/lesson_{path.stem[:2]}/pictures.py")
    held, left_out, of_records, found = {}, set(), set(), []
    names = {"display": lambda *shown: None, "__name__": "__main__"}  # a kernel has them built in
    with contextlib.ExitStack() as stack:
        forget()
        folder = stack.enter_context(TemporaryDirectory())  # the reader's progress is left alone
        stack.enter_context(patch.dict(os.environ, DDIM_LESSONS_PROGRESS=f"{folder}/progress.json"))
        stack.enter_context(shifted_seeds(shift))
        stack.enter_context(patch("ddim_lessons.figures.plots.png", lambda figure: b""))  # nobody looks
        noted = {name: recording(getattr(teaching, name), found) for name in CHECKS} | {"on_purpose": breaking(found)}
        for place, (name, check) in product((teaching, teaching.checks), noted.items()):
            stack.enter_context(patch.object(place, name, check))
        for index, cell in enumerate(nbformat.read(path, as_version=4).cells):
            if cell.cell_type == "code":
                before(cell, names, found)
                found.clear()
                run_cell(cell.source, names, found)
                lines = lines_about_records(cell.source, readers, of_records)
                for line, text, holds in found:
                    held[index, text] = held.get((index, text), True) and holds
                    left_out |= {(index, text)} if line in lines else set()
    forget()
    return {key: holds for key, holds in held.items() if key not in left_out}, left_out


def share(path, results):
    """Print what became of a lesson's claims over all shifts; return (claims, how many runs of a claim failed)."""
    runs, fell, left_out = Counter(), Counter(), set()
    for held, about_records in results:
        runs.update(held.keys())  # of a dict a Counter would add up the values
        fell.update(key for key, holds in held.items() if not holds)
        left_out |= about_records
    claims = {key for key in runs if not key[1].startswith(STOPPED)}
    print(f"{path.stem[:2]} · {len(claims)} claims × {len(results)} shifts, {len(left_out)} about records left out")
    for (cell, text), count in fell.most_common():
        print(f"   fell in {count:2} of {len(results)}: c{cell} {text}")
    for cell, text in sorted(left_out):
        print(f"   about a record: c{cell} {text}")
    return sum(runs[key] for key in claims), sum(fell.values())


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="lesson numbers such as 00; all if none is given")
    parser.add_argument("--shifts", type=int, default=20, help="how many shifts")
    parser.add_argument("--first", type=int, default=1000, help="the first shift; the others follow it")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes share the work")
    options = parser.parse_args(arguments)
    paths = [path for path in sorted(NOTEBOOKS.glob("*.ipynb")) if path.stem[:2] in (options.lessons or path.stem[:2])]
    shifts, total = range(options.first, options.first + options.shifts), np.zeros(2, dtype=int)
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        waiting = {path: [pool.submit(run_lesson, path, shift) for shift in shifts] for path in paths}
        for path, runs in waiting.items():
            total += share(path, [run.result() for run in runs])
            sys.stdout.flush()
    print(f"{total[0]:,} runs of claims; {total[1]} fell")
    return int(total[1] > 0)


if __name__ == "__main__":
    sys.exit(main())
