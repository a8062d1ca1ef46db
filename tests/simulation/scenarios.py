"""
What is explored: a subject, the faults that may happen, and the limits that are expected.

Where a scenario lists no limit, every invariant holds in every state. A limit is an invariant that the plans do not
keep, nearly always since the API gives no way to; ``docs/concepts/guarantees.md`` shows the shortest trace to each.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

from explore import DEADLINE, Report, explore
from service import LAG, NEVER_CONSISTENT
from subjects import (
    EARLY,
    FOREIGN,
    OVERWRITTEN,
    PAYS,
    PREDECESSOR,
    STALE,
    SUCCESSOR,
    TWICE,
    UNSEEN_SUCCESSOR,
    UNSENT,
    CascadeSubject,
    CreateSubject,
    DeleteSubject,
    JobSubject,
    PromotionSubject,
    SkippedJobSubject,
    StopTrainingSubject,
    Subject,
    SwitchSubject,
    SyncedCampaignSubject,
    UpdateSubject,
)
from world import Budget, Machine

from airflow_provider_personalize.goals import STARTED, STOPPED


@dataclass(frozen=True)
class Scenario:
    """
    What is explored.

    :param deep: The faults of the slow test.
    :param skew: Seconds by which the begin of the run is wrong, as the task has it.
    :param lag: Seconds by which reads lag behind writes at most.
    :param limits: The invariants that cannot hold.
    """

    name: str
    subject: Subject
    budget: Budget
    deep: Budget | None = None
    has_store: bool = True
    skew: int = 0
    lag: int = LAG
    limits: Collection[str] = ()

    def explore(self, *, deep: bool = False) -> Report:
        """Visit all of its states."""
        machine = Machine(self.subject)
        budget = self.deep if deep and self.deep else self.budget
        worlds = machine.begin(budget, has_store=self.has_store, skew=self.skew, lag=self.lag)
        return explore(f"{self.subject.name}: {self.name}", machine, worlds)


CRASHES = Budget(deaths=1, lost=1, stale=1, failures=1, releases=1)
LATE = Budget(deaths=1, stale=2, failures=1, lost=1)
MORE_CRASHES = Budget(deaths=2, lost=2, stale=2, failures=1, releases=1, clears=1)
NO_STORE = "no task state store"


def _of_updates() -> list[Scenario]:
    scenarios = []
    for is_forced in (False, True):
        subject = UpdateSubject(is_forced=is_forced)
        may_ignore = UpdateSubject(is_forced=is_forced, may_ignore=True)
        late = {TWICE, EARLY, UNSENT} if is_forced else {TWICE}
        scenarios += [
            Scenario("crashes", subject, CRASHES, MORE_CRASHES),
            Scenario(f"crashes, {NO_STORE}", subject, CRASHES, MORE_CRASHES, has_store=False),
            Scenario("cleared", subject, Budget(deaths=1, lost=1, clears=1, reruns=1), has_store=is_forced),
            Scenario(
                "another writer",
                subject,
                Budget(deaths=1, writes=1, failures=1),
                Budget(deaths=1, lost=1, writes=1, failures=1),
            ),
            Scenario(
                "another writer, stale reads",
                subject,
                Budget(deaths=1, writes=1, stale=1),
                Budget(deaths=1, lost=1, writes=1, stale=1),
                limits={STALE, EARLY},
            ),
            Scenario(
                "another writer, stale reads, a failure",
                subject,
                Budget(writes=1, stale=1, failures=1),
                limits={STALE, EARLY, UNSENT} if is_forced else {STALE, EARLY},
            ),
            Scenario("clocks wrong by half a minute", subject, Budget(deaths=1, lost=1), skew=30, has_store=False),
            Scenario("what changes nothing is ignored", may_ignore, CRASHES, MORE_CRASHES),
            Scenario("without waiting", UpdateSubject(is_forced=is_forced, waits=False), CRASHES),
            Scenario("reads lag for more than a minute", subject, LATE, lag=NEVER_CONSISTENT, limits=late),
            Scenario("several crashes", SyncedCampaignSubject(is_forced=is_forced), CRASHES._replace(deaths=3)),
        ]
    return scenarios


def _of_promotions() -> list[Scenario]:
    good, broken = PromotionSubject(), PromotionSubject(works=False)
    refused = PromotionSubject(passes=False), PromotionSubject(is_trained=False)
    scenarios = [Scenario("crashes", subject, CRASHES, has_store=False) for subject in refused]
    few, more = Budget(deaths=1, lost=1), CRASHES._replace(failures=0)
    scenarios.append(Scenario("crashes", PromotionSubject(is_denied=True), few, more, has_store=False))
    for subject in (good, broken):
        scenarios += [
            Scenario("crashes", subject, CRASHES._replace(stale=0), CRASHES, has_store=False),
            Scenario("stale reads", subject, Budget(deaths=1, stale=1), Budget(deaths=2, stale=2), has_store=False),
            Scenario("cleared", subject, Budget(deaths=1, clears=1, reruns=1), has_store=False),
        ]
    once, more = Budget(deaths=1, writes=1), Budget(deaths=1, writes=1, failures=1)
    return [
        *scenarios,
        Scenario("another writer", good, once, has_store=False),
        Scenario("another writer", broken, once, more, has_store=False, limits={OVERWRITTEN}),
    ]


def _of_jobs() -> list[Scenario]:
    scenarios = []
    for is_training in (False, True):
        subject, given = JobSubject(is_training=is_training), JobSubject(is_training=is_training, given_name="mine")
        late = {PAYS} if is_training else ()
        wrong_clock = Budget(deaths=1, failures=1)
        scenarios += [
            Scenario("crashes", subject, CRASHES, MORE_CRASHES),
            Scenario(f"crashes, {NO_STORE}", subject, CRASHES, MORE_CRASHES, has_store=False),
            Scenario("crashes", given, CRASHES, MORE_CRASHES),
            Scenario(f"crashes, {NO_STORE}", given, CRASHES, MORE_CRASHES, has_store=False),
            Scenario("stopped by another", subject, CRASHES._replace(writes=1)),
            Scenario("clocks wrong by half a minute", subject, wrong_clock, skew=30),
            Scenario("clocks wrong by two minutes", subject, wrong_clock, skew=120, has_store=False, limits={PAYS}),
            Scenario("cleared after the run", subject, Budget(deaths=1, reruns=1), CRASHES._replace(reruns=1)),
            Scenario(
                f"cleared after the run, {NO_STORE}",
                subject,
                Budget(deaths=1, reruns=1),
                has_store=False,
                limits={PAYS},
            ),
            Scenario("another with the name", given, Budget(stale=1, failures=1, writes=1)),
            Scenario("another with the name, crashes", given, CRASHES._replace(writes=1), limits={FOREIGN}),
            Scenario("reads lag for more than a minute", subject, CRASHES, lag=NEVER_CONSISTENT, limits=late),
        ]
    skipped = SkippedJobSubject()
    scenarios += [
        Scenario("crashes", skipped, CRASHES, MORE_CRASHES),
        Scenario(
            "another writer",
            skipped,
            Budget(deaths=1, writes=1, failures=1),
            Budget(deaths=1, lost=1, writes=1, failures=1),
        ),
        Scenario(
            "another writer, stale reads",
            skipped,
            Budget(deaths=1, writes=1, stale=1),
            CRASHES._replace(writes=1),
            limits={STALE},
        ),
    ]
    return scenarios


def _of_others() -> list[Scenario]:
    exclusive, deletion = CreateSubject(is_exclusive=True), DeleteSubject()
    cascade, small_cascade = CascadeSubject("bought", "shop/ITEMS"), CascadeSubject("bought")
    scenarios = [
        Scenario("crashes", cascade, CRASHES),
        Scenario("another writer", cascade, Budget(writes=2), limits={UNSEEN_SUCCESSOR}),
        Scenario(
            "another writer, crashes",
            small_cascade,
            Budget(deaths=1, writes=2),
            limits={SUCCESSOR, UNSEEN_SUCCESSOR},
        ),
        Scenario("crashes", exclusive, CRASHES, MORE_CRASHES),
        Scenario("another writer", exclusive, Budget(deaths=1, lost=1, writes=1), limits={FOREIGN}),
        Scenario("crashes", deletion, CRASHES, MORE_CRASHES),
        Scenario("another writer", deletion, Budget(writes=2), limits={UNSEEN_SUCCESSOR}),
        Scenario("another writer, crashes", deletion, CRASHES._replace(writes=2), limits={SUCCESSOR, UNSEEN_SUCCESSOR}),
    ]
    switches = {SwitchSubject(goal): {DEADLINE} for goal in (STOPPED, STARTED)}
    for subject, limits in {**switches, CreateSubject(): set(), StopTrainingSubject(): set()}.items():
        stale = {STALE, PREDECESSOR} if isinstance(subject, CreateSubject) else {STALE} if limits else set()
        scenarios += [
            Scenario("crashes", subject, CRASHES, MORE_CRASHES),
            Scenario("another writer", subject, Budget(deaths=1, lost=1, writes=1, failures=1), limits=limits),
            Scenario("another writer, stale reads", subject, CRASHES._replace(writes=1), limits=limits | stale),
        ]
    return scenarios


SCENARIOS = {
    f"{each.subject.name}: {each.name}": each
    for each in (*_of_updates(), *_of_promotions(), *_of_jobs(), *_of_others())
}


@cache
def explored(name: str) -> Report:
    """Visit all states of a scenario, once for all tests."""
    return SCENARIOS[name].explore()
