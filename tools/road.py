"""Print what each lesson takes: minutes on the main road and in all, by the rule of ``ddim_lessons/teaching/road.py``.

python tools/road.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ddim_lessons.teaching.road import roads

HEAD = "lesson                        minutes     words        cells     exercises  live"


def main():
    print(HEAD)
    sums = [0, 0]
    for path, main_road, whole in roads():
        print(
            f"{path.stem:28} {main_road.minutes:4} {whole.minutes:4}  {main_road.words:5} {whole.words:5}  {main_road.cells:4} "
            f"{whole.cells:4}   {main_road.exercises + main_road.whole:4} {whole.exercises + whole.whole:4}   {main_road.live:2} {whole.live:2}"
        )
        beyond = path.stem[:2] in ("11", "12")
        sums = [sums[0] + main_road.minutes * (not beyond), sums[1] + whole.minutes]
    print(f"main road of 00 to 10: {sums[0]} minutes; all of it: {sums[1]}")


if __name__ == "__main__":
    main()
