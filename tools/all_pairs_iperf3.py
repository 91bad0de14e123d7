#!/usr/bin/env python3
"""Measures all pairs of hosts with iperf3 over ssh, one pair at a time.

    tools/all_pairs_iperf3.py --hosts hosts.txt --output measured
    cutpoint inventory --kubernetes nodes.json --iperf3 measured

hosts.txt has a line for each host: where ssh finds it, and the address by which the others reach it, if that is another:

    pi@pi-1.local  10.0.0.11
    pi@pi-2.local  10.0.0.12
    # a comment
    10.0.0.20

Each pair is measured in one direction, in the other, and in both at once (--no-both-ways leaves that out): what the two carry
together shows whether a port is half-duplex. Every host needs iperf3 and an ssh login without a password.

Results are kept: started again, the script measures only what is missing. Ctrl-C ends it. The status is 1 if a pair could not
be measured, 2 if the arguments are wrong.
"""

import argparse
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
import time

# Beside the seconds of the test itself: two logins, the handshake, the end.
OVERHEAD_S = 3.0
TRIES = 3
DIRECTIONS = {"forward": [], "reverse": ["--reverse"], "both": ["--bidir"]}


class Host:
    def __init__(self, target, address):
        self.target = target
        self.address = address
        self.name = re.sub(r"[^A-Za-z0-9._-]", "_", target.rpartition("@")[2])


class Failed(Exception):
    """A test that has no result, and why."""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", required=True, metavar="FILE", help="the hosts, one a line; - is standard input")
    parser.add_argument("--output", required=True, metavar="FOLDER", help="where results are kept")
    parser.add_argument("--seconds", type=int, default=10, help="of each test (default 10)")
    parser.add_argument("--port", type=int, default=5201, help="of iperf3 (default 5201)")
    parser.add_argument("--no-both-ways", action="store_true", help="measure each direction alone")
    parser.add_argument("--wait", type=float, default=1.0, metavar="SECONDS", help="for a server to start (default 1)")
    parser.add_argument(
        "--ssh", default="ssh -o BatchMode=yes -o ConnectTimeout=10", metavar="COMMAND",
        help="how to run a command on a host (default: %(default)s)",
    )
    chosen = parser.parse_args()
    if chosen.seconds < 1 or chosen.wait < 0 or not 1 <= chosen.port <= 65535:
        parser.error("--seconds must be at least 1, --wait at least 0, and --port from 1 to 65535")
    return chosen


def read_hosts(file):
    """Reads the hosts. Says all faults of the file at once."""
    try:
        with sys.stdin if file == "-" else open(file, encoding="utf-8") as lines:
            lines = list(lines)
    except (OSError, UnicodeDecodeError) as error:
        sys.exit(f"{file} cannot be read: {error}")
    hosts, faults, seen = [], [], {}
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) > 2 or any(word.startswith("-") for word in words):
            faults.append(f"{file} line {number}: give a host, and its address if that is another")
            continue
        host = Host(words[0], words[-1].rpartition("@")[2])
        if host.name in seen:
            faults.append(f"{file} line {number}: {host.name} is also in line {seen[host.name]}")
        seen.setdefault(host.name, number)
        hosts.append(host)
    if len(hosts) < 2 and not faults:
        faults.append(f"{file}: give at least two hosts")
    if faults:
        print("\n".join(faults), file=sys.stderr)
        sys.exit(2)
    return hosts


def is_result(path):
    """Whether a file holds the result of a test that succeeded."""
    try:
        with open(path, encoding="utf-8") as file:
            result = json.load(file)
    except (OSError, ValueError):
        return False
    return isinstance(result, dict) and "error" not in result and "sum_received" in result.get("end", {})


def run_on(chosen, host, command, **options):
    remote = " ".join(shlex.quote(word) for word in command)
    return subprocess.Popen(
        shlex.split(chosen.ssh) + [host.target, remote], stdin=subprocess.DEVNULL, text=True, **options)


def measure(chosen, sender, receiver, flags):
    """Returns what iperf3 prints about one test."""
    patience = chosen.seconds + 60
    why = ""
    for _ in range(TRIES):
        # The server ends after one client, and by itself if none comes.
        server = run_on(
            chosen, receiver, ["timeout", str(patience), "iperf3", "--server", "--one-off", "--port", str(chosen.port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            time.sleep(chosen.wait)
            if server.poll() not in (None, 0):
                raise Failed(f"{receiver.target} runs no server: {server.stderr.read().strip() or 'no word why'}")
            client = run_on(
                chosen, sender,
                ["iperf3", "--client", receiver.address, "--port", str(chosen.port), "--json", "--time", str(chosen.seconds)]
                + flags,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            try:
                text, errors = client.communicate(timeout=patience)
            except subprocess.TimeoutExpired:
                client.kill()
                client.communicate()
                raise Failed(f"{sender.target} did not end within {patience} s") from None
        finally:
            server.terminate()
            server.communicate()
        try:
            result = json.loads(text)
        except ValueError:
            raise Failed(f"{sender.target} printed no result: {errors.strip() or 'no word why'}") from None
        why = result.get("error") if isinstance(result, dict) else "the result is no object"
        if why is None:
            return text
    raise Failed(f"iperf3 says: {why}")


def rates(text):
    """The rates of a result, for people."""
    end = json.loads(text).get("end", {})
    sums = [end.get(name, {}).get("bits_per_second", 0) for name in ("sum_received", "sum_received_bidir_reverse") if name in end]
    return " and ".join(f"{bits / 1e6:.1f} Mbit/s" for bits in sums)


def duration(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def main():
    chosen = arguments()
    hosts = read_hosts(chosen.hosts)
    os.makedirs(chosen.output, exist_ok=True)
    directions = [name for name in DIRECTIONS if name != "both" or not chosen.no_both_ways]
    tests = [
        (a, b, direction, os.path.join(chosen.output, f"{a.name}--{b.name}--{direction}.json"))
        for a, b in itertools.combinations(hosts, 2) for direction in directions
    ]
    waiting = [test for test in tests if not is_result(test[3])]
    kept = len(tests) - len(waiting)
    guess = len(waiting) * (chosen.seconds + OVERHEAD_S)
    print(f"{len(tests)} tests, {kept} of them done before; about {duration(guess)} left", file=sys.stderr)
    started, failures = time.monotonic(), []
    for done, (a, b, direction, path) in enumerate(waiting):
        name = {"forward": f"{a.name} -> {b.name}", "reverse": f"{b.name} -> {a.name}", "both": f"{a.name} <-> {b.name}"}[direction]
        try:
            text = measure(chosen, a, b, DIRECTIONS[direction])
            # A result is whole or not there, also after Ctrl-C.
            with open(path + ".part", "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(path + ".part", path)
            said = rates(text)
        except Failed as failure:
            failures.append(name)
            said = f"FAILED. {failure}"
        spent = time.monotonic() - started
        left = spent / (done + 1) * (len(waiting) - done - 1)
        print(f"[{kept + done + 1}/{len(tests)}] {name}: {said}; about {duration(left)} left", file=sys.stderr)
    if failures:
        print(f"not measured: {', '.join(failures)}. Start again to try these once more", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("ended; start again to go on with what is missing")
