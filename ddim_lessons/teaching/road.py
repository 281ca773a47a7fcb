"""The road through the lessons: which cells are main road and which side road, and how many minutes they take.

One rule: 110 words of text a minute, what is folded away not counted; a minute for a cell that is run and looked at;
six for an exercise, twelve for one that asks for a whole thing; five for a live figure with its questions.
"""

import json
import re
from dataclasses import dataclass

from ..files import ROOT

SIDE_ROAD = "side-road"
WORDS_A_MINUTE = 110
MINUTES = {"cells": 1, "exercises": 6, "whole": 12, "live": 5}
SLIDES = ("slide", "subslide")  # what a cell begins; the others go on
FOLD = re.compile(r"<details>.*?</details>", re.DOTALL)


@dataclass(frozen=True)
class Stretch:
    """Words of text, cells to run, exercises, ones that ask for a whole thing, live figures, slides of some cells."""

    words: int = 0
    cells: int = 0
    exercises: int = 0
    whole: int = 0
    live: int = 0
    slides: int = 0

    @property
    def minutes(self):
        """Minutes by the rule, rounded to 5."""
        exact = self.words / WORDS_A_MINUTE + sum(getattr(self, kind) * cost for kind, cost in MINUTES.items())
        return 5 * round(exact / 5)


def source_of(cell):
    """Return the text of a cell of a notebook as JSON, where it may be a list of lines."""
    return "".join(cell["source"])


def exercise_of(cell):
    """Return the number of the exercise whose stub a cell is, such as "4.1", or None."""
    tags = cell["metadata"].get("tags", [])
    return next((tag.removeprefix("exercise-") for tag in tags if tag.startswith("exercise-")), None)


def without_check(stub):
    """Return an exercise's stub without the line that has it checked."""
    return "\n".join(line for line in stub.splitlines() if not line.startswith("check(")).rstrip()


def kind(cell):
    """What a code cell is to a reader: one of ``MINUTES``, or None for the setup."""
    tags = cell["metadata"].get("tags", [])
    if exercise_of(cell):
        return "whole" if "whole" in tags else "exercises"
    if "setup" in tags:
        return None
    return "live" if "[live figure]" in json.dumps(cell["outputs"]) else "cells"


def stretch(cells):
    """Add up what cells of a notebook (as JSON: dicts) hold."""
    texts = [source_of(cell) for cell in cells if cell["cell_type"] == "markdown"]
    kinds = [kind(cell) for cell in cells if cell["cell_type"] == "code"]
    counts = {name: kinds.count(name) for name in MINUTES}
    slides = sum(cell["metadata"].get("slideshow", {}).get("slide_type") in SLIDES for cell in cells)
    return Stretch(words=sum(len(FOLD.sub("", text).split()) for text in texts), slides=slides, **counts)


def is_main(cell):
    """Whether a cell is on the main road."""
    return SIDE_ROAD not in cell["metadata"].get("tags", [])


def roads():
    """Return, for each lesson in order, its file and two stretches: (path, main road, whole lesson)."""
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        yield path, stretch([cell for cell in cells if is_main(cell)]), stretch(cells)
