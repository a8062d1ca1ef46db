"""
What the real service would charge for what was done here.

``print(bill.table())`` after a run; ``bill.lines()`` for a program; ``bill.prices.training_hour = 0.3`` sets a price.

It is an estimate for comparing two ways, and no promise: the prices are those of :class:`Prices`, and
the hours of a training are ``assumptions.training_hours``. Serving is counted on the emulator's clock, from ACTIVE to
the deletion or the stop, at the throughput that is provisioned, whatever is asked for. Data that comes in real time
is counted as the JSON that was sent. What failed is not charged; a training that was stopped is
(https://docs.aws.amazon.com/personalize/latest/dg/stopping-solution-version.html). What the service charges extra for
themes and for incremental updates is left out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Final, NamedTuple

from airflow_provider_personalize.emulator.control.clock import Clock

_HOUR: Final = 3600
_DAY: Final = 24
GIGABYTE: Final = 10**9


@dataclass
class Prices:
    """
    List prices in US dollars, without tiers. All are assumed: set down from memory of the price page, not read there.

    What is charged for, data that is imported and data that comes in real time among it, is as an older version of that
    page has it. The service charges its v2 recipes by interactions and requests, and domain recommenders by users and
    requests; they are put at the prices of the other recipes here. See https://aws.amazon.com/personalize/pricing/ for
    the prices of today.

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
        """Restore the defaults."""
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
class Meter:
    """
    Counts what a resource uses.

    :param what: The work.
    :param arn: The resource.
    :param unit: What is counted.
    :param price: The name of its price.
    :param quantity: Returns how much is charged by now, from what the meter counted.
    :param rate: Returns the throughput that the resource provides now.
    :param since: Returns when it began to provide that.
    """

    what: str
    arn: str
    unit: str
    price: str
    quantity: Callable[[Meter], float]
    rate: Callable[[], float]
    since: Callable[[], float]
    used: float = 0
    _tps: float = field(default=0, init=False)
    _counted: float = field(default=0, init=False)

    def count(self, now: float) -> None:
        """Count up to now at the rate until now, which may have begun unseen."""
        tps = self.rate()
        if not self._tps:
            self._tps, self._counted = tps, self.since()
        self.used += self._tps * (now - self._counted) / _HOUR
        self._tps, self._counted = tps, now

    def line(self, prices: Prices) -> Line:
        """Return what is charged up to now."""
        quantity, price = self.quantity(self), getattr(prices, self.price)
        per_day = self._tps * _DAY * price
        return Line(self.what, self.arn, quantity, self.unit, price, quantity * price, per_day)


class Bill:
    """
    The meters of all resources that cost money.

    :param clock: The service's time.
    """

    def __init__(self, clock: Clock) -> None:
        self.prices: Final = Prices()
        self._clock = clock
        self._lock = threading.Lock()
        self._meters: dict[int, Meter] = {}  # by the identity of the record: an ARN can have several, one by one

    def add(self, record: object, meter: Meter) -> None:
        """Start to count what a new resource uses."""
        with self._lock:
            self._meters[id(record)] = meter

    def put(self, record: object, size: int) -> None:
        """Count bytes that came into a dataset in real time."""
        with self._lock:
            if meter := self._meters.get(id(record)):
                meter.used += size / GIGABYTE

    def count(self, record: object) -> None:
        """Count up to now what a resource uses, before or after a change of it."""
        with self._lock:
            if meter := self._meters.get(id(record)):
                meter.count(self._clock.now())

    def clear(self) -> None:
        """Start a new bill."""
        with self._lock:
            self._meters.clear()

    def lines(self) -> list[Line]:
        """Return what is charged up to now, in the order in which it began."""
        with self._lock:
            for meter in self._meters.values():
                meter.count(self._clock.now())
            return [line for line in (meter.line(self.prices) for meter in self._meters.values()) if line.quantity]

    def table(self) -> str:
        """Return the bill as a text; empty if nothing is charged."""
        charged = self.lines()
        if not charged:
            return ""
        rows = [("charged for", "resource", "quantity", "unit", "price", "amount"), *map(_row, charged)]
        total = ("total", "", "", "", "USD", f"{sum(line.amount for line in charged):.2f}")
        return "\n".join([*_aligned([*rows, total]), *self._remarks(charged)])

    def _remarks(self, charged: list[Line]) -> list[str]:
        serving = [(line.arn.rpartition(":")[2], line.per_day) for line in charged if line.per_day]
        return [
            *(f"{resource} goes on to cost {per_day:.2f} USD a day." for resource, per_day in serving),
            f"An estimate at assumed list prices of {self.prices.as_of}, and no promise: see the price page of AWS.",
        ]

    def shown(self) -> dict[str, Any]:
        """Return the bill as JSON can hold it."""
        charged = self.lines()
        return {
            "prices_as_of": self.prices.as_of,
            "promise": False,
            "lines": [line._asdict() for line in charged],
            "total": sum(line.amount for line in charged),
        }


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
