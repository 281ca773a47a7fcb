"""The parts of ``benchmarks/gpu.py`` on speed: steps a second of training, compiled networks, sampling."""

import time

import numpy as np
import torch
from gpu_shared import (
    CPU,
    NEEDS_CUDA,
    S,
    captured,
    copy_rate,
    failure,
    jump,
    launch_us,
    launches,
    median_ms,
    seconds_of,
    set_tf32,
    slopes,
    synchronize,
    write,
)
from torch.nn.utils import clip_grad_norm_

from ddim_lessons.ddim import affine_steps, ddim_sample
from ddim_lessons.learning.networks import DigitUNet, PointMLP, eps_fn, network_states
from ddim_lessons.learning.training import Run, fit, learning_rate
from ddim_lessons.learning.weights import load_weights
from ddim_lessons.schedules import make_tau
from ddim_lessons.toy_data import data_set, load_digits

# --- steps a second --------------------------------------------------------------------------------------------------

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
            torch._dynamo.reset()  # else another batch makes the shapes dynamic
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


# --- sampling --------------------------------------------------------------------------------------------------------

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
