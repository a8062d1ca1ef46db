"""The errors that several rules answer with."""

from __future__ import annotations

from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.errors import ServiceError


def not_found(title: str, arn: object) -> ServiceError:
    """Return the error for a resource that does not exist."""
    text = f"The given {title} does not exist: {arn}"
    if title != "dataset group" and state.assumptions.not_found_text == "of_any_resource":
        text = f"Resource Arn {arn} does not exist."
    return ServiceError("ResourceNotFoundException", text)


def in_use(message: str) -> ServiceError:
    """Return the error for a resource that cannot be changed now. The service's own messages are not known."""
    return ServiceError("ResourceInUseException", message)
