"""DiffusionDet in miniature: boxes, pictures that a seed draws, the network, its sampling and its training."""

from ..torch_here import need_torch

need_torch("the detector of lesson 10")
