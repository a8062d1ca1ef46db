"""The fixtures as the tests of a user's own project meet them."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from airflow_provider_personalize import pytest_plugin

pytest_plugins = "pytester"

GUIDE = Path(__file__).parents[1] / "docs" / "emulator" / "local-personalize.md"

PROJECT = """
    import os

    import boto3
    import pytest
    from botocore.exceptions import ClientError

    GROUP = "arn:aws:personalize:us-east-1:123456789012:dataset-group/shop"

    def status(client):
        return client.describe_dataset_group(datasetGroupArn=GROUP)["datasetGroup"]["status"]

    def test_time_stands_still_until_the_test_says_so(local_personalize):
        client = boto3.client("personalize")
        client.create_dataset_group(name="shop")
        assert status(client) == "CREATE PENDING"
        local_personalize.clock.advance(60)
        assert status(client) == "ACTIVE"
        assert len(local_personalize.calls.of("DescribeDatasetGroup", GROUP)) == 2

    @pytest.mark.local_personalize(speed=60)
    def test_time_runs_if_a_speed_is_set(local_personalize):
        assert local_personalize.clock.speed == 60

    def test_faults_are_injected(local_personalize):
        local_personalize.faults.fail_next("CreateDatasetGroup", reason="Because.")
        local_personalize.quotas.set("schema", 0)
        local_personalize.assumptions.unchanged_update = "ignored"
        client = local_personalize.client()
        client.create_dataset_group(name="shop")
        local_personalize.clock.advance(60)
        assert status(client) == "CREATE FAILED"

    def test_nothing_is_left_of_the_tests_before(local_personalize):
        assert local_personalize.client().list_dataset_groups()["datasetGroups"] == []
        assert local_personalize.quotas.in_force()["schema"] == 500
        assert local_personalize.assumptions.unchanged_update == "accepted"
        assert local_personalize.faults.told() == []
        assert local_personalize.clock.speed == 0

    def test_s3_is_there_too(local_personalize):
        local_personalize.client("s3").create_bucket(Bucket="shop")

    def test_an_endpoint_serves_whatever_reads_the_environment(personalize_endpoint):
        assert os.environ["AWS_ENDPOINT_URL"] == personalize_endpoint.url
        client = boto3.client("personalize")
        client.create_dataset_group(name="shop")
        personalize_endpoint.faults.error_next("DescribeDatasetGroup", "AccessDeniedException")
        with pytest.raises(ClientError, match="AccessDenied"):
            status(personalize_endpoint.client())
        personalize_endpoint.clock.advance(60)
        assert status(client) == "ACTIVE"

    def test_no_endpoint_is_left_in_the_environment():
        assert "AWS_ENDPOINT_URL" not in os.environ
        assert os.environ["AWS_PROFILE"] == "mine"
"""


@pytest.fixture(autouse=True)
def _somebodys_own_account(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "mine")


def test_pytest_finds_the_plugin_by_itself():
    (found,) = entry_points(group="pytest11", name="personalize")
    assert found.load() is pytest_plugin


def test_a_users_tests_get_a_local_personalize_each(pytester):
    pytester.makepyfile(PROJECT)
    pytester.runpytest_subprocess("--strict-markers", "-Werror::pytest.PytestWarning").assert_outcomes(passed=7)


OPERATORS = """
    import pytest

    from airflow_provider_personalize.operators import (
        CreateDatasetGroupOperator, CreateDatasetImportJobOperator, CreateEventTrackerOperator, PutEventsOperator
    )
    from airflow_provider_personalize.sensors import DatasetGroupSensor

    pytestmark = pytest.mark.local_personalize(speed=600)

    def test_an_operator_with_a_link_a_push_and_a_sensor(local_personalize):
        group = CreateDatasetGroupOperator(task_id="a", name="shop", waiter_delay=0.1).execute(context={})
        tracker = CreateEventTrackerOperator(task_id="b", name="shop", dataset_group_arn=group, waiter_delay=0.1)
        assert tracker.execute(context={}).startswith("arn:")
        sensor = DatasetGroupSensor(task_id="c", dataset_group_arn=group, poke_interval=0.1)
        assert sensor.poke(context={}) is True
        sensor.execute(context={})

    def test_each_call_is_a_task_instance_of_its_own(local_personalize):
        local_personalize.assumptions.import_without_location = "accepted"
        client = local_personalize.client()
        group = CreateDatasetGroupOperator(task_id="a", name="shop", waiter_delay=0.1).execute(context={})
        schema = {"type": "record", "name": "Interactions", "namespace": "com.amazonaws.personalize.schema",
                  "version": "1.0", "fields": [{"name": "USER_ID", "type": "string"},
                  {"name": "ITEM_ID", "type": "string"}, {"name": "TIMESTAMP", "type": "long"}]}
        import json
        schema = client.create_schema(name="shop", schema=json.dumps(schema))["schemaArn"]
        dataset = client.create_dataset(
            name="shop", schemaArn=schema, datasetGroupArn=group, datasetType="Interactions"
        )["datasetArn"]
        local_personalize.clock.advance(600)
        job = CreateDatasetImportJobOperator(
            task_id="b", dataset_arn=dataset, data_source={"dataLocation": "s3://shop/a/"},
            role_arn="arn:aws:iam::123456789012:role/personalize", wait_for_completion=False,
        )
        assert job.execute(context={}) != job.execute(context={})
"""


@pytest.mark.slow
def test_a_users_tests_execute_operators_without_connection_database_or_context(pytester, monkeypatch):
    monkeypatch.setenv("AIRFLOW_HOME", str(pytester.path))
    pytester.makepyfile(OPERATORS)
    pytester.runpytest_subprocess("-p", "no:xdist").assert_outcomes(passed=2)


def test_a_users_run_that_uses_no_fixture_imports_nothing_of_it(pytester):
    pytester.makepyfile("""
        import sys

        def test_nothing_heavy_is_imported():
            assert not {"moto", "boto3", "botocore", "airflow", "werkzeug"} & set(sys.modules)
    """)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_without_moto_only_the_tests_that_need_it_fail_and_say_what_to_install(pytester):
    pytester.makeconftest("import sys\nsys.modules['moto'] = None")
    pytester.makepyfile("""
        def test_own():
            pass

        def test_with(local_personalize):
            pass

        def test_with_endpoint(personalize_endpoint):
            pass
    """)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=2)
    for fixture in ("local_personalize", "personalize_endpoint"):
        result.stdout.fnmatch_lines(f"*{fixture} needs moto: pip install 'airflow-provider-personalize[[]emulator]'*")
    assert "another exception" not in result.stdout.str()


def test_the_marker_takes_a_speed_and_nothing_else(pytester):
    pytester.makepyfile("""
        import pytest

        @pytest.mark.local_personalize(60)
        def test_by_place(local_personalize):
            assert local_personalize.clock.speed == 60

        @pytest.mark.local_personalize(sped=60)
        def test_misspelt(local_personalize):
            pass

        @pytest.mark.local_personalize(speed="fast")
        def test_nonsense(local_personalize):
            pass
    """)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(["*unexpected keyword argument 'sped'*", "*speed is 'fast'*"])


def test_the_plugin_costs_next_to_nothing_beside_pytest():
    script = "import pytest, sys; before = set(sys.modules)\nimport airflow_provider_personalize.pytest_plugin\n"
    script += "print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["['airflow_provider_personalize',", "'airflow_provider_personalize.pytest_plugin']"]


@pytest.mark.slow
@pytest.mark.parametrize("page", [GUIDE, GUIDE.parents[1] / "guides" / "testing.md"], ids=lambda page: page.stem)
def test_the_recipe_of_the_guide_tests_a_whole_dag(pytester, page):
    for block in re.findall(r"```py\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        path = pytester.path / block.splitlines()[0].removeprefix("# ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(block)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist")
    result.assert_outcomes(passed=2)
