"""A class on this machine: memory for each student, 30 students in lesson 04 at once, 10 moving sliders in lesson 07.

    python benchmarks/classroom.py                              # under 10 minutes; nothing else should run
    python benchmarks/classroom.py --students 3 --movers 2 --lessons 04 06    # a trial; writes nothing

A JupyterHub with its proxy serves on loopback, from deploy/jupyterhub_config.py. Students log in, start their servers
and run cells over websockets, as their browsers would. Linux only: memory is what /proc says. The full run writes
data/results/classroom.json and the tables of deploy/README.md, and then the data's manifest.
"""

import argparse
import asyncio
import json
import math
import os
import platform
import re
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "stage"), str(ROOT / "tests" / "browser"), str(ROOT / "tools")]
import classroom  # noqa: E402
import export_data  # noqa: E402

RESULT = ROOT / "data" / "results" / "classroom.json"
README = ROOT / "deploy" / "README.md"
MEASURED = ("00", "01", "02", "03", "04", "05", "06", "07", "10")
TORCH = ("06", "07", "10")
RESERVE = 2.0  # GiB for the system, the hub and its proxy
PIDS = "import os; print(os.getpid(), os.getppid())"
LAB = """from ddim_lessons.lessons.lesson_07.pictures import trajectory_lab
lab = trajectory_lab()
print(lab.controls["S"].model_id, lab.image.model_id, len(lab.controls["S"].options))
lab"""


def hardware():
    """Return what this machine is: processor, cores, memory."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    total = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text()).group(1))
    cores = len(os.sched_getaffinity(0))
    return {"processor": model.group(1) if model else platform.machine(), "cores": cores, "GiB": round(total / 2**20)}


def memory(pid):
    """Return {"pss", "rss"} of a process in MB (10⁶ bytes); the PSS counts a page shared by n processes as 1/n."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return {k: int(re.search(rf"^{k}:\s+(\d+)", text, re.M | re.I).group(1)) * 1024 / 1e6 for k in ("pss", "rss")}


def spread(seconds):
    """Return median, p95 and largest of some seconds."""
    low, high, most = np.percentile(seconds, [50, 95, 100]) if len(seconds) else [math.nan] * 3
    return {"median": round(float(low), 3), "p95": round(float(high), 3), "max": round(float(most), 3)}


async def run_lesson(kernel, name):
    """Run all cells of a lesson; returns (seconds from the first to the last, errors)."""
    start = time.perf_counter()
    errors = [error for code in classroom.code_cells(name) if (error := (await kernel.run(code))[1])]
    return time.perf_counter() - start, errors


async def memory_of(student, name):
    """Open a kernel, run a lesson ("" for none), and return (the kernel's memory, the server's), or raise."""
    kernel = await student.open_kernel(f"{name or 'empty'}.ipynb")
    pids = (await kernel.run(PIDS))[0].split()
    _, errors = await run_lesson(kernel, name) if name else (0, [])
    if errors:
        raise RuntimeError(f"lesson {name}: {errors[0]}")
    await asyncio.sleep(1)
    found = [memory(pid) for pid in pids]
    await student.close_kernels(kernel)
    return found


async def in_lesson(student, name):
    """One of a class in a lesson: (seconds, failure or None, the memory of kernel and server)."""
    try:
        kernel = await student.open_kernel(f"{name}.ipynb")
        async with asyncio.timeout(240):
            seconds, errors = await run_lesson(kernel, name)
        pids = (await kernel.run(PIDS))[0].split()
        return seconds, errors[0] if errors else None, [memory(pid) for pid in pids]
    except Exception as error:  # a failure is a result
        return math.nan, f"{type(error).__name__}: {error}", None


async def mover(student, moves, pause):
    """Move the slider S of lesson 07 to and fro; returns (seconds of each move, failures)."""
    took, failures = [], []
    try:
        kernel = await student.open_kernel("07.ipynb")
        printed, error = await kernel.run(LAB)
        slider, picture, count = printed.split()
        path = [*range(int(count)), *range(int(count) - 2, 0, -1)]
        await asyncio.sleep(int(student.name[-2:]) % 10 / 10 * pause)
        for k in range(moves):
            took.append(await kernel.move(slider, path[(6 + k) % len(path)], picture, 60))
            await asyncio.sleep(max(0.0, pause - took[-1]))
    except Exception as error:  # a failure is a result
        failures.append(f"{student.name}, after {len(took)} moves: {type(error).__name__}: {error}")
    return took, failures


async def everyone(work, students):
    """Let all students work at once, after all their former kernels were closed; returns what each gives."""
    await asyncio.gather(*(student.close_kernels() for student in students))
    return await asyncio.gather(*(work(student) for student in students))


def arrive(students):
    """Log in and start all servers, all at once; returns {"median", "p95", "max"} of the seconds, failures."""

    def one(student):
        start = time.perf_counter()
        try:
            student.log_in()
            student.start_server(240)
            return time.perf_counter() - start, None
        except Exception as error:  # a failure is a result
            return math.nan, f"{student.name}: {error}"

    with ThreadPoolExecutor(len(students)) as pool:
        found = list(pool.map(one, students))
    failures = [words for _, words in found if words]
    return spread([s for s, words in found if not words]) | {"students": len(students), "failures": failures}


def lesson_result(found):
    good = [(seconds, sizes) for seconds, words, sizes in found if words is None]
    kernels = [sizes[0]["pss"] for _, sizes in good]
    servers = [sizes[1]["pss"] for _, sizes in good]
    return spread([s for s, _ in good]) | {
        "students": len(found),
        "failures": [words for _, words, _ in found if words],
        "kernel_pss_MB": round(float(np.median(kernels)), 1) if good else None,
        "server_pss_MB": round(float(np.median(servers)), 1) if good else None,
    }


def mover_result(found, moves, pause):
    took = [s for seconds, _ in found for s in seconds]
    again = [s for seconds, _ in found for s in seconds[9:17]]  # on the way back from S = 1000 every path is cached
    failures = [words for _, each in found for words in each]
    return spread(took) | {
        "students": len(found), "moves": len(took), "seconds_between": pause,
        "again": spread(again), "failures": failures,
    }  # fmt: skip


def measure(students, movers, moves, lessons):
    """Run all parts; returns the table as a dict."""
    names = [f"student{k:02}" for k in range(students)]
    with tempfile.TemporaryDirectory() as folder, classroom.jupyterhub(Path(folder), names) as hub:
        everybody = [classroom.Student(hub, name) for name in names]
        first, result = everybody[0], {"memory_MB": {}}
        arrive([first])
        for name in ("", *lessons):
            kernel, server = asyncio.run(memory_of(first, name))
            result["memory_MB"][name or "empty kernel"] = {k: round(v, 1) for k, v in kernel.items()}
            print(f"kernel, {name or 'empty':5} PSS {kernel['pss']:4.0f} MB, RSS {kernel['rss']:4.0f} MB", flush=True)
        result["memory_MB"]["server"] = {k: round(v, 1) for k, v in server.items()}
        result["arrive"] = arrive(everybody[1:])
        say("servers started", result["arrive"])
        result["lesson_04"] = lesson_result(asyncio.run(everyone(lambda s: in_lesson(s, "04"), everybody)))
        say("lesson 04", result["lesson_04"])
        asyncio.run(everyone(lambda student: asyncio.sleep(0), everybody))
        for key, pause in (("sliders", 1.0), ("dragging", 0.0)):
            found = asyncio.run(everyone(lambda s, p=pause: mover(s, moves, p), everybody[:movers]))
            result[key] = mover_result(found, moves, pause)
            say(f"lesson 07, {key}", result[key])
    return result


def say(what, row):
    print(what, {key: value for key, value in row.items() if key != "failures"}, flush=True)
    print(f"  failures: {len(row['failures'])}", *row["failures"][:3], sep="\n    ", flush=True)


def sizing(result):
    """Return the rows (kind of class, MB a student, students for each GiB) that follow from the measured memory."""
    found, server = result["memory_MB"], result["memory_MB"]["server"]["pss"]
    light = max(found[name]["pss"] for name in found if name in MEASURED and name not in TORCH)
    heavy = max(found[name]["pss"] for name in found if name in TORCH)
    kinds = [("lessons 00 to 05", light), ("lessons with torch", heavy), ("one of each open", light + heavy)]
    return [(kind, server + kernel, 2**30 / 1e6 / (server + kernel)) for kind, kernel in kinds]


def tables(result):
    """Return the tables of deploy/README.md as text."""
    machine, found = result["hardware"], result["memory_MB"]
    lines = [
        f"Measured on {machine['cores']} cores ({machine['processor']}), {machine['GiB']} GiB; Python "
        f"{result['versions']['python']}, JupyterHub {result['versions']['jupyterhub']}, "
        f"JupyterLab {result['versions']['jupyterlab']}.", "", "| process | PSS, MB | RSS, MB |", "|---|---|---|",
    ]  # fmt: skip
    words = {"server": "a student's server", "empty kernel": "a kernel, nothing run"}
    for name, size in found.items():
        lines.append(f"| {words.get(name, f'its kernel, lesson {name} run')} | {size['pss']:.0f} | {size['rss']:.0f} |")
    lines += ["", "| all at once | students | median | p95 | longest | failures |", "|---|---|---|---|---|---|"]
    rows = {
        "arrive": "log in, server starts",
        "lesson_04": "lesson 04, first to last cell",
        "sliders": "slider of lesson 07, a move a second, to the new picture",
        "dragging": "the same, dragged without a pause",
    }
    for key, what in rows.items():
        row, (factor, unit) = result[key], ((1, "s") if key in ("arrive", "lesson_04") else (1000, "ms"))
        times = " | ".join(f"{factor * row[k]:.0f} {unit}" for k in ("median", "p95", "max"))
        lines.append(f"| {what} | {row['students']} | {times} | {len(row['failures'])} |")
        if "again" in row:
            times = " | ".join(f"{1000 * row['again'][k]:.0f} ms" for k in ("median", "p95", "max"))
            lines.append(f"| … the eight moves back from S = 1000 | {row['students']} | {times} | |")
    room = machine["GiB"] - RESERVE
    lines += ["", f"| memory | MB a student | students a GiB | on {machine['GiB']} GiB, {RESERVE:.0f} kept free |"]
    lines += ["|---|---|---|---|"]
    lines += [f"| {kind} | {size:.0f} | {per:.1f} | {math.floor(per * room)} |" for kind, size, per in sizing(result)]
    lesson, cores = result["lesson_04"], machine["cores"]
    per_core = lesson["students"] / cores
    lines += ["", f"Cores: {per_core:.0f} students on each core ran lesson 04 in {lesson['median']:.0f} s (median). "]
    lines[-1] += f"{result['sliders']['students'] / cores:.0f} on each core, a slider move a second, saw the new "
    lines[-1] += (
        f"picture after {1000 * result['sliders']['median']:.0f} ms (p95 {1000 * result['sliders']['p95']:.0f} ms)."
    )
    return "\n".join(lines)


def write(result):
    """Write the result, the README's tables between their marks, and the manifest."""
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    text = README.read_text()
    before, after = text.split("<!-- measured -->\n")[0], text.split("<!-- end -->")[1]
    README.write_text(f"{before}<!-- measured -->\n{tables(result)}\n<!-- end -->{after}")
    export_data.write_manifest()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=30)
    parser.add_argument("--movers", type=int, default=10)
    parser.add_argument("--moves", type=int, default=30, help="slider moves of each mover")
    parser.add_argument("--lessons", nargs="+", default=list(MEASURED), help="whose memory is measured")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # the hub and its servers are stopped too
    signal.signal(signal.SIGALRM, lambda *_: sys.exit("stopped: it took more than 10 minutes"))
    signal.alarm(600)
    if words := classroom.missing():
        raise SystemExit(words)
    start = time.monotonic()
    packages = ("jupyterhub", "jupyterlab", "ipykernel", "ipywidgets", "matplotlib", "numpy", "torch")
    result = {"hardware": hardware(), "versions": {"python": platform.python_version()}}
    result["versions"] |= {name: version(name) for name in packages}
    result |= measure(arguments.students, arguments.movers, arguments.moves, arguments.lessons)
    print(f"\nall in {time.monotonic() - start:.0f} s")
    if (arguments.students, arguments.movers, tuple(arguments.lessons)) == (30, 10, MEASURED):
        print(tables(result))
        write(result)


if __name__ == "__main__":
    main()
