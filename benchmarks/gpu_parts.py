"""The parts of ``benchmarks/gpu.py`` but those on speed; each takes ``Cases`` and fills them, case by case."""

import ast
import importlib.util
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from copy import deepcopy
from pathlib import Path
from statistics import median

import numpy as np
import torch
import train_2d
from gpu_shared import (
    CPU,
    USUAL,
    S,
    copy_rate,
    launch_us,
    median_ms,
    set_tf32,
    walk,
    write,
)

import ddim_lessons
from ddim_lessons.ddim import ddim_sample
from ddim_lessons.detection.boxes import decode
from ddim_lessons.detection.detector import Detector, Found, load_detector
from ddim_lessons.detection.sampling import detection_path, draw_codes, maps_of
from ddim_lessons.detection.shapes import draw_pictures
from ddim_lessons.detection.training import DetectionRun
from ddim_lessons.learning.networks import DigitUNet, PointMLP, eps_fn, network_states
from ddim_lessons.learning.training import Run, fit
from ddim_lessons.learning.weights import load_weights
from ddim_lessons.metrics import frechet_distance, noise_floor, sliced_w2
from ddim_lessons.schedules import make_tau
from ddim_lessons.toy_data import DATA_SETS, data_set, load_digits

ROOT = Path(ddim_lessons.__file__).resolve().parents[1]


# --- facts -----------------------------------------------------------------------------------------------------------


def facts(cases):
    """What the machine is and can do."""
    cases.case("machine", machine, cases.device)
    cases.case("floors", floors, cases.device, cases.quick)


def machine(device):
    """Return names and versions."""
    found = {"cpu": cpu_name(), "cpu_cores": os.cpu_count(), "torch_threads": torch.get_num_threads()}
    found |= {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
    if device.type != "cuda":
        return {"device": "the processor"} | found
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        driver = subprocess.run(query, capture_output=True, text=True, timeout=20).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        driver = "not told"
    gpu = torch.cuda.get_device_properties(device)
    found |= {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(), "driver": driver}
    found |= {"matmul_tf32": USUAL[0], "cudnn_tf32": USUAL[1], "multiprocessors": gpu.multi_processor_count}
    return {"device": gpu.name, "gpu_GiB": gpu.total_memory / 2**30} | found


def cpu_name():
    """Return the name of the processor, as Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def floors(device, quick):
    """Return microseconds of a launch, GB/s of a copy and TFLOP/s of matrix products."""
    found = {"launch_us": launch_us(device), "copy_GB_per_s": copy_rate(device, 1024 if device.type == "cuda" else 64)}
    n = 8192 if device.type == "cuda" else 512 if quick else 2048
    for name, dtype, tf32 in (
        ("float32", torch.float32, False),
        ("tf32", torch.float32, True),
        ("bfloat16", torch.bfloat16, False),
    ):
        set_tf32(tf32)
        a = torch.randn(n, n, device=device).to(dtype)
        found[f"{name}_TFLOP_per_s"] = 2 * n**3 / median_ms(lambda a=a: a @ a, device, 0.5) / 1e9
    return found


# --- the tests -------------------------------------------------------------------------------------------------------

TESTS = ("networks", "training", "detector", "boxes", "ddim", "quality")
MOVED = {  # what makes a test of training on the CPU one on the GPU
    'device="cpu"': 'device="cuda"',
    ".detach().numpy()": ".detach().cpu().numpy()",
    ".detach().clone()": ".detach().cpu().clone()",
    "allclose(run.average.out.bias, ": "allclose(run.average.out.bias.cpu(), ",
    "return load_detector()": 'return load_detector().to("cuda")',
}
CONFTEST = """
import pytest, torch
try:
    from hypothesis import settings
    settings.register_profile("same", derandomize=True, deadline=None, database=None)
    settings.load_profile("same")
except ImportError:
    pass

@pytest.fixture
def one_thread():
    torch.set_num_threads(1)
"""
WARNINGS = ("error", "ignore::DeprecationWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
INI = "\n    ".join(("[pytest]\nfilterwarnings =", *WARNINGS)) + "\n"


def tests(cases):
    """The package's tests of networks, training and sampling on this machine, and those of training moved to CUDA.

    Left out there: what forks a process which then uses CUDA, and what counts calls of a step that is replayed.
    """
    if importlib.util.find_spec("pytest") is None:
        cases.found["note"] = "pytest is not installed here"
        return write(cases.path, cases.found)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        notes = copy_tests(folder, ("quality", "ddim") if cases.quick else TESTS, cases.cuda)
        many = ["-n", "8"] if importlib.util.find_spec("xdist") and os.cpu_count() >= 8 else []
        text, seconds = run_pytest(folder, many, 90)
    cases.case("counts", lambda: counts(text) | {"seconds": seconds})
    cases.found |= {"notes": notes, "failures": failures(text)}
    write(cases.path, cases.found)


def copy_tests(folder, names, cuda):
    """Copy the tests that can run here to a folder with settings of their own; return notes on the others."""
    notes = []
    for name in names:
        (path,) = (ROOT / "tests").rglob(f"test_{name}.py")
        text = path.read_text()
        lacking = sorted(lacking_modules(text))
        if lacking:
            notes.append(f"test_{name}.py is left out: it needs {', '.join(lacking)}")
            continue
        (folder / f"test_{name}.py").write_text(text)
        if cuda and name in ("training", "detector"):
            for old, new in MOVED.items():
                text = text.replace(old, new)
            (folder / f"test_{name}_moved_to_cuda.py").write_text(text)
    (folder / "reference_ddim.json").write_bytes((ROOT / "tests" / "science" / "reference_ddim.json").read_bytes())
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text(INI)
    return notes


def lacking_modules(text):
    """Return the modules that a file imports at its top and that are not installed."""
    names = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return {name for name in names if importlib.util.find_spec(name) is None}


def run_pytest(folder, options, limit):
    """Run the tests of a folder; return (what was printed, seconds)."""
    command = [sys.executable, "-m", "pytest", "-c", "pytest.ini", "-v", "--tb=line", "-rfE", "-p", "no:cacheprovider"]
    command += [
        "-p",
        "no:playwright",
        "-p",
        "no:benchmark",
        "-k",
        "not (moved_to_cuda and (kill_9 or half_done or recorded_once))",
        *options,
        ".",
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "300"}
    environment |= {"PYTHONPATH": str(ROOT), "DDIM_LESSONS_PROGRESS": str(folder / "progress.json")}
    start, stopped = time.perf_counter(), ""
    with open(folder / "output.txt", "w") as output:
        try:
            subprocess.run(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT, timeout=limit)
        except subprocess.TimeoutExpired:
            stopped = f"\nERROR - stopped after {limit} s"
    return (folder / "output.txt").read_text(errors="replace") + stopped, time.perf_counter() - start


def counts(text):
    """Return how many tests passed, failed …, from the lines that pytest prints for each."""
    lines = text.partition("short test summary")[0].splitlines()
    found = Counter()
    for line in lines:
        word = re.search(r"\b(PASSED|FAILED|ERROR|SKIPPED)\b", line)
        if word and "::" in line:
            found[word[1].lower()] += 1
    found["errors"] = found.pop("error", 0)
    return {"passed": 0, "failed": 0, "skipped": 0} | dict(found)


def failures(text):
    """Return the summary's lines on failures, without paths, or the end of the output if nothing was run."""
    lines = [line for line in text.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if not lines and "passed" not in text:
        lines = text.splitlines()[-8:]
    return [re.sub(r"(/[\w.+\-]+)+/", "", line)[:240] for line in lines[:30]]


# --- equal samples ---------------------------------------------------------------------------------------------------

BOUND = 10  # times the CPU's own rounding error


def equality(cases):
    """Samples from one x_T: on the CPU and the device in 32 bits, beside 64 bits."""
    for name in (*DATA_SETS, "digits"):
        n = (50 if name == "digits" else 200) if cases.quick else 400 if name == "digits" else 2000
        for eta in (0.0, 1.0):
            cases.case(f"{name}, eta {eta:.0f}", samples_apart, name, n, eta, cases.device, 10 if cases.quick else S)
    cases.case("detector, 4 x 16", codes_apart, 8 if cases.quick else 60, cases.device)


def samples_apart(name, n, eta, device, S):
    """Return how far samples in 32 bits are from those in 64 bits, and whether the device's are within the bound.

    ``device32`` has TF32 off, ``as_landed`` what torch sets by itself (off for products, on for convolutions).
    """
    model, tau = load_weights(name), make_tau(1000, S)
    x_T = np.random.default_rng(0).standard_normal((n, model.dim))
    exact = walk(deepcopy(model).double(), torch.tensor(x_T), tau, eta, np.random.default_rng(1)).numpy()

    def landed(where):
        states = network_states(deepcopy(model).to(where), x_T, tau, eta, np.random.default_rng(1))
        return states[-1].double().cpu().numpy()

    usual = landed(CPU)
    found = {"points": n} | apart("cpu32", usual, exact)
    results = {"as_landed": landed(device)}
    for label, on in (("device32", False), ("tf32", True)):
        set_tf32(on)
        results[label] = landed(device)
    set_tf32()
    for label, x in results.items():
        found |= apart(label, x, exact)
    found |= apart("device32_from_cpu32", results["device32"], usual)
    found |= {f"{label}_times_cpu32": times_cpu32(found, label) for label in results}
    return found | {"bound_times_cpu32": BOUND, "within_bound": found["device32_times_cpu32"] <= BOUND}


def times_cpu32(found, label):
    """Return the larger of two ratios to the CPU's rounding error: of the largest differences, of the relative ones."""
    return max(found[f"{label}_{part}"] / max(found[f"cpu32_{part}"], 1e-12) for part in ("largest", "relative"))


def apart(label, x, exact):
    """Return the largest and median difference of two sets of points, and their relative distance."""
    difference = np.abs(x - exact)
    relative = np.linalg.norm(x - exact) / np.linalg.norm(exact)
    found = {"largest": difference.max(), "median": np.median(difference), "relative": relative}
    return {f"{label}_{key}": float(value) for key, value in found.items()}


def codes_apart(n, device):
    """Return how far the detector's codes at the last visit are from those in 64 bits, on the CPU and the device.

    Renewal is a threshold: a score near it may fall on either side, and then a box starts again from other noise. So
    boxes further apart than 1e-3 are counted, and the path without renewal is measured too.
    """
    pictures, found = draw_pictures(np.random.default_rng([10, 1]), n), {"pictures": n}
    exact, model = doubled_detector(), load_detector()
    where = {"cpu32": (model, None), "as_landed": (deepcopy(model).to(device), None)}
    where |= {"device32": (where["as_landed"][0], False), "tf32": (where["as_landed"][0], True)}
    for renew in (False, True):
        truth = last_codes(exact, exact.look(torch.tensor(pictures.pixels).double()), n, renew)
        for label, (network, tf32) in where.items():
            set_tf32(tf32)
            codes, key = last_codes(network, maps_of(network, pictures), n, renew), label + "_renewed" * renew
            found |= apart(key, codes, truth)
            found[f"{key}_boxes_apart_share"] = float((np.abs(codes - truth).max(axis=-1) > 1e-3).mean())
    ratio = found["device32_relative"] / found["cpu32_relative"]
    return found | {"boxes_apart_share": found["device32_renewed_boxes_apart_share"], "within_bound": ratio <= BOUND}


def doubled_detector():
    """Return the stored detector in 64 bits, for the path to use."""
    model = load_detector().double()
    model.predict = lambda maps, z, t: Found(*model(maps, decode(z), torch.tensor(t))[-1])
    return model


def last_codes(model, maps, n, renew):
    """Return x̂_0 at the last of 4 visits to 16 boxes a picture, shape (n, 16, 4)."""
    z_T, rng = draw_codes(np.random.default_rng(2), n, 16), np.random.default_rng(3)
    return list(detection_path(model, maps, z_T, make_tau(1000, 4), rng, renew=renew))[-1].x0_hat.numpy()


# --- time to quality -------------------------------------------------------------------------------------------------


def train(cases):
    """Seconds until a stated quality, on the device and on the CPU of the same machine."""
    seconds = 0.5 if cases.quick else 12.0
    if cases.cuda:  # what is made at the first step is not counted
        list(fit(Run(PointMLP(), np.zeros((9, 2)), steps=60, device=cases.device)))
    places = {"device": cases.device, "cpu": CPU} if cases.cuda else {"cpu": CPU}
    jobs = [("moons", points_to_levels), ("digits", train_digits), ("detector", train_detector)]
    for name, job in jobs + ([] if cases.quick else [("DDIM", points_to_levels)]):
        for label, place in places.items():
            cases.case(label, job, name, place, seconds, cases.quick, within=name)


def points_to_levels(name, device, limit, quick):
    """Return seconds of training until samples are within 3, 2 and 1.5 noise floors, as in train_2d.py (one thread)."""
    torch.set_num_threads(1)
    trail = []

    def noted(x0, seed, clock, where):
        lengths, ours = train_2d.LENGTHS[: 2 if quick else None], train_2d.train_ours(x0, seed, clock, where)
        for (steps, batch), (seconds, sampler) in zip(lengths, ours, strict=False):
            trail.append((steps, batch, seconds, sampler))
            yield seconds, sampler

    reached = train_2d.seconds_to_levels(noted, data_set(name), 0, limit, time.perf_counter, device)
    steps, batch, seconds, sampler = trail[-1]
    levels = dict(zip(map(str, train_2d.LEVELS), reached, strict=True))
    found = {"seconds_to_levels": levels, "steps": steps, "batch": batch, "seconds": seconds}
    return found | {"steps_per_s": steps / seconds, "final_multiple": multiple_of_floor(name, sampler)}


def multiple_of_floor(name, sampler, n=4000):
    """Return the sliced W2 of samples as a multiple of the noise floor, median of 5 draws."""
    data, rngs = data_set(name), [np.random.default_rng([5, k]) for k in range(5)]
    found = [sliced_w2(sampler(rng.standard_normal((n, 2))), data.sample(n, rng)) for rng in rngs]
    return median(found) / noise_floor(sliced_w2, data, n, np.random.default_rng(0), repeats=9)


def timed_training(make_run, device, limit):
    """Train to the end or for ``limit`` seconds, on the CPU with the best number of threads; return (run, facts)."""
    threads = fastest_threads(make_run) if device.type == "cpu" else torch.get_num_threads()
    torch.set_num_threads(threads)
    if device.type == "cuda":  # what is made at the first steps is not counted
        next(fit(make_run(), every=10))
    run = make_run()
    for report in fit(run, every=5 if limit < 5 else 25):
        loss = report.loss
        if run.seconds > limit:
            break
    found = {"steps": run.step, "of_steps": run.settings["steps"], "seconds": run.seconds, "loss": loss}
    return run, found | {"steps_per_s": run.step / run.seconds, "cpu_threads": threads}


def fastest_threads(make_run, steps=5):
    """Return the number of threads with which a few steps take least."""
    took = {}
    for threads in sorted({1, 4, 8, os.cpu_count() or 1}):
        if threads <= (os.cpu_count() or 1):
            torch.set_num_threads(threads)
            reports = fit(make_run(), every=steps)
            next(reports)
            took[next(reports).rate] = threads
            reports.close()
    return took[max(took)]


def train_digits(_, device, limit, quick):
    """Return speed and Fréchet distance, in the classifier's features, after 2,000 steps or ``limit`` seconds."""

    def make_run():
        torch.manual_seed(0)
        settings = dict(steps=2000, batch=128, lr=5e-3, power=1.0, seed=0)
        return Run(DigitUNet(), load_digits()[0], **settings, device=device)

    run, found = timed_training(make_run, device, limit)
    x, judge = load_digits()[0], load_weights("digit classifier").judge
    x_T = np.random.default_rng(0).standard_normal((200 if quick else len(x), 64))
    samples = ddim_sample(x_T, eps_fn(run.average), run.average.schedule, make_tau(1000, 10 if quick else S))
    return found | {"frechet": frechet_distance(judge(x)[0], judge(samples)[0]), "samples": len(x_T)}


def train_detector(_, device, limit, quick):
    """Return speed and loss of the detector after 300 steps or ``limit`` seconds."""

    def make_run():
        torch.manual_seed(0)
        return DetectionRun(Detector(), steps=50 if quick else 300, batch=16, lr=1e-3, seed=0, device=device)

    return timed_training(make_run, device, limit)[1]
