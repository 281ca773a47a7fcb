"""One tick of lesson 10's live figure, kernel side: denoise boxes on one picture, suppress, draw, encode.

    python benchmarks/detection_tick.py
    python benchmarks/detection_tick.py --threads 1 --ticks 60

Every tick is a state that was never shown: a new noise seed, 64 boxes × 4 steps. Medians of wall and CPU milliseconds.
"""

import argparse
import time

import numpy as np
import torch

from ddim_lessons.explorers import lesson_10


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--ticks", type=int, default=40)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    live = lesson_10.boxes_from_noise()
    for S, N in ((1, 16), (4, 16), (4, 64), (8, 128)):
        spent = []
        for k in range(arguments.ticks):
            wall, cpu = time.perf_counter(), time.process_time()
            live.show(live.start | {"S": S, "N": N, "seed": 100 + k})
            spent.append((time.perf_counter() - wall, time.process_time() - cpu))
        wall, cpu = 1000 * np.median(spent, axis=0)
        print(
            f"{arguments.threads} thread(s), {N:3} boxes × {S} steps: {wall:.0f} ms of wall time, {cpu:.0f} ms of CPU"
        )


if __name__ == "__main__":
    main()
