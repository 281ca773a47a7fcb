"""What lessons and tools choose from by name: denoisers, and the cases, levels of noise and metrics of lesson 08.

A *case* is a data set and a denoiser. A *level* of noise is η, or σ̂: the direction coefficient of η = 1 with fresh
noise of the larger variance 1−ᾱ_t/ᾱ_prev (DDIM appendix D.3), with noise in the last jump or without.
"""

from ..own import OwnData, require_name
from ..schedules import alpha_bar_schedule
from ..toy_data import DATA_SETS

ALPHA_BAR = alpha_bar_schedule("linear", 1000)  # of every denoiser that has a name
DENOISERS = ("exact", "trained")
DATA = (*DATA_SETS, "digits")
CASES = tuple((data, denoiser) for data in ("ring", "moons", "digits") for denoiser in DENOISERS)
STEPS = (5, 10, 20, 50, 100, 1000)
HAT, CLEAN_HAT = "σ̂", "σ̂, clean end"
LEVELS = ("0", "0.2", "0.5", "1", HAT, CLEAN_HAT)


def require_data(data):
    """Check that ``data`` is the name of a set, or one's own data."""
    if not isinstance(data, OwnData):
        require_name("data", data, DATA)


def alpha_bar_of(data):
    """Return the schedule on which the set of a name, or one's own data, is sampled."""
    require_data(data)
    return getattr(data, "alpha_bar", ALPHA_BAR)


def metrics_of(data):
    """Return the names of the metrics of the data set called ``data``; in the first two, more is worse."""
    require_data(data)
    if data == "digits":
        return "Fréchet", "nearest picture", "confident"
    return "sliced W2", "off-manifold", "coverage"
