#!/usr/bin/env python3
"""Writes examples/clusters and examples/requests from scratch; run it after changing a figure here.

The radio clusters are seeded, so every run writes the same bytes. Models are not made here: see README.md.
"""

import json
import math
import random
from pathlib import Path

HERE = Path(__file__).parent
MIB, GIB = 1 << 20, 1 << 30


def radio_square(count, memory_mib, seed):
    """The paper's cluster: nodes uniform in [1, 150] m squared, all pairs by Shannon and Hartley, equal memory."""
    draw = random.Random(seed)
    nodes = [
        {
            "id": f"node-{index:02}",
            "memory_bytes": memory_mib * MIB,
            "flops_per_s": 1.2e10,
            "device_class": "raspberry-pi-4",
            "position_m": {"x": round(draw.uniform(1, 150), 2), "y": round(draw.uniform(1, 150), 2)},
        }
        for index in range(1, count + 1)
    ]
    return {
        "name": f"radio-{count}",
        "description": f"{count} devices with {memory_mib} MiB each on a square of 150 m, radio between every two of"
        f" them; positions uniform, seed {seed}",
        "nodes": nodes,
        "network": {"kind": "radio", "bandwidth_hz": 1e6, "snr_at_1m": 283230, "latency_s": 0},
    }


def device(node_id, device_class, memory_gib, reserved_mib, flops_per_s, **labels):
    return {
        "id": node_id,
        "memory_bytes": memory_gib * GIB,
        "reserved_bytes": reserved_mib * MIB,
        "flops_per_s": flops_per_s,
        "device_class": device_class,
        "labels": labels,
    }


def both_ways(first, second, bandwidth_bps, latency_s):
    return {"from": first, "to": second, "bandwidth_bps": bandwidth_bps, "latency_s": latency_s, "bidirectional": True}


def one_way(first, second, bandwidth_bps, latency_s):
    return {"from": first, "to": second, "bandwidth_bps": bandwidth_bps, "latency_s": latency_s}


def mixed_site():
    """A workshop: a gateway and four Jetsons on a gigabit switch, two Pi 5 on an old switch, four Pi 4 on Wi-Fi."""
    nodes = [
        device("gateway", "x86-4core", 16, 6144, 2.0e11, site="cabinet", trusted="yes"),
        device("orin-agx", "jetson-agx-orin", 32, 3072, 1.5e12, site="cabinet", trusted="yes"),
        device("orin-nano-1", "jetson-orin-nano", 8, 1536, 5.0e11, site="hall"),
        device("orin-nano-2", "jetson-orin-nano", 8, 1536, 5.0e11, site="hall"),
        device("orin-nano-3", "jetson-orin-nano", 8, 1536, 5.0e11, site="hall"),
        device("pi5-1", "raspberry-pi-5", 8, 768, 3.0e10, site="hall"),
        device("pi5-2", "raspberry-pi-5", 8, 768, 3.0e10, site="hall"),
        device("pi4-1", "raspberry-pi-4", 4, 512, 1.2e10, site="roof"),
        device("pi4-2", "raspberry-pi-4", 4, 512, 1.2e10, site="roof"),
        device("pi4-3", "raspberry-pi-4", 4, 512, 1.2e10, site="roof") | {"schedulable": False},
        device("camera", "raspberry-pi-4", 2, 1024, 1.2e10, site="roof"),
    ]
    gigabit = ["gateway", "orin-agx", "orin-nano-1", "orin-nano-2", "orin-nano-3"]
    links = [both_ways(a, b, 9.4e8, 2e-4) for i, a in enumerate(gigabit) for b in gigabit[i + 1 :]]
    links += [both_ways(a, b, 9.4e7, 5e-4) for a in ["pi5-1", "pi5-2"] for b in gigabit]
    links += [both_ways("pi5-1", "pi5-2", 9.4e7, 5e-4)]
    # The camera hangs at the far end of the roof; towards the gateway it was measured in both directions.
    links += [one_way("camera", "gateway", 1.8e7, 6e-3), one_way("gateway", "camera", 3.0e7, 6e-3)]
    links += [both_ways("camera", node["id"], 1.2e7, 6e-3) for node in nodes if node["id"] not in ("camera", "gateway")]
    return {
        "name": "mixed-site",
        "description": "A gateway, Jetsons and Raspberry Pis on two wired switches and one Wi-Fi; pi4-3 is being"
        " repaired. Speeds are sustained fp32 estimates, not measurements",
        "nodes": nodes,
        "links": links,
        "network": {"kind": "full_mesh", "bandwidth_bps": 4.0e7, "latency_s": 0.003},
    }


def lenet_5():
    """LeNet-5 (LeCun and others, 1998; c3 reads all maps) on 32 x 32 images, fp32. The times are made up."""

    def layer(layer_id, op, params, outputs, multiply_adds):
        return {
            "id": layer_id,
            "op": op,
            "param_bytes": 4 * params,
            "output_bytes": 4 * outputs,
            "flops": 2 * multiply_adds,
        }

    layers = [
        layer("input", "Input", 0, 1024, 0),
        layer("c1", "Conv2D", 156, 4704, 117600) | {"time_s": {"microcontroller": 0.021}},
        layer("s2", "AveragePooling2D", 12, 1176, 2352),
        layer("c3", "Conv2D", 2416, 1600, 240000) | {"time_s": {"microcontroller": 0.038}},
        layer("s4", "AveragePooling2D", 32, 400, 800),
        layer("c5", "Dense", 48120, 120, 48000) | {"time_s": {"microcontroller": 0.011}},
        layer("f6", "Dense", 10164, 84, 10080),
        layer("output", "Dense", 850, 10, 840),
    ]
    ids = [item["id"] for item in layers]
    edges = [{"from": a, "to": b} for a, b in zip(ids, ids[1:])]
    return {"name": "LeNet-5", "batch_size": 1, "layers": layers, "edges": edges}


def microcontrollers():
    def node(node_id, memory_kib):
        return {
            "id": node_id,
            "memory_bytes": memory_kib << 10,
            "reserved_bytes": 32 << 10,
            "flops_per_s": 2.4e7,
            "device_class": "microcontroller",
        }

    return {
        "name": "three-microcontrollers",
        "nodes": [node("door", 128), node("hall", 256), node("desk", 288)],
        "links": [
            both_ways("door", "hall", 2.5e5, 0.002),
            both_ways("hall", "desk", 1.0e6, 0.001),
            both_ways("door", "desk", 1.2e5, 0.004),
        ],
    }


def square_one_channel():
    """The paper's square, where all pairs take turns on one channel."""
    cluster = radio_square(20, 64, 20)
    return cluster | {
        "name": "radio-20-one-channel",
        "description": "radio-20, where all nodes share one channel",
        "network": cluster["network"] | {"medium": "air"},
    }


def house():
    """Eight Raspberry Pis on the Wi-Fi of a house, and a gateway on a cable to the access point."""
    pis = [
        device(f"pi-{index}", "raspberry-pi-4", 4, 3800, 1.2e10, site="house") | {"port_bps": 9.4e7}
        for index in range(1, 9)
    ]
    rates = [4.3e7, 4.3e7, 3.8e7, 3.8e7, 2.9e7, 2.2e7, 1.8e7, 1.1e7]
    return {
        "name": "house",
        "description": "Raspberry Pis with little memory to spare on one Wi-Fi channel, a gateway wired to the access point",
        "nodes": pis + [device("gateway", "x86-4core", 4, 3840, 2.0e11, site="house")],
        "network": {
            "kind": "access_point",
            "medium": "channel-36",
            "latency_s": 0.002,
            "stations": [{"node_id": pi["id"], "bandwidth_bps": rate} for pi, rate in zip(pis, rates)],
            "wired": [{"node_id": "gateway", "bandwidth_bps": 9.4e8}],
        },
    }


def building():
    """Twelve nodes on three switches; the line to the roof sends or receives, not both."""
    sites = ["hall", "lab", "roof"]
    nodes = [
        device(f"{site}-{index}", "raspberry-pi-5", 8, 8112, 3.0e10, site=site) for site in sites for index in range(1, 5)
    ]
    segments = [
        {"a": node["id"], "b": f"switch-{node['labels']['site']}", "bandwidth_bps": 9.4e8, "latency_s": 1e-4}
        for node in nodes
    ]
    segments += [
        {"a": "switch-hall", "b": "switch-lab", "bandwidth_bps": 9.4e8, "latency_s": 1e-4},
        {"a": "switch-hall", "b": "switch-roof", "bandwidth_bps": 9.0e7, "latency_s": 5e-4, "duplex": "half"},
    ]
    return {
        "name": "building",
        "description": "Three switches; a half-duplex trunk leads to the roof",
        "nodes": nodes,
        "network": {"kind": "topology", "switches": [f"switch-{site}" for site in sites], "segments": segments},
    }


def field_mesh():
    """Masts in a field: neighbours within 60 m hear one another, others are reached by forwarding on one channel."""
    draw = random.Random(14)
    places = [(20 + 40 * column + draw.uniform(-8, 8), 20 + 40 * row + draw.uniform(-8, 8)) for row in range(3) for column in range(4)]
    nodes = [
        device(f"mast-{index:02}", "raspberry-pi-4", 2, 1984, 1.2e10, site="field")
        | {"position_m": {"x": round(x, 2), "y": round(y, 2)}}
        for index, (x, y) in enumerate(places, 1)
    ]
    segments = []
    for first, a in enumerate(nodes):
        for b in nodes[first + 1 :]:
            squared = sum((a["position_m"][axis] - b["position_m"][axis]) ** 2 for axis in "xy")
            if squared <= 60**2:
                rate = round(1e6 * math.log2(1 + 283230 / squared))
                segments.append({"a": a["id"], "b": b["id"], "bandwidth_bps": rate, "latency_s": 0.001, "medium": "mesh"})
    return {
        "name": "field",
        "description": "Masts whose nodes forward for one another, all on one channel",
        "nodes": nodes,
        "network": {"kind": "topology", "segments": segments},
    }


def model(name):
    return json.loads((HERE / "models" / f"{name}.json").read_text())


PAPER_MODE = {"memory": "params", "compute": "ignore", "cuts": "single_tensor"}

CLUSTERS = {
    "radio-5": radio_square(5, 64, 5),
    "radio-20": radio_square(20, 64, 20),
    "radio-50": radio_square(50, 256, 50),
    "mixed-site": mixed_site(),
    "radio-20-one-channel": square_one_channel(),
    "house": house(),
    "building": building(),
    "field": field_mesh(),
}

REQUESTS = {
    "lenet5-microcontrollers": {
        "model": lenet_5(),
        "cluster": microcontrollers(),
        "constraints": {"source_node": "door", "sink_node": "desk"},
        "solver": {"time_limit_s": 2},
    },
    "resnet50-radio-5": {"model": model("ResNet50"), "cluster": CLUSTERS["radio-5"], "solver": {"time_limit_s": 5}},
    "inceptionresnetv2-radio-20-paper": {
        "model": model("InceptionResNetV2"),
        "cluster": CLUSTERS["radio-20"],
        "cost_model": PAPER_MODE,
        "solver": {"time_limit_s": 5},
    },
    "bert-base-radio-50": {"model": model("BERT-base"), "cluster": CLUSTERS["radio-50"], "solver": {"time_limit_s": 5}},
    "yolov5s-mixed-site": {
        "model": model("YOLOv5s-like"),
        "cluster": CLUSTERS["mixed-site"],
        "constraints": {"source_node": "camera", "sink_node": "gateway"},
        "solver": {"time_limit_s": 5},
    },
    "llama-3-8b-mixed-site": {
        "model": model("Llama-3-8B"),
        "cluster": CLUSTERS["mixed-site"],
        "constraints": {"source_node": "gateway", "sink_node": "gateway"},
        "solver": {"time_limit_s": 10},
    },
    "resnet50-radio-20-pipelines": {
        "model": model("ResNet50"),
        "cluster": CLUSTERS["radio-20"],
        "pipelines": {},
        "solver": {"time_limit_s": 5},
    },
    "square-one-channel": {
        "model": model("InceptionResNetV2"),
        "cluster": CLUSTERS["radio-20-one-channel"],
        "cost_model": PAPER_MODE,
        "solver": {"time_limit_s": 5},
    },
    "house-access-point": {
        "model": model("YOLOv5s-like"),
        "cluster": CLUSTERS["house"],
        "constraints": {"source_node": "pi-1", "sink_node": "gateway"},
        "solver": {"time_limit_s": 5},
    },
    "building-trunk": {
        "model": model("ResNet50"),
        "cluster": CLUSTERS["building"],
        "constraints": {"source_node": "roof-1", "sink_node": "hall-1"},
        "solver": {"time_limit_s": 5},
    },
    "field-mesh": {
        "model": model("MobileNetV2"),
        "cluster": CLUSTERS["field"],
        "constraints": {"sink_node": "mast-01"},
        "solver": {"time_limit_s": 5},
    },
}


def write(path, document, **style):
    path.write_text(json.dumps(document, **style) + "\n")


for name, document in CLUSTERS.items():
    write(HERE / "clusters" / f"{name}.json", document, indent=1)
for name, document in REQUESTS.items():
    readable = name == "lenet5-microcontrollers"
    write(HERE / "requests" / f"{name}.json", document, **({"indent": 1} if readable else {"separators": (",", ":")}))
