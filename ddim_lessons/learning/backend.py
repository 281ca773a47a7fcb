"""Who computes the trained networks: torch where it is installed; else NumPy, for points alone (:mod:`.light`)."""

from ..torch_here import TORCH

if TORCH:
    from .networks import Denoiser, eps_fn, network_walk, one_thread
    from .weights import load_weights
else:
    from .light import Denoiser, eps_fn, load_weights, network_walk, one_thread

__all__ = ["Denoiser", "eps_fn", "load_weights", "network_walk", "one_thread"]
