"""What a GPU makes of the project: its tests, equal samples, seconds to quality, steps a second, sampling.

    python benchmarks/gpu.py --out results                      # under 6 minutes on a machine with one CUDA GPU
    python benchmarks/gpu.py --out results --device cpu --quick    # under a minute anywhere: does it run?
    python benchmarks/gpu.py --out results --parts steps sampling

Each part is a process of its own with a time limit of its own, so a part that fails, hangs or leaves the GPU unusable
leaves the others alone. ``gpu.json`` in the folder is written after each part; a part that was stopped keeps the
cases it had finished. Numbers have their units in their names. NumPy, torch and safetensors are needed; a part that
lacks anything else says so.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the package need not be installed

from gpu_parts import equality, facts, tests, train  # noqa: E402
from gpu_shared import Cases, write  # noqa: E402
from gpu_speed import compiled, sampling, steps  # noqa: E402

PARTS = {
    "facts": facts,
    "equality": equality,
    "steps": steps,
    "sampling": sampling,
    "train": train,
    "tests": tests,
    "compile": compiled,
}

LIMITS = {"facts": 35, "equality": 50, "steps": 85, "sampling": 60, "train": 125, "tests": 100, "compile": 75}  # s
QUICK = 60  # seconds for any part with --quick
LAST_LINES = 8  # of what a part that died had printed


def run_part(name, arguments, seconds):
    """Run a part in a process of its own for at most ``seconds``; return what it found."""
    path = arguments.out / f"gpu.{name}.json"
    command = [sys.executable, __file__, "--child", name, "--out", str(arguments.out), "--device", arguments.device]
    start, ending = time.perf_counter(), {}
    with tempfile.TemporaryFile("w+") as output:
        quick = ["--quick"] * arguments.quick
        process = subprocess.Popen([*command, *quick], stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            if process.wait(seconds) != 0:
                ending = {"error": f"the part ended with status {process.returncode}", "tail": tail(output)}
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with the processes it started itself
            process.wait()
            ending = {"error": f"stopped after {seconds:.0f} s; the cases before are whole"}
    found = json.loads(path.read_text()) if path.exists() else {}
    path.unlink(missing_ok=True)
    return found | ending | {"part_seconds": round(time.perf_counter() - start, 1)}


def tail(output):
    """Return the last lines that a part printed, without paths."""
    output.seek(0)
    lines = output.read().splitlines()[-LAST_LINES:]
    return [" ".join(Path(word).name if "/" in word else word for word in line.split())[:300] for line in lines]


def child(name, arguments):
    """Run one part in this process; its cases are saved as they come."""
    if arguments.quick:
        torch.set_num_threads(1)  # two threads that share a busy core are many times slower than one
    cases = Cases(arguments.out / f"gpu.{name}.json", torch.device(arguments.device), arguments.quick)
    PARTS[name](cases)


# --- the table ---------------------------------------------------------------------------------------------------


def short(value):
    """Return a value in a few characters: three digits, or ✗ for a case that failed."""
    if isinstance(value, dict):
        return "✗" if "error" in value else " ".join(f"{key} {short(v)}" for key, v in value.items())
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def picked(case, names):
    """Return "label value" of those of the ``names`` ({key: label}) that a case has; why not, if it failed."""
    if not isinstance(case, dict) or "error" in case:
        return f"✗ {case['error']}"[:110] if isinstance(case, dict) else short(case)[:110]
    return "  ".join(f"{label} {short(case[key])}".strip() for key, label in names.items() if key in case)


SHOWN = {
    "facts": {"device": "", "cpu": "", "torch": "torch", "launch_us": "launch µs", "copy_GB_per_s": "copy GB/s"}
    | {"float32_TFLOP_per_s": "TFLOP/s 32", "tf32_TFLOP_per_s": "tf32", "bfloat16_TFLOP_per_s": "bf16"},
    "equality": {"cpu32_largest": "CPU32 max", "device32_largest": "device max", "cpu32_relative": "CPU32 rel"}
    | {"device32_relative": "device rel", "as_landed_largest": "as landed max", "tf32_largest": "TF32 max"}
    | {"within_bound": "within 10×:", "boxes_apart_share": "boxes apart", "largest": "max", "median": "median"},
    "steps": {"landed": "landed", "own step": "own", "no TF32": "noTF32", "TF32": "TF32", "bf16": "bf16"}
    | {"graph": "graph", "graph, TF32": "g+TF32", "graph, bf16": "g+bf16", "launches": "launches"},
    "compile": {"compile": "compile", "compile, graph": "+ graph"},
    "sampling": {
        "cpu": "CPU",
        "cpu_states_ms": "CPU states ms",
        "cpu_sample_ms": "sample",
        "device_states_ms": "| device states",
    }
    | {"device_sample_ms": "sample", "graph_ms": "graph", "bytes_floor_ms": "bytes floor"},
    "train": {"device": "device", "cpu": "| CPU"},
    "tests": {"passed": "passed", "failed": "failed", "error": "errors", "skipped": "skipped", "seconds": "s"},
}


def condensed(part, case):
    """Return a case with what the table needs of its nested cases: a rate, or seconds and quality."""
    if part in ("steps", "compile") and isinstance(case, dict):
        return {key: v.get("steps_per_s", v) if isinstance(v, dict) else v for key, v in case.items()}
    if part == "train" and isinstance(case, dict):
        wanted = ("seconds_to_levels", "seconds", "steps_per_s", "final_multiple", "frechet", "loss", "error")
        return {key: {k: v[k] for k in wanted if k in v} for key, v in case.items() if isinstance(v, dict)}
    return case


def table(results):
    """Yield the lines of the table, at most about 60."""
    for part, found in results.items():
        if not isinstance(found, dict):
            continue
        yield f"{part} ({found.get('part_seconds', 0)} s){': ' + found['error'] if 'error' in found else ''}"
        for name, case in found.items():
            if isinstance(case, dict):
                yield f"  {name:20} {picked(condensed(part, case), SHOWN[part])}"[:200]
            elif part == "tests" and isinstance(case, list):
                yield from (f"    {line}"[:160] for line in case[:8])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for gpu.json")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", choices=("cuda", "cpu"))
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--limit", type=float, default=350, help="seconds for all parts together")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--child", choices=list(PARTS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.out = arguments.out.resolve()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.child:
        child(arguments.child, arguments)
        return
    start, results = time.perf_counter(), {"quick": arguments.quick, "device_kind": arguments.device}
    for name in arguments.parts:
        left = arguments.limit - (time.perf_counter() - start)
        seconds = min(QUICK if arguments.quick else LIMITS[name], left)
        enough = seconds > 5
        results[name] = run_part(name, arguments, seconds) if enough else {"error": "no time was left for this part"}
        write(arguments.out / "gpu.json", results)
        print(f"{name}: {results[name].get('error', 'done')} after {time.perf_counter() - start:.0f} s", flush=True)
    print("\n".join(list(table(results))[:60]))


if __name__ == "__main__":
    main()
