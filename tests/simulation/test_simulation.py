"""The invariants hold in every state of every scenario, except for the limits that the documentation states."""

from __future__ import annotations

import pytest
from explore import Report
from scenarios import SCENARIOS, Scenario, explored

# one process explores each scenario, once, for this module and the documentation's
pytestmark = pytest.mark.xdist_group("simulation")
EVERY = pytest.mark.parametrize("name", SCENARIOS)


@EVERY
def test_the_invariants_hold_but_for_the_stated_limits(name):
    _check(SCENARIOS[name], explored(name))


@pytest.mark.slow
@EVERY
def test_the_invariants_hold_with_more_faults(name):
    _check(SCENARIOS[name], SCENARIOS[name].explore(deep=True))


def _check(scenario: Scenario, report: Report) -> None:
    print(report)
    unexpected = {name: trace for name, trace in report.traces.items() if name not in scenario.limits}
    for violation, trace in unexpected.items():
        print(f"{violation}:", *trace, sep="\n    ")
    assert not unexpected, "an invariant does not hold: see the traces"
    assert set(report.traces) == set(scenario.limits), "a limit that is stated can no longer be reached"
