"""The points' trained networks on NumPy alone, for a machine without torch: the names of :mod:`.backend`, no training.

A network is three products and two cuts at 0, so NumPy needs 1.4 to 1.7 times torch's time; the numbers are torch's
to the rounding of 32 bits.
"""

import json

import numpy as np
from safetensors.numpy import load

from .. import require
from ..ddim import ddim_states
from ..files import read_data
from ..own import named, own_data
from ..schedules import alpha_bar_schedule
from ..torch_here import Needs, need_torch
from ..toy_data import DATA_SETS, data_set
from .arithmetic import snr_features, to_eps
from .cases import DENOISERS

SAID = (
    "torch is not installed: the trained networks of points run on NumPy; training, digits and the detector need torch."
)


class Denoiser:
    """The points' network :class:`ddim_lessons.learning.networks.PointMLP`, from the tensors of its file, for use."""

    def __init__(self, arguments, tensors):
        self.arguments, self.target, self.dim = arguments, arguments["target"], arguments["dim"]
        self.schedule = alpha_bar_schedule(arguments["schedule"], arguments["T"])
        self.T, self.tensors = len(self.schedule) - 1, tensors
        self.features = snr_features(self.schedule).astype(np.float32)

    def embed(self, features):
        """Return the embedding (n, width) of time features (n, 8)."""
        return features @ self.tensors["embed.weight"].T + self.tensors["embed.bias"]

    def body(self, x, time):
        """Return the target at ``x``, shape (n, dim), for times embedded as (n, width) or (width,)."""
        h = x @ self.tensors["points.weight"].T
        h += time
        for k in range(self.arguments["depth"] - 1):
            np.maximum(h, 0, out=h)
            h = h @ self.tensors[f"hidden.{k}.weight"].T
            h += self.tensors[f"hidden.{k}.bias"]
        np.maximum(h, 0, out=h)
        return h @ self.tensors["out.weight"].T + self.tensors["out.bias"]


def load_weights(name):
    """Return the trained network of the set ``name``; "digits" and the classifier need torch."""
    require.choice("name", name, (*DATA_SETS, "digits", "digit classifier"))
    if name not in DATA_SETS:
        need_torch(f"the network {name!r}")
    data = read_data(f"weights/{name.lower().replace(' ', '_')}.safetensors")  # has the manifest's sha256
    size = int.from_bytes(data[:8], "little")  # of the header, which is JSON
    card = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["card"])
    return Denoiser(card["arguments"], {name: a.astype(np.float32) for name, a in load(data).items()})


def eps_fn(model):
    """Return ``(x, t) -> ε̂`` of a network for NumPy points (n, dim) and one time t; ε̂ has the dtype of x."""
    table = model.embed(model.features)

    def eps_hat(x, t):
        t = max(require.whole("t", t, 0, model.T), 1)
        require.array("x", x, ("float",))
        require.that(x.shape[-1:] == (model.dim,), "x's shape", tuple(x.shape), f"(n, {model.dim})")
        x_t = x.astype(np.float32)
        alpha_bar_t = float(model.schedule[t])
        return to_eps(model.body(x_t, table[t]), x_t, alpha_bar_t, model.target).astype(x.dtype)

    eps_hat.alpha_bar = model.schedule
    return eps_hat


def network_walk(model, x_T, tau, eta=0.0, rng=None):
    """Yield x at each time of ``tau``, arrays of 32 bits."""
    return ddim_states(x_T.astype(np.float32), eps_fn(model), model.schedule, tau, eta, rng)


def one_thread():
    """Say in one line that torch is not here; NumPy's threads stay as they are."""
    print(SAID)


# --- a set of one's own: its exact denoiser --------------------------------------------------------------------------

own_run = trained = Needs("training")


def as_data(data):
    """Return what figures take: the name of a set, or own data."""
    return named(data)


def own_pair(data, denoiser):
    """Return ``(x, t) -> (x̂_0, ε̂)`` of own data's "exact" denoiser; the "trained" one needs torch."""
    require.choice("denoiser", denoiser, DENOISERS)
    if denoiser == "trained":
        need_torch("a network of your own")
    data = _own(data)
    return lambda x, t: (data.x0(x, data.alpha_bar[t]), data.eps(x, data.alpha_bar[t]))


def own_walk(data, denoiser, x_T, tau, eta, rng):
    """Yield x at each time of ``tau`` for own data's "exact" denoiser, in 32 bits."""
    own_pair(data, denoiser)
    data = _own(data)
    return ddim_states(x_T.astype(np.float32), data.eps_fn(data.alpha_bar), data.alpha_bar, tau, eta, rng)


def _own(data):
    """Return own data; also the set of a name."""
    return own_data(data_set(data), data) if isinstance(data, str) else own_data(data)
