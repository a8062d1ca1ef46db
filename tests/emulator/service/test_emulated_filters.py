"""Which filter expressions CreateFilter accepts, by what the guide, AWS's samples and users of the service show."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from asking import outcome, refusal
from everything import HOUR, schema

from airflow_provider_personalize.emulator import assumptions, clock

CASES = Path(__file__).parent / "filter_expressions.tsv"
TEXTS = ("CATEGORY", "CATEGORY_L2", "CULTURE", "PAGE_TYPE", "DELETED", "out_of_stock")
FIELDS = {
    "Interactions": [{"name": "DEVICE", "type": ["null", "string"], "categorical": True}],
    "Items": [
        *({"name": name, "type": ["null", "string"], "categorical": True} for name in TEXTS),
        {"name": "CREATION_TIMESTAMP", "type": "long"},
        {"name": "DESCRIPTION", "type": "string"},
        {"name": "DESC", "type": ["null", "string"], "textual": True},
        {"name": "IN_STOCK", "type": ["null", "boolean"]},
    ],
    "Users": [
        *(
            {"name": name, "type": "string", "categorical": True}
            for name in ("GENDER", "MEMBERSHIP", "MEMBERSHIP_STATUS")
        ),
        {"name": "ADULT", "type": "boolean"},
    ],
    "Actions": [{"name": "MEMBERSHIP_LEVEL", "type": "string", "categorical": True}],
    "Action_Interactions": [],
}
# What the sources leave open, by how their expressions say it
ASSUMED = {"'": "filter_single_quotes", "WHERE Action.": "filter_singular_dataset"}


def cases():
    with CASES.open(encoding="utf-8", newline="") as file:
        return [tuple(row.values()) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


@pytest.fixture
def filter_of(client, group):
    """Create a filter with an expression, in a group with datasets that have the fields of all cases."""
    for dataset_type, fields in FIELDS.items():
        arn = client.create_schema(name=dataset_type, schema=schema(dataset_type, *fields))["schemaArn"]
        client.create_dataset(name=dataset_type, schemaArn=arn, datasetGroupArn=group, datasetType=dataset_type)
    clock.advance(HOUR)
    return lambda expression: {"name": "f", "datasetGroupArn": group, "filterExpression": expression}


@pytest.mark.parametrize(("accepted", "source", "expression"), cases())
def test_create_filter_accepts_what_the_service_accepts(client, filter_of, accepted, source, expression):
    if accepted == "unknown":
        assumption = next(name for sign, name in ASSUMED.items() if sign in expression)
        setattr(assumptions, assumption, "refused")
        assert outcome(client.create_filter, **filter_of(expression)) == "InvalidInputException", source
        setattr(assumptions, assumption, "accepted")
        accepted = "yes"
    expected = "accepted" if accepted == "yes" else "InvalidInputException"
    assert outcome(client.create_filter, **filter_of(expression)) == expected, source


# https://docs.aws.amazon.com/personalize/latest/dg/filter-expression-guidelines-requirements.html
@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("INCLUDE ItemID WHERE Items.in_stock = 1", "Items.in_stock is boolean: use a field of type string"),
        ("INCLUDE ItemID WHERE Items.PRICE > 1 IF CurrentUser.ADULT = 1", "CurrentUser.ADULT is boolean"),
        ('INCLUDE UserID WHERE Users.ADULT IN ("True")', "Users.ADULT is boolean"),
        ("INCLUDE ItemID WHERE Items.CATEGORY IN CurrentItem.DESC", "CurrentItem.DESC is textual"),
        ("INCLUDE ItemID WHERE Items.COLOUR = 1", "the schema has no Items.COLOUR; it has ITEM_ID, GENRE, CATEGORY_L1"),
        ('INCLUDE ItemID WHERE Items.CATEGORY > "b"', "Items.CATEGORY is text: it cannot be compared by >"),
    ],
)
def test_a_field_that_cannot_be_filtered_by_is_named(client, filter_of, expression, said):
    code, message = refusal(client.create_filter, **filter_of(expression))
    assert code == "InvalidInputException"
    assert said in message
