"""The exercises of all lessons: every answer of a lesson's table ANSWERS gets its sentence, every mistake its own."""

import importlib
from pathlib import Path

import pytest

from ddim_lessons.files import ROOT
from ddim_lessons.teaching.exercises import judge

TESTS = Path(__file__).resolve().parent
NAMES = sorted(path.name for path in (ROOT / "ddim_lessons" / "lessons").glob("lesson_*"))
EXERCISES = {name: importlib.import_module(f"ddim_lessons.lessons.{name}.exercises").EXERCISES for name in NAMES}
NUMBERS = [pytest.param(name, number, id=f"{name}-{number}") for name in NAMES for number in EXERCISES[name]]


def answers(name):
    """The table of a lesson: (number, answer, a part of what the reader is told); empty where there is none yet."""
    if not (TESTS / f"test_{name}.py").exists():
        return []
    return getattr(importlib.import_module(f"test_{name}"), "ANSWERS", [])


ANSWERED = [pytest.param(name, *row, id=f"{name}-{row[0]}-{row[2]}") for name in NAMES for row in answers(name)]


@pytest.mark.parametrize("name, number, answer, fragment", ANSWERED)
def test_an_answer_is_told_what_it_is(name, number, answer, fragment):
    assert fragment in judge(EXERCISES[name][number], answer)[1]


def told(name, number):
    """Everything that the answers in the table to one exercise are told."""
    return [judge(EXERCISES[name][number], answer)[1] for n, answer, _ in answers(name) if n == number]


@pytest.mark.parametrize("name, number", NUMBERS)
def test_every_mistake_is_made_by_an_answer_of_the_table(name, number):
    sentences = "\n".join(told(name, number))
    missing = [mistake.name for mistake in EXERCISES[name][number].mistakes if mistake.name not in sentences]
    assert not missing, f"ANSWERS in tests/lessons/test_{name}.py has no answer to {number} that is told: {missing}"


@pytest.mark.parametrize("name, number", NUMBERS)
def test_no_mistake_is_taken_for_another(name, number):
    for mistake in EXERCISES[name][number].mistakes:
        verdict, sentence = judge(EXERCISES[name][number], mistake.answer)
        assert verdict == "known mistake" and mistake.name in sentence, f"“{mistake.name}” is told: {sentence}"


@pytest.mark.parametrize("name, number", NUMBERS)
def test_the_stub_is_open_and_the_truth_is_right(name, number):
    exercise = EXERCISES[name][number]
    assert judge(exercise, ...)[0] == judge(exercise, lambda *_: ...)[0] == "open"
    assert judge(exercise, exercise.truth) == ("right", "✓ right")
