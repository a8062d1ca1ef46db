"""Tear a dataset group down, on the real operator, trigger and hook, against the local Personalize."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from shop import PREFIX, ROLE, SCHEMA
from task_runs import Run

from airflow_provider_personalize.emulator import assumptions, calls, clock, faults
from airflow_provider_personalize.emulator.service import paging
from airflow_provider_personalize.exceptions import InvalidRequestError, WaitTimeoutError
from airflow_provider_personalize.hooks import PersonalizeHook
from airflow_provider_personalize.operators import DeleteDatasetGroupOperator
from airflow_provider_personalize.resources import RESOURCE_TYPES, ResourceType

try:
    from airflow.sdk import DAG
except ImportError:
    from airflow import DAG

HOUR = 3600
GROUP = f"{PREFIX}dataset-group/doomed"
SHOP = f"{PREFIX}dataset-group/shop"
RECIPE = "arn:aws:personalize:::recipe/aws-"
READS = ("Describe", "List", "Get")
DELETABLE = ("campaign", "recommender", "solution", "event_tracker", "metric_attribution", "filter", "dataset",
         "dataset_group", "schema")  # fmt: skip
FIELDS = {
    "Interactions": [*SCHEMA["fields"], {"name": "EVENT_TYPE", "type": "string"}],
    "Items": [
        {"name": "ITEM_ID", "type": "string"},
        {"name": "PRICE", "type": "float"},
        {"name": "CATEGORY_L1", "type": "string", "categorical": True},
    ],
}
#: The slow test crashes behind each so many calls.
_STEP = 7
deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])


def tear_down(**parameters: Any) -> Run:
    given = {"dataset_group_arn": GROUP, "cascade": True, **parameters}
    return Run(lambda: DeleteDatasetGroupOperator(task_id="tear_down", **given))


def summaries(client: Any, resource_type: str) -> list[dict[str, Any]]:
    return getattr(client, f"list_{resource_type}s")()[RESOURCE_TYPES[resource_type].list_member]


def existing(client: Any) -> set[str]:
    """The ARNs of all that can be deleted, whichever group it is in."""
    return {
        each[RESOURCE_TYPES[resource_type].arn_member]
        for resource_type in DELETABLE
        for each in summaries(client, resource_type)
    }


def changes() -> list[str]:
    """The operations that were called and that change something."""
    return [call.operation for call in calls if not call.operation.startswith(READS)]


def open_doomed(client: Any, number: str = "") -> None:
    """A group with one of everything in it, next to the shop."""
    client.create_dataset_group(name="doomed", domain="ECOMMERCE")
    clock.advance(HOUR)
    s3 = boto3.client("s3", region_name="us-east-1")
    for resource_type, fields in FIELDS.items():
        text = json.dumps({**SCHEMA, "name": resource_type, "fields": fields})
        schema = client.create_schema(name=resource_type, schema=text, domain="ECOMMERCE")["schemaArn"]
        client.create_dataset(name=resource_type, schemaArn=schema, datasetGroupArn=GROUP, datasetType=resource_type)
    clock.advance(HOUR)
    rows = "".join(f"u{n % 50},i{n % 70},{1_700_000_000 + n},view\n" for n in range(1000))
    s3.put_object(Bucket="shop", Key="doomed.csv", Body=f"USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n{rows}".encode())
    import_(client, f"first{number}")
    clock.advance(HOUR)
    recipe = {"datasetGroupArn": GROUP, "recipeArn": f"{RECIPE}user-personalization-v2"}
    client.create_solution(name="doomed", performAutoTraining=False, **recipe)
    client.create_recommender(
        name="doomed", datasetGroupArn=GROUP, recipeArn=f"{RECIPE}ecomm-customers-who-viewed-x-also-viewed"
    )
    clock.advance(HOUR)
    version = client.create_solution_version(solutionArn=f"{PREFIX}solution/doomed")["solutionVersionArn"]
    clock.advance(HOUR)
    client.create_campaign(name="doomed", solutionVersionArn=version)
    client.create_event_tracker(name="doomed", datasetGroupArn=GROUP)
    expression = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("view")'
    client.create_filter(name="doomed", datasetGroupArn=GROUP, filterExpression=expression)
    metric = {"eventType": "view", "metricName": "views", "expression": "SAMPLECOUNT()"}
    client.create_metric_attribution(
        name="doomed", datasetGroupArn=GROUP, metrics=[metric], metricsOutputConfig={"roleArn": ROLE}
    )
    clock.advance(HOUR)


def import_(client: Any, job: str) -> str:
    return client.create_dataset_import_job(
        jobName=job,
        datasetArn=f"{PREFIX}dataset/doomed/INTERACTIONS",
        dataSource={"dataLocation": "s3://shop/doomed.csv"},
        roleArn=ROLE,
    )["datasetImportJobArn"]


def keep_busy(client: Any, number: str = "") -> None:
    """Automatic training on, a training and an import in progress."""
    client.update_solution(solutionArn=f"{PREFIX}solution/doomed", performAutoTraining=True)
    clock.advance(600)
    client.create_solution_version(solutionArn=f"{PREFIX}solution/doomed")
    import_(client, f"second{number}")
    clock.advance(200)


@pytest.fixture
def doomed(personalize: Any) -> Any:
    """The client, and a group with everything in it."""
    shops = existing(personalize)
    open_doomed(personalize)
    personalize.shops = shops
    keep_busy(personalize)
    calls.clear()
    return personalize


@deferrable_or_not
def test_everything_in_the_group_is_deleted_and_nothing_else(doomed, deferrable):
    run = tear_down(deferrable=deferrable)
    assert run() == GROUP
    assert existing(doomed) == doomed.shops
    assert bool(run.deferrals) is deferrable
    assert [call for call in calls if call.error and call.error != "ResourceNotFoundException"] == []


def test_the_order_is_the_one_that_the_service_asks_for(doomed):
    tear_down()()
    assert changes() == [
        "UpdateSolution",
        "StopSolutionVersionCreation",
        "DeleteCampaign",
        "DeleteRecommender",
        "DeleteSolution",
        "DeleteEventTracker",
        "DeleteMetricAttribution",
        "DeleteFilter",
        "TagResource",
        "DeleteDataset",
        "DeleteDataset",
        "DeleteSchema",
        "DeleteSchema",
        "DeleteDatasetGroup",
    ]


@pytest.mark.parametrize("cascade", [False, True])
def test_a_dry_run_returns_the_plan_and_changes_nothing(doomed, cascade):
    before = existing(doomed)
    calls.clear()
    steps = tear_down(dry_run=True, cascade=cascade)()
    assert changes() == []
    assert existing(doomed) == before
    assert steps[-1] == {"action": "delete", "kind": "dataset_group", "arn": GROUP}
    if not cascade:
        assert len(steps) == 1
        return
    assert [(step["action"], step["kind"]) for step in steps] == [
        ("turn off automatic training", "solution"),
        ("stop", "solution_version"),
        ("wait for", "dataset_import_job"),
        ("delete", "campaign"),
        ("delete", "recommender"),
        ("delete", "solution"),
        ("delete", "event_tracker"),
        ("delete", "metric_attribution"),
        ("delete", "filter"),
        ("note the schemas", "dataset_group"),
        ("delete", "dataset"),
        ("delete", "dataset"),
        ("delete", "schema"),
        ("delete", "schema"),
        ("delete", "dataset_group"),
    ]


@pytest.mark.parametrize("native", [False, True], ids=["texts", "native"])
@pytest.mark.parametrize(("cascade", "dry_run"), [(True, True), (False, True), (False, False)])
def test_the_text_of_a_switch_is_not_mistaken_for_true(personalize, cascade, dry_run, native):
    """To Python every text is true, "False" too: a cascade that nobody asked for."""
    calls.clear()
    run = Run(lambda: _templated(native))
    run.params = {"cascade": cascade, "dry_run": dry_run}
    if dry_run:
        assert len(run()) == (5 if cascade else 1)
        assert changes() == []
    else:
        with pytest.raises(ClientError, match="ResourceInUseException"):
            run()
        assert changes() == ["DeleteDatasetGroup"]


def _templated(native: bool) -> DeleteDatasetGroupOperator:
    with DAG("templated", schedule=None, render_template_as_native_obj=native):
        return DeleteDatasetGroupOperator(
            task_id="tear_down",
            dataset_group_arn=SHOP,
            cascade="{{ params.cascade }}",
            dry_run="{{ params.dry_run }}",
        )


def test_a_dry_run_that_is_asked_for_while_the_task_is_deferred_ends_the_deletion(doomed):
    run = tear_down(deferrable=True)

    def deploy() -> None:
        run.make = tear_down(deferrable=True, dry_run=True).make

    run.between = deploy
    assert {step["kind"] for step in run()} >= {"campaign", "dataset", "dataset_group"}
    assert set(changes()) == {"UpdateSolution"}


@pytest.mark.parametrize("switch", ["cascade", "dry_run"])
@pytest.mark.parametrize("value", ["yes", None, 1])
def test_a_switch_that_is_neither_on_nor_off_is_refused(personalize, switch, value):
    calls.clear()
    with pytest.raises(InvalidRequestError, match=f"{switch} is {value!r}: allowed are True and False"):
        tear_down(**{"dataset_group_arn": SHOP, switch: value})()
    assert list(calls) == []


@pytest.mark.parametrize("operation", ["ListSolutionVersions", "ListCampaigns", "ListDatasetImportJobs"])
def test_a_resource_deleted_during_the_listing_is_not_an_error(doomed, operation):
    faults.error_next(operation, "ResourceNotFoundException")
    tear_down()()
    assert existing(doomed) == doomed.shops


@pytest.mark.parametrize("lost", [False, True], ids=["answered", "the answer is lost"])
def test_a_recreated_group_does_not_delay_the_deletion_and_stays(personalize, lost):
    personalize.create_dataset_group(name="doomed")
    clock.advance(HOUR)
    if lost:
        faults.reset_next("DeleteDatasetGroup", done=True)
    run = tear_down(deferrable=True)

    def another() -> None:
        clock.advance(HOUR)
        personalize.create_dataset_group(name="doomed")

    run.between = another
    assert run() == GROUP
    assert changes()[-2:] == ["DeleteDatasetGroup", "CreateDatasetGroup"]
    assert changes().count("DeleteDatasetGroup") == 1


@pytest.mark.parametrize("cascade", [False, True])
def test_another_run_in_the_process_deletes_a_recreated_group(personalize, cascade):
    """`dag.test` runs copies of one task, which share its members."""
    task = DeleteDatasetGroupOperator(task_id="tear_down", dataset_group_arn=GROUP, cascade=cascade)
    for times in (1, 2):
        personalize.create_dataset_group(name="doomed")
        clock.advance(HOUR)
        Run(task.prepare_for_execution)()
        assert changes().count("DeleteDatasetGroup") == times


def test_the_plan_of_a_dry_run_is_what_is_done(doomed):
    told = {step["arn"] for step in tear_down(dry_run=True)() if step["action"] == "delete"}
    before = existing(doomed)
    tear_down()()
    assert before - existing(doomed) == told


@deferrable_or_not
@pytest.mark.parametrize("parameters", [{}, {"dry_run": True}, {"cascade": False}], ids=str)
def test_a_missing_group_is_not_an_error_and_the_log_says_so(personalize, deferrable, parameters, capsys):
    before = existing(personalize)
    nowhere = f"{PREFIX}dataset-group/nowhere"
    returned = tear_down(dataset_group_arn=nowhere, deferrable=deferrable, **parameters)()
    assert returned == ([] if parameters.get("dry_run") else nowhere)
    assert "nothing is deleted" in capsys.readouterr().out
    assert existing(personalize) == before


@pytest.mark.parametrize("arn", ["", "None", "doomed", f"{PREFIX}solution/shop", f"{PREFIX}dataset-group/"])
def test_an_arn_of_another_resource_type_is_refused_before_any_call(personalize, arn):
    """A list that is narrowed to no group would be the list of all groups' resources."""
    calls.clear()
    for parameters in ({}, {"dry_run": True}, {"cascade": False}):
        with pytest.raises(InvalidRequestError):
            tear_down(dataset_group_arn=arn, **parameters)()
    assert calls == []


@deferrable_or_not
def test_without_cascade_an_empty_group_goes_and_a_full_one_stays(personalize, deferrable):
    before = existing(personalize)
    with pytest.raises(ClientError, match="ResourceInUseException"):
        tear_down(dataset_group_arn=SHOP, cascade=False, deferrable=deferrable)()
    assert existing(personalize) == before
    personalize.create_dataset_group(name="doomed")
    assert tear_down(cascade=False, deferrable=deferrable)() == GROUP
    assert existing(personalize) == before


@deferrable_or_not
def test_a_group_that_failed_goes_too(personalize, deferrable):
    before = existing(personalize)
    faults.fail_next("CreateDatasetGroup", "bad luck")
    personalize.create_dataset_group(name="doomed")
    tear_down(deferrable=deferrable)()
    assert existing(personalize) == before


def test_without_waiting_it_ends_when_the_groups_deletion_has_begun(doomed):
    tear_down(wait_for_completion=False)()
    assert doomed.describe_dataset_group(datasetGroupArn=GROUP)["datasetGroup"]["status"] == "DELETE PENDING"
    clock.advance(HOUR)
    assert existing(doomed) == doomed.shops


def test_the_schema_of_an_update_is_deleted_too(doomed, monkeypatch):
    """Whatever the dataset itself shows, which is not documented."""
    described = doomed.describe_schema(schemaArn=f"{PREFIX}schema/Items")["schema"]
    created = doomed.create_schema(name="Items-2", domain=described["domain"], schema=described["schema"])
    find = PersonalizeHook.find

    def updated(hook: PersonalizeHook, resource_type: ResourceType, arn: str) -> dict[str, Any] | None:
        found = find(hook, resource_type, arn)
        if not found or not arn.endswith("/ITEMS"):
            return found
        return {**found, "latestDatasetUpdate": {"status": "ACTIVE", "schemaArn": created["schemaArn"]}}

    monkeypatch.setattr(PersonalizeHook, "find", updated)
    tear_down()()
    assert existing(doomed) == doomed.shops


def test_a_schema_that_another_group_uses_stays(doomed):
    for name in ("other", "empty"):
        doomed.create_dataset_group(name=name, domain="ECOMMERCE")
    clock.advance(HOUR)
    shared = f"{PREFIX}schema/Items"
    group = f"{PREFIX}dataset-group/other"
    doomed.create_dataset(name="items", schemaArn=shared, datasetGroupArn=group, datasetType="Items")
    clock.advance(HOUR)
    others = {shared, group, f"{PREFIX}dataset-group/empty", f"{PREFIX}dataset/other/ITEMS"}
    tear_down()()
    assert existing(doomed) == doomed.shops | others


def test_all_pages_are_read(doomed, monkeypatch):
    """As if the service gave one resource a page."""
    doomed.create_filter(
        name="second", datasetGroupArn=GROUP, filterExpression='INCLUDE ItemID WHERE Items.CATEGORY_L1 IN ("a")'
    )
    monkeypatch.setattr(paging, "PAGE_SIZE", 1)
    tear_down()()
    monkeypatch.undo()
    assert existing(doomed) == doomed.shops


@deferrable_or_not
def test_a_resource_added_meanwhile_is_deleted_too(doomed, deferrable):
    """A campaign, once no campaign is there any more and the solution still is."""
    added: list[str] = []

    def add() -> None:
        versions = doomed.list_solution_versions(solutionArn=f"{PREFIX}solution/doomed")["solutionVersions"]
        active = next(each["solutionVersionArn"] for each in versions if each["status"] == "ACTIVE")
        added.append(doomed.create_campaign(name="late", solutionVersionArn=active)["campaignArn"])

    faults.call_next("DeleteSolution", add)
    tear_down(deferrable=deferrable)()
    assert added
    assert existing(doomed) == doomed.shops


def test_a_resource_recreated_while_its_deletion_is_waited_for_is_deleted_too(doomed):
    """The wait for the first of that name ends, though the service shows another."""
    recreated: list[str] = []

    def recreate() -> None:
        if calls.of("DeleteFilter") and not recreated:
            clock.advance(HOUR)
            expression = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("view")'
            made = doomed.create_filter(name="doomed", datasetGroupArn=GROUP, filterExpression=expression)
            recreated.append(made["filterArn"])

    run = tear_down(deferrable=True)
    run.between = recreate
    run()
    assert recreated
    assert existing(doomed) == doomed.shops


@pytest.mark.parametrize(
    ("operation", "deferrable"),
    [("DeleteSolution", True), ("DeleteDataset", False), ("DeleteSchema", True), ("DeleteDatasetGroup", False)],
)
def test_a_delete_refused_as_in_use_is_planned_again(doomed, operation, deferrable):
    faults.error_next(operation, "ResourceInUseException", times=3)
    tear_down(deferrable=deferrable)()
    assert existing(doomed) == doomed.shops


def test_a_delete_refused_as_in_use_forever_ends_by_the_deadline(doomed):
    faults.error_next("DeleteFilter", "ResourceInUseException", message="held for ever", times=None)
    with pytest.raises(WaitTimeoutError, match="held for ever"):
        tear_down(timeout=HOUR / 2)()


@pytest.mark.parametrize("code", ["ThrottlingException", "ResourceInUseException"])
def test_a_blocked_delete_is_retried_less_and_less_often(doomed, code):
    """Each try reads all that there is, and each deferral begins the task anew on a worker."""
    faults.error_next("DeleteFilter", code, times=None)
    run = tear_down(deferrable=True, timeout=1200)
    with pytest.raises(WaitTimeoutError, match=f"DeleteDatasetGroup timed out; last error: .*{code}"):
        run()
    assert len(calls.of("DeleteFilter")) < 30
    assert len(run.deferrals) < 30


def test_a_delete_without_an_answer_is_checked_before_it_is_sent_again(doomed):
    faults.stale_next("DeleteFilter", hides=50)
    faults.reset_next("DeleteFilter", done=True)
    assert tear_down()() == GROUP
    assert len(calls.of("DeleteFilter")) == 1


def test_throttling_is_retried(doomed):
    for operation in ("ListSolutions", "DescribeCampaign", "DeleteDataset", "ListTagsForResource", "TagResource"):
        faults.error_next(operation, "ThrottlingException", times=2)
    tear_down()()
    assert existing(doomed) == doomed.shops


@pytest.mark.parametrize("code", ["InvalidInputException", "ResourceInUseException"])
def test_a_training_that_ends_just_before_it_is_stopped_does_not_block_it(doomed, code):
    """Which error the service answers then is not documented."""
    assumptions.move_from_wrong_status = code
    faults.call_next("StopSolutionVersionCreation", lambda: clock.advance(HOUR))
    assert tear_down()() == GROUP
    assert [call.error for call in calls.of("StopSolutionVersionCreation")] == [code]
    assert existing(doomed) == doomed.shops


def test_no_dataset_goes_before_the_schemas_are_noted(doomed):
    faults.error_next("TagResource", "ThrottlingException")
    tear_down()()
    accepted = [call.operation for call in calls if not call.error]
    assert accepted.index("TagResource") < accepted.index("DeleteDataset")


def test_access_denied_fails_at_once(doomed):
    faults.error_next("DeleteCampaign", "AccessDeniedException", message="not you")
    with pytest.raises(ClientError, match="not you"):
        tear_down()()


@pytest.mark.parametrize(("operation", "deferrable"), [("TagResource", True), ("ListTagsForResource", False)])
def test_where_tags_are_refused_it_warns_and_goes_on(doomed, deferrable, operation, capsys):
    faults.error_next(operation, "AccessDeniedException", message="no tags for you", times=None)
    tear_down(deferrable=deferrable)()
    said = capsys.readouterr().out
    assert "no tags for you" in said
    assert existing(doomed) == doomed.shops


def test_a_tag_that_names_no_schema_of_the_groups_does_no_harm(doomed):
    tags = {"airflow:schema-x": f"{PREFIX}solution/shop", "airflow:schema-y": f"{PREFIX}schema/nowhere"}
    tags |= {"airflow:schema-z": f"{PREFIX}schema/shop"}  # the shop's dataset uses it
    listed = [{"tagKey": key, "tagValue": value} for key, value in tags.items()]
    doomed.tag_resource(resourceArn=GROUP, tags=listed)
    tear_down()()
    assert existing(doomed) == doomed.shops


def test_automatic_training_that_cannot_be_turned_off_does_not_block_it(doomed):
    faults.fail_next("UpdateSolution", "bad luck")
    tear_down()()
    assert existing(doomed) == doomed.shops
    assert len(calls.of("UpdateSolution")) == 1


@deferrable_or_not
def test_a_deadline_says_what_was_waited_for(doomed, deferrable):
    with pytest.raises(WaitTimeoutError, match="solution"):
        tear_down(deferrable=deferrable, timeout=20)()


class Crashed(BaseException):
    """The worker is gone."""


def crash_and_run_again(monkeypatch: Any, number: int, counts: Callable[[str], bool], **parameters: Any) -> bool:
    """Crash behind one of the calls that count, and run again; tell whether there were as many."""
    left, call = [number], PersonalizeHook.call

    def dying(hook: PersonalizeHook, method: str, **request: Any) -> Any:
        answer = call(hook, method, **request)
        left[0] -= counts(hook.conn.meta.method_to_api_mapping[method])
        if left[0] == 0:
            raise Crashed
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(PersonalizeHook, "call", dying)
        with contextlib.suppress(Crashed):
            tear_down(**parameters)()
            return False
    tear_down(**parameters)()
    return True


# every third in the default tests, the others in the slow ones
@pytest.mark.parametrize(
    "number", [pytest.param(number, marks=[] if number % 3 == 1 else pytest.mark.slow) for number in range(1, 15)]
)
def test_after_a_crash_behind_any_change_another_run_leaves_nothing_behind(doomed, monkeypatch, number):
    is_change = lambda operation: not operation.startswith(READS)  # noqa: E731
    assert crash_and_run_again(monkeypatch, number, is_change, deferrable=bool(number % 2))
    assert existing(doomed) == doomed.shops


@pytest.mark.slow
def test_after_a_crash_behind_any_call_another_run_leaves_nothing_behind(personalize, monkeypatch):
    shops = existing(personalize)
    number, crashed = 1, True
    while crashed:
        open_doomed(personalize, str(number))
        keep_busy(personalize, str(number))
        crashed = crash_and_run_again(monkeypatch, number, lambda _: True, deferrable=bool(number % 2))
        assert existing(personalize) == shops, number
        number += _STEP
    assert number > 200
