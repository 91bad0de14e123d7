"""The command `feed`: the source of a pipeline."""

from __future__ import annotations

import argparse
import json
import logging
import random
import threading
from pathlib import Path

from .clock import clock_id
from .counters import Counters
from .faults import Fault
from .feeder import Feeder, Window
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
from .times import TimesLog

_log = logging.getLogger(__name__)


def add_flags(parser: argparse.ArgumentParser) -> None:
    add_common_flags(parser)
    add_flag(parser, "inputs", Path, help="a .npy or .npz, repeated as needed; drawn if absent", metavar="FILE")
    add_flag(parser, "seed", whole_number, "0", help="what drawn inputs depend on", metavar="N")
    add_flag(parser, "count", positive, "100", help="how many inferences to feed", metavar="N")
    add_flag(parser, "rate", rate, help="inferences per second; as fast as they are taken if absent", metavar="R")
    window = parser.add_mutually_exclusive_group()
    window.add_argument("--window", type=positive, metavar="N", help="at most so many inferences in the pipeline")
    window.add_argument(
        "--one-at-a-time", action="store_const", const=1, dest="window", help="each in an empty pipeline: a window of 1"
    )
    add_flag(parser, "answer-timeout-s", seconds, "60", help="when an inference counts as lost", metavar="S")
    add_flag(parser, "send-to", address, help="where the first stage listens, if not as planned", metavar="HOST:PORT")
    add_flag(parser, "feedback", address, help="where to listen for the sink's answers", metavar="HOST:PORT")
    add_flag(parser, "grace-s", seconds, "30", help="the longest time to end in order", metavar="S")


def run(arguments: argparse.Namespace) -> int:
    """Feeds a pipeline; returns the exit status."""
    stages = stages_of(arguments)
    first = stages.first(arguments.pipeline)
    overlap = arguments.overlap or stages.overlap
    token = token_of(arguments, stages)
    send_to = required(arguments.send_to or first.receive_from.address, "of the first stage", "--send-to")
    feedback = arguments.feedback or stages.feedback
    if arguments.window is not None and feedback is None:
        raise Fault("a window needs the sink's answers: give feed and sink the same --feedback host:port")
    if arguments.inputs is not None:
        inputs = read_inputs(arguments.inputs, first.inputs)
    else:
        inputs = drawn_inputs(first.inputs, arguments.seed)

    number = random.SystemRandom().randrange(1, 1 << 32)
    counters = Counters()
    shutdown = Shutdown()
    header = {"role": "source", "model": stages.model, "pipeline": arguments.pipeline, "overlap": overlap}
    more = {"run": number, "window": arguments.window, "rate_per_s": arguments.rate, "send_to": first.name}
    log = TimesLog(arguments.log_dir, f"pipeline-{arguments.pipeline}-source", {**header, **more})
    inlet = None
    if feedback is not None:
        hop = feedback_hop(stages.model, arguments.pipeline)
        inlet = Inlet(feedback, hop, token, arguments.socket_buffer_bytes, counters, log)
    hop = Hop(stages.model, arguments.pipeline, "source", first.name, overlap, first.inputs)
    outlet = Outlet(send_to, hop, token, arguments.socket_buffer_bytes, counters, log)
    window = Window(arguments.window, inlet, log, number, arguments.answer_timeout_s)
    feeder = Feeder(outlet, window, log, shutdown, number, clock_id())
    finished = threading.Event()

    def feed() -> None:
        try:
            feeder.feed(inputs, arguments.count, arguments.rate)
        finally:
            finished.set()

    feeding = start_thread(feed, "feed")
    while not finished.wait(0.05) and not shutdown.asked:
        pass
    feeding.join(arguments.grace_s)
    if feeding.is_alive():
        _log.warning("the pipeline did not take the last inference within %g s", arguments.grace_s)
        outlet.abort()
    outlet.close(arguments.grace_s)
    if inlet is not None:
        inlet.close()
    log.close()
    print(json.dumps({"run": number, **feeder.result()}))
    return 1 if shutdown.failed else 0


def feedback_hop(model: str, pipeline: int) -> Hop:
    """The connection on which the sink answers the source: frames without tensors, never rendezvous."""
    return Hop(model, pipeline, "sink", "source", "full", ())
