"""Imports only go down: layer 0 needs neither torch nor matplotlib nor ipywidgets, and loads none of them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "ddim_lessons"
HEAVY = {"torch", "matplotlib", "ipywidgets", "IPython", "sympy", "PIL"}
ALLOWED = {  # what a module may load on top of NumPy; every module that is not listed here is layer 0
    "networks": {"torch"},
    "detector": {"torch"},
    "training": {"torch"},
    "detection_training": {"torch"},
    "quality": {"torch"},
    "plots": {"matplotlib", "IPython", "PIL"},
    "widgets": {"matplotlib", "IPython", "PIL", "ipywidgets"},
    "explorers": {"matplotlib", "IPython", "PIL", "ipywidgets"},
    "explorers.lesson_06": {"matplotlib", "IPython", "PIL", "ipywidgets", "torch"},
    "explorers.lesson_07": {"matplotlib", "IPython", "PIL", "ipywidgets", "torch"},
    "explorers.lesson_09": {"matplotlib", "IPython", "PIL", "ipywidgets", "torch"},
    "explorers.lesson_10": {"matplotlib", "IPython", "PIL", "ipywidgets", "torch"},
}
MODULES = sorted(p.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".") for p in PACKAGE.rglob("*.py"))
MODULES = [name.removesuffix(".__init__") for name in MODULES if name != "__init__"]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_loads_only_what_its_layer_may(module):
    forbidden = HEAVY - ALLOWED.get(module, ALLOWED.get(module.partition(".")[0], set()))
    code = f"import sys, ddim_lessons.{module}; print(sorted({forbidden!r} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]", f"{module} loads {result.stdout}"


def own_imports(module):
    """The top-level modules of the package that a module's file imports."""
    path = PACKAGE / (module.replace(".", "/") + ".py")
    path = path if path.is_file() else path.with_suffix("") / "__init__.py"
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom) and node.level]
    return {(node.module or "").partition(".")[0] for node in nodes}


@pytest.mark.parametrize("module", MODULES)
def test_layers_import_only_downwards(module):
    rank = {"explorers": 5, "widgets": 4, "quality": 4, "detection_training": 4, "training": 3}
    rank |= {"plots": 2, "detector": 2, "networks": 1}
    mine = rank.get(module.partition(".")[0], 0)
    for other in own_imports(module):
        below = rank.get(other, 0)
        assert below < mine or below == mine == 0, f"{module} imports {other}"
