"""Print what each lesson takes: minutes on the main road and in all, by the rule of ``ddim_lessons/teaching/road.py``.

python tools/road.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ddim_lessons.teaching.road import roads

BEYOND = ("11", "12")  # lessons that the main road of six hours does not count


def main():
    print(f"{'main road, whole':26}{'minutes':>11}{'words':>13}{'cells':>9}{'exercises':>11}{'live':>7}")
    road, everything = 0, 0
    for path, main_road, whole in roads():
        both = [(s.minutes, s.words, s.cells, s.exercises + s.whole, s.live) for s in (main_road, whole)]
        widths = (6, 7, 5, 6, 4)
        print(f"{path.stem:26}" + "".join(f"{a:{w}} {b:{w - 1}}" for a, b, w in zip(*both, widths, strict=True)))
        road += main_road.minutes * (path.stem[:2] not in BEYOND)
        everything += whole.minutes
    print(f"the main road of 00 to 10: {road} minutes; all of all lessons: {everything}")


if __name__ == "__main__":
    main()
