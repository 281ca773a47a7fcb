"""The house: imports only go down, and no floor loads what is too heavy for it."""

import ast
import gc
import subprocess
import sys

import pytest

from ddim_lessons.files import ROOT

PACKAGE = ROOT / "ddim_lessons"
# room: (rank, what its modules may load on top of NumPy). A module imports from its own room and from lower ranks.
# Single modules at the top of the package are the science, but for the ground and for those that are named here.
ROOMS = {
    "ground": (0, set()),
    "science": (1, set()),
    "teaching": (2, set()),
    "learning": (2, {"torch"}),
    "detection": (3, {"torch"}),
    "figures": (3, {"matplotlib", "IPython", "PIL", "ipywidgets"}),
    "stage": (4, set()),
    "lessons": (4, {"matplotlib", "IPython", "PIL", "ipywidgets", "torch"}),
    "command": (5, set()),
}
GROUND, COMMAND = {"require", "files", "remember", "torch_here"}, {"__main__", "present", "pages"}
LIGHT = {  # narrower than their room: what must start without torch, without a picture, or without a control
    "figures.plots": {"matplotlib", "IPython", "PIL"},
    **{f"lessons.lesson_{n:02d}": {"matplotlib", "IPython", "PIL", "ipywidgets"} for n in (0, 1, 2, 3, 4, 5, 8, 12)},
    "learning.arithmetic": set(),
    "learning.cases": set(),
    "learning.light": set(),
    "learning.runs": set(),
    "lessons.lesson_00.notation": set(),
    "lessons.lesson_12.grids": set(),
    "lessons.lesson_12.bug_museum": set(),
    **{f"lessons.lesson_{n:02d}.exercises": set() for n in (0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12)},
}
HEAVY = {"torch", "matplotlib", "ipywidgets", "IPython", "sympy", "PIL"}
FILES = {
    path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".").removesuffix("__init__").rstrip("."): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


def room(module):
    """The room that a module, such as "learning.networks", is in; the package itself is science."""
    top = module.partition(".")[0]
    if top in GROUND | COMMAND:
        return "ground" if top in GROUND else "command"
    return top if top in ROOMS else "science"


def parsed(path):
    """Return a file's tree. What the collector ends meanwhile may parse as well, and Python 3.11 then miscounts."""
    gc.disable()
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    finally:
        gc.enable()


def own_imports(module):
    """The modules of the package that a module's file imports, as their names in the package."""
    path = FILES[module]
    here = path.relative_to(PACKAGE).parent.parts
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = here[: len(here) - node.level + 1]
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inside = f"{base}.{alias.name}".lstrip(".")
                yield inside if inside in FILES else base


def allowed(module):
    """What a module may load: the narrowest entry that names it or a folder above it."""
    parts = module.split(".")
    for end in range(len(parts), 0, -1):
        if ".".join(parts[:end]) in LIGHT:
            return LIGHT[".".join(parts[:end])]
    return ROOMS[room(module)][1]


def complaints(module, imports):
    """Each import that goes up, or across to another room of the same rank."""
    mine = room(module)
    for other in imports:
        theirs = room(other)
        if theirs != mine and ROOMS[theirs][0] >= ROOMS[mine][0]:
            yield f"{module} ({mine}) imports {other} ({theirs})"


@pytest.mark.parametrize("module", FILES)
def test_imports_only_go_down(module):
    assert not list(complaints(module, own_imports(module)))


def test_a_planted_import_upwards_is_seen():
    assert list(complaints("ddim", ["learning.networks"])) == ["ddim (science) imports learning.networks (learning)"]
    assert list(complaints("learning.training", ["detection.detector"]))
    assert not list(complaints("require", ["files"]))
    assert list(complaints("teaching.checks", ["learning.networks"])), "rooms of one rank do not know each other"


def test_lessons_do_not_know_each_other():
    for module in FILES:
        others = {name for name in own_imports(module) if name.startswith("lessons.")}
        assert all(name.split(".")[:2] == module.split(".")[:2] for name in others), (module, others)


# --- what is loaded ----------------------------------------------------------------------------------------------

LOADS = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
    print(name, *sorted({heavy} & set(sys.modules)))
"""


def loaded(modules):
    """Yield [module, heavy package, …] of modules that are imported one after the other in one fresh process."""
    names = [f"ddim_lessons.{module}".rstrip(".") for module in modules]
    command = [sys.executable, "-c", LOADS.replace("{heavy}", repr(HEAVY)), *names]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return [line.split() for line in result.stdout.splitlines()]


@pytest.mark.parametrize("may", sorted({tuple(sorted(allowed(module))) for module in FILES}))
def test_no_module_loads_what_its_room_may_not(may):
    modules = [module for module in FILES if tuple(sorted(allowed(module))) == may]
    rows = loaded(modules)
    assert len(rows) == len(modules)
    assert set(rows[-1][1:]) <= set(may), next(row for row in rows if not set(row[1:]) <= set(may))


def test_what_is_loaded_is_seen():
    assert loaded(["figures.plots"])[0][1:] == ["IPython", "PIL", "matplotlib"]
