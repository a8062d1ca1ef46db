from __future__ import annotations

import pytest
from asking import refusal
from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_api import state_manager
from shop import PREFIX

from airflow_provider_personalize.emulator import assumptions, calls, clock, faults
from airflow_provider_personalize.emulator.http.models import personalize_backends

RECIPE = "arn:aws:personalize:::recipe/aws-{}"
THREE_DAYS = {"autoTrainingConfig": {"schedulingExpression": "rate(3 days)"}}
CLICKS = {"eventsConfig": {"eventParametersList": [{"eventType": "click", "weight": 0.5}]}}
BUYS = {"eventsConfig": {"eventParametersList": [{"eventType": "buy", "weight": 1.0, "eventValueThreshold": 2.0}]}}


def describe(client, arn):
    return client.describe_solution(solutionArn=arn)["solution"]


def test_a_solution_trains_weekly_by_default(client, solution):
    shown = describe(client, solution)
    assert shown["performAutoTraining"] is True
    assert shown["solutionConfig"] == {"autoTrainingConfig": {"schedulingExpression": "rate(7 days)"}}


def test_a_solution_without_automatic_training_has_no_schedule(client, group):
    client.create_solution(
        name="quiet", datasetGroupArn=group, recipeArn=RECIPE.format("sims"), performAutoTraining=False
    )
    shown = describe(client, f"{PREFIX}solution/quiet")
    assert shown["performAutoTraining"] is False
    assert "solutionConfig" not in shown


def test_there_is_no_latest_update_before_the_first(client, solution):
    assert "latestSolutionUpdate" not in describe(client, solution)


def test_an_update_answers_only_the_arn(client, solution):
    answer = client.update_solution(solutionArn=solution, performAutoTraining=False)
    assert set(answer) == {"solutionArn", "ResponseMetadata"}


def test_an_update_goes_from_pending_to_active_while_the_solution_stays_active(client, solution):
    client.update_solution(solutionArn=solution, performAutoTraining=False)
    seen = []
    for _ in range(3):
        shown = describe(client, solution)
        seen.append(shown["latestSolutionUpdate"]["status"])
        assert shown["status"] == "ACTIVE"
        clock.advance(90)
    assert seen == ["CREATE PENDING", "CREATE IN_PROGRESS", "ACTIVE"]


def test_a_solution_shows_its_old_configuration_until_the_update_is_active(client, solution):
    client.update_solution(
        solutionArn=solution, performAutoTraining=True, solutionUpdateConfig={**THREE_DAYS, **CLICKS}
    )
    clock.advance(179)
    before = describe(client, solution)
    assert before["solutionConfig"] == {"autoTrainingConfig": {"schedulingExpression": "rate(7 days)"}}
    assert before["latestSolutionUpdate"]["solutionUpdateConfig"] == {**THREE_DAYS, **CLICKS}
    clock.advance(1)
    assert describe(client, solution)["solutionConfig"] == {**THREE_DAYS, **CLICKS}


def test_members_omitted_from_an_update_stay(client, solution):
    for change in ({"solutionUpdateConfig": CLICKS}, {"performAutoTraining": False}):
        client.update_solution(solutionArn=solution, **change)
        clock.advance(200)
    shown = describe(client, solution)
    assert shown["performAutoTraining"] is False
    assert shown["solutionConfig"]["eventsConfig"] == CLICKS["eventsConfig"]


def test_new_events_replace_the_old_ones(client, solution):
    for events in (CLICKS, BUYS):
        client.update_solution(solutionArn=solution, solutionUpdateConfig=events)
        clock.advance(200)
    assert describe(client, solution)["solutionConfig"]["eventsConfig"] == BUYS["eventsConfig"]


def test_the_times_of_an_update_tell_when_it_began_and_when_it_got_where_it_is(client, solution):
    began = clock.now()
    client.update_solution(solutionArn=solution, performAutoTraining=False)
    clock.advance(5000)
    update = describe(client, solution)["latestSolutionUpdate"]
    assert update["creationDateTime"].timestamp() == pytest.approx(began, abs=0.002)
    assert update["lastUpdatedDateTime"].timestamp() == pytest.approx(began + 180, abs=0.002)


def test_a_second_update_while_one_is_in_progress_is_refused(client, solution):
    client.update_solution(solutionArn=solution, performAutoTraining=False)
    code, message = refusal(client.update_solution, solutionArn=solution, performAutoTraining=True)
    assert code == "ResourceInUseException"
    assert solution in message
    clock.advance(180)
    client.update_solution(solutionArn=solution, performAutoTraining=True)


def test_a_second_update_is_newer_even_if_the_clock_stands_still(client, solution):
    state_manager.set_transition("personalize::solution_update", {"progression": "immediate"})
    times = []
    for switch in (True, False):
        client.update_solution(solutionArn=solution, performAutoTraining=switch)
        times.append(describe(client, solution)["latestSolutionUpdate"]["creationDateTime"])
    assert times[0] < times[1]


def test_an_injected_update_failure_has_a_reason_and_changes_nothing(client, solution):
    faults.fail_next("UpdateSolution", reason="The role is gone.")
    client.update_solution(solutionArn=solution, performAutoTraining=False)
    assert "failureReason" not in describe(client, solution)["latestSolutionUpdate"]
    clock.advance(200)
    shown = describe(client, solution)
    assert shown["latestSolutionUpdate"]["status"] == "CREATE FAILED"
    assert shown["latestSolutionUpdate"]["failureReason"] == "The role is gone."
    assert (shown["status"], shown["performAutoTraining"]) == ("ACTIVE", True)


def test_after_a_failed_update_another_one_is_accepted(client, solution):
    faults.fail_next("UpdateSolution", reason="x")
    client.update_solution(solutionArn=solution, performAutoTraining=False)
    clock.advance(200)
    client.update_solution(solutionArn=solution, performAutoTraining=False)
    clock.advance(200)
    shown = describe(client, solution)
    assert shown["performAutoTraining"] is False
    assert "failureReason" not in shown["latestSolutionUpdate"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"solutionUpdateConfig": {"autoTrainingConfig": {"schedulingExpression": "rate(31 days)"}}}, "rate(31 days)"),
        ({"solutionUpdateConfig": {"autoTrainingConfig": {"schedulingExpression": "cron(0 1)"}}}, "cron(0 1)"),
        ({"performAutoTraining": False, "solutionUpdateConfig": THREE_DAYS}, "schedulingExpression"),
        ({"performIncrementalUpdate": True}, "performIncrementalUpdate"),
        ({}, "nothing to change"),
        (
            {"solutionUpdateConfig": {"eventsConfig": {"eventParametersList": [{"eventType": "a", "weight": 1.5}]}}},
            "weight",
        ),
        ({"solutionUpdateConfig": {"eventsConfig": {"eventParametersList": [{"eventType": "a"}] * 11}}}, "11 entries"),
    ],
)
def test_an_invalid_update_is_refused(client, solution, change, named):
    code, message = refusal(client.update_solution, solutionArn=solution, **change)
    assert code == "InvalidInputException"
    assert named in message
    assert "latestSolutionUpdate" not in describe(client, solution)


def test_all_errors_of_a_request_are_reported_at_once(client, group):
    code, message = refusal(
        client.create_solution, name="-", datasetGroupArn=group, performAutoML=True, recipeArn="arn:x"
    )
    assert code == "InvalidInputException"
    assert "name" in message
    assert "recipeArn" in message
    assert "performAutoML" in message


def test_events_are_for_two_recipes_only(client, group):
    client.create_solution(name="old", datasetGroupArn=group, recipeArn=RECIPE.format("sims"))
    clock.advance(10)
    request = {"solutionArn": f"{PREFIX}solution/old", "solutionUpdateConfig": CLICKS}
    assert refusal(client.update_solution, **request)[0] == "InvalidInputException"
    assumptions.option_of_another_recipe = "accepted"
    client.update_solution(**request)


def test_incremental_updates_are_for_semantic_similarity(client, group):
    client.create_solution(name="alike", datasetGroupArn=group, recipeArn=RECIPE.format("semantic-similarity"))
    clock.advance(10)
    client.update_solution(solutionArn=f"{PREFIX}solution/alike", performIncrementalUpdate=True)
    clock.advance(200)
    assert describe(client, f"{PREFIX}solution/alike")["performIncrementalUpdate"] is True


@pytest.mark.parametrize("recipe", [None, "arn:aws:personalize:::recipe/mine", "arn:aws:personalize:::algorithm/aws-x"])
def test_a_solution_needs_a_recipe_of_aws(client, group, recipe):
    given = {"recipeArn": recipe} if recipe else {}
    code, message = refusal(client.create_solution, name="a", datasetGroupArn=group, **given)
    assert code == "InvalidInputException"
    assert "recipeArn" in message


def test_an_update_of_a_missing_resource_is_refused(client):
    code, message = refusal(client.update_solution, solutionArn=f"{PREFIX}solution/no", performAutoTraining=True)
    assert code == "ResourceNotFoundException"
    assert f"{PREFIX}solution/no" in message


# recorded in AWS's notebooks: CreateSolutionVersion in the same second as CreateSolution
def test_a_solution_can_be_trained_and_updated_at_once(client, group):
    client.create_solution(name="new", datasetGroupArn=group, recipeArn=RECIPE.format("sims"))
    assert describe(client, f"{PREFIX}solution/new")["status"] == "ACTIVE"
    assert client.create_solution_version(solutionArn=f"{PREFIX}solution/new")["solutionVersionArn"]
    client.update_solution(solutionArn=f"{PREFIX}solution/new", performAutoTraining=False)


def test_a_solution_that_is_not_active_cannot_be_updated(client, group):
    assumptions.seconds["solution"] = 1
    client.create_solution(name="new", datasetGroupArn=group, recipeArn=RECIPE.format("sims"))
    request = {"solutionArn": f"{PREFIX}solution/new", "performAutoTraining": False}
    assert refusal(client.update_solution, **request)[0] == "ResourceInUseException"


def test_a_solution_that_failed_shows_that_and_no_reason(client, group):
    faults.fail_next("CreateSolution", reason="not shown: the service has no such member")
    client.create_solution(name="bad", datasetGroupArn=group, recipeArn=RECIPE.format("sims"))
    clock.advance(10)
    assert describe(client, f"{PREFIX}solution/bad")["status"] == "CREATE FAILED"


def test_a_solution_with_an_update_in_progress_cannot_be_deleted(client, solution):
    client.update_solution(solutionArn=solution, performAutoTraining=False)
    assert refusal(client.delete_solution, solutionArn=solution)[0] == "ResourceInUseException"
    clock.advance(200)
    client.delete_solution(solutionArn=solution)


def test_a_deleted_solution_is_gone_when_describing_it_fails(client, solution):
    client.delete_solution(solutionArn=solution)
    assert describe(client, solution)["status"] == "DELETE PENDING"
    assert refusal(client.delete_solution, solutionArn=solution)[0] == "ResourceInUseException"
    clock.advance(5)
    assert refusal(client.describe_solution, solutionArn=solution)[0] == "ResourceNotFoundException"
    assert client.list_solutions()["solutions"] == []


def test_an_update_without_changes_runs_unless_assumed_otherwise(client, solution):
    client.update_solution(solutionArn=solution, performAutoTraining=True)
    first = describe(client, solution)["latestSolutionUpdate"]
    clock.advance(200)
    assumptions.unchanged_update = "ignored"
    client.update_solution(solutionArn=solution, performAutoTraining=True)
    assert describe(client, solution)["latestSolutionUpdate"]["creationDateTime"] == first["creationDateTime"]


def test_an_update_may_be_assumed_to_be_accepted_while_one_is_in_progress(client, solution):
    assumptions.update_while_pending = "accepted"
    client.update_solution(solutionArn=solution, performAutoTraining=False)
    clock.advance(10)
    client.update_solution(solutionArn=solution, solutionUpdateConfig=THREE_DAYS)
    clock.advance(200)
    shown = describe(client, solution)
    assert shown["performAutoTraining"] is False
    assert shown["solutionConfig"] == THREE_DAYS
    assert "performAutoTraining" not in shown["latestSolutionUpdate"]


def test_an_update_may_be_assumed_to_show_late(client, solution):
    assumptions.update_visible_after = 20
    client.update_solution(solutionArn=solution, performAutoTraining=False)
    assert "latestSolutionUpdate" not in describe(client, solution)
    clock.advance(20)
    assert describe(client, solution)["latestSolutionUpdate"]["status"] == "CREATE PENDING"


def test_a_schedule_may_be_assumed_to_be_dropped_when_training_is_turned_off(client, solution):
    assumptions.schedule_when_off = "dropped"
    client.update_solution(solutionArn=solution, performAutoTraining=False)
    clock.advance(200)
    assert "solutionConfig" not in describe(client, solution)


def test_a_schedule_alone_may_be_assumed_to_be_refused(client, solution):
    assumptions.schedule_without_switch = "refused"
    code, _ = refusal(client.update_solution, solutionArn=solution, solutionUpdateConfig=THREE_DAYS)
    assert code == "InvalidInputException"


def test_motos_immediate_transition_shows_the_end_at_once(client, solution):
    state_manager.set_transition("personalize::solution_update", {"progression": "immediate"})
    client.update_solution(solutionArn=solution, performAutoTraining=False)
    assert describe(client, solution)["latestSolutionUpdate"]["status"] == "ACTIVE"


def test_motos_manual_transition_counts_descriptions_of_that_solution(client, solution):
    state_manager.set_transition("personalize::solution_update", {"progression": "manual", "times": 2})
    client.update_solution(solutionArn=solution, performAutoTraining=False)
    clock.advance(9999)
    client.list_solutions()
    seen = [describe(client, solution)["latestSolutionUpdate"]["status"] for _ in range(4)]
    assert seen == ["CREATE PENDING", "CREATE IN_PROGRESS", "CREATE IN_PROGRESS", "ACTIVE"]


def test_motos_time_transition_counts_the_services_seconds(client, solution):
    state_manager.set_transition("personalize::solution_update", {"progression": "time", "seconds": 1000})
    client.update_solution(solutionArn=solution, performAutoTraining=False)
    clock.advance(1999)
    assert describe(client, solution)["latestSolutionUpdate"]["status"] == "CREATE IN_PROGRESS"
    clock.advance(1)
    assert describe(client, solution)["latestSolutionUpdate"]["status"] == "ACTIVE"


def test_the_calls_of_an_operation_can_be_counted(client, solution):
    client.update_solution(solutionArn=solution, performAutoTraining=False)
    refusal(client.update_solution, solutionArn=solution, performAutoTraining=False)
    assert [call.error for call in calls.of("UpdateSolution", solution)] == [None, "ResourceInUseException"]
    assert calls.of("UpdateSolution")[0].at == pytest.approx(clock.now())
    assert [call.arn for call in calls.of("CreateSolution")] == [solution]


def test_a_solution_that_is_updated_again_and_again_grows_no_larger(client, solution):
    record = personalize_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].records[solution]
    for number in range(40):
        client.update_solution(solutionArn=solution, performAutoTraining=bool(number % 2))
        clock.advance(600)
        assert describe(client, solution)["performAutoTraining"] is bool(number % 2)
    assert len(record.updates) < 12
