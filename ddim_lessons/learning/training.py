"""Train a denoiser: a loop that reports while it runs, can be stopped at any moment, and continues bit for bit.

    run = Run(PointMLP(), data_set("moons").sample(20_000, rng))
    for progress in fit(run):
        print(progress)
    samples = ddim_sample(x_T, eps_fn(run.average), run.average.schedule, tau)

All of it is :func:`fit`, :func:`advance` and a ``loss``. What to do when the stop button is pressed is in
:mod:`ddim_lessons.learning.stopping`, when a GPU is full in :mod:`ddim_lessons.learning.device`; a checkpoint is a
file of :mod:`ddim_lessons.learning.weights`.
"""

import math
import time
from copy import deepcopy
from functools import partial
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import torch

from .. import require
from ..ddim import add_noise
from .device import checked_device, leave_gpu, pick_device, place, usual_torch
from .networks import DigitUNet, PointMLP, as_tensor, make_target, require_denoiser
from .replay import Replay
from .stopping import saved_when_left, stop_button_waits, stop_if_pressed
from .weights import WeightsError, build, card_of, digest_of, part_of, read_bytes, read_tensors, write_tensors

WARM_UP = 50  # steps in which the learning rate rises
UNSCALED = 3.0  # the root mean square of data, or its inverse, from which a word about scaling is printed


# --- training ----------------------------------------------------------------------------------------------------


class Progress(NamedTuple):
    """Where a run is: ``loss`` is the mean since the last report, ``rate`` in steps per second.

    ``rate`` and ``seconds_left`` are of the training alone: what the loop does between two reports comes on top.
    """

    step: int
    steps: int
    loss: float
    rate: float
    seconds_left: float

    def __str__(self):
        done = 20 * self.step // self.steps
        where = f"{'█' * done}{'·' * (20 - done)} {self.step:,}/{self.steps:,}"
        return f"{where}  loss {self.loss:.4f}  {self.rate:,.0f} steps/s  {self.seconds_left:.0f} s left"


class Training:
    """All that the next step depends on, whatever is learned; ``average`` is the network to use, at every moment.

    A kind of training adds ``loss()``, which draws a batch, and moves what else it keeps in :meth:`to`. ``settings``
    is a dict with at least steps, lr, decay and seed; ``step`` and ``seconds`` say how far the training is.
    """

    @usual_torch()
    def __init__(self, model, settings, device):
        steps = require.whole("steps", settings["steps"], 1, require.MANY)
        lr, decay = require.real("lr", settings["lr"], 0), require.real("decay", settings["decay"], 0, 1)
        self.settings = settings | dict(steps=steps, lr=lr, decay=decay, seed=require.seed(settings["seed"]))
        self.model = model
        _make_trainable(model)
        self.average = deepcopy(model).requires_grad_(False)
        self.device = place(self, pick_device() if device is None else checked_device(device))
        fused = self.device.type in ("cpu", "cuda")
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr, betas=(0.9, 0.99), fused=fused)
        self.generator = torch.Generator(self.device).manual_seed(self.settings["seed"])
        self.step, self.seconds, self.stop_pressed, self.replay = 0, 0.0, False, None

    def to(self, device):
        """Move all tensors to ``device``, the optimizer's moments excepted."""
        self.model.to(device)
        self.average.to(device)


class Run(Training):
    """A training of a denoiser on stored points.

    Parameters
    ----------
    model : a network of :mod:`ddim_lessons.learning.networks`; it is trained in place. Frozen weights are left as they
        are, unless all are frozen, as those of ``load_weights`` are: then all are trained
    x0 : the data, array or tensor of shape (n, dim), of which a copy is kept; mean about 0, standard deviation about 1
    steps, batch : how many steps of how many points; the learning rate falls to 0 over exactly ``steps``
    lr : the highest learning rate, reached after a warm-up
    decay : of the moving average of the weights, which remembers about 1/(1 − decay) steps
    power : t is drawn as T·u^power with u uniform; 1 treats all t alike, 2 prefers small t
    seed : of the generator of all randomness after the network's first weights
    device : where to train; :func:`pick_device` if None
    """

    def __init__(self, model, x0, steps=2000, batch=256, lr=5e-3, decay=0.999, power=2.0, seed=0, device=None):
        require_denoiser(model)
        batch, power = require.whole("batch", batch, 1, require.MANY), require.real("power", power, 0)
        self.x0 = _as_data(x0, model)
        super().__init__(model, dict(steps=steps, batch=batch, lr=lr, decay=decay, power=power, seed=seed), device)

    def to(self, device):
        """Move the networks and the data to ``device``."""
        super().to(device)
        self.x0 = self.x0.to(device)

    def draw(self):
        """Draw a batch: (x0, t, noise).

        u is stratified, one in each of ``batch`` equal slices of 0…1, which makes the loss less noisy. With power 2,
        small t come more often: in two dimensions, the detail of narrow data is decided there.
        """
        batch, g, options = self.settings["batch"], self.generator, {"device": self.x0.device}
        x0 = self.x0[torch.randint(len(self.x0), (batch,), generator=g, **options)]
        u = (torch.arange(batch, **options) + torch.rand(batch, generator=g, **options)) / batch
        t = 1 + (self.model.T * u ** self.settings["power"]).long().clamp(max=self.model.T - 1)
        return x0, t, torch.randn(x0.shape, generator=g, dtype=x0.dtype, **options)

    def loss(self):
        """Draw a batch and return its L_simple (DDPM eq. 14, for the network's target)."""
        x0, t, noise = self.draw()
        alpha_bar_t = self.model.alpha_bar[t][:, None]
        x_t = add_noise(x0, noise, alpha_bar_t)
        return ((self.model(x_t, t) - make_target(x0, noise, alpha_bar_t, self.model.target)) ** 2).mean()


def fit(run, path=None, every=None, save_seconds=5.0):
    """Train ``run`` to its end, yielding a :class:`Progress` every ``every`` steps (a hundredth of all if None).

    With a ``path`` a :class:`Run` is saved there every ``save_seconds``, at the end, and when it is stopped: by leaving
    the loop, or by the stop button, which waits for the report in hand so that no step is half done (and for a picture
    drawn under :func:`stop_button_waits`). An error in the body of the loop leaves the file as it was last saved.
    Loop over ``fit`` again with the same run, or with one from :func:`load_run`, to continue; a finished run yields
    nothing.
    """
    require.that(isinstance(run, Training), "run", run, "a Run(model, x0, …)")
    save_seconds, steps = require.real("save_seconds", save_seconds, 0), run.settings["steps"]
    every = max(1, steps // 100) if every is None else require.whole("every", every, 1)
    if path is not None:
        _require_saveable(run, path)
    run.stop_pressed = False
    save, saved_at = (lambda: None) if path is None else partial(save_run, run, path), time.monotonic()
    with saved_when_left(save):
        while run.step < steps:
            with stop_button_waits(run):
                progress = _train(run, min(every - run.step % every, steps - run.step))
            stop_if_pressed(run)
            if run.step == steps or time.monotonic() - saved_at >= save_seconds:
                save()
                saved_at = time.monotonic()
            yield progress
            stop_if_pressed(run)


@usual_torch()
def _train(run, count):
    """Take ``count`` steps, without the GPU once its memory is short, and return the Progress."""
    start, total = time.perf_counter(), 0.0
    for _ in range(count):
        try:
            total = total + take_step(run)
        except RuntimeError as error:
            leave_gpu(run, error)
            total = float(total) + take_step(run)
    loss = float(total) / count  # waits for a GPU, so the clock is right
    seconds = time.perf_counter() - start
    run.seconds += seconds
    if not math.isfinite(loss):
        raise FloatingPointError(f"the loss is {loss} at step {run.step}: try a smaller lr than {run.settings['lr']}")
    left = (run.settings["steps"] - run.step) * run.seconds / run.step
    return Progress(run.step, run.settings["steps"], loss, count / seconds, left)


def take_step(run):
    """Take one step down the loss of ``run`` and let the average follow; return the loss, a tensor."""
    steps, decay = run.settings["steps"], run.settings["decay"]
    share = 1 - min(decay, (run.step + 1) / (10 + run.step))  # more at the beginning, when there is little to remember
    numbers = learning_rate(run.step, steps, run.settings["lr"]), share
    loss = _replay(run)(*numbers) if _can_be_recorded(run) else advance(run, *numbers)
    run.step += 1
    return loss


def advance(run, lr, share):
    """Change the weights of ``run`` by a step of rate ``lr``, move their average by ``share`` of what it lacks."""
    loss = run.loss()
    run.optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), 1.0)
    run.optimizer.param_groups[0]["lr"] = lr
    run.optimizer.step()
    with torch.no_grad():
        for mean, weight in zip(run.average.parameters(), run.model.parameters(), strict=True):
            mean.lerp_(weight, share)
    return loss.detach()


def _can_be_recorded(run):
    """Whether nothing in a step of ``run`` is decided by Python: our own loss of our own networks, on CUDA."""
    own = type(run) is Run and type(run.model) in (PointMLP, DigitUNet)
    return own and next(run.model.parameters()).is_cuda


def _replay(run):
    run.replay = run.replay or Replay(run, advance)
    return run.replay


def learning_rate(step, steps, lr):
    """Return the learning rate of a step: up over the first ``WARM_UP`` steps, and down like half a cosine to 0."""
    return lr * min(1.0, (step + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / steps))


def save_run(run, path):
    """Write a run to ``path``, so that :func:`load_run` continues bit for bit on the same machine."""
    _require_saveable(run, path)
    tensors = {f"model.{name}": tensor for name, tensor in run.model.state_dict().items()}
    tensors |= {f"average.{name}": tensor for name, tensor in run.average.state_dict().items()}
    for number, moments in run.optimizer.state_dict()["state"].items():
        tensors |= {f"adam.{number}.{name}": tensor for name, tensor in moments.items()}
    tensors["generator"] = run.generator.get_state()
    frozen = [name for name, weight in run.model.named_parameters() if not weight.requires_grad]
    facts = dict(settings=run.settings, frozen=frozen, step=run.step, seconds=run.seconds, device=run.device.type)
    write_tensors(path, card_of("run", run.model) | facts | {"data_sha256": digest_of("", {"x0": run.x0})}, tensors)


def _require_saveable(run, path):
    """Check that what :func:`save_run` would write could be read again."""
    what = "a Run on stored data: this one draws its data as it trains"
    require.that(isinstance(run, Run), "run", type(run).__name__, what)
    require.that(isinstance(path, str | PathLike), "path", path, "the path of a file")
    card_of("run", run.model)


@usual_torch()
def load_run(path, x0, device=None):
    """Return the :class:`Run` saved at ``path``; ``x0`` must be the data it was trained on."""
    card, tensors = read_tensors(path, read_bytes(path), "run")
    model = build(path, card, part_of(tensors, "model."))
    for name, weight in model.named_parameters():
        weight.requires_grad_(name not in card.get("frozen", ()))
    run = Run(model, x0, **card["settings"], device=device)
    _require_same_run(path, card, run)
    run.average.load_state_dict(part_of(tensors, "average."))
    moments = {}
    for name, tensor in part_of(tensors, "adam.").items():
        number, _, key = name.partition(".")
        moments.setdefault(int(number), {})[key] = tensor
    run.optimizer.load_state_dict({"state": moments, "param_groups": run.optimizer.state_dict()["param_groups"]})
    run.generator.set_state(tensors["generator"])
    run.step, run.seconds = card["step"], card["seconds"]
    return run


def _require_same_run(path, card, run):
    """Raise unless the data and the kind of device are those that the checkpoint was made with."""
    name = Path(path).name
    if card["data_sha256"] != digest_of("", {"x0": run.x0}):
        raise WeightsError(f"{name} was trained on other data than x0: give the same points, or start a new Run")
    if card["device"] != run.device.type:
        raise WeightsError(f"{name} was made on {card['device']!r}, not on {run.device.type!r}: give device=…")


def _make_trainable(model):
    """Check that a network's weights can be trained; where all are frozen, let all be trained."""
    weights = list(model.parameters())
    for weight in weights:
        if weight.dtype not in (torch.float32, torch.float64):
            raise ValueError(f"model has {weight.dtype} weights, but must have 32 or 64 bits to be trained")
        if weight.is_inference():
            raise ValueError("model has weights made in torch.inference_mode(), but must be made outside to be trained")
    if not any(weight.requires_grad for weight in weights):
        model.requires_grad_(True)


@usual_torch()
def _as_data(x0, model):
    """Return a copy of the data in the model's dtype after checking them: shape (n, dim), not empty, finite."""
    data = as_tensor(require.floating("x0", x0), model.features).detach().clone()
    right = data.ndim == 2 and len(data) > 0 and data.shape[1] == model.dim
    require.that(right, "x0's shape", tuple(data.shape), f"(n, {model.dim}), n ≥ 1")
    require.finite("x0", data)
    _say_that_data_are_unscaled(data)
    return data


def _say_that_data_are_unscaled(data):
    """Print how to scale data that are far from mean 0 and standard deviation 1, for which the schedules are made."""
    mean, std = float(data.mean()), float(data.std(correction=0))
    if std > 0 and not 1 / UNSCALED <= (mean**2 + std**2) ** 0.5 <= UNSCALED:
        print(
            f"x0 has mean {mean:.4g} and standard deviation {std:.4g}, but schedules are made for about 0 and 1, and "
            f"samples will be poor. Train on (x0 - {mean:.4g}) / {std:.4g} instead, and turn samples back: "
            f"samples * {std:.4g} + {mean:.4g}."
        )
