"""
Rules for requests, checked before the service is called.

Some come from botocore's model (``shape_rules.py``), others from the prose of the API reference (here). One error lists
everything that is wrong. Operators check before they call; the emulator checks as the service would. Pure: shapes and
values in, sentences out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.arns import LATEST
from airflow_provider_personalize.coercion import parse
from airflow_provider_personalize.data.schemas import DATASET_TYPES, parse_avro
from airflow_provider_personalize.rates import rate_days
from airflow_provider_personalize.redaction import redact
from airflow_provider_personalize.resources import RESOURCE_TYPES, SOLUTION, SOLUTION_VERSION
from airflow_provider_personalize.shape_rules import FORMS, RECIPE_FORM, shape_errors

if TYPE_CHECKING:
    from botocore.model import StructureShape

_Rule = Callable[[Mapping[str, Any]], Iterator[str]]
_Rules = Mapping[str, _Rule]

# Required by the prose and not by the model; that the service refuses a request without it is assumed.
_REQUIRED_BY_PROSE: Final[Mapping[str, Collection[str]]] = {"UpdateMetricAttribution": ("metricAttributionArn",)}
_SCHEDULE: Final = ("autoTrainingConfig", "schedulingExpression")
_RECIPE: Final = r"arn:aws[a-z-]*:personalize:::recipe/aws-[a-z\d-]+"
_RESERVED_PROPERTIES: Final = {"userid", "sessionid", "eventtype", "timestamp", "recommendationid", "impression"}
# The service replaces these as a whole, so an empty one clears what is set.
_CLEARED: Final = frozenset({"campaignConfig", "eventsConfig"})
# Members inside a structure keep the API's names: users write them so, too.
_NAME_OR_QUOTED: Final = r"""(?<!\w)(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?<![\w.])[A-Za-z]\w*"""


def validation_errors(
    operation: str,
    shape: StructureShape,
    request: Mapping[str, Any],
    leave_out: Collection[str] = (),
    required: Collection[str] = (),
) -> list[str]:
    """
    List everything that is wrong with a request, one sentence each.

    :param operation: The operation, such as ``UpdateSolution``.
    :param shape: Its input shape in botocore's model.
    :param request: The request, with the API's member names.
    :param leave_out: Names of rules in :data:`ASSUMED` to skip.
    :param required: Members that must be given besides those that the service requires.
    """
    found = list(shape_errors(shape, request, [*_REQUIRED_BY_PROSE.get(operation, ()), *required]))
    found += _wrong_arns(operation, shape, request)
    found += _reserved_tags(request)
    if operation in _RULES:
        found += _RULES[operation](request)
    for name, rules in ASSUMED.items():
        if operation in rules and name not in leave_out:
            found += rules[operation](request)
    return [redact(error) for error in dict.fromkeys(found)]


def use_parameter_names(text: str, parameters: Mapping[str, str]) -> str:
    """
    Replace the API's member names in a message by the operator's parameter names: ``solution_arn`` for ``solutionArn``.

    :param text: The message. Quoted parts are what the user gave, and stay.
    :param parameters: The parameters' names by the API's.
    """
    return re.sub(_NAME_OR_QUOTED, lambda found: parameters.get(found[0], found[0]), text)


def _wrong_arns(operation: str, shape: StructureShape, request: Mapping[str, Any]) -> Iterator[str]:
    """Find ARNs of another resource type than the member takes."""
    for resource_type in RESOURCE_TYPES.values():
        value = request.get(resource_type.arn_member)
        if resource_type.arn_member not in shape.members or not isinstance(value, str):
            continue
        if operation.endswith("Campaign") and value.endswith(LATEST):
            resource_type, value = SOLUTION, value.removesuffix(LATEST)
        if operation == "ListCampaigns" and SOLUTION_VERSION.is_arn(value):
            continue  # recorded in a notebook of AWS's samples: it lists the campaigns of the version's solution
        if value.startswith("arn:") and not resource_type.is_arn(value):
            yield f"{resource_type.arn_member} is {value!r}: it must be {resource_type.arn_form}"


def _reserved_tags(request: Mapping[str, Any]) -> Iterator[str]:
    """Find tags that AWS reserves (https://docs.aws.amazon.com/personalize/latest/dg/personalize-managing-tags.html)."""
    tags = request.get("tags")
    for tag in tags if isinstance(tags, (list, tuple)) else ():
        for member in ("tagKey", "tagValue"):
            if str(_dig(tag, member)).lower().startswith("aws:"):
                yield f"tags: {member} is {tag[member]!r}: what begins with aws: is reserved"


def _update_solution(request: Mapping[str, Any]) -> Iterator[str]:
    """Check what only the prose says (https://docs.aws.amazon.com/personalize/latest/dg/API_UpdateSolution.html)."""
    yield from _wrong_schedule(request, "solutionUpdateConfig")


def _wrong_schedule(request: Mapping[str, Any], config: str) -> Iterator[str]:
    """Check the rate: https://docs.aws.amazon.com/personalize/latest/dg/API_AutoTrainingConfig.html."""
    days = rate_days(_dig(request, config, *_SCHEDULE))
    if days is not None and not 1 <= days <= 30:
        yield f"{_named(request, config)}: it must be {FORMS['SchedulingExpression']}"


def _idle_schedule(request: Mapping[str, Any]) -> Iterator[str]:
    """Find a schedule while automatic training is off: the guide leaves it out then (updating-solution.html)."""
    for config in ("solutionConfig", "solutionUpdateConfig"):
        if _dig(request, config, *_SCHEDULE) is not None and request.get("performAutoTraining") is False:
            named = _named(request, config)
            yield f"{named} and performAutoTraining is False: a schedule is allowed only with automatic training"


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
    if isinstance(recipe, str) and recipe.startswith("arn:") and not re.fullmatch(_RECIPE, recipe):
        yield f"recipeArn is {recipe!r}: it must be {RECIPE_FORM}"


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
        parse_avro(request["schema"])
    except ValueError as error:
        yield str(error)


def _create_dataset(request: Mapping[str, Any]) -> Iterator[str]:
    """Check the dataset type: only the prose lists the allowed ones."""
    wanted = request.get("datasetType")
    if isinstance(wanted, str) and wanted.upper() not in DATASET_TYPES:
        yield f"datasetType is {wanted!r}: allowed are {', '.join(DATASET_TYPES)}"


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
            names = properties if isinstance(properties, dict) else ()
            reserved = [name for name in names if name.lower() in _RESERVED_PROPERTIES]
            if reserved:
                yield f"{member}[{number}].properties has {', '.join(reserved)}: not allowed as the name of a property"

    return rule


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
    """Return the rule that at least one of some members is given."""

    def rule(request: Mapping[str, Any]) -> Iterator[str]:
        if not any(_says_something(member, request.get(member)) for member in members):
            yield f"nothing to change: give at least one of {', '.join(members)}"

    return rule


def _says_something(member: str, value: Any) -> bool:
    if isinstance(value, Mapping) and member not in _CLEARED:
        return any(_says_something(name, item) for name, item in value.items())
    return value is not None


def _dig(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


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
#: Rules by name of which it is not documented whether the service applies them
ASSUMED: Final[Mapping[str, _Rules]] = {
    "empty_update": {
        "UpdateCampaign": _nothing_to_change("solutionVersionArn", "minProvisionedTPS", "campaignConfig"),
        "UpdateMetricAttribution": _nothing_to_change("addMetrics", "removeMetrics", "metricsOutputConfig"),
        "UpdateSolution": _nothing_to_change("performAutoTraining", "performIncrementalUpdate", "solutionUpdateConfig"),
    },
    "schedule_with_training_off": {"CreateSolution": _idle_schedule, "UpdateSolution": _idle_schedule},
    "import_without_location": {"CreateDataDeletionJob": _no_location, "CreateDatasetImportJob": _no_location},
}
