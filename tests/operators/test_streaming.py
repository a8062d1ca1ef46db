"""Put records and ask for recommendations, on the real operators, against the local Personalize."""

from __future__ import annotations

import csv
import io
import itertools
import json
from datetime import datetime, timezone
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from shop import DATASET, LOCATION, PREFIX, ROLE, SOLUTION
from task_runs import Run, TaskInstance

from airflow_provider_personalize.emulator import calls, clock, faults
from airflow_provider_personalize.exceptions import InvalidRequestError, TooFewRecommendationsError
from airflow_provider_personalize.operators import (
    GetRecommendationsOperator,
    PutActionInteractionsOperator,
    PutActionsOperator,
    PutEventsOperator,
    PutItemsOperator,
    PutUsersOperator,
)

pytestmark = pytest.mark.usefixtures("personalize")
HOUR = 3600
GROUP = f"{PREFIX}dataset-group/shop"
NOON = 1_790_000_000
exports = itertools.count()


@pytest.fixture
def tracking_id(personalize) -> str:
    made = personalize.create_event_tracker(name="shop", datasetGroupArn=GROUP)
    clock.advance(600)
    return made["trackingId"]


def dataset(personalize: Any, dataset_type: str, *columns: str) -> str:
    """Make one more dataset, with columns of text."""
    fields = [{"name": name, "type": "string", "categorical": True} for name in columns]
    fields = [{"name": name, "type": "long"} if name == "TIMESTAMP" else field
              for name, field in zip(columns, fields, strict=True)]  # fmt: skip
    for field in fields[: 1 if dataset_type in {"Items", "Users", "Actions"} else None]:
        field.pop("categorical", None)
    schema = {"type": "record", "name": dataset_type, "namespace": "shop", "version": "1.0", "fields": fields}
    personalize.create_schema(name=dataset_type, schema=json.dumps(schema))
    made = personalize.create_dataset(
        name=dataset_type, schemaArn=f"{PREFIX}schema/{dataset_type}", datasetGroupArn=GROUP, datasetType=dataset_type
    )
    clock.advance(600)
    return made["datasetArn"]


def stored(personalize: Any, dataset_arn: str = DATASET) -> list[dict[str, str]]:
    """Export what was put into a dataset, and read it."""
    folder = f"export-{next(exports)}/"
    destination = {"s3DataDestination": {"path": f"s3://shop/{folder}"}}
    personalize.create_dataset_export_job(
        jobName=folder.strip("/"), datasetArn=dataset_arn, jobOutput=destination, roleArn=ROLE, ingestionMode="PUT"
    )
    clock.advance(HOUR)
    personalize.list_schemas()
    s3 = boto3.client("s3", region_name="us-east-1")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="shop", Prefix=folder).get("Contents", [])]
    texts = [s3.get_object(Bucket="shop", Key=key)["Body"].read().decode() for key in keys]
    return [row for text in texts for row in csv.DictReader(io.StringIO(text))]


def events(count: int, item: str = "i1") -> list[dict[str, Any]]:
    return [{"eventType": "click", "itemId": item, "sentAt": NOON + number} for number in range(count)]


def put_events(tracking_id: str, event_list: Any, ti: TaskInstance | None = None, **parameters: Any) -> Run:
    given = {"tracking_id": tracking_id, "session_id": "s", "user_id": "u1", "event_list": event_list, **parameters}
    return Run(lambda: PutEventsOperator(task_id="put", **given), ti or TaskInstance())


@pytest.mark.parametrize(("count", "made"), [(1, 1), (10, 1), (11, 2), (35, 4)])
def test_a_list_of_any_length_is_put_in_calls_of_ten(personalize, tracking_id, count, made):
    assert put_events(tracking_id, events(count))() == count
    assert len(calls.of("PutEvents")) == made
    assert [int(row["TIMESTAMP"]) for row in stored(personalize)] == [NOON + number for number in range(count)]


def test_a_retry_adds_nothing_twice(personalize, tracking_id):
    faults.error_next("PutEvents", "ServiceUnavailableException", times=1)
    with pytest.raises(ClientError):
        put_events(tracking_id, events(25))()
    for number in (2, 3):
        assert put_events(tracking_id, events(25), TaskInstance(try_number=number))() == 25
    assert len(stored(personalize)) == 25


def test_a_retry_goes_on_where_the_earlier_attempt_broke_off_and_the_log_says_where(personalize, tracking_id, capsys):
    broken = put_events(tracking_id, [*events(15), {"eventType": "click", "sentAt": NOON, "itemId": "i2"}])
    faults.error_next("PutEvents", "InvalidInputException")
    with pytest.raises(ClientError, match="InvalidInputException"):
        broken()
    assert "0 of 16 eventList were put before this error" in capsys.readouterr().out
    broken()
    assert len(stored(personalize)) == 16


def test_events_of_another_run_mapped_instance_loop_iteration_or_user_are_others(personalize, tracking_id):
    for ti in (TaskInstance(), TaskInstance(run_id="another"), TaskInstance(map_index=1)):
        put_events(tracking_id, events(1), ti)()
    put_events(tracking_id, events(1), user_id="u2")()
    for iteration in (0, 1, 1):
        run = put_events(tracking_id, events(1))
        run.iteration = iteration
        run()
    assert len(stored(personalize)) == 6


def test_an_event_that_is_corrected_before_a_retry_is_not_lost(personalize, tracking_id):
    put_events(tracking_id, events(2, item="wrong"))()
    put_events(tracking_id, events(2, item="right"), TaskInstance(try_number=2))()
    assert [row["ITEM_ID"] for row in stored(personalize)] == ["wrong"] * 2 + ["right"] * 2


def test_the_order_of_a_retry_does_not_matter_and_equal_events_of_one_list_all_count(personalize, tracking_id):
    put_events(tracking_id, [*events(3), *events(3)])()
    put_events(tracking_id, [*reversed(events(3)), *events(3)], TaskInstance(try_number=2))()
    assert len(stored(personalize)) == 6


def test_a_user_given_id_is_kept(personalize, tracking_id):
    event = {**events(1)[0], "eventId": "mine"}
    put_events(tracking_id, [event, event])()
    put_events(tracking_id, [event], TaskInstance(run_id="another"))()
    assert len(stored(personalize)) == 1


@pytest.mark.parametrize("sent_at", ["{{ params.at.isoformat() }}", "{{ params.at.timestamp() }}"])
def test_the_time_of_an_event_may_be_a_template(personalize, tracking_id, sent_at):
    run = put_events(tracking_id, [{**events(1)[0], "sentAt": sent_at}])
    run.params = {"at": datetime.fromtimestamp(NOON, timezone.utc)}
    run()
    assert [row["TIMESTAMP"] for row in stored(personalize)] == [str(NOON)]


def test_the_whole_list_may_be_a_template(personalize, tracking_id):
    run = put_events(tracking_id, "{{ params.events }}", user_id="{{ params.nobody }}")
    run.params = {"events": [*events(11), {**events(1)[0], "eventValue": None}], "nobody": None}
    assert run() == 12
    assert len(stored(personalize)) == 12


def test_a_training_sees_what_was_put(personalize, tracking_id):
    personalize.create_dataset_import_job(
        jobName="bulk", datasetArn=DATASET, dataSource={"dataLocation": LOCATION}, roleArn=ROLE
    )
    clock.advance(HOUR)
    for number in range(4):
        put_events(tracking_id, events(100, item="star"), TaskInstance(map_index=number), user_id=f"u{number}")()
    version = personalize.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    clock.advance(5 * HOUR)
    campaign = personalize.create_campaign(name="shop", solutionVersionArn=version)["campaignArn"]
    clock.advance(HOUR)
    found = recommend(campaign_arn=campaign, user_id="a new one", num_results=3)()
    assert found[0]["itemId"] == "star"


def test_an_empty_list_is_said_and_not_sent(tracking_id, capsys):
    assert put_events(tracking_id, [])() == 0
    assert "event_list is empty: nothing is put" in capsys.readouterr().out
    assert calls.of("PutEvents") == []


def test_invalid_items_of_all_calls_are_reported_before_the_first_call_by_their_index(tracking_id):
    wrong: list[Any] = events(35)
    del wrong[3]["sentAt"]
    wrong[12]["properties"] = {"price": float("nan")}
    wrong[13]["properties"] = {"at": datetime.now(timezone.utc)}
    wrong[14]["properties"] = "[1]"
    wrong[15]["properties"] = {"userId": "u1"}
    wrong[23]["eventValue"] = "much"
    wrong[34]["recommendationId"] = "x" * 41
    with pytest.raises(InvalidRequestError) as refusal:
        put_events(tracking_id, wrong, session_id=None)()
    named = refusal.value.faults
    assert [
        place for place in (3, 12, 13, 14, 15, 23, 34) if sum(f"event_list[{place}]" in each for each in named) != 1
    ] == []
    assert sum("session_id" in each for each in named) == 1
    assert len(named) == 8
    assert calls.of("PutEvents") == []


@pytest.mark.parametrize("event_list", [None, "no list", 7])
def test_a_value_that_is_not_a_list_is_refused(tracking_id, event_list):
    with pytest.raises(InvalidRequestError, match="event_list"):
        put_events(tracking_id, event_list)()


@pytest.mark.parametrize("sent_at", ["1e999", float("inf"), float("nan"), 10**30, -(10**20), True])
def test_a_moment_that_no_date_can_hold_is_refused(tracking_id, sent_at):
    with pytest.raises(InvalidRequestError) as refusal:
        put_events(tracking_id, [*events(1), {"eventType": "click", "sentAt": sent_at}])()
    (fault,) = refusal.value.faults
    assert fault.startswith("event_list[1].sentAt is ")
    assert fault.endswith(": allowed are a datetime, ISO 8601, and seconds since 1970")


# https://docs.aws.amazon.com/personalize/latest/dg/API_UBS_Event.html and API_UBS_ActionInteraction.html have both in
# seconds; JavaScript's Date.now(), for one, counts milliseconds
FINER = {"milliseconds": NOON * 1000, "microseconds": NOON * 10**6, "nanoseconds": NOON * 10**9}


@pytest.mark.parametrize("form", [int, float, str, lambda moment: f"{{{{ {moment} }}}}"])
@pytest.mark.parametrize("unit", FINER)
def test_a_time_in_another_unit_than_seconds_is_refused_by_the_unit(tracking_id, unit, form):
    moment = form(FINER[unit])
    taken = {"actionId": "a", "userId": "u", "sessionId": "s", "timestamp": moment, "eventType": "Taken"}
    acted = {"tracking_id": tracking_id, "action_interactions": [taken]}
    for place, run in {
        "event_list[1].sentAt": put_events(tracking_id, [*events(1), {"eventType": "click", "sentAt": moment}]),
        "action_interactions[0].timestamp": Run(lambda: PutActionInteractionsOperator(task_id="put", **acted)),
    }.items():
        with pytest.raises(InvalidRequestError) as refusal:
            run()
        (fault,) = refusal.value.faults
        assert fault.startswith(f"{place} is ")
        assert fault.endswith(f": give seconds since 1970, not {unit}: {NOON}")
    assert [*calls.of("PutEvents"), *calls.of("PutActionInteractions")] == []


def test_a_refusal_keeps_the_services_message(tracking_id):
    with pytest.raises(ClientError, match="another-tracker"):
        put_events("another-tracker", events(1))()


@pytest.mark.parametrize(
    ("operator", "dataset_type", "id_column", "member", "list_parameter"),
    [
        (PutItemsOperator, "Items", "ITEM_ID", "itemId", "items"),
        (PutUsersOperator, "Users", "USER_ID", "userId", "users"),
        (PutActionsOperator, "Actions", "ACTION_ID", "actionId", "actions"),
    ],
)
class TestIntoADataset:
    def put(self, operator: Any, arn: str, list_parameter: str, records: Any) -> Run:
        return Run(lambda: operator(task_id="put", dataset_arn=arn, **{list_parameter: records}))

    def test_properties_go_in_under_the_schemas_names(self, personalize, operator, dataset_type, id_column, member,
                                                      list_parameter):  # fmt: skip
        arn = dataset(personalize, dataset_type, id_column, "MAIN_COLOUR")
        records = [{member: str(number), "properties": {"mainColour": "größer|rot"}} for number in range(11)]
        records.append({member: "11", "properties": '{"mainColour": "blue"}'})
        assert self.put(operator, arn, list_parameter, records)() == 12
        rows = {row[id_column]: row["MAIN_COLOUR"] for row in stored(personalize, arn)}
        assert rows == {str(number): "größer|rot" for number in range(11)} | {"11": "blue"}
        assert len(calls.of(operator.operation)) == 2

    def test_one_of_the_same_id_is_replaced(
        self, personalize, operator, dataset_type, id_column, member, list_parameter
    ):
        arn = dataset(personalize, dataset_type, id_column, "COLOUR")
        for colour in ("red", "blue"):
            self.put(operator, arn, list_parameter, [{member: "1", "properties": {"colour": colour}}])()
        assert [row["COLOUR"] for row in stored(personalize, arn)] == ["blue"]

    def test_it_keeps_to_ten_calls_a_second(self, personalize, passing_time, operator, dataset_type, id_column, member,
                                            list_parameter):  # fmt: skip
        arn = dataset(personalize, dataset_type, id_column, "COLOUR")
        faults.throttle(10)
        assert self.put(operator, arn, list_parameter, [{member: str(number)} for number in range(200)])() == 200
        assert sum(passing_time.slept) == pytest.approx(1.9, abs=0.001)

    def test_invalid_parameters_and_the_link_of_the_group(
        self, personalize, operator, dataset_type, id_column, member, list_parameter
    ):
        arn = dataset(personalize, dataset_type, id_column, "COLOUR")
        wrong = self.put(operator, arn, list_parameter, [{member: str(number)} for number in range(10)] + [{"id": "1"}])
        with pytest.raises(InvalidRequestError, match=rf"{list_parameter}\[10\]"):
            wrong()
        assert calls.of(operator.operation) == []
        assert "dataset-group$shop/setup" in wrong.ti.xcoms["personalize_dataset_group_link"]


def test_action_interactions_count_once_too(personalize, tracking_id):
    columns = ("USER_ID", "ACTION_ID", "TIMESTAMP", "EVENT_TYPE")
    arn = dataset(personalize, "Action_Interactions", *columns)
    taken = [
        {"actionId": "a1", "userId": f"u{number}", "sessionId": "s", "timestamp": NOON, "eventType": "Taken"}
        for number in range(12)
    ]
    for number in (1, 2):
        put = PutActionInteractionsOperator(task_id="put", tracking_id=tracking_id, action_interactions=taken)
        assert Run(lambda put=put: put, TaskInstance(try_number=number))() == 12
    assert sorted(row["USER_ID"] for row in stored(personalize, arn)) == sorted(f"u{number}" for number in range(12))


def recommend(**parameters: Any) -> Run:
    return Run(lambda: GetRecommendationsOperator(task_id="smoke_test", **parameters))


class TestRecommendations:
    @pytest.fixture
    def campaign(self, personalize) -> str:
        source = {"dataLocation": LOCATION}
        personalize.create_dataset_import_job(jobName="bulk", datasetArn=DATASET, dataSource=source, roleArn=ROLE)
        clock.advance(HOUR)
        version = personalize.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
        clock.advance(5 * HOUR)
        made = personalize.create_campaign(name="shop", solutionVersionArn=version)
        clock.advance(HOUR)
        return made["campaignArn"]

    def test_are_what_the_task_returns(self, campaign):
        found = recommend(campaign_arn=campaign, user_id="{{ params.user }}", num_results="{{ 3 }}", context={"A": "b"})
        found.params = {"user": "u7"}
        items = found()
        assert len({item["itemId"] for item in items}) == 3
        assert all(isinstance(item["score"], float) for item in json.loads(json.dumps(items)))

    def test_fewer_than_must_be_are_an_error_that_says_what_came(self, personalize, campaign):
        red = [{"itemId": item, "properties": {"colour": "red"}} for item in ("i1", "i2")]
        arn = dataset(personalize, "Items", "ITEM_ID", "COLOUR")
        Run(lambda: PutItemsOperator(task_id="put", dataset_arn=arn, items=red))()
        expression = 'INCLUDE ItemID WHERE Items.COLOUR IN ("red")'
        few = personalize.create_filter(name="few", datasetGroupArn=GROUP, filterExpression=expression)
        clock.advance(HOUR)
        asked = {"campaign_arn": campaign, "user_id": "u7", "filter_arn": few["filterArn"]}
        assert len(recommend(**asked, min_results=2)()) == 2
        message = r"Got 2 recommendations, expected at least 3: \[i\d, i\d\]"
        with pytest.raises(TooFewRecommendationsError, match=message):
            recommend(**asked, min_results=3)()

    def test_a_non_numeric_value_is_refused_when_the_dag_is_parsed(self):
        with pytest.raises(TypeError, match="min_results is '5': allowed is a whole number"):
            recommend(campaign_arn=f"{PREFIX}campaign/a", min_results="5").make()

    @pytest.mark.parametrize(
        ("parameters", "fault"),
        [
            ({}, "give either campaign_arn or recommender_arn"),
            ({"campaign_arn": f"{PREFIX}campaign/a", "recommender_arn": f"{PREFIX}recommender/a"}, "give either"),
            ({"campaign_arn": SOLUTION}, "must be the ARN of a campaign"),
            ({"campaign_arn": f"{PREFIX}campaign/a", "num_results": 501}, "at most 500"),
            (
                {"campaign_arn": f"{PREFIX}campaign/a", "num_results": 51, "metadata_columns": {"ITEMS": ["A"]}},
                "at most 50 is allowed with metadata_columns",
            ),
            ({"campaign_arn": f"{PREFIX}campaign/a", "min_results": 26}, "no more than 25 are asked for"),
            ({"campaign_arn": f"{PREFIX}campaign/a", "num_results": 5, "min_results": 6}, "no more than 5"),
        ],
    )
    def test_invalid_parameters_are_refused_before_the_call(self, parameters, fault):
        with pytest.raises(InvalidRequestError, match=fault):
            recommend(user_id="u1", **parameters)()
        assert calls.of("GetRecommendations") == []
