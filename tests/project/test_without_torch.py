"""Without torch: 00 to 05 run, 07 to 09 on NumPy; what needs torch says so in one sentence."""

import json
import subprocess
import sys

import numpy as np
import pytest

from ddim_lessons.files import ROOT
from ddim_lessons.learning import light, networks, weights
from ddim_lessons.lessons.lesson_07 import pictures as lesson_07
from ddim_lessons.lessons.lesson_09 import pictures as lesson_09
from ddim_lessons.schedules import make_tau
from ddim_lessons.toy_data import DATA_SETS

NO_TORCH = """
import sys
from importlib.machinery import PathFinder

class WithoutTorch:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return None if name.partition(".")[0] == "torch" else PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = WithoutTorch
"""

CELLS = """
import json, matplotlib
matplotlib.use("agg")
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
for name in sys.argv[1:]:
    shell = InteractiveShell()
    for cell in json.load(open(name, encoding="utf-8"))["cells"]:
        tags = cell["metadata"].get("tags", [])
        if cell["cell_type"] == "code" and not {"side-road", "raises-exception"} & set(tags):
            with capture_output():
                result = shell.run_cell("".join(cell["source"]))
            result.raise_error()
print("torch" in sys.modules)
"""


def without_torch(code, *arguments):
    """Run code in a fresh process that finds no torch; return what it printed."""
    command = [sys.executable, "-c", NO_TORCH + code, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT / "notebooks")
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_main_road_of_lessons_00_to_05_runs():
    lessons = [path for path in sorted((ROOT / "notebooks").glob("0*.ipynb")) if path.name < "06"]
    assert without_torch(CELLS, *lessons) == "False\n" and len(lessons) == 6


FIGURES = """
import json
from ddim_lessons.lessons.lesson_07 import pictures
pictures.one_thread()
lab = pictures.trajectory_lab()
lab.controls["S"].value = 20
run = pictures.run_sampler("moons", "trained", 20, 1.0, "linear", 0)
own = pictures.trajectory_lab(pictures.own_data([[0.0, 0.0], [1.0, 0.5], [0.0, 1.0]] * 9))
from ddim_lessons.lessons.lesson_08 import pictures
from ddim_lessons.lessons.lesson_09 import pictures
land = pictures.drag_x_T()
print(json.dumps([run.frames[-1].tolist(), lab.words, land.words, own.state["kind"]]))
"""


def test_the_labs_of_07_to_09_run_on_numpy():
    said, figures = without_torch(FIGURES).splitlines()
    samples, lab, land, kind = json.loads(figures)
    assert said == light.SAID and kind == "exact"
    here = lesson_07.trajectory_lab()
    here.controls["S"].value = 20
    assert [lab, land] == [here.words, lesson_09.drag_x_T().words]
    run = lesson_07.run_sampler("moons", "trained", 20, 1.0, "linear", 0)
    np.testing.assert_allclose(samples, run.frames[-1], rtol=0, atol=2e-4)


@pytest.mark.parametrize("name", DATA_SETS)
def test_numpy_s_network_is_torch_s(name):
    theirs, ours = weights.load_weights(name), light.load_weights(name)
    x = 2 * np.random.default_rng(0).standard_normal((500, ours.dim))
    for t in (0, 1, 10, 500, 1000):
        np.testing.assert_allclose(light.eps_fn(ours)(x, t), networks.eps_fn(theirs)(x, t), rtol=0, atol=2e-5)
    for eta in (0.0, 0.3, 1.0):
        tau, rngs = make_tau(1000, 20), [np.random.default_rng(1) for _ in range(2)]
        one = light.network_walk(ours, x, tau, eta, rngs[0])
        two = networks.network_states(theirs, x, tau, eta, rngs[1])
        assert max(abs(a - b.numpy()).max() for a, b in zip(one, two, strict=True)) < 2e-4


REFUSED = """
from ddim_lessons.torch_here import TorchMissingError
for call in sys.argv[1:]:
    try:
        exec(call)
    except TorchMissingError as error:
        print(*error._render_traceback_())
"""


def test_what_needs_torch_says_what_to_install():
    calls = (
        "from ddim_lessons.lessons.lesson_06 import pictures",
        "from ddim_lessons.detection.boxes import iou",
        "from ddim_lessons.learning.denoisers import network; network('digits')",
        "from ddim_lessons.lessons.lesson_07 import pictures; pictures.trained(None)",
        "from ddim_lessons.lessons.lesson_11 import coupled; coupled.learn([[0.0]], [[1.0]])",
    )
    said = without_torch(REFUSED, *calls).splitlines()
    assert len(said) == len(calls) and all("needs torch" in line and "pip install" in line for line in said)
