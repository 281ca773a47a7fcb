"""The lessons' exercises, a module for each lesson; ``check`` looks one up by its number."""

from importlib import import_module

from ..checks import judge
from ..errors import require
from ..progress import record


def exercise(number):
    """Return the exercise called ``number``: "2.3" is the third of lesson 02."""
    require(isinstance(number, str), "number", number, "a text such as '2.3'")
    lesson, _, _ = number.partition(".")
    try:
        found = import_module(f"{__name__}.lesson_{int(lesson):02d}").EXERCISES
    except (ValueError, ModuleNotFoundError):
        found = {}
    require(number in found, "number", number, f"an exercise of its lesson ({', '.join(found) or 'there are none'})")
    return found[number]


def check(number, answer):
    """Judge an ``answer``, a function or a value, to the exercise called ``number`` and print one line."""
    verdict, sentence = judge(exercise(number), answer)
    print(f"Exercise {number}: {sentence}")
    if verdict == "right":
        record("exercise", number)
