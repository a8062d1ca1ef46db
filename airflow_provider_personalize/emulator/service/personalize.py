"""
The service: Personalize in one account and region.

Nearly every operation is a verb and a resource type: there is a method for each verb and an entry of the table for each
type. The others are functions among the rules; :data:`OTHERS` names them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final

from airflow_provider_personalize import resources
from airflow_provider_personalize.emulator import service_model
from airflow_provider_personalize.emulator.control.calls import Call
from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.errors import ServiceError
from airflow_provider_personalize.emulator.service import paging, quota_checks, staleness, tariffs
from airflow_provider_personalize.emulator.service.emulated_types import Members, Request
from airflow_provider_personalize.emulator.service.progress import Progress, deletion
from airflow_provider_personalize.emulator.service.records import GONE, Entry, Record
from airflow_provider_personalize.emulator.service.refusals import in_use
from airflow_provider_personalize.emulator.service.ruled_types import RuledType
from airflow_provider_personalize.emulator.service.rules import (
    attribution,
    campaigns,
    events,
    recipes,
    runtime,
    tagging,
    versions,
)
from airflow_provider_personalize.emulator.service.scheduler import Scheduler
from airflow_provider_personalize.emulator.service.store import Store
from airflow_provider_personalize.emulator.service.table import RESOURCE_TYPES
from airflow_provider_personalize.request_rules import ASSUMED, validation_errors

_TICK: Final = 0.001
# A member of campaigns that no answer shows: whether they recommend nothing
_BROKEN: Final = "recommendsNothing"
# The members that a resource inherits from the resources that it is created in
_INHERITED: Final = ("datasetGroupArn", "solutionArn", "recipeArn")


class Personalize(Store):
    """
    What exists in an account and region.

    :param region_name: The region.
    :param account_id: The account.
    :param partition: The partition in ARNs, as in ``aws``.
    """

    def __init__(self, region_name: str, account_id: str, partition: str) -> None:
        super().__init__()
        self.region_name, self.account_id, self.partition = region_name, account_id, partition
        self.lock = threading.RLock()
        self.scheduler = Scheduler()
        self.created = 0
        self._memory = staleness.Memory(lambda arn: self.records[arn].serial if arn in self.records else 0)

    def answer(self, operation: str, request: Request, app_id: str | None = None) -> Members:
        """
        Answer a call, and log it.

        :param app_id: The application that the client names in its user agent.
        """
        arn = self._subject(operation, request)
        error = None
        try:
            with state.faults.applied(operation, arn):
                answer = self._remembering(operation, request, arn)
                is_empty = state.faults.take_emptiness(operation, arn) or self._is_broken(operation, arn)
                return runtime.emptied(answer) if is_empty else answer
        except ServiceError as refused:
            error = refused.code
            raise
        finally:
            state.calls.append(Call(operation, arn, state.clock.now(), error, app_id))

    def _is_broken(self, operation: str, arn: str | None) -> bool:
        """Return whether this call asks a campaign that was deployed so that it recommends nothing."""
        serving = self.existing(arn) if arn and operation not in OPERATIONS else None
        return bool(serving and serving.current().get(_BROKEN))

    def catch_up(self) -> None:
        """Run what is due by now, as each call does; without one, nobody would see it in S3."""
        with self.lock:
            self.scheduler.catch_up()

    def _remembering(self, operation: str, request: Request, arn: str | None) -> Members:
        if operation not in OPERATIONS:
            return self._answer(operation, request)
        return self._memory.answer(operation, request, OPERATIONS[operation][1].definition, arn, self._answer)

    def _answer(self, operation: str, request: Request) -> Members:
        try:
            return self._act(operation, request)
        except ServiceError as error:
            undocumented = error.code not in service_model.errors(operation) and error.code in _ORDINARY
            if undocumented and state.assumptions.undocumented_error != "as_it_is":
                raise ServiceError(state.assumptions.undocumented_error, error.message) from None
            raise

    def _act(self, operation: str, request: Request) -> Members:
        verb, resource_type = OPERATIONS.get(operation, (None, None))
        with self.lock:
            self.scheduler.catch_up()
            _refuse(
                resource_type.missing(self, request) if resource_type and "solutionVersionArn" in request else (),
                "ResourceNotFoundException",
            )
            shape = service_model.request_shape(operation)
            _refuse(validation_errors(operation, shape, request, _left_out()), state.assumptions.constraint_error)
            if verb and resource_type:
                return verb(self, operation, resource_type, request)
            return OTHERS[operation](self, request)

    def _subject(self, operation: str, request: Request) -> str | None:
        verb, resource_type = OPERATIONS.get(operation, (None, None))
        if resource_type is None:
            return next((request[name] for name in runtime.SERVING if name in request), None)
        if verb is Personalize._create:
            return self._arn(resource_type, request) if {"name", "jobName"} & set(request) else None
        definition = resource_type.definition
        member = definition.list_filter if verb is Personalize._list else definition.arn_member
        arn = request.get(member or "")
        return arn if isinstance(arn, str) else None

    def _arn(self, resource_type: RuledType, request: Request) -> str:
        owner = f"arn:{self.partition}:personalize:{self.region_name}:{self.account_id}"
        return f"{owner}:{resource_type.definition.arn_type}/{resource_type.path(self, request)}"

    def _create(self, operation: str, resource_type: RuledType, request: Request) -> Members:
        parents = self._parents(operation, resource_type, request)
        _refuse(resource_type.validation_errors(self, request))
        tags = tagging.tags_of(request)
        arn = self._arn(resource_type, request)
        self._check_free(resource_type, arn, request)
        members = {**_inherited(parents), **resource_type.complete(self, request)}
        quota_checks.check(self, resource_type, members)
        record = self._start(operation, resource_type, arn, members)
        record.tags = tags
        answer = service_model.answer_shape(operation)
        return service_model.shown(answer, record.known()) if answer else {}

    def _check_free(self, resource_type: RuledType, arn: str, request: Request) -> None:
        existing = self.existing(arn)
        name_is_free = resource_type.is_job and state.assumptions.name_of_failed_job == "free"
        if existing and existing.failed and name_is_free:
            self.forget(existing)
        elif existing:
            raise ServiceError("ResourceAlreadyExistsException", f"Another resource with Arn {arn} already exists.")
        group = request.get("datasetGroupArn", "")
        if resource_type.one_per_group and self.belonging(resource_type.name, "datasetGroupArn", group):
            text = f"The dataset group {group} already has a {resource_type.title}: only one is allowed."
            raise ServiceError(state.assumptions.second_in_group, text)

    def _start(self, operation: str, resource_type: RuledType, arn: str, members: Members) -> Record:
        now = state.clock.now()
        progress = Progress(resource_type.name, (*resource_type.in_progress, resource_type.success), now)
        self.created += 1
        members = _deployed(operation, arn, members)
        record = Record(members, progress, None, now, resource_type, arn, self.created)
        record.failure = state.faults.take_failure(operation, arn) or resource_type.work(self, record)
        if record.failure:
            progress.statuses = (*resource_type.in_progress, resource_type.failure)
        self.keep(record, members)
        tariffs.start_metering(self, record)
        self._watch(record)
        return record

    def create(self, type_name: str, request: Members, more: Members, *, within_quota: bool) -> Record:
        """Create a resource as the service itself does, within the quotas or not."""
        resource_type = RESOURCE_TYPES[type_name]
        operation = f"Create{resource_type.definition.pascal}"
        inherited = _inherited(self._parents(operation, resource_type, request))
        members = {**inherited, **resource_type.complete(self, request), **more}
        if within_quota:
            quota_checks.check(self, resource_type, members)
        return self._start(operation, resource_type, self._arn(resource_type, request), members)

    def _watch(self, record: Record) -> None:
        self.scheduler.add(record.expected, partial(self._follow_up, record))

    def _follow_up(self, record: Record) -> float | None:
        if self.has_gone(record):
            return None
        self.settle(record)
        # what does not go by time ends when it is described, and is settled then
        later = record.expected if record.unfollowed() else state.clock.now()
        return later if later > state.clock.now() else None

    def settle(self, record: Record) -> None:
        """Do, once, what follows the end of a resource's creation or update."""
        rules = RESOURCE_TYPES[record.resource_type.name]
        for entry in record.unfollowed():
            if not entry.progress.ended:
                continue
            entry.followed = True
            state.bill.count(record)
            record.current()
            if entry is record:
                rules.ended(self, record)
            else:
                rules.update_ended(self, record, entry)

    def _parents(self, operation: str, resource_type: RuledType, request: Request) -> list[Record]:
        named = ((each, request.get(each.definition.arn_member)) for each in RESOURCE_TYPES.values())
        latest = str(request.get("solutionVersionArn")).endswith(campaigns.LATEST)
        parents = [
            self.find(each, arn)
            for each, arn in named
            if arn and each is not resource_type and not (latest and each.name == "solution_version")
        ]
        for parent in parents:
            if not parent.usable and state.assumptions.parent_not_active == "refused":
                success = parent.resource_type.success
                raise in_use(
                    f"{operation}: the {parent.resource_type.title} {parent.arn} is {parent.status}, not {success}"
                )
        return parents

    def _describe(self, operation: str, resource_type: RuledType, request: Request) -> Members:
        definition = resource_type.definition
        arn = request[definition.arn_member]
        record = self.find(resource_type, arn)
        record.describe()
        self.settle(record)
        self.find(resource_type, arn)  # this description may have been the one that ends a deletion
        answer = service_model.answer_shape(operation)
        assert answer is not None  # noqa: S101 - every Describe has an answer
        known = {**record.known(), **resource_type.adds(self, record)}
        return {definition.member: service_model.shown(answer.members[definition.member], known)}

    def _list(self, operation: str, resource_type: RuledType, request: Request) -> Members:
        definition = resource_type.definition
        parent = request.get(definition.list_filter or "")
        if parent and definition is resources.CAMPAIGN and resources.SOLUTION_VERSION.is_arn(parent):
            parent = parent.rpartition("/")[0]
        found = self.all_of(definition.name)
        if parent is not None:
            found = self.belonging(definition.name, definition.list_filter or "", parent)
        listed = {record.arn: (record.serial, record.known) for record in found}
        numbered = list(self._memory.overlay(definition, parent, listed).values())
        if resource_type.newest_first or state.assumptions.lists_begin_with == "newest":
            numbered = [(-serial, known) for serial, known in reversed(numbered)]
        page, more = paging.page(numbered, request, f"{operation} {parent}")
        answer = service_model.answer_shape(operation)
        assert answer is not None  # noqa: S101 - every List has an answer
        summary = answer.members[definition.list_member].member
        return {definition.list_member: [service_model.shown(summary, known()) for known in page], **more}

    def _delete(self, operation: str, resource_type: RuledType, request: Request) -> Members:  # noqa: ARG002
        record = self.find(resource_type, request[resource_type.definition.arn_member])
        if not record.settled:
            raise in_use(_unsettled(record))
        self._check_blockers(resource_type, record)
        self._change_status(record, deletion(resource_type.name), (*resource_type.deleting, GONE))
        return {}

    def _change_status(self, record: Record, progress: str, statuses: tuple[str, ...]) -> None:
        state.bill.count(record)
        record.progress = Progress(progress, statuses, state.clock.now())
        record.failure = None
        self._watch(record)
        state.bill.count(record)

    def _check_blockers(self, resource_type: RuledType, record: Record) -> None:
        known = {**record.members, resource_type.definition.arn_member: record.arn}
        for blocker in resource_type.blockers:
            for blocking in self.belonging(blocker.resource_type, blocker.by, known[blocker.by]):
                if blocker.when(blocking, record):
                    raise in_use(f"The {resource_type.title} {record.arn} is in use by {blocking.arn}")

    def _transition(self, operation: str, resource_type: RuledType, request: Request) -> Members:
        arn_member, transition = resource_type.definition.arn_member, resource_type.transitions[operation]
        record = self.find(resource_type, request[arn_member])
        if record.status not in transition.paths or not all(update.progress.ended for update in record.updates):
            raise ServiceError(state.assumptions.move_from_wrong_status, _unsettled(record))
        self._change_status(record, transition.progress, transition.paths[record.status])
        return {arn_member: record.arn}

    def _update(self, operation: str, resource_type: RuledType, request: Request) -> Members:
        arn_member = resource_type.definition.arn_member
        if arn_member not in request:  # UpdateMetricAttribution's model does not require it
            raise ServiceError("InvalidInputException", f"{arn_member} is missing")
        record = self.find(resource_type, request[arn_member])
        changes = {name: value for name, value in request.items() if name != arn_member}
        self._check_updatable(record)
        self._parents(operation, resource_type, changes)
        _refuse(resource_type.update_errors(self, record, request))
        assert resource_type.apply is not None  # noqa: S101 - no verb without it
        changes = resource_type.complete_update(self, changes)
        unchanged = resource_type.apply(record.current(), changes) == record.members
        ignored = resource_type.ignores_unchanged or state.assumptions.unchanged_update == "ignored"
        if not (unchanged and ignored):
            self.start_update(operation, record, changes)
        return {arn_member: record.arn}

    def _check_updatable(self, record: Record) -> None:
        resource_type, assumptions = record.resource_type, state.assumptions
        ready = record.usable or (resource_type.updates_failed and record.failed)
        if record.progress.ended and not record.settled and assumptions.update_while_pending == "refused":
            raise in_use(f"An update of the {resource_type.title} {record.arn} is in progress")
        if not ready and assumptions.update_of_not_active == "refused":
            raise in_use(f"The {resource_type.title} {record.arn} is {record.status}, not {resource_type.success}")

    def start_update(self, operation: str, record: Record, changes: Members) -> None:
        """Start an update of a resource."""
        resource_type = RESOURCE_TYPES[record.resource_type.name]
        # no two updates at the same millisecond, even while the clock stands still
        now = max([state.clock.now(), *(update.created + _TICK for update in record.updates[-1:])])
        progress = Progress(f"{resource_type.name}_update", (), now)
        changes = _deployed(operation, record.arn, changes)
        update = Entry(changes, progress, None, now, shown=_in_full(record, changes))
        update.failure = state.faults.take_failure(operation, record.arn) or resource_type.update_work(
            self, record, update
        )
        end = resource_type.update_failure if update.failure else resource_type.success
        progress.statuses = (*(resource_type.changing or resource_type.in_progress), end)
        record.add(update)
        self.keep(record, changes)
        self._watch(record)


def _deployed(operation: str, arn: str, members: Members) -> Members:
    """Return members of a campaign, or of its update, with whether the version that they deploy recommends nothing."""
    if "servedVersionArn" not in members:
        return members
    return {**members, _BROKEN: state.faults.take_breakage(operation, arn)}


def _in_full(record: Record, changes: Members) -> Members:
    """Return also what an update leaves as it was, if its summary is assumed to show that."""
    apply = record.resource_type.apply
    if state.assumptions.update_summary == "as_sent" or apply is None:
        return {}
    after = apply(record.current(), changes)
    config = after.get("solutionConfig", {})
    named = {name: config[name] for name in ("autoTrainingConfig", "eventsConfig") if name in config}
    return {**after, "solutionUpdateConfig": named}


def _unsettled(record: Record) -> str:
    return f"The {record.resource_type.title} {record.arn} is {record.status}, or an update of it is in progress"


def _inherited(parents: list[Record]) -> Members:
    known = [{**parent.current(), parent.resource_type.definition.arn_member: parent.arn} for parent in parents]
    return {name: each[name] for each in known for name in _INHERITED if name in each}


def _left_out() -> set[str]:
    """Return the assumed request rules that are switched off now."""
    return {name for name in ASSUMED if getattr(state.assumptions, name) == "accepted"}


def _refuse(errors: Iterable[str], code: str = "InvalidInputException") -> None:
    sentences = list(errors)
    if sentences:
        raise ServiceError(code, "\n".join(sentences))


_ORDINARY: Final = {"ResourceNotFoundException", "ResourceInUseException", "LimitExceededException"}

Verb = Callable[[Personalize, str, RuledType, Request], Members]
Other = Callable[[Personalize, Request], Members]


def _operations() -> dict[str, tuple[Verb, RuledType]]:
    known = service_model.operations()
    return {
        operation: (verb, resource_type)
        for resource_type in RESOURCE_TYPES.values()
        for operation, verb in _verbs(resource_type).items()
        if operation in known
    }


def _verbs(resource_type: RuledType) -> dict[str, Verb]:
    name = resource_type.definition.pascal
    return {
        f"Create{name}": Personalize._create,
        f"Describe{name}": Personalize._describe,
        f"List{name}s": Personalize._list,
        f"Delete{name}": Personalize._delete,
        **({f"Update{name}": Personalize._update} if resource_type.apply else {}),
        **dict.fromkeys(resource_type.transitions, Personalize._transition),
    }


OPERATIONS: Final = _operations()
OTHERS: Final[Mapping[str, Other]] = {
    "DescribeAlgorithm": recipes.describe_algorithm,
    "DescribeFeatureTransformation": recipes.describe_feature_transformation,
    "DescribeRecipe": recipes.describe_recipe,
    "ListRecipes": recipes.list_recipes,
    "ListMetricAttributionMetrics": attribution.list_metrics,
    "GetSolutionMetrics": versions.metrics,
    "ListTagsForResource": tagging.list_tags,
    "TagResource": tagging.tag,
    "UntagResource": tagging.untag,
    "PutEvents": events.put_events,
    "PutItems": events.put_rows,
    "PutUsers": events.put_rows,
    "PutActions": events.put_rows,
    "PutActionInteractions": events.put_action_interactions,
    "GetRecommendations": runtime.recommend,
    "GetPersonalizedRanking": runtime.rank,
    "GetActionRecommendations": runtime.recommend_actions,
}
