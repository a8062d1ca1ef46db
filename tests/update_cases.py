"""The four resource types whose descriptions show updates, each with test data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shop import HOUR, MARKET, PREFIX, RECOMMENDED, SCHEMA, SOLUTION, open_market
from task_runs import Run, TaskInstance

from airflow_provider_personalize import operators
from airflow_provider_personalize.emulator import calls, clock
from airflow_provider_personalize.resources import RESOURCE_TYPES, ResourceType

Request = Mapping[str, Any]


@dataclass(frozen=True)
class UpdateCase:
    """
    A kind of resource whose description shows its latest update.

    :param make: Makes one, ACTIVE.
    :param arn: Its ARN.
    :param ours: What the task asks for, as parameters and as a request.
    :param theirs: Another update, accepted before ours or after it.
    :param later: Another update, accepted after ours.
    """

    name: str
    make: Callable[[Any], None]
    arn: str
    ours: tuple[Request, Request]
    theirs: Request
    later: Request

    @property
    def resource(self) -> ResourceType:
        return RESOURCE_TYPES[self.name]

    @property
    def operation(self) -> str:
        return f"Update{self.resource.pascal}"

    def run(self, **parameters: Any) -> Run:
        given = {self.resource.arn_parameter: self.arn, **self.ours[0], **parameters}
        return Run(lambda: getattr(operators, f"{self.operation}Operator")(task_id="task", **given), TaskInstance())

    def update(self, client: Any, request: Request) -> None:
        getattr(client, f"update_{self.name}")(**{self.resource.arn_member: self.arn}, **request)

    def described(self, client: Any) -> dict[str, Any]:
        described = getattr(client, f"describe_{self.name}")(**{self.resource.arn_member: self.arn})
        found: dict[str, Any] = described[self.resource.member]
        return found

    def latest(self, client: Any) -> dict[str, Any]:
        update: dict[str, Any] = self.described(client).get(self.resource.update_member, {})
        return update

    def is_in_force(self, client: Any, request: Request) -> bool:
        """Return whether the resource itself has exactly a request's members."""
        found = self.described(client)
        shown = {**found, "solutionUpdateConfig": found.get("solutionConfig")}
        return all(shown.get(member) == value for member, value in request.items())

    def accepted(self) -> int:
        return len([call for call in calls.of(self.operation) if call.error is None])


def every(days: int) -> dict[str, Any]:
    return {"autoTrainingConfig": {"schedulingExpression": f"rate({days} days)"}}


def _weighed(weight: str) -> dict[str, Any]:
    return {"itemExplorationConfig": {"explorationWeight": weight}}


def _make_campaign(client: Any) -> None:
    client.create_campaign(name="market", solutionVersionArn=open_market(client))
    clock.advance(HOUR)


def _make_recommender(client: Any) -> None:
    open_market(client)
    client.create_recommender(name="you", datasetGroupArn=MARKET, recipeArn=RECOMMENDED)
    clock.advance(HOUR)


def _make_dataset(client: Any) -> None:
    fields = [{"name": "ITEM_ID", "type": "string"}, {"name": "PRICE", "type": "float"}]
    for name in ("items", "wide", "wider", "widest"):
        client.create_schema(name=name, schema=json.dumps({**SCHEMA, "name": "Items", "fields": fields}))
        fields = [*fields, {"name": name.upper(), "type": ["null", "int"]}]
    given = {"datasetGroupArn": f"{PREFIX}dataset-group/shop", "datasetType": "ITEMS"}
    client.create_dataset(name="items", schemaArn=f"{PREFIX}schema/items", **given)
    clock.advance(HOUR)


def _schema(name: str) -> dict[str, Any]:
    return {"schemaArn": f"{PREFIX}schema/{name}"}


UPDATE_CASES = [
    UpdateCase(
        "solution",
        lambda client: None,
        SOLUTION,
        (
            {"perform_auto_training": True, "solution_update_config": every(3)},
            {"performAutoTraining": True, "solutionUpdateConfig": every(3)},
        ),
        {"performAutoTraining": True, "solutionUpdateConfig": every(5)},
        {"performAutoTraining": False},
    ),
    UpdateCase(
        "campaign",
        _make_campaign,
        f"{PREFIX}campaign/market",
        (
            {"min_provisioned_tps": 2, "campaign_config": _weighed("0.5")},
            {"minProvisionedTPS": 2, "campaignConfig": _weighed("0.5")},
        ),
        {"minProvisionedTPS": 2, "campaignConfig": _weighed("0.6")},
        {"minProvisionedTPS": 9},
    ),
    UpdateCase(
        "recommender",
        _make_recommender,
        f"{PREFIX}recommender/you",
        (
            {"recommender_config": {"minRecommendationRequestsPerSecond": 2, **_weighed("0.5")}},
            {"recommenderConfig": {"minRecommendationRequestsPerSecond": 2, **_weighed("0.5")}},
        ),
        {"recommenderConfig": {"minRecommendationRequestsPerSecond": 2, **_weighed("0.6")}},
        {"recommenderConfig": {"minRecommendationRequestsPerSecond": 9}},
    ),
    UpdateCase(
        "dataset",
        _make_dataset,
        f"{PREFIX}dataset/shop/ITEMS",
        ({"schema_arn": f"{PREFIX}schema/wider"}, _schema("wider")),
        _schema("wide"),
        _schema("widest"),
    ),
]
