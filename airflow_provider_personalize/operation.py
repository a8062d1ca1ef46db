"""The API operation that a task calls: its request, built of the task's parameters and checked, and the call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_personalize.arns import wrong_region_arns
from airflow_provider_personalize.coercion import coerce
from airflow_provider_personalize.exceptions import IncompleteAnswerError, InvalidRequestError
from airflow_provider_personalize.request_rules import use_parameter_names, validation_errors

if TYPE_CHECKING:
    from botocore.model import OperationModel, StructureShape

    from airflow_provider_personalize.hooks import PersonalizeHook


class Operation:
    """
    One operation of the API, with the parameters of a task.

    :param hook: The hook for its API.
    :param name: Its name in the API.
    :param parameters: The values of the parameters by their names.
    :param required: The names of the parameters that may not come to None.
    """

    def __init__(
        self, hook: PersonalizeHook, name: str, parameters: Mapping[str, Any], required: Iterable[str] = ()
    ) -> None:
        self.hook = hook
        self.name = name
        self._values = parameters
        self._required = frozenset(required)

    @property
    def input_shape(self) -> StructureShape:
        """The operation's input in botocore's model."""
        shape: StructureShape = self._model(self.name).input_shape
        return shape

    def _model(self, name: str) -> OperationModel:
        model: OperationModel = self.hook.conn.meta.service_model.operation_model(name)
        return model

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters that make the request, by the API's members."""
        from botocore import xform_name

        members = {xform_name(member): member for member in self.input_shape.members}
        return {members.get(parameter, _camel_case(parameter)): parameter for parameter in self._values}

    def build_request(self, **derived: Any) -> dict[str, Any]:
        """
        Build the request of the parameters that were given.

        :param derived: Parameters that take the place of the task's own.
        :raises InvalidRequestError: With everything that is wrong with it.
        """
        if wrong := self.request_errors(**derived):
            raise InvalidRequestError(self.name, wrong)
        return self.unchecked_request(**derived)

    def request_errors(self, **derived: Any) -> list[str]:
        """List what is wrong with that request, in the names that the parameters have."""
        request = self.unchecked_request(**derived)
        wrong = self.validation_errors(request) + wrong_region_arns(request, self.hook.conn.meta.region_name)
        return [use_parameter_names(each, self.parameters) for each in wrong]

    def unchecked_request(self, **derived: Any) -> dict[str, Any]:
        """Build the request as :meth:`build_request` does, unchecked."""
        shape = self.input_shape
        request = {}
        for member, parameter in self.parameters.items():
            value = coerce(shape.members.get(member), derived.get(parameter, self._values[parameter]))
            if value is not None:
                request[member] = value
        return request

    def validation_errors(self, request: Mapping[str, Any]) -> list[str]:
        """List what is wrong with a request; a parameter without a default may not come to None."""
        required = {member for member, parameter in self.parameters.items() if parameter in self._required}
        return validation_errors(self.name, self.input_shape, request, required=sorted(required))

    def error(self, wrong: Iterable[str]) -> InvalidRequestError:
        """Return the error that lists what is wrong, in the names that the parameters have."""
        return InvalidRequestError(self.name, [use_parameter_names(each, self.parameters) for each in wrong])

    def call(self, request: Mapping[str, Any], name: str | None = None) -> dict[str, Any]:
        """
        Call the operation, once.

        :param name: Another operation of the same API.
        :raises IncompleteAnswerError: The answer has none of the members that the API promises.
        """
        from botocore import xform_name

        name = name or self.name
        answer: dict[str, Any] = self.hook.call(xform_name(name), **request)
        promised = getattr(self._model(name).output_shape, "members", {}).keys()
        if promised and not promised & answer.keys():
            raise IncompleteAnswerError(f"{name} was answered without {', '.join(promised)}")
        return answer


def _camel_case(parameter: str) -> str:
    first, *others = parameter.split("_")
    return first + "".join(word.title() for word in others)
