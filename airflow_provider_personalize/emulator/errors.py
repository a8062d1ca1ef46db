"""The errors that the service answers with."""

from __future__ import annotations

from airflow_provider_personalize.emulator.control.assumptions import assumptions


class Refused(Exception):  # noqa: N818 - it is the service's answer, named as the reader of a rule thinks of it
    """
    An error to answer with.

    :param code: The error's code, as in ``ResourceInUseException``.
    :param message: What it says.
    :param status: The HTTP status. All errors of the control plane have 400
        (https://docs.aws.amazon.com/personalize/latest/dg/API_UpdateSolution.html#API_UpdateSolution_Errors).
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def not_found(title: str, arn: object) -> Refused:
    """Say that a resource does not exist."""
    text = f"The given {title} does not exist: {arn}"
    if title != "dataset group" and assumptions.not_found_text == "of_any_resource":
        text = f"Resource Arn {arn} does not exist."
    return Refused("ResourceNotFoundException", text)


def in_use(message: str) -> Refused:
    """Say that a resource cannot be touched now. The service's own texts are not known."""
    return Refused("ResourceInUseException", message)
