"""Denoisers by name: (x, t) -> ε̂ of a set of :mod:`ddim_lessons.toy_data` or of "digits", exact or trained."""

from .. import require
from ..oracle import finite_eps_fn
from ..remember import remember
from ..toy_data import data_set, load_digits
from .cases import ALPHA_BAR, DATA, DENOISERS
from .networks import eps_fn
from .weights import load_weights


@remember(results=len(DATA) + 1)
def network(name):
    """Return the trained network ``name``: of a data set, of "digits", or the "digit classifier"."""
    return load_weights(name)


@remember(results=len(DATA) * len(DENOISERS))
def denoiser_of(data, denoiser):
    """Return ``(x, t) -> ε̂`` for the data set called ``data``: its "exact" denoiser, or the "trained" network's.

    ε̂ comes back in the precision of x. The exact denoiser of the digits knows the 1,797 pictures as points.
    """
    require.choice("data", data, DATA)
    require.choice("denoiser", denoiser, DENOISERS)
    if denoiser == "trained":
        return eps_fn(network(data))
    return finite_eps_fn(load_digits()[0], ALPHA_BAR) if data == "digits" else data_set(data).eps_fn(ALPHA_BAR)
