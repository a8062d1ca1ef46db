"""
The machine that is explored runs plans as the driver does: the driver goes the machine's random walks, step by step.

In each walk the driver meets what the worker of the machine met: what reads showed, how calls ended, and when it died.
It must ask for the same things in the same order, remember the same, keep the same in the task state store, and end as
the machine says; waiting on the worker, and deferred.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from scenarios import SCENARIOS
from subjects import Subject
from world import (
    ANSWERED,
    CALLS,
    DIES,
    NO_ANSWER,
    POLLS,
    READS,
    SLEEPS,
    THROTTLED,
    Budget,
    Event,
    Machine,
    Transition,
    World,
)

from airflow_provider_personalize import clock
from airflow_provider_personalize.goals import LATER
from airflow_provider_personalize.operators.driver import Driver
from airflow_provider_personalize.plans.steps import Calls, Memory, Poll, Sleep, Step
from airflow_provider_personalize.status import IN_PROGRESS, SUCCEEDED, WaitCondition, WaitStatus
from airflow_provider_personalize.task import PersonalizeTask
from airflow_provider_personalize.triggers.events import WaitEvent

SUBJECTS = {each.subject.name: each.subject for each in SCENARIOS.values()}
WALKS = 40
LENGTH = 40
FAULTS = Budget(deaths=2, lost=2, stale=2, writes=1, failures=1, releases=1, clears=1, short=3)
MODES = pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])


class Died(BaseException):
    """The worker is gone, or the walk is over."""


class Deferred(BaseException):
    """The task waits in the triggerer."""


class Store(dict[str, str]):
    set = dict.__setitem__


class Script:
    """A walk, as the driver meets it."""

    def __init__(self, world: World, transitions: list[Transition]) -> None:
        self.world = world
        self.met: Event | None = None
        self._moves = list(transitions)

    @property
    def is_over(self) -> bool:
        return not self._moves

    def next(self, *expected: str) -> Event:
        """Let happen what needs no worker, then return what the worker meets, which is of one of some expected."""
        self.skip()
        if not self._moves:
            raise Died
        transition = self._moves.pop(0)
        assert transition.event is not None
        self.world, self.met = transition.world, transition.event
        if transition.event.what == DIES and DIES not in expected:
            raise Died
        assert transition.event.what in expected, f"the machine's worker {transition.text}, the driver {expected}"
        return transition.event

    def skip(self) -> None:
        while self._moves and self._moves[0].event is None:
            self.world = self._moves.pop(0).world


class Task:
    """As much of an operator as the driver uses."""

    do_xcom_push, waiter_delay, operation = True, None, "Call"
    log = Mock()
    check_event = PersonalizeTask.check_event

    def __init__(self, script: Script, subject: Subject, *, deferrable: bool) -> None:
        self.script, self.subject, self.deferrable = script, subject, deferrable
        self.resource_type, self.hook = subject.resource_type, self
        self.error: Exception | None = None

    def explained(self, error: Exception, memory: Memory) -> Exception:
        return error

    def succeed(self, result: Any) -> Any:
        return result

    def next_step(self, context: Mapping[str, Any], memory: Memory) -> Step:
        self.script.skip()
        before = self.script.world
        event = self.script.next(READS)
        assert _comparable(memory) == _comparable(before.memory)
        assert context.get("task_state_store") == (None if before.store is None else dict(before.store))
        step = self.subject.next_step(event.resources, before._replace(memory=memory))
        if step is None:
            raise _error("ResourceNotFoundException")
        return step

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        self.script.skip()
        step = self.script.world.step
        step = step.calls[0] if isinstance(step, Calls) else step
        event = self.script.next(CALLS)
        assert operation == step.operation
        assert request == step.request
        if event.answer == NO_ANSWER:
            raise ReadTimeoutError(endpoint_url="")
        if event.answer != ANSWERED:
            raise _error(str(event.answer))
        call = self.script.world.memory.call
        return {self.resource_type.arn_member: call and call.arn}

    def poll(self, condition: WaitCondition) -> WaitStatus:
        if self.error:
            raise self.error
        return self._evaluated(condition, self.script.next(POLLS))

    def wait(self, condition: WaitCondition, **_: Any) -> WaitStatus:
        while (status := self.poll(condition)).outcome == IN_PROGRESS:
            pass
        if status.failed:
            raise condition.error(status)
        return status

    def usual_duration(self, condition: WaitCondition, description: Mapping[str, Any]) -> None:
        return None

    def progress_line(self, status: WaitStatus, condition: WaitCondition, **times: float | None) -> str:
        return str(status)

    def _evaluated(self, condition: WaitCondition, event: Event) -> WaitStatus:
        found = self.subject.description(event.resources, condition)
        status = condition.evaluate_missing() if found is None else condition.evaluate(found)
        if status is None:
            raise _error("ResourceNotFoundException")
        return status

    def defer_until(self, condition: WaitCondition, delay: Any, deadline: float, state: Any, *, pause: bool) -> None:
        raise Deferred(condition, json.loads(json.dumps(state)))

    def sleep(self, seconds: float) -> None:
        """Sleep, where the driver does so for a step; what it sleeps before another try is no transition of its own."""
        self.script.skip()
        if isinstance(self.script.world.step, Sleep):
            self.script.next(SLEEPS)

    def fire(self, condition: WaitCondition, state: dict[str, Any]) -> WaitEvent:
        """Wait as the trigger does, and return its event."""
        self.script.skip()
        self.error, event = None, None
        if condition.goal == LATER:
            status = WaitStatus(SUCCEEDED)
            event = self.script.next(SLEEPS) if isinstance(self.script.world.step, Sleep) else self.script.met
        else:
            status = WaitStatus(IN_PROGRESS)
        while status.outcome == IN_PROGRESS:
            event = self.script.next(POLLS)
            state = {**state, "memory": {"version": 0}} if event.loses_memory else state
            try:
                status = self._evaluated(condition, event)
            except ClientError as error:
                self.error, status = error, WaitStatus("broken")
        if event and event.loses_memory:
            state = {**state, "memory": {"version": 0}}
        return WaitEvent(
            status.outcome, condition, status=status.status, reason=status.reason, deadline=1e12, state=state
        )


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": {THROTTLED: "ThrottlingException"}.get(code, code)}}, "Call")


def _comparable(memory: Memory) -> Memory:
    refusal = memory.refusal and memory.refusal._replace(message="")
    superseded = memory.superseded and memory.superseded._replace(reason="")
    return replace(Memory.from_json(memory.to_json()), failures=0, refusal=refusal, superseded=superseded)


def _walk(machine: Machine, world: World, choice: random.Random) -> list[Transition]:
    transitions: list[Transition] = []
    while len(transitions) < LENGTH and (options := list(machine.transitions(world))):
        # what goes well shall go well every other time, lest all walks end soon
        good = [transition for transition in options if transition.is_good]
        transition = choice.choice(good if good and choice.random() < 0.5 else options)
        if transition.world.violations:
            break
        transitions.append(transition)
        world = transition.world
    return transitions


def _attempt(script: Script, subject: Subject, store: Store | None, *, deferrable: bool) -> str | None:
    """Run one attempt by the driver, and return how it ended; None where it died or the walk is over."""
    task = Task(script, subject, deferrable=deferrable)
    context = {"ti": SimpleNamespace(xcom_push=lambda **_: None)}
    if store is not None:
        context["task_state_store"] = store
    clock.sleep = task.sleep
    clock.now = lambda: script.world.service.now
    run = Driver(task, context, script.world.memory, 1e12).run
    while True:
        try:
            run()
        except Deferred as deferred:
            try:
                event = task.fire(*deferred.args)
            except Died:
                return None
            again = Driver(task, context, Memory.from_json(event.state["memory"]), 1e12)
            run = lambda again=again, event=event: again.resume(event)  # noqa: E731
        except Died:
            return None
        except (AssertionError, AttributeError, KeyError, RuntimeError, TypeError):
            raise
        except Exception:  # noqa: BLE001 - whatever makes a task fail
            return "failed"
        else:
            return "succeeded"


@MODES
@pytest.mark.parametrize("name", SUBJECTS)
def test_the_driver_goes_the_walks_of_the_machine(name, deferrable, monkeypatch):
    for attribute in ("sleep", "now"):
        monkeypatch.setattr(clock, attribute, getattr(clock, attribute))
    subject, choice = SUBJECTS[name], random.Random(name)
    machine, faults = Machine(subject), FAULTS if deferrable else FAULTS._replace(releases=0)
    ends = {"succeeded": 0, "failed": 0, None: 0}
    for number in range(WALKS):
        beginnings = list(machine.begin(faults, has_store=bool(number % 2)))
        world = choice.choice(beginnings)
        script = Script(world, _walk(machine, world, choice))
        store = None if world.store is None else Store()
        while not script.is_over:
            end = _attempt(script, subject, store, deferrable=deferrable)
            script.skip()
            if end and isinstance(script.world.step, Poll):  # the driver was quicker: it needed nothing to end
                assert script.is_over or script.next(DIES)
                end, store = None, None if store is None else Store(script.world.store or ())
            ends[end] += 1
            if end == "succeeded":
                assert script.world.ended == "succeeded"
            elif end == "failed":
                assert script.world.ended == "failed" or script.world.memory == Memory(is_retry=True)
            if not script.is_over and script.world.ended:
                script.next("begins")
    assert ends["succeeded" if subject.may_succeed else "failed"] > WALKS / 6, ends
