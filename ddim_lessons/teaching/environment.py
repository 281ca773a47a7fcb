"""What is on this machine, in plain words: for the first lesson, and for a message to whoever helps."""

import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec

from ..files import RESTORE, damaged_files

NO_GPU = "No GPU, and none is needed: training runs on the processor in seconds to minutes."
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
    print(f"Python {platform.python_version()} on {platform.system()}")
    for name in _dependencies():
        print(f"  {name:12} {_version_of(name)}")
    print(_device())
    print(_data())


def _dependencies():
    """The names of what the project needs at run time, from its own metadata."""
    names = [line.partition(";")[0] for line in requires("ddim-lessons") or [] if "extra ==" not in line]
    return sorted("".join(c if c.isalnum() or c in "-_" else " " for c in name).split()[0] for name in names)


def _version_of(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return "MISSING: run the first command of the README again"


def _device():
    if find_spec("torch") is None:
        return "No torch: lessons 00 to 05 work, training (06 and later) does not."
    asked = subprocess.run([sys.executable, "-c", ASK_TORCH], capture_output=True, text=True)
    found = asked.stdout.strip()
    if asked.returncode:
        return "torch is there and does not start: " + (asked.stderr.strip().splitlines() or ["no reason given"])[-1]
    return f"GPU: {found}; training uses it." if found else NO_GPU


def _data():
    damaged = damaged_files()
    if damaged:
        return "Data files missing or damaged: " + ", ".join(damaged) + f". {RESTORE}."
    return "Data files: all there, checksums right."
