"""Files of weights: a network and its card in one safetensors file, read whole, checked, and only then used.

The card (what was trained, on what, how) and a checksum of card and tensors are inside the file's header, so one
renaming replaces all of it at once and no moment exists at which a killed process leaves half a file. Nothing is
unpickled.
"""

import hashlib
import json
import os
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save

from .. import require
from ..files import DATA, RESTORE, read_data, write_whole
from ..toy_data import DATA_SETS
from .networks import DigitClassifier, DigitUNet, PointMLP

WEIGHTS = DATA / "weights"
FORMAT = "ddim-lessons 1"
NETWORKS = (PointMLP, DigitUNet, DigitClassifier)


class WeightsError(ValueError):
    """A file of weights or a checkpoint cannot be used; the message says why and what to do."""


def save_model(model, path, facts=None, half=False):
    """Write a network's weights to ``path``, in 16 bits if ``half``, and its card.

    The card says what rebuilds the network, and holds ``facts``, a dict such as {"data": "moons", "seconds": 3.1} of
    what JSON can hold. It is in the file; a copy for people, with the sha256 of the file, is written beside it as JSON.
    """
    half = require.yes_no("half", half)
    tensors = {name: tensor.half() if half else tensor for name, tensor in model.state_dict().items()}
    dtype = str(next(iter(tensors.values())).dtype).removeprefix("torch.")
    card = card_of("weights", model) | {"dtype": dtype} | (facts or {})
    digest = hashlib.sha256(write_tensors(path, card, tensors)).hexdigest()
    text = json.dumps(card | {"sha256": digest}, indent=2, default=as_json)
    write_whole(Path(path).with_suffix(".json"), (text + "\n").encode())


def load_model(path, kinds=NETWORKS):
    """Return the network in a file of :func:`save_model`, on the CPU, with its ``card``; raises ``WeightsError``.

    It is one of the classes ``kinds``.
    """
    return _model(path, read_bytes(path), kinds)


def _model(path, data, kinds):
    """Return the network, one of ``kinds``, in the bytes of the file ``path``."""
    card, tensors = read_tensors(path, data, "weights")
    model = build(path, card, tensors, kinds).requires_grad_(False)
    model.card = card
    return model


def weights_path(name):
    """Return where the trained weights of a data set such as "moons", "swiss roll" or "digits" lie."""
    require.that(isinstance(name, str), "name", name, "a data set's name, such as 'moons'")
    return WEIGHTS / f"{name.lower().replace(' ', '_')}.safetensors"


def load_weights(name):
    """Return the trained network ``name``: a set of ``toy_data``, "digits", "digit classifier"; see :func:`stored`."""
    require.choice("name", name, (*DATA_SETS, "digits", "digit classifier"))
    return stored(name, NETWORKS)


def stored(name, kinds):
    """Return the network, one of ``kinds``, that came with the lessons under ``name``.

    Its file must have the sha256 of ``data/manifest.json``, or ``DataError`` is raised before anything is looked into.
    """
    path = weights_path(name)
    model = _model(path, read_data(f"weights/{path.name}"), kinds)
    held = model.card.get("data")
    if held != name:
        raise WeightsError(f"{path.name} holds the weights for {held!r}: files were swapped. {RESTORE}")
    return model


def part_of(tensors, prefix):
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def card_of(kind, model):
    """Return what says how to rebuild a network, of a class of this package: no file rebuilds another."""
    known = type(model).__module__.startswith(__name__.partition(".")[0] + ".") and hasattr(model, "arguments")
    allowed = "of a class of this package to be saved: save your own with torch.save"
    require.that(known, "model", f"a {type(model).__name__}", allowed)
    return {"format": FORMAT, "kind": kind, "architecture": type(model).__name__, "arguments": model.arguments}


def build(path, card, tensors, kinds=NETWORKS):
    """Make the network that the card describes, one of ``kinds``, and fill it, after checking names and shapes."""
    name, architecture = Path(path).name, card.get("architecture")
    known = {kind.__name__: kind for kind in kinds}
    if architecture not in known:
        raise WeightsError(f"{name} is for a network {architecture!r}; known here: {', '.join(known)}")
    try:
        model = known[architecture](**card["arguments"])
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{name} has arguments that {architecture} does not take: {error}") from None
    wanted = {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}
    given = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    for key in sorted(wanted.keys() | given.keys()):
        if wanted.get(key) != given.get(key):
            shapes = f"{key} of shape {given.get(key, 'none')}, but {architecture} needs {wanted.get(key, 'none')}"
            raise WeightsError(f"{name} does not fit its card: it has {shapes}")
    wide = any(tensor.element_size() > 4 and tensor.is_floating_point() for tensor in tensors.values())
    model = model.double() if wide else model
    model.load_state_dict(tensors)
    return model


def write_tensors(path, card, tensors):
    """Write tensors and card as one safetensors file, all or nothing; return its bytes."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(card, default=as_json)
    data = save(tensors, metadata={"card": text, "sha256": digest_of(text, tensors)})
    write_whole(Path(path), data)
    return data


def as_json(value):
    """Return what JSON can hold of a fact that it cannot: a number or an array of NumPy's or torch's, a path, a set."""
    require.there("a fact", value)
    if hasattr(value, "tolist"):
        return value.tolist()
    require.that(isinstance(value, os.PathLike), "a fact", value, "what JSON can hold, such as numbers and texts")
    return os.fspath(value)


def read_bytes(path):
    """Return what the file ``path`` holds."""
    require.that(isinstance(path, str | os.PathLike), "path", path, "the path of a file")
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"{path.name} is not in the folder {path.parent.name}. {RESTORE}")
    return path.read_bytes()


def read_tensors(path, data, kind):
    """Return (card, tensors) of ``data``, a file of :func:`_write`, after checking all that can be wrong with it."""
    path = Path(path)
    try:
        tensors = {name: tensor.clone() for name, tensor in sorted(load(data).items())}
    except SafetensorError as error:
        raise WeightsError(f"{path.name} is no safetensors file, or was cut short ({error}). {RESTORE}") from None
    size = int.from_bytes(data[:8], "little")  # of the header, which is JSON
    header = json.loads(data[8 : 8 + size]).get("__metadata__", {})
    if "card" not in header:
        raise WeightsError(f"{path.name} has no card: these are weights of another project")
    if header.get("sha256") != digest_of(header["card"], tensors):
        raise WeightsError(f"{path.name} is damaged: its sha256 is not the one in its header. {RESTORE}")
    card = json.loads(header["card"])
    if (card.get("format"), card.get("kind")) != (FORMAT, kind):
        found = f"{card.get('kind')!r} in the format {card.get('format')!r}"
        raise WeightsError(f"{path.name} holds {found}, but {kind!r} in the format {FORMAT!r} is needed")
    return card, tensors


def digest_of(text, tensors):
    """Return the sha256 of a text and of tensors with their names, types and shapes."""
    digest = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.cpu().numpy().tobytes())
    return digest.hexdigest()
