"""The command `sink`: the end of a pipeline."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from .answers import Answers
from .clock import clock_id
from .counters import Counters
from .handshake import Hop
from .health import Health
from .inlet import Inlet
from .options import (
    add_common_flags,
    add_flag,
    address,
    positive,
    required,
    stages_of,
    token_of,
    whole_number,
)
from .outlet import Outlet
from .receiver import Receiver
from .run_feed import feedback_hop, feedback_of
from .shutdown import Shutdown, start_thread
from .statistics import DEFAULT_WARM_UP
from .times import TimesLog


def add_flags(parser: argparse.ArgumentParser) -> None:
    add_common_flags(parser)
    add_flag(parser, "listen", address, help="where to listen, if not as planned", metavar="HOST:PORT")
    add_flag(parser, "feedback", address, help="where the source listens for the answers of pipeline 0", metavar="HOST:PORT")
    add_flag(parser, "health", address, help="where to answer probes; nowhere if absent", metavar="HOST:PORT")
    add_flag(parser, "save", Path, help="a folder for the outputs, one .npz per inference", metavar="DIR")
    add_flag(parser, "count", positive, help="end after so many inferences", metavar="N")
    add_flag(parser, "warm-up", whole_number, str(DEFAULT_WARM_UP), help="inferences that do not count", metavar="N")
    parser.add_argument("--forever", action="store_true", help="go on after the end of a run, until a signal")


def run(arguments: argparse.Namespace) -> int:
    """Receives outputs and prints what it saw; returns the exit status."""
    stages = stages_of(arguments)
    last = stages.last(arguments.pipeline)
    overlap = arguments.overlap or stages.overlap
    token = token_of(arguments, stages)
    listen = required(arguments.listen or last.send_to.address, "of the sink", "--listen")
    feedback = arguments.feedback or stages.feedback

    counters = Counters()
    shutdown = Shutdown()
    header = {"role": "sink", "model": stages.model, "pipeline": arguments.pipeline, "overlap": overlap}
    header["receive_from"] = last.name
    log = TimesLog(arguments.log_dir, f"pipeline-{arguments.pipeline}-sink", header)
    answers = None
    if feedback is not None:
        hop = feedback_hop(stages.model, arguments.pipeline)
        source = feedback_of(feedback, arguments.pipeline)
        answers = Answers(Outlet(source, hop, token, arguments.socket_buffer_bytes, counters, log))
    hop = Hop(stages.model, arguments.pipeline, last.name, "sink", overlap, last.outputs)
    inlet = Inlet(listen, hop, token, arguments.socket_buffer_bytes, counters, log)
    receiver = Receiver(inlet, answers, log, counters, clock_id(), arguments.save, arguments.warm_up)
    if arguments.health is not None:
        labels = {"model": stages.model, "pipeline": str(arguments.pipeline), "stage": "sink"}
        Health(arguments.health, labels, counters).set_ready(True)

    def receive() -> None:
        receiver.receive(arguments.count, arguments.forever)
        shutdown.ask()

    receiving = start_thread(receive, "receive")
    shutdown.wait()
    inlet.stop()
    receiving.join(2)
    inlet.close()
    if answers is not None:
        answers.close(2)
    log.close()
    print(json.dumps(receiver.result(), indent=2))
    return 1 if shutdown.failed else 0
