"""
What a task says first, in its log and in its errors: the status and the reason, where no window cuts them off.

A log view of 1440 pixels shows about 130 characters of a line. So the full ARN comes last, and once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from every_task import ENDS, STEPS, task_of
from shop import PREFIX, SOLUTION
from task_runs import Run

from airflow_provider_personalize._compat import AirflowFailException, AirflowSensorTimeout
from airflow_provider_personalize.emulator import faults
from airflow_provider_personalize.exceptions import ResourceDiffersError, ResourceFailedError, WaitTimeoutError
from airflow_provider_personalize.operators import CreateSolutionOperator, UpdateSolutionOperator
from airflow_provider_personalize.sensors import SolutionUpdateSensor, SolutionVersionSensor

RECIPE = "arn:aws:personalize:::recipe/aws-user-personalization-v2"
REASON = "The role may not read the bucket."
WANTED = {"solution_arn": SOLUTION, "perform_auto_training": True}
STATUS = (
    r"(?:CREATE|UPDATE|DELETE|START|STOP) (?:PENDING|IN_PROGRESS|FAILED|STOPPED|STOPPING)|ACTIVE|INACTIVE|COMPLETED"
)
ARN = r"(?<!')\barn:[^\s']+"  # of what a task acts on; what it compares is in quotes
# Airflow 3's line, and Airflow 2's
LINE = re.compile(r"\[(?:info|warning|error) *\] (?P<three>.*?) \[[\w.]+\]|^\[\S+\] \{\S+\} \w+ - (?P<two>.*)$")

deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])


def lines(out: str) -> Iterator[str]:
    """What the package logged, without what Airflow puts around it."""
    for line in re.sub(r"\x1b\[[\d;]*m", "", out).splitlines():
        if "airflow_provider_personalize" in line and (found := LINE.search(line)):
            yield found["three"] or found["two"]


@deferrable_or_not
def test_every_line_of_every_task_has_the_status_first_and_the_full_arn_last_and_once(life, capsys, deferrable):
    for name, given in [*STEPS, *ENDS]:
        modes = {"deferrable": deferrable} if hasattr(task_of(name), "execute_complete") else {}
        life.do(name, given, **modes)
        said = list(lines(capsys.readouterr().out))
        arns: Counter[str] = Counter()
        for line in said:
            assert not re.search(rf"^(?!{STATUS}).*\b({STATUS})", line), line
            assert not re.search(rf"{ARN} ", line), line
            arns.update(re.findall(ARN, line))
        if given.get("cascade") is None:
            assert all(times == 1 for times in arns.values()), (name, said)


@deferrable_or_not
def test_a_failed_update_reports_status_and_reason_first(personalize, deferrable):
    faults.fail_next("UpdateSolution", REASON)
    with pytest.raises(ResourceFailedError) as failure:
        Run(lambda: UpdateSolutionOperator(task_id="task", **WANTED, deferrable=deferrable))()
    assert str(failure.value) == f"CREATE FAILED: {REASON} (update of solution shop) {SOLUTION}"
    assert (failure.value.arn, failure.value.status, failure.value.reason) == (SOLUTION, "CREATE FAILED", REASON)


@deferrable_or_not
def test_a_failed_update_in_a_sensor_reports_status_and_reason_first(life, personalize, deferrable):
    faults.fail_next("CreateSolutionVersion", REASON)
    arn = personalize.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    sensor = Run(lambda: SolutionVersionSensor(task_id="task", solution_version_arn=arn, deferrable=deferrable))
    with pytest.raises(AirflowFailException) as failure:
        sensor()
    name = arn.removeprefix(f"{PREFIX}solution/")
    assert str(failure.value) == f"CREATE FAILED: {REASON} (solution version {name}) {arn}"


@deferrable_or_not
def test_a_timeout_reports_the_last_status_first(personalize, deferrable):
    run = Run(lambda: UpdateSolutionOperator(task_id="task", **WANTED, deferrable=deferrable, timeout=60))
    with pytest.raises(WaitTimeoutError) as late:
        run()
    assert str(late.value) == f"Timed out; last seen: CREATE PENDING (update of solution shop) {SOLUTION}"


@deferrable_or_not
def test_a_timeout_of_a_sensor_reports_the_last_status_first(life, personalize, deferrable):
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    given = {"solution_arn": SOLUTION, "timeout": 50, "poke_interval": 30, "deferrable": deferrable}
    with pytest.raises(AirflowSensorTimeout) as late:
        Run(lambda: SolutionUpdateSensor(task_id="task", **given))()
    assert str(late.value) == f"Timed out; last seen: CREATE PENDING (update of solution shop) {SOLUTION}"


def test_a_difference_is_reported_first(personalize):
    given = {"name": "shop", "dataset_group_arn": f"{PREFIX}dataset-group/shop", "recipe_arn": RECIPE}
    with pytest.raises(ResourceDiffersError) as different:
        Run(lambda: CreateSolutionOperator(task_id="task", perform_auto_training=True, **given))()
    first, difference, advice, arn = str(different.value).splitlines()
    assert first == "The solution shop exists already, with 1 difference:"
    assert difference == "  - perform_auto_training: wanted True, found False"
    assert advice == 'To use it as it is, set ignore_changes=["perform_auto_training"].'
    assert arn == SOLUTION
