"""Requests are validated before the service is called: by botocore's model, and by the prose of the API reference."""

from __future__ import annotations

import botocore.session
import pytest

from airflow_provider_personalize.request_rules import validation_errors
from airflow_provider_personalize.shape_rules import SINCE

MODEL = botocore.session.get_session().get_service_model("personalize")
SOLUTION = "arn:aws:personalize:us-east-1:123456789012:solution/shop"


def update_errors(**request: object) -> list[str]:
    shape = MODEL.operation_model("UpdateSolution").input_shape
    return validation_errors("UpdateSolution", shape, {"solutionArn": SOLUTION, **request})


def schedule(expression: object) -> dict[str, object]:
    return {"autoTrainingConfig": {"schedulingExpression": expression}}


def events(*parameters: object) -> dict[str, object]:
    return {"eventsConfig": {"eventParametersList": list(parameters)}}


@pytest.mark.parametrize("expression", ["rate(1 day)", "rate(1 days)", "rate(7 day)", "rate(30 days)"])
def test_a_rate_of_one_to_thirty_days_is_allowed(expression):
    assert update_errors(performAutoTraining=True, solutionUpdateConfig=schedule(expression)) == []


@pytest.mark.parametrize(
    ("request_", "named", "given"),
    [
        ({"solutionUpdateConfig": schedule("rate(0 days)")}, "schedulingExpression", "rate(0 days)"),
        ({"solutionUpdateConfig": schedule("rate(31 days)")}, "schedulingExpression", "rate(31 days)"),
        ({"solutionUpdateConfig": schedule("rate(3 hours)")}, "schedulingExpression", "rate(3 hours)"),
        ({"solutionUpdateConfig": schedule("cron(0 0 * * ? *)")}, "schedulingExpression", "cron"),
        ({"solutionUpdateConfig": schedule("")}, "schedulingExpression", "0"),
        ({"solutionUpdateConfig": schedule(3)}, "schedulingExpression", "3"),
        ({"solutionUpdateConfig": schedule("rate(3 days)"), "performAutoTraining": False}, "performAutoTraining", "3"),
        ({"solutionUpdateConfig": events(*[{"eventType": "x"}] * 11)}, "eventParametersList", "11"),
        ({"solutionUpdateConfig": events({"eventType": "x", "weight": 1.01})}, "weight", "1.01"),
        ({"solutionUpdateConfig": events({"eventType": "x", "weight": -0.1})}, "weight", "-0.1"),
        ({"solutionUpdateConfig": events({"eventType": "x" * 257})}, "eventType", "257"),
        ({"performAutoTraining": "maybe"}, "performAutoTraining", "maybe"),
        ({"performAutoTraining": True, "solutionArn": "shop"}, "solutionArn", "shop"),
        ({"performAutoTraining": True, "solutionArn": f"{SOLUTION}/0a1b2c3d"}, "solutionArn", "0a1b2c3d"),
        (
            {"performAutoTraining": True, "solutionArn": SOLUTION.replace("solution/", "campaign/")},
            "solutionArn",
            "camp",
        ),
        ({"performAutoTrainings": True}, "performAutoTrainings", "Unknown"),
        ({}, "performAutoTraining", "nothing to change"),
        ({"solutionUpdateConfig": {}}, "solutionUpdateConfig", "nothing to change"),
        ({"solutionUpdateConfig": {"autoTrainingConfig": {}}}, "solutionUpdateConfig", "nothing to change"),
        ({"solutionUpdateConfig": events({"eventType": "x", "weight": float("nan")})}, "weight", "nan"),
    ],
)
def test_an_error_names_the_member_and_its_value(request_, named, given):
    found = [error for error in update_errors(**request_) if named in error and given in error]
    assert found


def test_all_errors_are_listed_at_once():
    config = {**schedule("rate(99 days)"), **events({"eventType": "x", "weight": 7})}
    found = update_errors(solutionArn="shop", performAutoTraining="maybe", solutionUpdateConfig=config)
    for named in ("solutionArn", "performAutoTraining", "schedulingExpression", "weight"):
        assert any(named in error for error in found), named


PREFIX = "arn:aws:personalize:us-east-1:123456789012:"
NEWER = {
    "eventsConfig": ("UpdateSolution", {"solutionUpdateConfig": events({"eventType": "x"})}),
    "performIncrementalUpdate": ("UpdateSolution", {"performIncrementalUpdate": True}),
    "rankingInfluence": ("UpdateCampaign", {"campaignConfig": {"rankingInfluence": {"POPULARITY": 0.5}}}),
    "includedDatasetColumns": (
        "UpdateRecommender",
        {"recommenderConfig": {"trainingDataConfig": {"includedDatasetColumns": {"ITEMS": ["GENRE"]}}}},
    ),
}


@pytest.mark.parametrize("member", SINCE)
def test_a_member_that_this_botocore_does_not_know_names_the_version_that_does(member):
    """An older model: today's without the member."""
    operation, request = NEWER[member]
    resource_type = operation.removeprefix("Update").lower()
    shape = _without(MODEL.operation_model(operation).input_shape, member)
    found = validation_errors(operation, shape, {f"{resource_type}Arn": f"{PREFIX}{resource_type}/shop", **request})
    assert found == [f"{member} is not known to the installed botocore: it takes boto3 {SINCE[member]} or newer"]


CAMPAIGN = f"{PREFIX}campaign/shop"


@pytest.mark.parametrize(
    ("operation", "request_", "named"),
    [
        ("UpdateCampaign", {"campaignArn": CAMPAIGN}, "nothing to change"),
        (
            "UpdateCampaign",
            {"campaignArn": CAMPAIGN, "solutionVersionArn": SOLUTION},
            "must be the ARN of a solution version, such as",
        ),
        ("UpdateMetricAttribution", {"addMetrics": []}, "metricAttributionArn is missing"),
        ("UpdateMetricAttribution", {"metricAttributionArn": f"{PREFIX}metric-attribution/a"}, "nothing to change"),
        (
            "CreateCampaign",
            {
                "name": "c",
                "solutionVersionArn": f"{SOLUTION}/0a1b2c3d",
                "campaignConfig": {"syncWithLatestSolutionVersion": True},
            },
            "must be the solution's ARN followed by /$LATEST",
        ),
        (
            "CreateRecommender",
            {"name": "r", "datasetGroupArn": f"{PREFIX}dataset-group/g", "recipeArn": SOLUTION},
            "it must be the ARN of a recipe, such as",
        ),
    ],
)
def test_what_only_the_prose_says_of_serving_is_said_too(operation, request_, named):
    found = validation_errors(operation, MODEL.operation_model(operation).input_shape, request_)
    assert any(named in error for error in found)


@pytest.mark.parametrize("synced", [True, False])
def test_a_campaign_may_be_of_the_latest_version(synced):
    request = {
        "campaignArn": CAMPAIGN,
        "solutionVersionArn": f"{SOLUTION}/$LATEST",
        "campaignConfig": {"syncWithLatestSolutionVersion": synced},
    }
    assert validation_errors("UpdateCampaign", MODEL.operation_model("UpdateCampaign").input_shape, request) == []


def _without(shape, member):
    from botocore.model import ServiceModel

    definition = {"metadata": MODEL.metadata, "operations": {}, "shapes": {}}
    definition["shapes"] = {
        name: {**body, "members": {key: value for key, value in body.get("members", {}).items() if key != member}}
        if "members" in body
        else body
        for name, body in MODEL._service_description["shapes"].items()
    }
    return ServiceModel(definition).shape_for(shape.name)


@pytest.mark.parametrize("name", ["a b", "shop\n", "$LATEST", "", "-shop"])
def test_an_arn_with_a_name_that_the_service_does_not_allow_is_none(name):
    assert update_errors(performAutoTraining=True, solutionArn=f"{SOLUTION.rpartition('/')[0]}/{name}")


def test_tags_in_any_script_are_allowed():
    shape = MODEL.operation_model("CreateDatasetImportJob").input_shape
    request = {
        "jobName": "a",
        "datasetArn": SOLUTION.replace("solution/shop", "dataset/shop/INTERACTIONS"),
        "dataSource": {"dataLocation": "s3://bucket/key.csv"},
        "roleArn": "arn:aws:iam::123456789012:role/personalize",
        "tags": [{"tagKey": "größe", "tagValue": "東京 1"}],
    }
    assert validation_errors("CreateDatasetImportJob", shape, request) == []
    request["tags"] = [{"tagKey": "a?b", "tagValue": ""}]
    assert any("tagKey" in error for error in validation_errors("CreateDatasetImportJob", shape, request))


PREFIX = SOLUTION.removesuffix("solution/shop")
ROLE = "arn:aws:iam::123456789012:role/personalize"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1"
DATASET = {"name": "a", "schemaArn": f"{PREFIX}schema/a", "datasetGroupArn": f"{PREFIX}dataset-group/a"}
DELETION = {"jobName": "a", "datasetGroupArn": f"{PREFIX}dataset-group/a", "roleArn": ROLE}


def errors_of(operation: str, request: dict[str, object]) -> list[str]:
    return validation_errors(operation, MODEL.operation_model(operation).input_shape, request)


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("CreateSchema", {"name": "a", "schema": '{"type": "record"}'}),
        ("CreateDatasetGroup", {"name": "a"}),
        ("CreateDatasetGroup", {"name": "a", "roleArn": ROLE, "kmsKeyArn": KEY}),
        ("CreateDataset", {**DATASET, "datasetType": "Action_Interactions"}),
        ("CreateDataDeletionJob", {**DELETION, "dataSource": {"dataLocation": "s3://bucket/users.csv"}}),
        ("TagResource", {"resourceArn": SOLUTION, "tags": [{"tagKey": "team:aws:", "tagValue": ""}]}),
    ],
)
def test_what_the_prose_allows_is_valid(operation, request_):
    assert errors_of(operation, request_) == []


@pytest.mark.parametrize(
    ("operation", "request_", "named"),
    [
        ("CreateSchema", {"name": "a", "schema": "{"}, "schema is not JSON"),
        ("CreateSchema", {"name": "a", "schema": "[]"}, "schema must be an Avro record"),
        ("CreateSchema", {"name": "a", "schema": '{"type": "array"}'}, "schema must be an Avro record"),
        ("CreateDatasetGroup", {"name": "a", "roleArn": ROLE}, "roleArn is given without kmsKeyArn"),
        ("CreateDatasetGroup", {"name": "a", "kmsKeyArn": KEY}, "kmsKeyArn is given without roleArn"),
        ("CreateDataset", {**DATASET, "datasetType": "SALES"}, "datasetType is 'SALES': allowed are INTERACTIONS, "),
        ("CreateDataDeletionJob", {**DELETION, "dataSource": {}}, "dataSource.dataLocation is missing"),
        ("CreateDatasetGroup", {"name": "a", "tags": [{"tagKey": "AWS:x", "tagValue": ""}]}, "tags: tagKey is 'AWS:x'"),
        ("TagResource", {"resourceArn": SOLUTION, "tags": [{"tagKey": "x", "tagValue": "aws:x"}]}, "tags: tagValue"),
    ],
)
def test_what_only_the_prose_forbids_is_an_error(operation, request_, named):
    (error,) = errors_of(operation, request_)
    assert error.startswith(named)
