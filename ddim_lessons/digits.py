"""The 8 × 8 handwritten digits of ``data/digits.npz``, as pictures and as points in 64 dimensions."""

from pathlib import Path

import numpy as np

from .errors import require_choice, require_int

DATA = Path(__file__).resolve().parents[1] / "data"


def load_digits():
    """Return (x, labels): 1,797 digits of shape (1797, 64), scaled to −1 (paper) … 1 (ink), and their labels 0…9."""
    path = DATA / "digits.npz"
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} is not in the folder data; restore it with: git checkout data")
    with np.load(path, allow_pickle=False) as file:
        return file["images"].reshape(-1, 64) / 8.0 - 1.0, file["labels"].astype(int)


def digit(label, index=0):
    """Return one digit, shape (64,): the one with number ``index`` among those that show ``label``."""
    x, labels = load_digits()
    require_choice("label", str(label), [str(n) for n in range(10)])
    require_int("index", index, 0, int((labels == label).sum()) - 1)
    return x[labels == label][index]
