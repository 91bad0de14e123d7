#!/usr/bin/env python3
"""Turns an export for Kubernetes into what `podman kube play` can run, and prints the commands that run it.

    cutpoint export --format kubernetes … --output deploy
    tests/deploy/for_podman.py deploy played && sh played/play.sh

Podman has no services, no nodes and no `status.podIP`. So each pod gets an address of its own, the names of services are in the
pods' hosts, and the runners listen at that address. Podman 4.3 mounts the data of a Secret without decoding it, so a ConfigMap takes
its place. The rest stays as it is exported: image, arguments, ConfigMaps, volumes, limits and confinement. Needs PyYAML.
"""

import argparse
import base64
import pathlib
import sys

import yaml

NETWORK = "cutpoint"
SUBNET = "10.98.0"


def documents(folder: pathlib.Path):
    for path in sorted(folder.glob("*.yaml")):
        yield from yaml.safe_load_all(path.read_text(encoding="utf-8"))


def adapted(item: dict, address: str, hosts: list) -> dict:
    """Returns a Deployment or Job as a pod, with its address and the names of the others."""
    pod = item["spec"]["template"]["spec"]
    del pod["affinity"]
    pod["hostAliases"] = hosts
    for container in pod["containers"]:
        # Podman would publish the ports of all pods on the host, and probes with a tool that images lack.
        for name in ("ports", "readinessProbe", "livenessProbe"):
            container.pop(name, None)
        variables = [variable for variable in container.get("env", []) if "value" in variable]
        for variable in variables:
            variable["value"] = variable["value"].replace("$(POD_IP)", address)
        container["env"] = variables
    for volume in pod["volumes"]:
        if "secret" in volume:
            secret = volume.pop("secret")
            name = secret.pop("secretName")
            volume["configMap"] = {"name": name, **secret}
    metadata = {"name": item["metadata"]["name"], "labels": item["metadata"]["labels"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}


def decoded(secret: dict) -> dict:
    """Returns a ConfigMap with what a Secret holds."""
    data = {name: base64.b64decode(value).decode() for name, value in secret.get("data", {}).items()}
    data |= secret.get("stringData", {})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": secret["metadata"]["name"]}, "data": data}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", type=pathlib.Path, help="the folder of the export")
    parser.add_argument("output", type=pathlib.Path, help="the folder to write")
    arguments = parser.parse_args()
    found = list(documents(arguments.export))
    workloads = [item for item in found if item["kind"] in ("Deployment", "Job")]
    if not workloads:
        print(f"{arguments.export} has no Deployment; export with --format kubernetes", file=sys.stderr)
        return 2
    addresses = {item["metadata"]["name"]: f"{SUBNET}.{10 + i}" for i, item in enumerate(workloads)}
    hosts = [{"ip": address, "hostnames": [name]} for name, address in addresses.items()]
    configs = [item for item in found if item["kind"] == "ConfigMap"]
    configs += [decoded(item) for item in found if item["kind"] == "Secret"]
    arguments.output.mkdir(parents=True, exist_ok=True)
    play = ["set -eu", f"podman network exists {NETWORK} || podman network create --subnet {SUBNET}.0/24 {NETWORK}"]
    # Those that listen first, the feeder last.
    for item in sorted(workloads, key=lambda item: item["kind"] == "Job"):
        name = item["metadata"]["name"]
        path = arguments.output / f"{name}.yaml"
        pod = adapted(item, addresses[name], hosts)
        path.write_text(yaml.safe_dump_all([*configs, pod]), encoding="utf-8")
        play.append(f"podman kube play --network {NETWORK} --ip {addresses[name]} {path}")
    (arguments.output / "play.sh").write_text("\n".join(play) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
