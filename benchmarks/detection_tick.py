"""One tick of lesson 10's live figure, kernel side: denoise boxes on one picture, suppress, draw, encode.

    python benchmarks/detection_tick.py
    python benchmarks/detection_tick.py --threads 1 --ticks 60

Every tick is a state that was never shown: a new noise seed. Wall milliseconds.
"""

import argparse

import torch
from rows import Row, in_turn, print_rows

from ddim_lessons.lessons.lesson_10 import pictures

SIZES = ((4, 64), (1, 16), (4, 16), (8, 128))  # steps, boxes


def rows(ticks=40):
    """Yield a row for each size, of wall milliseconds."""
    live = pictures.boxes_from_noise()
    ways = {
        f"{N} boxes × {S} steps": lambda k, S=S, N=N: live.show(live.start | {"S": S, "N": N, "seed": 100 + k})
        for S, N in SIZES
    }
    for name, seconds in in_turn(ways, ticks).items():
        yield Row("A tick of lesson 10's live figure", name, "ms", [1e3 * s for s in seconds], beside=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--ticks", type=int, default=40)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for _ in print_rows(rows(arguments.ticks)):
        pass


if __name__ == "__main__":
    main()
