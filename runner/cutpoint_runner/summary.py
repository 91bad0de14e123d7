"""What the logs of a pipeline say together."""

from __future__ import annotations

from .logs import ProcessLog
from .statistics import Run, describe, mean

SUMMARY_VERSION = 1

# A receiver that did not read for a while finds part of a frame in the kernel's buffers. Then the frame seems to arrive
# sooner, by at most that while; with this fraction of its time, the error is as small.
_MOST_BLOCKED = 0.02

_STAGE_TIMES = ("receive_s", "compute_s", "session_s", "send_s", "period_s")


def summarize(logs: list[ProcessLog], warm_up: int) -> dict:
    """Returns the summary of all pipelines that the logs are of."""
    pipelines = sorted({log.header["pipeline"] for log in logs})
    models = sorted({log.header["model"] for log in logs})
    summaries = [_pipeline([log for log in logs if log.header["pipeline"] == p], p, warm_up) for p in pipelines]
    return {
        "version": SUMMARY_VERSION,
        "model": models[0] if len(models) == 1 else models,
        "warm_up_inferences": warm_up,
        **_sum_of_rates(summaries),
        "pipelines": summaries,
    }


def _sum_of_rates(pipelines: list[dict]) -> dict:
    """What all pipelines make together, where each has a period."""
    periods = [pipeline.get("period_s") for pipeline in pipelines]
    return {"rate_per_s": sum(1 / period for period in periods)} if periods and all(periods) else {}


def _pipeline(logs: list[ProcessLog], pipeline: int, warm_up: int) -> dict:
    stages: dict[int, list[ProcessLog]] = {}
    for log in _of_role(logs, "stage"):
        stages.setdefault(log.header["index"], []).append(log)
    receivers = [(f"stage {index}", stages[index]) for index in sorted(stages)] + [("sink", _of_role(logs, "sink"))]
    runs = _runs(logs, warm_up)
    counts = _Counts(warm_up, frozenset(run.run for run in runs if run.window == 1))
    streamed = [run.steady() for run in runs if run.window is None]
    # The latency that is planned is that of one input in an empty pipeline.
    alone = [run for run in runs if run.window == 1 and run.latencies]
    of_latency = alone or [run for run in runs if run.latencies]
    known = [run for run in runs if run.fed is not None]
    summary = {
        "pipeline": pipeline,
        "overlap": logs[0].header.get("overlap"),
        "period_s": _ratio(sum(s.elapsed_s for s in streamed), sum(s.intervals for s in streamed)),
        "latency": describe([seconds for run in of_latency for seconds in run.latencies]),
        "latency_of": ("one_at_a_time" if alone else "stream") if of_latency else None,
        "fed": sum(run.fed for run in known),
        "delivered": sum(run.delivered for run in runs),
        "lost": sum(run.lost for run in known),
        "stages": [_stage(stages[index], counts) for index in sorted(stages)],
        "hops": [_hop(name, of, counts) for name, of in receivers if of],
        "runs": [run.figures() for run in runs],
    }
    return _present(summary)


class _Counts:
    """Which inferences count: of streams where there are any, else all. Their first ones never do."""

    def __init__(self, warm_up: int, alone: frozenset[int]):
        self._warm_up = warm_up
        self._alone = alone

    def of(self, logs: list[ProcessLog]) -> tuple[list[dict], list[dict]]:
        """Returns what counts, and what was in the pipeline alone."""
        steady = [line for log in logs for line in log.of("inference") if line["inference"] >= self._warm_up]
        alone = [line for line in steady if line["run"] in self._alone]
        return [line for line in steady if line["run"] not in self._alone] or alone, alone


def _runs(logs: list[ProcessLog], warm_up: int) -> list[Run]:
    sources = {log.header["run"]: log for log in _of_role(logs, "source")}
    round_trips = {number: _round_trips(log) for number, log in sources.items()}
    runs: dict[int, Run] = {}
    for sink in _of_role(logs, "sink"):
        for record in sink.records:
            if record["record"] not in ("inference", "end"):
                continue
            run = runs.setdefault(record["run"], Run(record["run"], warm_up))
            if record["record"] == "end":
                run.fed = record["fed"]
                continue
            inference = record["inference"]
            latency_s = record.get("latency_s", round_trips.get(run.run, {}).get(inference))
            run.add(inference, record["completed_s"], latency_s)
    for number, source in sources.items():
        run = runs.setdefault(number, Run(number, warm_up))
        run.window = source.header.get("window")
        run.fed = len(source.of("inference"))
    return list(runs.values())


def _round_trips(source: ProcessLog) -> dict[int, float]:
    """What the source saw, for sinks on another machine, whose clock tells nothing of the start."""
    return {line["inference"]: line["round_trip_s"] for line in source.of("answer")}


def _stage(starts: list[ProcessLog], counts: _Counts) -> dict:
    last = starts[-1]
    steady, alone = counts.of(starts)
    summary = {
        "index": last.header["index"],
        "node_id": last.header["node_id"],
        "starts": len(starts),
        "inferences": sum(len(log.of("inference")) for log in starts),
        "counted": len(steady),
        "failed": _events(starts, "failed"),
        "dropped": _events(starts, "dropped"),
        "refused": _events(starts, "refused"),
        "late": sum(bool(line.get("late")) for line in steady) if "pace_s" in last.header else None,
        "pace_s": last.header.get("pace_s"),
        "received_bytes": _mean_of(steady, "received_bytes"),
        "sent_bytes": _mean_of(steady, "sent_bytes"),
        "memory": _memory(starts),
        "planned": last.header.get("planned"),
        "alone": {"counted": len(alone), "compute_s": _mean_of(alone, "compute_s")} if alone else None,
    }
    return _present({**summary, **{name: _mean_of(steady, name) for name in _STAGE_TIMES}})


def _memory(starts: list[ProcessLog]) -> dict:
    lines = [line for log in starts for line in log.of("memory")]
    memory = {f"{line['at']}_bytes": line["resident_bytes"] for line in lines if "resident_bytes" in line}
    memory["peak_bytes"] = max((line["peak_bytes"] for line in lines), default=None)
    return _present(memory)


def _hop(receiver: str, logs: list[ProcessLog], counts: _Counts) -> dict:
    header = logs[-1].header
    steady, alone = (_awaited(header, lines) for lines in counts.of(logs))
    return {
        "from": header["receive_from"],
        "to": receiver,
        **_transfers(steady),
        **({"alone": _transfers(alone)} if alone else {}),
    }


def _awaited(header: dict, frames: list[dict]) -> list[dict]:
    """Returns the frames that their receiver waited for."""
    if header.get("overlap") != "full":
        return frames
    return [line for line in frames if line["receive_blocked_s"] <= _MOST_BLOCKED * line["receive_s"]]


def _transfers(frames: list[dict]) -> dict:
    seconds = sum(line["receive_s"] for line in frames)
    summary = {
        "measured": len(frames),
        "bytes": _mean_of(frames, "received_bytes"),
        "transfer_s": _mean_of(frames, "receive_s"),
        "goodput_bps": _ratio(8 * sum(line["received_bytes"] for line in frames), seconds),
    }
    return _present(summary)


def _of_role(logs: list[ProcessLog], role: str) -> list[ProcessLog]:
    return [log for log in logs if log.header["role"] == role]


def _events(logs: list[ProcessLog], event: str) -> int:
    return sum(line["event"] == event for log in logs for line in log.of("event"))


def _mean_of(lines: list[dict], name: str) -> float | None:
    values = [line[name] for line in lines if name in line]
    return mean(values) if values else None


def _ratio(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator else None


def _present(members: dict) -> dict:
    """Leaves out what is not known."""
    return {name: value for name, value in members.items() if value is not None}
