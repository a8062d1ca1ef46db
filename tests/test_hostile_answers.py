"""Whatever the service answers: an end by the deadline, and an error that says what was wrong; no traceback of ours."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from random import Random
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError
from every_task import ENDS, METRIC, STEPS, avro, task_of
from shop import PREFIX
from task_runs import Run

from airflow_provider_personalize._compat import AirflowException, AirflowSkipException
from airflow_provider_personalize.emulator import faults
from airflow_provider_personalize.emulator.control import transport_faults
from airflow_provider_personalize.emulator.http.responses import PersonalizeResponse
from airflow_provider_personalize.exceptions import IncompleteAnswerError
from airflow_provider_personalize.hooks import PersonalizeHook
from airflow_provider_personalize.hooks import personalize as hook_module

SECONDS: Final = 300
# A wait ends by its deadline, plus the time of one poll; a task without a deadline retries for ten minutes
LONGEST: Final = 900
IMPORT: Final = dict(STEPS)["CreateDatasetImportJob"]
# More than a person reads, and less than floods a log
LONG: Final = 15_000
Change = Callable[[str, str], str]
GONE: Final = object()
ODD: Final = [
    *(GONE, None, True, False, 0, -1, 1.5, 10**30, "", "x", "A STATUS OF NEXT YEAR", "DELETE", "é" * 40, "x" * 100_000),
    *([], [None], [[]], [{}], ["x"], {}, {"a": 1}, {"status": None}, "arn:aws-cn:personalize:x:y:solution/z"),
]


def changed(value: Any, chance: Random) -> Any:
    """An answer with something odd in it."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        member = chance.choice(sorted(value))
        item = changed(value[member], chance)
        rest = {name: each for name, each in value.items() if name != member}
        return rest if item is GONE else {**rest, member: item}
    if isinstance(value, list) and value and chance.random() < 0.8:
        item = changed(value[0], chance)
        return value[1:] if item is GONE else [item, *value[1:]]
    return chance.choice(ODD)


@pytest.fixture
def tamper(monkeypatch):
    """Change each answer before it is sent."""
    honest = PersonalizeResponse.respond

    def start(change: Change) -> None:
        def respond(self: PersonalizeResponse, operation: str) -> tuple[str, dict[str, Any]]:
            text, headers = honest(self, operation)
            return (change(operation, text) if headers["status"] == 200 else text), headers

        monkeypatch.setattr(PersonalizeResponse, "respond", respond)

    yield start
    monkeypatch.setattr(PersonalizeResponse, "respond", honest)


@pytest.mark.parametrize("tries", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_odd_answers_end_in_a_timely_error(life, tamper, passing_time, tries):
    for step in STEPS:
        life.do(*step)
    for name, usual in dict([*STEPS, *ENDS]).items():
        for number in range(tries):
            chance = Random(f"{name}/{number}")  # as odd each time
            tamper(_change(chance))
            waiting = {"deferrable": number % 2 == 1, "timeout": SECONDS} if hasattr(task_of(name), "goal") else {}
            began = passing_time.time()
            assert len(_end(life.run(name, usual, **waiting))) < LONG, (name, number)
            assert passing_time.time() - began < LONGEST, (name, number)


def _change(chance: Random) -> Change:
    """Make each answer odd, or each of an operation's in the same way."""
    always: dict[str, Any] | None = {} if chance.random() < 0.5 else None

    def change(operation: str, text: str) -> str:
        if always is not None and operation in always:
            return json.dumps(always[operation])
        answer = changed(json.loads(text or "{}"), chance)
        answer = {} if answer is GONE else answer
        if always is not None:
            always[operation] = answer
        return json.dumps(answer)

    return change


def _end(run: Run) -> str:
    """Run it to its end, and return the error that it ends in; what is no clear error comes through."""
    try:
        run()
    except (AirflowException, AirflowSkipException, ClientError) as error:
        return str(error)
    return ""


ARN: Final = f"{PREFIX}solution/shop"
ATTRIBUTION: Final = f"{PREFIX}metric-attribution/shop"


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"solution": []}, "describe_solution has an answer that cannot be read"),
        ({"solution": None}, "DescribeSolution answered without 'solution'"),
        ([], "cannot be read"),
        ("text", "cannot be read"),
        ({"solution": {"status": ["ACTIVE"]}}, "DescribeSolution answered without 'solution'"),
        ({"solution": {"name": "shop", "status": ["ACTIVE"]}}, r"status is \['ACTIVE'\], which is no string"),
        ({"solution": {"creationDateTime": 10**30}}, "cannot be read"),
    ],
)
def test_a_wait_on_malformed_answers_ends_by_its_deadline_and_reports_them(personalize, tamper, odd, said):
    tamper(lambda operation, text: json.dumps(odd))
    with pytest.raises(AirflowException, match=f"last (seen|error): .*({said})"):
        Run(lambda: task_of("UpdateSolution")(task_id="a", solution_arn=ARN, perform_auto_training=True, timeout=60))()


def test_a_member_that_is_not_there_is_named(personalize, tamper):
    tamper(lambda operation, text: json.dumps({"solutionVersions": [{"status": "ACTIVE"}]}))
    with pytest.raises(IncompleteAnswerError, match=r"ListSolutionVersions.solutionVersions .* without 'creationDate"):
        list(PersonalizeHook().list_versions(ARN))


@pytest.mark.parametrize(
    ("name", "given", "listed"),
    [
        ("CreateSchema", {"name": "more", "schema": avro("ITEMS")}, {"schemas": []}),
        ("UpdateMetricAttribution", {"metric_attribution_arn": ATTRIBUTION, "add_metrics": [METRIC]}, {"metrics": []}),
    ],
)
@pytest.mark.parametrize("pages", [itertools.cycle("ab"), map(str, itertools.count())], ids=["back", "on and on"])
def test_pages_that_never_end_are_no_answer(personalize, monkeypatch, name, given, listed, pages):
    monkeypatch.setattr(hook_module, "MOST_PAGES", 10)
    shown = {"metricAttribution": {"metricAttributionArn": ATTRIBUTION, "status": "ACTIVE"}}
    answer = lambda *_: (json.dumps({**shown, **listed, "nextToken": next(pages)}), {"status": 200})  # noqa: E731
    monkeypatch.setattr(PersonalizeResponse, "respond", answer)
    with pytest.raises(AirflowException, match="last error: .* with pages that never end"):
        Run(lambda: task_of(name)(task_id="a", timeout=60, **given))()


def test_names_that_are_all_used_up_end(personalize, monkeypatch):
    job = {"datasetImportJobArn": f"{PREFIX}dataset-import-job/x", "status": "CREATE FAILED"}
    answer = lambda *_: (json.dumps({"datasetImportJob": job}), {"status": 200})  # noqa: E731
    monkeypatch.setattr(PersonalizeResponse, "respond", answer)
    with pytest.raises(AirflowException, match="1000 names .*-1000', are all used up"):
        Run(lambda: task_of("CreateDatasetImportJob")(task_id="a", **IMPORT))()


def test_unknown_or_null_members_of_an_answer_are_accepted(personalize, tamper):
    shown = {"solution": {"solutionArn": ARN, "status": "ACTIVE", "ofNextYear": {"a": 1}, "eventType": None}}
    tamper(lambda operation, text: json.dumps(shown))
    assert PersonalizeHook().describe("solution", ARN) == {"solutionArn": ARN, "status": "ACTIVE"}


MILLISECONDS: Final = 1_700_000_000_000
SHOWN: Final = {"solutionArn": ARN, "status": "ACTIVE"}
#: What DescribeSolution answers, and what of it is odd.
ODD_ANSWERS: Final = {
    "a time in milliseconds": ({**SHOWN, "creationDateTime": MILLISECONDS}, "not in seconds since 1970"),
    "no text": (
        {**SHOWN, "latestSolutionUpdate": {"status": ["ACTIVE"]}},
        r"DescribeSolution.solution.latestSolutionUpdate.status is \['ACTIVE'\], which is no string",
    ),
    "another case": (
        {**SHOWN, "latestSolutionUpdate": {"status": "active"}},
        "active: no status that Personalize documents",
    ),
    "nothing": ({}, "answered without 'solution'"),
}


@pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])
@pytest.mark.parametrize(("odd", "said"), ODD_ANSWERS.values(), ids=ODD_ANSWERS)
def test_a_malformed_answer_is_logged_as_a_warning_once(life, tamper, capsys, odd, said, deferrable):
    """Once, and not only at the deadline: it may last for hours, or pass."""
    answers = iter([*[json.dumps({"solution": odd})] * 3])
    fine = json.dumps({"solution": {**SHOWN, "latestSolutionUpdate": {"status": "ACTIVE"}}})
    tamper(lambda operation, text: next(answers, fine))
    sensor = task_of("SolutionUpdateSensor")
    Run(lambda: sensor(task_id="a", solution_arn=ARN, poke_interval=60, deferrable=deferrable))()
    lines = [line for line in capsys.readouterr().out.splitlines() if "update of solution" in line]
    warnings = [line for line in lines if "[warning" in line]
    assert [bool(re.search(said, line)) for line in warnings] == [True] * (
        1 + deferrable
    )  # also in the triggerer's log


def test_a_redirect_is_a_warning_and_says_where_it_leads(personalize, capsys):
    """As a proxy does to its page for signing in; with what signs the request left out."""
    page = "https://proxy/login?X-Amz-Signature=secret"

    def redirect() -> None:
        answer = transport_faults.InjectedFault("302", status=302, body="<html>Sign in.</html>")
        answer.headers["Location"] = page
        raise answer

    faults.call_next("DescribeSolution", redirect, times=2)
    Run(lambda: task_of("SolutionSensor")(task_id="a", solution_arn=ARN, poke_interval=0))()
    (said,) = [line for line in capsys.readouterr().out.splitlines() if "[warning" in line and "302" in line]
    assert "Redirected to https://proxy/login?X-Amz-Signature=***. Personalize redirects nobody" in said
