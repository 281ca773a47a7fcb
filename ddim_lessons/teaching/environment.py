"""What is on this machine, in plain words: for the first lesson, and for a message to whoever helps."""

import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires, version

from ..files import RESTORE, damaged_files
from ..torch_here import INSTALL, TORCH
from .say import say

NO_GPU = "No GPU, and none is needed: training runs on the processor in seconds to minutes."
NO_TORCH = (
    f"torch is not installed: 00 to 05, 08 and 12 need none, 07, 09 and 11 run but for digits; for all, {INSTALL}."
)
DATA_WHOLE = "Data files: all there, checksums right."
# Asked in a process of its own, which gives torch's 170 MB back: lesson 00 needs none of it.
ASK_TORCH = """
import torch
if torch.cuda.is_available():
    print(torch.cuda.get_device_name(0))
elif torch.backends.mps.is_available():
    print("Apple's, through MPS")
"""


def report():
    """Print Python, the packages, the processor that training will use, and the data files; say what is missing."""
    for _, sentence in findings():
        say(sentence)


def findings():
    """Yield pairs (whether nothing is missing, a sentence): Python, each package, the processor, the data files."""
    yield True, f"Python {platform.python_version()} on {platform.system()}"
    try:
        names = _dependencies()
    except PackageNotFoundError:
        names = ["ddim-lessons"]
    for name in [*names, *(["torch"] if TORCH else [])]:
        found = _version_of(name)
        yield found is not None, f"  {name:12} {found or 'MISSING: run the first command of the README again'}"
    yield _device()
    damaged = damaged_files()
    words = f"Data files missing or damaged: {', '.join(damaged)}. {RESTORE}." if damaged else DATA_WHOLE
    yield not damaged, words


def _dependencies():
    """The names of what the project needs at run time, from its own metadata."""
    names = [line.partition(";")[0] for line in requires("ddim-lessons") or [] if "extra ==" not in line]
    return sorted("".join(c if c.isalnum() or c in "-_" else " " for c in name).split()[0] for name in names)


def _version_of(name):
    """The version of an installed package, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _device():
    """What training will run on, as a pair of :func:`findings`."""
    if not TORCH:
        return True, NO_TORCH
    asked = subprocess.run([sys.executable, "-c", ASK_TORCH], capture_output=True, text=True, errors="replace")
    if asked.returncode:
        reason = (asked.stderr.strip().splitlines() or ["no reason given"])[-1]
        return False, f"torch is there and does not start: {reason}"
    found = asked.stdout.strip()
    return True, f"GPU: {found}; training uses it." if found else NO_GPU
