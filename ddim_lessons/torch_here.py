"""Whether torch is installed, and what to say where it is needed and is not: the one home of both.

from .torch_here import TORCH, need_torch
need_torch("training")  # training needs torch, which is not installed: pip install 'ddim-lessons[torch]' …
"""

from importlib.util import find_spec

TORCH = find_spec("torch") is not None
INSTALL = "run .venv/bin/pip install -e '.[torch]' in the project's folder (or pip install torch), restart the kernel"


class TorchMissingError(ImportError):
    """Something needs torch, and it is not installed; a notebook shows the sentence alone."""

    def _render_traceback_(self):
        return [str(self)]


def need_torch(what):
    """Raise ``TorchMissingError``, a sentence about ``what``, if torch is not installed."""
    if not TORCH:
        raise TorchMissingError(f"{what} needs torch, which is not installed: {INSTALL}.")


class Needs:
    """Stands for a function that needs torch: whoever calls it is told so."""

    def __init__(self, what):
        self.what = what

    def __call__(self, *given, **named):
        need_torch(self.what)
