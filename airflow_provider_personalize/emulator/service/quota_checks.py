"""Whether a quota allows one more resource."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from airflow_provider_personalize.emulator.control import quotas
from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.errors import ServiceError

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.emulated_types import EmulatedType, Request
    from airflow_provider_personalize.emulator.service.records import Record


def check(backend: Backend, resource_type: EmulatedType, members: Request) -> None:
    """Refuse one resource more than there may be."""
    quota, limit = _QUOTAS.get(resource_type.name), state.quotas.limit(resource_type.name)
    if quota is None or limit is None:
        return
    if sum(map(_COUNTED[quota.counted], _rivals(backend, quota, members))) >= limit:
        text = quota.text.format(title=resource_type.definition.title, limit=limit)
        raise ServiceError("LimitExceededException", text)


def _rivals(backend: Backend, quota: quotas.Quota, members: Request) -> list[Record]:
    if quota.within is None:
        return backend.all_of(quota.resource_type)
    return backend.belonging(quota.resource_type, quota.within, members.get(quota.within, ""))


def _is_in_progress(record: Record) -> bool:
    return record.status in record.resource_type.in_progress


def _is_pending(record: Record) -> bool:
    return record.status in record.resource_type.in_progress[:1]


def _is_active(record: Record) -> bool:
    return record.usable or (_is_in_progress(record) and state.assumptions.active_counts == "on_their_way")


_COUNTED: Final[dict[str, Callable[[Record], bool]]] = {
    "existing": lambda _: True,
    "active": _is_active,
    "in_progress": _is_in_progress,
    "pending": _is_pending,
}
_QUOTAS: Final = {quota.resource_type: quota for quota in quotas.TABLE}
