"""Schemas from structures, texts, files and S3, checked before they are sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from shop import PREFIX, SCHEMA
from task_runs import Run, TaskInstance

from airflow_provider_personalize.emulator import calls
from airflow_provider_personalize.exceptions import (
    ConnectionMissingError,
    InvalidRequestError,
    PersonalizeError,
    ResourceDiffersError,
    SchemaUnreadableError,
)
from airflow_provider_personalize.operators import CreateSchemaOperator

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

ARN = f"{PREFIX}schema/new"
CATEGORY = {"name": "GENRE", "type": ["null", "string"], "categorical": True}
# What Jinja would make something else of, if a file were a template
ITEMS: dict[str, Any] = {
    **SCHEMA,
    "name": "Items",
    "doc": "größe {{ ds }}",
    "fields": [{"name": "ITEM_ID", "type": "string"}, CATEGORY],
}
TEXT = json.dumps(ITEMS, indent=2, ensure_ascii=False)


@pytest.fixture(autouse=True)
def shop(personalize: Any) -> Any:
    calls.clear()
    return personalize


def create(schema: Any, *, native: bool = False, **parameters: Any) -> Run:
    def make() -> CreateSchemaOperator:
        with DAG("schemas", schedule=None, render_template_as_native_obj=native):
            return CreateSchemaOperator(task_id="create", name="new", schema=schema, **parameters)

    return Run(make, TaskInstance(), params={"schema": {**ITEMS, "doc": "größe"}, "version": "1.0"})


def put(key: str, body: str | bytes) -> str:
    body = body.encode() if isinstance(body, str) else body
    boto3.client("s3", region_name="us-east-1").put_object(Bucket="shop", Key=key, Body=body)
    return f"s3://shop/{key}"


def shown(client: Any) -> dict[str, Any]:
    return json.loads(client.describe_schema(schemaArn=ARN)["schema"]["schema"])


@pytest.mark.parametrize("place", ["path", "text path", "S3", "S3 with a mark"])
def test_a_schema_in_a_file_is_sent_as_it_is_and_matches_however_it_is_written(shop, tmp_path, place):
    """A path that ends in .json or .avsc is no template: what is in the file is not rendered."""
    path = tmp_path / "items.json"
    path.write_text(f"\ufeff{TEXT}", encoding="utf-8")
    given = {
        "path": lambda: path,
        "text path": lambda: str(path),
        "S3": lambda: put("a b/items.avsc", TEXT),
        "S3 with a mark": lambda: put("items.json", "\ufeff" + TEXT),
    }[place]()
    assert create(given)() == ARN
    assert shown(shop) == ITEMS
    same = json.dumps({name: ITEMS[name] for name in sorted(ITEMS)}).replace('["null", "string"]', '["string", "null"]')
    assert create(put("same.json", same))() == ARN
    assert [call.error for call in calls.of("CreateSchema")] == [None]
    with pytest.raises(ResourceDiffersError, match=r"schema\.fields\.GENRE: wanted None"):
        create(put("other.json", TEXT.replace("GENRE", "GENRES")))()


@pytest.mark.parametrize("native", [False, True], ids=["texts", "native"])
@pytest.mark.parametrize(
    "schema",
    [
        "{{ params.schema }}",
        "{{ params.schema | tojson }}",
        {**ITEMS, "doc": "größe", "version": "{{ params.version }}"},
    ],
    ids=["a structure", "JSON", "in a structure"],
)
def test_a_template_of_a_schema_is_sent_as_the_schema_it_stands_for(shop, schema, native):
    """Native rendering makes a number of the version, which the guide writes as a text."""
    for _ in range(2):
        assert create(schema, native=native)() == ARN
    assert shown(shop) == {**ITEMS, "doc": "größe"}


@pytest.mark.parametrize(
    ("field", "domain", "named"),
    [
        ({"name": "PRICE", "type": "bytes"}, None, ["PRICE", "'bytes'", "double, float, int"]),
        ({"name": "CREATION_TIMESTAMP", "type": "int"}, None, ["CREATION_TIMESTAMP", "long", "'int'"]),
        ({"name": "A", "type": {"type": "record", "name": "a", "fields": []}}, None, ["fields.A.type", "'record'"]),
        ({"name": "A", "type": "string", "categorical": "True"}, None, ["A.categorical", "'True'", "true and false"]),
        ({"name": "GENRE", "type": "int"}, None, ["GENRE", "names must differ"]),
        ({"name": "A", "type": None}, None, ["fields.A.type is None"]),
        ({"name": "A", "type": ["null"]}, None, ["fields.A.type is ['null']"]),
        ({"name": 7, "type": "int"}, None, ["fields.7", "letters"]),
        ({"name": "A", "type": "int"}, "ECOMMERCE", ["CATEGORY_L1", "PRICE of type float", "in this domain"]),
        ({"name": "A"}, None, ["a name and a type"]),
    ],
)
def test_a_schema_against_the_services_rules_is_not_sent(shop, field, domain, named):
    given = {**ITEMS, "fields": [*ITEMS["fields"], field]}
    with pytest.raises(InvalidRequestError, match=r"1 fault|2 faults") as refusal:
        create(place := put("wrong.json", json.dumps(given)), domain=domain)()
    assert all(word in str(refusal.value) for word in [*named, f"({place})"]), refusal.value
    assert calls.of("CreateSchema") == []
    with pytest.raises(Exception, match="InvalidInput"):
        create(place, domain=domain, check_schema=False)()
    assert len(calls.of("CreateSchema")) == 1


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ("s3://shop/none.json", SchemaUnreadableError, "'s3://shop/none.json' cannot be read: .*NoSuchKey"),
        ("s3://none/none.json", SchemaUnreadableError, "'s3://none/none.json' cannot be read: .*NoSuchBucket"),
        ("s3://shop", SchemaUnreadableError, "names no object"),
        ("no such file.avsc", SchemaUnreadableError, "'no such file.avsc' cannot be read: No such file"),
        ("\0", SchemaUnreadableError, "null"),
        ("", SchemaUnreadableError, "no file is named"),
        (b"\xff\xfe{", SchemaUnreadableError, "not UTF-8"),
        (b" " * (2**20 + 1), SchemaUnreadableError, "more than 1048576 bytes"),
        (b"[]", InvalidRequestError, r"schema must be an Avro record \(s3://shop/odd.json\)"),
        (b"{", InvalidRequestError, r"schema is not JSON: .* \(s3://shop/odd.json\)"),
        (b'"x"', InvalidRequestError, "must be an Avro record"),
        (b"[" * 5000, InvalidRequestError, "not JSON"),
        (TEXT.replace("größe", "x" * 20_000).encode(), InvalidRequestError, "20000"),
        (5, InvalidRequestError, "schema"),
        ("/tmp", SchemaUnreadableError, "Is a directory"),
        ("None", InvalidRequestError, "schema is missing"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_schema_is_refused_by_its_place(shop, given, error, said):
    place = put("odd.json", given) if isinstance(given, bytes) else given
    with pytest.raises(error, match=said):
        create(place)()
    assert calls.of("CreateSchema") == []


def test_a_file_in_s3_is_read_with_the_connection_of_the_task(shop, monkeypatch):
    """Airflow's own hook would go on with other credentials where the connection does not exist."""
    place = put("items.json", TEXT)
    with pytest.raises(ConnectionMissingError):
        create(place, aws_conn_id="none")()
    asked = []
    monkeypatch.setattr(
        "airflow.providers.amazon.aws.hooks.s3.S3Hook.__init__", lambda hook, **given: asked.append(given) or 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        create(place, region_name="eu-west-1", verify=False, botocore_config={"read_timeout": 7})()
    expected = {"aws_conn_id": "aws_default", "region_name": "eu-west-1", "verify": False}
    assert asked == [{**expected, "config": {"read_timeout": 7}}]
    assert issubclass(SchemaUnreadableError, PersonalizeError)
    assert CreateSchemaOperator.template_ext == ()
    assert Path(place).suffix == ".json"
