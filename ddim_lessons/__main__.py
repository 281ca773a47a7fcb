"""One command for everyone: start, present or show a lesson, check it, hand it out, mark it, ask the doctor."""

import argparse
import sys

from . import __version__
from .stage.handout import FEEDBACK, write_handout
from .stage.marks import mark_class
from .stage.pages import show_page
from .stage.preflight import check_lesson
from .stage.present import present_lesson, speaker_notes
from .stage.start import start_lesson
from .teaching.environment import findings
from .teaching.say import say

# A function for each command, called like it, with the arguments that were given; each returns the exit status.


def start(given):
    return start_lesson(given.lesson, given.port, given.folder, _flags(given))


def present(given):
    if given.notes:
        say(speaker_notes(given.lesson), end="")
        return 0
    return present_lesson(given.lesson, given.port, given.folder, _flags(given))


def page(given):
    return show_page(given.lesson, given.port, not given.no_browser)


def check(given):
    return _tell(check_lesson(given.lesson))


def doctor(given):
    return _tell(findings())


def handout(given):
    place = write_handout(given.lesson, given.out, given.main_road, given.hints, given.feedback, given.nbgrader)
    say(f"{place}: no solutions in it. The package that students install has them all the same.")
    return 0


def marks(given):
    return mark_class(given.submissions, given.out, given.jobs, given.seconds, given.watch)


def _tell(pairs):
    """Print the sentences of pairs (whether all is well, a sentence); return 0 if all is well everywhere, else 1."""
    wrong = 0
    for fine, sentence in pairs:
        say(sentence)
        wrong |= not fine
    return int(wrong)


def _flags(given):
    return ["--no-browser"] * given.no_browser + ["--allow-root"] * given.allow_root


# What an option is called, and how argparse reads it; all texts in ASCII, which every terminal shows.
LESSON = ("lesson", {"help": "the number of the lesson, such as 07"})
FIRST = ("lesson", {"nargs": "?", "default": "00", "help": "the number of the lesson; 00 if left out"})
PORT = ("--port", {"type": int, "help": "the port on 127.0.0.1; a free one if left out"})
SILENT = ("--no-browser", {"action": "store_true", "help": "print the address and open no browser"})
ROOT = ("--allow-root", {"action": "store_true", "help": "let JupyterLab run as root, as in a container"})
NOTES = ("--notes", {"action": "store_true", "help": "print the speaker notes and do nothing else"})
FOLDER = ("--folder", {"help": "keep copies and settings in this folder instead of a temporary one"})
OWN = ("--folder", {"help": "work on copies in this folder; nothing that was worked on is written over"})
OUT = ("--out", {"default": "handouts", "help": "the folder for it"})
MAIN = ("--main-road", {"action": "store_true", "help": "leave the side roads out"})
HINTS = ("--hints", {"action": "store_true", "help": "keep the hints"})
GRADER = ("--nbgrader", {"action": "store_true", "help": "add the cells by which nbgrader marks it"})
TOLD = (
    "--feedback",
    {"choices": FEEDBACK, "default": "full", "help": "what the checkers say: the mistake, right or not"},
)
SUBMITTED = ("submissions", {"help": "the folder with what was handed in, in any folders below it"})
TABLE = ("--out", {"default": "marks.csv", "help": "the table; a page for the teacher is put beside it"})
JOBS = ("--jobs", {"type": int, "default": 2, "help": "how many are marked at once"})
SECONDS = (
    "--seconds",
    {"type": int, "default": 60, "help": "how long one may run; a cell, a quarter of it"},
)
WATCH = ("--watch", {"type": int, "metavar": "N", "help": "look again every N seconds; the page then names nobody"})
COMMANDS = [
    (start, "open JupyterLab at a lesson", [FIRST, PORT, OWN, SILENT, ROOT]),
    (present, "open a copy of a lesson for a class", [LESSON, PORT, FOLDER, SILENT, ROOT, NOTES]),
    (page, "show a lesson as a page without code (needs Voila)", [LESSON, PORT, SILENT]),
    (check, "run a lesson once before the class, and say whether all is ready", [LESSON]),
    (handout, "write a lesson for a class, without solutions", [LESSON, OUT, MAIN, HINTS, TOLD, GRADER]),
    (marks, "mark what a class handed in", [SUBMITTED, TABLE, JOBS, SECONDS, WATCH]),
    (doctor, "say what is on this machine and what is missing", []),
]


def parser():
    """Return the parser of the command line."""
    whole = argparse.ArgumentParser(prog="ddim-lessons", description="DDIM, derived and run line by line.")
    whole.add_argument("--version", action="version", version=__version__)
    parts = whole.add_subparsers(required=True, metavar="command", title="commands")
    for function, words, options in COMMANDS:
        part = parts.add_parser(function.__name__, help=words, description=f"{words[0].upper()}{words[1:]}.")
        part.set_defaults(function=function)
        for name, settings in options:
            part.add_argument(name, **settings)
    return whole


def main(arguments=None):
    """Run the command line; return 0, or 1 if check or doctor finds something, 2 for bad input, 130 after Ctrl+C."""
    given = parser().parse_args(arguments)
    try:
        return given.function(given)
    except (ValueError, OSError) as error:
        say(f"ddim-lessons: {error}", sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("ddim-lessons: stopped", sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
