"""
The plans under simulation: how each observes the model, how the model carries out its calls, and what must hold.

Each subject is one operator with fixed parameters. Content ``B`` is what it wants, ``A`` is what was there before, and
``C`` what another writer wants.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

from service import (
    ACTIVE,
    BUSY,
    DELETING,
    EARLIER,
    EPOCH,
    FAILED,
    OTHER,
    OURS,
    Resource,
    Resources,
    Update,
    changed,
    moment,
)
from world import World

from airflow_provider_personalize.error_codes import ALREADY_EXISTS, IN_USE, INVALID_INPUT, NOT_FOUND
from airflow_provider_personalize.goals import SETTLED, STOPPED, Goal
from airflow_provider_personalize.plans import cascade, create, delete, freshness, job, promote, switch, update
from airflow_provider_personalize.plans.gate import Gate
from airflow_provider_personalize.plans.meanings import ObservedResource, meaning_of, solution_to_list
from airflow_provider_personalize.plans.steps import NOTHING_BEFORE, Call, Observed, Step, Wanted
from airflow_provider_personalize.resources import (
    CAMPAIGN,
    DATASET,
    DATASET_GROUP,
    DATASET_IMPORT_JOB,
    FILTER,
    RECOMMENDER,
    SOLUTION,
    SOLUTION_VERSION,
    ResourceType,
)
from airflow_provider_personalize.status import WaitCondition, is_being_deleted

PREFIX = "arn:aws:personalize:us-east-1:123456789012:"
WANTED = "B"
# False success, double charge, and the rest of the invariants, in the words of a report.
FALSE = "succeeds although what it was asked for is not in effect"
STALE = "succeeds by a stale read: another writer's change is not visible yet"
EARLY = "succeeds before its own update is over"
UNSENT = "succeeds without an update, although it was to send one"
TWICE = "sends its update twice"
PAYS = "pays twice"
SKIPPED = "does nothing, although its own import is in progress"
FOREIGN = "takes what another made for its own"
PREDECESSOR = "succeeds by a stale read, which shows what is deleted already"
SUCCESSOR = "deletes what another writer has made under the name"
UNSEEN_SUCCESSOR = "deletes what another writer has made under the name, which no read showed"
GATED = "deploys a version that does not pass the gate"
UNVERIFIED = "succeeds although the smoke test fails"
NOT_BACK = "says that the earlier version is live again, and it is not"
DISOWNED = "says that it did not deploy what it deployed"
OVERWRITTEN = "rolls back what another writer has deployed"
TAKEN_BACK = "rolls back what was deployed after the rollback"
TO_FAILED = "returns to a version that failed"
BLAMED = "records that a version failed which nobody could verify"
TAGS = (promote.PROMOTION_TAG, promote.PREVIOUS_TAG, promote.REPLACED_TAG)
INACTIVE, STOPPING, STARTING = "INACTIVE", "STOP IN_PROGRESS", "START IN_PROGRESS"
ENDING = "CREATE STOPPING"


class Outcome(NamedTuple):
    """What the service may make of a call: it is refused with a code, or applied."""

    text: str
    resources: Resources = ()
    refusal: str | None = None
    arn: str | None = None


class Subject:
    """A plan with one set of parameters."""

    name: str
    resource_type: ResourceType
    #: Whether a call may be repeated only once the effect of the one before would be visible.
    waits_for_consistency = False
    #: Whether others may make one of the same name after a deletion.
    has_successors = False
    #: Whether there is a way to success.
    may_succeed = True

    def beginnings(self) -> Iterator[Resources]:
        """List what there may be before the run."""
        raise NotImplementedError

    def next_step(self, resources: Resources, world: World) -> Step | None:
        """Observe, and ask the plan; None where observing fails since there is no such resource."""
        raise NotImplementedError

    def outcomes(self, call: Call, resources: Resources, now: int) -> Iterator[Outcome]:
        """List what the service may make of a call, first what is usual."""
        raise NotImplementedError

    def other_writes(self, resources: Resources, now: int) -> Iterator[tuple[str, Resources]]:
        """List what another writer may do."""
        return iter(())

    def progress(self, resources: Resources) -> Iterator[tuple[str, Resources, bool]]:
        """List how what is in progress may end, first what is usual."""
        for each in resources:
            for text, after, is_good in self.ends(each):
                yield f"{each.name} {text}", changed(resources, each, after), is_good

    def ends(self, resource: Resource) -> Iterator[tuple[str, Resource | None, bool]]:
        """List how one may come to an end."""
        if resource.status == ENDING:
            yield "is stopped", replace(resource, status="CREATE STOPPED"), True
        elif resource.status == BUSY:
            yield f"is {ACTIVE}", replace(resource, status=ACTIVE), True
            yield f"is {FAILED}", replace(resource, status=FAILED), False
        elif resource.status == DELETING:
            yield "is gone", None, True
        elif (latest := resource.update) and latest.status == BUSY:
            done = replace(resource, content=latest.content, update=replace(latest, status=ACTIVE))
            yield f"has its update {ACTIVE}", done, True
            yield f"has its update {FAILED}", replace(resource, update=replace(latest, status=FAILED)), False

    def is_in_effect(self, resources: Resources) -> bool:
        """Return whether what is wanted is so."""
        raise NotImplementedError

    def violations_of_call(self, world: World, after: Resources) -> Iterator[str]:
        """List what a call that is applied breaks."""
        return iter(())

    def violations_at_end(self, world: World) -> Iterator[str]:
        """List what a success breaks."""
        if not world.ledger.was_seen:
            yield FALSE
        elif not world.ledger.was_true:
            yield STALE

    def violations_at_failure(self, world: World, error: Exception | None) -> Iterator[str]:
        """List what a failure that the plan decides upon breaks."""
        return iter(())

    def after_rerun(self, world: World) -> Resources:
        """Return the resources for a new run: what a run that succeeded has made is of an earlier one then."""
        if world.ended != "succeeded":
            return world.service.resources
        return tuple(_of_earlier_run(each) for each in world.service.resources)

    def arn(self, resource: Resource) -> str:
        """Return the ARN of a resource."""
        return f"{PREFIX}{self.resource_type.arn_type}/{resource.name}"

    def described(self, resource: Resource) -> dict[str, Any]:
        """Return a resource as the service describes it."""
        return {
            self.resource_type.arn_member: self.arn(resource),
            "name": resource.name,
            "status": resource.status,
            "creationDateTime": moment(resource.created),
        }

    def description(self, resources: Resources, condition: WaitCondition) -> dict[str, Any] | None:
        """Describe the resource that a poll is for; None if it does not exist."""
        return next((self.described(each) for each in resources if self.arn(each) == condition.arn), None)


def differences(found: Resource) -> list[str]:
    """List in what a resource differs from what is wanted."""
    return [] if found.content == WANTED else [f"content: wanted {WANTED}, found {found.content}"]


def _of_earlier_run(resource: Resource) -> Resource:
    latest = resource.update and replace(resource.update, owner=EARLIER)
    return replace(resource, owner=EARLIER, update=latest)


class UpdateSubject(Subject):
    """
    ``UpdateSolutionOperator``.

    :param is_forced: ``if_unchanged="update"``.
    :param may_ignore: Whether the service may make no update of one that changes nothing.
    """

    resource_type = SOLUTION
    waits_for_consistency = True
    #: What ``$LATEST`` may mean.
    versions: Sequence[dict[str, Any]] = ()

    def __init__(self, *, is_forced: bool = False, waits: bool = True, may_ignore: bool = False) -> None:
        self.name = "update, forced" if is_forced else "update"
        self.is_forced, self.waits, self.may_ignore = is_forced, waits, may_ignore
        self._request = {"solutionArn": f"{PREFIX}solution/shop", "solutionUpdateConfig": _config(WANTED)}

    def beginnings(self) -> Iterator[Resources]:
        yield (Resource("shop", EPOCH - 9000, "A", EARLIER, ACTIVE),)
        yield (Resource("shop", EPOCH - 9000, WANTED, EARLIER, ACTIVE),)
        for content in ("A", WANTED):
            latest = Update(EPOCH - 7000, content, EARLIER, ACTIVE)
            yield (Resource("shop", EPOCH - 9000, content, EARLIER, ACTIVE, latest),)

    def next_step(self, resources: Resources, world: World) -> Step | None:
        memory = world.memory
        wanted = update.Update(
            resource_type=self.resource_type,
            operation=f"Update{self.resource_type.pascal}",
            request=self._request,
            meaning=meaning_of(self.resource_type),
            is_forced=self.is_forced,
            waits=self.waits,
        )
        if not resources:
            return None
        found = self.described(resources[0])
        stored = world.get(wanted.arn) if memory.is_retry else ""
        is_listed = self.versions and solution_to_list(wanted.content, found)  # as in the operator
        versions = self.versions if is_listed else ()
        observed = ObservedResource(found, stored, moment(world.run_began), versions=versions)
        return update.next_step(wanted, observed, memory, world.service.now)

    def described(self, resource: Resource) -> dict[str, Any]:
        found = {**super().described(resource), "solutionConfig": _config(resource.content)}
        if latest := resource.update:
            found["latestSolutionUpdate"] = {
                "status": latest.status,
                "creationDateTime": moment(latest.created),
                "solutionUpdateConfig": _config(latest.content),
            }
        return found

    def outcomes(self, call: Call, resources: Resources, now: int) -> Iterator[Outcome]:
        if not resources:
            yield Outcome("", refusal="ResourceNotFoundException")
        elif _is_busy(resources[0]):
            yield Outcome("", refusal=IN_USE)
        else:
            (solution,) = resources
            yield Outcome("applied", (replace(solution, update=Update(now, WANTED, OURS)),))
            if self.may_ignore and solution.content == WANTED:
                yield Outcome("accepted, but there is nothing to do", resources)

    def other_writes(self, resources: Resources, now: int) -> Iterator[tuple[str, Resources]]:
        for solution in resources:
            if not _is_busy(solution):
                for content in ("C", WANTED):
                    yield f"updates to {content}", (replace(solution, update=Update(now, content, OTHER)),)

    def is_in_effect(self, resources: Resources) -> bool:
        return any(each.content == WANTED for each in resources)

    def after_rerun(self, world: World) -> Resources:
        """Return the resources for a new run, which is to send its update whatever an earlier one sent and saw end."""
        (solution,) = (_of_earlier_run(each) for each in world.service.resources)
        if solution.update and solution.update.status == BUSY:  # it may be waited for as if another had sent it
            solution = replace(solution, update=replace(solution.update, owner=OTHER))
        return (solution,)

    def violations_of_call(self, world: World, after: Resources) -> Iterator[str]:
        latest = world.service.resources[0].update
        if latest and latest.owner == OURS and latest.status != FAILED:
            yield TWICE

    def violations_at_end(self, world: World) -> Iterator[str]:
        latest = next((each.update for each in world.service.resources), None)
        if self.waits:
            yield from super().violations_at_end(world)
            if latest and latest.owner == OURS and latest.status == BUSY:
                yield EARLY
        if self.is_forced and self.waits and not self.may_ignore:
            is_new = latest and (latest.owner != EARLIER or latest.created >= world.run_began)
            is_done = is_new and latest.content == WANTED and latest.status != FAILED
            if not is_done and not (latest and latest.owner == OTHER):
                yield UNSENT


class SyncedCampaignSubject(UpdateSubject):
    """``UpdateCampaignOperator`` on ``$LATEST``, with a campaign that follows its solution's newest version."""

    resource_type = CAMPAIGN

    def __init__(self, *, is_forced: bool = False) -> None:
        super().__init__(is_forced=is_forced)
        self.name = f"campaign in sync{', forced' if is_forced else ''}"
        solution = f"{PREFIX}solution/shop"
        self._request = {
            "campaignArn": f"{PREFIX}campaign/shop",
            "solutionVersionArn": f"{solution}/$LATEST",
            "campaignConfig": self._campaign_config(WANTED),
        }
        trained = moment(EPOCH - 9500)
        self.versions = [
            {
                "solutionVersionArn": f"{solution}/1",
                "status": ACTIVE,
                "creationDateTime": trained,
                "lastUpdatedDateTime": trained,
            }
        ]

    @staticmethod
    def _campaign_config(content: str) -> dict[str, Any]:
        weight = {"A": "0.1", "B": "0.2", "C": "0.4"}[content]
        sync = {} if content == "A" else {"syncWithLatestSolutionVersion": True}
        return {**sync, "itemExplorationConfig": {"explorationWeight": weight}}

    def described(self, resource: Resource) -> dict[str, Any]:
        def shown(content: str) -> dict[str, Any]:
            return {
                "solutionVersionArn": self.versions[0]["solutionVersionArn"],
                "campaignConfig": self._campaign_config(content),
            }

        found = {**Subject.described(self, resource), **shown(resource.content)}
        if latest := resource.update:
            made = {"status": latest.status, "creationDateTime": moment(latest.created)}
            found["latestCampaignUpdate"] = {**made, **shown(latest.content)}
        return found


def _config(content: str) -> dict[str, Any]:
    days = {"A": 1, "B": 2, "C": 3}[content]
    return {"autoTrainingConfig": {"schedulingExpression": f"rate({days} days)"}}


def _is_busy(resource: Resource) -> bool:
    in_progress = {BUSY, DELETING}
    return resource.status in in_progress or bool(resource.update and resource.update.status in in_progress)


class PromotionSubject(Subject):
    """
    ``PromoteSolutionVersionOperator``: the campaign, and its tags as a resource of their own.

    The campaign's number says how often the task has deployed the version.

    :param passes: Whether the version passes the gate.
    :param works: Whether it passes the smoke test.
    :param is_denied: Whether the task may not ask the campaign any more once it has deployed the version.
    :param is_trained: Whether the training of the version succeeded.
    """

    resource_type = CAMPAIGN
    waits_for_consistency = True

    def __init__(
        self, *, passes: bool = True, works: bool = True, is_denied: bool = False, is_trained: bool = True
    ) -> None:
        self.passes, self.works, self.is_denied, self.is_trained = passes, works, is_denied, is_trained
        self.may_succeed = passes and works and is_trained and not is_denied
        told = {
            "broken version": not works,
            "gate closed": not passes,
            "denied": is_denied,
            "no version": not is_trained,
        }
        self.name = ", ".join(["promotion", *(name for name, is_so in told.items() if is_so)])

    def beginnings(self) -> Iterator[Resources]:
        replaced = [] if self.works else [("C", f"failed {WANTED} A"), (WANTED, f"rolled-back {WANTED} A")]
        for content, tags in (("A", ""), ("A", "deployed A C"), (WANTED, ""), *replaced):
            campaign = Resource("shop", EPOCH - 9000, content, EARLIER, ACTIVE)
            yield campaign, Resource("tags", EPOCH - 9000, tags, EARLIER, ACTIVE)
        not_back = Update(EPOCH - 5000, "A", EARLIER, FAILED)
        campaign = Resource("shop", EPOCH - 9000, "F", EARLIER, ACTIVE, not_back)
        yield campaign, Resource("tags", EPOCH - 9000, "failed F A", EARLIER, ACTIVE)

    def next_step(self, resources: Resources, world: World) -> Step | None:
        campaign, tags = resources
        wanted = promote.Promotion(
            resource_type=CAMPAIGN,
            operation="UpdateCampaign",
            request={"campaignArn": self.arn(campaign), "solutionVersionArn": _version(WANTED)},
            gate=Gate({"quality": 1}),
            verifies=True,
        )
        state, version, previous, replaced, *_ = f"{tags.content}    ".split(" ")
        written = {promote.PROMOTION_TAG: f"{state} {_version(version)}", promote.PREVIOUS_TAG: _version(previous)}
        written |= {promote.REPLACED_TAG: _version(replaced)} if replaced else {}
        is_denied = self.is_denied and (campaign.content == WANTED or campaign.number > 0)
        observed = promote.ObservedCampaign(
            self.described(campaign),
            tags=written if state else {},
            candidate={"status": ACTIVE if self.is_trained else FAILED},
            metrics={"quality": int(self.passes)},
            problems=[] if self.works or campaign.content != WANTED else ["broken"],
            denial=PermissionError("denied") if is_denied else None,
        )
        return promote.next_step(wanted, observed, world.memory, world.service.now)

    def described(self, resource: Resource) -> dict[str, Any]:
        found = {**super().described(resource), "solutionVersionArn": _version(resource.content)}
        if latest := resource.update:
            found["latestCampaignUpdate"] = {
                "status": latest.status,
                "creationDateTime": moment(latest.created),
                "solutionVersionArn": _version(latest.content),
            }
        return found

    def outcomes(self, call: Call, resources: Resources, now: int) -> Iterator[Outcome]:
        campaign, tags = resources
        if call.operation == "TagResource":
            written = {tag["tagKey"]: tag["tagValue"].rpartition("/")[2] for tag in call.request["tags"]}
            state = call.request["tags"][1]["tagValue"].partition(" ")[0]
            content = f"{state} {' '.join(written[tag] for tag in TAGS if tag in written)}"
            yield Outcome(f"tags: {content}", (campaign, replace(tags, content=content)))
        elif _is_busy(campaign):
            yield Outcome("", refusal=IN_USE)
        else:
            content = call.request["solutionVersionArn"].rpartition("/")[2]
            number = campaign.number + (content == WANTED)
            after = replace(campaign, update=Update(now, content, OURS), number=number)
            yield Outcome(f"deploys {content}", (after, tags))

    def other_writes(self, resources: Resources, now: int) -> Iterator[tuple[str, Resources]]:
        campaign, tags = resources
        if not _is_busy(campaign):
            content = WANTED if tags.content.startswith(promote.ROLLED_BACK) else "C"
            yield f"deploys {content}", (replace(campaign, update=Update(now, content, OTHER)), tags)

    def is_in_effect(self, resources: Resources) -> bool:
        return resources[0].content == WANTED

    def violations_of_call(self, world: World, after: Resources) -> Iterator[str]:
        (before, tagged), (campaign, tags) = world.service.resources, after
        if campaign.number > 1:
            yield TWICE
        if campaign.number > before.number and not (self.passes and self.is_trained):
            yield GATED
        if self.is_denied and tags != tagged and tags.content.startswith((f"failed {WANTED}", promote.ROLLED_BACK)):
            yield BLAMED
        is_rollback = campaign != before and campaign.number == before.number
        if is_rollback and campaign.update.content == "F":
            yield TO_FAILED
        if is_rollback and before.content == "C" != campaign.update.content:
            yield OVERWRITTEN
        if campaign != before and tagged.content.startswith(promote.ROLLED_BACK):
            yield TAKEN_BACK

    def violations_at_end(self, world: World) -> Iterator[str]:
        yield from super().violations_at_end(world)
        if not self.works:
            yield UNVERIFIED

    def violations_at_failure(self, world: World, error: Exception | None) -> Iterator[str]:
        campaign, told = world.service.resources[0], str(error)
        is_ours = campaign.update is None or campaign.update.owner == OURS
        if "is live again" in told and campaign.content == WANTED and is_ours:
            yield NOT_BACK
        if "did not deploy it" in told and campaign.number:
            yield DISOWNED


def _version(content: str) -> str:
    return f"{PREFIX}solution/shop/{content}"


class JobSubject(Subject):
    """
    ``CreateDatasetImportJobOperator``, or ``CreateSolutionVersionOperator``, whose names the service may take twice.

    :param is_training: Whether it is a training.
    :param given_name: A name that the user gives; None derives one.
    """

    def __init__(self, *, is_training: bool = False, given_name: str | None = None) -> None:
        self.is_training, self.given_name = is_training, given_name
        self.name = ("training" if is_training else "job") + (", name given" if given_name else "")
        self.resource_type = SOLUTION_VERSION if is_training else DATASET_IMPORT_JOB
        self.waits_for_consistency = is_training
        self._operation = f"Create{self.resource_type.pascal}"

    def beginnings(self) -> Iterator[Resources]:
        yield ()
        if self.given_name:
            yield (Resource(self.given_name, EPOCH - 7000, WANTED, EARLIER, ACTIVE),)

    def arn(self, resource: Resource) -> str:
        if self.is_training:
            return f"{PREFIX}solution/shop/{resource.number:08}"  # a version's ARN need not tell its name
        return super().arn(resource)

    def next_step(self, resources: Resources, world: World) -> Step | None:
        memory, number = world.memory, world.memory.name_number
        name = self.given_name or (f"task-{number + 1}" if number else "task")
        wanted = job.Job(
            resource_type=self.resource_type,
            operation=self._operation,
            request={"name" if self.is_training else "jobName": name},
            has_derived_name=not self.given_name,
            is_searched=self.is_training,
        )
        by_arn = {self.arn(each): each for each in resources}
        if memory.is_answered:
            found = by_arn.get(str(memory.call and memory.call.arn))
            error = None if found else LookupError("not found")
            observed = job.ObservedJob(found and self.described(found), error=error)
            return job.next_step(wanted, observed, memory, world.service.now)
        stored, stored_end, changes = world.get(name), None, []
        if found := by_arn.get(stored or "") or self._find(name, resources, world):
            stored_end = world.get(stored) if stored == self.arn(found) else None
            changes = differences(found)
        run_began, described = moment(world.run_began), found and self.described(found)
        observed = job.ObservedJob(described, stored, run_began, changes=changes, stored_end=stored_end)
        return job.next_step(wanted, observed, memory, world.service.now)

    def _find(self, name: str, resources: Resources, world: World) -> Resource | None:
        """Find the newest of a name, as the operator's finder does."""
        named = [each for each in resources if each.name == name]
        is_unknown = world.memory.refusal or (world.get(name) == NOTHING_BEFORE and not self.given_name)
        if self.is_training and not is_unknown:
            named = [each for each in named if each.status in {BUSY, ENDING} or each.created >= world.run_began]
        return max(named, key=lambda each: each.created, default=None)

    def outcomes(self, call: Call, resources: Resources, now: int) -> Iterator[Outcome]:
        name = str(call.request.get("name") or call.request["jobName"])
        if not self.is_training and any(each.name == name for each in resources):
            yield Outcome("", refusal=ALREADY_EXISTS)
        else:
            made = Resource(name, now, WANTED, OURS, number=len(resources))
            yield Outcome(f"starts {name}", (*resources, made), arn=self.arn(made))

    def other_writes(self, resources: Resources, now: int) -> Iterator[tuple[str, Resources]]:
        for each in resources:
            if self.is_training and each.status == BUSY:
                yield f"stops {each.name}", changed(resources, each, replace(each, status=ENDING))
        if self.given_name and not any(each.name == self.given_name for each in resources):
            made = Resource(self.given_name, now, WANTED, OTHER, number=len(resources))
            yield "starts a job of this name", (*resources, made)

    def is_in_effect(self, resources: Resources) -> bool:
        return any(each.status == ACTIVE and each.owner == OURS for each in resources)

    def violations_of_call(self, world: World, after: Resources) -> Iterator[str]:
        if any(each.owner == OURS and each.status != FAILED for each in world.service.resources):
            yield PAYS

    def violations_at_end(self, world: World) -> Iterator[str]:
        if not world.ledger.was_seen:
            made = {each.owner for each in world.service.resources if each.status == ACTIVE}
            yield FOREIGN if OTHER in made else FALSE


class SkippedJobSubject(JobSubject):
    """``CreateDatasetImportJobOperator(skip_if_unchanged=True)``: what is there to import is always the same."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "job, skipped if unchanged"

    def beginnings(self) -> Iterator[Resources]:
        yield ()
        for content in (WANTED, "C"):
            yield (Resource("earlier", EPOCH - 7000, content, EARLIER, ACTIVE),)

    def next_step(self, resources: Resources, world: World) -> Step | None:
        step = super().next_step(resources, world)
        if not isinstance(step, Call):
            return step
        latest = max(resources, key=lambda each: each.created, default=None)
        observed = freshness.ObservedImports(
            objects=WANTED,
            dataset={"creationDateTime": moment(EPOCH - 9000)},
            jobs=[self.described(each) for each in resources],
            latest=latest and self.described(latest),
            latest_objects=latest and latest.content,
        )
        return freshness.import_or_skip(step, observed, world.memory, succeeds=True)

    def described(self, resource: Resource) -> dict[str, Any]:
        ended = moment(resource.created + 1)
        return {**super().described(resource), "importMode": "FULL", "lastUpdatedDateTime": ended}

    def other_writes(self, resources: Resources, now: int) -> Iterator[tuple[str, Resources]]:
        yield "imports C", (*resources, Resource("other", now, "C", OTHER, number=len(resources)))

    def is_in_effect(self, resources: Resources) -> bool:
        latest = max(resources, key=lambda each: each.created, default=None)
        is_so = latest is not None and (latest.content, latest.status) == (WANTED, ACTIVE)
        return is_so or super().is_in_effect(resources)

    def violations_at_end(self, world: World) -> Iterator[str]:
        yield from Subject.violations_at_end(self, world)
        if any(each.owner == OURS and each.status == BUSY for each in world.service.resources):
            yield SKIPPED


class CreateSubject(Subject):
    """
    ``CreateDatasetGroupOperator``.

    :param is_exclusive: ``if_exists="fail"``.
    """

    resource_type = DATASET_GROUP
    has_successors = True

    def __init__(self, *, is_exclusive: bool = False) -> None:
        self.name = "create, exclusive" if is_exclusive else "create"
        self.is_exclusive = is_exclusive

    def beginnings(self) -> Iterator[Resources]:
        yield ()
        for content in ("A", WANTED):
            yield (Resource("shop", EPOCH - 9000, content, EARLIER, ACTIVE),)

    def next_step(self, resources: Resources, world: World) -> Step | None:
        memory, error = world.memory, None if resources else LookupError("not found")
        wanted = create.Creation(
            resource_type=DATASET_GROUP,
            operation="CreateDatasetGroup",
            request={"name": "shop"},
            is_exclusive=self.is_exclusive,
        )
        found = next(iter(resources), None)
        changes = differences(found) if found and not memory.is_answered else []
        stored, run_began = world.get("shop") if memory.is_retry else "", moment(world.run_began)
        described = found and self.described(found)
        observed = create.ObservedExisting(described, stored, run_began, error=error, changes=changes)
        return create.next_step(wanted, observed, memory, world.service.now)

    def outcomes(self, call: Call, resources: Resources, now: int) -> Iterator[Outcome]:
        if resources:
            yield Outcome("", refusal=ALREADY_EXISTS)
        else:
            made = Resource("shop", now, WANTED, OURS)
            yield Outcome("makes shop", (made,), arn=self.arn(made))

    def other_writes(self, resources: Resources, now: int) -> Iterator[tuple[str, Resources]]:
        if not resources:
            for content in ("C", WANTED):
                yield f"makes shop {content}", (Resource("shop", now, content, OTHER),)
        elif resources[0].status == ACTIVE:
            yield "deletes shop", (replace(resources[0], status=DELETING),)

    def is_in_effect(self, resources: Resources) -> bool:
        return any(each.content == WANTED and each.status == ACTIVE for each in resources)

    def violations_at_end(self, world: World) -> Iterator[str]:
        if any(each.created in world.ledger.seen for each in world.service.resources):
            yield from super().violations_at_end(world)
        else:
            yield from (PREDECESSOR for _ in super().violations_at_end(world))
        if self.is_exclusive and any(each.owner != OURS for each in world.service.resources):
            yield FOREIGN


class DeleteSubject(Subject):
    """``DeleteDatasetGroupOperator``. What is to go is what there was before the run."""

    name = "delete"
    resource_type = DATASET_GROUP
    has_successors = True

    def beginnings(self) -> Iterator[Resources]:
        yield ()
        for status in (ACTIVE, BUSY, DELETING):
            yield (Resource("shop", EPOCH - 9000, "A", EARLIER, status),)

    def next_step(self, resources: Resources, world: World) -> Step | None:
        wanted = Wanted(
            resource_type=DATASET_GROUP,
            operation="DeleteDatasetGroup",
            request={"datasetGroupArn": f"{PREFIX}dataset-group/shop"},
        )
        observed = Observed(self.described(resources[0]) if resources else None)
        return delete.next_step(wanted, observed, world.memory, world.service.now)

    def outcomes(self, call: Call, resources: Resources, now: int) -> Iterator[Outcome]:
        if not resources:
            yield Outcome("", refusal=NOT_FOUND)
        elif _is_busy(resources[0]):
            yield Outcome("", refusal=IN_USE)
        else:
            yield Outcome("deletes shop", (replace(resources[0], status=DELETING),))

    def other_writes(self, resources: Resources, now: int) -> Iterator[tuple[str, Resources]]:
        if not resources:
            yield "makes shop anew", (Resource("shop", now, "C", OTHER, ACTIVE),)
        elif resources[0].status == ACTIVE:
            yield "deletes shop", (replace(resources[0], status=DELETING),)

    def is_in_effect(self, resources: Resources) -> bool:
        return not any(each.owner == EARLIER for each in resources)

    def violations_of_call(self, world: World, after: Resources) -> Iterator[str]:
        target, *_ = world.service.resources
        if target.created not in (world.ledger.first or ()):
            yield SUCCESSOR if target.created in world.ledger.seen else UNSEEN_SUCCESSOR


class CascadeSubject(DeleteSubject):
    """
    ``DeleteDatasetGroupOperator`` with ``cascade``: a group, the first resource, with a filter and a dataset.

    :param dependants: Which of them there are.
    """

    _types: ClassVar[dict[str, ResourceType]] = {"shop": DATASET_GROUP, "bought": FILTER, "shop/ITEMS": DATASET}

    def __init__(self, *dependants: str) -> None:
        self.name = f"cascade with {len(dependants)}"
        self._names = ("shop", *dependants)

    def beginnings(self) -> Iterator[Resources]:
        all_there = tuple(Resource(name, EPOCH - 9000, "A", EARLIER, ACTIVE) for name in self._names)
        yield all_there
        yield changed(all_there, all_there[-1], replace(all_there[-1], status=BUSY))
        yield all_there[:1]

    def arn(self, resource: Resource) -> str:
        return f"{PREFIX}{self._types[resource.name].arn_type}/{resource.name}"

    def described(self, resource: Resource) -> dict[str, Any]:
        return {**super().described(resource), self._types[resource.name].arn_member: self.arn(resource)}

    def next_step(self, resources: Resources, world: World) -> Step | None:
        wanted = Wanted(
            resource_type=DATASET_GROUP,
            operation="DeleteDatasetGroup",
            request={"datasetGroupArn": f"{PREFIX}dataset-group/shop"},
        )
        described = {each.name: self.described(each) for each in resources}
        inventory, group = None, described.pop("shop", None)
        if group and not is_being_deleted(DATASET_GROUP, group):
            inventory = cascade.Inventory(group, {self._types[name].name: [each] for name, each in described.items()})
        observed = cascade.ObservedGroup(group, inventory=inventory)
        return cascade.next_step(wanted, observed, world.memory, world.service.now)

    def outcomes(self, call: Call, resources: Resources, now: int) -> Iterator[Outcome]:
        name = next(name for name, each in self._types.items() if call.operation == f"Delete{each.pascal}")
        target = next((each for each in resources if each.name == name), None)
        if target is None:
            yield Outcome("", refusal=NOT_FOUND)
        elif _is_busy(target) or (name == "shop" and len(resources) > 1):
            yield Outcome("", refusal=IN_USE)
        else:
            yield Outcome(f"deletes {name}", changed(resources, target, replace(target, status=DELETING)))

    def other_writes(self, resources: Resources, now: int) -> Iterator[tuple[str, Resources]]:
        if not resources:
            yield "makes shop anew", (Resource("shop", now, "C", OTHER, ACTIVE),)
        elif resources[0].status == ACTIVE:
            for name in self._names:
                if name not in {each.name for each in resources}:
                    yield f"makes {name}", (*resources, Resource(name, now, "C", OTHER, ACTIVE))
            last = resources[-1]
            if last.status == ACTIVE:
                yield f"deletes {last.name}", changed(resources, last, replace(last, status=DELETING))


class SwitchSubject(Subject):
    """``StopRecommenderOperator`` or ``StartRecommenderOperator``."""

    resource_type = RECOMMENDER

    def __init__(self, goal: Goal) -> None:
        self.goal, self.name = goal, "stop" if goal == STOPPED else "start"
        self._wanted_status = INACTIVE if goal == STOPPED else ACTIVE

    def beginnings(self) -> Iterator[Resources]:
        for status in (ACTIVE, INACTIVE, STOPPING, STARTING):
            yield (Resource("shop", EPOCH - 9000, "A", EARLIER, status),)

    def ends(self, resource: Resource) -> Iterator[tuple[str, Resource | None, bool]]:
        if (status := {STOPPING: INACTIVE, STARTING: ACTIVE}.get(resource.status)) is not None:
            yield f"is {status}", replace(resource, status=status), True

    def next_step(self, resources: Resources, world: World) -> Step | None:
        wanted = switch.Switch(
            resource_type=RECOMMENDER,
            operation=f"{self.name.title()}Recommender",
            request={"recommenderArn": f"{PREFIX}recommender/shop"},
            goal=self.goal,
        )
        return switch.next_step(wanted, Observed(self.described(resources[0])), world.memory, world.service.now)

    def outcomes(self, call: Call, resources: Resources, now: int) -> Iterator[Outcome]:
        (recommender,) = resources
        if recommender.status in {STOPPING, STARTING}:
            yield Outcome("", refusal=IN_USE)
        elif recommender.status == self._wanted_status:
            yield Outcome("", refusal=INVALID_INPUT)
        else:
            status = STOPPING if self.goal == STOPPED else STARTING
            yield Outcome("applied", (replace(recommender, status=status),))

    def other_writes(self, resources: Resources, now: int) -> Iterator[tuple[str, Resources]]:
        (recommender,) = resources
        for before, after in ((ACTIVE, STOPPING), (INACTIVE, STARTING)):
            if recommender.status == before:
                yield f"{after.split()[0].lower()}s it", (replace(recommender, status=after),)

    def is_in_effect(self, resources: Resources) -> bool:
        return resources[0].status == self._wanted_status


class StopTrainingSubject(Subject):
    """``StopSolutionVersionCreationOperator``."""

    name = "stop training"
    resource_type = SOLUTION_VERSION

    def beginnings(self) -> Iterator[Resources]:
        for status in (BUSY, ACTIVE):
            yield (Resource("shop/1", EPOCH - 900, "A", EARLIER, status),)

    def arn(self, resource: Resource) -> str:
        return f"{PREFIX}solution/{resource.name}"

    def next_step(self, resources: Resources, world: World) -> Step | None:
        wanted = switch.Switch(
            resource_type=SOLUTION_VERSION,
            operation="StopSolutionVersionCreation",
            request={"solutionVersionArn": self.arn(resources[0])},
            goal=SETTLED,
        )
        observed = Observed(self.described(resources[0]))
        return switch.next_step_of_training(wanted, observed, world.memory, world.service.now)

    def outcomes(self, call: Call, resources: Resources, now: int) -> Iterator[Outcome]:
        (version,) = resources
        if version.status == BUSY:
            yield Outcome("applied", (replace(version, status=ENDING),))
        else:
            yield Outcome("", refusal=IN_USE)

    def other_writes(self, resources: Resources, now: int) -> Iterator[tuple[str, Resources]]:
        if resources[0].status == BUSY:
            yield "stops it", (replace(resources[0], status=ENDING),)

    def is_in_effect(self, resources: Resources) -> bool:
        return resources[0].status in {ACTIVE, FAILED, "CREATE STOPPED"}
