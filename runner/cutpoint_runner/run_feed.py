"""The command `feed`: the source of one pipeline or of several."""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import threading
from pathlib import Path

import numpy as np

from .address import Address, parse_address
from .clock import clock_id
from .counters import Counters
from .deal import Deal, weights_of
from .faults import Fault
from .feeder import Feeder, Lane, Window
from .handshake import Hop
from .inlet import Inlet
from .inputs import drawn_inputs, read_inputs
from .options import (
    add_common_flags,
    add_flag,
    address,
    positive,
    rate,
    required,
    seconds,
    stages_of,
    token_of,
    whole_number,
)
from .outlet import Outlet
from .shutdown import Shutdown, start_thread
from .stages import Stage
from .times import TimesLog

_log = logging.getLogger(__name__)


def add_flags(parser: argparse.ArgumentParser) -> None:
    add_common_flags(parser, pipeline=None)
    add_flag(parser, "inputs", Path, help="a .npy or .npz, repeated as needed; drawn if absent", metavar="FILE")
    add_flag(parser, "seed", whole_number, "0", help="what drawn inputs depend on", metavar="N")
    add_flag(parser, "count", positive, "100", help="how many inferences to feed", metavar="N")
    add_flag(parser, "rate", rate, help="inferences per second; as fast as they are taken if absent", metavar="R")
    window = parser.add_mutually_exclusive_group()
    window.add_argument("--window", type=positive, metavar="N", help="at most so many inferences in each pipeline")
    window.add_argument(
        "--one-at-a-time", action="store_const", const=1, dest="window", help="each in an empty pipeline: a window of 1"
    )
    add_flag(parser, "answer-timeout-s", seconds, "60", help="when an inference counts as lost", metavar="S")
    parser.add_argument(
        "--send-to",
        type=address,
        action="append",
        help="where the first stage listens, if not as planned; repeated for each pipeline (CUTPOINT_RUNNER_SEND_TO, with "
        "spaces between several)",
        metavar="HOST:PORT",
    )
    add_flag(parser, "feedback", address, help="where to listen for the answers of pipeline 0's sink", metavar="HOST:PORT")
    add_flag(parser, "grace-s", seconds, "30", help="the longest time to end in order", metavar="S")


def run(arguments: argparse.Namespace) -> int:
    """Feeds the pipelines; returns the exit status."""
    stages = stages_of(arguments)
    firsts = [stages.first(arguments.pipeline)] if arguments.pipeline is not None else stages.firsts()
    overlap = arguments.overlap or stages.overlap
    token = token_of(arguments, stages)
    send_to = _send_to(arguments.send_to or _given_by_variable(), firsts)
    feedback = arguments.feedback or stages.feedback
    if arguments.window is not None and feedback is None:
        raise Fault("a window needs the sink's answers: give feed and sink the same --feedback host:port")
    inputs = [_inputs(arguments, first) for first in firsts]

    number = random.SystemRandom().randrange(1, 1 << 32)
    counters = Counters()
    shutdown = Shutdown()
    changed = threading.Condition()
    lanes, outlets, inlets, logs = [], [], [], []
    for first, address_of_first, of_lane in zip(firsts, send_to, inputs):
        pipeline = first.pipeline
        header = {"role": "source", "model": stages.model, "pipeline": pipeline, "overlap": overlap}
        more = {"run": number, "window": arguments.window, "rate_per_s": arguments.rate, "send_to": first.name}
        logs.append(TimesLog(arguments.log_dir, f"pipeline-{pipeline}-source", {**header, **more}))
        inlet = None
        if feedback is not None:
            hop = feedback_hop(stages.model, pipeline)
            listen = feedback_of(feedback, pipeline)
            inlet = Inlet(listen, hop, token, arguments.socket_buffer_bytes, counters, logs[-1])
            inlets.append(inlet)
        hop = Hop(stages.model, pipeline, "source", first.name, overlap, first.inputs)
        outlets.append(Outlet(address_of_first, hop, token, arguments.socket_buffer_bytes, counters, logs[-1]))
        window = Window(arguments.window, inlet, logs[-1], number, arguments.answer_timeout_s)
        lanes.append(Lane(pipeline, outlets[-1], window, logs[-1], number, clock_id(), of_lane, changed))
    feeder = Feeder(lanes, Deal(weights_of([stages.rate_per_s(first.pipeline) for first in firsts])), shutdown, changed)
    finished = threading.Event()

    def feed() -> None:
        try:
            feeder.feed(arguments.count, arguments.rate)
        finally:
            finished.set()

    feeding = start_thread(feed, "feed")
    while not finished.wait(0.05) and not shutdown.asked:
        pass
    feeding.join(arguments.grace_s)
    if feeding.is_alive():
        _log.warning("the pipelines did not take the last inference within %g s", arguments.grace_s)
        for outlet in outlets:
            outlet.abort()
    for outlet in outlets:
        outlet.close(arguments.grace_s)
    for inlet in inlets:
        inlet.close()
    for log in logs:
        log.close()
    print(json.dumps({"run": number, **feeder.result()}))
    return 1 if shutdown.failed else 0


def feedback_hop(model: str, pipeline: int) -> Hop:
    """The connection on which the sink answers the source: frames without tensors, never rendezvous."""
    return Hop(model, pipeline, "sink", "source", "full", ())


def feedback_of(first: Address, pipeline: int) -> Address:
    """Where the source listens for the sink of a pipeline: each has a port, one after the other."""
    if first.port + pipeline > 65535:
        raise Fault(f"there is no port {first.port + pipeline} for the answers of pipeline {pipeline}; choose a smaller one")
    return Address(first.host, first.port + pipeline)


def _given_by_variable() -> list[Address]:
    return [parse_address(text) for text in os.environ.get("CUTPOINT_RUNNER_SEND_TO", "").split()]


def _send_to(given: list[Address], firsts: list[Stage]) -> list[Address]:
    if len(given) > len(firsts):
        raise Fault(f"--send-to is given {len(given)} times, but {len(firsts)} pipelines are fed")
    planned = [first.receive_from.address for first in firsts[len(given) :]]
    of = zip([*given, *planned], firsts)
    return [required(found, f"of the first stage of pipeline {first.pipeline}", "--send-to") for found, first in of]


def _inputs(arguments: argparse.Namespace, first: Stage) -> list[list[np.ndarray]]:
    if arguments.inputs is not None:
        return read_inputs(arguments.inputs, first.inputs)
    return drawn_inputs(first.inputs, arguments.seed)
