"""What holds for every test run, also for one of a notebook alone: ``pytest --nbval notebooks/03_the_ab_split.ipynb``.

The kernels of nbval inherit the environment. So the reader's progress, the tester's own settings of IPython and
matplotlib, and the number of threads are set here, before any kernel starts: what a lesson prints depends on none.
"""

import os
import tempfile

import pytest

_OWN = tempfile.TemporaryDirectory(prefix="ddim-lessons-tests-")
os.environ["DDIM_LESSONS_PROGRESS"] = os.path.join(_OWN.name, "progress.json")
os.environ["IPYTHONDIR"] = os.path.join(_OWN.name, "ipython")
os.environ["MATPLOTLIBRC"] = os.devnull  # before the tester's own file; the cache of fonts stays where it is
os.environ.setdefault("OMP_NUM_THREADS", "1")  # kernels, a browser and this process share the cores


def pytest_configure(config):
    """Refuse what would run the cells of one notebook on two processes."""
    if config.getoption("dist", "no") not in ("no", "loadfile", "loadscope"):
        raise pytest.UsageError("the cells of a notebook need --dist loadfile: each file on one process, in order")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Put the cells of each notebook together and in order, also when a plugin has shuffled all tests."""
    cells = [item for item in items if hasattr(item, "cell_num")]
    others = [item for item in items if not hasattr(item, "cell_num")]
    items[:] = others + sorted(cells, key=lambda item: (str(item.path), item.cell_num))
