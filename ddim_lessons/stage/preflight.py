"""Run a lesson once before the class, and say in words whether all is ready and what takes long."""

import json
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from ..files import damaged_files
from ..teaching.road import source_of
from . import server


def run_lesson(path, folder):
    """Run a lesson in a fresh kernel, past errors; return the notebook that came out and the seconds it took."""
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--allow-errors", str(path)]
    options = ["--ExecutePreprocessor.timeout=600", "--log-level=ERROR", f"--output-dir={folder}", "--output=run"]
    start, own = time.monotonic(), server.own_environment(folder)
    done = subprocess.run(command + options, capture_output=True, text=True, errors="replace", cwd=path.parent, env=own)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise ValueError(f"the lesson could not be run: {reason}")
    return json.loads((folder / "run.ipynb").read_text(encoding="utf-8")), time.monotonic() - start


def check_lesson(number):
    """Run a lesson once; yield pairs (whether this is as it should be, a sentence): times, then what is not ready."""
    path = server.lesson_path(number)
    server.require_jupyterlab()
    with TemporaryDirectory() as folder:
        notebook, seconds = run_lesson(path, Path(folder))
    yield True, timing(path.name[:2], sorted(cell_times(notebook), reverse=True), seconds)
    problems = [f"a data file is missing or damaged: {name}" for name in damaged_files()]
    problems += errors_of(notebook) + differences(json.loads(path.read_text(encoding="utf-8")), notebook)
    yield from ((False, f"NOT READY: {problem}") for problem in problems)
    if not problems:
        yield True, f"All is ready: ddim-lessons present {path.name[:2]}"


def timing(number, times, seconds):
    """Say how long the whole took, and which cells; ``times`` are pairs (seconds, heading), the longest first."""
    lines = [f"Lesson {number}: {len(times)} code cells ran in {seconds:.0f} s, the start of a kernel included."]
    lines += [f"  {spent:.0f} s of it in a cell under “{heading}”." for spent, heading in times[:3] if spent >= 2]
    lines += ["  Talk over them."] if times and times[0][0] >= 2 else ["  No cell takes as long as 2 s."]
    return "\n".join([*lines, "Python's and matplotlib's caches on this disk are warm now."])


def errors_of(notebook):
    """Say for each error output which cell stopped and with what."""
    return [
        f"a cell under “{heading}” stopped with {output['ename']}: {output['evalue']}"
        for heading, cell in headed(notebook)
        for output in cell["outputs"]
        if output["output_type"] == "error"
    ]


def differences(before, after):
    """Name the cells that print another text than the lesson's file holds."""
    pairs = zip(headed(before), headed(after), strict=True)
    return [
        f"a cell under “{heading}” prints something else than the lesson's file holds"
        for (heading, old), (_, new) in pairs
        if printed(old) != printed(new)
    ]


def headed(notebook):
    """Return a pair (the heading above it, the cell) for each code cell."""
    heading, pairs = "", []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            pairs.append((heading, cell))
            continue
        lines = [line for line in source_of(cell).splitlines() if line.startswith("#")]
        heading = lines[-1].lstrip("# ") if lines else heading
    return pairs


def printed(cell):
    """All that a cell printed, as one text."""
    return "".join("".join(output.get("text", [])) for output in cell["outputs"] if output.get("name") == "stdout")


def cell_times(notebook):
    """Return (seconds, heading) for each code cell that was run."""
    for heading, cell in headed(notebook):
        stamps = cell["metadata"].get("execution", {})
        if {"iopub.execute_input", "shell.execute_reply"} <= set(stamps):
            start, end = (datetime.fromisoformat(stamps[k]) for k in ("iopub.execute_input", "shell.execute_reply"))
            yield (end - start).total_seconds(), heading
