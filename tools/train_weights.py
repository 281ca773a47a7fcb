"""Train all networks whose weights lie in ``data/weights/``, measure them, and write them with their cards.

    python tools/train_weights.py                  # all: three quarters of an hour of one processor core, no GPU needed
    python tools/train_weights.py moons digits     # some

Afterwards run ``python tools/export_data.py``, which writes the manifest. Training uses a GPU if there is one; the
weights are stored in 16 bits, and the metrics on the cards are of what is stored.
"""

import argparse
import time

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from ddim_lessons.ddim import ddim_sample
from ddim_lessons.detection.detector import Detector
from ddim_lessons.detection.sampling import detection_path, draw_codes, maps_of, precision_of, results
from ddim_lessons.detection.shapes import draw_pictures
from ddim_lessons.detection.training import DetectionRun
from ddim_lessons.learning.device import device_in_words, pick_device
from ddim_lessons.learning.networks import DigitClassifier, DigitUNet, PointMLP, eps_fn
from ddim_lessons.learning.training import Run, fit
from ddim_lessons.learning.weights import load_model, save_model, weights_path
from ddim_lessons.metrics import frechet_distance, noise_floor, sliced_w2
from ddim_lessons.schedules import make_tau
from ddim_lessons.toy_data import DATA_SETS, data_set, load_digits

S = 50
POINTS = dict(steps=4000, batch=1024, lr=5e-3, power=2.0)
DETECTOR = dict(steps=2300, batch=16, lr=1e-3)
DIGITS = dict(steps=6000, batch=128, lr=5e-3, power=1.0)


def train(name, run):
    """Train, telling how it goes; return (the average, rounded to 16 bits, and facts for the card)."""
    for progress in fit(run, every=run.settings["steps"] // 10):
        print(f"  {name:12} {progress}", flush=True)
    facts = {"data": name, "settings": run.settings, "seconds": round(run.seconds, 1)}
    model = run.average.cpu()
    for weight in model.parameters():
        weight.copy_(weight.half())
    return model, facts | {"device": device_in_words(run.device), "torch": torch.__version__}


def samples(model, eps_hat, n, seed):
    """Return ``n`` samples with the noise function ``eps_hat`` at η = 0 in S = 50 steps, shape (n, dim), float64."""
    x_T = np.random.default_rng(seed).standard_normal((n, model.dim))
    return ddim_sample(x_T, eps_hat, model.schedule, make_tau(model.T, S))


def judge_points(model, data, n=4000, draws=15):
    """Return the metrics of a two-dimensional model: sliced W2 against true samples, as multiple of its floor.

    One draw is off by up to a third of it, so this is the median of many. ``exact_multiple`` is what the exact
    denoiser gets from the same x_T: η = 0 hands on to the samples how uneven these happen to be.
    """
    floor = noise_floor(sliced_w2, data, n, np.random.default_rng(0), repeats=25)
    true = [data.sample(n, np.random.default_rng([1, seed])) for seed in range(draws)]
    distance, exact = (
        np.median([sliced_w2(samples(model, eps_hat, n, seed), true[seed]) for seed in range(draws)])
        for eps_hat in (eps_fn(model), data.eps_fn(model.schedule))
    )
    found = {"sliced_w2": distance, "floor": floor, "multiple": distance / floor, "exact_multiple": exact / floor}
    return {"S": S, "eta": 0, "samples": n} | found


def judge_digits(model, classifier, draws=5):
    """Return the metrics of the digits' model: feature Fréchet distance, its bootstrap floor, confident samples.

    Medians of ``draws``; one draw's distance may be a third lower or half as much again.
    """
    x = load_digits()[0]
    truth, rng = classifier.judge(x)[0], np.random.default_rng(0)
    floor = np.median([frechet_distance(truth, rng.choice(truth, len(x))) for _ in range(20)])
    judged = [classifier.judge(samples(model, eps_fn(model), len(x), seed)) for seed in range(draws)]
    distance = np.median([frechet_distance(truth, features) for features, _ in judged])
    confident = np.median([np.mean(confidence > 0.8) for _, confidence in judged])
    found = {"frechet": distance, "floor": floor, "multiple": distance / floor, "confident_above_0.8": confident}
    return {"S": S, "eta": 0, "samples": len(x)} | found


def train_classifier(x, labels, steps=600):
    """Return a classifier trained on slightly noisy digits; ``x`` (n, 64), ``labels`` (n,)."""
    torch.manual_seed(0)
    x, labels = torch.tensor(x, dtype=torch.float32), torch.tensor(labels)
    model = DigitClassifier()
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    for _ in range(steps):
        batch = torch.randint(len(x), (128,))
        loss = cross_entropy(model(x[batch] + 0.1 * torch.randn(128, 64)), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def make_classifier():
    """Train the classifier twice: without every fifth digit, to know its accuracy, and on all, to keep."""
    x, labels = load_digits()
    start = time.perf_counter()
    held = np.random.default_rng(0).permutation(len(x)) % 5 == 0
    trial, model = train_classifier(x[~held], labels[~held]), train_classifier(x, labels)
    right = trial(torch.tensor(x[held], dtype=torch.float32)).argmax(dim=1).numpy() == labels[held]
    confident = np.mean(model.half().float().judge(x)[1] > 0.8)
    metrics = rounded({"held_out_accuracy": right.mean(), "confident_above_0.8": confident})
    facts = {"seconds": round(time.perf_counter() - start, 1), "device": device_in_words("cpu")}
    save("digit classifier", model, facts | {"data": "digit classifier", "metrics": metrics})


def make_points(name):
    """Train, measure and write the network of one two-dimensional set."""
    torch.manual_seed(0)
    data = data_set(name)
    model, facts = train(name, Run(PointMLP(), data.sample(50_000, np.random.default_rng(0)), **POINTS, seed=0))
    save(name, model, facts | {"metrics": rounded(judge_points(model, data))})


def make_digits():
    """Train, measure and write the network of the digits, judged by the stored classifier."""
    torch.manual_seed(0)
    model, facts = train("digits", Run(DigitUNet(), load_digits()[0], **DIGITS, seed=0))
    classifier = load_model(weights_path("digit classifier"))
    save("digits", model, facts | {"metrics": rounded(judge_digits(model, classifier))})


def judge_detector(model, n=100):
    """Return the metrics of the detector on ``n`` pictures it never saw: AP50 and AP[.5:.95] at steps × boxes."""
    pictures, metrics = draw_pictures(np.random.default_rng([10, 1]), n), {"eta": 1, "pictures": n}
    for S, N in ((1, 16), (1, 64), (4, 16), (4, 64)):
        rng = np.random.default_rng([10, 2])
        path = detection_path(model, maps_of(model, pictures), draw_codes(rng, n, N), make_tau(1000, S), rng)
        ap50, ap = precision_of(results(list(path)), pictures)
        metrics |= {f"AP50, {S} × {N}": ap50, f"AP, {S} × {N}": ap}
    return metrics


def make_detector():
    """Train, measure and write the detector of lesson 10."""
    torch.manual_seed(0)
    model, facts = train("detector", DetectionRun(Detector(), **DETECTOR, seed=0))
    save("detector", model, facts | {"metrics": rounded(judge_detector(model))})


def rounded(metrics):
    """Round the numbers of a card to four digits."""
    return {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in metrics.items()}


def save(name, model, facts):
    path = weights_path(name)
    save_model(model, path, facts, half=True)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB, {facts['seconds']} s, {facts['metrics']}", flush=True)


def main():
    makers = {name: lambda name=name: make_points(name) for name in DATA_SETS}
    makers |= {"digit classifier": make_classifier, "digits": make_digits, "detector": make_detector}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(makers)}; all if none is given")
    parser.add_argument("--threads", type=int, default=1, help="processor threads (default 1)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    unknown = [name for name in arguments.names if name not in makers]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; choose from {', '.join(makers)}")
    print(f"Training on {device_in_words(pick_device())}")
    for name, make in makers.items():
        if not arguments.names or name in arguments.names:
            make()


if __name__ == "__main__":
    main()
