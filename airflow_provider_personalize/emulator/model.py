"""What botocore knows of the service: its operations and the shapes of its requests and answers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session

if TYPE_CHECKING:
    from botocore.model import ServiceModel, StructureShape


@cache
def service() -> ServiceModel:
    """Return botocore's model of Personalize."""
    return botocore.session.get_session().get_service_model("personalize")


@cache
def request_shape(operation: str) -> StructureShape:
    """Return the shape of an operation's request."""
    return service().operation_model(operation).input_shape


@cache
def answer_shape(operation: str) -> StructureShape | None:
    """Return the shape of an operation's answer; None where it is empty."""
    return service().operation_model(operation).output_shape


@cache
def errors(operation: str) -> frozenset[str]:
    """Return the codes of the errors that an operation is documented to answer with."""
    return frozenset(shape.name for shape in service().operation_model(operation).error_shapes)


def shown(shape: StructureShape, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a shape shows of what is known; what is not known is left out."""
    return {member: known[member] for member in shape.members if member in known}
