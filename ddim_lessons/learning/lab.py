"""What a lab takes of a set of one's own: all of :mod:`.own` where torch is installed; else its exact denoiser."""

from ..torch_here import TORCH

if TORCH:
    from .own import as_data, own_pair, own_run, own_walk, trained
else:
    from .light import as_data, own_pair, own_run, own_walk, trained

__all__ = ["as_data", "own_pair", "own_run", "own_walk", "trained"]
