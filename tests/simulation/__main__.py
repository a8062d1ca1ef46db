"""Explore all scenarios; print the number of states, and the shortest trace to each limit."""

from __future__ import annotations

import sys

from scenarios import SCENARIOS

for name, scenario in SCENARIOS.items():
    if len(sys.argv) < 2 or sys.argv[1] in name:
        report = scenario.explore(deep="--deep" in sys.argv)
        print(report, flush=True)
        for violation, trace in report.traces.items():
            print(f"  {'limit' if violation in scenario.limits else 'BUG'}: {violation}", *trace, sep="\n      ")
