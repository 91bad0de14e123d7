"""The inputs that a source feeds: from a file, or drawn."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from .faults import Fault
from .tensors import Tensor

# So many inputs are drawn, and then repeated.
_DRAWN = 4


def drawn_inputs(tensors: tuple[Tensor, ...], seed: int) -> list[list[np.ndarray]]:
    """Returns inputs that depend on the seed alone: numbers from 0 to 1, and of whole numbers 0 or 1."""
    generator = np.random.default_rng(seed)
    return [[_drawn(tensor, generator) for tensor in tensors] for _ in range(_DRAWN)]


def _drawn(tensor: Tensor, generator: np.random.Generator) -> np.ndarray:
    array = tensor.empty()
    if array.dtype.kind in "fc":
        array[...] = generator.random(array.shape)
    else:
        array[...] = generator.integers(0, 2, array.shape)
    return array


def read_inputs(path: Path, tensors: tuple[Tensor, ...]) -> list[list[np.ndarray]]:
    """Reads a `.npy` of the only input, or a `.npz` of inputs by name.

    An array has the shape of its tensor, or one axis more in front for several inputs; raises `Fault` otherwise.
    """
    try:
        loaded = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise Fault(f"{path} cannot be read: {error}") from error
    if isinstance(loaded, np.ndarray):
        if len(tensors) != 1:
            raise Fault(f"{path} has one array, but the model has {len(tensors)} inputs; give a .npz with their names")
        loaded = {tensors[0].name: loaded}
    columns = [_several(path, loaded, tensor) for tensor in tensors]
    lengths = {len(column) for column in columns}
    if len(lengths) > 1 or 0 in lengths:
        raise Fault(f"{path} has {sorted(lengths)} inputs for different tensors; the numbers must be equal, and not 0")
    return [list(row) for row in zip(*columns)]


def _several(path: Path, loaded, tensor: Tensor) -> np.ndarray:
    if tensor.name not in loaded:
        raise Fault(f"{path} has no array {tensor.name!r}")
    try:
        array = loaded[tensor.name]
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise Fault(f"{path}: {tensor.name!r} cannot be read: {error}") from error
    wanted = tensor.empty()
    if array.dtype != wanted.dtype or wanted.shape not in (array.shape, array.shape[1:]):
        raise Fault(
            f"{path}: {tensor.name!r} is {array.dtype}{list(array.shape)}, "
            f"but the model reads {wanted.dtype}{list(wanted.shape)}"
        )
    return np.ascontiguousarray(array if array.shape != wanted.shape else array[np.newaxis])
