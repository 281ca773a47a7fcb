"""Lesson 06: watch a network learn the exact field, and walk through its training. This one module loads torch."""

from typing import NamedTuple

import ipywidgets as ipw
import numpy as np
import torch

from ... import require
from ...ddim import add_noise, ddim_sample
from ...figures.controls import choice_slider
from ...figures.live import LiveFigure
from ...figures.plots import BLUE, INK, PALE, VERMILION, draw_points, frame, panels
from ...files import read_arrays, read_json
from ...learning.networks import TARGETS, PointMLP, eps_fn
from ...learning.own import OwnNetwork
from ...learning.runs import distance_in_floors
from ...learning.stopping import stop_button_waits
from ...own import mixture_of
from ...remember import remember
from ...schedules import alpha_bar_schedule, make_tau
from ...toy_data import data_set

MOONS = data_set("moons")
SNAPSHOTS = (0, 25, 50, 100, 200, 400, 700, 1000, 1500, 2000)  # steps at which the recorded run was kept


def times_of(T):
    """Return the times at which the error over t is measured: at most 60 of 1 … T, more of the small ones."""
    return np.array(make_tau(T, min(T, 60), "quadratic")[:-1])[::-1]


TIMES = times_of(1000)


# --- training and measuring --------------------------------------------------------------------------------------


def new_network(kind, seed, **arguments):
    """Return an untrained network of the class ``kind``, its weights drawn with ``seed``, the global one untouched."""
    require.that(callable(kind), "kind", kind, "a class of networks, such as PointMLP")
    require.seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind(**arguments)


@remember(1)
def points():
    """The training set: 20,000 points of the two moons."""
    return MOONS.sample(20_000, np.random.default_rng(0))


def error_over_t(eps_hat, data, alpha_bar, times=None, n=1000, seed=0):
    """Return the mean square of ε̂ − E[ε | x_t] per coordinate at each of ``times``, on n fresh points each.

    ``eps_hat(x, t)`` is the denoiser; it is compared with the exact one of ``data``. ``times`` are those of
    :func:`times_of` if None.
    """
    rng, errors = np.random.default_rng(seed), []
    for t in times_of(len(alpha_bar) - 1) if times is None else times:
        x_t = add_noise(data.sample(n, rng), rng.standard_normal((n, data.dim)), alpha_bar[t])
        errors.append(np.mean((eps_hat(x_t, int(t)) - data.eps(x_t, alpha_bar[t])) ** 2))
    return np.array(errors)


def mean_over_t(values, T):
    """Return the mean over t = 1 … T of ``values`` that are known at ``times_of(T)``, by straight lines between."""
    return float(np.interp(np.arange(1, T + 1), times_of(T), values).mean())


class Quality(NamedTuple):
    """Two figures of merit: the samples' ``distance`` in noise floors, and the ``excess`` loss, mean over t."""

    distance: float
    excess: float


def quality(eps_hat, data, seed=0, alpha_bar=None, S=50, eta=0.0, n=4000, draws=4):
    """Measure a denoiser by its samples (root mean square of ``draws`` distances) and against the exact one.

    ``alpha_bar`` None is the denoiser's own schedule, or the linear one if it carries none.
    """
    if alpha_bar is None:
        alpha_bar = getattr(eps_hat, "alpha_bar", alpha_bar_schedule("linear", 1000))
    distances = [sample_distance(eps_hat, data, alpha_bar, S, eta, n, 10 * seed + k) for k in range(draws)]
    excess = mean_over_t(error_over_t(eps_hat, data, alpha_bar), len(alpha_bar) - 1)
    return Quality(float(np.sqrt(np.mean(np.square(distances)))), excess)


def sample_distance(eps_hat, data, alpha_bar, S=50, eta=0.0, n=4000, seed=0):
    """Return the sliced W2 of n samples to n true ones, as a multiple of the noise floor."""
    rng = np.random.default_rng([6, seed])
    tau = make_tau(len(alpha_bar) - 1, S)
    samples = ddim_sample(rng.standard_normal((n, data.dim)), eps_hat, alpha_bar, tau, eta, rng)
    return distance_in_floors(samples, data, rng)


def loss_floor(data, alpha_bar, target="eps", power=1.0, n=500, draws=200):
    """Return the loss of the exact denoiser, which no network can beat: per coordinate, for the given target.

    The mean is over t as ``fit`` draws it: uniform on 1…T with power 1, more small t with power 2.
    """
    require.choice("target", target, TARGETS)
    rng, T, losses = np.random.default_rng(1), len(alpha_bar) - 1, []
    u = (np.arange(n) + 0.5) / n
    for t in 1 + (T * u**power).astype(int):
        noise = rng.standard_normal((draws, data.dim))
        x_t = add_noise(data.sample(draws, rng), noise, alpha_bar[t])
        unknown = np.mean((noise - data.eps(x_t, alpha_bar[t])) ** 2)
        losses.append(unknown * float(target_factor(alpha_bar[t], target)))
    return float(np.mean(losses))


def target_factor(alpha_bar_t, target):
    """Return by what an error's square in ε must be multiplied to get that of the same error in ``target``."""
    require.choice("target", target, TARGETS)
    return {"eps": 1, "x0": (1 - alpha_bar_t) / alpha_bar_t, "v": 1 / alpha_bar_t}[target]


# --- what was recorded by tools/record_training.py -----------------------------------------------------------------


@remember(1)
def recorded_tables():
    """The recorded table of what batch, width and steps do, with the facts about it."""
    return read_json("results/lesson_06.json")


def recorded_changes(name):
    """Return the rows of the table in which ``name`` alone varies, the default's row included, in rising order."""
    table = recorded_tables()
    require.choice("name", name, table["default"])
    default = table["rows"][0] | {name: table["default"][name]}
    return sorted([default, *(row for row in table["rows"] if name in row)], key=lambda row: row[name])


@remember(1)
def recorded_arrays():
    """The recorded snapshots of weights and pictures of digits, by name."""
    return read_arrays("results/lesson_06.npz")


@remember(1)
def recorded_gpu():
    """What ``benchmarks/gpu.py`` found on one machine with a GPU: a dict of its parts."""
    return read_json("results/gpu.json")


def gpu_steps():
    """Return steps a second of the points' network at batch 256: on the processor, on the GPU plainly, replayed."""
    found = recorded_gpu()
    plain, replayed = (found["steps"]["PointMLP, 256"][way]["steps_per_s"] for way in ("own step", "landed"))
    return found["train"]["moons"]["cpu"]["steps_per_s"], plain, replayed


def gpu_text():
    """Return the recorded table of GPU and processor as text."""
    found, (cpu, plain, replayed) = recorded_gpu(), gpu_steps()
    machine, rows = found["facts"]["machine"], [("training, steps/s, 256 points", f"{plain:,.0f}", f"{cpu:,.0f}")]
    rows.append(("  each step one launch", f"{replayed:,.0f}", ""))
    seconds = (found["train"]["moons"][side]["seconds_to_levels"]["1.5"] for side in ("device", "cpu"))
    rows.append(("  seconds to 1.5 noise floors", *(f"{time:.2f}" for time in seconds)))
    for points in ("64", "1,000", "100,000"):
        times = found["sampling"][f"moons, {points}"]
        sides = (f"{times[f'{side}_states_ms']:.0f}" for side in ("device", "cpu"))
        rows.append((f"sampling, ms, S = 50, {points} points", *sides))
    head = ("", machine["device"], f"processor, {machine['cpu_cores']} cores")
    return "\n".join(f"{name:40}{gpu:>14}{cpu:>22}" for name, gpu, cpu in (head, *rows))


@remember(len(SNAPSHOTS))
def snapshot(step):
    """Return ``(x, t) -> ε̂`` of the recorded run after ``step`` steps, one of ``SNAPSHOTS``."""
    require.that(step in SNAPSHOTS, "step", step, f"one of {SNAPSHOTS}")
    network = new_network(PointMLP, 0).requires_grad_(False)
    weights = recorded_arrays()["snapshots"][SNAPSHOTS.index(step)]
    torch.nn.utils.vector_to_parameters(torch.tensor(weights, dtype=torch.float32), network.parameters())
    return eps_fn(network)


# --- pictures ----------------------------------------------------------------------------------------------------


def field_points(count=13, limit=2.0):
    """Return a square grid of count² points in ±limit; shape (count², 2)."""
    line = np.linspace(-limit, limit, count)
    return np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)


GRID, LIMIT, ARROW = field_points(), 2.4, 0.13  # an arrow of length 0.13 stands for |ε̂| = 1


def draw_field(axes, eps, color, width, head=3.5):
    """Draw −ε̂ at the points of ``GRID`` as arrows, the direction in which a sampler moves; returns the Quiver.

    ``width`` is a share of the axes' width; ``head`` is that of an arrow's head in widths, 1 for a plain bar.
    """
    heads = dict(headwidth=head, headlength=head, headaxislength=head) if head > 1 else dict(headwidth=1, headlength=0)
    return axes.quiver(
        *GRID.T, *(-ARROW * eps.T), color=color, width=width, angles="xy", scale_units="xy", scale=1, **heads
    )


def move_field(arrows, eps):
    """Give the arrows of :func:`draw_field` another field."""
    arrows.set_UVC(*(-ARROW * eps.T))


NAMES = {"eps": "ε", "x0": "x_0", "v": "v"}


def draw_loss(axes, steps, floor, title):
    """Prepare the axes of a loss over training steps, with the exact denoiser's loss; returns the curve."""
    axes.axhline(floor, color=INK, linestyle="--", linewidth=1.2, label=f"exact denoiser: {floor:.2f}")
    axes.set(xlim=(0, steps), ylim=(floor - 0.06, floor + 0.24), xlabel="training step", title=title)
    curve = axes.plot([], [], color=BLUE, label="network")[0]
    axes.legend(loc="upper right", frameon=False, fontsize=11)
    return curve


# --- while it trains ---------------------------------------------------------------------------------------------


def data_of(run):
    """Return the mixture that a run learns: that of its own data, the moons, or what its points are nearly."""
    x0 = run.x0.cpu().numpy()
    require.that(x0.shape[1] == 2, "the number of columns", x0.shape[1], "2, those of the picture")
    moons = x0.shape == points().shape and np.allclose(x0, points(), atol=1e-6)
    return MOONS if moons else getattr(run, "data", None) or mixture_of(x0)


class Scene:
    """Three panels of a run: its loss, its field over the exact one at time t, and samples over the data."""

    def __init__(self, axes, run, n=300):
        T, data = run.model.T, data_of(run)
        t = max(1, T // 10)
        self.run, self.t, self.tau = run, t, make_tau(T, min(T, 20))
        self.x_T = np.random.default_rng(0).standard_normal((n, 2))
        schedule = run.model.schedule  # its last ᾱ may be 0: the loss for v is finite there, the way to it is not
        floor = loss_floor(data, np.maximum(schedule, 1e-6), run.model.target, run.settings["power"])
        self.curve = draw_loss(axes[0], run.settings["steps"], floor, f"loss, for {NAMES[run.model.target]}")
        exact = data.eps(GRID, schedule[t])
        draw_field(axes[1], exact, PALE, 0.022, head=1)
        self.arrows = draw_field(axes[1], exact, BLUE, 0.007)
        frame(axes[1], LIMIT, f"field at t = {t}")
        axes[1].set_xlabel("grey: exact, blue: network", fontsize=11)
        draw_points(axes[2], data.means, PALE, size=7, alpha=1.0)
        self.dots = draw_points(axes[2], self.x_T, VERMILION, size=3)
        frame(axes[2], LIMIT, f"{n} samples, S = {len(self.tau) - 1}")
        axes[2].set_xlabel("grey: the data's centres", fontsize=11)

    def move(self, steps, losses):
        """Bring the panels to the averaged network as it is now."""
        eps_hat = eps_fn(self.run.average)
        self.curve.set_data(steps, losses)
        move_field(self.arrows, eps_hat(GRID, self.t))
        network = OwnNetwork(self.run.average, self.run.model.schedule, self.run.model.target)  # ᾱ_T may be 0
        self.dots.set_data(*network.states(self.x_T, self.tau)[-1].T)


SCENE = dict(width=9.0, height=3.7, width_ratios=(1.15, 1, 1))


class TrainingView:
    """A live picture of a run, with a progress bar; ``update`` draws what is now, ``final`` is a still figure of it.

    It is a live figure without controls: what moves it is the loop over ``fit(run)``. Nothing that depends on the
    machine's speed is stored with the notebook.
    """

    def __init__(self, run):
        self.run, self.steps, self.losses = run, [], []
        self.bar = ipw.IntProgress(max=run.settings["steps"], layout={"width": "330px"})
        self.label = ipw.HTML()
        figure, axes = panels(1, 3, **SCENE)
        self.scene = Scene(axes, run)
        moving = [self.scene.curve, self.scene.arrows, self.scene.dots]
        self.live = LiveFigure(figure, moving, {}, self._draw)
        self.live.layout.children = [ipw.HBox([self.bar, self.label]), *self.live.layout.children[1:]]

    def update(self, progress):
        """Draw the run as it is after a report of ``fit``; the stop button waits for the picture."""
        with stop_button_waits(self.run):
            self._show(progress)

    def _show(self, progress):
        self.steps.append(progress.step)
        self.losses.append(progress.loss)
        self.bar.value = progress.step
        self.label.value = (
            f"step {progress.step:,} of {progress.steps:,} · loss {progress.loss:.3f} · "
            f"{progress.rate:,.0f} steps/s · {progress.seconds_left:.0f} s left"
        )
        self.live.show({})

    def final(self):
        """Return a still figure of what is shown now."""
        figure, axes = panels(1, 3, **SCENE)
        Scene(axes, self.run).move(self.steps, self.losses)
        return figure

    @property
    def words(self):
        """What the picture shows, in words."""
        return self.live.words

    def _draw(self):
        self.scene.move(self.steps, self.losses)
        what = "Left the loss, in the middle the network's field over the exact one, right samples over the data."
        if not self.steps:
            return f"Before the first step. {what}"
        return f"After {self.steps[-1]:,} steps: loss {self.losses[-1]:.2f}. {what}"

    def _ipython_display_(self):
        self.live._ipython_display_()


def training_view(run) -> TrainingView:
    """Return the live picture of a run on points (n, 2): display it, then ``update`` it with each report of ``fit``."""
    return TrainingView(run)


# --- after it has trained ----------------------------------------------------------------------------------------


@remember(128)
def snapshot_samples(step, S, n=300):
    """Return n samples (η = 0, the same x_T always) of the recorded run after ``step`` steps; shape (n, 2)."""
    x_T = np.random.default_rng(0).standard_normal((n, 2))
    return ddim_sample(x_T, snapshot(step), alpha_bar_schedule("linear", 1000), make_tau(1000, S))


@remember(128)
def snapshot_field(step, t):
    """Return (exact, learned) ε at ``GRID`` and the learned one's mean square error on points of x_t."""
    alpha_bar = alpha_bar_schedule("linear", 1000)
    error = error_over_t(snapshot(step), MOONS, alpha_bar, [t])[0]
    return MOONS.eps(GRID, alpha_bar[t]), snapshot(step)(GRID, t), float(error)


def walk_through_training() -> LiveFigure:
    """The recorded run: exact field, learned field and samples after each number of training steps, at each t."""
    figure, axes = panels(1, 3, width=9.0, height=3.4)
    nothing = np.zeros((len(GRID), 2))
    exact, under = draw_field(axes[0], nothing, INK, 0.007), draw_field(axes[1], nothing, PALE, 0.022, head=1)
    learned = draw_field(axes[1], nothing, BLUE, 0.007)
    for axis, title in zip(axes, ("exact field", "grey: exact, blue: network", "samples"), strict=True):
        frame(axis, LIMIT, title)
    draw_points(axes[2], MOONS.means, PALE, size=7, alpha=1.0)
    dots = draw_points(axes[2], nothing, VERMILION, size=3)
    controls = {
        "step": choice_slider("training step", SNAPSHOTS, 100),
        "t": choice_slider("t", (1, 3, 10, 30, 100, 200, 400, 700, 1000), 100),
        "S": choice_slider("S (steps)", (2, 5, 10, 20, 50), 10),
    }

    def update(step, t, S):
        true, guess, error = snapshot_field(step, t)
        for arrows, eps in ((exact, true), (under, true), (learned, guess)):
            move_field(arrows, eps)
        samples = snapshot_samples(step, S)
        dots.set_data(*samples.T)
        distance = distance_in_floors(samples, MOONS, np.random.default_rng(1))
        return (
            f"After {step:,} training steps, field at t = {t}: mean square error {error:.1g} against the exact one. "
            f"{len(samples)} samples with S = {S}: {distance:.1f} noise floors from the data."
        )

    return LiveFigure(figure, [exact, under, learned, dots], controls, update, play="step")
