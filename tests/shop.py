"""A little shop in the local Personalize: what tests of a solution or an import need beforehand."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any, Final

import boto3

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


def bring_interactions(header: str = "USER_ID,ITEM_ID,TIMESTAMP", count: int = 1000) -> None:
    """Put a CSV where the import job of a test looks for it."""
    s3 = api("s3")
    s3.create_bucket(Bucket="shop")
    rows = "".join(f"u{number % 50},i{number % 70},{1_700_000_000 + number}\n" for number in range(count))
    s3.put_object(Bucket="shop", Key="interactions.csv", Body=f"{header}\n{rows}".encode())
