"""The 8 × 8 handwritten digits of ``data/digits.npz``, as pictures and as points in 64 dimensions."""

import numpy as np

from .data_files import read_arrays
from .errors import real_array, require_choice, require_int


def load_digits():
    """Return (x, labels): 1,797 digits of shape (1797, 64), scaled to −1 (paper) … 1 (ink), and their labels 0…9."""
    file = read_arrays("digits.npz")
    return file["images"].reshape(-1, 64) / 8.0 - 1.0, file["labels"].astype(int)


def digit(label, index=0):
    """Return one digit, shape (64,): the one with number ``index`` among those that show ``label``."""
    x, labels = load_digits()
    require_choice("label", str(label), [str(n) for n in range(10)])
    require_int("index", index, 0, int((labels == label).sum()) - 1)
    return x[labels == label][index]


def as_ink(x):
    """Turn pictures of −1 (paper) … 1 (ink) into 0 … 255, as they are drawn and stored; the rest is cut off."""
    return np.clip((real_array("x", x) + 1) * 127.5, 0, 255)
