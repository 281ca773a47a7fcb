"""The parts of ``benchmarks/gpu.py``; each takes :class:`Cases` and fills them, case by case."""

import ast
import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from copy import deepcopy
from pathlib import Path
from statistics import median

import numpy as np
import torch
import train_2d
from torch.nn.utils import clip_grad_norm_

import ddim_lessons
from ddim_lessons.boxes import decode
from ddim_lessons.ddim import affine_steps, ddim_sample, standard_normal_like
from ddim_lessons.detection_training import DetectionRun
from ddim_lessons.detector import Detector, Found, detection_path, draw_codes, maps_of
from ddim_lessons.digits import load_digits
from ddim_lessons.metrics import frechet_distance, noise_floor, sliced_w2
from ddim_lessons.networks import DigitUNet, PointMLP, eps_fn, network_states, to_eps
from ddim_lessons.schedules import make_tau
from ddim_lessons.shapes import draw_pictures
from ddim_lessons.toy_data import DATA_SETS, data_set
from ddim_lessons.training import Run, fit, learning_rate, load_weights

ROOT = Path(ddim_lessons.__file__).resolve().parents[1]
S = 50
CPU = torch.device("cpu")
NEEDS_CUDA = "needs CUDA"


# --- what all parts share ----------------------------------------------------------------------------------------


class Cases:
    """What a part finds, saved after each of its cases; a case that fails leaves its error and the rest goes on."""

    def __init__(self, path, device, quick):
        self.path, self.device, self.quick, self.found = path, device, quick, {}
        self.cuda = device.type == "cuda"

    def case(self, name, function, *arguments, within=None):
        """Call ``function`` and keep what it returns under ``name``, or under ``within`` and ``name``."""
        try:
            found = function(*arguments)
        except Exception as error:
            found = failure(error)
        place = self.found if within is None else self.found.setdefault(within, {})
        place[name] = found
        write(self.path, self.found)
        print(within or "", name, json.dumps(found)[:300], flush=True)


def write(path, results):
    """Write results as JSON in one renaming."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(rounded(results), indent=1, ensure_ascii=False) + "\n")
    os.replace(part, path)


def rounded(value):
    """Return results with four digits for each number; what JSON does not know becomes a string."""
    if isinstance(value, dict):
        return {str(key): rounded(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(v) for v in value]
    if isinstance(value, float | np.floating):
        return float(f"{value:.4g}") if np.isfinite(value) else str(value)
    return value if isinstance(value, str | bool | int | None) else str(value)


def failure(error):
    """Return what went wrong, and first of all what went wrong before it: a sentence and where, without paths."""
    first = error
    while first.__context__ is not None:
        first = first.__context__
    found = {"error": sentence(error), "where": where(error)}
    return found if first is error else found | {"first_error": sentence(first), "first_where": where(first)}


def sentence(error):
    """Return an error's kind and message, its paths cut to file names."""
    return re.sub(r"(/[\w.+\-]+)+/", "", f"{type(error).__name__}: {error}")[:400]


def where(error):
    """Return the last places of a traceback as "file:line function"."""
    return [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)[-6:]]


def synchronize(device):
    """Wait until the device has done all that it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def seconds_of(function, device):
    """Return the seconds that one call takes, until the device is done."""
    synchronize(device)
    start = time.perf_counter()
    function()
    synchronize(device)
    return time.perf_counter() - start


def median_ms(function, device, budget=0.8, most=15):
    """Return the median milliseconds of several calls within ``budget`` seconds, after one to warm up."""
    first = seconds_of(function, device)
    count = min(most, int(budget / max(first, 1e-6)))
    return 1e3 * median([seconds_of(function, device) for _ in range(count)] or [first])


def launch_us(device, count=1000):
    """Return the microseconds of one tiny operation: on a GPU what it costs to launch an all but empty kernel."""
    x = torch.zeros(1, device=device)

    def many():
        for _ in range(count):
            x.add_(1)

    many()
    return 1e6 * min(seconds_of(many, device) for _ in range(5)) / count


def copy_rate(device, mebibytes):
    """Return the GB/s, read and written, of a copy on the device."""
    source = torch.ones(mebibytes * 2**18, device=device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / median_ms(lambda: target.copy_(source), device, 0.5) / 1e6


def tf32_of_torch():
    """Return whether torch as it comes takes TF32 for (matrix products, convolutions)."""
    try:
        return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    except RuntimeError:
        return False, True


USUAL = tf32_of_torch()


def set_tf32(on=None):
    """Allow or forbid TF32, with its 10 bits of fraction, for products and convolutions; None: as torch comes."""
    products, convolutions = USUAL if on is None else (on, on)
    torch.backends.cuda.matmul.allow_tf32 = products
    torch.backends.cudnn.allow_tf32 = convolutions


def captured(step, generator=None, warm=3):
    """Record what ``step`` does on the GPU as a CUDA graph; return what replays it.

    It is called ``warm`` times before, on a stream of its own, so that all that is made at first calls is there.
    """
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(warm):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    if generator is not None:
        graph.register_generator_state(generator)
    with torch.cuda.graph(graph, stream=stream):
        step()
    torch.cuda.synchronize()
    return graph.replay


def launches(function, calls):
    """Return kernel launches, copies and waits of one of the ``calls`` that ``function`` makes, by torch's profiler."""
    kinds = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    function()
    torch.cuda.synchronize()
    with torch.profiler.profile(activities=kinds) as profile:
        function()
        torch.cuda.synchronize()
    found, names = Counter(), {"LaunchKernel": "launches", "Memcpy": "copies", "Synchronize": "waits"}
    for row in profile.key_averages():
        for word, name in names.items():
            if row.key.startswith("cu") and word in row.key:
                found[name] += row.count / calls
        if "CUDA" in str(getattr(row, "device_type", "")) and not row.key.startswith("Optimizer."):
            found["busy_us"] += getattr(row, "self_device_time_total", 0) / calls
    return dict(found) if found["launches"] else {"launches": "the profiler saw none: no right to use it here, perhaps"}


# --- facts -------------------------------------------------------------------------------------------------------


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
    return {
        "device": gpu.name,
        "gpu_GiB": gpu.total_memory / 2**30,
        "multiprocessors": gpu.multi_processor_count,
    } | found


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


# --- the tests ---------------------------------------------------------------------------------------------------

TESTS = ("networks", "training", "detector", "boxes", "ddim", "quality")
MOVED = {  # what makes a test of training on the CPU one on the GPU
    'device="cpu"': 'device="cuda"',
    ".detach().numpy()": ".detach().cpu().numpy()",
    ".detach().clone()": ".detach().cpu().clone()",
    "allclose(run.average.out.bias, ": "allclose(run.average.out.bias.cpu(), ",
    'return load_weights("detector")': 'return load_weights("detector").to("cuda")',
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

    A test that forks a process which then uses CUDA cannot pass there and is left out.
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
        text = (ROOT / "tests" / f"test_{name}.py").read_text()
        lacking = sorted(lacking_modules(text))
        if lacking:
            notes.append(f"test_{name}.py is left out: it needs {', '.join(lacking)}")
            continue
        (folder / f"test_{name}.py").write_text(text)
        if cuda and name in ("training", "detector"):
            for old, new in MOVED.items():
                text = text.replace(old, new)
            (folder / f"test_{name}_moved_to_cuda.py").write_text(text)
    (folder / "reference_ddim.json").write_bytes((ROOT / "tests" / "reference_ddim.json").read_bytes())
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
    command += ["-p", "no:playwright", "-k", "not (moved_to_cuda and kill_9)", *options, "."]
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


# --- equal samples -----------------------------------------------------------------------------------------------

BOUND = 10  # times the CPU's own rounding error


def walk(model, x, tau, eta=0.0, rng=None):
    """Return the samples of ``network_states`` in the precision and on the device of ``x``, without its checks."""
    with torch.no_grad():
        table = model.embed(model.features)
        for t, a, b, c in affine_steps(model.schedule, tau, eta):
            x = jump(model, x, table[t], *slopes(model, t, a, b))
            if eta > 0:
                x = x + c * standard_normal_like(x, rng)
    return x


def slopes(model, t, a, b):
    """Return (on_x, on_output): the step of DDIM is on_x · x + on_output · output."""
    alpha_bar_t = float(model.schedule[t])
    on_output, on_x = (to_eps(*unit, alpha_bar_t, model.target) for unit in ((1.0, 0.0), (0.0, 1.0)))
    return a + b * on_x, b * on_output


def jump(model, x, time_row, on_x, on_output):
    """Take one step with one time embedding for all points."""
    return torch.add(on_x * x, model.body(x, time_row), alpha=on_output)


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
    for label in results:
        parts = [found[f"{label}_{part}"] / max(found[f"cpu32_{part}"], 1e-12) for part in ("largest", "relative")]
        found[f"{label}_times_cpu32"] = max(parts)
    return found | {"bound_times_cpu32": BOUND, "within_bound": found["device32_times_cpu32"] <= BOUND}


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
    exact, model = doubled_detector(), load_weights("detector")
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
    model = load_weights("detector").double()
    model.predict = lambda maps, z, t: Found(*model(maps, decode(z), torch.tensor(t))[-1])
    return model


def last_codes(model, maps, n, renew):
    """Return x̂_0 at the last of 4 visits to 16 boxes a picture, shape (n, 16, 4)."""
    z_T, rng = draw_codes(np.random.default_rng(2), n, 16), np.random.default_rng(3)
    return list(detection_path(model, maps, z_T, make_tau(1000, 4), rng, renew=renew))[-1].x0_hat.numpy()


# --- time to quality ---------------------------------------------------------------------------------------------


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


# --- steps a second ----------------------------------------------------------------------------------------------

BATCHES = [("PointMLP", 256), ("PointMLP", 1024), ("PointMLP", 16384), ("DigitUNet", 128), ("DigitUNet", 1024)]
VARIANTS = {"own step": {}, "no TF32": {"tf32": False}, "TF32": {"tf32": True}, "bf16": {"bf16": True}}
GRAPHS = {f"graph, {name}": way | {"graph": True} for name, way in VARIANTS.items() if name in ("TF32", "bf16")}
GRAPHS = {"graph": {"graph": True}} | GRAPHS
COMPILED = {"compile": {"compiled": True}, "compile, graph": {"compiled": True, "graph": True}}


def new_run(kind, batch, steps, device):
    """Return a Run of moons' network or of the digits', the same at every call."""
    torch.manual_seed(0)
    points = kind == "PointMLP"
    model = PointMLP() if points else DigitUNet()
    x0 = data_set("moons").sample(50_000, np.random.default_rng(0)) if points else load_digits()[0]
    return Run(model, x0, steps=steps, batch=batch, power=2.0 if points else 1.0, seed=0, device=device)


class Step:
    """A training step like the package's with no number of Python's that changes: a CUDA graph can hold it.

    The learning rate, the share of the average and the losses are tables on the device, read where ``count`` is.
    """

    def __init__(self, run, bf16):
        settings, device = run.settings, run.device
        steps, decay = settings["steps"], settings["decay"]
        rates = [learning_rate(k, steps, settings["lr"]) for k in range(steps)]
        shares = [1 - min(decay, (k + 1) / (10 + k)) for k in range(steps)]
        self.rates, self.shares = torch.tensor(rates, device=device), torch.tensor(shares, device=device)
        self.losses = torch.zeros(steps, device=device)
        self.count = torch.zeros(1, dtype=torch.long, device=device)
        self.run, self.bf16 = run, bf16
        self.weights, self.means = list(run.model.parameters()), list(run.average.parameters())
        ways = dict(fused=True, capturable=device.type == "cuda")
        self.optimizer = torch.optim.Adam(self.weights, torch.tensor(rates[0], device=device), (0.9, 0.99), **ways)
        self.lr = self.optimizer.param_groups[0]["lr"]

    def __call__(self):
        """Draw, forward, backward, Adam, average."""
        self.lr.copy_(self.rates[self.count][0])
        with torch.autocast(self.run.device.type, torch.bfloat16, enabled=self.bf16, cache_enabled=False):
            loss = self.run.loss()
        self.optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(self.weights, 1.0)
        self.optimizer.step()
        with torch.no_grad():
            change = torch._foreach_sub(self.weights, self.means)
            torch._foreach_mul_(change, self.shares[self.count][0])
            torch._foreach_add_(self.means, change)
            self.losses.index_copy_(0, self.count, loss.detach().float().reshape(1))
            self.count.add_(1)


def as_landed(kind, batch, steps, device):
    """Return the speed of ``fit`` and the mean loss of its last quarter."""
    reports = list(fit(new_run(kind, batch, steps, device), every=steps // 4))
    counted = [(steps // 4) / report.rate for report in reports[1:]]
    return {"steps_per_s": len(counted) * (steps // 4) / sum(counted), "loss": reports[-1].loss}


def variant(kind, batch, steps, device, tf32=None, bf16=False, graph=False, compiled=False):
    """Return the speed of a way to take the steps, the mean loss of the last quarter, and the seconds before."""
    set_tf32(tf32)
    try:
        run = new_run(kind, batch, steps, device)
        if compiled:
            run.model.compile()
        return paced(Step(run, bf16), run, steps, graph)
    finally:
        set_tf32()


def paced(step, run, steps, graph):
    """Warm a step up, or record it as a graph; return its speed from there to the last step."""
    start, take = time.perf_counter(), step
    if graph:
        take = captured(step, run.generator, warm=8)
    while int(step.count) < steps // 4:
        take()
    synchronize(run.device)
    first = time.perf_counter() - start
    seconds = seconds_of(lambda: [take() for _ in range(steps - steps // 4)], run.device)
    found = {"steps_per_s": (steps - steps // 4) / seconds, "loss": float(step.losses[-(steps // 4) :].mean())}
    return found | {"first_quarter_seconds": first}


def launched(kind, batch, device):
    """Return kernel launches of a step as landed, and the steps a second that launching alone would allow."""
    run, launch = new_run(kind, batch, 1000, device), launch_us(device)
    list(zip(range(2), fit(run, every=5), strict=False))
    reports = fit(run, every=5)
    found = launches(lambda: next(reports), 5) | {"launch_us": launch}
    if not isinstance(found["launches"], str):
        found["floor_steps_per_s"] = 1e6 / launch / found["launches"]
    return found


def steps(cases):
    """Steps a second of training as landed, beside what launches cost, and with one thing changed at a time."""
    batches = [(kind, 32) for kind in ("PointMLP", "DigitUNet")] if cases.quick else BATCHES
    count = 40 if cases.quick else 400
    for kind, batch in batches:
        where = f"{kind}, {batch}"
        cases.case("landed", as_landed, kind, batch, count, cases.device, within=where)
        for name, way in VARIANTS.items():
            if cases.cuda or "tf32" not in way:
                cases.case(name, lambda k=kind, b=batch, w=way: variant(k, b, count, cases.device, **w), within=where)
    for kind, batch in batches:
        where = f"{kind}, {batch}"
        if not cases.cuda:
            cases.case("graph", lambda: NEEDS_CUDA, within=where)
            continue
        cases.case("launched", launched, kind, batch, cases.device, within=where)
        cases.found[where]["launches"] = cases.found[where]["launched"].get("launches", "?")
        for name, way in GRAPHS.items():
            cases.case(name, lambda k=kind, b=batch, w=way: variant(k, b, count, cases.device, **w), within=where)


def compiled(cases):
    """The same with ``torch.compile`` of the network, which needs a C compiler: alone, and recorded as a graph."""
    if not cases.cuda:
        cases.found["note"] = f"{NEEDS_CUDA} (on a CPU it only asks whether there is a C++ compiler)"
        return write(cases.path, cases.found)
    for kind, batch in [BATCHES[1], BATCHES[4], BATCHES[0], BATCHES[3]]:
        for name, way in COMPILED.items():
            where = f"{kind}, {batch}"
            cases.case(name, lambda k=kind, b=batch, w=way: variant(k, b, 400, cases.device, **w), within=where)


# --- sampling ----------------------------------------------------------------------------------------------------

COUNTS = {"moons": (1, 64, 1000, 10_000, 100_000, 1_000_000), "digits": (64, 1797, 20_000)}
GRAPHED = (1, 64, 1000, 1797, 10_000)
LONGEST_MS = 4000.0  # a case on the CPU that would take longer, going by the one before, is left out


def sampling(cases):
    """Milliseconds of S = 50 steps for few and many points, on the CPU and the device."""
    rate = copy_rate(cases.device, 1024) if cases.cuda else None
    for data, sizes in COUNTS.items():
        expected = 0.0
        for n in sizes[: len(sizes) // 3] if cases.quick else sizes:
            cases.case(f"{data}, {n:,}", sample_times, data, n, cases, rate, expected)
            times = cases.found[f"{data}, {n:,}"]
            longer = sizes[min(sizes.index(n) + 1, len(sizes) - 1)] / n
            expected = longer * times.get("cpu_states_ms", expected) if n >= 64 else 0.0


def sample_times(data, n, cases, rate, expected):
    """Return the milliseconds of both samplers on the CPU and the device, and the floor of moved bytes."""
    model, found = load_weights(data), {}
    x_T = torch.randn(n, model.dim, generator=torch.Generator().manual_seed(0))
    if expected < LONGEST_MS:
        found |= both_samplers("cpu", model, x_T, CPU) | {"cpu_threads": torch.get_num_threads()}
    else:
        found["cpu"] = f"left out: about {expected / 1000:.0f} s"
    if not cases.cuda:
        return found | {"graph": NEEDS_CUDA}
    model, x_T = model.to(cases.device), x_T.to(cases.device)
    found |= both_samplers("device", model, x_T, cases.device)
    if data == "moons":
        found |= {"bytes_floor_ms": S * n * bytes_moved(model) / rate / 1e6, "bytes_per_point_step": bytes_moved(model)}
    if n in GRAPHED:
        try:
            found |= graph_times(model, x_T)
        except Exception as error:
            found["graph_failure"] = failure(error)
    return found


def both_samplers(label, model, x_T, device):
    """Return the milliseconds of ``network_states`` and of ``ddim_sample``, and points × steps a second."""
    tau, eps_hat = make_tau(model.T, S), eps_fn(model)
    states = median_ms(lambda: network_states(model, x_T, tau), device, 0.5)
    sample = median_ms(lambda: ddim_sample(x_T, eps_hat, model.schedule, tau), device, 0.5)
    rate = 1e3 * S * len(x_T) / states
    return {f"{label}_states_ms": states, f"{label}_sample_ms": sample, f"{label}_point_steps_per_s": rate}


def bytes_moved(model):
    """Return the bytes that a step moves for a point with one kernel an operation: x and four of each hidden layer.

    A product writes a layer, ReLU reads and writes it, the next product reads it; x is read, and the step is taken.
    """
    return 4 * (4 * model.arguments["depth"] * model.arguments["width"] + 5 * model.dim)


def graph_times(model, x_T):
    """Return the milliseconds of S steps recorded as one CUDA graph, and how far its sample is from the package's."""
    tau, x, result = make_tau(model.T, S), x_T.clone(), torch.empty_like(x_T)
    with torch.no_grad():
        table = model.embed(model.features)
    jumps = [(table[t], *slopes(model, t, a, b)) for t, a, b, _ in affine_steps(model.schedule, tau, 0.0)]

    @torch.no_grad()
    def all_steps():
        y = x
        for each in jumps:
            y = jump(model, y, *each)
        result.copy_(y)

    eager = median_ms(all_steps, x_T.device)
    replay = captured(all_steps)
    found = {"unchecked_ms": eager, "graph_ms": median_ms(replay, x_T.device)}
    away = (result - network_states(model, x_T, tau)[-1]).abs().max()
    return found | {"graph_away": float(away)}


PARTS = {
    "facts": facts,
    "equality": equality,
    "steps": steps,
    "sampling": sampling,
    "train": train,
    "tests": tests,
    "compile": compiled,
}
