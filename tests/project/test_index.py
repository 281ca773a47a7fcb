"""The map of the article and the index of equations are the notebooks'; the glossary is README's and the lessons'."""

import importlib.util
import json
import re

import pytest

from ddim_lessons.files import ROOT
from ddim_lessons.lessons import glossary

spec = importlib.util.spec_from_file_location("index_pages", ROOT / "tools" / "index_pages.py")
index = importlib.util.module_from_spec(spec)
spec.loader.exec_module(index)

FORMULAS = 21  # that the article displays: twenty, and its three sets as one more
CHINESE = re.compile(r"[\u3400-\u9fff]+")
README = (ROOT / "README.md").read_text(encoding="utf-8")
LESSONS = {number: texts for number, _, _, texts in index.lessons()}


# --- the map and the index -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["article", "equations"])
def test_the_page_is_what_the_tool_writes(page):
    text = (ROOT / "lecture" / f"{page}.md").read_text(encoding="utf-8")
    assert text == getattr(index, f"{page}_page")(), "run: python tools/index_pages.py"
    assert f"(lecture/{page}.md)" in README


def test_the_map_has_every_formula_of_the_article_in_its_order_and_none_of_its_words():
    assert len(index.ARTICLE) == FORMULAS
    page = index.article_page()
    assert [int(k) for k in re.findall(r"^\| (\d+) \|", page, flags=re.MULTILINE)] == [*range(1, FORMULAS + 1)]
    assert all(places for _, places, _, _ in index.ARTICLE) and not CHINESE.search(page)


def test_the_index_has_every_numbered_equation_once():
    page = index.equations_page()
    tags = [number for texts in LESSONS.values() for number in re.findall(r"\\tag\{([\d.]+)\}", "\n".join(texts))]
    assert re.findall(r"^\| \(([\d.]+)\)", page, flags=re.MULTILINE) == tags


def test_the_papers_are_quoted_for_equations_that_are_there():
    for number, texts in LESSONS.items():
        there = {equation for equation, _, _ in index.equations(texts)}
        assert set(index.papers(texts)) <= there, f"lesson {number}: its “In the papers” names what it lacks"


def test_what_the_papers_say_is_read_in_all_its_forms():
    text = (
        "**In the papers.** (4.1), (4.3): eq. 8; (4.2): Lemma 1, eq. 9. (4.4) to (4.6): eqs. 10 and 12.\n\n**Next:** x"
    )
    read = index.papers([text])
    assert read == {
        "4.1": "eq. 8", "4.3": "eq. 8", "4.2": "Lemma 1, eq. 9",
        "4.4": "eqs. 10 and 12", "4.5": "eqs. 10 and 12", "4.6": "eqs. 10 and 12",
    }  # fmt: skip


def test_a_renumbering_and_a_lost_equation_are_seen():
    found = {"04": [("4.2", r"k = \pm\sqrt{1}", ""), ("4.3", r"\lambda = 0", "")]}
    assert index.number_of("04", r"k=\pm", found) == "4.2"
    with pytest.raises(LookupError, match="no numbered equation of lesson 04"):
        index.number_of("04", r"\rho = 1", found)


# --- the glossary --------------------------------------------------------------------------------------------------


def test_the_readme_s_glossary_is_the_table():
    assert glossary.markdown() in README
    for column in (0, 1):
        words = [row[column] for row in glossary.TERMS]
        assert len(set(words)) == len(words)


def test_the_glossary_shows_its_terms_and_why(monkeypatch):
    shown = []
    monkeypatch.setattr(glossary, "display_still", lambda still, words: shown.append((still["text/html"], words)))
    glossary.glossary()
    ((table, words),) = shown
    assert all(
        f"<td>{english.replace(chr(39), '&#x27;')}</td><td>{zh}</td>" in table for english, zh, _ in glossary.TERMS
    )
    assert "Chinese" in words


def glosses(number):
    """The Chinese in each text cell of a lesson, the article's title left out."""
    return [CHINESE.findall(text.replace(glossary.TITLE, "")) for text in LESSONS[number]]


EMPHASIS = re.compile(r"(?<![*\w])(\*{1,2})(?=[^\s*])([^*\n]{1,40})(?<=\S)\1(?![*\w])")


def introduced(english):
    """The first lesson and cell, its title left out, that write a term in italics or bold, or None."""
    term = re.compile(rf"\b{re.escape(english)}s?\b", re.IGNORECASE)
    for number, texts in LESSONS.items():
        for k, text in enumerate(texts[1:], start=1):
            if any(term.search(words) for _, words in EMPHASIS.findall(text)):
                return number, k
    return None


@pytest.mark.parametrize("number", LESSONS)
def test_each_term_has_its_chinese_once_where_the_suite_introduces_it(number):
    here = [zh for cell in glosses(number) for zh in cell]
    wanted = [(english, *CHINESE.findall(zh)) for english, zh, lesson in glossary.TERMS if lesson == number]
    assert sorted(here) == sorted(zh for _, zh in wanted), "a gloss that the glossary has not, or has elsewhere"
    for english, zh in wanted:
        place = (number, next(k for k, cell in enumerate(glosses(number)) if zh in cell))
        assert (introduced(english) or place) == place, f"“{english}” is introduced before its {zh}"


def test_chinese_stands_nowhere_else():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "deploy").glob("*.md")]
    files = [p for folder in ("ddim_lessons", "tools", "benchmarks") for p in (ROOT / folder).rglob("*.py")]
    for path in files:
        assert path.name == "glossary.py" or not CHINESE.search(path.read_text(encoding="utf-8")), path
    for path in pages:
        text = path.read_text(encoding="utf-8").replace(glossary.TITLE, "").replace(glossary.markdown(), "")
        assert not CHINESE.search(text), path
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        code = ["".join(c["source"]) for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "code"]
        assert not CHINESE.search("\n".join(code)), path
