"""Sanitize responses: botocore checks neither types nor required members."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.exceptions import IncompleteAnswerError
from airflow_provider_personalize.redaction import redact

if TYPE_CHECKING:
    from botocore.model import Shape

# The shapes of what is shown as it is, in logs, errors and events.
_SHOWN: Final = frozenset({"FailureReason", "Status"})
_NUMBER: Final = (int, float)
_TYPES: Final[Mapping[str, Any]] = {
    "structure": Mapping,
    "map": Mapping,
    "list": list,
    "string": str,
    "boolean": bool,
    "timestamp": datetime,
    "integer": _NUMBER,
    "long": _NUMBER,
    "float": _NUMBER,
    "double": _NUMBER,
}


class Answer(dict[str, Any]):
    """
    A structure out of an answer. To ask for a member that is not there is an error that names it.

    :param odd: What of the whole answer has another type than the API says, a sentence each.
    """

    def __init__(self, place: str, members: Mapping[str, Any], odd: list[str]) -> None:
        super().__init__(members)
        self._place = place
        self.odd = odd

    def __missing__(self, member: str) -> Any:
        raise IncompleteAnswerError(f"{self._place} was answered without {member!r}")


def sanitize(shape: Shape, value: Any, place: str, odd: list[str]) -> Any:
    """
    Return an answer without values of a type that the API does not document, and without nulls.

    Texts that are shown to users, such as a failure reason, are redacted.

    :param shape: The shape in botocore's model.
    :param place: Where the value is, such as ``DescribeSolution.solution``.
    :param odd: Receives a sentence for each value of another type.
    """
    if value is None:
        return None
    if not isinstance(value, _TYPES.get(shape.type_name, object)):
        odd.append(redact(f"{place} is {value!r:.100}, which is no {shape.type_name}"))
        return None
    if shape.type_name == "structure":
        known = ((name, item) for name, item in value.items() if name in shape.members)
        members = {name: sanitize(shape.members[name], item, f"{place}.{name}", odd) for name, item in known}
        return Answer(place, {name: item for name, item in members.items() if item is not None}, odd)
    if shape.type_name == "map":
        items = {name: sanitize(shape.value, item, place, odd) for name, item in value.items()}
        return {name: item for name, item in items.items() if item is not None}
    if shape.type_name == "list":
        return [item for item in (sanitize(shape.member, each, place, odd) for each in value) if item is not None]
    return redact(value) if shape.name in _SHOWN else value
