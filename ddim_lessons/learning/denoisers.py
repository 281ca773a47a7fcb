"""Denoisers by name: (x, t) -> ε̂ of a set of :mod:`ddim_lessons.toy_data`, of "digits" or of one's own data."""

import numpy as np

from .. import require
from ..oracle import finite_eps_fn
from ..own import OwnData
from ..remember import remember
from ..toy_data import data_set, load_digits
from .backend import Denoiser, eps_fn, load_weights
from .cases import ALPHA_BAR, DATA, DENOISERS, require_data


def network(name):
    """Return the trained network ``name``: of a data set, of "digits", the "digit classifier"; that of own data."""
    if not isinstance(name, OwnData):
        return _loaded(name)
    if name.network is None:
        raise ValueError(f"no network was trained on “{name}”, only its exact denoiser is here: see own_run")
    return name.network


@remember(results=len(DATA) + 1)
def _loaded(name):
    return load_weights(name)


@remember(results=len(DATA) * len(DENOISERS) + 4)
def denoiser_of(data, denoiser):
    """Return ``(x, t) -> ε̂`` of data, by name or one's own: the "exact" denoiser, or the "trained" network's.

    ε̂ comes back in the precision of x. The exact denoiser of the digits knows the 1,797 pictures as points.
    """
    require.choice("denoiser", denoiser, DENOISERS)
    require_data(data)
    if denoiser == "trained":
        found = network(data)
        return eps_fn(found) if isinstance(found, Denoiser) else found
    if isinstance(data, OwnData):
        if np.ptp(data.std) > 0:  # the slower way
            return data.eps_fn(data.alpha_bar)
        return finite_eps_fn(data.means, data.alpha_bar, data.std[0], data.weights)
    return finite_eps_fn(load_digits()[0], ALPHA_BAR) if data == "digits" else data_set(data).eps_fn(ALPHA_BAR)
