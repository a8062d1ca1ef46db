"""What is wrong with a request, said before the service is asked."""

from __future__ import annotations

from collections import UserList

import botocore.session
import pytest

from airflow_provider_personalize.validation import SINCE, coerce, faults

MODEL = botocore.session.get_session().get_service_model("personalize")
SOLUTION = "arn:aws:personalize:us-east-1:123456789012:solution/shop"


def update_faults(**request: object) -> list[str]:
    shape = MODEL.operation_model("UpdateSolution").input_shape
    return faults("UpdateSolution", shape, {"solutionArn": SOLUTION, **request})


def schedule(expression: object) -> dict[str, object]:
    return {"autoTrainingConfig": {"schedulingExpression": expression}}


def events(*parameters: object) -> dict[str, object]:
    return {"eventsConfig": {"eventParametersList": list(parameters)}}


@pytest.mark.parametrize("expression", ["rate(1 day)", "rate(1 days)", "rate(7 day)", "rate(30 days)"])
def test_a_rate_of_one_to_thirty_days_is_allowed(expression):
    assert update_faults(performAutoTraining=True, solutionUpdateConfig=schedule(expression)) == []


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
def test_a_fault_is_named_with_what_was_given(request_, named, given):
    found = [fault for fault in update_faults(**request_) if named in fault and given in fault]
    assert found


def test_all_faults_are_listed_at_once():
    config = {**schedule("rate(99 days)"), **events({"eventType": "x", "weight": 7})}
    found = update_faults(solutionArn="shop", performAutoTraining="maybe", solutionUpdateConfig=config)
    for named in ("solutionArn", "performAutoTraining", "schedulingExpression", "weight"):
        assert any(named in fault for fault in found), named


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
    kind = operation.removeprefix("Update").lower()
    shape = _without(MODEL.operation_model(operation).input_shape, member)
    found = faults(operation, shape, {f"{kind}Arn": f"{PREFIX}{kind}/shop", **request})
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
    found = faults(operation, MODEL.operation_model(operation).input_shape, request_)
    assert any(named in fault for fault in found)


@pytest.mark.parametrize("synced", [True, False])
def test_a_campaign_may_be_of_the_latest_version(synced):
    request = {
        "campaignArn": CAMPAIGN,
        "solutionVersionArn": f"{SOLUTION}/$LATEST",
        "campaignConfig": {"syncWithLatestSolutionVersion": synced},
    }
    assert faults("UpdateCampaign", MODEL.operation_model("UpdateCampaign").input_shape, request) == []


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


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        ("True", True),
        ("false", False),
        (" TRUE ", True),
        (True, True),
        (None, None),
        ("None", None),
        ("maybe", "maybe"),
        (1, 1),
    ],
)
def test_a_boolean_may_come_as_text(given, understood):
    shape = MODEL.operation_model("UpdateSolution").input_shape.members["performAutoTraining"]
    assert coerce(shape, given) is understood


def test_what_a_template_yields_as_text_becomes_what_the_request_needs():
    shape = MODEL.operation_model("UpdateSolution").input_shape.members["solutionUpdateConfig"]
    wanted = events({"eventType": "7", "eventValueThreshold": 0.5, "weight": 1})
    as_texts = events({"eventType": "7", "eventValueThreshold": "0.5", "weight": "1"})
    for given in (wanted, as_texts, repr(wanted), str(wanted).replace("'", '"')):
        assert coerce(shape, given) == wanted
    assert coerce(shape, "no structure") == "no structure"


def test_any_sequence_is_a_list():
    """What the instances of a mapped task returned comes to the next task as a sequence that is no list."""
    shape = MODEL.operation_model("TagResource").input_shape.members["tags"]
    assert coerce(shape, UserList([{"tagKey": "a", "tagValue": 1}])) == [{"tagKey": "a", "tagValue": "1"}]
    assert coerce(shape, "no list") == "no list"


def test_a_text_of_digits_stays_a_text_where_templates_are_native():
    shape = MODEL.operation_model("CreateDatasetImportJob").input_shape
    assert coerce(shape, {"jobName": 20260101})["jobName"] == "20260101"


@pytest.mark.parametrize("name", ["a b", "shop\n", "$LATEST", "", "-shop"])
def test_an_arn_with_a_name_that_the_service_does_not_allow_is_none(name):
    assert update_faults(performAutoTraining=True, solutionArn=f"{SOLUTION.rpartition('/')[0]}/{name}")


def test_tags_in_any_script_are_allowed():
    shape = MODEL.operation_model("CreateDatasetImportJob").input_shape
    request = {
        "jobName": "a",
        "datasetArn": SOLUTION.replace("solution/shop", "dataset/shop/INTERACTIONS"),
        "dataSource": {"dataLocation": "s3://bucket/key.csv"},
        "roleArn": "arn:aws:iam::123456789012:role/personalize",
        "tags": [{"tagKey": "größe", "tagValue": "東京 1"}],
    }
    assert faults("CreateDatasetImportJob", shape, request) == []
    request["tags"] = [{"tagKey": "a?b", "tagValue": ""}]
    assert any("tagKey" in fault for fault in faults("CreateDatasetImportJob", shape, request))


PREFIX = SOLUTION.removesuffix("solution/shop")
ROLE = "arn:aws:iam::123456789012:role/personalize"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1"
DATASET = {"name": "a", "schemaArn": f"{PREFIX}schema/a", "datasetGroupArn": f"{PREFIX}dataset-group/a"}
DELETION = {"jobName": "a", "datasetGroupArn": f"{PREFIX}dataset-group/a", "roleArn": ROLE}


def any_faults(operation: str, request: dict[str, object]) -> list[str]:
    return faults(operation, MODEL.operation_model(operation).input_shape, request)


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
def test_what_the_prose_allows_is_no_fault(operation, request_):
    assert any_faults(operation, request_) == []


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
def test_what_only_the_prose_forbids_is_a_fault(operation, request_, named):
    (fault,) = any_faults(operation, request_)
    assert fault.startswith(named)
