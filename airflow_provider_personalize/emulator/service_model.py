"""What botocore knows of the services: their operations and the shapes of their requests and answers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from botocore.loaders import Loader
from botocore.model import ServiceModel

if TYPE_CHECKING:
    from botocore.model import OperationModel, StructureShape

SERVICES: Final = ("personalize", "personalize-events", "personalize-runtime")


@cache
def service(name: str = "personalize") -> ServiceModel:
    """Return botocore's model of one of Personalize's three services: the control plane, unless said otherwise."""
    # not by a session: that reads the user's AWS settings, and fails where a profile is gone
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


@cache
def operations() -> Mapping[str, OperationModel]:
    """Return the operations of all three services; no two have the same name."""
    models = map(service, SERVICES)
    return {name: model.operation_model(name) for model in models for name in model.operation_names}


@cache
def operation_at() -> Mapping[str, str]:
    """Return the operations that have a path of their own, by that path."""
    paths = {model.http["requestUri"]: name for name, model in operations().items()}
    return {path: name for path, name in paths.items() if path != "/"}


@cache
def request_shape(operation: str) -> StructureShape:
    """Return the shape of an operation's request."""
    return operations()[operation].input_shape


@cache
def answer_shape(operation: str) -> StructureShape | None:
    """Return the shape of an operation's answer; None where it is empty."""
    return operations()[operation].output_shape


@cache
def errors(operation: str) -> frozenset[str]:
    """Return the codes of the errors that an operation is documented to answer with."""
    return frozenset(shape.name for shape in operations()[operation].error_shapes)


@cache
def error_status(operation: str, code: str) -> int | None:
    """Return the HTTP status of an error where the model has one: that of the control plane has none."""
    shapes = (shape for shape in operations()[operation].error_shapes if shape.name == code)
    status: int | None = next((shape.metadata.get("error", {}).get("httpStatusCode") for shape in shapes), None)
    return status


def shown(shape: StructureShape, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a shape shows of what is known; what is not known is left out."""
    return {member: known[member] for member in shape.members if member in known}
