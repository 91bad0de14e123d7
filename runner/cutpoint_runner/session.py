"""The computation of a stage: its onnxruntime session, and what is relayed beside it."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import numpy as np
import onnxruntime

from .clock import now_s
from .faults import Fault
from .frame import Frame
from .stages import Stage
from .tensors import Tensor, type_named

_log = logging.getLogger(__name__)


class Session:
    """Computes a stage's outputs from its inputs."""

    def __init__(self, path: Path, stage: Stage, threads: int, providers: list[str], pace_s: float | None):
        """Loads the model and compares it with the plan; raises `Fault` where they differ."""
        self._stage = stage
        self._pace_s = pace_s
        self._session = _load(path, threads, providers)
        inputs = {tensor.name: tensor for tensor in stage.inputs}
        produced = {output.name for output in self._session.get_outputs()}
        self._fed = [node.name for node in self._session.get_inputs()]
        for node in self._session.get_inputs():
            _check_input(node, inputs.get(node.name), path)
        self._produced = [tensor for tensor in stage.outputs if tensor.name in produced]
        for tensor in stage.outputs:
            if tensor.name not in produced and inputs.get(tensor.name) != tensor:
                raise Fault(f"output {tensor.name!r} is neither made by {path} nor among the stage's inputs")
        for tensor in self._produced:
            if tensor.relayed_only:
                raise Fault(f"{path} makes {tensor.name!r} of type {tensor.type}, which numpy lacks; cut elsewhere")
        for name in inputs.keys() - set(self._fed) - {tensor.name for tensor in stage.outputs}:
            _log.warning("input %r is received, but neither computed with nor sent on", name)

    def warm_up(self, times: int) -> None:
        """Computes with zeros, so that the first inference is as fast as the others; raises `Fault` if it fails."""
        tensors = {tensor.name: tensor.empty() for tensor in self._stage.inputs}
        for array in tensors.values():
            array.fill(0)
        for _ in range(times):
            try:
                self._run(tensors)
            except Exception as error:
                raise Fault(f"{self._stage.file} does not run as planned: {error}") from error

    def compute(self, frame: Frame) -> list[np.ndarray]:
        """Returns the outputs in the order of the layout, and notes the time in the frame.

        With pacing it sleeps until the planned time is over.
        """
        begun = now_s()
        produced = self._run(frame.tensors)
        session_s = now_s() - begun
        if self._pace_s is not None:
            frame.measured["late"] = session_s > self._pace_s
            time.sleep(max(0.0, begun + self._pace_s - now_s()))
        frame.measured["session_s"] = session_s
        frame.measured["compute_s"] = now_s() - begun
        everything = {**frame.tensors, **produced}
        return [everything[tensor.name] for tensor in self._stage.outputs]

    def _run(self, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        names = [tensor.name for tensor in self._produced]
        arrays = self._session.run(names, {name: tensors[name] for name in self._fed}) if names else []
        for tensor, array in zip(self._produced, arrays):
            fault = tensor.fault_of(array)
            if fault is not None:
                raise ValueError(fault)
        return {name: np.ascontiguousarray(array) for name, array in zip(names, arrays)}


def _load(path: Path, threads: int, providers: list[str]) -> onnxruntime.InferenceSession:
    unknown = set(providers) - set(onnxruntime.get_available_providers())
    if unknown:
        available = ", ".join(onnxruntime.get_available_providers())
        raise Fault(f"onnxruntime has no provider {', '.join(sorted(unknown))} here; it has {available}")
    if not path.is_file():
        raise Fault(f"{path} is missing; it belongs into the folder of stages.json, or into the one of --folder")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin take the processor from those that receive and send.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # onnxruntime's own classes of errors have no common one below Exception.
        raise Fault(f"{path} cannot be loaded: {error}") from error


def _check_input(node, planned: Tensor | None, path: Path) -> None:
    if planned is None:
        raise Fault(f"{path} reads {node.name!r}, which is not among the stage's inputs")
    element = node.type[len("tensor(") : -1] if node.type.startswith("tensor(") else node.type
    same_type = type_named(element) == planned.type
    # A size that the model leaves open has a name or none.
    same_shape = len(node.shape) == len(planned.shape) and all(
        not isinstance(size, int) or size == wanted for size, wanted in zip(node.shape, planned.shape)
    )
    if not (same_type and same_shape):
        raise Fault(
            f"{path} reads {node.name!r} as {element}{node.shape}, "
            f"but stages.json plans {planned.type}{list(planned.shape)}"
        )
    if planned.relayed_only:
        raise Fault(f"{path} computes with {node.name!r} of type {planned.type}, which numpy lacks; cut elsewhere")
