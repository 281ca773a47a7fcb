"""Record what lesson 09 measures on digits: ``data/results/lesson_09.json``.

    python tools/record_inversion.py             # about five minutes on one core

* reconstruction: error of encoding and decoding 100 digits against S, for three ways of encoding;
* interpolation: what half way between two latents gives, on the arc and on the straight line.
"""

import json
from functools import partial

import numpy as np
import torch

from ddim_lessons.ddim import ddim_sample
from ddim_lessons.files import DATA
from ddim_lessons.learning.cases import ALPHA_BAR, DENOISERS
from ddim_lessons.learning.quality import classifier, true_features
from ddim_lessons.lessons.lesson_09.pictures import PATHS, TABLE_2, digits_eps, pixel_error
from ddim_lessons.metrics import frechet_distance
from ddim_lessons.schedules import make_tau
from ddim_lessons.solvers import invert
from ddim_lessons.toy_data import load_digits

RESULTS = DATA / "results" / "lesson_09.json"
N, MANY = 100, 1500
GRID = partial(make_tau, 1000, spacing="quadratic")


def short(value):
    """Round to three digits."""
    return float(f"{value:.3g}")


def reconstruction(denoiser):
    """Return {rounds: {S: mean square error of a pixel, in 0 … 1, and latents' standard deviation}} of 100 digits."""
    x, _ = load_digits()
    x_0, eps_hat = x[np.random.default_rng(1).choice(len(x), N, replace=False)], digits_eps(denoiser)
    found = {}
    for rounds in (0, 1, 5):
        found[rounds] = {}
        for S in TABLE_2:
            x_T = invert(x_0, eps_hat, ALPHA_BAR, GRID(S), rounds)
            error = pixel_error(ddim_sample(x_T, eps_hat, ALPHA_BAR, GRID(S)), x_0)
            found[rounds][S] = {"error": short(error), "latent": short(float(x_T.std()))}
            print(denoiser, rounds, S, found[rounds][S], flush=True)
    return found


def interpolation(denoiser, S=50):
    """Return {path: measures} of the pictures half way between many pairs of latents; "ends" are those at w = 0.

    ``length`` is that of x_T, ``contrast`` the standard deviation within a picture, ``variety`` the variance of a
    pixel over the pictures, ``sure`` the share that the classifier reads with more than 0.8.
    """
    eps_hat = digits_eps(denoiser)
    a, b = np.random.default_rng(3).standard_normal((2, MANY, 64))
    latents = {"ends": a} | {name: path(a, b, 0.5) for name, path in PATHS.items()}
    true, found = true_features(), {}
    for name, x_T in latents.items():
        x = ddim_sample(x_T, eps_hat, ALPHA_BAR, GRID(S))
        features, confidence = classifier(x)
        found[name] = {
            "length": short(np.linalg.norm(x_T, axis=1).mean()),
            "contrast": short(x.std(axis=1).mean()),
            "variety": short(x.var(axis=0).mean()),
            "sure": short(np.mean(confidence > 0.8)),
            "frechet": short(frechet_distance(features, true)),
        }
        print(denoiser, name, found[name], flush=True)
    return found


def main():
    torch.set_num_threads(1)
    found = {
        "pictures": f"{N}; interpolation {MANY}",
        "spacing": "quadratic",
        "interpolation": {name: interpolation(name) for name in DENOISERS},
        "reconstruction": {name: reconstruction(name) for name in DENOISERS},
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
