"""Every operator and sensor once at least, in the order of a shop's life: what tests of all of them run."""

from __future__ import annotations

import json
from typing import Any, Final

from shop import HOUR, LOCATION, MARKET, PREFIX, RECOMMENDED, ROLE, SCHEMA, api, open_market, train
from task_runs import Run, TaskInstance

from airflow_provider_personalize import operators, sensors
from airflow_provider_personalize.emulator import assumptions, clock
from airflow_provider_personalize.plans.cascade import JOBS

TASKS: Final = [getattr(room, name) for room in (operators, sensors) for name in room.__all__]
GROUP: Final = f"{PREFIX}dataset-group/life"
RECIPE: Final = "arn:aws:personalize:::recipe/aws-"
TAGS: Final = [{"tagKey": "team", "tagValue": "shop"}]
OUTPUT: Final = {"s3DataDestination": {"path": "s3://shop/out/"}}
TEXT: Final = {"type": "string"}
SIZE: Final = {"name": "SIZE", "type": ["null", "int"]}
_MINUTE: Final = 60
FIELDS: Final = {
    "INTERACTIONS": [*SCHEMA["fields"], {"name": "EVENT_TYPE", **TEXT}],
    "ITEMS": [{"name": "ITEM_ID", **TEXT}, {"name": "PRICE", "type": "float"}],
    "USERS": [{"name": "USER_ID", **TEXT}, {"name": "AGE", "type": "int"}],
    "ACTIONS": [{"name": "ACTION_ID", **TEXT}, {"name": "VALUE", "type": "long"}],
    "ACTION_INTERACTIONS": [
        {"name": name, "type": "long" if name == "TIMESTAMP" else "string"}
        for name in ("USER_ID", "ACTION_ID", "EVENT_TYPE", "TIMESTAMP")
    ],
}
CSV: Final = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n" + "".join(
    f"u{n % 50},i{(n * 7) % 40},{1_700_000_000 + n},View\n" for n in range(1000)
)
METRIC: Final = {"eventType": "View", "metricName": "views", "expression": "SAMPLECOUNT()"}
OTHER: Final = {**METRIC, "metricName": "more"}
ATTRIBUTION: Final = {
    "name": "life",
    "dataset_group_arn": GROUP,
    "metrics": [METRIC],
    "metrics_output_config": {"roleArn": ROLE, **OUTPUT},
}


def dataset(dataset_type: str) -> str:
    return f"{PREFIX}dataset/life/{dataset_type}"


def avro(dataset_type: str, *more: dict[str, Any]) -> dict[str, Any]:
    return {**SCHEMA, "name": dataset_type.title(), "fields": [*FIELDS[dataset_type], *more]}


FILES: Final = {
    "interactions.csv": CSV,
    "users.json": '{"userId": "u1"}\n',
    "items.json": '{"itemId": "i1"}\n',
    "gone.csv": "USER_ID\nu3\n",
    "wider.avsc": json.dumps(avro("ITEMS", SIZE)),
    "widest.avsc": json.dumps(avro("ITEMS", SIZE, {**SIZE, "name": "AGE"})),
}


def job(name: str) -> dict[str, Any]:
    return {"job_input": {"s3DataSource": {"path": f"s3://shop/{name}"}}, "job_output": OUTPUT, "role_arn": ROLE}


# Each task by its name without Operator, with what it is given; <Name> stands for what a task of that name returned.
STEPS: Final[list[tuple[str, dict[str, Any]]]] = [
    *(("CreateSchema", {"name": dataset_type, "schema": avro(dataset_type)}) for dataset_type in FIELDS),
    ("CreateDatasetGroup", {"name": "life", "tags": TAGS}),
    ("DatasetGroupSensor", {"dataset_group_arn": GROUP}),
    *(
        (
            "CreateDataset",
            {
                "name": dataset_type,
                "schema_arn": f"{PREFIX}schema/{dataset_type}",
                "dataset_group_arn": GROUP,
                "dataset_type": dataset_type,
                "tags": TAGS,
            },
        )
        for dataset_type in FIELDS
    ),
    ("DatasetSensor", {"dataset_arn": dataset("ITEMS")}),
    ("CheckDataset", {"dataset_arn": dataset("INTERACTIONS"), "data_location": LOCATION}),
    (
        "CreateDatasetImportJob",
        {
            "dataset_arn": dataset("INTERACTIONS"),
            "data_source": {"dataLocation": LOCATION},
            "role_arn": ROLE,
            "tags": TAGS,
            "check_data": True,
        },
    ),
    ("DatasetImportJobSensor", {"dataset_import_job_arn": "<CreateDatasetImportJob>"}),
    ("CreateEventTracker", {"name": "life", "dataset_group_arn": GROUP, "tags": TAGS}),
    ("EventTrackerSensor", {"event_tracker_arn": "<CreateEventTracker>"}),
    (
        "PutEvents",
        {
            "tracking_id": "<tracking_id>",
            "session_id": "s",
            "user_id": "u1",
            "event_list": [
                {"eventType": "View", "itemId": "i1", "sentAt": 1_700_000_000, "properties": {"itemId": "i1"}}
            ],
        },
    ),
    ("PutItems", {"dataset_arn": dataset("ITEMS"), "items": [{"itemId": "i1", "properties": {"price": 1.5}}]}),
    ("PutUsers", {"dataset_arn": dataset("USERS"), "users": [{"userId": "u1", "properties": {"age": 7}}]}),
    ("PutActions", {"dataset_arn": dataset("ACTIONS"), "actions": [{"actionId": "a1", "properties": {"value": 7}}]}),
    (
        "PutActionInteractions",
        {
            "tracking_id": "<tracking_id>",
            "action_interactions": [
                {
                    "actionId": "a1",
                    "userId": "u1",
                    "sessionId": "s",
                    "timestamp": 1_700_000_000,
                    "eventType": "taken",
                    "properties": {"actionId": "a1"},
                }
            ],
        },
    ),
    (
        "CreateSolution",
        {
            "name": "segments",
            "dataset_group_arn": GROUP,
            "perform_auto_training": False,
            "recipe_arn": f"{RECIPE}item-affinity",
            "tags": TAGS,
        },
    ),
    ("CreateSolutionVersion", {"solution_arn": f"{PREFIX}solution/segments"}),
    (
        "CreateBatchSegmentJob",
        {"solution_version_arn": "<CreateSolutionVersion>", **job("items.json"), "tags": TAGS},
    ),
    ("BatchSegmentJobSensor", {"batch_segment_job_arn": "<CreateBatchSegmentJob>"}),
    (
        "CreateSolution",
        {
            "name": "life",
            "dataset_group_arn": GROUP,
            "perform_auto_training": False,
            "recipe_arn": f"{RECIPE}user-personalization-v2",
            "solution_config": {"autoMLConfig": {"metricName": "coverage"}},
        },
    ),
    ("SolutionSensor", {"solution_arn": f"{PREFIX}solution/life"}),
    (
        "UpdateSolution",
        {
            "solution_arn": f"{PREFIX}solution/life",
            "perform_auto_training": True,
            "solution_update_config": {"autoTrainingConfig": {"schedulingExpression": "rate(3 days)"}},
        },
    ),
    ("SolutionUpdateSensor", {"solution_arn": f"{PREFIX}solution/life"}),
    (
        "AutomaticSolutionVersionSensor",
        {"solution_arn": f"{PREFIX}solution/life", "after": "2026-01-01T00:00:00Z", "timeout": 86400.0},
    ),
    ("UpdateSolution", {"solution_arn": f"{PREFIX}solution/life", "perform_auto_training": False}),
    ("CreateSolutionVersion", {"solution_arn": f"{PREFIX}solution/life", "wait_for_completion": False}),
    ("StopSolutionVersionCreation", {"solution_version_arn": "<CreateSolutionVersion>"}),
    ("CreateSolutionVersion", {"solution_arn": f"{PREFIX}solution/life", "tags": TAGS}),
    ("SolutionVersionSensor", {"solution_version_arn": "<CreateSolutionVersion>"}),
    ("StaleSolutionSensor", {"solution_arn": f"{PREFIX}solution/life", "max_age": 0.0, "poke_interval": 60.0}),
    ("GetSolutionMetrics", {"solution_version_arn": "<CreateSolutionVersion>"}),
    ("CompareSolutionVersions", {"solution_arn": f"{PREFIX}solution/life", "best_by": "precision_at_5"}),
    (
        "CreateFilter",
        {
            "name": "life",
            "dataset_group_arn": GROUP,
            "filter_expression": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("Purchase")',
            "tags": TAGS,
        },
    ),
    ("FilterSensor", {"filter_arn": f"{PREFIX}filter/life"}),
    (
        "CreateCampaign",
        {
            "name": "life",
            "solution_version_arn": f"{PREFIX}solution/life/$LATEST",
            "min_provisioned_tps": 1,
            "campaign_config": {"enableMetadataWithRecommendations": False},
            "tags": TAGS,
        },
    ),
    ("CreateCampaign", {"name": "life", "solution_version_arn": f"{PREFIX}solution/life/$LATEST"}),
    ("CampaignSensor", {"campaign_arn": f"{PREFIX}campaign/life"}),
    (
        "UpdateCampaign",
        {
            "campaign_arn": f"{PREFIX}campaign/life",
            "solution_version_arn": f"{PREFIX}solution/life/$LATEST",
            "min_provisioned_tps": 2,
        },
    ),
    ("CampaignUpdateSensor", {"campaign_arn": f"{PREFIX}campaign/life"}),
    (
        "GetRecommendations",
        {
            "campaign_arn": f"{PREFIX}campaign/life",
            "user_id": "u1",
            "num_results": 5,
            "filter_arn": f"{PREFIX}filter/life",
        },
    ),
    (
        "PromoteSolutionVersion",
        {
            "campaign_arn": f"{PREFIX}campaign/life",
            "solution_version_arn": "<AutomaticSolutionVersionSensor>",
            "min_metrics": {"coverage": 0},
            "verify_user_ids": ["u1"],
        },
    ),
    ("RollbackCampaign", {"campaign_arn": f"{PREFIX}campaign/life"}),
    (
        "CreateBatchInferenceJob",
        {"solution_version_arn": "<CreateSolutionVersion>", **job("users.json"), "tags": TAGS},
    ),
    ("BatchInferenceJobSensor", {"batch_inference_job_arn": "<CreateBatchInferenceJob>"}),
    (
        "CreateRecommender",
        {
            "name": "life",
            "dataset_group_arn": MARKET,
            "recipe_arn": RECOMMENDED,
            "recommender_config": {"minRecommendationRequestsPerSecond": 1},
            "tags": TAGS,
        },
    ),
    ("RecommenderSensor", {"recommender_arn": f"{PREFIX}recommender/life"}),
    (
        "UpdateRecommender",
        {
            "recommender_arn": f"{PREFIX}recommender/life",
            "recommender_config": {"minRecommendationRequestsPerSecond": 2},
        },
    ),
    ("RecommenderUpdateSensor", {"recommender_arn": f"{PREFIX}recommender/life"}),
    ("StopRecommender", {"recommender_arn": f"{PREFIX}recommender/life"}),
    ("StartRecommender", {"recommender_arn": f"{PREFIX}recommender/life"}),
    ("CreateMetricAttribution", ATTRIBUTION),
    ("CreateMetricAttribution", ATTRIBUTION),
    ("MetricAttributionSensor", {"metric_attribution_arn": f"{PREFIX}metric-attribution/life"}),
    (
        "UpdateMetricAttribution",
        {
            "metric_attribution_arn": f"{PREFIX}metric-attribution/life",
            "add_metrics": [OTHER],
            "remove_metrics": ["views"],
        },
    ),
    (
        "CreateDatasetExportJob",
        {
            "dataset_arn": dataset("INTERACTIONS"),
            "job_output": OUTPUT,
            "role_arn": ROLE,
            "ingestion_mode": "ALL",
            "tags": TAGS,
        },
    ),
    ("DatasetExportJobSensor", {"dataset_export_job_arn": "<CreateDatasetExportJob>"}),
    (
        "CreateDataDeletionJob",
        {
            "dataset_group_arn": GROUP,
            "data_source": {"dataLocation": "s3://shop/gone.csv"},
            "role_arn": ROLE,
            "tags": TAGS,
        },
    ),
    ("DataDeletionJobSensor", {"data_deletion_job_arn": "<CreateDataDeletionJob>"}),
    ("CreateSchema", {"name": "wider", "schema": "s3://shop/wider.avsc"}),
    ("UpdateDataset", {"dataset_arn": dataset("ITEMS"), "schema_arn": f"{PREFIX}schema/wider"}),
    ("DatasetUpdateSensor", {"dataset_arn": dataset("ITEMS")}),
    ("EvolveDatasetSchema", {"dataset_arn": dataset("ITEMS"), "schema": "s3://shop/widest.avsc"}),
    ("TagResource", {"resource_arn": GROUP, "tags": TAGS}),
    ("UntagResource", {"resource_arn": GROUP, "tag_keys": ["team"]}),
]
ENDS: Final[list[tuple[str, dict[str, Any]]]] = [
    ("DeleteRecommender", {"recommender_arn": f"{PREFIX}recommender/life"}),
    ("DeleteCampaign", {"campaign_arn": f"{PREFIX}campaign/life"}),
    ("DeleteSolution", {"solution_arn": f"{PREFIX}solution/life"}),
    ("DeleteFilter", {"filter_arn": f"{PREFIX}filter/life"}),
    ("DeleteEventTracker", {"event_tracker_arn": "<CreateEventTracker>"}),
    ("DeleteMetricAttribution", {"metric_attribution_arn": f"{PREFIX}metric-attribution/life"}),
    ("DeleteDataset", {"dataset_arn": dataset("ACTIONS")}),
    ("DeleteSchema", {"schema_arn": f"{PREFIX}schema/ACTIONS"}),
    ("DeleteDatasetGroup", {"dataset_group_arn": GROUP, "cascade": True}),
]


class Life:
    """A shop's life, and what its tasks returned so far."""

    def __init__(self) -> None:
        self.market = open_market(api())
        for name, text in FILES.items():
            api("s3").put_object(Bucket="shop", Key=name, Body=text.encode())
        self.results: dict[str, Any] = {}

    def run(self, name: str, given: dict[str, Any], **more: Any) -> Run:
        """Make a step ready to run: ``run()`` is what the task returns."""
        task, given = task_of(name), {**self.resolved(given), **more}
        return Run(lambda: task(task_id="task", **given), TaskInstance(run_id=f"run-{len(self.results)}"))

    def resolved(self, given: dict[str, Any]) -> dict[str, Any]:
        """Put what earlier tasks returned in its place."""
        return {member: self.results.get(str(value), value) for member, value in given.items()}

    def do(self, name: str, given: dict[str, Any], **more: Any) -> Run:
        """Run a step."""
        run = self.run(name, given, **more)
        self.note(name, run, run())
        return run

    def note(self, name: str, run: Run, result: Any) -> None:
        """Record what a task returned, for the tasks after it."""
        self.results[f"<{name}>"] = result
        self.results |= {f"<{key}>": value for key, value in run.ti.xcoms.items()}
        clock.advance(_MINUTE)


def fill(life: Life) -> str:
    """Fill another dataset group, with one of each kind and much of it in progress; return its ARN."""
    client, version = api(), life.market
    inside = {"name": "market", "datasetGroupArn": MARKET}
    client.create_solution(**{**inside, "name": "likers"}, recipeArn=f"{RECIPE}item-affinity", performAutoTraining=True)
    clock.advance(HOUR)
    likers = train(client, f"{PREFIX}solution/likers")
    client.create_campaign(name="market", solutionVersionArn=version)
    client.create_recommender(**inside, recipeArn=RECOMMENDED)
    client.create_filter(**inside, filterExpression='EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("Purchase")')
    client.create_event_tracker(**inside)
    client.create_metric_attribution(**inside, metrics=[METRIC], metricsOutputConfig={"roleArn": ROLE})
    # each is in progress still when the one before has ended
    assumptions.seconds |= {row.name: number * HOUR / 2 for number, row in enumerate(JOBS, 1)}
    data = {"jobName": "busy", "roleArn": ROLE}
    interactions = MARKET.replace("dataset-group", "dataset") + "/INTERACTIONS"
    source = {"dataLocation": "s3://shop/market.csv"}
    client.create_dataset_import_job(**data, datasetArn=interactions, dataSource=source)
    client.create_dataset_export_job(**data, datasetArn=interactions, jobOutput=OUTPUT)
    gone = {"dataLocation": "s3://shop/gone.csv"}
    client.create_data_deletion_job(**data, datasetGroupArn=MARKET, dataSource=gone)
    users, items = ({"s3DataSource": {"path": f"s3://shop/{name}.json"}} for name in ("users", "items"))
    client.create_batch_inference_job(**data, solutionVersionArn=version, jobInput=users, jobOutput=OUTPUT)
    client.create_batch_segment_job(**data, solutionVersionArn=likers, jobInput=items, jobOutput=OUTPUT)
    client.create_solution_version(solutionArn=version.rpartition("/")[0])
    return MARKET


def task_of(name: str) -> Any:
    """Return the class of a step's name."""
    return getattr(sensors, name, None) or getattr(operators, f"{name}Operator")
