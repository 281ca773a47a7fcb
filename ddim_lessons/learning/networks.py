"""Small networks that predict the noise: one class for points, one for 8 × 8 digits, and the function samplers take.

A network sees a noisy x_t and the time t, a whole number, and predicts its ``target``: the noise ε, the clean sample
x_0, or v = √ᾱ_t ε − √(1−ᾱ_t) x_0 (Salimans and Ho 2022). Which one it is matters to training alone: :func:`to_eps`
turns each into ε̂.
"""

from functools import wraps

import numpy as np
import torch
from torch import nn
from torch.nn.functional import silu

from .. import require
from ..ddim import affine_steps, standard_normal_like
from ..schedules import alpha_bar_schedule, own_schedule
from .arithmetic import FREQUENCIES, TARGETS, snr_features, to_eps
from .arithmetic import make_target as make_target
from .device import usual_torch


def time_features(alpha_bar):
    """Return :func:`snr_features`, shape (T + 1, 8), as a tensor of 32 bits."""
    return torch.tensor(snr_features(alpha_bar), dtype=torch.float32)


def on_the_cpu(make):
    """Decorate the making of a network: its numbers are floats of 32 bits on the CPU, whatever torch's defaults are."""

    @wraps(make)
    def made(*given, **named):
        with usual_torch(), torch.device("cpu"):
            make(*given, **named)

    return made


def require_signal(argument, predicted, alpha_bar):
    """Check that what a network predicts, one of ``TARGETS``, can be had on a schedule: it may end with ᾱ_T = 0."""
    said = alpha_bar[-1] > 0 or predicted != "eps"
    require.that(said, argument, predicted, "'v' or 'x0' where ᾱ_T = 0: all of x_T is noise, ε̂ says nothing")


class Denoiser(nn.Module):
    """What all networks share: the schedule, the table of time features, and ``model(x, t)``.

    A network is ``embed`` (time features → what its layers need) and ``body`` (x and that → the target).
    ``arguments`` is what rebuilds it: numbers and names only. It is made in 32 bits on the CPU, whatever torch's
    defaults are; ``double()`` and ``half()`` change it.
    """

    def __init__(self, arguments):
        super().__init__()
        self.arguments = arguments
        self.target = arguments["target"]
        require.choice("target", self.target, TARGETS)
        schedule = arguments["schedule"]
        named = isinstance(schedule, str)
        self.schedule = alpha_bar_schedule(schedule, arguments["T"]) if named else own_schedule(schedule)
        arguments["schedule"] = schedule if named else self.schedule.tolist()
        self.T = arguments["T"] = len(self.schedule) - 1
        require_signal("target", self.target, self.schedule)
        self.register_buffer("alpha_bar", torch.tensor(self.schedule, dtype=torch.float32), persistent=False)
        self.register_buffer("features", time_features(self.schedule), persistent=False)

    def forward(self, x, t):
        """Return the target at ``x``, shape (n, dim), and times ``t``, whole numbers of shape (n,) or one for all."""
        return self.body(x, self.embed(self.features[t]))

    def eps(self, x, t):
        """Return ε̂, shaped like ``x``; t = 0 is taken as 1, where x_t is all but clean."""
        t = torch.as_tensor(t, device=x.device).clamp(min=1)
        return to_eps(self(x, t), x, self.alpha_bar[t][..., None], self.target)


def require_denoiser(model):
    """Check that ``model`` is one of the networks here that predict the noise."""
    wanted = "a PointMLP, a DigitUNet or a Denoiser of your own: its embed(features) and body(x, time) give the target"
    require.that(isinstance(model, Denoiser), "model", model, f"{wanted}, shaped like x, (n, dim)")


class PointMLP(Denoiser):
    """A plain ReLU network with ``depth`` hidden layers of ``width`` units for points in ``dim`` dimensions.

    With ``waves`` it also sees sines and cosines of the coordinates, at the frequencies 1.5, 3, 6 …: fine detail, such
    as letters, is learned sooner. Far from the data the waves repeat themselves, so 0 is the default: on the named sets
    (4 waves, three seeds) samples come nearer to the parts, but the sliced distance is no less except on "DDIM", on the
    swiss roll 0.3 floors more, DDIM's farthest sample is 0.4 to 0.7 farther out, and a call takes a fifth longer.
    ``schedule`` is a name, or ᾱ itself.
    """

    @on_the_cpu
    def __init__(self, dim=2, width=64, depth=3, target="v", schedule="linear", T=1000, waves=0):
        named = {"dim": dim, "width": width, "depth": depth}
        dim, width, depth = (require.whole(name, number, 1, 10_000) for name, number in named.items())
        waves = require.whole("waves", waves, 0, 10)
        seen = {"waves": waves} if waves else {}
        super().__init__(dict(dim=dim, width=width, depth=depth, target=target, schedule=schedule, T=T) | seen)
        self.dim, self.waves = dim, waves
        self.embed = nn.Linear(2 * len(FREQUENCIES), width)
        self.points = nn.Linear(dim * (1 + 2 * waves), width, bias=False)
        rates = torch.cat([1.5 * 2**k * torch.eye(dim) for k in range(waves)] * 2, dim=1) if waves else torch.empty(0)
        self.register_buffer("rates", rates, persistent=False)  # (dim, 2 dim waves): for the sines, then the cosines
        self.register_buffer("phases", torch.pi / 2 * (torch.arange(2 * dim * waves) >= dim * waves), persistent=False)
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(depth - 1))
        self.out = nn.Linear(width, dim)

    def body(self, x, time):
        """Return the target at ``x``, shape (n, dim), for times embedded as (n, width) or (width,)."""
        h = torch.addmm(time, self.seen(x), self.points.weight.T).relu_()
        for layer in self.hidden:
            h = layer(h).relu_()
        return self.out(h)

    def seen(self, x):
        """Return what the first layer sees of ``x``: itself, and its ``waves``; shape (n, dim (1 + 2 waves))."""
        if not self.waves:
            return x
        return torch.cat([x, torch.addmm(self.phases, x, self.rates).sin()], dim=-1)


class ResidualBlock(nn.Module):
    """Two 3 × 3 convolutions beside a shortcut; the time is added between them, one number for each channel."""

    def __init__(self, channels):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, h, time):
        """Return pictures of the shape of ``h``, (n, channels, rows, columns), for times embedded as (n, channels)."""
        return h + self.second(silu(self.first(silu(h)) + time[..., None, None]))


class DigitUNet(Denoiser):
    """A U-Net for 8 × 8 pictures given as rows of 64 numbers: blocks at 8 × 8, 4 × 4, 2 × 2, and back up.

    Twice as many channels at half the size; each block on the way up also gets what the way down had at its size.
    """

    @on_the_cpu
    def __init__(self, channels=16, target="v", schedule="linear", T=1000):
        channels = require.whole("channels", channels, 1, 1000)
        super().__init__(dict(channels=channels, target=target, schedule=schedule, T=T))
        self.dim, self.widths = 64, (channels, 2 * channels, 4 * channels)
        a, b, c = self.widths
        self.embed = nn.Sequential(nn.Linear(2 * len(FREQUENCIES), c), nn.SiLU(), nn.Linear(c, a + b + c))
        self.enter = nn.Conv2d(1, a, 3, padding=1)
        self.down = nn.ModuleList([nn.Conv2d(a, b, 3, 2, 1), nn.Conv2d(b, c, 3, 2, 1)])
        self.up = nn.ModuleList([nn.ConvTranspose2d(b, a, 2, 2), nn.ConvTranspose2d(c, b, 2, 2)])
        self.before, self.after = (nn.ModuleList(ResidualBlock(width) for width in (a, b)) for _ in range(2))
        self.middle = ResidualBlock(c)
        self.leave = nn.Conv2d(a, 1, 3, padding=1)

    def body(self, x, time):
        """Return the target at ``x``, shape (n, 64), for times embedded as (n, a + b + c) or (a + b + c,)."""
        fine, coarse, middle = time.split(self.widths, dim=-1)
        h_8 = self.before[0](self.enter(x.unflatten(-1, (1, 8, 8))), fine)
        h_4 = self.before[1](self.down[0](h_8), coarse)
        h_2 = self.middle(self.down[1](h_4), middle)
        h_4 = self.after[1](self.up[1](h_2) + h_4, coarse)
        h_8 = self.after[0](self.up[0](h_4) + h_8, fine)
        return self.leave(silu(h_8)).flatten(-3)


class DigitClassifier(nn.Module):
    """Which digit is it? A small network whose 32 ``features`` are what two sets of pictures are compared in."""

    @on_the_cpu
    def __init__(self, width=64, features=32):
        width = require.whole("width", width, 1, 10_000)
        features = require.whole("features", features, 1, 10_000)
        super().__init__()
        self.arguments = dict(width=width, features=features)
        self.layers = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, features), nn.ReLU())
        self.out = nn.Linear(features, 10)

    def forward(self, x):
        """Return the logits, shape (n, 10), of pictures ``x`` of shape (n, 64)."""
        return self.out(self.layers(x))

    @torch.inference_mode()
    def judge(self, x):
        """Return (features, confidence) of NumPy pictures (n, 64): shape (n, 32), and the top probability, (n,)."""
        features = self.layers(as_tensor(x, self.out.weight))
        return features.double().cpu().numpy(), self.out(features).softmax(dim=1).amax(dim=1).double().cpu().numpy()

    @torch.inference_mode()
    def shares(self, x):
        """Return the probabilities of the ten classes, shape (n, 10), for NumPy pictures (n, 64)."""
        return self(as_tensor(x, self.out.weight)).softmax(dim=1).cpu().numpy()


def one_thread():
    """Let torch use one thread: networks this small are slower when two cores share them."""
    torch.set_num_threads(1)


def eps_fn(model):
    """Return ``(x, t) -> ε̂``, what :func:`ddim_lessons.ddim.ddim_path` takes, for a trained ``model``.

    ``x`` is a NumPy array or a tensor of shape (n, dim), t one whole number; ε̂ comes back as what ``x`` was, in its
    dtype and on its device. The time embedding of all t is computed here, once: call again after more training.
    """
    require_denoiser(model)
    with torch.inference_mode():
        table = model.embed(model.features)

    @torch.inference_mode()
    def eps_hat(x, t):
        t = max(require.whole("t", t, 0, model.T), 1)
        require.array("x", x, ("float",))
        require.that(x.shape[-1:] == (model.dim,), "x's shape", tuple(x.shape), f"(n, {model.dim})")
        x_t = as_tensor(x, table)
        eps = to_eps(model.body(x_t, table[t]), x_t, float(model.schedule[t]), model.target)
        return eps.to(x) if isinstance(x, torch.Tensor) else as_numpy(eps).astype(x.dtype)

    eps_hat.alpha_bar = model.schedule
    return eps_hat


@torch.inference_mode()
def network_walk(model, x_T, tau, eta=0.0, rng=None):
    """Yield x at each time of ``tau``: what a slider can wait for. Tensors, in the model's dtype and place.

    The same points, up to rounding, as :func:`ddim_lessons.ddim.ddim_states` with :func:`eps_fn`: ε̂ is affine in the
    network's output and x (:func:`to_eps`), and the step is affine in x and ε̂, so both are one map of x and output.
    """
    require_denoiser(model)
    require.floats("x_T", x_T)
    require.that(x_T.ndim == 2 and x_T.shape[1] == model.dim, "x_T's shape", tuple(x_T.shape), f"(n, {model.dim})")
    table = model.embed(model.features)
    x = as_tensor(x_T, table)
    yield x
    for t, a, b, c in affine_steps(model.schedule, tau, eta):
        alpha_bar_t = float(model.schedule[t])
        on_output, on_x = (to_eps(*unit, alpha_bar_t, model.target) for unit in ((1.0, 0.0), (0.0, 1.0)))
        x = torch.add((a + b * on_x) * x, model.body(x, table[t]), alpha=b * on_output)
        if eta > 0:
            x = x + c * standard_normal_like(x, rng)
        yield x
    require.finite("the sample", x)


def network_states(model, x_T, tau, eta=0.0, rng=None):
    """Return :func:`network_walk` as a list."""
    return list(network_walk(model, x_T, tau, eta, rng))


def as_numpy(x):
    """Return a tensor as a NumPy array of at least 32 bits."""
    return x.to(torch.promote_types(x.dtype, torch.float32)).cpu().numpy()


def as_tensor(x, like=None):
    """Return an array or tensor in the dtype and on the device of ``like``, else in 32 bits, an array on the CPU.

    Of an array, which may be read-only, it is always a copy.
    """
    require.there("x", x)
    dtype, device = (torch.float32, None) if like is None else (like.dtype, like.device)
    if isinstance(x, torch.Tensor):
        return x.to(device, dtype)
    wide = np.float64 if dtype == torch.float64 else np.float32
    with np.errstate(over="ignore"):  # infinity, which is refused where numbers must be finite
        return torch.from_numpy(np.array(x, dtype=wide)).to(device, dtype)
