"""Speaker notes: one file for each lesson, short, and every section, control and number in it is the lesson's."""

import importlib
import re
from functools import cache

import pytest
from notebook_rules import equations
from test_explorers import find_explorers
from test_notebooks import PATHS, read

from ddim_lessons.stage import present, server

NUMBERS = [path.stem[:2] for path in PATHS]


def everything(notebook):
    """All text of a lesson, printed text included, without the marks of mathematics."""
    parts = []
    for cell in notebook.cells:
        parts.append(cell.source)
        for output in cell.get("outputs", []):
            parts += [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
    return "\n".join(parts).replace("$", "").replace("\\", "")


@cache
def labels(number):
    """The labels of all controls of a lesson's live figures."""
    module = importlib.import_module(f"ddim_lessons.lessons.lesson_{number}.pictures")
    makers = [parameter.values[0] for parameter in find_explorers()]
    lives = [make() for make in makers if make.__module__ == module.__name__]
    return {control.tooltip for live in lives for control in live.controls.values()}


def missing_sections(text, lesson):
    """The sections that a text names and a lesson's text has not."""
    there = set(re.findall(r"^## (\d+) ·", lesson, flags=re.MULTILINE))
    return [f"§{s}" for s in re.findall(r"§(\d+)", text) if s not in there]


def complaints(text, number, notebook):
    """What the notes name and the lesson lacks."""
    lesson, numbers = everything(notebook), set(re.findall(r"\d+(?:\.\d+)?%?", everything(notebook)))
    known = labels(number) | set(re.findall(r"\bsplit\.\w+", lesson))
    wrong = missing_sections(text, lesson)
    wrong += [f"`{label}`" for label in re.findall(r"`([^`]+)`", text) if label not in known]
    wrong += [f"({e})" for e in re.findall(r"\((\d+\.\d+)\)", text) if e not in equations(notebook)]
    plain = re.sub(r"§\d+|lesson \d+|Lesson \d+|`[^`]*`|^\d\. ", "", text, flags=re.MULTILINE)
    found = {n for n in re.findall(r"\d+(?:\.\d+)?%?", plain) if len(n) > 1}
    return wrong + sorted(found - numbers)


@pytest.mark.parametrize("path", PATHS, ids=NUMBERS)
def test_notes_are_there_short_and_true_to_the_lesson(path):
    number, text = path.stem[:2], present.speaker_notes(path.stem[:2])
    title = f"# Lesson {read(path).cells[0].source.splitlines()[0].lstrip('# ')}: speaker notes\n"
    assert text.startswith(title), f"lecture/{number}.md does not begin with {title!r}"
    assert 150 <= len(text.split()) <= 320, f"lecture/{number}.md has {len(text.split())} words, not 150 to 320"
    assert complaints(text, number, read(path)) == [], f"lecture/{number}.md names what the lesson lacks"
    quotes = re.findall(r'"([^"]+)"', text)
    plain = everything(read(path))
    wrong = [quote for quote in quotes if quote.replace("ε", "varepsilon") not in plain and quote not in plain]
    assert wrong == [], f"lecture/{number}.md quotes what the lesson does not say"


@pytest.mark.parametrize("path", PATHS, ids=NUMBERS)
def test_numbers_of_the_questions_for_a_class_are_the_lessons(path):
    number = path.stem[:2]
    for question in present.class_questions(number):
        assert complaints(question["why"], number, read(path)) == []


def test_planted_errors_in_notes_are_seen():
    text = "§29 `no such slider` 0.123 (7.99)"
    assert complaints(text, "07", read(PATHS[7])) == ["§29", "`no such slider`", "(7.99)", "0.123", "7.99"]


def test_no_notes_for_a_lesson_that_has_gone():
    assert {path.stem for path in server.NOTES.glob("[0-9]*.md")} - set(NUMBERS) == set()


def test_the_course_plan_names_sections_that_are_there():
    """Each line's link to the notes of a lesson is followed by sections of that lesson."""
    plan = (server.NOTES / "README.md").read_text(encoding="utf-8")
    parts = re.split(r"\[(\d\d)[^\]]*\]\((\d\d)\.md\)", plan)
    assert set(parts[1::3]) == set(NUMBERS)
    for number, link, after in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        assert number == link
        assert missing_sections(after.split("\n")[0], everything(read(PATHS[int(number)]))) == []
