"""Counts what schemathesis sent, from its reports: count.py LEAST PHASES REPORT..."""

import json
import sys
from pathlib import Path

least, phases = int(sys.argv[1]), set(sys.argv[2].split(","))
reports = [json.loads(Path(path).read_text()) for path in sys.argv[3:]]
sent = sum(report["test_cases"]["generated"] for report in reports)
operations = reports[0]["operations"]
untested = operations["selected"] - operations["tested"]
ran = {name for report in reports for name, phase in report["phases"].items() if phase["status"] != "skip"}
skipped = phases - ran
failures = sum(report["test_cases"]["unique_failures"] + report["test_cases"]["errored"] for report in reports)
print(f"schemathesis sent {sent} requests to {operations['tested']} operations: {failures} failures")
if sent < least or untested or failures or skipped:
    wanted = f"at least {least} requests, every operation, every phase and no failure"
    sys.exit(f"FAILED: wanted {wanted}; untested {untested}, skipped {sorted(skipped)}")
