"""What the sweeps share: every way to write numbers down, and the comparison of two results of any kind.

The table of functions is that of test_misuse.py; its arguments are made of floats of 64 bits.
"""

import copy
import math
import re
import traceback
import warnings
from fractions import Fraction

import numpy as np
import torch
from test_misuse import CALLS, PACKAGE

from ddim_lessons import require

BITS_16 = {"bfloat16": 2e-2, "float16": 2e-3}


class Column:
    """What a column or a frame of another library looks like: NumPy can read it, and it has no arithmetic."""

    def __init__(self, values):
        self.values, self.dtype, self.shape, self.iloc = values, values.dtype, values.shape, None

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype=dtype)

    def __len__(self):
        return len(self.values)

    def __getitem__(self, which):
        return self.values[which]

    def __repr__(self):
        return f"Column of shape {self.shape}"


def nested(values, kind):
    """An array as lists or tuples in each other."""
    return kind(nested(value, kind) for value in values) if np.ndim(values) else float(values)


def masked(values):
    out = np.ma.array(values, mask=np.zeros(np.shape(values), bool))
    out.mask.flat[-1] = True
    return out


def matrix(values):
    with warnings.catch_warnings(action="ignore"):
        return np.asmatrix(values) if np.ndim(values) == 2 else values


def every_other(values):
    return np.repeat(values, 2, axis=0)[::2]


def locked(values):
    values = values.copy()
    values.flags.writeable = False
    return values


def as_torch(dtype, **more):
    def make(values):
        return torch.tensor(np.ascontiguousarray(values)).to(dtype).requires_grad_(more.get("grad", False))

    return make


NUMPY = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool", "float16", "float32"]
TORCH = ["uint8", "int8", "int16", "int32", "int64", "bool", "float16", "bfloat16", "float32", "float64"]
# name → (an array of float64 → the same numbers written another way)
WRITTEN = {
    "lists": lambda values: nested(values, list),
    "tuples": lambda values: nested(values, tuple),
    **{f"np.{name}": lambda values, name=name: values.astype(name) for name in [*NUMPY, "longdouble"]},
    **{f"torch.{name}": as_torch(getattr(torch, name)) for name in TORCH},
    "torch.float64 with a gradient": as_torch(torch.float64, grad=True),
    "torch.float32 with a gradient": as_torch(torch.float32, grad=True),
    "no mask": lambda values: np.ma.array(values),
    "a column": Column,
    "bytes the other way": lambda values: values.astype(values.dtype.newbyteorder()),
    "every other": every_other,
    "read-only": locked,
    "columns first": np.asfortranarray,
    "a matrix": matrix,
}
# what holds no numbers, or not all: never an answer
NOT_THERE = {"masked": masked, "meta": lambda values: torch.empty(np.shape(values), device="meta")}


def precision(name):
    """The relative rounding of a way to write numbers: 1e-9 for those that are exact."""
    return next((rounding for dtype, rounding in BITS_16.items() if dtype in name), 2e-5 if "float32" in name else 1e-9)


def as_in_the_table(value, values):
    """``values``, floats of 64 bits, as what stands in the table: an array, a tensor, or a list of whole numbers."""
    if isinstance(value, torch.Tensor):
        return torch.tensor(values)
    return [int(v) for v in values] if isinstance(value, list | tuple) and (values % 1 == 0).all() else values


def numbers(written):
    """The numbers of an array written in any way, as NumPy's floats of 64 bits."""
    if isinstance(written, torch.Tensor):
        written = written.detach().double().numpy()
    return np.array(written, dtype=float)


def results(function, arguments):
    """Return all numbers in the result of a call as a list of arrays of floats, or the error instead."""
    try:
        fresh = {name: copy.deepcopy(v) if isinstance(v, np.random.Generator) else v for name, v in arguments.items()}
        return list(flat(function(**fresh)))
    except Exception as error:
        return error


def is_sentence(error):
    """Whether an error is one sentence of ours: of the right kind, raised by the package's own lines."""
    if not isinstance(error, ValueError | AssertionError):
        return False
    last = traceback.extract_tb(error.__traceback__)[-1]
    words = re.search(r"\b(is|are|has|have|contains?|compares|not|holds) ", str(error))
    return last.filename.startswith(PACKAGE) and words is not None and "\n" not in str(error)


def flat(result):
    """Yield the arrays of numbers in a result: of tuples, generators, dicts, objects, and of functions its answers."""
    if isinstance(result, torch.nn.Module | str | torch.device | torch.Generator | type(None)):
        return
    if isinstance(result, np.ndarray | torch.Tensor | bool | int | float | np.generic):
        yield numbers(result)
    elif isinstance(result, dict):
        yield from flat(list(result.values()))
    elif isinstance(result, list | tuple) or hasattr(result, "__next__"):
        for part in result:
            yield from flat(part)
    elif type(result).__module__.startswith("ddim_lessons") and hasattr(result, "__dict__"):
        kept = sorted(name for name in vars(result) if name not in ("optimizer", "seconds"))  # no clock
        yield from flat({name: vars(result)[name] for name in kept})


def difference(right, other, rounding):
    """Say how two results differ by more than ``rounding``, or return None."""
    if isinstance(other, Exception):
        return None if is_sentence(other) else f"{type(other).__name__}: {other}"
    if isinstance(right, Exception):
        return f"an answer where float64 gets “{right}”"
    if len(right) != len(other):
        return f"{len(other)} arrays, not {len(right)}"
    for a, b in zip(right, other, strict=True):
        if a.shape != b.shape:
            return f"shape {b.shape}, not {a.shape}"
        scale = 1 + np.abs(a[np.isfinite(a)]).max(initial=0)
        worst = np.abs(np.where(a == b, 0, a - b)).max(initial=0)
        if not worst <= rounding * scale:
            return f"off by {worst:.3g} of {scale:.3g}"
    return None


def arrays_of(arguments):
    """Yield (path, array) of the arguments that are arrays, tensors, or lists of numbers, also inside of lists."""
    for name, value in arguments.items():
        yield from _arrays((name,), value)


def _arrays(path, value):
    if isinstance(value, torch.Tensor) or (isinstance(value, np.ndarray) and value.dtype.kind in "fiu"):
        yield path, value
    elif isinstance(value, list | tuple) and value and not hasattr(value, "_fields"):
        if all(isinstance(part, int | float) for part in value):
            yield path, value
        else:
            for k, part in enumerate(value):
                yield from _arrays((*path, k), part)


def put(arguments, path, value):
    """The arguments with another value at ``path``."""
    return {**arguments, path[0]: _put(arguments[path[0]], path[1:], value)}


def _put(old, path, value):
    if not path:
        return value
    parts = list(old)
    parts[path[0]] = _put(parts[path[0]], path[1:], value)
    return type(old)(parts)


def numbers_of(arguments):
    """The names of the arguments that are one number."""
    return [name for name, value in arguments.items() if isinstance(value, int | float) and type(value) is not bool]


def same_number(value, kind):
    """``value`` as a number of another kind, or None if that kind cannot hold it."""
    with np.errstate(all="ignore"):
        try:
            other = kind(value)
        except (OverflowError, TypeError, ValueError):
            return None
    held = float(require.plain(other))
    return other if held == value or not isinstance(value, int) and math.isclose(held, value, rel_tol=2e-2) else None


WHOLE = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]
REAL = [np.float16, np.float32, np.float64, np.longdouble]
NUMBERS = {
    **{kind.__name__: kind for kind in WHOLE + REAL},
    "a fraction": lambda value: Fraction(value).limit_denominator(10**6),
    "0-d array": np.array,
    "0-d array of 8 bits": lambda value: np.array(value, dtype=np.uint8),
    "0-d array of 32 bits": lambda value: np.array(value, dtype=np.float32),
    "0-d tensor": torch.tensor,
    "0-d tensor of 16 bits": lambda value: torch.tensor(value, dtype=torch.bfloat16),
    "0-d tensor with a gradient": lambda value: torch.tensor(float(value), requires_grad=True),
}
NO_NUMBERS = {
    "np.True_": np.bool_(True), "a masked number": np.ma.masked, "a tensor on meta": torch.tensor(1, device="meta"),
    "one number in an axis": np.array([1]), "NaN of NumPy": np.float32("nan"), "a date": np.datetime64("2020-01-01"),
}  # fmt: skip
__all__ = ["CALLS"]
