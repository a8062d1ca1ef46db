"""
Tell the emulator to fail, to see what your DAG does then.

``fail_next("UpdateSolution", reason="…")``: the call is accepted, and what it starts ends in CREATE FAILED, saying why.
``error_next("DescribeSolution", "ThrottlingException")``: the call itself is answered with an error.
Both are forgotten when moto's state is reset.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from airflow_provider_personalize.emulator import model
from airflow_provider_personalize.emulator.errors import Refused

_lock = threading.Lock()
_orders: list[_Order] = []


@dataclass
class _Order:
    operation: str
    arn: str | None
    times: int | None
    reason: str | None = None
    error: Refused | None = None

    def __post_init__(self) -> None:
        if self.operation not in model.service().operation_names:
            raise ValueError(f"operation is {self.operation!r}: Personalize has no such operation")
        if self.times is not None and (not isinstance(self.times, int) or self.times < 1):
            raise ValueError(f"times is {self.times!r}: give a whole number from 1, or null for until it is cleared")

    def is_for(self, operation: str, arn: str | None) -> bool:
        return self.operation == operation and self.arn in {None, arn} and self.times != 0


def fail_next(operation: str, reason: str, *, times: int | None = 1, arn: str | None = None) -> None:
    """
    Let what the next calls of an operation start end in failure.

    :param operation: An operation that starts something, as in ``UpdateSolution`` or ``CreateDatasetImportJob``.
    :param reason: The ``failureReason`` to show, where the service has one.
    :param times: How often; None is until :func:`clear`.
    :param arn: Only for the resource of this ARN.
    """
    if not operation.startswith(("Create", "Update")):
        raise ValueError(f"operation is {operation!r}: only what a Create or an Update starts can fail later")
    _orders.append(_Order(operation, arn, times, reason=reason))


def error_next(
    operation: str,
    code: str,
    *,
    status: int = 400,
    message: str = "Told to fail.",
    times: int | None = 1,
    arn: str | None = None,
) -> None:
    """
    Answer the next calls of an operation with an error.

    :param operation: Any operation of the service.
    :param code: The error's code, as in ``ThrottlingException``.
    :param status: The HTTP status.
    :param message: What the error says.
    :param times: How often; None is until :func:`clear`. Mind that boto3 itself repeats throttled and 5xx calls.
    :param arn: Only for the resource of this ARN.
    """
    if not isinstance(status, int) or not 400 <= status <= 599:
        raise ValueError(f"status is {status!r}: give an HTTP status from 400 to 599")
    _orders.append(_Order(operation, arn, times, error=Refused(code, message, status)))


def clear() -> None:
    """Forget all that was told."""
    _orders.clear()


def ordered_error(operation: str, arn: str | None) -> Refused | None:
    """Take the error that a call was told to be answered with."""
    order = _take(operation, arn, of_calls=True)
    return order.error if order else None


def ordered_failure(operation: str, arn: str | None) -> str | None:
    """Take the reason for which what a call starts was told to fail."""
    order = _take(operation, arn, of_calls=False)
    return order.reason if order else None


def _take(operation: str, arn: str | None, *, of_calls: bool) -> _Order | None:
    with _lock:
        fitting = (order for order in _orders if (order.error is not None) is of_calls)
        order = next((order for order in fitting if order.is_for(operation, arn)), None)
        if order and order.times is not None:
            order.times -= 1
        return order
