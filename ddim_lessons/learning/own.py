"""Your own network: trained here on your own data, or made elsewhere and brought in by one adapter; kept in a file.

    run = own_run(own)  # then: for progress in fit(run): …
    net = own_network(model, own, predicts="v", time="t/T")  # any function or nn.Module

An adapter says both x̂_0 and ε̂ of a network, so that a schedule may end without signal (ᾱ_T = 0), where ε̂ alone says
nothing, and x̂_0 may be clipped.
"""

from copy import deepcopy
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from .. import require
from ..ddim import add_noise, ddim_states, jumps, move, predict_eps, predict_x0, standard_normal_like
from ..own import OwnData, named, own_data
from ..remember import read_only
from ..schedules import levels, own_schedule
from ..toy_data import data_set
from .cases import DENOISERS
from .denoisers import denoiser_of, network
from .networks import TARGETS, Denoiser, DigitUNet, PointMLP, as_tensor, network_walk, require_signal, to_eps
from .training import Run, fit
from .weights import FORMAT, build, card_of, part_of, read_bytes, read_tensors, write_tensors

TIMES = {  # what a network is told about the time t of a schedule of T steps
    "1..T": lambda t, alpha_bar: t,
    "0..T-1": lambda t, alpha_bar: t - 1,
    "t/T": lambda t, alpha_bar: t / (len(alpha_bar) - 1),
    "log-SNR": lambda t, alpha_bar: float(np.log(alpha_bar[t]) - np.log1p(-alpha_bar[t])),
}
PREDICTIONS = {"epsilon": "eps", "sample": "x0", "v_prediction": "v"}  # diffusers' names for TARGETS
FITS = 0.5  # a mean square error in ε̂ that no untrained network has
CLEARLY = 3.0  # so many times less error says that another convention is meant


# --- a training ------------------------------------------------------------------------------------------------------


def own_run(data, steps=2000, batch=512, width=48, waves=4, power=3.0, target="v", seed=0, device="cpu"):
    """Return a ``Run`` on the points of ``data``, a set of one's own, on its schedule; small pictures get a U-Net.

    ``waves`` (:class:`PointMLP`) and ``power``, which prefers small t (:class:`Run`), are for detail such as letters.
    ``run.data`` is the set.
    """
    data = _own(data)
    schedule = data.alpha_bar
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(require.seed(seed))
        if data.shape == (8, 8):
            model = DigitUNet(target=target, schedule=schedule)
        else:
            model = PointMLP(data.dim, width, target=target, schedule=schedule, waves=waves if data.dim <= 3 else 0)
    run = Run(model, data.points, steps=steps, batch=batch, power=power, seed=seed, device=device)
    run.data = data
    return run


def trained(data, steps=2000, width=48):
    """Train what :func:`own_run` makes of ``data`` to its end and return the run: some seconds without a word."""
    run = own_run(data, steps, width=width)
    for _ in fit(run):
        pass
    return run


def _own(data):
    """Return own data; also the set of a name, as data that may get another schedule or network."""
    return own_data(data_set(data), data) if isinstance(data, str) else own_data(data)


def as_data(data):
    """Return what figures take: the name of a set; a ``Run``'s data with its network as it is now; else own data."""
    return own_data(getattr(data, "data", data.x0)).with_network(data.average) if isinstance(data, Run) else named(data)


# --- an adapter ------------------------------------------------------------------------------------------------------


class OwnNetwork:
    """A network made elsewhere, as ``(x, t) -> ε̂``, and with :meth:`pair` as (x̂_0, ε̂).

    Parameters
    ----------
    call : a function or ``nn.Module`` of (x, times); a module gets tensors, a function NumPy arrays
    alpha_bar : the schedule it was trained on, shape (T + 1,)
    predicts : what it answers, one of "eps", "x0", "v"
    time : what it is told, one of ``TIMES``; an array of shape (n,)
    shape : of one sample as the network takes it, such as (1, 8, 8); (d,) if None
    clip : x̂_0 is cut off at ± this, if not None
    """

    def __init__(self, call, alpha_bar, predicts="eps", time="1..T", shape=None, clip=None):
        require.function("call", call, "(x, times) -> the prediction")
        require.choice("predicts", predicts, TARGETS)
        require.choice("time", time, TIMES)
        self.call = deepcopy(call).eval() if isinstance(call, torch.nn.Module) else call
        self.alpha_bar, self.predicts, self.time = levels(alpha_bar), predicts, time
        require.that(shape is None or isinstance(shape, tuple | list), "shape", shape, "a tuple, such as (1, 8, 8)")
        self.shape = None if shape is None else tuple(require.whole("a number of shape", s, 1, 10**6) for s in shape)
        self.clip = None if clip is None else require.real("clip", clip, 0)
        require_signal("predicts", predicts, self.alpha_bar)

    def __call__(self, x, t):
        return self.pair(x, t)[1]

    def pair(self, x, t):
        """Return (x̂_0, ε̂) at points ``x`` (n, d) of time t, both like ``x``."""
        t = max(require.whole("t", t, 0, len(self.alpha_bar) - 1), 1)
        require.floats("x", x)
        if require.is_tensor(x):
            return tuple(x.new_tensor(part) for part in self.pair(x.detach().cpu().numpy(), t))
        output, a = self.answer(x, t, self.time), float(self.alpha_bar[t])
        if self.predicts == "x0":
            x0_hat, eps_hat = output, predict_eps(x, output, a)
        elif self.predicts == "v":  # both without a division, for ᾱ_t = 0
            x0_hat, eps_hat = a**0.5 * x - (1 - a) ** 0.5 * output, to_eps(output, x, a, "v")
        else:
            x0_hat, eps_hat = predict_x0(x, output, a), output
        return x0_hat if self.clip is None else x0_hat.clip(-self.clip, self.clip), eps_hat

    def answer(self, x, t, time):
        """Ask the network, with the time in one of the ways of ``TIMES``; a sentence says what is wrong with it."""
        size = x.shape[1] if x.ndim == 2 and self.shape is None else int(np.prod(self.shape or 0))
        require.that(x.ndim == 2 and x.shape[1] == size > 0, "x's shape", x.shape, f"(n, {size or 'd'}), as shape says")
        told = np.full(len(x), TIMES[time](t, self.alpha_bar))
        shaped = x if self.shape is None else x.reshape(-1, *self.shape)
        try:
            output = self._ask(shaped, told)
        except Exception as error:
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
            gets = "tensors, as an nn.Module does" if isinstance(self.call, torch.nn.Module) else "NumPy arrays"
            asked = f"when it was asked at t = {t} with x of shape {shaped.shape} and times of shape {told.shape}"
            raise ValueError(f"your network raised {reason}, {asked}; it is given {gets}") from error
        what, found = "your network's answer", np.shape(output)
        require.that(found == shaped.shape, f"the shape of {what}", found, f"x's, {shaped.shape}")
        output = require.real_array(what, output).reshape(x.shape)
        if not np.isfinite(output).all():
            raise ValueError(f"{what} contains NaN or infinity at t = {t}")
        return output.astype(x.dtype)

    @torch.inference_mode()
    def _ask(self, x, told):
        if not isinstance(self.call, torch.nn.Module):
            return self.call(x, told)
        weight = next(self.call.parameters(), torch.zeros(1))
        times = torch.from_numpy(told).to(weight.device)
        output = self.call(as_tensor(x, weight), times if times.dtype == torch.int64 else times.to(weight.dtype))
        return require.real_array("your network's answer", getattr(output, "sample", output))

    def states(self, x_T, tau, eta=0.0, rng=None):
        """Return x at each time of ``tau`` as a list: see :func:`pair_states`."""
        return pair_states(x_T, self.pair, self.alpha_bar, tau, eta, rng)


def pair_states(x_T, pair, alpha_bar, tau, eta=0.0, rng=None):
    """Return x at each time of ``tau`` as a list, from ``pair(x, t) -> (x̂_0, ε̂)``; ᾱ_T may be 0 (DDIM eq. 12)."""
    require.floats("x_T", x_T)
    require.function("pair", pair, "(x, t) -> (x̂_0, ε̂)")
    states = [x_T]
    for (t, _), (_, a_s, sigma_sq) in jumps(alpha_bar, tau, eta, from_noise_alone=True):
        answer = pair(states[-1], t)
        fits = isinstance(answer, tuple) and [np.shape(part) for part in answer] == [x_T.shape] * 2
        require.that(fits, "the answer of pair", answer, "a tuple (x̂_0, ε̂), both shaped like x")
        x0_hat, eps_hat = answer
        noise = standard_normal_like(x_T, rng) if eta > 0 else 0.0
        states.append(move(x0_hat, eps_hat, a_s, sigma_sq, noise))
    require.finite("the sample", states[-1])
    return states


def own_pair(data, denoiser):
    """Return ``(x, t) -> (x̂_0, ε̂)`` of own data's "exact" or "trained" denoiser; right also where ᾱ_t = 0."""
    require.choice("denoiser", denoiser, DENOISERS)
    data = _own(data)
    alpha_bar = data.alpha_bar
    if denoiser == "exact":
        return lambda x, t: (data.x0(x, alpha_bar[t]), data.eps(x, alpha_bar[t]))
    found = network(data)
    return (OwnNetwork(found, found.schedule, found.target) if isinstance(found, Denoiser) else found).pair


def own_states(data, denoiser, x_T, tau, eta, rng):
    """Return :func:`own_walk` as a list."""
    return list(own_walk(data, denoiser, x_T, tau, eta, rng))


def own_walk(data, denoiser, x_T, tau, eta, rng):
    """Yield x at each time of ``tau`` for own data and its "exact" or "trained" denoiser, in 32 bits."""
    data = _own(data)
    require.floats("x_T", x_T)
    x_T = as_tensor(x_T).detach().cpu().numpy()
    require.that(x_T.ndim == 2 and x_T.shape[1] == data.dim, "x_T's shape", x_T.shape, f"(n, {data.dim})")
    require.choice("denoiser", denoiser, DENOISERS)
    found = network(data) if denoiser == "trained" else None
    if data.alpha_bar[-1] == 0 or isinstance(found, OwnNetwork):
        yield from pair_states(x_T, own_pair(data, denoiser), data.alpha_bar, tau, eta, rng)
    elif found is not None:
        yield from (x.numpy() for x in network_walk(found, x_T, tau, eta, rng))
    else:
        yield from ddim_states(x_T, denoiser_of(data, denoiser), data.alpha_bar, tau, eta, rng)


# --- which convention is it? -----------------------------------------------------------------------------------------


def own_network(call, data, predicts="eps", time="1..T", shape=None, clip=None):
    """Return the :class:`OwnNetwork` of ``call`` after trying it against the exact denoiser of ``data``, own data.

    Raises a sentence if another convention fits clearly better, and names it. ``said`` tells how well it fits.
    """
    data = _own(data)
    found = OwnNetwork(call, data.alpha_bar, predicts, time, shape, clip)
    found.pair(data.points[:3].astype(np.float32), len(data.alpha_bar) - 1)
    errors = _misfits(found, data)
    mine, best = errors[predicts, time], min(errors, key=errors.get)
    if errors[best] < FITS and mine > CLEARLY * errors[best] + 1e-6:
        raise ValueError(
            f"predicts={predicts!r} with time={time!r} does not fit: mean square error {mine:.2g} in ε̂ against the "
            f"exact denoiser of “{data}”; predicts={best[0]!r} with time={best[1]!r} fits best, {errors[best]:.2g}"
        )
    how = "fits:" if mine < FITS else "fits in no convention (is it trained?):"
    found.said = f"Your network {how} mean square error {mine:.2g} in ε̂ against the exact denoiser of “{data}”."
    return found


def _misfits(found, data, n=200):
    """Return the mean square error in ε̂ against the exact denoiser for each (predicts, time); inf where it fails."""
    rng, errors, alpha_bar = np.random.default_rng(0), {}, data.alpha_bar
    times = [int(np.argmin(abs(alpha_bar - level))) for level in (0.9, 0.7, 0.5, 0.3, 0.1)]
    times = sorted({min(max(t, 1), len(alpha_bar) - 2) for t in times} - {0}) or [1]
    x_0 = data.points[rng.integers(len(data.points), size=n)]
    batches = [(t, add_noise(x_0, rng.standard_normal(x_0.shape), alpha_bar[t]).astype(np.float32)) for t in times]
    exact = {t: data.eps(x_t, alpha_bar[t]) for t, x_t in batches}
    for time in TIMES:
        try:
            answers = {t: found.answer(x_t, t, time) for t, x_t in batches}
        except ValueError:
            answers = None
        for predicts in TARGETS:
            errors[predicts, time] = np.inf
            if answers is not None:
                told = [to_eps(answers[t], x_t, float(alpha_bar[t]), predicts) - exact[t] for t, x_t in batches]
                errors[predicts, time] = float(np.mean(np.square(told)))
    return errors


# --- diffusers, which is no dependency -------------------------------------------------------------------------------


def from_diffusers(model, scheduler):
    """Return the :class:`OwnNetwork` of a diffusers model (such as UNet2DModel) and of what its scheduler says of it.

    Any scheduler that has ``alphas_cumprod`` and a prediction_type. :func:`diffusers_tau` gives its times.
    """
    config, network = _config("scheduler", scheduler, "DDIMScheduler"), _config("model", model, "UNet2DModel")
    known = getattr(config, "prediction_type", None)
    require.that(known in PREDICTIONS, "prediction_type", known, f"one of {', '.join(PREDICTIONS)}")
    require.that(not getattr(config, "thresholding", False), "thresholding", True, "False: only clip_sample is known")
    clip = config.clip_sample_range if getattr(config, "clip_sample", False) else None
    side = network.sample_size
    shape = (network.in_channels, side, side) if isinstance(side, int) else (network.in_channels, *side)
    return OwnNetwork(model, own_schedule(scheduler.alphas_cumprod), PREDICTIONS[known], "0..T-1", shape, clip)


def _config(argument, part, example):
    """Return the ``config`` of a part of diffusers."""
    require.that(hasattr(part, "config"), argument, part, f"what diffusers has, such as a {example}")
    return part.config


def diffusers_tau(scheduler, S):
    """Return the times that diffusers' DDIMScheduler visits in S steps as a τ: one later each, and the end.

    It ends at time 1 where ``set_alpha_to_one`` is False. Error: where S does not divide T, some spacings step to a
    time that is not the next one on their own list.
    """
    config = _config("scheduler", scheduler, "DDIMScheduler")
    T = config.num_train_timesteps
    scheduler.set_timesteps(require.whole("S", S, 1, T))
    tau = [int(t) + 1 for t in scheduler.timesteps]
    gaps = {t - s for t, s in pairwise(tau)}
    where = f"such that {config.timestep_spacing!r} spacing steps by {T // S}"
    require.that(gaps <= {T // S}, "S", S, f"{where}: diffusers steps to a time that is not the next one on its list")
    return tuple(dict.fromkeys([*tau, 0 if config.set_alpha_to_one else 1]))


# --- kept by name ----------------------------------------------------------------------------------------------------

ARRAYS = ("points", "means", "std", "weights", "centre", "scale", "alpha_bar", "ink")


def save_own(data, path):
    """Write own data, its schedule and the network trained on it here (also a ``Run``) to the file ``path``."""
    data = as_data(data)
    require.that(isinstance(data, OwnData), "data", data, "own data, or a Run on it")
    model, known = data.network, isinstance(data.network, Denoiser | None)
    require.that(known, "the network", model, "one trained here: save your own with torch.save")
    arrays = {name: getattr(data, name) for name in ARRAYS}
    tensors = {name: torch.tensor(np.asarray(array)) for name, array in arrays.items() if array is not None}
    card = {"format": FORMAT, "kind": "own data"} if model is None else card_of("own data", model)
    if model is not None:
        tensors |= {f"network.{name}": tensor for name, tensor in model.state_dict().items()}
    write_tensors(_own_path(path), card | {"name": data.name, "said": data.said, "shape": data.shape}, tensors)


def load_own(path):
    """Return the own data in a file of :func:`save_own`, with its network if it had one."""
    path = _own_path(path)
    card, tensors = read_tensors(path, read_bytes(path), "own data")
    arrays = {name: tensors[name].numpy() for name in ARRAYS if name in tensors}
    shape = None if card["shape"] is None else tuple(card["shape"])
    parts = arrays["means"], arrays["std"], arrays["weights"]
    points = arrays["points"], parts, card["name"], card["said"], arrays["centre"], arrays["scale"]
    data = OwnData(*points, shape, arrays.get("ink")).on_schedule(arrays["alpha_bar"])
    data.weights = read_only(arrays["weights"])  # to the last digit: their sum may round
    if "architecture" not in card:
        return data
    return data.with_network(build(path, card, part_of(tensors, "network.")))


def _own_path(path):
    require.that(isinstance(path, str | Path) and str(path), "path", path, "a name, such as 'ada', or a file's path")
    return Path(path) if Path(path).suffix == ".safetensors" else Path(f"{path}.safetensors")
