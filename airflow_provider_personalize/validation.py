"""
What is wrong with a request, said before the service is asked.

botocore checks types and required members only. Its model knows more (lengths, patterns, values), and the API reference
more still (rules between members, in prose). All three are asked here, so that one error can list every fault at once.
Operators ask before they call; the emulator asks as the service would. Pure: shapes and values in, sentences out.
"""

from __future__ import annotations

import ast
import itertools
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.resources import RESOURCES, SOLUTION

if TYPE_CHECKING:
    from botocore.model import Shape, StructureShape

# The first botocore that knows a member, from botocore's changelog and the history of its model.
SINCE: Final[Mapping[str, str]] = {
    "eventsConfig": "1.37.29",
    "includedDatasetColumns": "1.41.6",
    "performIncrementalUpdate": "1.41.6",
    "rankingInfluence": "1.41.6",
}

#: What follows a solution's ARN where its newest ACTIVE version is meant.
LATEST: Final = "/$LATEST"

# The form of texts in words, by the name that their shape has in botocore's model.
_FORMS: Final[Mapping[str, str]] = {
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
_RECIPE_FORM: Final = "the ARN of a recipe, such as arn:aws:personalize:::recipe/aws-user-personalization-v2"
# What the prose requires and the model does not; that the service refuses to do without it is assumed.
_REQUIRED_BY_PROSE: Final[Mapping[str, Collection[str]]] = {"UpdateMetricAttribution": ("metricAttributionArn",)}

_Rule = Callable[[Mapping[str, Any]], Iterator[str]]

_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False}
_UNICODE_CLASSES: Final[Mapping[str, str]] = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\d",
    r"\p{Z}": r"\s",
    r"\p{ASCII}": r"[\x00-\x7f]",
}


def coerce(shape: Shape | None, value: Any) -> Any:
    """
    Give a rendered template the type that the request needs.

    What cannot be read as that type is left as it is, for :func:`faults` to name. A member that is None is not said.
    """
    if shape is None:
        return value
    if shape.name == "FilterAttributeValue":
        return _filter_values(value)
    if shape.name in _HYPERPARAMETERS and isinstance(value, bool):
        return str(value).lower()
    value = parse(shape.type_name, value)
    if shape.type_name == "structure" and isinstance(value, Mapping):
        coerced = {name: coerce(shape.members.get(name), item) for name, item in value.items()}
        return {name: item for name, item in coerced.items() if item is not None}
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {name: coerce(shape.value, item) for name, item in value.items()}
    if shape.type_name == "list" and isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [coerce(shape.member, item) for item in value]  # what a mapped task returned is no list, but lazy
    return value


# The shapes whose booleans the guide writes as "true" and "false"
# (https://docs.aws.amazon.com/personalize/latest/dg/customizing-solution-config-hpo.html).
_HYPERPARAMETERS: Final = frozenset({"ParameterValue", "CategoricalValue"})


def _filter_values(value: Any) -> Any:
    """
    Write the values of a filter's placeholder as the guide does: texts in quotes, and commas between several.

    With ``render_template_as_native_obj`` they come without quotes, or as a tuple
    (https://docs.aws.amazon.com/personalize/latest/dg/filter-real-time.html). What a template left None is no
    value: left for :func:`faults` to name, since no item has it.
    """
    if isinstance(value, str):
        if _FILTER_VALUES.fullmatch(value):
            return value
        if not value or parse("string", value) is None:
            return parse("string", value)
        listed = _literal(value) if value.lstrip().startswith(("[", "(")) else value
        return _quoted(value) if isinstance(listed, str) else _filter_values(listed)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        items = list(value)
        if items and all(parse("string", item) is not None for item in items):
            return ",".join(map(str, map(_quoted, items)))
    return _quoted(value)


def _quoted(value: Any) -> Any:
    if isinstance(value, (bool, str)):
        text = str(value)
        return text if _QUOTED.fullmatch(text) else json.dumps(text, ensure_ascii=False)
    return parse("string", value)


_TEXT: Final = r'"(?:[^"\\]|\\.)*"'
_QUOTED: Final = re.compile(_TEXT)
_VALUE: Final = rf"\s*(?:{_TEXT}|[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*"
_FILTER_VALUES: Final = re.compile(f"{_VALUE}(?:,{_VALUE})*")


def parse(type_name: str, value: Any) -> Any:
    """
    Read one value as a type of the API's.

    Without ``render_template_as_native_obj`` every template yields a text: ``"True"`` for a boolean, ``"0.5"`` for a
    number, ``"{'a': 1}"`` for a structure, ``"None"`` for what is not said. With it, a text that reads as a number or a
    boolean yields that, and is a text again where the API takes one.
    """
    if type_name == "string" and isinstance(value, (int, float)):
        return str(value)
    if not isinstance(value, str):
        return value
    if value.strip() == "None":
        return None
    if type_name == "boolean":
        return _BOOLEANS.get(value.strip().lower(), value)
    return value if type_name == "string" else _literal(value)


def _literal(text: str) -> Any:
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):  # the latter two by thousands of brackets
            continue
    return text


def faults(
    operation: str,
    shape: StructureShape,
    request: Mapping[str, Any],
    leave_out: Collection[str] = (),
    required: Collection[str] = (),
) -> list[str]:
    """
    List everything that is wrong with a request, one sentence each.

    :param operation: The operation's name, as in ``UpdateSolution``.
    :param shape: Its input shape in botocore's model.
    :param request: The request, with the API's member names.
    :param leave_out: The names of rules in :data:`ASSUMED` that are not to be asked.
    :param required: Members that must be given, besides those that the service requires.
    """
    found = list(_missing(shape, request, [*_REQUIRED_BY_PROSE.get(operation, ()), *required]))
    found += [_reworded(line) for line in _wrong_types(shape, request) if not line.startswith(_MISSING)]
    found += _beyond_types(shape, request, "")
    found += _wrong_arns(operation, shape, request)
    found += _reserved_tags(request)
    if operation in _RULES:
        found += _RULES[operation](request)
    for name, rules in ASSUMED.items():
        if operation in rules and name not in leave_out:
            found += rules[operation](request)
    return [presentable(fault) for fault in dict.fromkeys(found)]


def as_parameters(text: str, parameters: Mapping[str, str]) -> str:
    """
    Write a message about a request with the names of the operator's parameters: ``solution_arn`` for ``solutionArn``.

    :param text: The message. What is quoted in it was given, and stays.
    :param parameters: The parameters by the members of the request.
    """
    return _NAME_OR_QUOTED.sub(lambda found: parameters.get(found[0], found[0]), text)


# Members inside of a structure are written as the API has them by users, too.
_NAME_OR_QUOTED: Final = re.compile(r"""(?<!\w)(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?<![\w.])[A-Za-z]\w*""")


def _missing(shape: StructureShape, request: Mapping[str, Any], required: Collection[str]) -> Iterator[str]:
    for member in [*shape.required_members, *required]:
        if request.get(member) is None:
            form = _form(shape.members.get(member), member)
            yield f"{member} is missing or None: it " + (f"must be {form}" if form else "is required")


def _form(shape: Shape | None, name: str) -> str | None:
    """Say in words what a text must look like; None where that is not known."""
    if name == "recipeArn":
        return _RECIPE_FORM
    if resource := _BY_ARN_MEMBER.get(name.rpartition(".")[2]):
        return resource.arn_form
    return _FORMS.get(shape.name) if shape else None


_BY_ARN_MEMBER: Final = {resource.arn_member: resource for resource in RESOURCES.values()}


def _wrong_types(shape: StructureShape, request: Mapping[str, Any]) -> list[str]:
    from botocore.validate import ParamValidator

    report: str = ParamValidator().validate(_without_wrong_moments(shape, dict(request)), shape).generate_report()
    return report.splitlines()


def _without_wrong_moments(shape: Shape, value: Any) -> Any:
    """Replace moments that no date can hold: botocore calls their type wrong, or raises an error, by their size."""
    if shape.type_name == "timestamp" and _no_date_holds(value):
        return 0
    if shape.type_name == "structure" and isinstance(value, Mapping):
        known = shape.members
        return {
            name: _without_wrong_moments(known[name], item) if name in known else item for name, item in value.items()
        }
    if shape.type_name == "list" and isinstance(value, (list, tuple)):
        return [_without_wrong_moments(shape.member, item) for item in value]
    return value


# The years from 1 to 9999, which Python's datetime has, in seconds since 1970
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
_FINER: Final[Mapping[str, int]] = {"milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}


def _no_date_holds(moment: Any) -> bool:
    if isinstance(moment, bool):
        return True
    return isinstance(moment, (int, float)) and not _FIRST_SECOND <= moment <= _LAST_SECOND


def _wrong_moment(moment: Any, name: str) -> str:
    for unit, factor in _FINER.items():
        if not isinstance(moment, bool) and 0 < moment / factor <= _LAST_SECOND:
            return f"{name} is {moment!r}: give seconds since 1970, not {unit}: {int(moment / factor)}"
    return f"{name} is {moment!r}: allowed are a datetime, ISO 8601, and seconds since 1970"


def presentable(text: str) -> str:
    """
    Make a text fit for logs and errors: without its middle where it is long, and without what signs a request.

    That is in a presigned URL, and in what AWS answers to a wrong signature, with the session's token
    (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html).
    """
    text = _SIGNING.sub(r"\1***", text)
    return text if len(text) <= _MOST else f"{text[: _MOST // 2]} … {text[-_MOST // 2 :]}"


_MOST: Final = 2000
# So many characters of what was given are shown where it is too long.
_SHORT: Final = 100
_SIGNING: Final = re.compile(
    r"((?:x-amz-security-token|signature|credential)(?:=|%3d|:)\s*)[^\s&,;'\"\\]+", re.IGNORECASE
)


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


def _reworded(line: str) -> str:
    """Say what botocore reports as the other faults are said."""
    unknown = re.match(r'Unknown parameter in .*?: "(\w+)"', line)
    if unknown and unknown[1] in SINCE:
        return f"{unknown[1]} is not known to the installed botocore: it takes boto3 {SINCE[unknown[1]]} or newer"
    for theirs, ours in _REPORTED:
        line = re.sub(f"^{theirs}", ours, line)
    return re.sub(r"<class '([\w.]+)'>", r"\1", line)


def _beyond_types(shape: Shape, value: Any, name: str) -> Iterator[str]:
    """Find what botocore's model forbids and botocore itself lets through: lengths, patterns, values."""
    too_long = list(_too_long(shape, value, name)) if isinstance(value, (str, list, tuple, Mapping)) else []
    yield from too_long
    if isinstance(value, str):
        yield from () if too_long else _wrong_text(shape, value, name)
    elif shape.type_name == "timestamp" and _no_date_holds(value):
        yield _wrong_moment(value, name)
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
        yield f"{name} has {len(value)} {what}{given}: at most {most} are allowed"


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

    In ``.*:.*:.+`` the first colon serves as well as any later one, since the next gap takes what lies between. So it
    is enough to look for the first: an atomic group, written so that Python 3.10 knows it.
    """
    for theirs, ours in _UNICODE_CLASSES.items():
        pattern = pattern.replace(theirs, ours)
    number = itertools.count()
    return re.compile(
        _GAP.sub(lambda gap: "(?=(?P<g{0}>{1}*?{2}))(?P=g{0})".format(next(number), *gap.groups()), pattern)
    )


# A repeated class, and what lies between it and the same class, repeated again.
_GAP: Final = re.compile(r"(\.|\[(?:[^\]\\]|\\.)+\])\*((?:(?!\1[*+])[^()|])+)(?=\1[*+])")


def _wrong_arns(operation: str, shape: StructureShape, request: Mapping[str, Any]) -> Iterator[str]:
    """Find ARNs of another kind than the member asks for."""
    for resource in RESOURCES.values():
        value = request.get(resource.arn_member)
        if resource.arn_member not in shape.members or not isinstance(value, str):
            continue
        if operation.endswith("Campaign") and value.endswith(LATEST):
            resource, value = SOLUTION, value.removesuffix(LATEST)
        if value.startswith("arn:") and not resource.is_arn(value):
            yield f"{resource.arn_member} is {value!r}: it must be {resource.arn_form}"


def wrong_arn(parameter: str, value: object) -> str | None:
    """Say what is wrong with the ARN of a resource, in a parameter named after its kind; None where it is right."""
    resource = next(each for each in RESOURCES.values() if each.arn_parameter == parameter)
    return (
        None if resource.is_arn(value) else f"{parameter} is {presentable(repr(value))}: it must be {resource.arn_form}"
    )


def elsewhere(request: Mapping[str, Any], region: str) -> list[str]:
    """List ARNs of another region than the one that is asked: what is not found there is not gone."""
    arns = ((member, _REGIONAL.match(str(value))) for member, value in request.items())
    return [
        f"{member} is {request[member]!r}: it is of another region than {region}, which the task asks; see region_name"
        for member, arn in arns
        if arn and arn[1] != region
    ]


_REGIONAL: Final = re.compile("arn:[^:]+:personalize:([^:]+):")


def region_of(values: Iterable[Any]) -> str | None:
    """Return the region of the first ARN of Personalize among some values; None where there is none."""
    return next((arn[1] for value in values if (arn := _REGIONAL.match(str(value)))), None)


def _reserved_tags(request: Mapping[str, Any]) -> Iterator[str]:
    """Find tags of AWS's own (https://docs.aws.amazon.com/personalize/latest/dg/personalize-managing-tags.html)."""
    tags = request.get("tags")
    for tag in tags if isinstance(tags, (list, tuple)) else ():
        for member in ("tagKey", "tagValue"):
            if str(_dig(tag, member)).lower().startswith("aws:"):
                yield f"tags: {member} is {tag[member]!r}: what begins with aws: is reserved"


_RATE: Final = re.compile(r"rate\(([0-9]{1,9}) days?\)")


def rate_days(expression: object) -> int | None:
    """Read the days out of ``rate(3 days)``; None for any other text."""
    match = _RATE.fullmatch(expression) if isinstance(expression, str) else None
    return int(match[1]) if match else None


def _update_solution(request: Mapping[str, Any]) -> Iterator[str]:
    """Check what only the prose says (https://docs.aws.amazon.com/personalize/latest/dg/API_UpdateSolution.html)."""
    yield from _wrong_schedule(request, "solutionUpdateConfig")


def _wrong_schedule(request: Mapping[str, Any], config: str) -> Iterator[str]:
    """Check the rate: https://docs.aws.amazon.com/personalize/latest/dg/API_AutoTrainingConfig.html."""
    days = rate_days(_dig(request, config, *_SCHEDULE))
    if days is not None and not 1 <= days <= 30:
        yield f"{_named(request, config)}: it must be {_FORMS['SchedulingExpression']}"


def _idle_schedule(request: Mapping[str, Any]) -> Iterator[str]:
    """Find a schedule where automatic training is off: the guide leaves it out then (updating-solution.html)."""
    for config in ("solutionConfig", "solutionUpdateConfig"):
        if _dig(request, config, *_SCHEDULE) is not None and request.get("performAutoTraining") is False:
            named = _named(request, config)
            yield f"{named} and performAutoTraining is False: a schedule is allowed only with automatic training"


_SCHEDULE: Final = ("autoTrainingConfig", "schedulingExpression")


def _named(request: Mapping[str, Any], config: str) -> str:
    return f"{'.'.join((config, *_SCHEDULE))} is {_dig(request, config, *_SCHEDULE)!r}"


def _create_solution(request: Mapping[str, Any]) -> Iterator[str]:
    """Check what only the prose says (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateSolution.html)."""
    yield from _wrong_schedule(request, "solutionConfig")
    recipe = request.get("recipeArn")
    if request.get("performAutoML") is True and recipe is not None:
        yield f"recipeArn is {recipe!r} and performAutoML is True: leave out one of them"
    if request.get("performAutoML") is not True and recipe is None:
        yield "recipeArn is missing: it is required unless performAutoML is True"
    yield from _wrong_recipe(request)


def _wrong_recipe(request: Mapping[str, Any]) -> Iterator[str]:
    recipe = request.get("recipeArn")
    if isinstance(recipe, str) and recipe.startswith("arn:") and not _RECIPE.fullmatch(recipe):
        yield f"recipeArn is {recipe!r}: it must be {_RECIPE_FORM}"


_RECIPE: Final = re.compile(r"arn:aws[a-z-]*:personalize:::recipe/aws-[a-z\d-]+")


def _create_dataset_group(request: Mapping[str, Any]) -> Iterator[str]:
    """Check what only the prose says (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateDatasetGroup.html)."""
    if request.get("roleArn") is not None and request.get("kmsKeyArn") is None:
        yield "roleArn is given without kmsKeyArn: a role is allowed only with a key"
    if request.get("kmsKeyArn") is not None and request.get("roleArn") is None:
        yield "kmsKeyArn is given without roleArn: a key needs a role that may use it"


def _create_schema(request: Mapping[str, Any]) -> Iterator[str]:
    """Check that it is Avro, in JSON (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateSchema.html)."""
    if not isinstance(request.get("schema"), str):
        return
    try:
        avro = json.loads(request["schema"])
    except (ValueError, RecursionError) as error:
        yield f"schema is not JSON: {error}"
    else:
        if not isinstance(avro, dict) or avro.get("type") != "record":
            yield "schema must be an Avro record"


#: https://docs.aws.amazon.com/personalize/latest/dg/API_CreateDataset.html
_DATASET_TYPES: Final = ("INTERACTIONS", "ITEMS", "USERS", "ACTIONS", "ACTION_INTERACTIONS")


def _create_dataset(request: Mapping[str, Any]) -> Iterator[str]:
    """Check the type, which only the prose lists."""
    wanted = request.get("datasetType")
    if isinstance(wanted, str) and wanted.upper() not in _DATASET_TYPES:
        yield f"datasetType is {wanted!r}: allowed are {', '.join(_DATASET_TYPES)}"


def _no_location(request: Mapping[str, Any]) -> Iterator[str]:
    """Require the location, which the model leaves optional because the structure is shared."""
    if isinstance(request.get("dataSource"), Mapping) and _dig(request, "dataSource", "dataLocation") is None:
        yield "dataSource.dataLocation is missing"


def _get_recommendations(request: Mapping[str, Any]) -> Iterator[str]:
    """
    Check what only the prose says (https://docs.aws.amazon.com/personalize/latest/dg/API_RS_GetRecommendations.html).

    That a campaign and a recommender at once are refused is assumed.
    """
    if ("campaignArn" in request) == ("recommenderArn" in request):
        yield "give either campaignArn or recommenderArn"
    most = 50 if "metadataColumns" in request else 500
    count = request.get("numResults")
    if isinstance(count, int) and count > most:
        yield f"numResults is {count}: at most {most} is allowed" + (" with metadataColumns" if most == 50 else "")


def _events(member: str) -> Callable[[Mapping[str, Any]], Iterator[str]]:
    def rule(request: Mapping[str, Any]) -> Iterator[str]:
        """Check the names of properties (https://docs.aws.amazon.com/personalize/latest/dg/API_UBS_Event.html)."""
        events = request.get(member)
        for number, event in enumerate(events if isinstance(events, (list, tuple)) else ()):
            properties = parse("structure", _dig(event, "properties"))
            taken = [name for name in properties if name.lower() in _TAKEN] if isinstance(properties, dict) else []
            if taken:
                yield f"{member}[{number}].properties has {', '.join(taken)}: not allowed as the name of a property"

    return rule


_TAKEN: Final = {"userid", "sessionid", "eventtype", "timestamp", "recommendationid", "impression"}


def _campaign(request: Mapping[str, Any]) -> Iterator[str]:
    """Check what only the prose says (https://docs.aws.amazon.com/personalize/latest/dg/API_CampaignConfig.html)."""
    version = request.get("solutionVersionArn")
    in_sync = _dig(request, "campaignConfig", "syncWithLatestSolutionVersion") is True
    if in_sync and isinstance(version, str) and not version.endswith(LATEST):
        yield (
            "campaignConfig.syncWithLatestSolutionVersion is True: solutionVersionArn must be the solution's ARN "
            f"followed by {LATEST}"
        )


def _nothing_to_change(*members: str) -> _Rule:
    """Make the rule that at least one of some members is given."""

    def rule(request: Mapping[str, Any]) -> Iterator[str]:
        if not any(_says_something(member, request.get(member)) for member in members):
            yield f"nothing to change: give at least one of {', '.join(members)}"

    return rule


def _says_something(member: str, value: Any) -> bool:
    if isinstance(value, Mapping) and member not in _CLEARED:
        return any(_says_something(name, item) for name, item in value.items())
    return value is not None


# Replaced as a whole, so that an empty one removes what is set.
_CLEARED: Final = frozenset({"campaignConfig", "eventsConfig"})


def _dig(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


_Rules = Mapping[str, _Rule]

_RULES: Final[_Rules] = {
    "CreateCampaign": _campaign,
    "CreateDataset": _create_dataset,
    "CreateDatasetGroup": _create_dataset_group,
    "CreateRecommender": _wrong_recipe,
    "CreateSchema": _create_schema,
    "CreateSolution": _create_solution,
    "GetRecommendations": _get_recommendations,
    "PutActionInteractions": _events("actionInteractions"),
    "PutEvents": _events("eventList"),
    "UpdateCampaign": _campaign,
    "UpdateSolution": _update_solution,
}
# Rules of which nobody outside of AWS knows whether the service refuses what they find, by name
ASSUMED: Final[Mapping[str, _Rules]] = {
    "empty_update": {
        "UpdateCampaign": _nothing_to_change("solutionVersionArn", "minProvisionedTPS", "campaignConfig"),
        "UpdateMetricAttribution": _nothing_to_change("addMetrics", "removeMetrics", "metricsOutputConfig"),
        "UpdateSolution": _nothing_to_change("performAutoTraining", "performIncrementalUpdate", "solutionUpdateConfig"),
    },
    "schedule_with_training_off": {"CreateSolution": _idle_schedule, "UpdateSolution": _idle_schedule},
    "import_without_location": {"CreateDataDeletionJob": _no_location, "CreateDatasetImportJob": _no_location},
}
