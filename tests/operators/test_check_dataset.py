"""Check data in S3, on the real operators and hook, against the local Personalize."""

from __future__ import annotations

import builtins
import io
import json
from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from shop import DATASET, LOCATION, ROLE, SCHEMA, api, bring_interactions
from task_runs import Run, TaskInstance, killed_after

from airflow_provider_personalize._compat import AirflowFailException
from airflow_provider_personalize.emulator import calls, faults
from airflow_provider_personalize.exceptions import (
    DataCheckError,
    DataNotReadableError,
    InvalidRequestError,
    PersonalizeError,
    ResourceFailedError,
)
from airflow_provider_personalize.hook_parameters import HookParameters
from airflow_provider_personalize.hooks import PersonalizeHook
from airflow_provider_personalize.operators import CheckDatasetOperator, CreateDatasetImportJobOperator
from airflow_provider_personalize.permissions import S3_ACTIONS
from airflow_provider_personalize.resources import ResourceType

pytestmark = pytest.mark.usefixtures("personalize")
CSV = "USER_ID,ITEM_ID,TIMESTAMP\n" + "".join(f"u{n % 50},i{n % 70},{1_700_000_000 + n}\n" for n in range(1000))


def check(**parameters: Any) -> Run:
    given = {"dataset_arn": DATASET, "data_location": LOCATION, **parameters}
    return Run(lambda: CheckDatasetOperator(task_id="check", **given))


def import_(ti: TaskInstance | None = None, **parameters: Any) -> Run:
    given = {"dataset_arn": DATASET, "data_source": {"dataLocation": LOCATION}, "role_arn": ROLE, **parameters}
    return Run(lambda: CreateDatasetImportJobOperator(task_id="import", **given), ti or TaskInstance())


def put(key: str, data: str | bytes) -> None:
    api("s3").put_object(Bucket="shop", Key=key, Body=data.encode() if isinstance(data, str) else data)


def jobs(personalize: Any) -> list[Any]:
    return personalize.list_dataset_import_jobs(datasetArn=DATASET)["datasetImportJobs"]


class S3Calls(Counter[str]):
    """What was called of S3, by tasks whose client this sees; the first calls of an operation may be answered here."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.answers: list[tuple[str, int, str]] = []
        make = HookParameters.s3_hook

        def watched(parameters: HookParameters) -> Any:
            hook = make(parameters)
            hook.get_conn().meta.events.register_first("before-send.s3", self.send)
            return hook

        monkeypatch.setattr(HookParameters, "s3_hook", watched)

    def send(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        operation = event_name.rpartition(".")[2]
        self[operation] += 1
        answer = next((each for each in self.answers if each[0] == operation), None)
        if answer is None:
            return None
        self.answers.remove(answer)
        body = f"<Error><Code>{answer[2]}</Code><Message>no</Message></Error>".encode()
        raw = io.BytesIO(body)
        raw.stream = lambda *_args, **_more: iter([body])
        return AWSResponse(request.url, answer[1], {}, raw)


@pytest.fixture
def s3_calls(monkeypatch: pytest.MonkeyPatch) -> S3Calls:
    return S3Calls(monkeypatch)


def test_good_data_passes_and_the_summary_is_returned(capsys, s3_calls):
    run = check()
    summary = run()
    assert summary == run.ti.xcoms["data_check"]
    assert (summary["files"], summary["records"], summary["errors"], summary["warnings"]) == (1, 1000, 0, 0)
    assert summary["distinct"] == {"USER_ID": 50, "ITEM_ID": 70}
    assert "1,000 records, 50 distinct USER_ID, 70 distinct ITEM_ID; 0 errors" in capsys.readouterr().out
    assert {call.operation for call in calls} & {"CreateDatasetImportJob"} == set()
    # the actions that docs/reference/permissions.md lists, by the names of their operations
    assert {f"s3:{name.replace('ListObjectsV2', 'ListBucket')}" for name in s3_calls} == set(S3_ACTIONS)


def test_the_schema_of_an_update_counts_once_it_is_active(monkeypatch):
    """Whatever the dataset itself shows, which is not documented."""
    describe = PersonalizeHook.describe

    def outdated(hook: PersonalizeHook, resource_type: ResourceType, arn: str) -> dict[str, Any]:
        described = describe(hook, resource_type, arn)
        if arn != DATASET:
            return described
        update = {"status": "ACTIVE", "schemaArn": described["schemaArn"]}
        return {**described, "schemaArn": f"{SCHEMA}-before", "latestDatasetUpdate": update}

    monkeypatch.setattr(PersonalizeHook, "describe", outdated)
    assert check()()["errors"] == 0


def test_one_error_lists_all_problems_and_is_not_retried():
    put("bad/a.csv", CSV.replace("u7,i7,1700000007", "u7,,soon").replace("u8,", f"{'u' * 300},"))
    put("bad/b.csv", CSV.replace("\n", "\r\n").replace("u9,i9,1700000009", "u9,i9,1700000009000"))
    put("bad/below/c.csv", "anything")
    run = check(data_location="s3://shop/bad/")
    with pytest.raises(DataCheckError) as failure:
        run()
    assert isinstance(failure.value, AirflowFailException)
    assert failure.value.summary == run.ti.xcoms["data_check"]
    counts = "1 x empty_value ITEM_ID, 1 x type TIMESTAMP, 20 x length USER_ID, 1 x time_unit TIMESTAMP"
    assert str(failure.value).splitlines() == [
        f"s3://shop/bad/ is not fit for the dataset: {counts}.",
        "The first 20:",
        "  - bad/a.csv, line 9: ITEM_ID is empty.",
        "  - bad/a.csv, line 9: TIMESTAMP is 'soon': the schema has long, the seconds since 1970.",
        *(
            f"  - bad/a.csv, line {line}: Length cannot be more than 256 characters for USER_ID."
            for line in range(10, 910, 50)
        ),
    ]
    by_rule = {(each["rule"], each["column"]): each for each in failure.value.summary["problems"]}
    assert {key: each["count"] for key, each in by_rule.items()} == {
        ("length", "USER_ID"): 20,
        ("empty_value", "ITEM_ID"): 1,
        ("type", "TIMESTAMP"): 1,
        ("time_unit", "TIMESTAMP"): 1,
        ("subfolder", None): 1,
        ("duplicate", None): 978,
    }
    places = {key: (each["file"], each["line"], each["value"]) for key, each in by_rule.items()}
    assert places["empty_value", "ITEM_ID"] == ("bad/a.csv", 9, "")
    assert places["type", "TIMESTAMP"] == ("bad/a.csv", 9, "soon")
    assert places["time_unit", "TIMESTAMP"] == ("bad/b.csv", 11, "1700000009000")
    assert places["subfolder", None] == ("bad/below/", None, None)


@pytest.mark.parametrize(
    ("csv", "said"),
    [
        (CSV.replace("ITEM_ID", "ITEM"), r"missing the following columns: \[ITEM_ID\]"),
        ("\n".join(CSV.split("\n")[:900]), "fewer than 1000 interactions: 899"),
        (CSV.replace("u7,i7,", "u7,,"), r"ITEM_ID is empty\."),
        (CSV.replace("u7,", '"u\n7",'), "Each record must be on a single line"),
        (CSV.encode("utf-16"), "not UTF-8"),
        (b"", "header|missing"),
    ],
)
def test_what_the_check_finds_fails_the_import_without_it(personalize, csv, said):
    put("interactions.csv", csv)
    with pytest.raises(ResourceFailedError, match=said):
        import_()()
    with pytest.raises(DataCheckError, match=said):
        import_(TaskInstance(run_id="other"), check_data=True)()
    assert len(jobs(personalize)) == 1


@pytest.mark.parametrize("deferrable", [False, True])
def test_the_check_does_not_change_what_reaches_the_service(personalize, deferrable):
    for check_data in (False, True):
        run = import_(TaskInstance(run_id=f"{check_data}"), check_data=check_data, deferrable=deferrable)
        run()
        assert ("data_check" in run.ti.xcoms) == check_data
    described = (
        personalize.describe_dataset_import_job(datasetImportJobArn=job["datasetImportJobArn"])
        for job in jobs(personalize)
    )
    own = {"jobName", "datasetImportJobArn", "creationDateTime", "lastUpdatedDateTime"}
    first, second = (job["datasetImportJob"] for job in described)
    assert {name for name in first | second if first.get(name) != second.get(name)} == own


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_retry_after_a_crash_finds_the_paid_job_and_checks_nothing(personalize, s3_calls, deferrable):
    faults.stale_next("CreateDatasetImportJob", hides=45)
    with killed_after("CreateDatasetImportJob"):
        import_(check_data=True)()
    bring_interactions(header="USER_ID,ITEM,TIMESTAMP")
    s3_calls.clear()
    import_(TaskInstance(try_number=2), check_data=True, deferrable=deferrable)()
    assert (len(jobs(personalize)), s3_calls) == (1, {})


@pytest.mark.parametrize("code", ["ThrottlingException", "LimitExceededException"])
def test_a_call_that_is_retried_is_checked_once(personalize, s3_calls, code):
    """A quota that is used up is waited for in the triggerer."""
    faults.error_next("CreateDatasetImportJob", code, times=2)
    run = import_(check_data=True, deferrable=True)
    run()
    assert (len(jobs(personalize)), s3_calls["GetObject"]) == (1, 1)
    assert len(run.deferrals) == (3 if code == "LimitExceededException" else 1)


def test_an_incremental_import_is_checked_as_one():
    one_user = "USER_ID,ITEM_ID,TIMESTAMP\n" + "".join(f"u,i,{1_700_000_000 + n}\n" for n in range(1000))
    put("one.csv", one_user)
    check(data_location="s3://shop/one.csv", import_mode="INCREMENTAL")()
    with pytest.raises(DataCheckError, match="fewer than 25 users with at least 2 interactions"):
        check(data_location="s3://shop/one.csv")()
    check(data_location="s3://shop/one.csv", ignore_rules=["training_users"])()


def test_warnings_fail_only_on_request():
    put("interactions.csv", CSV.replace("\n", ",red\n").replace(",red", ",COLOUR", 1))
    assert check()()["warnings"] == 1
    with pytest.raises(DataCheckError, match=r"1 x unknown_column COLOUR"):
        check(fail_on_warnings=True)()


def test_a_sample_reads_the_beginning_of_each_file(s3_calls):
    for name in ("a", "b"):
        put(f"large/{name}.csv", CSV * 90)
    summary = check(data_location="s3://shop/large/", sample_rows=500)()
    assert (summary["files"], summary["records"], summary["is_sample"]) == (2, 1000, True)
    assert s3_calls["GetObject"] == 2
    assert summary["bytes"] > 3 * 2**20


def test_a_schema_may_be_given_instead_of_a_dataset(tmp_path):
    check(dataset_arn=None, schema=SCHEMA)()
    (path := tmp_path / "shop.avsc").write_text(json.dumps(SCHEMA))
    put("shop.avsc", json.dumps(SCHEMA))
    put("empty.avsc", "{}")
    for place in (path, str(path), "s3://shop/shop.avsc"):
        check(dataset_arn=None, schema=place)()
    with pytest.raises(InvalidRequestError, match="schema must be an Avro record .*s3://shop/empty.avsc"):
        check(dataset_arn=None, schema="s3://shop/empty.avsc")()
    check(dataset_arn="None", schema=json.dumps(SCHEMA))()
    assert [call.operation for call in calls if call.operation.startswith("Describe")] == []


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"schema": SCHEMA}, "either dataset_arn or schema"),
        ({"dataset_arn": None}, "either dataset_arn or schema"),
        ({"dataset_arn": "shop"}, "dataset_arn is 'shop'"),
        ({"dataset_arn": None, "schema": "{"}, "schema"),
        ({"data_location": None}, "data_location is None"),
        ({"data_location": "shop/a.csv"}, "data_location is 'shop/a.csv': it must be a location in S3"),
        ({"import_mode": "HALF"}, "import_mode is 'HALF'"),
        ({"ignore_rules": ["typo"]}, "typo"),
    ],
)
def test_invalid_parameters_are_refused_before_anything_is_read(parameters, said, s3_calls):
    with pytest.raises(InvalidRequestError, match=said):
        check(**parameters)()
    assert s3_calls == {}


@pytest.mark.parametrize("location", ["s3://nowhere/a.csv", "s3://shop/typo.csv", "s3://shop/typo/"])
def test_a_location_without_files_is_a_problem_of_the_data(location):
    with pytest.raises(DataCheckError, match=f"Invalid Data location: there is no file at {location}"):
        check(data_location=location)()


@pytest.mark.parametrize("operation", ["ListObjectsV2", "GetObject"])
def test_what_airflow_may_not_read_is_an_error_of_its_own(operation, s3_calls, personalize):
    s3_calls.answers = [(operation, 403, "AccessDenied")]
    action = operation.replace("ListObjectsV2", "ListBucket")
    with pytest.raises(DataNotReadableError, match=rf"may not read .*It needs s3:{action}") as failure:
        import_(check_data=True)()
    assert not isinstance(failure.value, AirflowFailException)
    assert jobs(personalize) == []


def test_a_file_that_changes_meanwhile_is_an_error_that_a_retry_may_cure(s3_calls):
    s3_calls.answers = [("GetObject", 412, "PreconditionFailed")]
    with pytest.raises(DataNotReadableError, match="was replaced or deleted while it was read"):
        check()()


def test_throttling_and_outages_are_retried(s3_calls, passing_time):
    s3_calls.answers = [("ListObjectsV2", 503, "SlowDown"), ("GetObject", 500, "InternalError")]
    check()()
    assert len(passing_time.slept) == 2
    s3_calls.answers = [("GetObject", 400, "ExpiredToken")]
    with pytest.raises(ClientError, match="ExpiredToken"):
        check()()


def parquet(table: dict[str, Any]) -> bytes:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as writer

    written = io.BytesIO()
    writer.write_table(pyarrow.table(table), written, row_group_size=300)
    return written.getvalue()


def columns() -> dict[str, list[Any]]:
    _, *lines = CSV.splitlines()
    users, items, times = zip(*(line.split(",") for line in lines), strict=True)
    return {"USER_ID": list(users), "ITEM_ID": list(items), "TIMESTAMP": list(map(int, times))}


def test_parquet_is_checked_as_the_csv_that_it_would_be(s3_calls):
    table = columns()
    put("good.parquet", parquet(table))
    summary = check(data_location="s3://shop/good.parquet")()
    assert (summary["records"], [each["rule"] for each in summary["problems"]]) == (1000, ["file_format"])
    table["USER_ID"][6] = None
    table["TIMESTAMP"] = [datetime(2024, 1, 1, 0, 0, n % 60) for n in range(999)] + [None]
    table["TAGS"] = [["a", "b"]] * 1000
    table["NOTE"] = ["a\nb", "a\0b", *["a"] * 998]
    put("bad.parquet", parquet(table))
    with pytest.raises(DataCheckError) as failure:
        check(data_location="s3://shop/bad.parquet", dataset_arn=None, schema=with_tags())()
    found = {
        (each["rule"], each["column"], each["count"], each["line"], each["value"])
        for each in failure.value.summary["problems"]
        if each["severity"] == "error"
    }
    assert found == {
        ("empty_value", "USER_ID", 1, 7, ""),
        ("type", "TIMESTAMP", 999, 1, "2024-01-01 00:00:00"),
        ("empty_value", "TIMESTAMP", 1, 1000, ""),
        ("type", "TAGS", 1, None, None),
        ("quotation", "NOTE", 1, 1, "a\\nb"),
        ("nul_character", "NOTE", 1, 2, "a\\x00b"),
    }
    with pytest.raises(DataCheckError, match="The file is Parquet: the service imports CSV only"):
        import_(check_data=True, data_source={"dataLocation": "s3://shop/good.parquet"})()


def with_tags() -> dict[str, Any]:
    return {**SCHEMA, "fields": [*SCHEMA["fields"], {"name": "TAGS", "type": "string", "categorical": True}]}


def test_without_pyarrow_the_extra_is_named(monkeypatch):
    put("a.parquet", b"PAR1 and more")
    really = builtins.__import__

    def importing(name: str, *args: Any, **more: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError("No module named 'pyarrow'")
        return really(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", importing)
    with pytest.raises(PersonalizeError, match=r"airflow-provider-personalize\[parquet\]"):
        check(data_location="s3://shop/a.parquet")()


def test_a_damaged_parquet_file_is_a_problem_of_the_data():
    pytest.importorskip("pyarrow")
    put("a.parquet", b"PAR1 and more")
    with pytest.raises(DataCheckError, match="cannot be read as Parquet"):
        check(data_location="s3://shop/a.parquet")()
