"""Write ``data/digits.npz``, ``data/ddpm_beside_ddim.gif`` and ``data/manifest.json``.

    python tools/export_data.py

The digits are the 8 × 8 handwritten ones that scikit-learn ships (UCI, CC BY 4.0), which is why the tools need
scikit-learn and the lessons do not. The manifest holds the sha256 of every data file.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parents[1] / "data"


def export_digits():
    """Write the 1,797 digits: ``images`` (1797, 8, 8) with 0…16 as uint8, ``labels`` (1797,) as uint8."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images, labels = digits.images.astype(np.uint8), digits.target.astype(np.uint8)
    np.savez_compressed(DATA / "digits.npz", images=images, labels=labels)


def export_picture():
    """Write the README's picture: the time of lesson 07's lab, exact denoiser, S = 20, from noise to data."""
    from ddim_lessons.lessons.lesson_07.pictures import trajectory_lab

    live = trajectory_lab("moons", "exact")
    live.controls["S"].value = 20
    live.save(DATA / "ddpm_beside_ddim.gif")


def write_manifest():
    """Write the sha256 of every file in ``data/`` but the texts that people edit."""
    files = [p for p in sorted(DATA.rglob("*")) if p.is_file() and p.name not in ("README.md", "manifest.json")]
    digests = {p.relative_to(DATA).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
    (DATA / "manifest.json").write_text(json.dumps(digests, indent=2) + "\n")


if __name__ == "__main__":
    export_digits()
    export_picture()
    write_manifest()
    print("wrote", ", ".join(p.name for p in sorted(DATA.iterdir())))
