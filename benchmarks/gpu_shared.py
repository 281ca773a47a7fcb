"""What the parts of ``benchmarks/gpu.py`` share: cases, clocks, CUDA graphs, launches counted, the steps of DDIM."""

import json
import os
import re
import time
import traceback
from collections import Counter
from pathlib import Path
from statistics import median

import numpy as np
import torch

from ddim_lessons.ddim import affine_steps, standard_normal_like
from ddim_lessons.learning.networks import to_eps

S = 50
CPU = torch.device("cpu")
NEEDS_CUDA = "needs CUDA"


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
