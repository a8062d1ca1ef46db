"""Every assumption, and what each answer to it changes for a client."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from asking import outcome
from botocore.exceptions import ClientError
from everything import HOUR, RECIPE, Everything, new_shop, schema
from moto import mock_aws
from shop import DATASET, LOCATION, PREFIX, ROLE, SOLUTION, api, bring_interactions, open_shop

from airflow_provider_personalize.emulator import assumptions, clock, faults, quotas
from airflow_provider_personalize.emulator.cli.main import main
from airflow_provider_personalize.emulator.control import assumption_docs
from airflow_provider_personalize.emulator.control.assumptions import Assumptions
from airflow_provider_personalize.emulator.control.durations import SECONDS
from airflow_provider_personalize.emulator.service.progress import Progress

GUIDE = Path(__file__).parents[3] / "docs" / "emulator" / "local-personalize.md"
INVALID, IN_USE, MISSING = "InvalidInputException", "ResourceInUseException", "ResourceNotFoundException"
LIMIT, TAKEN = "LimitExceededException", "ResourceAlreadyExistsException"
GROUP = f"{PREFIX}dataset-group/shop"
V2 = "user-personalization-v2"
CLICKS = {"eventsConfig": {"eventParametersList": [{"eventType": "click", "weight": 1.0}]}}
WEEKLY = {"autoTrainingConfig": {"schedulingExpression": "rate(7 days)"}}

OBSERVED: dict[str, tuple[Callable[[], object], list[tuple[Any, object]]]] = {}


def sees(*answers: tuple[Any, object]) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Note what a function, named as an assumption, sees by each answer to it."""

    def note(observe: Callable[[], object]) -> Callable[[], object]:
        OBSERVED[observe.__name__] = (observe, list(answers))
        return observe

    return note


def described() -> dict[str, Any]:
    solution: dict[str, Any] = api().describe_solution(solutionArn=SOLUTION)["solution"]
    return solution


def filled(domain: str | None = None) -> Everything:
    shop = new_shop()
    shop.open(domain)
    shop.import_all()
    return shop


def import_items(csv: str, *more: dict[str, Any]) -> str:
    """Return how an import of items ends: the job's status, or the code of a refusal."""
    client = open_shop()
    arn = client.create_schema(name="items", schema=schema("Items", *more))["schemaArn"]
    given = {"datasetGroupArn": GROUP, "schemaArn": arn}
    items = client.create_dataset(name="items", datasetType="ITEMS", **given)["datasetArn"]
    clock.advance(HOUR)
    s3 = api("s3")
    s3.create_bucket(Bucket="shop")
    s3.put_object(Bucket="shop", Key="items.csv", Body=csv.encode())
    return imported(items, {"dataLocation": "s3://shop/items.csv"})


def imported(dataset: str, source: dict[str, str], **more: Any) -> str:
    request = {"jobName": "job", "datasetArn": dataset, "dataSource": source, "roleArn": ROLE, **more}
    refused = outcome(api().create_dataset_import_job, **request)
    if refused != "accepted":
        return refused
    clock.advance(HOUR)
    arn = f"{PREFIX}dataset-import-job/job"
    return str(api().describe_dataset_import_job(datasetImportJobArn=arn)["datasetImportJob"]["status"])


def trainings() -> list[dict[str, Any]]:
    versions: list[dict[str, Any]] = api().list_solution_versions(solutionArn=SOLUTION)["solutionVersions"]
    return versions


@sees((INVALID, INVALID), ("ValidationException", "ValidationException"))
def constraint_error():
    return outcome(api().create_dataset_group, name="not a name")


@sees((INVALID, INVALID), ("as_it_is", IN_USE))
def undocumented_error():
    api().create_dataset_group(name="shop")
    expression = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("buy")'
    return outcome(api().create_filter, name="f", datasetGroupArn=GROUP, filterExpression=expression)


@sees((LIMIT, LIMIT), (TAKEN, TAKEN))
def second_in_group():
    client = open_shop()
    client.create_event_tracker(name="a", datasetGroupArn=GROUP)
    return outcome(client.create_event_tracker, name="b", datasetGroupArn=GROUP)


@sees((IN_USE, IN_USE), (INVALID, INVALID))
def move_from_wrong_status():
    shop = new_shop()
    shop.open("ECOMMERCE")
    given = {"datasetGroupArn": shop.group, "recipeArn": f"{RECIPE}ecomm-recommended-for-you"}
    arn = shop.api.create_recommender(name="r", **given)["recommenderArn"]
    return outcome(shop.api.stop_recommender, recommenderArn=arn)


@sees(("oldest", ["a", "b"]), ("newest", ["b", "a"]))
def lists_begin_with():
    for name in "ab":
        api().create_dataset_group(name=name)
    return [group["name"] for group in api().list_dataset_groups()["datasetGroups"]]


@sees(("on_their_way", LIMIT), ("active_only", "accepted"))
def active_counts():
    for name in "abcde":
        api().create_dataset_group(name=name)
    return outcome(api().create_dataset_group, name="f")


@sees(("refused", IN_USE), ("accepted", "accepted"))
def parent_not_active():
    api().create_dataset_group(name="shop")
    return outcome(api().create_event_tracker, name="t", datasetGroupArn=GROUP)


@sees(("refused", INVALID), ("accepted", "accepted"))
def domain_mismatch():
    api().create_dataset_group(name="shop", domain="ECOMMERCE")
    clock.advance(HOUR)
    arn = api().create_schema(name="s", schema=schema("Items"))["schemaArn"]
    return outcome(api().create_dataset, name="d", datasetGroupArn=GROUP, datasetType="ITEMS", schemaArn=arn)


@sees(("taken", TAKEN), ("free", "CREATE FAILED"))
def name_of_failed_job():
    open_shop()
    imported(DATASET, {"dataLocation": "s3://nowhere/a.csv"})
    return imported(DATASET, {"dataLocation": "s3://nowhere/a.csv"})


@sees(("refused", INVALID), ("accepted", "accepted"))
def option_of_another_recipe():
    given = {"datasetGroupArn": GROUP, "recipeArn": f"{RECIPE}similar-items", "solutionConfig": CLICKS}
    return outcome(open_shop().create_solution, name="other", **given)


@sees(("refused", IN_USE), ("accepted", "accepted"))
def update_of_not_active():
    client = open_shop()
    assumptions.seconds["solution"] = 1
    given = {"datasetGroupArn": GROUP, "recipeArn": f"{RECIPE}{V2}"}
    arn = client.create_solution(name="new", **given)["solutionArn"]
    return outcome(client.update_solution, solutionArn=arn, performAutoTraining=False)


@sees(("refused", IN_USE), ("accepted", "accepted"))
def update_while_pending():
    client = open_shop()
    client.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    return outcome(client.update_solution, solutionArn=SOLUTION, performAutoTraining=False)


@sees(("accepted", True), ("ignored", False))
def unchanged_update():
    open_shop().update_solution(solutionArn=SOLUTION, performAutoTraining=False)
    return "latestSolutionUpdate" in described()


@sees(("refused", [INVALID, INVALID]), ("accepted", ["accepted", "accepted"]))
def empty_update():
    arn = attribution()
    refused = outcome(api().update_solution, solutionArn=SOLUTION)
    return [refused, outcome(api().update_metric_attribution, metricAttributionArn=arn)]


def attribution() -> str:
    metrics = [{"eventType": "click", "metricName": "clicks", "expression": "SAMPLECOUNT()"}]
    given = {"datasetGroupArn": GROUP, "metrics": metrics, "metricsOutputConfig": {"roleArn": ROLE}}
    arn = str(open_shop().create_metric_attribution(name="m", **given)["metricAttributionArn"])
    clock.advance(HOUR)
    return arn


@sees(("accepted", "accepted"), ("refused", INVALID))
def schedule_without_switch():
    return outcome(open_shop().update_solution, solutionArn=SOLUTION, solutionUpdateConfig=WEEKLY)


@sees(("refused", INVALID), ("accepted", "accepted"))
def schedule_with_training_off():
    request = {"solutionArn": SOLUTION, "performAutoTraining": False, "solutionUpdateConfig": WEEKLY}
    return outcome(open_shop().update_solution, **request)


@sees(("kept", True), ("dropped", False))
def schedule_when_off():
    open_shop(performAutoTraining=True).update_solution(solutionArn=SOLUTION, performAutoTraining=False)
    clock.advance(HOUR)
    return "autoTrainingConfig" in described().get("solutionConfig", {})


@sees(("kept", True), ("dropped", False))
def unnamed_solution_config():
    client = open_shop(performAutoTraining=True, solutionConfig=CLICKS)
    client.update_solution(solutionArn=SOLUTION, solutionUpdateConfig=WEEKLY)
    clock.advance(HOUR)
    return "eventsConfig" in described()["solutionConfig"]


@sees(("dropped", False), ("kept", True))
def unnamed_campaign_config():
    shop = filled()
    campaign = shop.campaign("c", shop.solve("a", V2), campaignConfig={"enableMetadataWithRecommendations": True})
    exploration = {"itemExplorationConfig": {"explorationWeight": "0.3"}}
    shop.api.update_campaign(campaignArn=campaign, campaignConfig=exploration)
    clock.advance(HOUR)
    return "enableMetadataWithRecommendations" in shop.describe("campaign", campaign)["campaignConfig"]


@sees(("kept", 2), ("dropped", 1))
def unnamed_recommender_config():
    shop = filled("ECOMMERCE")
    given = {"datasetGroupArn": shop.group, "recipeArn": f"{RECIPE}ecomm-recommended-for-you"}
    two = {"minRecommendationRequestsPerSecond": 2}
    arn = shop.api.create_recommender(name="r", recommenderConfig=two, **given)["recommenderArn"]
    clock.advance(HOUR)
    metadata = {"enableMetadataWithRecommendations": True}
    shop.api.update_recommender(recommenderArn=arn, recommenderConfig=metadata)
    clock.advance(HOUR)
    return shop.describe("recommender", arn)["recommenderConfig"]["minRecommendationRequestsPerSecond"]


@sees(("as_before", (False, "ACTIVE")), ("as_asked", (True, "ACTIVE")))
def solution_while_updating():
    open_shop().update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    return described()["performAutoTraining"], described()["status"]


@sees(("as_sent", ("eventsConfig",)), ("in_full", ("autoTrainingConfig", "eventsConfig")))
def update_summary():
    open_shop(performAutoTraining=True).update_solution(solutionArn=SOLUTION, solutionUpdateConfig=CLICKS)
    return tuple(sorted(described()["latestSolutionUpdate"]["solutionUpdateConfig"]))


@sees((0, True), (20, False))
def update_visible_after():
    open_shop().update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    return "latestSolutionUpdate" in described()


@sees(("absent", None), ("empty", {}))
def no_update_yet():
    open_shop()
    return described().get("latestSolutionUpdate")


@sees(("CREATE FAILED", "CREATE FAILED"), ("UPDATE FAILED", "UPDATE FAILED"))
def failed_dataset_update():
    shop = new_shop()
    shop.open()
    wider = schema("Items", {"name": "SIZE", "type": ["null", "float"]})
    arn = shop.api.create_schema(name="wider", schema=wider)["schemaArn"]
    faults.fail_next("UpdateDataset", reason="no")
    shop.api.update_dataset(datasetArn=shop.dataset("Items"), schemaArn=arn)
    clock.advance(HOUR)
    return shop.describe("dataset", shop.dataset("Items"))["latestDatasetUpdate"]["status"]


@sees(("ACTIVE", "ACTIVE"), ("CREATE FAILED", "CREATE FAILED"))
def failed_campaign_updated():
    shop = filled()
    faults.fail_next("CreateCampaign", reason="no")
    version = shop.solve("a", V2)
    arn = shop.api.create_campaign(name="c", solutionVersionArn=version)["campaignArn"]
    clock.advance(HOUR)
    shop.api.update_campaign(campaignArn=arn, minProvisionedTPS=2)
    clock.advance(HOUR)
    return shop.describe("campaign", arn)["status"]


@sees(
    ("CREATE IN_PROGRESS", ["CREATE PENDING", "CREATE IN_PROGRESS", "ACTIVE"]),
    ("UPDATE IN_PROGRESS", ["UPDATE PENDING", "UPDATE IN_PROGRESS", "ACTIVE"]),
    ("ACTIVE", ["ACTIVE", "ACTIVE", "ACTIVE"]),
)
def metric_attribution_updating():
    arn, seen = attribution(), []
    api().update_metric_attribution(metricAttributionArn=arn, removeMetrics=["clicks"])
    for _ in range(3):
        seen.append(api().describe_metric_attribution(metricAttributionArn=arn)["metricAttribution"]["status"])
        clock.advance(30)
    return seen


@sees(("status", ("DELETE PENDING", "ACTIVE")), ("update", ("ACTIVE", "DELETE PENDING")))
def deletion_shown():
    shop = filled()
    arn = shop.campaign("c", shop.solve("a", V2))
    shop.api.update_campaign(campaignArn=arn, minProvisionedTPS=2)
    clock.advance(HOUR)
    shop.api.delete_campaign(campaignArn=arn)
    now = shop.describe("campaign", arn)
    return now["status"], now["latestCampaignUpdate"]["status"]


@sees(("refused", IN_USE), ("accepted", "accepted"))
def group_with_filters():
    api().create_dataset_group(name="shop")
    clock.advance(HOUR)
    expression = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("buy")'
    api().create_filter(name="f", datasetGroupArn=GROUP, filterExpression=expression)
    clock.advance(HOUR)
    return outcome(api().delete_dataset_group, datasetGroupArn=GROUP)


@sees(("refused", [INVALID, INVALID]), ("accepted", ["CREATE FAILED", "accepted"]))
def import_without_location():
    deletion = {"jobName": "d", "datasetGroupArn": GROUP, "dataSource": {}, "roleArn": ROLE}
    open_shop()
    return [imported(DATASET, {}), outcome(api().create_data_deletion_job, **deletion)]


@sees(("job", "CREATE FAILED"), ("call", INVALID))
def import_access_checked():
    open_shop()
    return imported(DATASET, {"dataLocation": "s3://nowhere/a.csv"})


@sees(("job", "CREATE FAILED"), ("call", INVALID))
def import_header_checked():
    return import_items("ITEM_ID\ni1\n")


@sees(("accepted", "ACTIVE"), ("refused", "CREATE FAILED"))
def import_without_slash():
    bring_interactions()
    api("s3").put_object(Bucket="shop", Key="folder/a.csv", Body=b"USER_ID,ITEM_ID,TIMESTAMP\n" + b"u,i,1\n" * 1000)
    open_shop()
    return imported(DATASET, {"dataLocation": "s3://shop/folder"})


@sees(("ignored", "ACTIVE"), ("refused", "CREATE FAILED"))
def unknown_columns():
    return import_items(",ITEM_ID,GENRE,CATEGORY_L1,PRICE,COLOUR\n0,i1,drama,film,1,red\n")


@sees(("ignored", "ACTIVE"), ("kept", "CREATE FAILED"))
def case_of_headers():
    return import_items("item_id,genre,category_L1,Price\ni1,drama,film,1\n")


@sees(("refused", "CREATE FAILED"), ("accepted", "ACTIVE"))
def quoted_headers():
    return import_items('"ITEM_ID","GENRE","CATEGORY_L1","PRICE"\ni1,drama,film,1\n')


@sees(("accepted", "ACTIVE"), ("refused", "CREATE FAILED"))
def empty_required_value():
    return import_items("ITEM_ID,GENRE,CATEGORY_L1,PRICE\ni1,drama,film,1\ni2,,film,\n")


@sees(("truncated", "ACTIVE"), ("refused", "CREATE FAILED"))
def long_text():
    text = {"name": "DESCRIPTION", "type": "string", "textual": True}
    return import_items(f"ITEM_ID,GENRE,CATEGORY_L1,PRICE,DESCRIPTION\ni1,drama,film,1,{'a' * 20_001}\n", text)


@sees(("accepted", "ACTIVE"), ("refused", "CREATE FAILED"))
def missing_optional_column():
    return import_items(
        "ITEM_ID,GENRE,CATEGORY_L1,PRICE\ni1,drama,film,1\n", {"name": "SIZE", "type": ["null", "float"]}
    )


@sees(("refused", INVALID), ("accepted", "ACTIVE"))
def first_import_incremental():
    bring_interactions()
    open_shop()
    return imported(DATASET, {"dataLocation": LOCATION}, importMode="INCREMENTAL")


@sees((1000, "CREATE FAILED"), (3, "ACTIVE"))
def minimum_interactions():
    bring_interactions(count=3)
    open_shop()
    return imported(DATASET, {"dataLocation": LOCATION})


@sees(("refused", INVALID), ("dropped", "accepted"))
def unknown_properties():
    shop = new_shop()
    shop.open()
    items = [{"itemId": "i1", "properties": json.dumps({"genre": "drama", "colour": "red"})}]
    return outcome(shop.events.put_items, datasetArn=shop.dataset("Items"), items=items)


@sees(("refused", INVALID), ("accepted", "accepted"))
def autotrain_by_hand():
    return outcome(open_shop().create_solution_version, solutionArn=SOLUTION, trainingMode="AUTOTRAIN")


@sees(("refused", TAKEN), ("accepted", "accepted"))
def same_version_name():
    bring_interactions()
    client = open_shop()
    client.create_solution_version(solutionArn=SOLUTION, name="nightly")
    return outcome(client.create_solution_version, solutionArn=SOLUTION, name="nightly")


@sees(("given", "nightly"), ("after_solution", "shop/nightly"))
def version_name():
    arn = open_shop().create_solution_version(solutionArn=SOLUTION, name="nightly")["solutionVersionArn"]
    return api().describe_solution_version(solutionVersionArn=arn)["solutionVersion"]["name"]


@sees(("digits", False), ("name", True))
def version_arn():
    arn = open_shop().create_solution_version(solutionArn=SOLUTION, name="nightly")["solutionVersionArn"]
    return arn == f"{SOLUTION}/nightly"


@sees(("FULL", "FULL"), ("AUTOTRAIN", "AUTOTRAIN"))
def automatic_training_mode():
    open_shop(performAutoTraining=True)
    clock.advance(HOUR)
    return trainings()[0]["trainingMode"]


@sees((1800, 0), (900, 1))
def first_training_after():
    open_shop(performAutoTraining=True)  # 600 seconds ago
    clock.advance(600)
    return len(trainings())


@sees(("tried", 1), ("skipped", 0))
def first_training_without_data():
    open_shop(performAutoTraining=True)
    clock.advance(HOUR)
    return len(trainings())


@sees(("restarts", 2), ("kept", 1))
def same_schedule():
    client = open_shop(performAutoTraining=True)
    clock.advance(2 * HOUR)
    client.update_solution(solutionArn=SOLUTION, performAutoTraining=True, solutionUpdateConfig=WEEKLY)
    clock.advance(2 * HOUR)
    return len(trainings())


@sees(("training", ["accepted", "accepted"]), ("call", [INVALID, INVALID]))
def training_data_checked():
    shop = new_shop()
    shop.open("ECOMMERCE")
    given = {"datasetGroupArn": shop.group, "performAutoTraining": False, "recipeArn": f"{RECIPE}{V2}"}
    solution = shop.api.create_solution(name="a", **given)["solutionArn"]
    clock.advance(HOUR)
    recommender = {"datasetGroupArn": shop.group, "recipeArn": f"{RECIPE}ecomm-recommended-for-you"}
    return [
        outcome(shop.api.create_solution_version, solutionArn=solution),
        outcome(shop.api.create_recommender, name="r", **recommender),
    ]


@sees(("left_out", "CREATE FAILED"), ("counted", "ACTIVE"))
def event_without_value():
    shop = filled()
    given = {"datasetGroupArn": shop.group, "performAutoTraining": False, "recipeArn": f"{RECIPE}{V2}"}
    threshold = {"eventValueThreshold": "0.5"}
    solution = shop.api.create_solution(name="a", solutionConfig=threshold, **given)["solutionArn"]
    clock.advance(HOUR)
    arn = shop.api.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    clock.advance(HOUR)
    return shop.describe("solution_version", arn)["status"]


@sees((1, 1.0), (4.2, 4.2))
def training_hours():
    shop = filled()
    return shop.describe("solution_version", shop.solve("a", V2))["trainingHours"]


@sees((MISSING, MISSING), (INVALID, INVALID))
def latest_without_version():
    return outcome(open_shop().create_campaign, name="c", solutionVersionArn=f"{SOLUTION}/$LATEST")


@sees(("resolved", False), ("literally", True))
def latest_version_shown():
    shop = filled()
    shop.solve("a", V2)
    campaign = shop.campaign("c", f"{PREFIX}solution/a/$LATEST")
    return shop.describe("campaign", campaign)["solutionVersionArn"].endswith("/$LATEST")


def batch(job_type: str, recipe: str, line: dict[str, str]) -> tuple[Everything, str]:
    shop = filled()
    request = {
        "jobName": "job",
        "solutionVersionArn": shop.solve("a", recipe),
        "jobInput": {"s3DataSource": {"path": shop.put("asked.json", json.dumps(line))}},
        "jobOutput": {"s3DataDestination": {"path": "s3://all/out/"}},
        "roleArn": ROLE,
    }
    return shop, next(iter(getattr(shop.api, f"create_{job_type}")(**request).values()))


def filters_made(client: Any, *expressions: str) -> list[str]:
    given = [
        {"name": f"f{place}", "datasetGroupArn": GROUP, "filterExpression": expression}
        for place, expression in enumerate(expressions)
    ]
    return [outcome(client.create_filter, **request) for request in given]


def shop_with_items() -> Any:
    client = open_shop()
    arn = client.create_schema(name="items", schema=schema("Items"))["schemaArn"]
    client.create_dataset(name="items", datasetType="ITEMS", datasetGroupArn=GROUP, schemaArn=arn)
    clock.advance(HOUR)
    return client


@sees(("accepted", ["accepted"] * 4), ("refused", [INVALID] * 3 + ["accepted"]))
def filter_liberties():
    return filters_made(
        open_shop(),
        "EXCLUDE ItemID WHERE Items.PRICE > 20 IF CurrentUser.AGE > 18 OR CurrentUser.AGE < 8",
        "EXCLUDE ItemID WHERE Items.PRICE IS NULL",
        "EXCLUDE ItemID WHERE (Items.PRICE > 20 OR Items.PRICE < 10) AND Items.PRICE != 15",
        "exclude itemId WHERE ITEMS.PRICE > ($PRICE) OR Items.GENRE in ($G) IF CURRENTUSER.A > 1 AND CurrentUser.A < 9",
    )


@sees(("accepted", ["accepted"]), ("refused", [INVALID]))
def filter_single_quotes():
    return filters_made(open_shop(), "EXCLUDE ItemID WHERE Items.GENRE IN ('drama')")


@sees(("accepted", ["accepted"]), ("refused", [INVALID]))
def filter_singular_dataset():
    return filters_made(open_shop(), "INCLUDE ActionID WHERE Action.VALUE > 1")


@sees(("refused", [INVALID, "accepted", "accepted"]), ("accepted", ["accepted"] * 3))
def filter_unknown_field():
    return filters_made(
        shop_with_items(),
        "EXCLUDE ItemID WHERE Items.COLOUR IN ($COLOUR)",
        "EXCLUDE ItemID WHERE Items.genre IN ($GENRE)",
        "EXCLUDE ItemID WHERE Items.PRICE > 1 IF CurrentUser.AGE > 1",
    )


@sees(("refused", [INVALID, "accepted"]), ("accepted", ["accepted"] * 2))
def filter_range_of_text():
    return filters_made(
        shop_with_items(), 'EXCLUDE ItemID WHERE Items.GENRE < "d"', 'EXCLUDE ItemID WHERE Items.GENRE = "d"'
    )


@sees(
    ("observed", ["CREATE PENDING", "CREATE IN_PROGRESS", "ACTIVE"]),
    ("documented", ["PENDING", "IN PROGRESS", "ACTIVE"]),
)
def batch_statuses():
    shop, arn = batch("batch_inference_job", V2, {"userId": "u1"})
    seen = []
    for _ in range(3):
        seen.append(shop.describe("batch_inference_job", arn)["status"])
        clock.advance(SECONDS["batch_inference_job"] / 2)
    return seen


@sees(("usersList", ["usersList"]), ("recommendedUsers", ["recommendedUsers"]))
def segment_member():
    shop, arn = batch("batch_segment_job", "item-affinity", {"itemId": "i1"})
    clock.advance(HOUR)
    assert shop.describe("batch_segment_job", arn)["status"] == "ACTIVE"
    return list(json.loads(shop.read("out/asked.json.out"))["output"])


@sees(("rows", 61), ("users", 1))
def deleted_counted():
    shop = filled()
    source = {"dataLocation": shop.put("users.csv", "USER_ID\nu7\n")}
    request = {"jobName": "d", "datasetGroupArn": shop.group, "dataSource": source, "roleArn": ROLE}
    arn = shop.api.create_data_deletion_job(**request)["dataDeletionJobArn"]
    clock.advance(3 * HOUR)
    return shop.describe("data_deletion_job", arn)["numDeleted"]


@sees(("waits", 0), ("trains", 1))
def automatic_training_over_quota():
    quotas.set("solution_version", 0)
    open_shop(performAutoTraining=True)
    clock.advance(HOUR)
    return len(trainings())


@sees(("free", "accepted"), ("held", IN_USE))
def filter_of_a_campaign():
    shop = filled()
    shop.campaign("c", shop.solve("a", V2))
    expression = 'EXCLUDE ItemID WHERE Items.GENRE IN ("drama")'
    arn = shop.api.create_filter(name="f", datasetGroupArn=shop.group, filterExpression=expression)["filterArn"]
    clock.advance(HOUR)
    return outcome(shop.api.delete_filter, filterArn=arn)


@sees(("accepted", ["accepted", "accepted"]), ("refused", [INVALID, IN_USE]))
def events_before_active():
    shop = new_shop()
    shop.open()
    tracker = shop.api.create_event_tracker(name="t", datasetGroupArn=shop.group)["trackingId"]
    event = {"eventType": "view", "itemId": "i1", "sentAt": clock.now()}
    taken = {"actionId": "a1", "userId": "u1", "sessionId": "s", "timestamp": clock.now(), "eventType": "taken"}
    put = {"userId": "u1", "sessionId": "s", "eventList": [event]}
    return [
        outcome(shop.events.put_events, trackingId=tracker, **put),
        outcome(shop.events.put_action_interactions, trackingId=tracker, actionInteractions=[taken]),
    ]


@sees(("free", ["ACTIVE", "accepted", 1]), ("taken", [TAKEN, TAKEN, 1]))
def job_names_of_deleted_group():
    def import_and_delete_users() -> list[str]:
        users = {"dataLocation": "s3://all/users.csv"}
        deletion = {"jobName": "gone", "datasetGroupArn": shop.group, "dataSource": users, "roleArn": ROLE}
        status = imported(shop.dataset("Users"), users)
        deleted = outcome(shop.api.create_data_deletion_job, **deletion)
        clock.advance(3 * HOUR)
        return [status, deleted]

    shop = new_shop()
    shop.put("users.csv", "USER_ID,AGE\nu1,7\n")
    shop.open(dataset_types=("Users",))
    first = import_and_delete_users()
    assert first == ["ACTIVE", "accepted"]
    shop.api.delete_dataset(datasetArn=shop.dataset("Users"))
    clock.advance(HOUR)
    shop.api.delete_dataset_group(datasetGroupArn=shop.group)
    clock.advance(HOUR)
    shop.api.delete_schema(schemaArn=f"{PREFIX}schema/Users")
    shop.open(dataset_types=("Users",))
    again = import_and_delete_users()
    return [*again, len(shop.api.list_dataset_import_jobs()["datasetImportJobs"])]


@sees((IN_USE, IN_USE), (INVALID, INVALID), ("empty", "accepted"))
def metrics_of_failed_version():
    arn = open_shop().create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    clock.advance(HOUR)
    return outcome(api().get_solution_metrics, solutionVersionArn=arn)


@sees(
    ("of_the_kind", ["The given solution does not exist: {}", "The given dataset group does not exist: {}"]),
    ("of_any_resource", ["Resource Arn {} does not exist.", "The given dataset group does not exist: {}"]),
)
def not_found_text():
    texts = []
    for call, member in (("describe_solution", "solutionArn"), ("describe_dataset_group", "datasetGroupArn")):
        arn = SOLUTION if member == "solutionArn" else GROUP
        with pytest.raises(ClientError) as refused:
            getattr(api(), call)(**{member: arn})
        texts.append(refused.value.response["Error"]["Message"].replace(arn, "{}"))
    return texts


@sees(({}, "ACTIVE"), ({"solution_update": 600}, "CREATE IN_PROGRESS"))
def seconds():
    open_shop().update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    clock.advance(400)
    return described()["latestSolutionUpdate"]["status"]


def test_every_answer_to_every_assumption_is_seen_and_differs():
    for question in fields(Assumptions):
        answers, seen = zip(*OBSERVED[question.name][1], strict=True)
        assert not any(seen.count(each) > 1 for each in seen), question.name
        assert answers == (question.metadata["choices"] or answers), question.name
        assert len(answers) > 1 or question.metadata["choices"], question.name
    assert len(OBSERVED) == len(fields(Assumptions))


@pytest.mark.parametrize(
    ("name", "answer", "seen"),
    [(name, answer, seen) for name, (_, answers) in OBSERVED.items() for answer, seen in answers],
)
def test_an_answer_changes_what_a_client_sees(name, answer, seen):
    with mock_aws():
        clock.freeze()
        setattr(assumptions, name, answer)
        assert OBSERVED[name][0]() == seen


@pytest.mark.parametrize(
    ("mark", "table"), [("answers", assumption_docs.answers()), ("durations", assumption_docs.durations())]
)
def test_the_guide_has_the_tables(mark, table):
    _, _, rest = GUIDE.read_text(encoding="utf-8").partition(f"<!-- {mark} -->\n")
    there, _, _ = rest.partition(f"<!-- /{mark} -->")
    assert there == table, f"put this between the marks in {GUIDE.name}:\n{table}"


def test_the_tables_are_printed(capsys):
    assert main(["assumptions"]) == 0
    assert capsys.readouterr().out == f"{assumption_docs.answers()}\n{assumption_docs.durations()}"


@pytest.mark.parametrize(("name", "observed"), OBSERVED.items())
def test_the_first_answer_is_the_default(name, observed):
    first, _ = observed[1][0]
    assert getattr(assumptions, name) == (first if name != "seconds" else SECONDS)


@pytest.mark.parametrize("name", SECONDS)
def test_durations_can_be_set(name):
    clock.freeze()
    progress = Progress(name, ("PENDING", "IN_PROGRESS", "ACTIVE"), clock.now())
    assert progress.expected == pytest.approx(clock.now() + SECONDS[name])
    progress = Progress(name, ("PENDING", "IN_PROGRESS", "ACTIVE"), clock.now())
    assumptions.seconds[name] = 77_777
    assert progress.expected == pytest.approx(clock.now() + 77_777)


@pytest.mark.parametrize(
    ("seconds", "complaint"),
    [
        ({"solution": -1}, "seconds of solution is -1"),
        ({"solution": float("inf")}, "seconds of solution is inf"),
        ({"solutions": 1}, "no seconds of 'solutions'"),
        (5, "seconds is 5: give names"),
    ],
)
def test_invalid_seconds_are_refused_and_nothing_changes(seconds, complaint):
    with pytest.raises(ValueError, match=complaint):
        assumptions.seconds = seconds
    assert assumptions.seconds == SECONDS
