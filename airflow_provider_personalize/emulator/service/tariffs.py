"""How each resource type is charged."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from airflow_provider_personalize.emulator.control.bill import GIGABYTE, Meter
from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.service import s3

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.records import Record

_HOUR: Final = 3600


def _no_throughput(record: Record) -> float:  # noqa: ARG001 - called like its neighbours
    return 0


class _Tariff(NamedTuple):
    """
    How a resource type is charged: for what its meter counts, unless said otherwise.

        :param what: The work, with the resource's members in braces.
    :param unit: What is counted.
    :param price: The name of its price.
    :param if_active: Counts what is charged only if the resource becomes ACTIVE, when it is made.
    :param throughput: Returns the throughput that a resource provides.
    :param hours: Returns the hours that are charged.
    """

    what: str
    unit: str
    price: str
    if_active: Callable[[Backend, Record], float] | None = None
    throughput: Callable[[Record], float] = _no_throughput
    hours: Callable[[Record], float] | None = None


def start_metering(backend: Backend, record: Record) -> None:
    """Start to count what a new resource uses, if that is charged."""
    tariff = _TARIFFS.get(record.resource_type.name)
    if tariff is None:
        return
    meter = Meter(
        tariff.what.format(**record.members).lower(),
        record.arn,
        tariff.unit,
        tariff.price,
        _quantity(tariff, backend, record),
        rate=partial(tariff.throughput, record),
        since=lambda: record.progress.reached,
    )
    state.bill.add(record, meter)


def _quantity(tariff: _Tariff, backend: Backend, record: Record) -> Callable[[Meter], float]:
    if tariff.hours:
        hours = tariff.hours
        return lambda _: hours(record)
    if tariff.if_active:
        amount = tariff.if_active(backend, record)
        return lambda _: amount if record.usable else 0
    return lambda meter: meter.used


def _gigabytes(backend: Backend, job: Record) -> float:
    with suppress(s3.Unreachable):
        return sum(len(text) for _, text in s3.read_for_import(backend, job.members)) / GIGABYTE
    return 0


def _answers(backend: Backend, job: Record) -> float:  # noqa: ARG001 - called like its neighbours
    return sum(map(len, (job.holds or {}).values())) / 1000


def _users(backend: Backend, job: Record) -> float:
    return _answers(backend, job) * float(job.members["numResults"])


def _training_hours(version: Record) -> float:
    if version.usable:
        return float(state.assumptions.training_hours)
    return (version.progress.reached - version.created) / _HOUR if version.status == "CREATE STOPPED" else 0


def _campaign(campaign: Record) -> float:
    return float(campaign.current()["minProvisionedTPS"]) if campaign.usable else 0


def _recommender(recommender: Record) -> float:
    config = recommender.current()["recommenderConfig"]
    return float(config["minRecommendationRequestsPerSecond"]) if recommender.usable else 0


_TARIFFS: Final = {
    "dataset": _Tariff("real-time data", "GB", "imported_gb"),
    "dataset_import_job": _Tariff("import", "GB", "imported_gb", _gigabytes),
    "solution_version": _Tariff("training, {trainingType}", "hour", "training_hour", hours=_training_hours),
    "campaign": _Tariff("serving", "TPS-hour", "tps_hour", throughput=_campaign),
    "recommender": _Tariff("serving", "TPS-hour", "tps_hour", throughput=_recommender),
    "batch_inference_job": _Tariff("batch inference", "1,000 lines", "batch_1000", _answers),
    "batch_segment_job": _Tariff("batch segment", "1,000 users", "segment_1000", _users),
}
