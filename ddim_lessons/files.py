"""The files in ``data/``: read whole, compared with the sha256 of ``manifest.json``, and only then looked into.

``ROOT`` holds the folders data, notebooks and lecture: the project's folder in a clone, the package's own where it was
installed from a wheel.
"""

import hashlib
import json
import os
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE if (PACKAGE / "data").is_dir() else PACKAGE.parent
DATA = ROOT / "data"
RESTORE = "Restore the folder data: in a clone with git checkout data, else from a fresh copy of the project"


class DataError(ValueError):
    """A file that came with the lessons is missing or not what it was; the message says which, and what to do."""


def read_data(name):
    """Return the bytes of ``data/name``, such as "digits.npz"; ``DataError`` if they are not the manifest's."""
    digests = manifest()
    if not isinstance(name, str) or name not in digests:
        raise DataError(f"{name!r} is not one of the files that came with the lessons: {', '.join(digests)}")
    data = _bytes(name)
    if hashlib.sha256(data).hexdigest() != digests[name]:
        raise DataError(f"{name} is damaged, or another file was put in its place: its sha256 is wrong. {RESTORE}")
    return data


def read_json(name):
    """Return what the file ``data/name`` says."""
    return json.loads(read_data(name))


def read_arrays(name):
    """Return the arrays of the file ``data/name`` as a dict; nothing is unpickled."""
    with np.load(BytesIO(read_data(name)), allow_pickle=False) as file:
        return dict(file)


def damaged_files():
    """Return the names in ``data/manifest.json`` whose file is missing or has another sha256."""
    try:
        names = list(manifest())
    except DataError:
        return ["manifest.json"]
    return [name for name in names if not _is_whole(name)]


def manifest():
    """Return the dict of file names, relative to ``data/``, to their sha256."""
    try:
        return json.loads(_bytes("manifest.json"))
    except json.JSONDecodeError:
        raise DataError(f"manifest.json is damaged. {RESTORE}") from None


def _bytes(name):
    try:
        return (DATA / name).read_bytes()
    except OSError as error:
        raise DataError(f"{name} cannot be read from the folder data ({error.strerror}). {RESTORE}") from None


def _is_whole(name):
    try:
        return bool(read_data(name))
    except DataError:
        return False


def write_whole(path, data):
    """Put ``data`` at ``path`` in one renaming, after they have reached the disk; else leave all as it was."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        what = f"{path.name} could not be written ({error.strerror or error})"
        raise OSError(error.errno, f"{what}; the file from before is whole, and so is what was to be saved") from None
