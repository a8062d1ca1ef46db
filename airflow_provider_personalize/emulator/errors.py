"""The error with which the service answers a call."""

from __future__ import annotations


class ServiceError(Exception):
    """
    An error to answer with.

    :param code: The error's code, as in ``ResourceInUseException``.
    :param message: The error's message.
    :param status: The HTTP status. All errors of the control plane have 400
        (https://docs.aws.amazon.com/personalize/latest/dg/API_UpdateSolution.html#API_UpdateSolution_Errors).
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status
