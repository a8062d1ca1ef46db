"""
What the real service would charge for what was done here.

``print(bill.table())`` after a run; ``bill.lines()`` for a program; ``bill.prices.training_hour = 0.3`` sets a price.

It is an estimate to compare two ways of doing a thing by, and no promise: the prices are those of :class:`Prices`, and
the hours of a training are ``assumptions.training_hours``. Serving is counted on the emulator's clock, from ACTIVE to
the deletion or the stop, at the throughput that is provisioned, whatever is asked for. Data that comes in real time
is counted as the JSON that was sent. What failed is not charged; a training that was stopped is
(https://docs.aws.amazon.com/personalize/latest/dg/stopping-solution-version.html). What the service charges extra for
themes and for incremental updates is left out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from airflow_provider_personalize.emulator.control.assumptions import assumptions
from airflow_provider_personalize.emulator.control.clock import clock
from airflow_provider_personalize.emulator.service import s3

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.records import Record

_HOUR: Final = 3600
_DAY: Final = 24
_GB: Final = 10**9


@dataclass
class Prices:
    """
    List prices in US dollars, without tiers. All are assumed: set down from memory of the price page, not read there.

    What is charged for, data that is imported and data that comes in real time among it, is as an older version of that
    page has it. The service charges its v2 recipes by interactions and requests, and domain recommenders by users and
    requests; they are put at the prices of the other recipes here. See https://aws.amazon.com/personalize/pricing/ for
    what holds now.

    :param as_of: The month that the prices are taken to be of.
    :param imported_gb: For a GB imported, or put in real time.
    :param training_hour: For an hour of training.
    :param tps_hour: For an hour of one transaction per second provisioned.
    :param batch_1000: For 1,000 lines answered by batch inference.
    :param segment_1000: For 1,000 users in the segments of a batch segment job.
    """

    as_of: str = "2024-01"
    imported_gb: float = 0.05
    training_hour: float = 0.24
    tps_hour: float = 0.20
    batch_1000: float = 0.067
    segment_1000: float = 0.016

    def reset(self) -> None:
        """Go back to the defaults."""
        for price in fields(self):
            setattr(self, price.name, price.default)


class Line(NamedTuple):
    """
    What is charged for a resource.

    :param what: The work.
    :param arn: The resource.
    :param quantity: How much of it.
    :param unit: What is counted.
    :param price: Of one, in dollars.
    :param amount: Of all, in dollars.
    :param per_day: What it goes on to cost a day, in dollars, if nobody stops it.
    """

    what: str
    arn: str
    quantity: float
    unit: str
    price: float
    amount: float
    per_day: float


@dataclass
class _Meter:
    """Counts what a resource uses; ``known`` is what could be counted only when it was made."""

    record: Record
    tariff: _Tariff
    known: float
    tps: float = 0
    since: float = 0
    used: float = 0

    def look(self) -> None:
        """Count up to now at the rate until now, which may have begun unseen."""
        tps, now = self.tariff.rate(self.record), clock.now()
        if not self.tps:
            self.tps, self.since = tps, self.record.progress.reached
        self.used += self.tps * (now - self.since) / _HOUR
        self.tps, self.since = tps, now

    def line(self) -> Line:
        quantity = self.tariff.quantity(self)
        price = getattr(prices, self.tariff.price)
        amount, per_day = quantity * price, self.tps * _DAY * price
        what = self.tariff.what(self.record)
        return Line(what, self.record.arn, quantity, self.tariff.unit, price, amount, per_day)


@dataclass(frozen=True)
class _Tariff:
    """
    How a kind is charged.

    :param what: Names the work.
    :param unit: What is counted.
    :param price: The name of its price.
    :param quantity: Tells how much is charged by now.
    :param known: Counts what is known only when the resource is made.
    :param rate: Tells the throughput that a resource provides.
    """

    what: Callable[[Record], str]
    unit: str
    price: str
    quantity: Callable[[_Meter], float]
    known: Callable[[Backend, Record], float] = field(default=lambda backend, record: 0)  # noqa: ARG005
    rate: Callable[[Record], float] = field(default=lambda record: 0)  # noqa: ARG005


def _gigabytes(backend: Backend, job: Record) -> float:
    with suppress(s3.Unreachable):
        return sum(len(text) for _, text in s3.read_for_import(backend, job.members)) / _GB
    return 0


def _answers(backend: Backend, job: Record) -> float:  # noqa: ARG001 - called like its neighbours
    return sum(map(len, (job.holds or {}).values())) / 1000


def _users(backend: Backend, job: Record) -> float:
    return _answers(backend, job) * float(job.members["numResults"])


def _if_made(meter: _Meter) -> float:
    return meter.known if meter.record.usable else 0


def _trained(meter: _Meter) -> float:
    version = meter.record
    if version.usable:
        return float(assumptions.training_hours)
    return (version.progress.reached - version.created) / _HOUR if version.status == "CREATE STOPPED" else 0


def _training(version: Record) -> str:
    return f"training, {str(version.members['trainingType']).lower()}"


def _campaign(campaign: Record) -> float:
    return float(campaign.current()["minProvisionedTPS"]) if campaign.usable else 0


def _recommender(recommender: Record) -> float:
    config = recommender.current()["recommenderConfig"]
    return float(config["minRecommendationRequestsPerSecond"]) if recommender.usable else 0


_TARIFFS: Final = {
    "dataset": _Tariff(lambda _: "real-time data", "GB", "imported_gb", lambda meter: meter.used),
    "dataset_import_job": _Tariff(lambda _: "import", "GB", "imported_gb", _if_made, _gigabytes),
    "solution_version": _Tariff(_training, "hour", "training_hour", _trained),
    "campaign": _Tariff(lambda _: "serving", "TPS-hour", "tps_hour", lambda meter: meter.used, rate=_campaign),
    "recommender": _Tariff(lambda _: "serving", "TPS-hour", "tps_hour", lambda meter: meter.used, rate=_recommender),
    "batch_inference_job": _Tariff(lambda _: "batch inference", "1,000 lines", "batch_1000", _if_made, _answers),
    "batch_segment_job": _Tariff(lambda _: "batch segment", "1,000 users", "segment_1000", _if_made, _users),
}

prices = Prices()
_lock = threading.Lock()
_meters: dict[int, _Meter] = {}  # by the identity of the record: an ARN can have several, one after the other


def add(backend: Backend, record: Record) -> None:
    """Begin to count what a new resource uses."""
    tariff = _TARIFFS.get(record.kind.resource.name)
    if tariff:
        with _lock:
            _meters[id(record)] = _Meter(record, tariff, tariff.known(backend, record))


def put(dataset: Record, size: int) -> None:
    """Count bytes that came into a dataset in real time."""
    with _lock:
        if meter := _meters.get(id(dataset)):
            meter.used += size / _GB


def look(record: Record) -> None:
    """Count up to now what a resource uses, before or after a change of it."""
    with _lock:
        if meter := _meters.get(id(record)):
            meter.look()


def clear() -> None:
    """Begin a new bill."""
    with _lock:
        _meters.clear()


def lines() -> list[Line]:
    """Return what is charged up to now, in the order in which it began."""
    with _lock:
        for meter in _meters.values():
            meter.look()
        return [line for line in (meter.line() for meter in _meters.values()) if line.quantity]


def table() -> str:
    """Return the bill as a text; nothing if nothing is charged."""
    charged = lines()
    if not charged:
        return ""
    rows = [("charged for", "resource", "quantity", "unit", "price", "amount"), *map(_row, charged)]
    total = ("total", "", "", "", "USD", f"{sum(line.amount for line in charged):.2f}")
    return "\n".join([*_aligned([*rows, total]), *_remarks(charged)])


def _row(line: Line) -> tuple[str, ...]:
    resource = line.arn.rpartition(":")[2]
    return line.what, resource, f"{line.quantity:.4g}", line.unit, f"{line.price:g}", f"{line.amount:.2f}"


_RIGHT: Final = {2, 4, 5}


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place in _RIGHT else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _remarks(charged: list[Line]) -> list[str]:
    serving = [(line.arn.rpartition(":")[2], line.per_day) for line in charged if line.per_day]
    return [
        *(f"{resource} goes on to cost {per_day:.2f} USD a day." for resource, per_day in serving),
        f"An estimate at assumed list prices of {prices.as_of}, and no promise: see the price page of AWS.",
    ]


def shown() -> dict[str, Any]:
    """Return the bill as JSON can hold it."""
    charged = lines()
    return {
        "prices_as_of": prices.as_of,
        "promise": False,
        "lines": [line._asdict() for line in charged],
        "total": sum(line.amount for line in charged),
    }
