"""A little shop in the local Personalize: what tests of a solution or an import need beforehand."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import boto3
import pytest

from airflow_provider_personalize.emulator import clock

PREFIX: Final = "arn:aws:personalize:us-east-1:123456789012:"
SOLUTION: Final = f"{PREFIX}solution/shop"
DATASET: Final = f"{PREFIX}dataset/shop/INTERACTIONS"
ROLE: Final = "arn:aws:iam::123456789012:role/personalize"
KEYS: Final = {"region_name": "us-east-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}
LOCATION: Final = "s3://shop/interactions.csv"
SCHEMA: Final = {
    "type": "record",
    "name": "Interactions",
    "namespace": "shop",
    "version": "1.0",
    "fields": [
        {"name": "USER_ID", "type": "string"},
        {"name": "ITEM_ID", "type": "string"},
        {"name": "TIMESTAMP", "type": "long"},
    ],
}


def api(service: str = "personalize") -> Any:
    """A client, as the environment would have it; one for all tests, since to make one takes longer than most."""
    return _api(service, os.environ.get("AWS_ENDPOINT_URL"))


@cache
def _api(service: str, url: str | None) -> Any:
    return boto3.client(service, endpoint_url=url, **KEYS)


def start_clock(moment: float) -> None:
    """Start the service's clock, which begins at the real time when it is first asked, at another moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: moment)
        clock.reset()
        clock.now()


def open_shop(recipe: str = "aws-user-personalization-v2", **solution: Any) -> Any:
    """Make a dataset group, a dataset, and a solution that does not train by itself; return a client."""
    personalize = api()
    personalize.create_schema(name="shop", schema=json.dumps(SCHEMA))
    personalize.create_dataset_group(name="shop")
    clock.advance(600)
    personalize.create_dataset(
        name="shop",
        schemaArn=f"{PREFIX}schema/shop",
        datasetGroupArn=f"{PREFIX}dataset-group/shop",
        datasetType="INTERACTIONS",
    )
    personalize.create_solution(
        name="shop",
        datasetGroupArn=f"{PREFIX}dataset-group/shop",
        recipeArn=f"arn:aws:personalize:::recipe/{recipe}",
        **{"performAutoTraining": False, **solution},
    )
    clock.advance(600)
    return personalize


def open_many(client: Any, number: int) -> None:
    """Make more solutions that do not train by themselves: ``shop-0``, ``shop-1`` and so on."""
    for each in range(number):
        client.create_solution(
            name=f"shop-{each}",
            datasetGroupArn=f"{PREFIX}dataset-group/shop",
            recipeArn="arn:aws:personalize:::recipe/aws-user-personalization-v2",
            performAutoTraining=False,
        )
    clock.advance(60)


def bring_interactions(header: str = "USER_ID,ITEM_ID,TIMESTAMP", count: int = 1000) -> None:
    """Put a CSV where the import job of a test looks for it."""
    s3 = api("s3")
    s3.create_bucket(Bucket="shop")
    rows = "".join(f"u{number % 50},i{number % 70},{1_700_000_000 + number}\n" for number in range(count))
    s3.put_object(Bucket="shop", Key="interactions.csv", Body=f"{header}\n{rows}".encode())


HOUR: Final = 3600
MARKET: Final = f"{PREFIX}dataset-group/market"
RECOMMENDED: Final = "arn:aws:personalize:::recipe/aws-ecomm-recommended-for-you"


def open_market(client: Any) -> str:
    """Make an ECOMMERCE dataset group with interactions, and a solution in it; return a trained version."""
    schema = {**SCHEMA, "fields": [*SCHEMA["fields"], {"name": "EVENT_TYPE", "type": "string"}]}
    client.create_schema(name="market", schema=json.dumps(schema), domain="ECOMMERCE")
    client.create_dataset_group(name="market", domain="ECOMMERCE")
    clock.advance(HOUR)
    dataset = client.create_dataset(
        name="market", schemaArn=f"{PREFIX}schema/market", datasetGroupArn=MARKET, datasetType="INTERACTIONS"
    )["datasetArn"]
    clock.advance(HOUR)
    put_interactions("market.csv", lambda n: f"u{n % 50},i{(n * 7) % 40},{1_700_000_000 + n},{_EVENTS[n % 5 == 0]}")
    source = {"dataLocation": "s3://shop/market.csv"}
    client.create_dataset_import_job(jobName="market", datasetArn=dataset, dataSource=source, roleArn=ROLE)
    clock.advance(HOUR)
    recipe = "arn:aws:personalize:::recipe/aws-user-personalization-v2"
    solution = client.create_solution(
        name="market", datasetGroupArn=MARKET, recipeArn=recipe, performAutoTraining=False
    )["solutionArn"]
    clock.advance(HOUR)
    return train(client, solution)


_EVENTS: Final = ("View", "Purchase")


def put_interactions(key: str, line: Callable[[int], str], count: int = 1000) -> None:
    """Put interactions with a type into the bucket."""
    text = "\n".join(["USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE", *map(line, range(count))])
    api("s3").put_object(Bucket="shop", Key=key, Body=text.encode())


def train(client: Any, solution: str) -> str:
    """Train a version, and let it become ACTIVE."""
    version: str = client.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    clock.advance(HOUR)
    return version
