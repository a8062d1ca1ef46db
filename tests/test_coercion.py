"""Rendered templates become the types that a request needs."""

from __future__ import annotations

from collections import UserList

import botocore.session
import pytest

from airflow_provider_personalize.coercion import coerce

MODEL = botocore.session.get_session().get_service_model("personalize")


def events(*parameters: object) -> dict[str, object]:
    return {"eventsConfig": {"eventParametersList": list(parameters)}}


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        ("True", True),
        ("false", False),
        (" TRUE ", True),
        (True, True),
        (None, None),
        ("None", None),
        ("maybe", "maybe"),
        (1, 1),
    ],
)
def test_a_boolean_may_be_given_as_text(given, understood):
    shape = MODEL.operation_model("UpdateSolution").input_shape.members["performAutoTraining"]
    assert coerce(shape, given) is understood


def test_what_a_template_yields_as_text_becomes_what_the_request_needs():
    shape = MODEL.operation_model("UpdateSolution").input_shape.members["solutionUpdateConfig"]
    wanted = events({"eventType": "7", "eventValueThreshold": 0.5, "weight": 1})
    as_texts = events({"eventType": "7", "eventValueThreshold": "0.5", "weight": "1"})
    for given in (wanted, as_texts, repr(wanted), str(wanted).replace("'", '"')):
        assert coerce(shape, given) == wanted
    assert coerce(shape, "no structure") == "no structure"


def test_any_sequence_is_a_list():
    """What the instances of a mapped task returned comes to the next task as a sequence that is no list."""
    shape = MODEL.operation_model("TagResource").input_shape.members["tags"]
    assert coerce(shape, UserList([{"tagKey": "a", "tagValue": 1}])) == [{"tagKey": "a", "tagValue": "1"}]
    assert coerce(shape, "no list") == "no list"


def test_a_text_of_digits_stays_a_text_where_templates_are_native():
    shape = MODEL.operation_model("CreateDatasetImportJob").input_shape
    assert coerce(shape, {"jobName": 20260101})["jobName"] == "20260101"
