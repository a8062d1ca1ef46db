"""Tag resources, on the real operators."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from shop import PREFIX, SOLUTION
from task_runs import Run

from airflow_provider_personalize.emulator import calls
from airflow_provider_personalize.exceptions import InvalidRequestError
from airflow_provider_personalize.operators import TagResourceOperator, UntagResourceOperator


def tags(client: Any) -> dict[str, str]:
    listed = client.list_tags_for_resource(resourceArn=SOLUTION)["tags"]
    return {tag["tagKey"]: tag["tagValue"] for tag in listed}


def tag(given: Any, arn: str = SOLUTION) -> Run:
    return Run(lambda: TagResourceOperator(task_id="tag", resource_arn=arn, tags=given))


def untag(keys: Any, arn: str = SOLUTION) -> Run:
    return Run(lambda: UntagResourceOperator(task_id="untag", resource_arn=arn, tag_keys=keys))


def test_tags_are_added_changed_and_taken_off(personalize):
    assert tag([{"tagKey": "team", "tagValue": "a"}, {"tagKey": "stage", "tagValue": "test"}])() == SOLUTION
    tag([{"tagKey": "team", "tagValue": "b"}])()
    assert tags(personalize) == {"team": "b", "stage": "test"}
    assert untag(["team", "no such"])() == SOLUTION
    assert tags(personalize) == {"stage": "test"}


def test_to_do_it_again_changes_nothing(personalize):
    for _ in range(2):
        tag([{"tagKey": "team", "tagValue": "a"}])()
    assert tags(personalize) == {"team": "a"}
    for _ in range(2):
        untag(["team"])()
    assert tags(personalize) == {}


def test_tags_may_come_out_of_templates(personalize):
    run = tag("{{ params.tags }}", "{{ params.arn }}")
    run.params = {"tags": [{"tagKey": "week", "tagValue": "7"}], "arn": SOLUTION}
    assert run() == SOLUTION
    assert tags(personalize) == {"week": "7"}
    run = untag(["{{ params.key }}"])
    run.params = {"key": "week"}
    run()
    assert tags(personalize) == {}


def test_invalid_parameters_are_refused_before_the_call(personalize):
    with pytest.raises(InvalidRequestError) as refusal:
        tag([{"tagKey": "aws:team", "tagValue": "?"}], "shop")()
    assert len(refusal.value.faults) == 3
    with pytest.raises(InvalidRequestError, match="tag_keys"):
        untag("team")()
    assert calls.of("TagResource") == calls.of("UntagResource") == []


@pytest.mark.parametrize(
    ("arn", "code"),
    [(SOLUTION + "s", "ResourceNotFoundException"), (f"{PREFIX}schema/shop", "InvalidInputException")],
    ids=["what does not exist", "a schema"],
)
def test_tagging_an_untaggable_resource_is_an_error_of_the_service(personalize, arn, code):
    with pytest.raises(ClientError, match=code):
        tag([{"tagKey": "team", "tagValue": "a"}], arn)()
    with pytest.raises(ClientError, match=code):
        untag(["team"], arn)()
