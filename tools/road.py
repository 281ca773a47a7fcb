"""Print what each lesson takes: minutes on the main road and in all, by the rule of ``ddim_lessons/teaching/road.py``.

python tools/road.py
python tools/road.py --write      # and writes the counts into the sessions and weeks of lecture/README.md
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ddim_lessons.teaching.road import roads

PLAN = Path(__file__).resolve().parents[1] / "lecture" / "README.md"
BEYOND = ("11", "12")  # lessons that the main road of six hours does not count


def planned(line, there):
    """Return a line of the course plan with its lessons' minutes in class, slides, minutes at home, exercises."""
    numbers = re.findall(r"\[(\d\d)\]", line)
    if not re.match(r"\| \d \| \[", line):
        return line
    road, whole = zip(*(there[number] for number in numbers), strict=True)
    in_class, slides = sum(lesson.minutes for lesson in road), sum(lesson.slides for lesson in road)
    home = sum(lesson.minutes for lesson in whole) - in_class
    counts = (in_class, slides, home, sum(lesson.exercises + lesson.whole for lesson in whole))
    for number, lesson in zip(numbers, road, strict=True):
        line = re.sub(rf"(\({number}\.md\)) \(\d+\)", rf"\1 ({lesson.minutes})", line)
    return re.sub(r"(\| \d+ ){4}\|$", "".join(f"| {count} " for count in counts) + "|", line)


def write_plan():
    there = {path.stem[:2]: both for path, *both in roads()}
    lines = PLAN.read_text(encoding="utf-8").split("\n")
    PLAN.write_text("\n".join(planned(line, there) for line in lines), encoding="utf-8")


def main():
    if "--write" in sys.argv:
        write_plan()
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
