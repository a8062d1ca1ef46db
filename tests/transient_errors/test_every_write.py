"""Every operator: where the answer to its write is lost, or its worker dies behind it, nothing is done twice."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import pytest
from every_task import ENDS, STEPS, task_of
from task_runs import killed_after

from airflow_provider_personalize.emulator import calls, faults

# what is put or tagged twice is there once
WRITES = ("Create", "Update", "Delete", "Start", "Stop")
HOW = {
    "lost, on the worker": ("lost", False),
    "lost, deferred": ("lost", True),
    "dead, on the worker": ("dead", False),
    "dead, deferred": ("dead", True),
}
QUICK = {"lost, deferred"}


@pytest.mark.parametrize(
    ("how", "deferrable"),
    [pytest.param(*how, marks=() if name in QUICK else pytest.mark.slow, id=name) for name, how in HOW.items()],
)
def test_no_write_is_applied_twice(life, how, deferrable):
    """Its write is not visible for a while either."""
    for name, given in [*STEPS, *ENDS]:
        operation = getattr(task_of(name), "operation", "")
        run = life.run(name, given, **({"deferrable": deferrable} if hasattr(task_of(name), "goal") else {}))
        calls.clear()
        if operation.startswith(WRITES):
            faults.stale_next(operation, hides=45)
        if operation and how == "lost":
            faults.reset_next(operation, done=True)
        elif operation:
            with suppress(pytest.fail.Exception), killed_after(operation):  # not called: it is so already
                run()
            run.ti.try_number = 2
        result = run()
        done = Counter((call.operation, call.arn) for call in calls if call.error in {None, "(reset)"})
        assert [each for each, times in done.items() if times > 1 and each[0].startswith(WRITES)] == [], name
        faults.clear()
        life.note(name, run, result)
