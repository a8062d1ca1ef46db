"""
Tell the emulator to fail, to see what your DAG does then.

``fail_next("UpdateSolution", reason="…")``: the call is accepted, and what it starts ends in CREATE FAILED, saying why.
``error_next("DescribeSolution", "ThrottlingException")``: the call itself is answered with an error. The others make
the way to the service bad: ``unavailable_next``, ``expired_next``, ``slow_next``, ``hang_next``, ``reset_next``,
``cut_next``, ``garbled_next``; ``stale_next`` hides what a call wrote for a while; ``throttle`` limits the rate.

What they share:

- ``operation``: as in ``DescribeSolution``; None is for all operations.
- ``arn``: only for calls about this resource.
- ``times``: how often, once unless said otherwise; None is until :func:`clear`. Mind that boto3 itself repeats calls
  that were throttled, answered 5xx or broken off.
- ``seconds``: only for so long, in the service's time. With it, and no ``times``, every call within that time fails.

All is forgotten when moto's state is reset.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypedDict

from airflow_provider_personalize.emulator import service_model
from airflow_provider_personalize.emulator.control import transport_faults
from airflow_provider_personalize.emulator.control.clock import clock
from airflow_provider_personalize.emulator.errors import Refused
from airflow_provider_personalize.emulator.validators import check_positive

if TYPE_CHECKING:
    from typing_extensions import Unpack


class When(TypedDict, total=False):
    """Which calls a fault is for; the module's docstring says what each means."""

    arn: str | None
    times: int | None
    seconds: float | None


class _Once(int):
    """The default of ``times``, which can be told from a 1 that was given."""


_ONCE: Final = _Once(1)
_EXPIRED: Final = "The security token included in the request is expired"
_WRITES: Final = ("Create", "Update", "Delete", "Start", "Stop")


@dataclass
class _Order:
    fault: str
    operation: str | None
    before: Callable[[_Order], None] | None = None
    after: Callable[[_Order], None] | None = None
    reason: str | None = None
    hides: float | None = None
    arn: str | None = None
    times: int | None = _ONCE
    seconds: float | None = None
    made: float = field(default_factory=clock.now)

    def __post_init__(self) -> None:
        _check_operation(self.operation)
        if self.arn is not None and not str(self.arn).startswith("arn:"):
            raise ValueError(f"arn is {self.arn!r}: give the ARN of a resource, or null for all")
        if self.seconds is not None:
            check_positive("seconds", self.seconds)
            self.times = None if self.times is _ONCE else self.times
        if self.times is not None and (
            isinstance(self.times, bool) or not isinstance(self.times, int) or self.times < 1
        ):
            raise ValueError(f"times is {self.times!r}: give a whole number from 1, or null for until it is cleared")

    @property
    def late(self) -> bool:
        """Whether its time is up."""
        return self.seconds is not None and clock.now() >= self.made + self.seconds

    @property
    def over(self) -> bool:
        """Whether it will not happen again."""
        return self.late or self.times == 0

    def is_for(self, operation: str, arn: str | None) -> bool:
        return self.operation in {None, operation} and self.arn in {None, arn}

    def shown(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("fault", "operation", "arn", "times", "seconds")}


@dataclass
class _Bucket:
    rate: float
    operation: str | None
    _at: float = field(default_factory=clock.now)

    def __post_init__(self) -> None:
        _check_operation(self.operation)
        check_positive("rate_per_second", self.rate)
        self._left = self._most = max(1.0, self.rate)

    def allows(self, operation: str) -> bool:
        """Take what one call costs, if there is enough."""
        if self.operation not in {None, operation}:
            return True
        now = clock.now()
        self._left, self._at = min(self._most, self._left + (now - self._at) * self.rate), now
        allowed = self._left >= 1
        self._left -= allowed
        return allowed

    def shown(self) -> dict[str, Any]:
        return {"fault": "throttle", "operation": self.operation, "rate_per_second": self.rate}


_lock = threading.Lock()
_orders: list[_Order] = []
_buckets: list[_Bucket] = []
_generation = 0  # a call that hangs sees by this that all was cleared


def fail_next(operation: str, reason: str, **when: Unpack[When]) -> None:
    """
    Let what the next calls of an operation start end in failure.

    :param operation: An operation that starts something, as in ``UpdateSolution`` or ``CreateDatasetImportJob``.
    :param reason: The ``failureReason`` to show, where the service has one.
    """
    if not operation.startswith(("Create", "Update")) or operation == "CreateSchema":
        raise ValueError(f"operation is {operation!r}: only what a Create or an Update starts can fail later")
    if not isinstance(reason, str) or not reason:
        raise ValueError(f"reason is {reason!r}: give a text, which failureReason is to show")
    _add(_Order("fail_next", operation, reason=reason, **when))


def error_next(
    operation: str | None, code: str, *, status: int = 400, message: str = "Told to fail.", **when: Unpack[When]
) -> None:
    """
    Answer the next calls with an error, and do nothing.

    :param code: The error's code, as in ``ThrottlingException``.
    :param status: The HTTP status.
    :param message: What the error says.
    """
    _check_status(status, 400)
    _add(_Order("error_next", operation, before=_raising(lambda: Refused(code, message, status)), **when))


def expired_next(operation: str | None = None, **when: Unpack[When]) -> None:
    """Answer the next calls as if their credentials had run out."""
    _add(_Order("expired_next", operation, before=_raising(lambda: Refused("ExpiredTokenException", _EXPIRED)), **when))


def unavailable_next(
    operation: str | None = None, *, status: int = 503, html: bool = False, done: bool = False, **when: Unpack[When]
) -> None:
    """
    Answer the next calls with a server error.

    :param status: From 500 to 599.
    :param html: Answer the page of a proxy instead of the service's JSON.
    :param done: Do what was asked, and lose only the answer.
    """
    _check_status(status, 500)
    code = "InternalFailure" if status == 500 else "ServiceUnavailable"
    answer = _raising(lambda: transport_faults.page(status) if html else Refused(code, "Told to fail.", status))
    _add(_Order("unavailable_next", operation, **_at(answer, done), **when))


def slow_next(operation: str | None = None, *, latency: float, **when: Unpack[When]) -> None:
    """
    Answer the next calls late.

    :param latency: The seconds to wait: over HTTP really, in the same process on the emulator's clock.
    """
    check_positive("latency", latency)
    _add(_Order("slow_next", operation, before=lambda _: transport_faults.pause(latency), **when))


def hang_next(
    operation: str | None = None, *, done: bool = False, dripping: bool = False, **when: Unpack[When]
) -> None:
    """
    Leave the next calls without an answer until this is cleared, its ``seconds`` are over, or the client gives up.

    In the same process the client gives up at once, since nobody could clear it: botocore's ReadTimeoutError.

    :param done: Do what was asked, and lose only the answer.
    :param dripping: Send a byte now and then, so that no time-out of the client's ends it, and break it off at last.
    """
    _add(
        _Order(
            "hang_next",
            operation,
            **_at(partial(_hang, transport_faults.drip if dripping else transport_faults.hang), done),
            **when,
        )
    )


def reset_next(operation: str | None = None, *, done: bool = False, **when: Unpack[When]) -> None:
    """
    Break off the connection of the next calls.

    :param done: Do what was asked, and lose only the answer.
    """
    _add(_Order("reset_next", operation, **_at(_raising(transport_faults.broken), done), **when))


def cut_next(operation: str | None = None, **when: Unpack[When]) -> None:
    """Do what the next calls ask, and end the answer in its middle."""
    _add(_Order("cut_next", operation, after=_raising(transport_faults.cut), **when))


def garbled_next(operation: str | None = None, **when: Unpack[When]) -> None:
    """Do what the next calls ask, and answer 200 with what is not JSON."""
    _add(_Order("garbled_next", operation, after=_raising(transport_faults.garbled), **when))


def stale_next(operation: str | None = None, *, hides: float, **when: Unpack[When]) -> None:
    """
    Let descriptions and lists after the next writes show what was before.

    What is new does not exist, what is deleted still does.

    :param operation: A Create, Update, Delete, Start or Stop.
    :param hides: For how many seconds of the service's time.
    """
    if operation is not None and not operation.startswith(_WRITES):
        raise ValueError(f"operation is {operation!r}: only what a write changed can be seen late")
    check_positive("hides", hides)
    _add(_Order("stale_next", operation, hides=hides, **when))


@contextmanager
def all_or_none() -> Iterator[None]:
    """Forget what was told in this block if one of it makes no sense."""
    with _lock:
        before = [*_orders], [*_buckets]
    try:
        yield
    except Exception:
        with _lock:
            _orders[:], _buckets[:] = before
        raise


def throttle(rate_per_second: float, operation: str | None = None) -> None:
    """
    Answer ThrottlingException to what is above a rate, until :func:`clear`.

    :param rate_per_second: Calls per second of the service's time; what one second allows can be saved up.
    :param operation: The operation to count; None counts all calls together.
    """
    _buckets.append(_Bucket(rate_per_second, operation))


def clear() -> None:
    """Forget all that was told, and let go of the calls that hang."""
    global _generation
    with _lock:
        _generation += 1
        _orders.clear()
        _buckets.clear()


def told() -> list[dict[str, Any]]:
    """Return what is still to happen."""
    with _lock:
        return [*(order.shown() for order in _orders if not order.over), *(bucket.shown() for bucket in _buckets)]


@contextmanager
def disturbing(operation: str, arn: str | None) -> Iterator[None]:
    """Do to a call what was told: before it, and after it."""
    with _lock:
        allowed = [bucket.allows(operation) for bucket in _buckets]
    if not all(allowed):
        raise Refused("ThrottlingException", "Rate exceeded")
    order = _take(operation, arn, lambda order: order.before is not None or order.after is not None)
    if order and order.before:
        order.before(order)
    yield
    if order and order.after:
        order.after(order)


def ordered_failure(operation: str, arn: str | None) -> str | None:
    """Take the reason for which what a call starts was told to fail."""
    order = _take(operation, arn, lambda order: order.reason is not None)
    return order.reason if order else None


def ordered_staleness(operation: str, arn: str | None) -> float | None:
    """Take the seconds for which what a call writes was told to be hidden."""
    if not operation.startswith(_WRITES):
        return None
    order = _take(operation, arn, lambda order: order.hides is not None)
    return order.hides if order else None


def _take(operation: str, arn: str | None, fits: Callable[[_Order], bool]) -> _Order | None:
    with _lock:
        _orders[:] = [order for order in _orders if not order.over]
        order = next((order for order in _orders if fits(order) and order.is_for(operation, arn)), None)
        if order and order.times is not None:
            order.times -= 1
        return order


def _add(order: _Order) -> None:
    with _lock:
        _orders.append(order)


def _raising(make: Callable[[], Exception]) -> Callable[[_Order], None]:
    def happen(_: _Order) -> None:
        raise make()

    return happen


def _at(happen: Callable[[_Order], None], done: bool) -> dict[str, Any]:
    return {"after" if done else "before": happen}


def _hang(hang: Callable[[Callable[[], bool]], None], order: _Order) -> None:
    now = _generation
    hang(lambda: _generation != now or order.late)


def _check_operation(operation: str | None) -> None:
    if operation is not None and operation not in service_model.operations():
        raise ValueError(f"operation is {operation!r}: Personalize has no such operation")


def _check_status(status: object, least: int) -> None:
    if not isinstance(status, int) or not least <= status <= 599:
        raise ValueError(f"status is {status!r}: give an HTTP status from {least} to 599")
