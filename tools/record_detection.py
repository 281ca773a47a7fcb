"""Record what lesson 10 shows but does not wait for: ``data/results/lesson_10.json`` and ``lesson_10.npz``.

    python tools/record_detection.py                        # about 25 minutes on one core
    python tools/record_detection.py table crowd            # or some parts: table, crowd, controls, maps

* table: AP over steps × boxes on 300 held-out pictures, the mean of three noise seeds, and their standard deviation;
* crowd: the same on pictures with about 11 objects, which training never showed, three noise seeds;
* controls: 16 boxes, with parts of the sampler exchanged or left out, four noise seeds, every ensemble;
* maps: AP over steps × boxes for all settings of the live figure, on fewer pictures, the mean of three noise seeds.
"""

import argparse
import json
import time
from itertools import product

import numpy as np
import torch

from ddim_lessons.detection.detector import T
from ddim_lessons.detection.sampling import ENSEMBLES, maps_of
from ddim_lessons.files import DATA
from ddim_lessons.lessons.lesson_10.pictures import BOXES, STEPS, crowds, detector, held_out, map_settings, measure, run

RESULTS = DATA / "results" / "lesson_10"
MAP_PICTURES, MAP_SEEDS = 100, 3
CONTROLS = {
    "full": {},
    "t fixed": {"told": T},
    "fresh": {"update": "fresh"},
    "direct": {"update": "direct"},
    "η = 0": {"eta": 0.0},
    "no renewal": {"renew": False},
    "η = 0, no renewal": {"eta": 0.0, "renew": False},
    "direct, no renewal": {"update": "direct", "renew": False},
}


def grid(pictures, steps, boxes, seeds):
    """Return {"AP50": rows, "AP": rows, "AP_sd": rows} over steps × boxes: means over ``seeds`` noise seeds, and how
    far one seed's AP is from the others'."""
    maps = maps_of(detector(), pictures)
    values = np.zeros((seeds, 2, len(steps), len(boxes)))
    for (i, S), (j, N), seed in product(enumerate(steps), enumerate(boxes), range(seeds)):
        values[seed, :, i, j] = measure(pictures, run(detector(), pictures, S, N, seed, maps=maps))[0]
    (ap50, ap), sd = values.mean(axis=0).round(4).tolist(), values[:, 1].std(axis=0, ddof=1).round(4).tolist()
    facts = {"steps": steps, "boxes": boxes, "seeds": seeds, "pictures": len(pictures.labels)}
    return facts | {"AP50": ap50, "AP": ap, "AP_sd": sd}


def controls(model, choices, seeds=4):
    """Return {name: {ensemble: {"AP50": …, "AP": …}}}: rows of steps 1, 2, 4, 8, columns of noise seeds, 16 boxes."""
    pictures, rows = held_out(), {}
    maps = maps_of(model, pictures)
    for name, choice in choices.items():
        values = np.zeros((len(STEPS), seeds, len(ENSEMBLES), 2))
        for (i, S), k in product(enumerate(STEPS), range(seeds)):
            values[i, k] = measure(pictures, run(model, pictures, S, 16, k, maps=maps, **choice), ENSEMBLES)
        rows[name] = {
            ensemble: {kind: values[:, :, e, m].round(4).tolist() for m, kind in enumerate(("AP50", "AP"))}
            for e, ensemble in enumerate(ENSEMBLES)
        }
    return rows


def record_table():
    return {"table": grid(held_out(), STEPS, BOXES, 3)}


def record_crowd():
    pictures = crowds()
    objects = float((pictures.labels >= 0).sum(axis=1).mean())
    return {"crowd": grid(pictures, (1, 4, 8), (*BOXES, 256), 3) | {"objects": round(objects, 2)}}


def record_controls():
    return {"controls": controls(detector(), CONTROLS), "control_boxes": 16, "control_steps": STEPS}


def record_maps():
    """Write the arrays of the live figure's maps, and which settings they belong to."""
    pictures, values = held_out(MAP_PICTURES), np.zeros((len(map_settings()), len(ENSEMBLES), len(STEPS), len(BOXES)))
    maps = maps_of(detector(), pictures)
    cells = product(enumerate(map_settings()), enumerate(STEPS), enumerate(BOXES), range(MAP_SEEDS))
    for (k, (update, eta, renew)), (i, S), (j, N), seed in cells:
        visits = run(detector(), pictures, S, N, seed, eta, renew, update, maps=maps)
        values[k, :, i, j] += measure(pictures, visits, ENSEMBLES)[:, 1] / MAP_SEEDS
    np.savez_compressed(RESULTS.with_suffix(".npz"), maps=values.round(4).astype(np.float32))
    return {"map_settings": map_settings(), "map_pictures": MAP_PICTURES, "map_seeds": MAP_SEEDS}


PARTS = {
    "table": record_table,
    "crowd": record_crowd,
    "controls": record_controls,
    "maps": record_maps,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"some of: {', '.join(PARTS)}; all if none is given")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    path = RESULTS.with_suffix(".json")
    for name in arguments.parts or PARTS:
        start = time.process_time()
        found = PARTS[name]()
        facts = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"cpu_seconds": {}}
        facts |= found
        facts["cpu_seconds"][name] = round(time.process_time() - start)
        path.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"{name}: {facts['cpu_seconds'][name]} CPU seconds", flush=True)


if __name__ == "__main__":
    main()
