"""DiffusionDet in miniature: boxes, pictures that a seed draws, the network, its sampling and its training."""
