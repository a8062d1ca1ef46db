"""
Explore scenarios, and print the number of states of each and the shortest trace to each limit.

``python tests/simulation [--deep] [PART OF A NAME]``
"""

from __future__ import annotations

import argparse

from scenarios import SCENARIOS

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--deep", action="store_true", help="more faults at once")
parser.add_argument("part", nargs="?", default="", help="part of the names of the scenarios")
arguments = parser.parse_args()
for name in (each for each in SCENARIOS if arguments.part in each):
    report = SCENARIOS[name].explore(deep=arguments.deep)
    print(report, flush=True)
    for violation, trace in report.traces.items():
        known = "limit" if violation in SCENARIOS[name].limits else "BUG"
        print(f"  {known}: {violation}", *trace, sep="\n      ")
