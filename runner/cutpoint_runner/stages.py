"""Reads `stages.json`, which says what each stage computes and where its neighbours are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .address import Address, parse_address
from .faults import Fault
from .tensors import Tensor, type_named

LONGEST_FRAME_BYTES = 1 << 32
SHORTEST_TOKEN = 16
OVERLAPS = ("full", "none")


@dataclass(frozen=True)
class End:
    """A neighbour of a stage, and the address at which the receiver of the two listens."""

    name: str
    address: Address | None


@dataclass(frozen=True)
class Stage:
    """One stage as it is planned."""

    pipeline: int
    index: int
    node_id: str
    file: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    receive_from: End
    send_to: End
    planned: dict

    @property
    def name(self) -> str:
        return f"stage {self.index}"


@dataclass(frozen=True)
class Stages:
    """What a `stages.json` says; it may hold only some stages of the pipelines."""

    model: str
    token: str | None
    overlap: str
    feedback: Address | None
    stages: tuple[Stage, ...]
    rates_per_s: dict[int, float]

    def stage(self, pipeline: int, index: int | None) -> Stage:
        """Returns the stage with this index, or without one the only stage; raises `Fault` if there is none."""
        stages = [stage for stage in self.stages if stage.pipeline == pipeline and index in (None, stage.index)]
        if len(stages) == 1:
            return stages[0]
        wanted = "the only stage" if index is None else f"stage {index}"
        raise Fault(f"{wanted} of pipeline {pipeline} is not in stages.json; it has {self._listed()}; give --index")

    def rate_per_s(self, pipeline: int) -> float | None:
        """Returns the passes per second that a pipeline is planned to make, if the file says it."""
        return self.rates_per_s.get(pipeline)

    def firsts(self) -> list[Stage]:
        """Returns the stages that receive from the source, one for each pipeline, by pipeline; raises `Fault` if none does."""
        firsts = [stage for stage in self.stages if stage.receive_from.name == "source"]
        if not firsts:
            raise Fault(f"stages.json lacks the stage beside the source; it has {self._listed()}")
        return sorted(firsts, key=lambda stage: stage.pipeline)

    def first(self, pipeline: int) -> Stage:
        """Returns the stage that receives from the source."""
        return self._at_end(pipeline, "source", lambda stage: stage.receive_from)

    def last(self, pipeline: int) -> Stage:
        """Returns the stage that sends to the sink."""
        return self._at_end(pipeline, "sink", lambda stage: stage.send_to)

    def _at_end(self, pipeline: int, kind: str, end) -> Stage:
        for stage in self.stages:
            if stage.pipeline == pipeline and end(stage).name == kind:
                return stage
        raise Fault(f"stages.json lacks the stage of pipeline {pipeline} beside the {kind}; it has {self._listed()}")

    def _listed(self) -> str:
        return ", ".join(f"stage {s.index} of pipeline {s.pipeline}" for s in self.stages) or "no stages"


def read_stages(path: Path) -> Stages:
    """Reads and checks a file; raises `Fault` with the place of what is wrong."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Fault(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise Fault(f"{path} is not JSON: {error}") from error
    try:
        return _stages(document)
    except Fault as fault:
        raise Fault(f"{path}: {fault}") from fault


def _stages(document) -> Stages:
    document = _checked(document, dict, "the document")
    token = document.get("token")
    if token is not None:
        check_token(_checked(token, str, "token"))
    overlap = document.get("overlap", "full")
    if overlap not in OVERLAPS:
        raise Fault(f"overlap is {overlap!r}; it must be one of {', '.join(OVERLAPS)}")
    feedback = document.get("feedback")
    listed = _member(document, "stages", list, "the document")
    stages = tuple(_stage(item, f"stages[{i}]") for i, item in enumerate(listed))
    _check_neighbours(stages)
    return Stages(
        _member(document, "model", str, "the document"),
        token,
        overlap,
        None if feedback is None else parse_address(_checked(feedback, str, "feedback")),
        stages,
        _rates(document.get("pipelines", [])),
    )


def _rates(items) -> dict[int, float]:
    """Reads the planned passes per second of the pipelines."""
    rates = {}
    for i, item in enumerate(_checked(items, list, "pipelines")):
        place = f"pipelines[{i}]"
        pipeline = _count(_member(_checked(item, dict, place), "pipeline", int, place), f"{place}.pipeline")
        planned = _planned({name: item[name] for name in ("rate_per_s",) if name in item}, place)
        if pipeline in rates:
            raise Fault(f"{place} lists pipeline {pipeline} twice")
        rates[pipeline] = planned.get("rate_per_s")
    return {pipeline: float(rate) for pipeline, rate in rates.items() if rate}


def check_token(token: str) -> None:
    """Raises `Fault` if a token is too short to keep anybody out."""
    if len(token) < SHORTEST_TOKEN:
        raise Fault(f"the token has {len(token)} characters; it must have at least {SHORTEST_TOKEN}")


def _stage(item, place: str) -> Stage:
    item = _checked(item, dict, place)
    stage = Stage(
        _count(item.get("pipeline", 0), f"{place}.pipeline"),
        _count(_member(item, "index", int, place), f"{place}.index"),
        _member(item, "node_id", str, place),
        _member(item, "file", str, place),
        _tensors(_member(item, "inputs", list, place), f"{place}.inputs"),
        _tensors(_member(item, "outputs", list, place), f"{place}.outputs"),
        _end(_member(item, "receive_from", dict, place), "source", f"{place}.receive_from"),
        _end(_member(item, "send_to", dict, place), "sink", f"{place}.send_to"),
        _planned(item.get("planned", {}), f"{place}.planned"),
    )
    file = PurePosixPath(stage.file)
    if not stage.file or file.is_absolute() or ".." in file.parts:
        raise Fault(f"{place}.file is {stage.file!r}; it must be relative to the folder and stay in it")
    return stage


def _tensors(items: list, place: str) -> tuple[Tensor, ...]:
    tensors = tuple(_tensor(item, f"{place}[{i}]") for i, item in enumerate(items))
    names = [tensor.name for tensor in tensors]
    for name in names:
        if names.count(name) > 1:
            raise Fault(f"{place} lists {name!r} twice")
    if sum(tensor.bytes for tensor in tensors) > LONGEST_FRAME_BYTES:
        raise Fault(f"{place} takes more than {LONGEST_FRAME_BYTES} bytes, the most that a frame can have")
    return tensors


def _tensor(item, place: str) -> Tensor:
    item = _checked(item, dict, place)
    shape = _member(item, "shape", list, place)
    sizes = tuple(_count(size, f"{place}.shape[{axis}]") for axis, size in enumerate(shape))
    try:
        tensor = Tensor(_member(item, "name", str, place), type_named(_member(item, "type", str, place)), sizes)
    except Fault as fault:
        raise Fault(f"{place}: {fault}") from fault
    planned = item.get("bytes", tensor.bytes)
    if planned != tensor.bytes:
        raise Fault(f"{place}.bytes is {planned}, but {tensor.type}{list(sizes)} takes {tensor.bytes}")
    return tensor


def _end(item: dict, outermost: str, place: str) -> End:
    kind = _member(item, "kind", str, place)
    address = item.get("address")
    if address is not None:
        try:
            address = parse_address(_checked(address, str, f"{place}.address"))
        except Fault as fault:
            raise Fault(f"{place}.address: {fault}") from fault
    if kind == "stage":
        return End(f"stage {_count(_member(item, 'stage', int, place), f'{place}.stage')}", address)
    if kind != outermost:
        raise Fault(f"{place}.kind is {kind!r}; it must be 'stage' or {outermost!r}")
    return End(kind, address)


def _planned(item, place: str) -> dict:
    for name, value in _checked(item, dict, place).items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
            raise Fault(f"{place}.{name} is {value!r}; it must be a number that is not negative")
    return item


def _check_neighbours(stages: tuple[Stage, ...]) -> None:
    by_index = {}
    for stage in stages:
        if by_index.setdefault((stage.pipeline, stage.index), stage) is not stage:
            raise Fault(f"stage {stage.index} of pipeline {stage.pipeline} is listed twice")
    for stage in stages:
        following = by_index.get((stage.pipeline, stage.index + 1))
        if following is None or stage.send_to.name == "sink":
            continue
        where = f"stages {stage.index} and {following.index} of pipeline {stage.pipeline}"
        if stage.outputs != following.inputs:
            raise Fault(f"{where} differ in what the first sends and the second receives; export the pipeline again")
        if stage.send_to.address != following.receive_from.address:
            raise Fault(f"{where} differ in the address of their connection; export the pipeline again")


def _member(item: dict, name: str, kind: type, place: str):
    if name not in item:
        raise Fault(f"{place} lacks the member {name!r}")
    return _checked(item[name], kind, f"{place}.{name}")


def _checked(value, kind: type, place: str):
    words = {dict: "an object", list: "a list", str: "a text", int: "a whole number"}
    if not isinstance(value, kind) or isinstance(value, bool):
        raise Fault(f"{place} must be {words[kind]}")
    return value


def _count(value, place: str) -> int:
    if _checked(value, int, place) < 0 or value > 1 << 40:
        raise Fault(f"{place} is {value}; it must be from 0 to 2^40")
    return value
