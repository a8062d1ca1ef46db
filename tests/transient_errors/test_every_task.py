"""Every task with every fault in its own call, for a while and always."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from every_task import ENDS, STEPS, task_of
from fault_cases import FAULTS, LASTS

from airflow_provider_personalize._compat import AirflowSensorTimeout
from airflow_provider_personalize.emulator import calls, faults
from airflow_provider_personalize.emulator.control import transport_faults
from airflow_provider_personalize.exceptions import WaitTimeoutError
from airflow_provider_personalize.permissions import actions_of

ONCE = ("Create", "Update", "Delete", "Start", "Stop")
QUICK = ("503, applied", "30 s")
PASSABLE = ("answer after 20 s", "always")
ROWS = [(fault, lasting) for fault in FAULTS for lasting in LASTS if (fault, lasting) != PASSABLE]
CASES = [(*row, number % 4 in {1, 2}) for number, row in enumerate(ROWS)]


@pytest.mark.parametrize(
    ("fault", "lasting", "deferrable"),
    [pytest.param(*case, marks=() if case[:2] == QUICK else pytest.mark.slow) for case in CASES],
)
def test_each_task_writes_once_or_reports_why_not(life, passing_time, monkeypatch, fault, lasting, deferrable):
    """Checks after a fault need no permissions beyond those needed without faults."""
    # it counts against the deadline
    monkeypatch.setattr(transport_faults, "pause", lambda seconds, clock: passing_time.sleep(seconds))
    for name, given in [*STEPS, *ENDS]:
        task = task_of(name)
        own = getattr(task, "operation", None)
        limit = {"timeout": 600} if lasting == "always" else {}
        run = life.run(name, given, **({"deferrable": deferrable, **limit} if hasattr(task, "goal") else {}))
        calls.clear()
        if str(own).startswith(ONCE):
            faults.stale_next(own, hides=45)
        FAULTS[fault](own, **LASTS[lasting])
        try:
            result = run()
        except (WaitTimeoutError, AirflowSensorTimeout) as late:
            result = late
        faults.clear()
        sent = Counter(call.arn for call in calls if call.operation == own)
        assert "applied" not in fault or not str(own).startswith(ONCE) or max(sent.values(), default=0) <= 1, name
        assert {f"personalize:{call.operation}" for call in calls} <= actions_of(task).keys(), name
        if isinstance(result, Exception):
            assert lasting == "always", (name, result)
            last = re.search("[Ll]ast (seen|error): .*(Error|Exception|PENDING|IN_PROGRESS)", str(result))
            assert last, (name, result)
            result = (run := life.run(name, given))()
        life.note(name, run, result)
