"""
Whatever is done in whatever order, no description shows a status that the service does not have.

The statuses and what may follow what are written here from the API reference
(https://docs.aws.amazon.com/personalize/latest/dg/API_Types_Amazon_Personalize.html), not taken from the emulator.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import everything
import hypothesis.strategies as st
import pytest
from botocore.exceptions import ClientError
from everything import RECIPE, new_shop
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from moto import mock_aws
from moto.core.utils import camelcase_to_underscores
from shop import PREFIX, ROLE

from airflow_provider_personalize.emulator import assumptions, clock, faults, quotas, service_model
from airflow_provider_personalize.emulator.http.models import personalize_backends

GONE = "gone"
OPERATIONS = service_model.service().operation_names
MADE = ["CREATE PENDING", "CREATE IN_PROGRESS", "ACTIVE"]
DELETED = ["ACTIVE", "DELETE PENDING", "DELETE IN_PROGRESS", GONE]
FAILED = [["CREATE IN_PROGRESS", "CREATE FAILED"]]
BASIC = [MADE, *FAILED, DELETED, ["CREATE FAILED", "DELETE PENDING"]]

# Which status may come after which, for each kind
PATHS: dict[str, list[list[str]]] = {
    "dataset_group": [MADE, *FAILED, ["ACTIVE", "DELETE PENDING", GONE], ["CREATE FAILED", "DELETE PENDING"]],
    "dataset": [*BASIC, ["ACTIVE", "UPDATE PENDING", "UPDATE IN_PROGRESS", "ACTIVE"]],
    "dataset_import_job": [MADE, *FAILED],
    "dataset_export_job": [MADE, *FAILED],
    "data_deletion_job": [["PENDING", "IN_PROGRESS", "COMPLETED"], ["IN_PROGRESS", "FAILED"]],
    "solution": BASIC,
    "solution_version": [
        MADE,
        *FAILED,
        ["CREATE PENDING", "CREATE STOPPED", GONE],
        ["CREATE IN_PROGRESS", "CREATE STOPPING", "CREATE STOPPED"],
        ["ACTIVE", GONE],
        ["CREATE FAILED", GONE],
    ],
    "campaign": [*BASIC, ["CREATE FAILED", "ACTIVE"]],
    "recommender": [
        *BASIC,
        ["ACTIVE", "STOP PENDING", "STOP IN_PROGRESS", "INACTIVE", "START PENDING", "START IN_PROGRESS", "ACTIVE"],
        ["INACTIVE", "DELETE PENDING"],
    ],
    "event_tracker": BASIC,
    "filter": BASIC,
    "batch_inference_job": [MADE, *FAILED],
    "batch_segment_job": [MADE, *FAILED],
    "metric_attribution": [*BASIC, ["ACTIVE", "CREATE PENDING"]],
}
UPDATE_PATHS = [MADE, *FAILED]
UPDATES: dict[str, list[list[str]]] = {
    "solution": UPDATE_PATHS,
    "campaign": UPDATE_PATHS,
    "recommender": UPDATE_PATHS,
    "dataset": [["UPDATE PENDING", "UPDATE IN_PROGRESS", "ACTIVE"], ["UPDATE IN_PROGRESS", "CREATE FAILED"]],
}


def reachable(paths: list[list[str]], status: str) -> set[str]:
    """The statuses that a later poll may see."""
    seen, new = {status}, {status}
    while new:
        new = {after for path in paths for now, after in pairwise(path) if now in seen} - seen
        seen |= new
    return seen


class Watch:
    """
    Look at everything again and again: each status must be one that may come after the one seen before.

    It asks the backend itself, which takes a tenth of what a client takes; what clients get of it others test.
    """

    def __init__(self) -> None:
        self._backend = personalize_backends["123456789012"]["us-east-1"]
        self.statuses: dict[str, set[str]] = {resource_type: set() for resource_type in PATHS}
        self.update_statuses: dict[str, set[str]] = {resource_type: set() for resource_type in UPDATES}
        self._seen: dict[str, tuple[str, str]] = {}
        self._updates: dict[str, tuple[Any, str]] = {}

    def arns(self, resource_type: str) -> list[str]:
        given = [{"solutionArn": arn} for arn in self.arns("solution")] if resource_type == "solution_version" else [{}]
        answers = [self._backend.answer(f"List{pascal(resource_type)}s", each) for each in given]
        lists = [value for answer in answers for value in answer.values() if isinstance(value, list)]
        return [summary[arn_member(resource_type)] for summaries in lists for summary in summaries]

    def observe(self) -> None:
        there = {arn: resource_type for resource_type in PATHS for arn in self.arns(resource_type)}
        for arn in set(self._seen) - set(there):
            resource_type, status = self._seen.pop(arn)
            assert GONE in reachable(PATHS[resource_type], status), (arn, status, GONE)
            self._updates.pop(arn, None)
        for arn, resource_type in there.items():
            self._observe(resource_type, arn)

    def _observe(self, resource_type: str, arn: str) -> None:
        member = arn_member(resource_type)
        shown = self._backend.answer(f"Describe{pascal(resource_type)}", {member: arn})[member.removesuffix("Arn")]
        status = shown["status"]
        _, before = self._seen.get(arn, (resource_type, PATHS[resource_type][0][0]))
        assert status in reachable(PATHS[resource_type], before), (arn, before, status)
        self._seen[arn] = (resource_type, status)
        self.statuses[resource_type].add(status)
        assert ("failureReason" in shown) <= (status in {"CREATE FAILED", "FAILED"})
        update = shown.get("latest" + resource_type.title() + "Update")
        if update is not None:
            self._observe_update(resource_type, arn, update)

    def _observe_update(self, resource_type: str, arn: str, update: dict[str, Any]) -> None:
        began, before = self._updates.get(arn, (None, ""))
        before = before if began == update["creationDateTime"] else UPDATES[resource_type][0][0]
        assert update["status"] in reachable(UPDATES[resource_type], before), (arn, before, update["status"])
        self._updates[arn] = (update["creationDateTime"], update["status"])
        self.update_statuses[resource_type].add(update["status"])


def pascal(resource_type: str) -> str:
    return resource_type.replace("_", " ").title().replace(" ", "")


def arn_member(resource_type: str) -> str:
    return f"{pascal(resource_type)[0].lower()}{pascal(resource_type)[1:]}Arn"


class Slowly:
    """A clock that polls everything many times in each hour."""

    PAUSES = (0, 0.6, 2, 5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560)

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self.now = clock.now

    def advance(self, seconds: float) -> None:
        end = clock.now() + seconds
        for pause in self.PAUSES:
            clock.advance(max(0, min(pause, end - clock.now())))
            self._watch.observe()
        clock.advance(end - clock.now())
        self._watch.observe()


SELDOM = {"CREATE FAILED", "FAILED", "CREATE STOPPING", GONE}


def test_a_shop_that_uses_everything_goes_through_every_status(monkeypatch):
    assumptions.seconds["solution"] = 1
    assumptions.job_names_of_deleted_group = "taken"  # jobs stay, as the recorded lifecycles have it
    with mock_aws():
        shop = new_shop()
        watch = Watch()
        monkeypatch.setattr(everything, "clock", Slowly(watch))
        everything.use_everything(shop)
    for resource_type, paths in PATHS.items():
        assert watch.statuses[resource_type] - SELDOM == {status for path in paths for status in path} - SELDOM, (
            resource_type
        )
    for resource_type, paths in UPDATES.items():
        assert (
            watch.update_statuses[resource_type] - SELDOM == {status for path in paths for status in path} - SELDOM
        ), resource_type


NAMES = st.sampled_from(["a", "b"])


class Lifecycles(RuleBasedStateMachine):
    @initialize(speed=st.sampled_from(["slow", "fast"]))
    def open(self, speed: str) -> None:
        assumptions.reset()
        assumptions.job_names_of_deleted_group = "taken"
        quotas.reset()
        self.mock = mock_aws()
        self.mock.start()
        self.step = 20 if speed == "slow" else 2000
        self.shop = new_shop()
        self.watch = Watch()
        self.shop.open("ECOMMERCE")
        self.shop.import_all()
        self.shop.solve("a", "user-personalization-v2")
        self.shop.solve("b", "item-affinity")
        self.requests = {
            "dataset_import_job": {"datasetArn": self.shop.dataset("Items"), "roleArn": ROLE,
                                   "dataSource": {"dataLocation": "s3://all/in/Items.csv"}},
            "dataset_export_job": {"datasetArn": self.shop.dataset("Items"), "roleArn": ROLE, **self._output()},
            "data_deletion_job": {"dataSource": {"dataLocation": self.shop.put("gone.csv", "USER_ID\nu1\n")},
                                  "roleArn": ROLE},
            "solution": {"recipeArn": f"{RECIPE}similar-items"},
            "recommender": {"recipeArn": f"{RECIPE}ecomm-popular-items-by-views"},
            "filter": {"filterExpression": 'EXCLUDE ItemID WHERE Items.GENRE IN ("drama")'},
            "metric_attribution": {"metricsOutputConfig": {"roleArn": ROLE}, "metrics": []},
        }  # fmt: skip

    def _output(self) -> dict[str, Any]:
        return {"jobOutput": {"s3DataDestination": {"path": "s3://all/out/"}}}

    def call(self, operation: str, **request: Any) -> None:
        """Call, and hold a refusal to the errors that the operation is documented to have."""
        try:
            getattr(self.shop.api, camelcase_to_underscores(operation))(**request)
        except ClientError as error:
            code = error.response["Error"]["Code"]
        else:
            code = None
        assert code is None or code in service_model.errors(operation), (operation, code)

    def on_each(self, operation: str, resource_type: str, **request: Any) -> None:
        for arn in self.watch.arns(resource_type):
            self.call(operation, **{arn_member(resource_type): arn}, **request)

    @rule(resource_type=st.sampled_from(["dataset_import_job", "dataset_export_job", "data_deletion_job"]), name=NAMES)
    def start_a_job(self, resource_type: str, name: str) -> None:
        request = {**self.requests[resource_type], "jobName": name}
        if resource_type == "data_deletion_job":
            request["datasetGroupArn"] = self.shop.group
        self.call("Create" + pascal(resource_type), **request)

    @rule(
        resource_type=st.sampled_from(["solution", "recommender", "event_tracker", "filter", "metric_attribution"]),
        name=NAMES,
    )
    def create(self, resource_type: str, name: str) -> None:
        operation = "Create" + pascal(resource_type)
        self.call(operation, name=name, datasetGroupArn=self.shop.group, **self.requests.get(resource_type, {}))

    @rule(resource_type=st.sampled_from(["BatchInferenceJob", "BatchSegmentJob"]), name=NAMES)
    def start_a_batch_job(self, resource_type: str, name: str) -> None:
        given = {"jobInput": {"s3DataSource": {"path": "s3://all/in/Items.csv"}}, "roleArn": ROLE, **self._output()}
        for version in self.watch.arns("solution_version")[:2]:
            self.call(f"Create{resource_type}", jobName=name, solutionVersionArn=version, **given)

    @rule(name=NAMES)
    def train(self, name: str) -> None:
        self.call("CreateSolutionVersion", solutionArn=f"{PREFIX}solution/{name}")

    @rule(name=NAMES, sync=st.booleans())
    def deploy(self, name: str, sync: bool) -> None:
        config = {"syncWithLatestSolutionVersion": sync}
        self.call("CreateCampaign", name=name, solutionVersionArn=f"{PREFIX}solution/a/$LATEST", campaignConfig=config)

    @rule(on=st.booleans())
    def update_solutions(self, on: bool) -> None:
        self.on_each("UpdateSolution", "solution", performAutoTraining=on)

    @rule(tps=st.integers(1, 3))
    def update_serving(self, tps: int) -> None:
        self.on_each("UpdateCampaign", "campaign", minProvisionedTPS=tps)
        self.on_each("UpdateRecommender", "recommender", recommenderConfig={"minRecommendationRequestsPerSecond": tps})

    @rule(wanted=st.sampled_from(["Items", "Users"]))
    def update_datasets(self, wanted: str) -> None:
        self.call("UpdateDataset", datasetArn=self.shop.dataset("Items"), schemaArn=f"{PREFIX}schema/{wanted}")

    @rule()
    def update_metrics(self) -> None:
        metric = {"eventType": "a", "metricName": f"m{clock.now():.0f}", "expression": "SAMPLECOUNT()"}
        self.on_each("UpdateMetricAttribution", "metric_attribution", addMetrics=[metric])

    @rule(operation=st.sampled_from(["StopRecommender", "StartRecommender"]))
    def stop_or_start(self, operation: str) -> None:
        self.on_each(operation, "recommender")

    @rule()
    def stop_training(self) -> None:
        self.on_each("StopSolutionVersionCreation", "solution_version")

    @rule(resource_type=st.sampled_from(
        ["campaign", "recommender", "solution", "event_tracker", "filter", "metric_attribution", "dataset",
         "dataset_group"]
    ))  # fmt: skip
    def delete(self, resource_type: str) -> None:
        self.on_each("Delete" + pascal(resource_type), resource_type)

    @rule(operation=st.sampled_from(sorted(o for o in OPERATIONS if o.startswith(("Create", "Update")))))
    def order_a_failure(self, operation: str) -> None:
        faults.fail_next(operation, "Told to.")

    @rule()
    def retry_campaigns(self) -> None:
        """Give each campaign the newest version, those that failed among them."""
        for name in ("a", "b"):
            arn = f"{PREFIX}campaign/{name}"
            self.call("UpdateCampaign", campaignArn=arn, solutionVersionArn=f"{PREFIX}solution/a/$LATEST")

    @rule(times=st.integers(1, 5))
    def wait(self, times: int) -> None:
        for _ in range(times):
            clock.advance(self.step)
            self.watch.observe()

    @invariant()
    def poll_status(self) -> None:
        self.watch.observe()

    def teardown(self) -> None:
        if hasattr(self, "mock"):
            self.mock.stop()
        faults.clear()
        clock.reset()


TestLifecycles = Lifecycles.TestCase
TestLifecycles.settings = settings(
    max_examples=12, stateful_step_count=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize("resource_type", PATHS)
def test_every_resource_type_ends_from_every_status(resource_type):
    ends = {GONE, "ACTIVE", "COMPLETED", "CREATE FAILED", "FAILED", "CREATE STOPPED", "INACTIVE"}
    for status in {status for path in PATHS[resource_type] for status in path}:
        assert reachable(PATHS[resource_type], status) & ends
