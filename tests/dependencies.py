#!/usr/bin/env python3
"""Holds the dependencies against deny.toml: licences, sources and doubles. Needs cargo; fetches nothing.

It reads the part of deny.toml that cargo-deny reads too, for machines without cargo-deny.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def allows(expression: str, allowed: set[str]) -> bool:
    """Whether an SPDX expression can be fulfilled with the allowed licences. `/` is an old form of OR."""
    tokens = re.findall(r"\(|\)|[^\s()/]+|/", expression)
    tokens = ["OR" if token == "/" else token for token in tokens]
    place = 0

    def alternatives() -> bool:
        nonlocal place
        value = all_of()
        while place < len(tokens) and tokens[place] == "OR":
            place += 1
            value |= all_of()
        return value

    def all_of() -> bool:
        nonlocal place
        value = one()
        while place < len(tokens) and tokens[place] == "AND":
            place += 1
            value &= one()
        return value

    def one() -> bool:
        nonlocal place
        token = tokens[place]
        place += 1
        if token == "(":
            value = alternatives()
            place += 1
            return value
        if tokens[place : place + 1] == ["WITH"]:
            token = f"{token} WITH {tokens[place + 1]}"
            place += 2
        return token in allowed

    return alternatives() and place == len(tokens)


def check_self() -> None:
    """The reader of expressions sees what it looks for."""
    allowed = {"MIT", "ISC", "Apache-2.0 WITH LLVM-exception"}
    fulfilled = ["MIT", "GPL-3.0 OR MIT", "(GPL-3.0 OR MIT) AND ISC", "Apache-2.0 WITH LLVM-exception", "GPL-3.0/MIT"]
    refused = ["GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0", "Apache-2.0 WITH Other", "(GPL-3.0 OR MIT) AND GPL-3.0"]
    assert all(allows(expression, allowed) for expression in fulfilled)
    assert not any(allows(expression, allowed) for expression in refused)


def main() -> int:
    check_self()
    rules = tomllib.loads((ROOT / "deny.toml").read_text())
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--all-features"]
    packages = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)["packages"]
    faults = []

    allowed = set(rules["licenses"]["allow"])
    for package in packages:
        if not allows(package["license"] or "none", allowed):
            faults.append(f"{package['name']} {package['version']} has the licence {package['license']}")

    ours = {package["name"] for package in packages if package["source"] is None}
    for package in packages:
        source = package["source"]
        if source is not None and not source.startswith("registry+"):
            faults.append(f"{package['name']} {package['version']} comes from {source}")
        elif source is None and not package["manifest_path"].startswith(f"{ROOT}/"):
            faults.append(f"{package['name']} is a folder outside of the project")
    registries = {package["source"] for package in packages} - {None}
    if len(registries) > 1:
        faults.append(f"dependencies come from several registries: {sorted(registries)}")

    versions = collections.defaultdict(set)
    for package in packages:
        versions[package["name"]].add(package["version"].split("+")[0])
    skipped = {entry["crate"] for entry in rules["bans"]["skip"]}
    present = {f"{name}@{version}" for name, all_of_it in versions.items() for version in all_of_it}
    for name, all_of_it in sorted(versions.items()):
        kept = {version for version in all_of_it if f"{name}@{version}" not in skipped}
        if len(kept) > 1:
            faults.append(f"{name} comes in several versions: {', '.join(sorted(kept))}")
    faults += [f"deny.toml skips {entry}, which is not there" for entry in sorted(skipped - present)]

    for fault in faults:
        print(f"FAILED: {fault}", file=sys.stderr)
    if faults:
        return 1
    print(f"{len(packages) - len(ours)} dependencies: licences, sources and doubles are as deny.toml says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
