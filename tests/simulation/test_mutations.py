"""The simulation can fail: with one condition of the plans changed, it finds a counterexample."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from types import FunctionType
from typing import Any

import pytest
from scenarios import SCENARIOS

from airflow_provider_personalize import status
from airflow_provider_personalize.plans import cascade, create, delete, freshness, job, promote, steps, update

Case = tuple[Callable[..., Any], str, str, str]
#: A function, a part of its source, what stands there instead, and the scenario that shows it.
MUTATIONS: dict[str, Case] = {
    "a retried update does not wait until writes are visible": (
        *(update.next_step, "memory.is_retry and not memory.waited_for_consistency", "False"),
        "update: crashes",
    ),
    "an update with no answer is not looked for": (
        *(update._is_ours, "was_sent = memory.call is not None and", "was_sent = False and"),
        "update, forced: crashes",
    ),
    "an earlier attempt's update is not looked for": (
        *(update._is_ours, "was_earlier = outcome", "was_earlier = False and outcome"),
        "update, forced: crashes",
    ),
    "an update with no answer counts as not applied": (
        *(steps.after_no_answer, "call=replace(call.record, ambiguous=True), ", ""),
        "update, forced: crashes",
    ),
    "what was shown before the call is ignored": (
        *(update._until_visible, "newer, is_late = is_newer(update, call.before)", "newer, is_late = bool(update)"),
        "update, forced: crashes",
    ),
    "any update is newer": (
        *(status.is_newer, " and (before is None or _seconds_after(created, before) > 0)", ""),
        "update, forced: crashes",
    ),
    "an update with other content is taken": (
        *(update._has_content, "return _may_have_content(wanted, observed, memory, update, found)", "return True"),
        "update: another writer",
    ),
    "any update is waited for": (
        *(update._finish, "wanted.condition(UPDATED, created)", "wanted.condition(UPDATED)"),
        "update: another writer",
    ),
    "an earlier update's status is taken": (
        *(status.WaitCondition._evaluate_update, "age < 0", "False"),
        "update: crashes",
    ),
    "a later update is accepted whatever it sets": (
        *(update._after_superseded, "if changes := _differences(wanted, observed, shown)", "if changes := []"),
        "update: another writer",
    ),
    "an update that changes nothing is reported as sent": (
        *(update.next_step, "(changed_by_us or not wanted.is_forced) and changes == []", "changes == []"),
        "update, forced: crashes",
    ),
    "state of another release counts as a first attempt": (
        *(steps.Memory.from_json, "return cls(is_retry=True)", "return cls()"),
        "update, forced: crashes",
    ),
    "what failed is promoted again": (
        *(promote._continued, "if record.state in {HAS_FAILED, ROLLED_BACK}:", "if False:"),
        "promotion, broken version: crashes",
    ),
    "what is deployed after a rollback is rolled back": (
        *(promote._continued, "is_pending = record.state == HAS_FAILED", "is_pending = True"),
        "promotion, broken version: another writer",
    ),
    "the version before is not recorded": (
        *(promote._deploy, "if state.is_recorded else _to(memory, RECORD)", "if True else None"),
        "promotion, broken version: crashes",
    ),
    "a retried promotion does not wait until writes are visible": (
        *(promote.next_step, "memory.is_retry and not memory.waited_for_consistency", "False"),
        "promotion, broken version: stale reads",
    ),
    "the gate is not asked": (
        *(promote._check, "if failures:", "if False:"),
        "promotion, gate closed: crashes",
    ),
    "a version that failed in training is deployed": (
        *(promote._until_usable, "if observed.candidate is None", "if True"),
        "promotion, no version: crashes",
    ),
    "a version that failed is returned to": (
        *(promote._to_return_to, "live == failed or", "False or"),
        "promotion, broken version: crashes",
    ),
    "a version that was not verified counts as failed": (
        *(promote._close, "UNVERIFIED if state.is_unverified else", ""),
        "promotion, denied: crashes",
    ),
    "a rollback counts as done while it is in progress": (
        *(
            promote._status,
            "return step.condition.evaluate(observed.found or {}) if",
            "return WaitStatus(SUCCEEDED) if",
        ),
        "promotion, broken version: crashes",
    ),
    "what another writer deployed is rolled back": (
        *(promote._roll_back, "if memory.call is None and is_settled and", "if False and"),
        "promotion, broken version: crashes",
    ),
    "a retry does not search for its training": (
        *(job.next_step, "wanted.is_searched and memory.is_retry", "False"),
        "training: crashes",
    ),
    "what was started is forgotten until it is visible": (
        *(job.next_step, "if memory.is_answered:", "if False:"),
        "training: crashes",
    ),
    "a training that was stopped is started again": (
        *(job._decide, "status.failed and not was_stopped", "status.failed"),
        "training: stopped by another",
    ),
    "a job that ended unseen is started again": (
        *(job._decide, "if is_over and status.outcome == SUCCEEDED and is_unseen", "if False"),
        "job: cleared after the run",
    ),
    "a job of another task is taken": (
        *(job._decide, "if not (wanted.has_derived_name or is_ours)", "if False"),
        "job, name given: another with the name",
    ),
    "a job of an earlier run is taken": (
        *(steps.Observed.is_of_run, "bool(created >= self.run_began)", "True"),
        "job, name given: crashes, no task state store",
    ),
    "a retry is skipped before reads are consistent": (
        *(freshness._skip, "memory.is_retry and not has_waited", "False"),
        "job, skipped if unchanged: another writer, stale reads",
    ),
    "one that exists is taken although it must not": (
        *(create.next_step, "wanted.is_exclusive and", "False and"),
        "create, exclusive: crashes",
    ),
    "one that exists is taken whatever its content": (
        *(create.next_step, "if changes:", "if False:"),
        "create: crashes",
    ),
    "a group that was made anew is deleted with all in it": (
        *(cascade.next_step, 'target_created=iso(group.get("creationDateTime")), ', ""),
        "cascade with 2: another writer",
    ),
    "a cascade ends before the group is gone": (
        *(
            cascade.next_step,
            "then=wanted.until(GONE, memory, memory.target_created)",
            (
                "then=__import__('airflow_provider_personalize.plans.steps', fromlist=['Done'])"
                ".Done(result=wanted.arn, memory=memory)"
            ),
        ),
        "cascade with 2: crashes",
    ),
    "a cascade waits for what was made anew": (
        *(cascade._action, "if goal == GONE", "if False"),
        "cascade with 2: another writer",
    ),
    "a resource that was made anew is deleted": (
        *(delete.step_if_gone, "meant = memory.target_created or iso", "meant = iso"),
        "delete: another writer",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_changed_condition_yields_a_counterexample(name, monkeypatch):
    function, old, new, scenario_name = MUTATIONS[name]
    scenario = SCENARIOS[scenario_name]
    _mutate(monkeypatch, inspect.unwrap(getattr(function, "__func__", function)), old, new)
    found = {
        violation: trace for violation, trace in scenario.explore().traces.items() if violation not in scenario.limits
    }
    for violation, trace in found.items():
        print(f"{violation}:", *trace, sep="\n    ")
    assert found, "no scenario notices"


def _mutate(monkeypatch: pytest.MonkeyPatch, function: FunctionType, old: str, new: str) -> None:
    """Put the code of a changed source in place, wherever the function was imported to."""
    source = textwrap.dedent(inspect.getsource(function)).removeprefix("@classmethod\n")
    assert source.count(old) == 1, f"{function.__name__} has no such part any more, or more than one: {old!r}"
    names: dict[str, Any] = {}
    exec(f"from __future__ import annotations\n{source.replace(old, new)}", function.__globals__, names)
    monkeypatch.setattr(function, "__code__", names[function.__name__].__code__)
