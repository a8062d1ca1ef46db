"""
Everything that may happen next to one task instance: what its worker does, and what happens to it.

This is ``operators/driver.py`` as a relation between states, with the service of ``service.py``: where the driver calls
or reads, each outcome that is possible is a transition. ``test_faithfulness.py`` holds it to the driver.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from service import EPOCH, Resources, Service, shown

from airflow_provider_personalize.error_codes import IN_USE, NOT_FOUND
from airflow_provider_personalize.plans import steps
from airflow_provider_personalize.plans.steps import (
    NOTHING_BEFORE,
    READ_CONSISTENCY,
    Call,
    Calls,
    Done,
    Fail,
    Memory,
    Poll,
    Replan,
    Sleep,
    Step,
    Superseded,
)
from airflow_provider_personalize.status import IN_PROGRESS, SUCCEEDED, SUPERSEDED

BLIND = "sends a write again whose outcome is not visible yet"
#: Seconds by which the clocks of Airflow and of the service may differ unnoticed, as in ``task.py``.
TOLERANCE = 60
#: Longer than every wait for consistency.
LATER = 3600
#: A shorter pause is never spent in the triggerer.
WORTH_DEFERRING = 30


class Budget(NamedTuple):
    """How often each fault may happen, in one trace."""

    deaths: int = 0
    lost: int = 0
    stale: int = 0
    writes: int = 0
    failures: int = 0
    releases: int = 0
    clears: int = 0
    reruns: int = 0
    short: int = 1

    def without(self, fault: str) -> Budget | None:
        """Return what is left after one more of a fault; None where there may be no more."""
        left = getattr(self, fault) - 1
        return self._replace(**{fault: left}) if left >= 0 else None


class Ledger(NamedTuple):
    """
    What the invariants need and the task does not know.

    :param was_seen: Whether what is wanted was in effect in what the last read showed, or since.
    :param was_true: Whether it was in effect in truth at that read, or since.
    :param seen: When the resources were created that the last read showed.
    :param first: The same of the first read.
    :param unknown_since: When a call was made whose outcome no worker knows.
    """

    was_seen: bool = False
    was_true: bool = False
    seen: tuple[int, ...] = ()
    first: tuple[int, ...] | None = None
    unknown_since: int | None = None


class World(NamedTuple):
    """
    One state of everything.

    :param memory: The worker's.
    :param step: What it is about to do; None where it is about to observe.
    :param is_waiting: Whether it is in the midst of a wait.
    :param has_refusal: Whether it still has the error of a refused call.
    :param store: The task state store; None if it does not exist.
    :param run_began: As the task has it.
    :param ended: How the task instance ended.
    :param violations: Of the invariants, in the transition that led here.
    """

    service: Service
    budget: Budget
    store: tuple[tuple[str, str], ...] | None
    run_began: int
    memory: Memory = Memory()
    step: Step | None = None
    is_waiting: bool = False
    has_refusal: bool = False
    ledger: Ledger = Ledger()
    ended: str | None = None
    violations: tuple[str, ...] = ()

    def get(self, key: str | None) -> str | None:
        """Read the task state store."""
        return None if self.store is None else dict(self.store).get(key or "", "")

    def put(self, values: Mapping[str, str]) -> World:
        """Write to the task state store."""
        if self.store is None or not values:
            return self
        return self._replace(store=tuple(sorted({**dict(self.store), **values}.items())))

    def later(self, seconds: int) -> World:
        """Let time pass."""
        return self._replace(service=self.service.later(seconds))


class Transition(NamedTuple):
    """
    One thing that may happen.

    :param is_good: Whether it is what happens where nothing goes wrong.
    :param event: What the worker meets; None where it meets nothing.
    """

    text: str
    world: World
    is_good: bool = False
    event: Event | None = None


class Event(NamedTuple):
    """
    What a worker meets: how it begins, reads, polls, sleeps, calls or dies.

    :param resources: What it is shown.
    :param answer: To a call: an error code, or one of the values below.
    :param loses_memory: Whether another release continues afterwards.
    """

    what: str
    resources: Resources = ()
    answer: str | None = None
    loses_memory: bool = False


BEGINS, READS, POLLS, SLEEPS, CALLS, DIES = "begins", "reads", "polls", "sleeps", "calls", "dies"
ANSWERED, THROTTLED, NO_ANSWER = "answered", "throttled", "no answer"
_DEATH = Event(DIES)


class Snapshot(NamedTuple):
    """One thing that a read may show."""

    text: str
    resources: Resources
    world: World
    is_good: bool


class Machine:
    """
    All transitions from a state.

    :param subject: The plan, how it observes, how the service carries out its calls, and its invariants.
    """

    def __init__(self, subject: Any) -> None:
        self.subject = subject
        self._travelled: dict[int, tuple[Memory, Memory]] = {}
        self._planned: dict[Any, tuple[Memory, Step | None]] = {}

    def begin(self, budget: Budget, *, has_store: bool = True, skew: int = 0, lag: int = 60) -> Iterator[World]:
        """List the states at the begin of a run."""
        for resources in self.subject.beginnings():
            service = Service(EPOCH + 10, resources, lag=lag)
            yield World(service, budget, () if has_store else None, EPOCH - TOLERANCE + skew)

    def transitions(self, world: World) -> Iterator[Transition]:
        """List what may happen next. The first that is good is what happens where nothing goes wrong."""
        if world.ended:
            yield from self._after_end(world)
            return
        if not isinstance(world.step, Sleep):
            yield from self._environment(world)
        if world.step is None:
            yield from self._observe(world)
        elif isinstance(world.step, Call):
            yield from self._call(world, world.step)
        elif isinstance(world.step, Calls):
            yield from self._calls(world, world.step)
        elif isinstance(world.step, Sleep):
            yield from self._sleep(world, world.step)
        elif isinstance(world.step, Poll):
            yield from self._poll(world, world.step)
        if world.step is None or isinstance(world.step, Poll):
            yield from self._death(world, "the worker dies, or the task is cleared")

    def _environment(self, world: World) -> Iterator[Transition]:
        service, subject = world.service, self.subject
        for text, resources, is_good in subject.progress(service.resources):
            if (budget := world.budget if is_good else world.budget.without("failures")) is not None:
                yield Transition(text, self._serve(world, service.progress(resources), budget), is_good)
        if (budget := world.budget.without("writes")) is not None:
            service = service.later(1)
            for text, resources in subject.other_writes(service.resources, service.now):
                yield Transition(f"another writer: {text}", self._serve(world, service.write(resources), budget))

    def _serve(self, world: World, service: Service, budget: Budget | None = None) -> World:
        """Put another state of the service in place."""
        is_so, ledger = self.subject.is_in_effect(service.resources), world.ledger
        ledger = ledger._replace(was_seen=ledger.was_seen or is_so, was_true=ledger.was_true or is_so)
        return world._replace(service=service, ledger=ledger, budget=budget or world.budget)

    def _reads(self, world: World) -> Iterator[Snapshot]:
        yield self._read(world, world.service.resources, world.budget)
        if (budget := world.budget.without("stale")) is not None:
            for resources in world.service.stale_reads():
                yield self._read(world, resources, budget)._replace(text=f"{shown(resources)} (stale)", is_good=False)

    def _read(self, world: World, resources: Resources, budget: Budget) -> Snapshot:
        seen = tuple(each.created for each in resources) if self.subject.has_successors else ()
        ledger = world.ledger._replace(
            was_seen=self.subject.is_in_effect(resources),
            was_true=self.subject.is_in_effect(world.service.resources),
            seen=seen,
            first=seen if world.ledger.first is None else world.ledger.first,
        )
        return Snapshot(shown(resources), resources, world._replace(ledger=ledger, budget=budget), True)

    def _observe(self, world: World) -> Iterator[Transition]:
        for text, resources, after, is_good in self._reads(world):
            step, event = self._plan(resources, after), Event(READS, resources)
            if step is None:
                yield from self._fail(after, f"reads {text}: not found, and fails", event, is_good)
                continue
            text = f"reads {text}: {_described(step)}"
            after = after.put(step.store)._replace(memory=step.memory)
            if isinstance(step, Done):
                after = self._done(after)
            elif isinstance(step, Fail):
                if step.error is None and not world.has_refusal:
                    after = after._replace(violations=("fails without an error",))
                elif wrong := tuple(self.subject.violations_at_failure(after, step.error)):
                    after = after._replace(violations=wrong)
                yield from self._fail(after, text, event, is_good)
                continue
            elif not isinstance(step, Replan):
                after = after._replace(step=step, is_waiting=False)
            yield Transition(text, after, is_good, event)

    def _plan(self, resources: Resources, world: World) -> Step | None:
        """Ask the plan, which is pure: once for each question."""
        question = (resources, id(world.memory), world.store, world.service.now, world.run_began)
        if question not in self._planned:
            self._planned[question] = world.memory, self.subject.next_step(resources, world)
        return self._planned[question][1]

    def _done(self, world: World) -> World:
        world = world._replace(step=None, ended="succeeded", is_waiting=False)
        return world._replace(violations=tuple(self.subject.violations_at_end(world)))

    def _fail(self, world: World, text: str, event: Event | None, is_good: bool = False) -> Iterator[Transition]:
        """Fail: the end, or the next attempt."""
        failed = world._replace(step=None, memory=Memory(), is_waiting=False, has_refusal=False)
        yield Transition(text, failed._replace(ended="failed"), is_good, event)
        yield from self._death(failed, f"{text}; a retry", event)

    def _death(self, world: World, text: str, event: Event | None = _DEATH) -> Iterator[Transition]:
        """Lose what the worker remembers, and begin another attempt: soon, or when all writes are visible."""
        if (budget := world.budget.without("deaths")) is None:
            return
        for seconds, when in ((1, ""), (LATER, ", much later")):
            after = self._attempt(world._replace(budget=budget).later(seconds))
            yield Transition(f"{text}{when}", after, event=event)
        if budget.reruns:
            last = self._attempt(world._replace(budget=budget))._replace(memory=Memory(), ended="failed")
            yield Transition(f"{text}; no attempt is left", last, event=event)

    def _attempt(self, world: World) -> World:
        return world._replace(memory=Memory(is_retry=True), step=None, is_waiting=False, has_refusal=False, ended=None)

    def _after_end(self, world: World) -> Iterator[Transition]:
        if (budget := world.budget.without("clears")) is not None:
            after = self._attempt(world._replace(budget=budget).later(1))
            yield Transition("the task is cleared; its run goes on", after, event=Event(BEGINS))
        if (budget := world.budget.without("reruns")) is not None:
            resources = self.subject.after_rerun(world)
            for seconds in (1, LATER) if world.ended == "failed" else (LATER,):
                after = self._attempt(world._replace(budget=budget).later(seconds))
                service = after.service._replace(resources=resources)
                after = after._replace(service=service, run_began=service.now - 10 - TOLERANCE)
                yield Transition("the run, which has ended, is cleared", after, event=Event(BEGINS))

    def _sleep(self, world: World, step: Sleep) -> Iterator[Transition]:
        awake, seconds = world._replace(step=None), int(step.seconds)
        if seconds >= WORTH_DEFERRING:
            for how, after in self._deferred(awake):
                yield Transition(
                    f"sleeps {seconds} s{how}", after.later(seconds), not how, Event(SLEEPS, (), None, bool(how))
                )
            return
        # polls that show the same in between change nothing
        long = READ_CONSISTENCY + seconds
        yield Transition(f"sleeps {long} s, in short pauses", awake.later(long), True, Event(SLEEPS))
        if (budget := world.budget.without("short")) is not None:
            yield Transition(f"sleeps {seconds} s", awake.later(seconds)._replace(budget=budget), event=Event(SLEEPS))

    def _deferred(self, world: World) -> Iterator[tuple[str, World]]:
        """List what may have become of the worker's memory after a long pause."""
        restored = world._replace(memory=self._after_deferral(world.memory), has_refusal=False)
        yield "", restored
        if (budget := world.budget.without("releases")) is not None:
            lost = restored._replace(memory=Memory.from_json({"version": 0}), budget=budget)
            yield ", and another release continues", lost

    def _after_deferral(self, memory: Memory) -> Memory:
        """Return a memory as it comes back from the triggerer."""
        if id(memory) not in self._travelled:
            self._travelled[id(memory)] = memory, Memory.from_json(json.loads(json.dumps(memory.to_json())))
        return self._travelled[id(memory)][1]

    def _call(self, world: World, step: Call) -> Iterator[Transition]:
        unknown, known = world.ledger.unknown_since, world.get(step.key)
        noted = world.put({step.key: step.record.before or NOTHING_BEFORE}) if step.key else world
        restored = world.put({step.key: known or ""}).later(1) if step.key else world.later(1)
        began, name = noted.later(1)._replace(step=None), step.operation
        if unknown is not None and began.service.now < unknown + READ_CONSISTENCY:
            yield Transition(f"{name}: sent again", world._replace(violations=(BLIND,)), True, Event(CALLS))
            return
        since = began.service.now if self.subject.waits_for_consistency else None
        began = began._replace(ledger=world.ledger._replace(unknown_since=since))
        yield from self._death(began, f"{name}: dies before it is sent")
        if (budget := world.budget.without("lost")) is not None:
            throttled = restored.later(1)._replace(step=None, budget=budget)
            yield Transition(f"{name}: throttled", throttled, event=Event(CALLS, answer=THROTTLED))
        yield from self._no_answer(began, steps.after_no_answer(step), f"{name}: not applied")
        for outcome in self.subject.outcomes(step, began.service.resources, began.service.now):
            if outcome.refusal:
                yield from self._refused(restored, step, outcome.refusal)
            else:
                yield from self._applied(began, step, outcome)

    def _calls(self, world: World, step: Calls) -> Iterator[Transition]:
        """Make the first of several calls; the others follow, and then what the step ends with."""
        call, *others = step.calls
        following = replace(step, calls=others) if others else step.then
        began, name, again = world.later(1), call.operation, replace(step.memory, stage="")
        yield from self._death(began, f"{name}: dies before it is sent")
        if (budget := world.budget.without("lost")) is not None:
            throttled = began._replace(step=None, memory=again, budget=budget)
            yield Transition(f"{name}: throttled", throttled, event=Event(CALLS, answer=THROTTLED))
        yield from self._no_answer(began, again, f"{name}: not applied")
        for outcome in self.subject.outcomes(call, began.service.resources, began.service.now):
            text, event = f"{name}: {outcome.text}", Event(CALLS, outcome.resources, ANSWERED)
            if outcome.refusal == IN_USE:
                later = began.later(30)._replace(step=None, memory=again)
                yield Transition(f"{name}: refused, {IN_USE}", later, True, Event(CALLS, answer=IN_USE))
            elif outcome.refusal:
                event = Event(CALLS, answer=outcome.refusal)
                assert outcome.refusal == NOT_FOUND
                yield Transition(f"{name}: refused, {NOT_FOUND}", self._go_on(began, following), True, event)
            else:
                wrong = tuple(self.subject.violations_of_call(began, outcome.resources))
                applied = self._serve(began, began.service.write(outcome.resources))._replace(violations=wrong)
                answered = applied if wrong else self._go_on(applied, following)
                yield Transition(f"{text}, answered", answered, True, event)
                yield from self._death(applied, f"{text}; dies before the answer")
                yield from self._no_answer(applied, again, text)

    def _go_on(self, world: World, step: Step | None) -> World:
        """Begin a step that follows another one without a new observation."""
        if isinstance(step, Done):
            return self._done(world._replace(memory=step.memory))
        memory = world.memory if step is None else step.memory
        return world._replace(step=None if isinstance(step, Replan) else step, memory=memory, is_waiting=False)

    def _no_answer(self, world: World, memory: Memory, text: str) -> Iterator[Transition]:
        if (budget := world.budget.without("lost")) is not None:
            ambiguous = world._replace(memory=memory, step=None, budget=budget)
            for how, after in self._deferred(ambiguous):
                event = Event(CALLS, answer=NO_ANSWER, loses_memory=bool(how))
                yield Transition(f"{text}, no answer{how}", after.later(READ_CONSISTENCY), event=event)

    def _refused(self, world: World, step: Call, code: str) -> Iterator[Transition]:
        text, event = f"{step.operation}: refused, {code}", Event(CALLS, answer=code)
        if code not in step.refusals:
            yield from self._fail(world, text, event, True)
            return
        memory = steps.after_refusal(step, code, code, world.service.now)
        yield Transition(text, world._replace(step=None, memory=memory, has_refusal=True), True, event)

    def _applied(self, world: World, step: Call, outcome: Any) -> Iterator[Transition]:
        text, arn, now = f"{step.operation}: {outcome.text}", outcome.arn, world.service.now
        wrong = tuple(self.subject.violations_of_call(world, outcome.resources))
        applied = self._serve(world, world.service.write(outcome.resources))._replace(violations=wrong)
        answered = applied.put({step.key: arn}) if step.key and step.stores_arn and arn else applied
        ledger, memory = applied.ledger._replace(unknown_since=None), steps.after_answer(step, arn, now)
        event = Event(CALLS, outcome.resources, ANSWERED)
        yield Transition(f"{text}, answered", answered._replace(memory=memory, ledger=ledger), True, event)
        yield from self._death(applied, f"{text}; dies before the answer")
        yield from self._no_answer(applied, steps.after_no_answer(step), text)

    def _poll(self, world: World, step: Poll) -> Iterator[Transition]:
        """Evaluate what was seen, or pause and read, until the wait is over."""
        if not (world.is_waiting or step.pause) and step.seen is not None:
            yield from self._evaluated(world, step, step.seen, Transition("", world, True))
            return
        pauses = [("", world)]
        if world.is_waiting or step.pause:
            pauses = [(how, after.later(30)) for how, after in self._deferred(world)]
        for how, paused in pauses:
            for text, resources, after, is_good in self._reads(paused):
                found, event = (
                    self.subject.description(resources, step.condition),
                    Event(POLLS, resources, None, bool(how)),
                )
                transition = Transition(f"polls {text}{how}: ", after, is_good and not how, event)
                yield from self._evaluated(after, step, found, transition)

    def _evaluated(self, world: World, step: Poll, found: Any, transition: Transition) -> Iterator[Transition]:
        condition, rest = step.condition, world._replace(step=None, is_waiting=False)
        status = condition.evaluate_missing() if found is None else condition.evaluate(found)
        outcome, text = status.outcome if status else None, transition.text
        if outcome == SUCCEEDED and step.then:
            yield transition._replace(text=f"{text}succeeds", world=self._done(rest.put(step.then.store)))
        elif outcome == SUCCEEDED or (outcome is None and not step.then):
            yield transition._replace(text=f"{text}the wait is over", world=rest)
        elif outcome == SUPERSEDED and step.replans_if_superseded:
            memory = replace(world.memory, superseded=Superseded("a later update", condition.created))
            yield transition._replace(text=f"{text}superseded", world=rest._replace(memory=memory))
        elif outcome == IN_PROGRESS:
            yield transition._replace(text=f"{text}waits", world=world._replace(is_waiting=True))
        else:
            yield from self._fail(world, f"{text}fails", transition.event, transition.is_good)


def _described(step: Step) -> str:
    """Return a step as a trace shows it."""
    if isinstance(step, Call):
        return f"will call {step.operation}"
    if isinstance(step, Calls):
        return f"will call {', '.join(each.operation for each in step.calls)}"
    if isinstance(step, Poll):
        return f"will wait until {step.condition.goal}"
    if isinstance(step, Sleep):
        return f"will sleep {step.seconds:g} s"
    if isinstance(step, Fail):
        return "fails"
    if isinstance(step, Done):
        return "succeeds"
    stage = step.memory.promotion.stage
    return f"goes on to {stage}" if stage else "tries the next name"
