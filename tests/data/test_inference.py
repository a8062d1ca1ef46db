"""A schema that is proposed for a CSV: the service takes both, and the rules of docs/guides/schemas.md hold."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import boto3
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from moto import mock_aws
from shop import ROLE, api

from airflow_provider_personalize.cli.main import main
from airflow_provider_personalize.data.inference import infer_schema, propose_schema
from airflow_provider_personalize.emulator import assumptions, clock

CATEGORY, TEXT = {"categorical": True}, {"textual": True}
PROSE = "a long time ago in a galaxy far away"
# A column of three values, and its field by the rules of docs/guides/schemas.md
COLUMNS: list[tuple[str, list[str], Any, dict[str, bool]]] = [
    ("item_id", ["i1", "i2", "i3"], "string", {}),
    ("COUNT", ["1", "-2", "9223372036854775807"], "long", {}),
    ("SOME", ["1", "", "3"], ["null", "long"], {}),
    ("BIG", ["9223372036854775808", "1", "2"], "float", {}),
    ("HUGE", ["1e39", "1", "2"], "double", {}),
    ("PRICE", ["1", "2.5", ".5"], "float", {}),
    ("FLAG", ["true", "False", "TRUE"], "boolean", {}),
    ("BIT", ["0", "1", "0"], "long", {}),
    ("CODE", ["007", "008", "007"], "string", {}),
    ("NAN", ["1", "nan", "3"], "string", {}),
    ("NONE", ["", "", ""], ["null", "string"], {}),
    ("GENRE", ["drama|film", "film", "drama"], "string", CATEGORY),
    ("KIND", ["a", "a", "b"], "string", {}),
    ("TITLE", ["Alien", "Aliens", '"Alien, 3"'], "string", {}),
    ("PLOT", [f"{PROSE} one", f"{PROSE} two", PROSE], "string", TEXT),
    ("SHORTER", [f"{PROSE[:30]} one", PROSE[:30], PROSE], "string", {}),
    ("creation_timestamp", ["1700000000", "1700000000", ""], ["null", "long"], {}),
    ("ADULT", ["yes", "no", ""], ["null", "string"], CATEGORY),
]
LEFT_OUT = [
    ("Unit Price", ["1", "2", "3"], "letters"),
    ("", ["0", "1", "2"], "without a name"),
    ("TWICE", ["1", "2", "3"], "2 such columns"),
    ("TWICE", ["1", "2", "3"], "2 such columns"),
    ("COU_NT", ["1", "2", "3"], "from COUNT in underscores"),
    ("ESSAY", ["x" * 1001, "y", "z"], "1000 characters"),
]
DOMAIN = [("CATEGORY_L1", ["shoes", "hats", "hats"])]


def csv_of(*columns: tuple[str, list[str]]) -> str:
    header, *records = [
        ",".join(name for name, _ in columns),
        *map(",".join, zip(*(each for _, each in columns), strict=True)),
    ]
    return "\n".join(["\ufeff" + header, *records, ""])


def test_each_column_is_read_by_the_first_rule_that_applies(capsys, tmp_path):
    columns = [*((name, column) for name, column, *_ in COLUMNS), *((name, column) for name, column, _ in LEFT_OUT)]
    text = csv_of(*columns, *DOMAIN)
    schema, notes = propose_schema(text.splitlines(), "items", "ECOMMERCE")
    expected = [{"name": name, "type": its_type, **marks} for name, _, its_type, marks in COLUMNS]
    for name in ("ITEM_ID", "CREATION_TIMESTAMP"):
        next(each for each in expected if each["name"] == name.lower())["name"] = name
    assert schema["fields"] == [*expected, {"name": "CATEGORY_L1", "type": "string", **CATEGORY}]
    assert (schema["type"], schema["name"]) == ("record", "Items")
    for _, _, why in LEFT_OUT:
        assert any("left out" in note and why in note for note in notes), why
    for said in ("item_id, creation_timestamp", "NAN has words", "NONE has no value"):
        assert any(note.startswith(said) for note in notes), said
    # more of the file than the sample: any column but the key may be empty there
    part = infer_schema(text.splitlines(), "ITEMS", "ECOMMERCE", sample_rows=2)["fields"]
    assert [field["name"] for field in part if "null" not in field["type"]] == ["ITEM_ID"]
    (tmp_path / "items.csv").write_text(text, encoding="utf-8")
    assert main(["schema", str(tmp_path / "items.csv"), "--type", "items", "--domain", "ECOMMERCE"]) == 0
    printed = capsys.readouterr()
    assert (json.loads(printed.out), printed.err.splitlines()) == (schema, notes)


@pytest.mark.parametrize(
    ("text", "asked", "said"),
    [
        ("", ["ITEMS"], "lacks ITEM_ID, for ITEMS; it has no names"),
        ("ITEM_ID;PRICE\n", ["ITEMS"], "separated by ';'"),
        ("ITEM_ID,PRICE\n", ["ITEMS", "ECOMMERCE"], "lacks CATEGORY_L1, for ITEMS in ECOMMERCE"),
        ("ITEM_ID\ni1\n", ["ITEMS"], "metadata"),
        ('ITEM_ID,"A\n', ["ITEMS"], "quotation mark without its partner"),
        ("USER_ID,USER_ID,ITEM_ID,TIMESTAMP\n", ["INTERACTIONS"], "lacks USER_ID"),
        ("A\n", ["SALES"], "dataset_type is 'SALES': allowed are INTERACTIONS"),
        ("A\n", ["ITEMS", "SHOES"], "domain is 'SHOES': allowed are ECOMMERCE"),
    ],
)
def test_a_csv_without_a_schema_is_an_error(text, asked, said):
    with pytest.raises(ValueError, match=said):
        infer_schema(text.splitlines(), *asked)


def test_what_the_service_would_refuse_in_the_sample_is_noted():
    text = 'USER_ID,ITEM_ID,TIMESTAMP,EVENT_VALUE\nu,i,1700000000000,x\nu,i,1\nu,"i,1,1\n'
    notes = " ".join(propose_schema(text.splitlines(), "INTERACTIONS").notes)
    for said in (
        "TIMESTAMP seems to be in milliseconds",
        "EVENT_VALUE is 'x'",
        "Record 2 has 3 values",
        "Record 3 has",
    ):
        assert said in notes


def test_the_command_needs_no_airflow(tmp_path):
    (tmp_path / "latin.csv").write_bytes("ITEM_ID,GRÖSSE\n".encode("latin-1"))
    script = f"""
import sys
from airflow_provider_personalize.cli.main import main
print(main(["schema", {str(tmp_path / "latin.csv")!r}, "--type", "ITEMS"]), main(["schema", "none", "--type", "ITEMS"]))
print([name for name in sys.modules if name.split(".")[0] in ("airflow", "boto3", "botocore")])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["1 1", "[]"]
    assert "latin.csv: it is not UTF-8 (" in done.stderr
    assert "none cannot be read" in done.stderr


def test_columns_beyond_the_quotas_are_left_out_texts_that_are_not_trained_on_first():
    event_types = [f"e{number % 7}" for number in range(14)]
    columns = [(name, ["1"] * 14) for name in "ABC"] + [("TEXT", [f"t{number}" for number in range(14)])]
    ids = [(name, ["1"] * 14) for name in NEEDED["INTERACTIONS"]]
    text = csv_of(*ids, ("EVENT_TYPE", event_types), ("TITLE", columns[-1][1]), *columns)
    schema, notes = propose_schema(text.splitlines(), "INTERACTIONS")
    # 7 event types, EVENT_TYPE and 2 columns come to the 10 that the quota allows
    assert [field["name"] for field in schema["fields"]] == [*NEEDED["INTERACTIONS"], "EVENT_TYPE", "A", "B"]
    assert sorted(note.split()[0] for note in notes if "more columns" in note) == ["C", "TEXT", "TITLE"]
    with mock_aws():
        assert outcome(schema, text, "INTERACTIONS") == ("ACTIVE", None)


value = st.one_of(
    st.sampled_from(["", "a", "b", "true", "0", "007", "1.5", "-1", "nan", "a|b", '"a,b"', "größe", PROSE, "x" * 1001]),
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False).map(repr),
    st.text("ab |'-", max_size=5),
)
NEEDED = {"ITEMS": ["ITEM_ID"], "USERS": ["USER_ID"], "INTERACTIONS": ["USER_ID", "ITEM_ID", "TIMESTAMP"]}


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_the_service_takes_the_schema_and_the_csv(data):
    dataset_type = data.draw(st.sampled_from(sorted(NEEDED)))
    number = data.draw(st.integers(1, 5))
    some = st.lists(value, min_size=number, max_size=number)
    names = [f"C{place}" for place in range(data.draw(st.sampled_from([2, 7])))]
    columns = [(name, data.draw(some)) for name in ["EVENT_TYPE", *names]] + [("NUMBER", ["1"] * number)]
    text = csv_of(*((name, [f"{1_700_000_000 + n}" for n in range(number)]) for name in NEEDED[dataset_type]), *columns)
    schema = infer_schema(text.splitlines(), dataset_type)
    with mock_aws():
        assert outcome(schema, text, dataset_type) == ("ACTIVE", None)


def outcome(schema: dict[str, Any], text: str, dataset_type: str) -> tuple[str, str | None]:
    """Create the schema and import the CSV in a new account; return how that ended."""
    assumptions.minimum_interactions = 1
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="shop")
    boto3.client("s3", region_name="us-east-1").put_object(Bucket="shop", Key="a.csv", Body=text.encode())
    client = api()
    arn = client.create_schema(name="a", schema=json.dumps(schema))["schemaArn"]
    group = client.create_dataset_group(name="a")["datasetGroupArn"]
    clock.advance(600)
    request = {"name": "a", "schemaArn": arn, "datasetGroupArn": group, "datasetType": dataset_type}
    dataset = client.create_dataset(**request)["datasetArn"]
    clock.advance(600)
    job = {"jobName": "a", "datasetArn": dataset, "dataSource": {"dataLocation": "s3://shop/a.csv"}, "roleArn": ROLE}
    made = client.create_dataset_import_job(**job)["datasetImportJobArn"]
    clock.advance(3600)
    shown = client.describe_dataset_import_job(datasetImportJobArn=made)["datasetImportJob"]
    return shown["status"], shown.get("failureReason")
