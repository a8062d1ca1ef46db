"""
Injected faults: make the emulator fail, to see what your DAG does then.

``faults.fail_next("UpdateSolution", reason="…")``: the call is accepted, and what it starts ends in CREATE FAILED with
that reason. ``faults.error_next("DescribeSolution", "ThrottlingException")``: the call itself gets an error. Others
disturb the way to the service: ``unavailable_next``, ``expired_next``, ``slow_next``, ``hang_next``, ``reset_next``,
``cut_next``, ``garbled_next``. ``stale_next`` hides for a while what a call wrote; ``throttle`` limits the rate.
``worse_next`` trains a worse model, ``empty_next`` recommends nothing, and so does what ``broken_next`` deploys.

Parameters that they share:

- ``operation``: as in ``DescribeSolution``; None is for all operations.
- ``arn``: only calls about this resource.
- ``times``: how often, once by default; None is until :meth:`Faults.clear`. boto3 itself retries calls that were
  throttled, got a 5xx or lost their connection, and each retry counts.
- ``skip``: how many such calls to leave alone first.
- ``seconds``: only for so long, in the service's time. With it, and no ``times``, every call within that time fails.

A reset of moto's state clears all faults.
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
from airflow_provider_personalize.emulator.control.clock import Clock
from airflow_provider_personalize.emulator.errors import ServiceError
from airflow_provider_personalize.emulator.validators import check_positive

if TYPE_CHECKING:
    from typing_extensions import Unpack


class When(TypedDict, total=False):
    """Which calls a fault is for; the module's docstring describes each member."""

    arn: str | None
    times: int | None
    skip: int
    seconds: float | None


class _Once(int):
    """The default of ``times``, distinct from a 1 that was given."""


_ONCE: Final = _Once(1)
_EXPIRED: Final = "The security token included in the request is expired"
_INJECTED: Final = "Told to fail."
_TRAINING: Final = ("CreateSolutionVersion", "CreateRecommender")
_RECOMMENDING: Final = ("GetRecommendations", "GetPersonalizedRanking", "GetActionRecommendations")
_WRITES: Final = ("Create", "Update", "Delete", "Start", "Stop")


@dataclass
class _Fault:
    clock: Clock
    name: str
    operation: str | None
    before: Callable[[_Fault], None] | None = None
    after: Callable[[_Fault], None] | None = None
    reason: str | None = None
    hides: float | None = None
    factor: float | None = None
    empties: bool = False
    breaks: bool = False
    arn: str | None = None
    times: int | None = _ONCE
    skip: int = 0
    seconds: float | None = None
    injected: float = field(init=False)

    def __post_init__(self) -> None:
        self.injected = self.clock.now()
        _check_operation(self.operation)
        if self.arn is not None and not str(self.arn).startswith("arn:"):
            raise ValueError(f"arn is {self.arn!r}: give the ARN of a resource, or null for all")
        if self.seconds is not None:
            check_positive("seconds", self.seconds)
            self.times = None if self.times is _ONCE else self.times
        if type(self.skip) is not int or self.skip < 0:
            raise ValueError(f"skip is {self.skip!r}: give a whole number from 0")
        if self.times is not None and (
            isinstance(self.times, bool) or not isinstance(self.times, int) or self.times < 1
        ):
            raise ValueError(f"times is {self.times!r}: give a whole number from 1, or null for until it is cleared")

    @property
    def expired(self) -> bool:
        """Whether its time is up."""
        return self.seconds is not None and self.clock.now() >= self.injected + self.seconds

    @property
    def over(self) -> bool:
        """Whether it will not happen again."""
        return self.expired or self.times == 0

    def is_for(self, operation: str, arn: str | None) -> bool:
        return self.operation in {None, operation} and self.arn in {None, arn}

    def shown(self) -> dict[str, Any]:
        names = ("operation", "arn", "times", "skip", "seconds")
        return {"fault": self.name, **{name: getattr(self, name) for name in names}}


@dataclass
class _RateLimit:
    """A token bucket."""

    clock: Clock
    rate: float
    operation: str | None

    def __post_init__(self) -> None:
        self._filled = self.clock.now()
        _check_operation(self.operation)
        check_positive("rate_per_second", self.rate)
        self._tokens = self._capacity = max(1.0, self.rate)

    def allows(self, operation: str) -> bool:
        """Take the token of one call, if there is one."""
        if self.operation not in {None, operation}:
            return True
        now = self.clock.now()
        self._tokens = min(self._capacity, self._tokens + (now - self._filled) * self.rate)
        self._filled = now
        allowed = self._tokens >= 1
        self._tokens -= allowed
        return allowed

    def shown(self) -> dict[str, Any]:
        return {"fault": "throttle", "operation": self.operation, "rate_per_second": self.rate}


class Faults:
    """
    The faults that are still to happen.

    :param clock: The service's time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._faults: list[_Fault] = []
        self._limits: list[_RateLimit] = []
        self._generation = 0  # a call that hangs sees by this that all was cleared

    def fail_next(self, operation: str, reason: str, **when: Unpack[When]) -> None:
        """
        Make what the next calls of an operation start end in failure.

        :param operation: An operation that starts something, as in ``UpdateSolution`` or ``CreateDatasetImportJob``.
        :param reason: The ``failureReason`` to show, where the service has one.
        """
        if not operation.startswith(("Create", "Update")) or operation == "CreateSchema":
            raise ValueError(f"operation is {operation!r}: only what a Create or an Update starts can fail later")
        if not isinstance(reason, str) or not reason:
            raise ValueError(f"reason is {reason!r}: give a text, which failureReason is to show")
        self._inject("fail_next", operation, when, reason=reason)

    def error_next(
        self, operation: str | None, code: str, *, status: int = 400, message: str = _INJECTED, **when: Unpack[When]
    ) -> None:
        """
        Answer the next calls with an error, and do nothing.

        :param code: The error's code, as in ``ThrottlingException``.
        :param status: The HTTP status.
        :param message: The error's message.
        """
        _check_status(status, 400)
        self._inject("error_next", operation, when, before=_raising(lambda: ServiceError(code, message, status)))

    def expired_next(self, operation: str | None = None, **when: Unpack[When]) -> None:
        """Answer the next calls as if their credentials had expired."""
        error = _raising(lambda: ServiceError("ExpiredTokenException", _EXPIRED))
        self._inject("expired_next", operation, when, before=error)

    def unavailable_next(
        self,
        operation: str | None = None,
        *,
        status: int = 503,
        html: bool = False,
        done: bool = False,
        **when: Unpack[When],
    ) -> None:
        """
        Answer the next calls with a server error.

        :param status: From 500 to 599.
        :param html: Answer the page of a proxy instead of the service's JSON.
        :param done: Do what was asked, and lose only the answer.
        """
        _check_status(status, 500)
        code = "InternalFailure" if status == 500 else "ServiceUnavailable"
        error = _raising(lambda: transport_faults.page(status) if html else ServiceError(code, _INJECTED, status))
        self._inject("unavailable_next", operation, when, **_at(error, done))

    def slow_next(self, operation: str | None = None, *, latency: float, **when: Unpack[When]) -> None:
        """
        Answer the next calls late.

        :param latency: The seconds to wait: real ones over HTTP, the emulator's in the same process.
        """
        check_positive("latency", latency)
        self._inject("slow_next", operation, when, before=lambda _: transport_faults.pause(latency, self._clock))

    def hang_next(
        self, operation: str | None = None, *, done: bool = False, dripping: bool = False, **when: Unpack[When]
    ) -> None:
        """
        Leave the next calls without an answer until this is cleared, its ``seconds`` are over, or the client gives up.

        In the same process the client gives up at once, since nobody could clear it: botocore's ReadTimeoutError.

        :param done: Do what was asked, and lose only the answer.
        :param dripping: Send a byte now and then, so that no timeout of the client ends it, and break it off at last.
        """
        hang = partial(self._hang, transport_faults.drip if dripping else transport_faults.hang)
        self._inject("hang_next", operation, when, **_at(hang, done))

    def reset_next(self, operation: str | None = None, *, done: bool = False, **when: Unpack[When]) -> None:
        """
        Break off the connection of the next calls.

        :param done: Do what was asked, and lose only the answer.
        """
        self._inject("reset_next", operation, when, **_at(_raising(transport_faults.broken), done))

    def cut_next(self, operation: str | None = None, **when: Unpack[When]) -> None:
        """Do what the next calls ask, and end the answer in the middle."""
        self._inject("cut_next", operation, when, after=_raising(transport_faults.cut))

    def garbled_next(self, operation: str | None = None, **when: Unpack[When]) -> None:
        """Do what the next calls ask, and answer 200 with what is not JSON."""
        self._inject("garbled_next", operation, when, after=_raising(transport_faults.garbled))

    def stale_next(self, operation: str | None = None, *, hides: float, **when: Unpack[When]) -> None:
        """
        Make descriptions and lists after the next writes show the state before them.

        What is new does not exist, what is deleted still does.

        :param operation: A Create, Update, Delete, Start or Stop.
        :param hides: For how many seconds of the service's time.
        """
        if operation is not None and not operation.startswith(_WRITES):
            raise ValueError(f"operation is {operation!r}: only what a write changed can be seen late")
        check_positive("hides", hides)
        self._inject("stale_next", operation, when, hides=hides)

    def worse_next(self, operation: str = "CreateSolutionVersion", *, factor: float, **when: Unpack[When]) -> None:
        """
        Make the model that the next trainings make worse: multiply its metrics.

        :param operation: ``CreateSolutionVersion`` or ``CreateRecommender``.
        :param factor: With this.
        """
        if operation not in _TRAINING:
            raise ValueError(f"operation is {operation!r}: only {' and '.join(_TRAINING)} train a model")
        check_positive("factor", factor)
        self._inject("worse_next", operation, when, factor=factor)

    def empty_next(self, operation: str = "GetRecommendations", **when: Unpack[When]) -> None:
        """
        Answer the next requests for recommendations with none.

        :param operation: ``GetRecommendations``, ``GetPersonalizedRanking`` or ``GetActionRecommendations``.
        """
        if operation not in _RECOMMENDING:
            raise ValueError(f"operation is {operation!r}: only {', '.join(_RECOMMENDING)} recommend something")
        self._inject("empty_next", operation, when, empties=True)

    def broken_next(self, **when: Unpack[When]) -> None:
        """Make what is deployed to a campaign next, also as it is created, recommend nothing until the next update."""
        self._inject("broken_next", None, when, breaks=True)

    def call_next(
        self, operation: str | None, function: Callable[[], None], *, done: bool = False, **when: Unpack[When]
    ) -> None:
        """
        Call a function while the next calls are answered; what it raises is the answer.

        :param function: Raises a :class:`~airflow_provider_personalize.emulator.errors.ServiceError`, or anything that
            the client is to see, or returns.
        :param done: Call it after doing what was asked, not before.
        """
        self._inject("call_next", operation, when, **_at(lambda _: function(), done))

    @contextmanager
    def all_or_none(self) -> Iterator[None]:
        """Take back what was injected in this block if the block raises."""
        with self._lock:
            before = [*self._faults], [*self._limits]
        try:
            yield
        except Exception:
            with self._lock:
                self._faults[:], self._limits[:] = before
            raise

    def throttle(self, rate_per_second: float, operation: str | None = None) -> None:
        """
        Answer ThrottlingException to calls above a rate, until :meth:`clear`.

        :param rate_per_second: Calls per second of the service's time; what one second allows can be saved up.
        :param operation: The operation to count; None counts all calls together.
        """
        self._limits.append(_RateLimit(self._clock, rate_per_second, operation))

    def clear(self) -> None:
        """Remove all faults, and release the calls that hang."""
        with self._lock:
            self._generation += 1
            self._faults.clear()
            self._limits.clear()

    def told(self) -> list[dict[str, Any]]:
        """Return the faults that are still to happen."""
        with self._lock:
            faults = [fault.shown() for fault in self._faults if not fault.over]
            return [*faults, *(limit.shown() for limit in self._limits)]

    @contextmanager
    def applied(self, operation: str, arn: str | None) -> Iterator[None]:
        """Disturb one call: before it, and after it."""
        with self._lock:
            allowed = [limit.allows(operation) for limit in self._limits]
        if not all(allowed):
            raise ServiceError("ThrottlingException", "Rate exceeded")
        fault = self._take(operation, arn, lambda fault: fault.before is not None or fault.after is not None)
        if fault and fault.before:
            fault.before(fault)
        yield
        if fault and fault.after:
            fault.after(fault)

    def take_failure(self, operation: str, arn: str | None) -> str | None:
        """Return the reason for which what this call starts is to fail, or None."""
        fault = self._take(operation, arn, lambda fault: fault.reason is not None)
        return fault.reason if fault else None

    def take_staleness(self, operation: str, arn: str | None) -> float | None:
        """Return for how many seconds what this call writes is hidden, or None."""
        if not operation.startswith(_WRITES):
            return None
        fault = self._take(operation, arn, lambda fault: fault.hides is not None)
        return fault.hides if fault else None

    def take_factor(self, operation: str, arn: str | None) -> float | None:
        """Return by what to multiply the metrics of the model that this call trains, or None."""
        fault = self._take(operation, arn, lambda fault: fault.factor is not None)
        return fault.factor if fault else None

    def take_emptiness(self, operation: str, arn: str | None) -> bool:
        """Return whether this call is to recommend nothing."""
        return operation in _RECOMMENDING and self._take(operation, arn, lambda fault: fault.empties) is not None

    def take_breakage(self, operation: str, arn: str) -> bool:
        """Return whether the version that this call deploys is to recommend nothing."""
        return self._take(operation, arn, lambda fault: fault.breaks) is not None

    def _inject(self, name: str, operation: str | None, when: When, **effect: Any) -> None:
        fault = _Fault(self._clock, name, operation, **effect, **when)
        with self._lock:
            self._faults.append(fault)

    def _take(self, operation: str, arn: str | None, fits: Callable[[_Fault], bool]) -> _Fault | None:
        with self._lock:
            self._faults[:] = [fault for fault in self._faults if not fault.over]
            fitting = [each for each in self._faults if fits(each) and each.is_for(operation, arn)]
            fault = next((each for each in fitting if not each.skip), None)
            for each in fitting:
                each.skip = max(0, each.skip - 1)
            if fault and fault.times is not None:
                fault.times -= 1
            return fault

    def _hang(self, hang: Callable[[Callable[[], bool]], None], fault: _Fault) -> None:
        generation = self._generation
        hang(lambda: self._generation != generation or fault.expired)


def _raising(make: Callable[[], Exception]) -> Callable[[_Fault], None]:
    def happen(_: _Fault) -> None:
        raise make()

    return happen


def _at(happen: Callable[[_Fault], None], done: bool) -> dict[str, Any]:
    return {"after" if done else "before": happen}


def _check_operation(operation: str | None) -> None:
    if operation is not None and operation not in service_model.operations():
        raise ValueError(f"operation is {operation!r}: Personalize has no such operation")


def _check_status(status: object, least: int) -> None:
    if not isinstance(status, int) or not least <= status <= 599:
        raise ValueError(f"status is {status!r}: give an HTTP status from {least} to 599")
