"""Stands for a command that cuts the model for a placement of the service: it writes the stages.json alone."""

import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

folder, placement_id = Path(sys.argv[1]), sys.argv[2]
headers = {"Authorization": f"Bearer {os.environ['CUTPOINT_KEY']}"}
with urlopen(Request(f"{os.environ['CUTPOINT_URL']}/v1/placements/{placement_id}", headers=headers)) as answer:
    [pipeline] = json.load(answer)["placement"]["pipelines"]


def entry(index: int, stage: dict[str, Any]) -> dict[str, Any]:
    is_last = index + 1 == len(pipeline["stages"])
    tensor = {"name": stage["layer_ids"][-1], "type": "float32", "shape": [250], "bytes": 1000}
    return {
        "index": index,
        "pipeline": 0,
        "node_id": stage["node_id"],
        "file": f"{placement_id}-{index}.onnx",
        "inputs": [tensor],
        "outputs": [tensor],
        "receive_from": {"kind": "stage", "stage": index - 1} if index else {"kind": "source"},
        "send_to": {"kind": "sink"} if is_last else {"kind": "stage", "stage": index + 1},
        "planned": {},
    }


stages = [entry(index, stage) for index, stage in enumerate(pipeline["stages"])]
document = {"model": "camera", "token": f"token of {placement_id}", "overlap": "full", "stages": stages}
(folder / f"{placement_id}.json").write_text(json.dumps(document))
