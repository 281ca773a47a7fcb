"""DDIM Lessons: the package behind the notebooks. Three nouns, in this order, are the whole of it.

A **schedule** ᾱ says how much of the data is left at time t; a **denoiser** says which noise is in x_t (exactly, for
the sets of points here; a trained network is one too); a **sampler** walks from noise to data, in as many steps as one
likes::

    import matplotlib.pyplot as plt
    import numpy as np
    from ddim_lessons import alpha_bar_schedule, data_set, ddim_sample, make_tau

    alpha_bar = alpha_bar_schedule("cosine", T=1000)  # the schedule
    denoiser = data_set("moons").eps_fn(alpha_bar)  # the denoiser: exact, nothing is trained
    x_T = np.random.default_rng(0).standard_normal((2000, 2))
    x_0 = ddim_sample(x_T, denoiser, alpha_bar, tau=make_tau(1000, S=20), eta=0.0)  # the sampler
    plt.scatter(*x_0.T, s=2)
    plt.show()

Read on in :mod:`ddim_lessons.ddim`: whoever reads that file alone understands DDIM.
"""

from .ddim import add_noise, ddim_path, ddim_sample, ddim_step, invert_path, predict_x0
from .oracle import GaussianMixture, finite_data
from .schedules import alpha_bar_schedule, make_tau
from .toy_data import data_set, load_digits

__version__ = "1.0.0"
__all__ = [
    "GaussianMixture", "add_noise", "alpha_bar_schedule", "data_set", "ddim_path", "ddim_sample", "ddim_step",
    "finite_data", "invert_path", "load_digits", "make_tau", "predict_x0",
]  # fmt: skip
