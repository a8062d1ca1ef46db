"""``docs/concepts/guarantees.md`` states each limit that is expected, with the trace that the simulation finds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scenarios import SCENARIOS, explored

pytestmark = pytest.mark.xdist_group("simulation")
PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "guarantees.md"
TRACES = [trace.splitlines() for trace in re.findall(r"```text\n(.*?)\n```", PAGE.read_text(), re.DOTALL)]


@pytest.mark.parametrize("lines", TRACES, ids=[": ".join(lines[:2]) for lines in TRACES])
def test_the_shown_trace_is_the_shortest(lines):
    scenario, violation, *trace = lines
    assert trace == explored(scenario).traces[violation]


def test_each_limit_is_shown():
    assert {lines[1] for lines in TRACES} == {limit for each in SCENARIOS.values() for limit in each.limits}
