"""A tensor as `stages.json` describes it: its name, type and shape, and what follows from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .faults import Fault

# ONNX spells these two types in its own way.
_ALIASES = {"float": "float32", "double": "float64"}

_NUMPY_TYPES = frozenset(
    ["bool", "complex64", "complex128", "float16", "float32", "float64"]
    + [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
)

# Types of ONNX that numpy does not have, with their bits per element. A stage can relay them, not compute with them.
_RELAYED_TYPES = {
    "bfloat16": 16,
    "float8e4m3fn": 8,
    "float8e4m3fnuz": 8,
    "float8e5m2": 8,
    "float8e5m2fnuz": 8,
    "float4e2m1": 4,
    "int4": 4,
    "uint4": 4,
}


def type_named(name: str) -> str:
    """Returns the one spelling of a type that the runner compares; raises `Fault` if it cannot carry the type."""
    lower = name.lower()
    lower = _ALIASES.get(lower, lower)
    if lower not in _NUMPY_TYPES and lower not in _RELAYED_TYPES:
        known = ", ".join(sorted(_NUMPY_TYPES | _RELAYED_TYPES.keys()))
        raise Fault(f"the type {name!r} cannot be carried; types are {known}")
    return lower


@dataclass(frozen=True)
class Tensor:
    """The static description of a tensor that crosses a cut."""

    name: str
    type: str
    shape: tuple[int, ...]

    @property
    def relayed_only(self) -> bool:
        """Whether numpy, and so the session, cannot hold the tensor."""
        return self.type in _RELAYED_TYPES

    @property
    def bytes(self) -> int:
        """The bytes that the tensor takes on the wire, without padding."""
        count = math.prod(self.shape)
        if self.relayed_only:
            return math.ceil(count * _RELAYED_TYPES[self.type] / 8)
        return count * np.dtype(self.type).itemsize

    def empty(self) -> np.ndarray:
        """Returns an array to receive the tensor into; one of bytes if numpy lacks the type."""
        if self.relayed_only:
            return np.empty(self.bytes, np.uint8)
        return np.empty(self.shape, np.dtype(self.type))

    def fault_of(self, array: np.ndarray) -> str | None:
        """Says how an array differs from what is planned, or returns `None`."""
        found = (str(array.dtype), array.shape)
        if found == (self.type, self.shape):
            return None
        return f"{self.name!r} is {found[0]}{list(found[1])}, but {self.type}{list(self.shape)} is planned"

    def as_json(self) -> list:
        """The form in which two neighbours compare their layouts."""
        return [self.name, self.type, list(self.shape)]


def bytes_of(array: np.ndarray) -> memoryview:
    """Returns the bytes of an array that is contiguous, without a copy."""
    return memoryview(array.reshape(-1).view(np.uint8))
