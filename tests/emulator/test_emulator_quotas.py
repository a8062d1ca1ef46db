from __future__ import annotations

import json

import pytest
from shop import DATASET, LOCATION, PREFIX, SCHEMA, bring_interactions, open_shop
from test_emulated_solution import refusal
from test_emulator_server import ask

from airflow_provider_personalize.emulator import clock, faults, quotas
from airflow_provider_personalize.emulator.quotas import TABLE
from airflow_provider_personalize.emulator.server import Server
from airflow_provider_personalize.resources import RESOURCES

# The guide's page of quotas, read apart from the code: https://docs.aws.amazon.com/personalize/latest/dg/limits.html
GUIDE = {
    "schema": 500,
    "dataset_group": 5,
    "dataset_import_job": 5,
    "batch_inference_job": 5,
    "batch_segment_job": 5,
    "solution_version": 20,
    "solution": 10,
    "campaign": 5,
    "recommender": 5,
    "filter": 30,
    "data_deletion_job": 5,
}


def test_the_quotas_are_the_guides_and_each_is_of_a_known_kind():
    assert quotas.in_force() == GUIDE
    assert {row.kind for row in TABLE} <= set(RESOURCES)


def test_one_dataset_group_too_many_is_refused_and_one_less_makes_room(client):
    for number in range(5):
        client.create_dataset_group(name=f"g{number}")
    assert refusal(client.create_dataset_group, name="g5") == (
        "LimitExceededException",
        "Cannot create a dataset group. More than 5 resources in ACTIVE state. Please delete some and try again.",
    )
    clock.advance(60)
    refusal(client.create_dataset_group, name="g5")
    client.delete_dataset_group(datasetGroupArn=f"{PREFIX}dataset-group/g0")
    client.create_dataset_group(name="g5")


def test_what_failed_does_not_count_as_active(client):
    faults.fail_next("CreateDatasetGroup", reason="x", times=5)
    for number in range(5):
        client.create_dataset_group(name=f"g{number}")
    clock.advance(60)
    client.create_dataset_group(name="g5")


def test_solutions_are_counted_by_dataset_group(client, group):
    client.create_dataset_group(name="other")
    clock.advance(60)
    recipe = "arn:aws:personalize:::recipe/aws-user-personalization-v2"
    for number in range(10):
        client.create_solution(name=f"s{number}", datasetGroupArn=group, recipeArn=recipe)
    code, message = refusal(client.create_solution, name="s10", datasetGroupArn=group, recipeArn=recipe)
    assert (code, "More than 10 resources" in message) == ("LimitExceededException", True)
    client.create_solution(name="s10", datasetGroupArn=f"{PREFIX}dataset-group/other", recipeArn=recipe)


def test_a_sixth_import_waits_for_one_of_five_to_end(client):
    bring_interactions()
    open_shop()

    def start(name):
        client.create_dataset_import_job(jobName=name, datasetArn=DATASET, dataSource={"dataLocation": LOCATION})

    for number in range(5):
        start(f"job{number}")
    with pytest.raises(client.exceptions.LimitExceededException, match="More than 5 resources with PENDING or IN_PROG"):
        start("job5")
    clock.advance(600)
    start("job5")


def test_a_name_that_is_taken_is_said_before_a_quota_that_is_full(client):
    quotas.set("dataset_group", 1)
    client.create_dataset_group(name="a")
    assert refusal(client.create_dataset_group, name="a")[0] == "ResourceAlreadyExistsException"


def test_a_quota_can_be_set_taken_away_and_brought_back(client):
    quotas.set("schema", 0)
    assert refusal(client.create_schema, name="a", schema=json.dumps(SCHEMA))[0] == "LimitExceededException"
    quotas.set("schema", None)
    client.create_schema(name="a", schema=json.dumps(SCHEMA))
    quotas.reset()
    assert quotas.in_force() == GUIDE


@pytest.mark.parametrize(("kind", "number"), [("group", 1), ("schema", -1), ("schema", "many"), ("schema", True)])
def test_a_quota_that_makes_no_sense_is_refused(kind, number):
    with pytest.raises(ValueError, match=kind):
        quotas.set(kind, number)
    assert quotas.in_force() == GUIDE


def test_quotas_are_set_over_http():
    with Server() as server:
        assert ask(server, "POST", "quotas", {"dataset_group": 100, "schema": None})[0] == 200
        assert ask(server, "GET", "quotas") == (200, {**GUIDE, "dataset_group": 100, "schema": None})
        status, answer = ask(server, "POST", "quotas", {"schema": 7, "nonsense": 1})
        assert (status, "nonsense" in answer["error"]) == (400, True)
        assert quotas.in_force()["schema"] is None
