"""
Rules that botocore's model has for a request.

botocore itself checks types and required members only. Its model also has lengths, patterns, values and ranges. All of
them are checked here, so that one error can list everything that is wrong. Pure: shapes and values in, sentences out.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.resources import RESOURCE_TYPES

if TYPE_CHECKING:
    from botocore.model import Shape, StructureShape

#: The first botocore whose model has a member, from botocore's changelog and the history of its model.
SINCE: Final[Mapping[str, str]] = {
    "eventsConfig": "1.37.29",
    "includedDatasetColumns": "1.41.6",
    "performIncrementalUpdate": "1.41.6",
    "rankingInfluence": "1.41.6",
}
#: What a text must look like, in words, by the name of its shape in botocore's model.
FORMS: Final[Mapping[str, str]] = {
    "Arn": "the ARN of a resource, such as arn:aws:personalize:us-east-1:123456789012:solution/shop",
    "AttributeName": "a name of letters, digits and underscores, such as DEVICE",
    "ColumnName": "a name of letters, digits and underscores, no digit first, such as GENRE",
    "DatasetType": "a name of letters and underscores, such as INTERACTIONS",
    "EventAttributionSource": "a text of printable ASCII characters, not only spaces, such as newsletter",
    "FilterAttributeName": "a name of letters, digits and underscores, such as GENRE",
    "KmsKeyArn": "the ARN of a KMS key, such as arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-4e5f",
    "Name": "a name of letters, digits, hyphens and underscores, a letter or a digit first, such as shop-2026_01",
    "NextToken": "a text of ASCII characters, such as 0a1b2c3d",
    "PerformAutoTraining": "True or False. With True the service trains each week, charged",
    "RoleArn": "the ARN of an IAM role, such as arn:aws:iam::123456789012:role/personalize",
    "S3Location": "a location in S3, such as s3://bucket/folder/file.csv",
    "SchedulingExpression": "a rate from rate(1 day) to rate(30 days), such as rate(3 days)",
    "TagKey": "a text of letters, digits, spaces and _.:/=+-@, such as team",
    "TagValue": "a text of letters, digits, spaces and _.:/=+-@, such as search",
}
RECIPE_FORM: Final = "the ARN of a recipe, such as arn:aws:personalize:::recipe/aws-user-personalization-v2"
_BY_ARN_MEMBER: Final = {resource_type.arn_member: resource_type for resource_type in RESOURCE_TYPES.values()}
# The range of Python's datetime, years 1 to 9999, in seconds since 1970
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
_FINER: Final[Mapping[str, int]] = {"milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
# Texts over their allowed length are quoted up to this many characters.
_SHORT: Final = 100
_UNICODE_CLASSES: Final[Mapping[str, str]] = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\d",
    r"\p{Z}": r"\s",
    r"\p{ASCII}": r"[\x00-\x7f]",
}
# A repeated class, up to the same class repeated again.
_GAP: Final = r"(\.|\[(?:[^\]\\]|\\.)+\])\*((?:(?!\1[*+])[^()|])+)(?=\1[*+])"
_MISSING: Final = "Missing required parameter in input: "
# What botocore's ParamValidator reports, and how it reads here.
_REPORTED: Final = (
    (r"Invalid type for parameter (\S+), value: (.*), type: <class 'str'>, valid", r"\1 is '\2', of type str: allowed"),
    (
        r"Invalid type for parameter (\S+), value: (.*), type: <class '([\w.]+)'>, valid",
        r"\1 is \2, of type \3: allowed",
    ),
    (
        r"Invalid length for parameter (\S+), value: (\d+), valid min length: ",
        r"\1 has a length of \2, and must have at least ",
    ),
    (r"Invalid range for parameter (\S+), value: (\S+), valid min value: ", r"\1 is \2, and must be at least "),
    (r'Missing required parameter in (\S+): "(\w+)"', r"\1.\2 is missing: it is required"),
)


def shape_errors(shape: StructureShape, request: Mapping[str, Any], required: Collection[str]) -> Iterator[str]:
    """
    Find everything in a request that botocore's model forbids, one sentence each.

    :param shape: The operation's input shape.
    :param request: The request, with the API's member names.
    :param required: Members that must be given besides those that the model requires.
    """
    yield from _missing(shape, request, required)
    yield from (_reword(line) for line in _wrong_types(shape, request) if not line.startswith(_MISSING))
    yield from _beyond_types(shape, request, "")


def _missing(shape: StructureShape, request: Mapping[str, Any], required: Collection[str]) -> Iterator[str]:
    for member in [*shape.required_members, *required]:
        if request.get(member) is None:
            form = _form(shape.members.get(member), member)
            yield f"{member} is missing or None: it " + (f"must be {form}" if form else "is required")


def _form(shape: Shape | None, name: str) -> str | None:
    """Return in words what a text must look like, or None if that is not known."""
    if name == "recipeArn":
        return RECIPE_FORM
    if resource_type := _BY_ARN_MEMBER.get(name.rpartition(".")[2]):
        return resource_type.arn_form
    return FORMS.get(shape.name) if shape else None


def _wrong_types(shape: StructureShape, request: Mapping[str, Any]) -> list[str]:
    from botocore.validate import ParamValidator

    report: str = ParamValidator().validate(_replace_bad_times(shape, dict(request)), shape).generate_report()
    return report.splitlines()


def _replace_bad_times(shape: Shape, value: Any) -> Any:
    """Replace timestamps out of range: botocore reports a wrong type or raises an error, depending on their size."""
    if shape.type_name == "timestamp" and _is_impossible_time(value):
        return 0
    if shape.type_name == "structure" and isinstance(value, Mapping):
        known = shape.members
        return {name: _replace_bad_times(known[name], item) if name in known else item for name, item in value.items()}
    if shape.type_name == "list" and isinstance(value, (list, tuple)):
        return [_replace_bad_times(shape.member, item) for item in value]
    return value


def _is_impossible_time(value: Any) -> bool:
    if isinstance(value, bool):
        return True
    return isinstance(value, (int, float)) and not _FIRST_SECOND <= value <= _LAST_SECOND


def _wrong_time(value: Any, name: str) -> str:
    for unit, factor in _FINER.items():
        if not isinstance(value, bool) and 0 < value / factor <= _LAST_SECOND:
            return f"{name} is {value!r}: give seconds since 1970, not {unit}: {int(value / factor)}"
    return f"{name} is {value!r}: allowed are a datetime, ISO 8601, and seconds since 1970"


def _reword(line: str) -> str:
    """Reword a line of botocore's report like the other validation errors."""
    unknown = re.match(r'Unknown parameter in .*?: "(\w+)"', line)
    if unknown and unknown[1] in SINCE:
        return f"{unknown[1]} is not known to the installed botocore: it takes boto3 {SINCE[unknown[1]]} or newer"
    for theirs, ours in _REPORTED:
        line = re.sub(f"^{theirs}", ours, line)
    return re.sub(r"<class '([\w.]+)'>", r"\1", line)


def _beyond_types(shape: Shape, value: Any, name: str) -> Iterator[str]:
    """Find what the model forbids and botocore does not check: lengths, patterns, values, ranges."""
    too_long = list(_too_long(shape, value, name)) if isinstance(value, (str, list, tuple, Mapping)) else []
    yield from too_long
    if isinstance(value, str):
        yield from () if too_long else _wrong_text(shape, value, name)
    elif shape.type_name == "timestamp" and _is_impossible_time(value):
        yield _wrong_time(value, name)
    elif isinstance(value, (int, float)) and "max" in shape.metadata and not value <= shape.metadata["max"]:
        yield f"{name} is {value}: at most {shape.metadata['max']} is allowed"
    for part_name, part_shape, part in _parts(shape, value, name):
        yield from _beyond_types(part_shape, part, part_name)


def _parts(shape: Shape, value: Any, name: str) -> Iterator[tuple[str, Shape, Any]]:
    if shape.type_name == "structure" and isinstance(value, Mapping):
        known = (member for member in value if member in shape.members)
        yield from ((f"{name}.{member}".lstrip("."), shape.members[member], value[member]) for member in known)
    elif shape.type_name == "map" and isinstance(value, Mapping):
        yield from ((f"{name}.{key}", shape.value, item) for key, item in value.items())
    elif shape.type_name == "list" and isinstance(value, (list, tuple)):
        yield from ((f"{name}[{index}]", shape.member, item) for index, item in enumerate(value))


def _too_long(shape: Shape, value: Any, name: str) -> Iterator[str]:
    most = shape.metadata.get("max")
    types = {"string"} if isinstance(value, str) else {"list", "map"}
    if most is not None and shape.type_name in types and len(value) > most:
        what = "characters" if isinstance(value, str) else "entries"
        given = f" and is {value!r}" if isinstance(value, str) and len(value) <= _SHORT else ""
        form = f"; it must be {_form(shape, name)}" if given and _form(shape, name) else ""
        yield f"{name} has {len(value)} {what}{given}: at most {most} are allowed{form}"


def _wrong_text(shape: Shape, value: str, name: str) -> Iterator[str]:
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield f"{name} is {value!r}: allowed are {', '.join(allowed)}"
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value):
        yield f"{name} is {value!r}: it must be {_form(shape, name) or f'in the form of {pattern}'}"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """
    Compile a pattern of the service's model so that matching takes linear time.

    In ``.*:.*:.+`` the first colon serves as well as any later one, since the next gap matches what lies between. So
    only the first is tried: an atomic group, in a form that Python 3.10 understands.
    """
    for theirs, ours in _UNICODE_CLASSES.items():
        pattern = pattern.replace(theirs, ours)
    number = itertools.count()
    return re.compile(
        re.sub(_GAP, lambda gap: "(?=(?P<g{0}>{1}*?{2}))(?P=g{0})".format(next(number), *gap.groups()), pattern)
    )
