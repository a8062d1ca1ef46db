"""
The backend: one account's Personalize in one region.

Every operation that is emulated is a verb and a kind; there is a method for each verb and a row for each kind.
"""

from __future__ import annotations

import base64
import itertools
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from moto.core.base_backend import BackendDict, BaseBackend

from airflow_provider_personalize import validation
from airflow_provider_personalize.emulator import faults, model, staleness
from airflow_provider_personalize.emulator.assumptions import assumptions
from airflow_provider_personalize.emulator.calls import Call, calls
from airflow_provider_personalize.emulator.clock import clock
from airflow_provider_personalize.emulator.errors import Refused, in_use, not_found
from airflow_provider_personalize.emulator.kinds import KINDS, Kind
from airflow_provider_personalize.emulator.progress import Progress
from airflow_provider_personalize.emulator.quotas import quotas
from airflow_provider_personalize.emulator.records import GONE, Entry, Members, Record
from airflow_provider_personalize.resources import RESOURCES

_MOST_TAGS: Final = 50
_PAGE: Final = 100
_TICK: Final = 0.001

Request = Mapping[str, Any]


class PersonalizeBackend(BaseBackend):
    """What exists in an account and region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.lock = threading.RLock()
        self.records: dict[str, Record] = {}
        self._serials = itertools.count(1)
        self._memory = staleness.Memory()

    def reset(self) -> None:
        """Forget all, with what was told to fail and the log of calls."""
        super().reset()
        faults.clear()
        calls.clear()

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

    def _remembering(self, operation: str, request: Request, arn: str | None) -> Members:
        if operation not in OPERATIONS:
            return self._answer(operation, request)
        return self._memory.answer(operation, request, OPERATIONS[operation][1].resource, arn, self._answer)

    def _answer(self, operation: str, request: Request) -> Members:
        if operation not in OPERATIONS:
            raise Refused("NotImplementedException", f"{operation} is not emulated yet", status=501)
        wrong = validation.faults(operation, model.request_shape(operation), request)
        if wrong:
            raise Refused(assumptions.constraint_error, "\n".join(wrong))
        verb, kind = OPERATIONS[operation]
        with self.lock:
            return verb(self, operation, kind, request)

    def _subject(self, operation: str, request: Request) -> str | None:
        verb, kind = OPERATIONS.get(operation, (None, None))
        if kind is None:
            return None
        if verb is PersonalizeBackend._create:
            return self._arn(kind, request)
        member = kind.resource.list_filter if verb is PersonalizeBackend._list else kind.resource.arn_member
        arn = request.get(member or "")
        return arn if isinstance(arn, str) else None

    def _arn(self, kind: Kind, request: Request) -> str:
        owner = f"arn:{self.partition}:personalize:{self.region_name}:{self.account_id}"
        return f"{owner}:{kind.resource.arn_kind}/{kind.path(request)}"

    def find(self, kind: Kind, arn: str) -> Record:
        """Return a resource, or say that it does not exist."""
        record = self.records.get(arn)
        if record is None or self._has_gone(record):
            raise not_found(kind.resource.title, arn)
        return record

    def _has_gone(self, record: Record) -> bool:
        if record.status == GONE:
            del self.records[record.arn]
        return record.arn not in self.records

    def all_of(self, kind: str) -> list[Record]:
        """Return all resources of a kind, oldest first."""
        found = [record for record in self.records.values() if record.kind is KINDS[kind]]
        return [record for record in found if not self._has_gone(record)]

    def belonging(self, kind: str, member: str, arn: str) -> list[Record]:
        """Return the resources of a kind that name a resource."""
        return [record for record in self.all_of(kind) if record.members.get(member) == arn]

    def _create(self, operation: str, kind: Kind, request: Request) -> Members:
        self._check_parents(operation, kind, request)
        _refuse(kind.faults(self, request))
        if len(request.get("tags", ())) > _MOST_TAGS:
            raise Refused("TooManyTagsException", f"tags has {len(request['tags'])} entries: at most {_MOST_TAGS}")
        arn = self._arn(kind, request)
        if arn in self.records and not self._has_gone(self.records[arn]):
            raise Refused("ResourceAlreadyExistsException", f"Another resource with Arn {arn} already exists.")
        quotas.check(self, kind, request)
        record = self._start(operation, kind, arn, kind.complete(request))
        answer = model.answer_shape(operation)
        return model.shown(answer, record.known()) if answer else {}

    def _start(self, operation: str, kind: Kind, arn: str, members: Members) -> Record:
        now = clock.now()
        progress = Progress(kind.resource.name, (*kind.creating, kind.success), now)
        record = Record(members, progress, None, now, kind, arn, next(self._serials))
        record.failure = faults.ordered_failure(operation, arn) or kind.work(self, record)
        if record.failure:
            progress.statuses = (*kind.creating, kind.failure)
        self.records[arn] = record
        return record

    def _check_parents(self, operation: str, kind: Kind, request: Request) -> None:
        for name, resource in RESOURCES.items():
            arn = request.get(resource.arn_member)
            if arn is None or resource is kind.resource or name not in KINDS:
                continue
            parent = self.find(KINDS[name], arn)
            if not parent.usable and assumptions.parent_not_active == "refused":
                raise in_use(f"{operation}: the {resource.title} {arn} is {parent.status}, not {parent.kind.success}")

    def _describe(self, operation: str, kind: Kind, request: Request) -> Members:
        arn = request[kind.resource.arn_member]
        record = self.find(kind, arn)
        record.describe()
        self.find(kind, arn)  # this description may have been the one that ends a deletion
        answer = model.answer_shape(operation)
        assert answer is not None  # noqa: S101 - every Describe has an answer
        return {kind.resource.member: model.shown(answer.members[kind.resource.member], record.known())}

    def _list(self, operation: str, kind: Kind, request: Request) -> Members:
        resource = kind.resource
        narrowed = request.get(resource.list_filter or "")
        found = self.all_of(resource.name)
        if narrowed is not None:
            found = self.belonging(resource.name, resource.list_filter or "", narrowed)
        scope = f"{operation} {narrowed}"
        after = _read_token(request.get("nextToken"), scope)
        rest = [record for record in found if record.serial > after]
        page = rest[: request.get("maxResults", _PAGE)]
        more = {"nextToken": _token(scope, page[-1].serial)} if len(rest) > len(page) else {}
        answer = model.answer_shape(operation)
        assert answer is not None  # noqa: S101 - every List has an answer
        summary = answer.members[resource.list_member].member
        return {resource.list_member: [model.shown(summary, record.known()) for record in page], **more}

    def _delete(self, operation: str, kind: Kind, request: Request) -> Members:  # noqa: ARG002 - a verb like the others
        record = self.find(kind, request[kind.resource.arn_member])
        if not record.settled:
            raise in_use(f"The {kind.resource.title} {record.arn} is {record.status}, or an update of it is under way")
        self._check_held(record)
        record.progress = Progress(kind.resource.name, (*kind.deleting, GONE), clock.now())
        record.failure = None
        return {}

    def _check_held(self, record: Record) -> None:
        resource = record.kind.resource
        for name in (*record.kind.held_by, *record.kind.held_by_unsettled):
            for holder in self.belonging(name, resource.arn_member, record.arn):
                if name in record.kind.held_by or not holder.settled:
                    raise in_use(f"The {resource.title} {record.arn} is in use by {holder.arn}")

    def _update(self, operation: str, kind: Kind, request: Request) -> Members:
        resource = kind.resource
        record = self.find(kind, request[resource.arn_member])
        asked = {name: value for name, value in request.items() if name != resource.arn_member}
        self._check_updatable(record)
        assert kind.update_faults is not None  # noqa: S101 - no verb without it
        assert kind.apply is not None  # noqa: S101 - no verb without it
        _refuse(kind.update_faults(record, request))
        unchanged = kind.apply(record.current(), asked) == record.members
        if not (unchanged and assumptions.unchanged_update == "ignored"):
            self._start_update(operation, record, asked)
        return {resource.arn_member: record.arn}

    def _check_updatable(self, record: Record) -> None:
        title = record.kind.resource.title
        if not record.usable and assumptions.update_of_not_active == "refused":
            raise in_use(f"The {title} {record.arn} is {record.status}, not {record.kind.success}")
        if record.progress.ended and not record.settled and assumptions.update_while_pending == "refused":
            raise in_use(f"An update of the {title} {record.arn} is under way")

    def _start_update(self, operation: str, record: Record, asked: Members) -> None:
        kind = record.kind
        failure = faults.ordered_failure(operation, record.arn)
        # no two updates at the same millisecond, even while the clock stands still
        now = max([clock.now(), *(update.created + _TICK for update in record.updates[-1:])])
        statuses = (*kind.creating, kind.failure if failure else kind.success)
        record.updates.append(Entry(asked, Progress(f"{kind.resource.name}_update", statuses, now), failure, now))


def _refuse(wrong: Any) -> None:
    sentences = list(wrong)
    if sentences:
        raise Refused("InvalidInputException", "\n".join(sentences))


def _token(scope: str, serial: int) -> str:
    return base64.urlsafe_b64encode(f"{scope} {serial}".encode()).decode()


def _read_token(token: str | None, scope: str) -> int:
    """Return the serial after which a list goes on. A token is good for the list it came from only."""
    if token is None:
        return 0
    try:
        owner, _, serial = base64.urlsafe_b64decode(token).decode().rpartition(" ")
        after = int(serial)
    except ValueError:
        owner, after = "", 0
    if owner != scope:
        raise Refused("InvalidNextTokenException", "The token is not valid.")
    return after


Verb = Callable[[PersonalizeBackend, str, Kind, Request], Members]


def _operations() -> dict[str, tuple[Verb, Kind]]:
    known = model.service().operation_names
    return {
        operation: (verb, kind)
        for kind in KINDS.values()
        for operation, verb in _verbs(kind).items()
        if operation in known
    }


def _verbs(kind: Kind) -> dict[str, Verb]:
    name = kind.resource.pascal
    verbs: dict[str, Verb] = {
        f"Create{name}": PersonalizeBackend._create,
        f"Describe{name}": PersonalizeBackend._describe,
        f"List{name}s": PersonalizeBackend._list,
        f"Delete{name}": PersonalizeBackend._delete,
    }
    return {**verbs, f"Update{name}": PersonalizeBackend._update} if kind.apply else verbs


OPERATIONS: Final = _operations()

personalize_backends = BackendDict(PersonalizeBackend, "personalize")
