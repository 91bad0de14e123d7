"""The command `stage`."""

from __future__ import annotations

import argparse
import logging
from importlib.metadata import version
from pathlib import Path

from .counters import Counters
from .faults import Fault
from .handshake import Hop
from .health import Health
from .inlet import Inlet
from .options import (
    add_common_flags,
    add_flag,
    address,
    positive,
    required,
    seconds,
    stages_of,
    token_of,
    whole_number,
)
from .outlet import Outlet
from .shutdown import Shutdown
from .stage import StageLoop
from .stages import Stage, Stages
from .times import TimesLog

_log = logging.getLogger(__name__)


def add_flags(parser: argparse.ArgumentParser) -> None:
    add_common_flags(parser)
    add_flag(parser, "index", whole_number, help="which stage this is, if the file has several", metavar="N")
    add_flag(parser, "folder", Path, help="where the ONNX files are, if not beside stages.json", metavar="DIR")
    add_flag(parser, "listen", address, help="where to listen, if not as planned", metavar="HOST:PORT")
    add_flag(parser, "send-to", address, help="where the next stage listens, if not as planned", metavar="HOST:PORT")
    add_flag(parser, "health", address, help="where to answer probes; nowhere if absent", metavar="HOST:PORT")
    add_flag(parser, "threads", whole_number, "0", help="threads of the session; 0: one per core", metavar="N")
    add_flag(
        parser,
        "providers",
        lambda text: text.split(","),
        "CPUExecutionProvider",
        help="execution providers of onnxruntime, by comma, the preferred first",
        metavar="NAMES",
    )
    add_flag(parser, "warm-up", positive, "3", help="computations before the stage is ready", metavar="N")
    add_flag(parser, "grace-s", seconds, "8", help="the longest time to finish after a signal", metavar="S")
    parser.add_argument("--pace", action="store_true", help="after computing, sleep until the planned time is over")
    parser.add_argument("--pace-s", type=seconds, metavar="S", help="pace with this time instead of the planned one")


def run(arguments: argparse.Namespace) -> int:
    """Runs a stage until a signal; returns the exit status."""
    # onnxruntime takes a second to load, and no other command needs it.
    from .session import Session

    stages = stages_of(arguments)
    stage = stages.stage(arguments.pipeline, arguments.index)
    overlap = arguments.overlap or stages.overlap
    token = token_of(arguments, stages)
    listen = required(arguments.listen or stage.receive_from.address, "for this stage", "--listen")
    send_to = required(arguments.send_to or stage.send_to.address, "to send to", "--send-to")
    pace_s = _pace(arguments, stage)

    counters = Counters()
    shutdown = Shutdown()
    health = None
    if arguments.health is not None:
        health = Health(arguments.health, _labels(stages, stage), counters)
    log = TimesLog(arguments.log_dir, _file_name(stage), _header(arguments, stages, stage, overlap, pace_s))
    log.memory("before_load")
    path = (arguments.folder or arguments.stages.parent) / stage.file
    session = Session(path, stage, arguments.threads, arguments.providers, pace_s)
    log.memory("loaded")
    session.warm_up(arguments.warm_up)
    log.memory("warm")

    receives = Hop(stages.model, stage.pipeline, stage.receive_from.name, stage.name, overlap, stage.inputs)
    sends = Hop(stages.model, stage.pipeline, stage.name, stage.send_to.name, overlap, stage.outputs)
    inlet = Inlet(listen, receives, token, arguments.socket_buffer_bytes, counters, log)
    outlet = Outlet(send_to, sends, token, arguments.socket_buffer_bytes, counters, log)
    loop = StageLoop(stage, session, inlet, outlet, counters, log, overlap)
    _log.info("%s of %s is ready on %s and sends to %s", stage.name, stages.model, listen, send_to)
    if health is not None:
        health.set_ready(True)
    shutdown.wait()
    _log.info("%s ends", stage.name)
    if health is not None:
        health.set_ready(False)
    loop.finish(arguments.grace_s)
    log.memory("end")
    log.close()
    return 1 if shutdown.failed else 0


def _pace(arguments: argparse.Namespace, stage: Stage) -> float | None:
    if arguments.pace_s is not None or not arguments.pace:
        return arguments.pace_s
    if "compute_s" not in stage.planned:
        raise Fault(f"stages.json plans no compute_s for {stage.name}; give the time with --pace-s")
    return stage.planned["compute_s"]


def _labels(stages: Stages, stage: Stage) -> dict[str, str]:
    return {
        "model": stages.model,
        "pipeline": str(stage.pipeline),
        "stage": str(stage.index),
        "node_id": stage.node_id,
    }


def _file_name(stage: Stage) -> str:
    return f"pipeline-{stage.pipeline}-stage-{stage.index}"


def _header(arguments: argparse.Namespace, stages: Stages, stage: Stage, overlap: str, pace_s: float | None) -> dict:
    return {
        "role": "stage",
        "model": stages.model,
        "pipeline": stage.pipeline,
        "index": stage.index,
        "node_id": stage.node_id,
        "overlap": overlap,
        "pace_s": pace_s,
        "threads": arguments.threads,
        "onnxruntime_version": version("onnxruntime"),
        "receive_from": stage.receive_from.name,
        "send_to": stage.send_to.name,
        "planned": stage.planned,
    }
