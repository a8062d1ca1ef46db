"""
Promote a solution version: gate, deploy, verify, and roll back; or roll a campaign back.

Deploying and rolling back are the updates of ``update.py``. What a crash must not lose is in two tags of the campaign,
written before the call: the version that was live, and the version that is promoted with the state of that. A retry
reads them. It does not deploy what failed again; it completes the rollback.

::

    begin -> check -> deploy -> record -> deploy -> (verified) -> finish -> Done
                                        └-> (failed) -> mark -> roll back -> close -> Fail
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple

from airflow_provider_personalize.arns import LATEST
from airflow_provider_personalize.comparison import configuration
from airflow_provider_personalize.error_codes import ACCESS_DENIED, INVALID_INPUT, TOO_MANY_TAGS
from airflow_provider_personalize.exceptions import (
    GateFailedError,
    InvalidRequestError,
    PromotionFailedError,
    RollbackFailedError,
    UpdateReplacedError,
    VersionUnknownError,
)
from airflow_provider_personalize.goals import READY, SETTLED, UPDATED
from airflow_provider_personalize.plans import update
from airflow_provider_personalize.plans.gate import Gate, GateFailure, Metrics
from airflow_provider_personalize.plans.meanings import CampaignMeaning, ObservedResource, is_in_sync, served_version
from airflow_provider_personalize.plans.steps import (
    READ_CONSISTENCY,
    Call,
    Done,
    Fail,
    Memory,
    Note,
    Poll,
    Replan,
    Skip,
    Sleep,
    Step,
    Wanted,
    until_usable,
    wait_for_consistency,
    wait_out,
    wait_until_visible,
)
from airflow_provider_personalize.resources import CAMPAIGN, SOLUTION_VERSION
from airflow_provider_personalize.status import FAILED, SUCCEEDED, WaitCondition, WaitStatus

#: The tag that has the version to return to.
PREVIOUS_TAG: Final = "airflow-provider-personalize:previous-version"
#: The tag that has the state of the latest promotion and its version.
PROMOTION_TAG: Final = "airflow-provider-personalize:promotion"
#: The tag that has the version in whose place another is deployed since it failed, while that is so.
REPLACED_TAG: Final = "airflow-provider-personalize:failed-version"
#: What :class:`Rollback` may be asked for instead of a version.
PREVIOUS: Final = "previous"
NO_VERSION: Final = "none"

DEPLOYING, DEPLOYED, HAS_FAILED, ROLLED_BACK = "deploying", "deployed", "failed", "rolled-back"
#: As ``DEPLOYING``, in place of a version that failed and is live all the same; and taken back without a smoke test.
REPLACING, UNVERIFIED = "replacing", "unverified"
# Where a promotion goes from: see the module's docstring. The first stage has no name.
CHECK, RECORD, DEPLOY, FINISH, MARK = "check", "record", "deploy", "finish", "mark"
ROLL_BACK, CLOSE = "roll back", "close"
_VERSION: Final = SOLUTION_VERSION.arn_member
#: The stages in which an error means that the earlier version may not be live.
TAKING_BACK: Final = (MARK, ROLL_BACK)
_REFUSALS: Final = (ACCESS_DENIED, INVALID_INPUT, TOO_MANY_TAGS)
_BEFORE: Final = "it failed on this campaign before, as the log of that task says"
_IN_SYNC: Final = (
    "campaign_arn: the campaign follows the newest version by itself, so a gate has no effect. Turn that off "
    'first: UpdateCampaignOperator(campaign_config={…, "syncWithLatestSolutionVersion": False})'
)
_NOT_ALLOWED: Final = "its smoke test was not allowed, which says nothing of the version"
_UNDO: Final = f"To promote it again, remove the tag {PROMOTION_TAG} from the campaign"


class Record(NamedTuple):
    """
    What the tags of a campaign have of its latest promotion.

    :param state: ``"deploying"`` or ``"replacing"``, ``"deployed"``, ``"failed"`` until the rollback is over, then
        ``"rolled-back"``; ``"unverified"`` where nothing is known against the version that was rolled back. After
        ``"failed"`` and ``"rolled-back"``, the version is not promoted again.
    :param version: The version that is promoted.
    :param previous: The version to return to; None where there was none.
    :param replaced: With ``"replacing"``, the version that failed and was live.
    """

    state: str
    version: str
    previous: str | None
    replaced: str | None = None

    @classmethod
    def of(cls, tags: Mapping[str, str]) -> Record | None:
        """Return it from a campaign's tags; None if they have none."""
        state, _, version = tags.get(PROMOTION_TAG, "").partition(" ")
        previous = tags.get(PREVIOUS_TAG)
        if not version or previous is None:
            return None
        replaced = tags.get(REPLACED_TAG) if state == REPLACING else None
        return cls(state, version, None if previous == NO_VERSION else previous, replaced)

    def to_tags(self) -> list[dict[str, str]]:
        """Return it as a request has tags."""
        tags = {PREVIOUS_TAG: self.previous or NO_VERSION, PROMOTION_TAG: f"{self.state} {self.version}"}
        if self.replaced:
            tags[REPLACED_TAG] = self.replaced
        return [{"tagKey": key, "tagValue": value} for key, value in tags.items()]


@dataclass(frozen=True, kw_only=True)
class ObservedCampaign(ObservedResource):
    """
    A campaign with its tags, and what is known of the version.

    :param tags: The campaign's tags.
    :param candidate: The description of the version to deploy, while that is checked; None where it may not be read.
    :param metrics: The version's metrics, while that is checked; None where no gate needs them.
    :param reference: The metrics that they are compared with; None without a comparison, or without such a version.
    :param problems: What the smoke test found; None where it was not made.
    :param denial: The error with which the campaign does not answer this caller, which says nothing of the version.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    candidate: Mapping[str, Any] | None = None
    metrics: Metrics | None = None
    reference: Metrics | None = None
    problems: Sequence[str] | None = None
    denial: Exception | None = None

    @property
    def live(self) -> str | None:
        """The version that is live; None where nothing is live, or it cannot be told."""
        found = self.found or {}
        is_usable = WaitCondition(CAMPAIGN.name, "", READY).evaluate(found).outcome == SUCCEEDED
        return served_version(found, self.versions) if is_usable else None

    @property
    def is_unclear(self) -> bool:
        """Whether something is live and it cannot be told what."""
        shown = configuration(CAMPAIGN, self.found or {}).get(_VERSION, "")
        return self.live is None and str(shown).endswith(LATEST)

    @property
    def latest(self) -> tuple[str | None, WaitStatus]:
        """The version that the latest update sets, and how far that is."""
        update_ = (self.found or {}).get(CAMPAIGN.update_member) or {}
        return update_.get(_VERSION), WaitCondition(CAMPAIGN.name, "", UPDATED).evaluate(self.found or {})


@dataclass(frozen=True, kw_only=True)
class _OfCampaign(Wanted):
    """
    What is to be done with a campaign.

    :param delay: Seconds between two polls; None means what suits campaigns.
    """

    delay: float | None = None

    def update_to(self, version: str, *, is_forced: bool = False) -> update.Update:
        """Return the update that deploys a version."""
        return update.Update(
            resource_type=self.resource_type,
            operation=self.operation,
            request={self.resource_type.arn_member: self.arn, _VERSION: version},
            parameters=self.parameters,
            waits=self.waits,
            meaning=CampaignMeaning(),
            is_forced=is_forced,
            repairs_failed=True,
            delay=self.delay,
        )

    @property
    def title(self) -> str:
        """What a log line calls it: ``campaign shop``."""
        return self.condition(READY).title


@dataclass(frozen=True, kw_only=True)
class Promotion(_OfCampaign):
    """
    What a promotion is to bring about. Its request names the campaign and the version.

    :param gate: What the metrics have to meet; None where they need not meet anything.
    :param is_compared: Whether the gate compares with another version.
    :param if_gate_fails: What the task does where the gate is not passed.
    :param verifies: Whether there is a smoke test.
    :param bake_time: Seconds over which the smoke test is repeated.
    :param deadline: When the smoke test must have ended, in seconds since the epoch.
    """

    gate: Gate | None = None
    is_compared: bool = False
    if_gate_fails: Literal["fail", "skip", "return"] = "fail"
    verifies: bool = False
    bake_time: float = 0
    deadline: float = float("inf")

    @property
    def version(self) -> str:
        """The version that is promoted."""
        return str(self.request[_VERSION])

    def result(self, memory: Memory, failures: Sequence[GateFailure] = ()) -> dict[str, Any]:
        """Return what the task returns."""
        return {
            "promoted": not failures,
            "reasons": [failure.to_json() for failure in failures],
            CAMPAIGN.arn_parameter: self.arn,
            SOLUTION_VERSION.arn_parameter: self.version,
            "previous_version_arn": memory.promotion.previous,
        }


def next_step(wanted: Promotion, observed: ObservedCampaign, memory: Memory, now: float) -> Step:
    """Return the next step: from whatever is observed to a version that is live and verified, or to the one before."""
    if memory.is_retry and not memory.waited_for_consistency:
        return wait_for_consistency(wanted.operation, wanted.condition(SETTLED), memory)
    stages = {
        CHECK: _check,
        RECORD: _record,
        DEPLOY: _deploy,
        FINISH: _finish,
        MARK: _mark,
        ROLL_BACK: _roll_back,
        CLOSE: _close,
    }
    return stages.get(memory.promotion.stage, _begin)(wanted, observed, memory, now)


def _begin(wanted: Promotion, observed: ObservedCampaign, memory: Memory, now: float) -> Step:  # noqa: ARG001
    """Continue what an earlier attempt began, or check the version once nothing is in progress."""
    record = Record.of(observed.tags)
    if record and record.version == wanted.version and (step := _continued(wanted, observed, memory, record)):
        return step
    blocker = _blocker(wanted, observed, memory)
    return _to(memory, CHECK, live=observed.live) if blocker is None else blocker


def _check(wanted: Promotion, observed: ObservedCampaign, memory: Memory, now: float) -> Step:  # noqa: ARG001
    """Check the version, its metrics and the permission to verify it."""
    if observed.live != memory.promotion.live:
        return _to(memory, "")
    if (step := _until_usable(observed, memory, wanted.version)) is not None:
        return step
    previous = _to_return_to(observed, wanted.version)
    memory = replace(memory, promotion=memory.promotion._replace(previous=previous))
    if wanted.is_compared and observed.reference is None:
        return Fail(error=VersionUnknownError(f"{wanted.title} serves no version to compare with"), memory=memory)
    failures = wanted.gate.failures(observed.metrics or {}, observed.reference) if wanted.gate else []
    if failures:
        return _gated(wanted, memory, failures)
    if observed.denial:
        note = Note.warning("Nothing is deployed, since the smoke test would get no answers")
        return Fail(error=observed.denial, notes=[note], memory=memory)
    passed = Note(f"{SOLUTION_VERSION.short(wanted.version)} passes the gate")
    return _to(memory, DEPLOY, *([passed] if wanted.gate else []))


def _gated(wanted: Promotion, memory: Memory, failures: Sequence[GateFailure]) -> Step:
    """Return how a task ends whose version does not pass the gate."""
    what = SOLUTION_VERSION.short(wanted.version)
    if wanted.if_gate_fails == "fail" or any(failure.is_missing for failure in failures):
        return Fail(error=GateFailedError(what, failures), memory=memory)
    if wanted.if_gate_fails == "skip":
        return Skip(reason=f"{what} does not pass the gate: {'; '.join(map(str, failures))}", memory=memory)
    notes = [Note.warning(f"{what} does not pass the gate: {failure}") for failure in failures]
    return Done(result=wanted.result(memory, failures), is_own=False, notes=notes, memory=memory)


def is_usable(version: Mapping[str, Any]) -> bool:
    """Return whether a solution version can be deployed, by its description."""
    return WaitCondition(SOLUTION_VERSION.name, "", READY).evaluate(version).outcome == SUCCEEDED


def _until_usable(observed: ObservedCampaign, memory: Memory, arn: str) -> Step | None:
    """Wait for a version that is being trained, and fail with one that failed; None if it can be deployed."""
    return None if observed.candidate is None else until_usable(observed.candidate, arn, _to(memory, "").memory)


def _to_return_to(observed: ObservedCampaign, version: str) -> str | None:
    """Return the version to return to from another: what is live, unless that failed and could not be rolled back."""
    record, live = Record.of(observed.tags), observed.live
    if record is None:
        return live
    failed = record.version if record.state == HAS_FAILED else record.replaced
    return record.previous if live and (live == failed or record.version == version == live) else live


def _continued(wanted: Promotion, observed: ObservedCampaign, memory: Memory, record: Record) -> Step | None:
    """Return the step that continues a promotion of this version; None where there is nothing to continue."""
    known = {"previous": record.previous, "is_recorded": True}
    set_last, status = observed.latest
    is_live = observed.live == wanted.version
    settled = wanted.condition(SETTLED).evaluate(observed.found or {})
    if record.state in {HAS_FAILED, ROLLED_BACK}:
        is_pending = record.state == HAS_FAILED
        if is_pending and not memory.is_retry and settled.outcome != SUCCEEDED:  # its end will tell what is live
            return wait_out(wanted.condition(SETTLED), str(settled), memory)
        if not is_pending or (is_live and not memory.is_retry):  # somebody may want it so
            live = "It is live all the same. " if is_live else ""
            error = PromotionFailedError(f"{_story(wanted, _BEFORE)}. {live}{_UNDO} {wanted.arn}")
            return Fail(error=error, memory=memory)
        return _to(memory, ROLL_BACK, failure=_BEFORE, **known)
    if not (is_live or set_last == wanted.version):
        was_live = record.state == DEPLOYED or observed.live not in {record.previous, record.replaced, None}
        return Fail(error=_replaced(wanted, observed), memory=memory) if memory.is_retry and was_live else None
    if record.state not in {DEPLOYING, REPLACING}:
        return None
    note = Note(f"The tags say that {SOLUTION_VERSION.short(wanted.version)} is being deployed: continuing with that")
    if settled.outcome != SUCCEEDED:  # its end will tell
        return replace(wait_out(wanted.condition(SETTLED), str(settled), memory), notes=[note])
    if status.outcome == FAILED and set_last == wanted.version:
        return _to(memory, MARK, note, failure=f"its update ended in {status}", **known)
    return _to(memory, DEPLOY, note, **known)


def _blocker(wanted: _OfCampaign, observed: ObservedCampaign, memory: Memory) -> Step | None:
    """Return what to do about a campaign that is in transition, or which nobody moves; None if all is well."""
    settled = wanted.condition(SETTLED)
    status = settled.evaluate(observed.found or {})
    if status.outcome != SUCCEEDED:
        return wait_out(settled, str(status), memory)
    if is_in_sync(observed.found or {}):
        return Fail(error=InvalidRequestError(wanted.operation, [_IN_SYNC]), memory=memory)
    if observed.is_unclear:
        error = VersionUnknownError(f"{wanted.title} shows $LATEST, and which version that is cannot be told")
        return Fail(error=error, memory=memory)
    return None


def _record(wanted: Promotion, observed: ObservedCampaign, memory: Memory, now: float) -> Step:  # noqa: ARG001
    """Record what is live, before the call that changes it."""
    if memory.is_answered:
        return _to(memory, DEPLOY, is_recorded=True)
    state = memory.promotion
    if state.live == state.previous:
        return _tag(wanted, memory, Record(DEPLOYING, wanted.version, state.previous))
    return _tag(wanted, memory, Record(REPLACING, wanted.version, state.previous, state.live))


def _deploy(wanted: Promotion, observed: ObservedCampaign, memory: Memory, now: float) -> Step:
    """Deploy the version, and verify it once it is live."""
    state = memory.promotion
    step = update.next_step(wanted.update_to(wanted.version), observed, memory, now)
    status = _status(step, observed)
    if status is None:
        if not isinstance(step, Call):
            return step
        if state.live_since is not None:
            return Fail(error=_replaced(wanted, observed), memory=memory)
        if observed.live != state.live:
            return _to(memory, "", is_recorded=False)  # the gate has compared with another
        return replace(step, key=None) if state.is_recorded else _to(memory, RECORD)
    if status.failed:
        return _to(step.memory, MARK, failure=f"its update ended in {status}")
    if status.outcome != SUCCEEDED:
        return _wait(wanted, step, status)
    if not wanted.verifies:
        return _to(step.memory, FINISH)
    if state.live_since is None:
        note = Note(f"{SOLUTION_VERSION.short(wanted.version)} is live; verifying it for {wanted.bake_time:g} s")
        return Replan(memory=replace(step.memory, promotion=state._replace(live_since=now)), notes=[note])
    return _verified(wanted, observed, step.memory, now)


def _verified(wanted: Promotion, observed: ObservedCampaign, memory: Memory, now: float) -> Step:
    """Return what follows a smoke test."""
    end = (memory.promotion.live_since or now) + wanted.bake_time
    failure = "; ".join(observed.problems or ())
    if observed.denial and not failure:
        if not memory.promotion.is_recorded:
            return Fail(error=observed.denial, memory=memory)
        failure = f"{_NOT_ALLOWED}: {type(observed.denial).__name__}: {observed.denial}"
        note = Note.warning(_story(wanted, failure))
        return _to(memory, ROLL_BACK, note, failure=failure, is_unverified=True)
    if not failure and now < end and now >= wanted.deadline:
        failure = f"the time limit passed before its bake time of {wanted.bake_time:g} s was over"
    if failure and not memory.promotion.is_recorded:
        error = PromotionFailedError(f"{_story(wanted, failure)}. This task did not deploy it, and left it live")
        return Fail(error=error, memory=memory)
    if failure:
        return _to(memory, MARK, Note.warning(_story(wanted, failure)), failure=failure)
    if now >= end:
        return _to(memory, FINISH)
    condition = wanted.condition(READY)
    interval = condition.poll_interval if wanted.delay is None else wanted.delay
    note = Note(f"The smoke test passes; {end - now:.0f} s of the bake time are left ({wanted.title})")
    return Sleep(seconds=min(interval, end - now), condition=condition, notes=[note], memory=memory)


def _finish(wanted: Promotion, observed: ObservedCampaign, memory: Memory, now: float) -> Step:
    """Record that it is deployed, so that no later task takes it back."""
    if memory.promotion.is_recorded and not memory.is_answered:
        return _tag(wanted, memory, Record(DEPLOYED, wanted.version, memory.promotion.previous))
    if observed.live == wanted.version:
        note = Note(f"{SOLUTION_VERSION.short(wanted.version)} is promoted ({wanted.title})")
        return Done(result=wanted.result(memory), notes=[note], memory=memory)
    if memory.call and now < (memory.call.answered_at or 0) + READ_CONSISTENCY:
        return wait_until_visible(wanted.condition(SETTLED), "another version is shown", memory)
    return Fail(error=_replaced(wanted, observed), memory=memory)


def _mark(wanted: Promotion, observed: ObservedCampaign, memory: Memory, now: float) -> Step:  # noqa: ARG001
    return _marked(wanted, memory, wanted.version)


def _marked(wanted: _OfCampaign, memory: Memory, version: str) -> Step:
    """Record that a version failed, so that nothing promotes it again; go on if that is not allowed."""
    if memory.is_answered:
        return _to(memory, ROLL_BACK)
    if memory.refusal:
        text = f"The campaign cannot be tagged, so a promotion may deploy this version again: {memory.refusal.message}"
        return _to(memory, ROLL_BACK, Note.warning(text))
    step = _tag(wanted, memory, Record(HAS_FAILED, version, memory.promotion.previous))
    return replace(step, refusals=_REFUSALS)


def _roll_back(wanted: Promotion, observed: ObservedCampaign, memory: Memory, now: float) -> Step:
    """Deploy the version before, and fail with both stories."""
    previous = memory.promotion.previous
    if previous is None:
        return Fail(error=rollback_error(wanted, memory, "no version was live before"), memory=memory)
    is_settled = wanted.condition(SETTLED).evaluate(observed.found or {}).outcome == SUCCEEDED
    is_another = observed.live not in {wanted.version, previous, None} and observed.latest[0] != wanted.version
    if memory.call is None and is_settled and is_another:
        story = _story(wanted, memory.promotion.failure)
        text = f"{story}. Something else deployed {observed.live} meanwhile, which is left as it is"
        return _to(memory, CLOSE, failure=text)
    step, status = _deploy_again(wanted, observed, memory, previous, now)
    if status is None:
        if isinstance(step, Fail) and step.error:
            return replace(step, error=rollback_error(wanted, memory, step.error))
        return step
    if status.failed:
        return Fail(error=rollback_error(wanted, memory, f"its update ended in {status}"), memory=memory)
    if memory.call is None and now < (since := memory.searching_since or now) + READ_CONSISTENCY:
        condition = wanted.condition(SETTLED)  # a stale read may show what was live before
        return wait_until_visible(condition, "nothing to roll back", replace(memory, searching_since=since))
    story = f"{_story(wanted, memory.promotion.failure)}. {SOLUTION_VERSION.short(previous)} is live again"
    advice = "A new run promotes the version again" if memory.promotion.is_unverified else _UNDO
    return _to(memory, CLOSE, failure=f"{story}. {advice} {wanted.arn}")


def _close(wanted: Promotion, observed: ObservedCampaign, memory: Memory, now: float) -> Step:  # noqa: ARG001
    record, state = Record.of(observed.tags), memory.promotion
    end = Fail(error=PromotionFailedError(state.failure), memory=memory)
    if record is None or record.version != wanted.version:  # another promotion's
        return end
    return _closed(wanted, memory, record.version, end, UNVERIFIED if state.is_unverified else ROLLED_BACK)


def _closed(wanted: _OfCampaign, memory: Memory, version: str, end: Done | Fail, state: str = ROLLED_BACK) -> Step:
    """Record that a rollback is over, so that nothing takes back what is deployed later; go on if not allowed."""
    if memory.is_answered:
        return end
    if memory.refusal:
        text = "The campaign cannot be tagged, so if the failed version is deployed, a retry may roll it back again: "
        return replace(end, notes=[Note.warning(f"{text}{memory.refusal.message}"), *end.notes])
    return replace(_tag(wanted, memory, Record(state, version, memory.promotion.previous)), refusals=_REFUSALS)


def rollback_error(wanted: Promotion, memory: Memory, reason: object) -> RollbackFailedError:
    """Return the error of a promotion that failed and was not rolled back, with both stories."""
    previous = memory.promotion.previous
    target = SOLUTION_VERSION.short(previous) if previous else "An earlier version"
    return RollbackFailedError(
        f"{_story(wanted, memory.promotion.failure)}. {target} is not live again: {reason} {wanted.arn}"
    )


def _story(wanted: Promotion, failure: str) -> str:
    return f"{SOLUTION_VERSION.short(wanted.version)} failed on {wanted.title}: {failure}".rstrip(".")


def _replaced(wanted: Promotion, observed: ObservedCampaign) -> UpdateReplacedError:
    version = SOLUTION_VERSION.short(wanted.version)
    return UpdateReplacedError(f"Superseded: {observed.live} was deployed in place of {version} {wanted.arn}")


@dataclass(frozen=True, kw_only=True)
class Rollback(_OfCampaign):
    """
    The version to return to.

    :param to: Its ARN, or ``"previous"``: the one before the latest promotion.
    """

    to: str = PREVIOUS


def next_step_of_rollback(wanted: Rollback, observed: ObservedCampaign, memory: Memory, now: float) -> Step:
    """Return the next step: from whatever is observed to an earlier version that is live."""
    stages = {CHECK: _check_target, MARK: _mark_live, ROLL_BACK: _return, CLOSE: _close_return}
    return stages.get(memory.promotion.stage, _choose)(wanted, observed, memory, now)


def _choose(wanted: Rollback, observed: ObservedCampaign, memory: Memory, now: float) -> Step:  # noqa: ARG001
    if (blocker := _blocker(wanted, observed, memory)) is not None:
        return blocker
    target, live = wanted.to if wanted.to != PREVIOUS else _previous(observed), observed.live
    if target is None:
        return Fail(error=VersionUnknownError(_unknown(wanted, observed)), memory=memory)
    old, new = (SOLUTION_VERSION.short(each) if each else NO_VERSION for each in (live, target))
    note = Note(f"Returning from {old} to {new} ({wanted.title})")
    return _to(memory, ROLL_BACK if live == target else CHECK, note, version=live, previous=target)


def _check_target(wanted: Rollback, observed: ObservedCampaign, memory: Memory, now: float) -> Step:  # noqa: ARG001
    state = memory.promotion
    step = _until_usable(observed, memory, str(state.previous))
    return _to(memory, MARK if state.version else ROLL_BACK) if step is None else step


def _previous(observed: ObservedCampaign) -> str | None:
    """Return the version before the latest promotion; None where that is not certain."""
    record = Record.of(observed.tags)
    known = {record.version, record.previous, record.replaced, None} if record else ()
    return record.previous if record and observed.live in known else None


def _unknown(wanted: Rollback, observed: ObservedCampaign) -> str:
    record, advice = Record.of(observed.tags), f'Name the version: to="<its ARN>" {wanted.arn}'
    if record is None:
        return f"Nothing is known of a promotion: the campaign has no tag {PROMOTION_TAG}. {advice}"
    if record.previous is None:
        return f"No version was live before the latest promotion, of {record.version}. {advice}"
    return (
        f"The latest promotion deployed {record.version} in place of {record.previous}, and {observed.live} is live: "
        f"something else deployed that. {advice}"
    )


def _mark_live(wanted: Rollback, observed: ObservedCampaign, memory: Memory, now: float) -> Step:  # noqa: ARG001
    return _marked(wanted, memory, str(memory.promotion.version))


def _return(wanted: Rollback, observed: ObservedCampaign, memory: Memory, now: float) -> Step:
    target = str(memory.promotion.previous)
    step, status = _deploy_again(wanted, observed, memory, target, now)
    if status is None:
        return step
    if status.failed:
        return Fail(error=wanted.condition(UPDATED).error(status), memory=memory)
    if wanted.waits:
        return _to(step.memory, CLOSE)
    return Done(result=target, notes=[Note("Not waiting for it")], memory=step.memory)


def _close_return(wanted: Rollback, observed: ObservedCampaign, memory: Memory, now: float) -> Step:  # noqa: ARG001
    record, target = Record.of(observed.tags), str(memory.promotion.previous)
    note = Note(f"{SOLUTION_VERSION.short(target)} is live ({wanted.title})")
    end = Done(result=target, notes=[note], memory=memory)
    if memory.is_answered or not (record and record.state == HAS_FAILED and record.previous == target):
        return end
    return _closed(wanted, memory, record.version, end)


def _deploy_again(
    wanted: _OfCampaign, observed: ObservedCampaign, memory: Memory, target: str, now: float
) -> tuple[Step, WaitStatus | None]:
    """
    Return the next step to a version that was live, and how far that is where it is shown.

    Whether a campaign whose latest update failed serves the version that it shows is not documented: it is sent anew.
    """
    _, latest = observed.latest
    wanted_update = wanted.update_to(target, is_forced=latest.outcome == FAILED)
    step = update.next_step(wanted_update, observed, memory, now)
    status = _status(step, observed)
    if isinstance(step, Call):
        step = replace(step, key=None)
    if status is not None and status.outcome not in {SUCCEEDED, FAILED}:
        return _wait(wanted, step, status), None
    return step, status


def _status(step: Step, observed: ObservedCampaign) -> WaitStatus | None:
    """Return how far an update is that is shown; None while it is not."""
    if isinstance(step, Done):
        return WaitStatus(SUCCEEDED)
    return step.condition.evaluate(observed.found or {}) if isinstance(step, Poll) and step.then else None


def _wait(wanted: _OfCampaign, step: Step, status: WaitStatus) -> Poll:
    """Wait until an update is over, whether it succeeds or not; then ask again."""
    return replace(wait_out(wanted.condition(SETTLED), str(status), step.memory), notes=step.notes)


def _tag(wanted: _OfCampaign, memory: Memory, record: Record) -> Call:
    """Write the tags. To write them again changes nothing."""
    request = {"resourceArn": wanted.arn, "tags": record.to_tags()}
    version, previous = (SOLUTION_VERSION.short(each) if each else NO_VERSION for each in record[1:3])
    note = f"Tagged {wanted.title}: {record.state} {version}, previous {previous}"
    deployed, taken_back = (memory.promotion.live, record.version), (record.version, record.previous)
    targets = {DEPLOYING: deployed, REPLACING: deployed, HAS_FAILED: taken_back}
    before, after = targets.get(record.state, (None, None))
    changes = [f"{SOLUTION_VERSION.arn_parameter}: wanted {after!r}, found {before!r}"] if after else ()
    return Call(operation="TagResource", request=request, changes=changes, done_note=note, memory=memory)


def _to(memory: Memory, stage: str, *notes: Note, **changes: Any) -> Replan:
    """Go to a stage, in which nothing has been called yet."""
    state = memory.promotion._replace(stage=stage, **changes)
    memory = replace(memory, call=None, refusal=None, superseded=None, searching_since=None, promotion=state)
    return Replan(memory=memory, notes=notes)
