"""
The backend: one account's Personalize in one region.

Nearly every operation is a verb and a kind: there is a method for each verb and a row for each kind. The others are
functions among the rules; :data:`OTHERS` names them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from moto.core.base_backend import BackendDict, BaseBackend

from airflow_provider_personalize import resources
from airflow_provider_personalize.emulator import service_model
from airflow_provider_personalize.emulator.control import bill, faults
from airflow_provider_personalize.emulator.control.assumptions import assumptions
from airflow_provider_personalize.emulator.control.calls import Call, calls
from airflow_provider_personalize.emulator.control.clock import clock
from airflow_provider_personalize.emulator.control.quotas import quotas
from airflow_provider_personalize.emulator.errors import Refused, in_use
from airflow_provider_personalize.emulator.service import paging, staleness
from airflow_provider_personalize.emulator.service.backend import Request
from airflow_provider_personalize.emulator.service.progress import Progress, deletion
from airflow_provider_personalize.emulator.service.records import GONE, Entry, Members, Record
from airflow_provider_personalize.emulator.service.resource_types import Kind
from airflow_provider_personalize.emulator.service.rules import (
    attribution,
    campaigns,
    events,
    recipes,
    runtime,
    tagging,
    versions,
)
from airflow_provider_personalize.emulator.service.scheduler import Agenda
from airflow_provider_personalize.emulator.service.store import Store
from airflow_provider_personalize.emulator.service.table import KINDS
from airflow_provider_personalize.request_rules import ASSUMED, validation_errors

_TICK: Final = 0.001
# What a resource takes over from the resources that it is made in
_INHERITED: Final = ("datasetGroupArn", "solutionArn", "recipeArn")


class PersonalizeBackend(Store, BaseBackend):
    """What exists in an account and region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        BaseBackend.__init__(self, region_name, account_id)
        Store.__init__(self)
        self.lock = threading.RLock()
        self.agenda = Agenda()
        self.made = 0
        self._memory = staleness.Memory(lambda arn: self.records[arn].serial if arn in self.records else 0)

    def reset(self) -> None:
        """Forget all, with what was told to fail and the log of calls."""
        super().reset()
        faults.clear()
        calls.clear()
        bill.clear()

    def answer(self, operation: str, request: Request) -> Members:
        """Answer a call, and note it."""
        arn = self._subject(operation, request)
        error = None
        try:
            with faults.disturbing(operation, arn):
                return self._remembering(operation, request, arn)
        except Refused as refused:
            error = refused.code
            raise
        finally:
            calls.append(Call(operation, arn, clock.now(), error))

    def catch_up(self) -> None:
        """Let everything happen that is due by now, as each call does; without one, nobody would see it in S3."""
        with self.lock:
            self.agenda.catch_up()

    def _remembering(self, operation: str, request: Request, arn: str | None) -> Members:
        if operation not in OPERATIONS:
            return self._answer(operation, request)
        return self._memory.answer(operation, request, OPERATIONS[operation][1].resource, arn, self._answer)

    def _answer(self, operation: str, request: Request) -> Members:
        try:
            return self._act(operation, request)
        except Refused as refused:
            undocumented = refused.code not in service_model.errors(operation) and refused.code in _ORDINARY
            if undocumented and assumptions.undocumented_error != "as_it_is":
                raise Refused(assumptions.undocumented_error, refused.message) from None
            raise

    def _act(self, operation: str, request: Request) -> Members:
        verb, kind = OPERATIONS.get(operation, (None, None))
        with self.lock:
            self.agenda.catch_up()
            _refuse(
                kind.missing(self, request) if kind and "solutionVersionArn" in request else (),
                "ResourceNotFoundException",
            )
            shape = service_model.request_shape(operation)
            _refuse(validation_errors(operation, shape, request, _left_out()), assumptions.constraint_error)
            return verb(self, operation, kind, request) if verb and kind else OTHERS[operation](self, request)

    def _subject(self, operation: str, request: Request) -> str | None:
        verb, kind = OPERATIONS.get(operation, (None, None))
        if kind is None:
            return None
        if verb is PersonalizeBackend._create:
            return self._arn(kind, request) if {"name", "jobName"} & set(request) else None
        member = kind.resource.list_filter if verb is PersonalizeBackend._list else kind.resource.arn_member
        arn = request.get(member or "")
        return arn if isinstance(arn, str) else None

    def _arn(self, kind: Kind, request: Request) -> str:
        owner = f"arn:{self.partition}:personalize:{self.region_name}:{self.account_id}"
        return f"{owner}:{kind.resource.arn_kind}/{kind.path(self, request)}"

    def _create(self, operation: str, kind: Kind, request: Request) -> Members:
        parents = self._parents(operation, kind, request)
        _refuse(kind.faults(self, request))
        tags = tagging.tags_of(request)
        arn = self._arn(kind, request)
        self._check_free(kind, arn, request)
        members = {**_inherited(parents), **kind.complete(self, request)}
        quotas.check(self, kind, members)
        record = self.start(operation, kind, arn, members)
        record.tags = tags
        answer = service_model.answer_shape(operation)
        return service_model.shown(answer, record.known()) if answer else {}

    def _check_free(self, kind: Kind, arn: str, request: Request) -> None:
        there = self.existing(arn)
        if there and kind.is_job and there.failed and assumptions.name_of_failed_job == "free":
            self.forget(there)
        elif there:
            raise Refused("ResourceAlreadyExistsException", f"Another resource with Arn {arn} already exists.")
        group = request.get("datasetGroupArn", "")
        if kind.one_per_group and self.belonging(kind.resource.name, "datasetGroupArn", group):
            text = f"The dataset group {group} already has a {kind.resource.title}: only one is allowed."
            raise Refused(assumptions.second_in_group, text)

    def start(self, operation: str, kind: Kind, arn: str, members: Members) -> Record:
        """Let a resource come into being."""
        now = clock.now()
        progress = Progress(kind.resource.name, (*kind.on_the_way, kind.success), now)
        self.made += 1
        record = Record(members, progress, None, now, kind, arn, self.made)
        record.failure = faults.ordered_failure(operation, arn) or kind.work(self, record)
        if record.failure:
            progress.statuses = (*kind.on_the_way, kind.failure)
        self.keep(record, members)
        bill.add(self, record)
        self._watch(record)
        return record

    def begin(self, name: str, request: Members, more: Members, *, held: bool) -> Record:
        """Let the service itself make a resource; ``held`` to the quotas or not."""
        kind = KINDS[name]
        operation = f"Create{kind.resource.pascal}"
        inherited = _inherited(self._parents(operation, kind, request))
        members = {**inherited, **kind.complete(self, request), **more}
        if held:
            quotas.check(self, kind, members)
        return self.start(operation, kind, self._arn(kind, request), members)

    def _watch(self, record: Record) -> None:
        self.agenda.add(record.expected, partial(self._look, record))

    def _look(self, record: Record) -> float | None:
        if self.has_gone(record):
            return None
        self.settle(record)
        # what does not go by time ends when somebody looks at it, and is settled then
        later = record.expected if record.unfollowed() else clock.now()
        return later if later > clock.now() else None

    def settle(self, record: Record) -> None:
        """Let what follows the end of a resource's making, or of an update of it, happen; once."""
        for entry in record.unfollowed():
            if not entry.progress.ended:
                continue
            entry.followed = True
            bill.look(record)
            record.current()
            if entry is record:
                record.kind.ended(self, record)
            else:
                record.kind.update_ended(self, record, entry)

    def _parents(self, operation: str, kind: Kind, request: Request) -> list[Record]:
        named = ((KINDS[name], request.get(KINDS[name].resource.arn_member)) for name in KINDS)
        latest = str(request.get("solutionVersionArn")).endswith(campaigns.LATEST)
        parents = [
            self.find(each, arn)
            for each, arn in named
            if arn and each is not kind and not (latest and each is KINDS["solution_version"])
        ]
        for parent in parents:
            if not parent.usable and assumptions.parent_not_active == "refused":
                title = parent.kind.resource.title
                raise in_use(f"{operation}: the {title} {parent.arn} is {parent.status}, not {parent.kind.success}")
        return parents

    def _describe(self, operation: str, kind: Kind, request: Request) -> Members:
        arn = request[kind.resource.arn_member]
        record = self.find(kind, arn)
        record.describe()
        self.settle(record)
        self.find(kind, arn)  # this description may have been the one that ends a deletion
        answer = service_model.answer_shape(operation)
        assert answer is not None  # noqa: S101 - every Describe has an answer
        known = {**record.known(), **kind.adds(self, record)}
        return {kind.resource.member: service_model.shown(answer.members[kind.resource.member], known)}

    def _list(self, operation: str, kind: Kind, request: Request) -> Members:
        resource = kind.resource
        narrowed = request.get(resource.list_filter or "")
        if narrowed and resource is resources.CAMPAIGN and resources.SOLUTION_VERSION.is_arn(narrowed):
            narrowed = narrowed.rpartition("/")[0]
        found = self.all_of(resource.name)
        if narrowed is not None:
            found = self.belonging(resource.name, resource.list_filter or "", narrowed)
        listed = {record.arn: (record.serial, record.known) for record in found}
        numbered = list(self._memory.overlay(resource, narrowed, listed).values())
        if kind.newest_first or assumptions.lists_begin_with == "newest":
            numbered = [(-serial, known) for serial, known in reversed(numbered)]
        page, more = paging.page(numbered, request, f"{operation} {narrowed}")
        answer = service_model.answer_shape(operation)
        assert answer is not None  # noqa: S101 - every List has an answer
        summary = answer.members[resource.list_member].member
        return {resource.list_member: [service_model.shown(summary, known()) for known in page], **more}

    def _delete(self, operation: str, kind: Kind, request: Request) -> Members:  # noqa: ARG002 - a verb like the others
        record = self.find(kind, request[kind.resource.arn_member])
        self._check_settled(record)
        self._check_held(record)
        self._lead(record, deletion(kind.resource.name), (*kind.deleting, GONE))
        return {}

    def _lead(self, record: Record, switch: str, statuses: tuple[str, ...]) -> None:
        bill.look(record)
        record.progress = Progress(switch, statuses, clock.now())
        record.failure = None
        self._watch(record)
        bill.look(record)

    def _check_settled(self, record: Record) -> None:
        if not record.settled:
            title = record.kind.resource.title
            raise in_use(f"The {title} {record.arn} is {record.status}, or an update of it is in progress")

    def _check_held(self, record: Record) -> None:
        known = {**record.members, record.kind.resource.arn_member: record.arn}
        for hold in record.kind.held:
            for holder in self.belonging(hold.kind, hold.by, known[hold.by]):
                if hold.when(holder, record):
                    raise in_use(f"The {record.kind.resource.title} {record.arn} is in use by {holder.arn}")

    def _move(self, operation: str, kind: Kind, request: Request) -> Members:
        resource, move = kind.resource, kind.moves[operation]
        record = self.find(kind, request[resource.arn_member])
        if record.status not in move.ways or not all(update.progress.ended for update in record.updates):
            text = f"The {resource.title} {record.arn} is {record.status}, or an update of it is in progress"
            raise Refused(assumptions.move_from_wrong_status, text)
        self._lead(record, move.switch, move.ways[record.status])
        return {resource.arn_member: record.arn}

    def _update(self, operation: str, kind: Kind, request: Request) -> Members:
        resource = kind.resource
        if resource.arn_member not in request:  # UpdateMetricAttribution's model does not require it
            raise Refused("InvalidInputException", f"{resource.arn_member} is missing")
        record = self.find(kind, request[resource.arn_member])
        asked = {name: value for name, value in request.items() if name != resource.arn_member}
        self._check_updatable(record)
        self._parents(operation, kind, asked)
        _refuse(kind.update_faults(self, record, request))
        assert kind.apply is not None  # noqa: S101 - no verb without it
        asked = kind.complete_update(self, asked)
        unchanged = kind.apply(record.current(), asked) == record.members
        if not unchanged or not (kind.ignores_unchanged or assumptions.unchanged_update == "ignored"):
            self.start_update(operation, record, asked)
        return {resource.arn_member: record.arn}

    def _check_updatable(self, record: Record) -> None:
        title = record.kind.resource.title
        ready = record.usable or (record.kind.updates_failed and record.failed)
        if record.progress.ended and not record.settled and assumptions.update_while_pending == "refused":
            raise in_use(f"An update of the {title} {record.arn} is in progress")
        if not ready and assumptions.update_of_not_active == "refused":
            raise in_use(f"The {title} {record.arn} is {record.status}, not {record.kind.success}")

    def start_update(self, operation: str, record: Record, asked: Members) -> None:
        """Let an update of a resource begin."""
        kind = record.kind
        # no two updates at the same millisecond, even while the clock stands still
        now = max([clock.now(), *(update.created + _TICK for update in record.updates[-1:])])
        progress = Progress(f"{kind.resource.name}_update", (), now)
        update = Entry(asked, progress, None, now, shown=self._in_full(record, asked))
        update.failure = faults.ordered_failure(operation, record.arn) or kind.update_work(self, record, update)
        progress.statuses = (
            *(kind.changing or kind.on_the_way),
            kind.update_failure if update.failure else kind.success,
        )
        record.add(update)
        self.keep(record, asked)
        self._watch(record)

    def _in_full(self, record: Record, asked: Members) -> Members:
        """Return what an update leaves as it was, too, if its summary is assumed to show that."""
        if assumptions.update_summary == "as_sent" or record.kind.apply is None:
            return {}
        after = record.kind.apply(record.current(), asked)
        config = after.get("solutionConfig", {})
        named = {name: config[name] for name in ("autoTrainingConfig", "eventsConfig") if name in config}
        return {**after, "solutionUpdateConfig": named}


def _inherited(parents: list[Record]) -> Members:
    known = [{**parent.current(), parent.kind.resource.arn_member: parent.arn} for parent in parents]
    return {name: each[name] for each in known for name in _INHERITED if name in each}


def _left_out() -> set[str]:
    """Name the assumed request rules that are switched off now."""
    return {name for name in ASSUMED if getattr(assumptions, name) == "accepted"}


def _refuse(wrong: Any, code: str = "InvalidInputException") -> None:
    sentences = list(wrong)
    if sentences:
        raise Refused(code, "\n".join(sentences))


_ORDINARY: Final = {"ResourceNotFoundException", "ResourceInUseException", "LimitExceededException"}

Verb = Callable[[PersonalizeBackend, str, Kind, Request], Members]
Other = Callable[[PersonalizeBackend, Request], Members]


def _operations() -> dict[str, tuple[Verb, Kind]]:
    known = service_model.operations()
    return {
        operation: (verb, kind)
        for kind in KINDS.values()
        for operation, verb in _verbs(kind).items()
        if operation in known
    }


def _verbs(kind: Kind) -> dict[str, Verb]:
    name = kind.resource.pascal
    return {
        f"Create{name}": PersonalizeBackend._create,
        f"Describe{name}": PersonalizeBackend._describe,
        f"List{name}s": PersonalizeBackend._list,
        f"Delete{name}": PersonalizeBackend._delete,
        **({f"Update{name}": PersonalizeBackend._update} if kind.apply else {}),
        **dict.fromkeys(kind.moves, PersonalizeBackend._move),
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

personalize_backends = BackendDict(PersonalizeBackend, "personalize")
