"""Structures that an update replaces are compared as a whole: omitting a member is a change and is sent."""

from __future__ import annotations

from typing import Any

import pytest
from task_runs import Run
from update_cases import UPDATE_CASES, every

from airflow_provider_personalize.emulator import assumptions, calls, clock, faults
from airflow_provider_personalize.exceptions import ResourceDiffersError, ResourceFailedError, WaitTimeoutError
from airflow_provider_personalize.hooks import PersonalizeHook
from airflow_provider_personalize.operators import CreateCampaignOperator, UpdateMetricAttributionOperator

SOLUTION, CAMPAIGN, RECOMMENDER, _ = UPDATE_CASES
CLICKS = {"eventParametersList": [{"eventType": "click", "weight": 0.5}]}
EXPLORATION = {"explorationWeight": "0.5", "explorationItemAgeCutOff": "10"}
EXPLORED = {"itemExplorationConfig": EXPLORATION}
EXCLUDED = {"trainingDataConfig": {"excludedDatasetColumns": {"INTERACTIONS": ["EVENT_TYPE"]}}}

deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])


def campaign(config: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"min_provisioned_tps": None, "campaign_config": config}, {"campaignConfig": config}


def recommender(config: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"recommender_config": config}, {"recommenderConfig": config}


def solution(config: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"perform_auto_training": None, "solution_update_config": config}, {"solutionUpdateConfig": config}


REMOVALS = [
    pytest.param(CAMPAIGN, campaign, before, wanted, id=f"campaign-{name}")
    for name, before, wanted in (
        (
            "a key of the exploration",
            {"itemExplorationConfig": EXPLORATION},
            {"itemExplorationConfig": {"explorationWeight": "0.5"}},
        ),
        ("the exploration", {"itemExplorationConfig": EXPLORATION}, {"itemExplorationConfig": {}}),
        (
            "a member",
            {"itemExplorationConfig": EXPLORATION, "enableMetadataWithRecommendations": True},
            {"itemExplorationConfig": EXPLORATION},
        ),
        ("all", {"enableMetadataWithRecommendations": True}, {}),
    )
]
REMOVALS += [
    pytest.param(RECOMMENDER, recommender, before, wanted, id=f"recommender-{name}")
    for name, before, wanted in (
        (
            "a key of the exploration",
            {"itemExplorationConfig": EXPLORATION},
            {"itemExplorationConfig": {"explorationWeight": "0.5"}},
        ),
        ("a member", {**EXCLUDED, "itemExplorationConfig": EXPLORATION}, {"itemExplorationConfig": EXPLORATION}),
        ("all", {"minRecommendationRequestsPerSecond": 2}, {}),
    )
]
REMOVALS += [
    pytest.param(SOLUTION, solution, {"eventsConfig": CLICKS}, {"eventsConfig": wanted}, id=f"solution-{name}")
    for name, wanted in (("all", {}), ("every event", {"eventParametersList": []}))
]


@deferrable_or_not
@pytest.mark.parametrize(("case", "given", "before", "wanted"), REMOVALS)
def test_omitted_members_are_removed_once_and_stay_removed(personalize, case, given, before, wanted, deferrable):
    assumptions.unnamed_recommender_config = "dropped"
    case.make(personalize)
    case.update(personalize, given(before)[1])
    clock.advance(3600)
    calls.clear()
    for _ in range(2):
        run = case.run(**given(wanted)[0], deferrable=deferrable)
        assert run() == case.arn
    assert case.accepted() == 1
    found = case.described(personalize)
    (member, config) = next(iter(given(wanted)[1].items()))
    shown = {**found, "solutionUpdateConfig": found.get("solutionConfig")}[member]
    defaults = {"minRecommendationRequestsPerSecond": 1} if case is RECOMMENDER else {}
    assert {**shown} == {**defaults, **config}


def test_ranking_influence_is_removed_too(personalize):
    """The example of a campaign that weighs popularity and freshness."""
    shape = personalize.meta.service_model.shape_for("CampaignConfig")
    if "rankingInfluence" not in shape.members:
        pytest.skip("this botocore does not know it")
    CAMPAIGN.make(personalize)
    CAMPAIGN.update(personalize, {"campaignConfig": {"rankingInfluence": {"POPULARITY": 0.5, "FRESHNESS": 0.3}}})
    clock.advance(3600)
    CAMPAIGN.run(**campaign({"rankingInfluence": {"POPULARITY": 0.5}})[0])()
    assert CAMPAIGN.described(personalize)["campaignConfig"] == {"rankingInfluence": {"POPULARITY": 0.5}}


def test_a_schedule_alone_leaves_the_events_alone_and_is_sent_once(personalize):
    """An update that changes nothing would start the schedule over and cause a training."""
    SOLUTION.update(personalize, {"performAutoTraining": True, "solutionUpdateConfig": {"eventsConfig": CLICKS}})
    clock.advance(600)
    calls.clear()
    for _ in range(2):
        SOLUTION.run()()
    assert SOLUTION.accepted() == 1
    assert SOLUTION.is_in_force(personalize, {"solutionUpdateConfig": {**every(3), "eventsConfig": CLICKS}})


@pytest.mark.parametrize("case", [CAMPAIGN, RECOMMENDER], ids=lambda case: case.name)
def test_documented_defaults_are_not_differences(personalize, case):
    """https://docs.aws.amazon.com/personalize/latest/dg/use-case-recipe-features.html has the numbers."""
    given = campaign if case is CAMPAIGN else recommender
    case.make(personalize)
    defaults = {"itemExplorationConfig": {"explorationWeight": "0.3", "explorationItemAgeCutOff": "30.0"}}
    off = {"enableMetadataWithRecommendations": False}
    none = {"trainingDataConfig": {"excludedDatasetColumns": {}}} if case is RECOMMENDER else {}
    case.update(personalize, given({**defaults, **off, **none})[1])
    clock.advance(3600)
    calls.clear()
    for config in ({}, off, {"itemExplorationConfig": {"explorationWeight": "0.3"}}):
        case.run(**given(config)[0])()
    assert case.accepted() == 0


@deferrable_or_not
def test_the_task_ends_even_if_the_service_keeps_omitted_members(personalize, deferrable, passing_time):
    assumptions.unnamed_recommender_config = "kept"
    RECOMMENDER.make(personalize)
    RECOMMENDER.update(personalize, {"recommenderConfig": {"minRecommendationRequestsPerSecond": 2, **EXCLUDED}})
    clock.advance(3600)
    before = sum(passing_time.slept)
    run = RECOMMENDER.run(recommender_config={"minRecommendationRequestsPerSecond": 2}, deferrable=deferrable)
    assert run() == RECOMMENDER.arn
    assert sum(passing_time.slept) - before < 120


def test_creating_compares_the_maps_that_it_names_and_no_other_members(personalize):
    CAMPAIGN.make(personalize)
    CAMPAIGN.update(personalize, {"campaignConfig": {"itemExplorationConfig": EXPLORATION}})
    clock.advance(3600)
    version = CAMPAIGN.described(personalize)["solutionVersionArn"]

    def create(config: dict[str, Any]) -> Run:
        given = {"name": "market", "solution_version_arn": version, "campaign_config": config}
        return Run(lambda: CreateCampaignOperator(task_id="task", **given))

    assert create({"enableMetadataWithRecommendations": False})() == CAMPAIGN.arn
    with pytest.raises(ResourceDiffersError, match=r"explorationItemAgeCutOff: wanted nothing, found '10'"):
        create({"itemExplorationConfig": {"explorationWeight": "0.5"}})()


def test_reports_of_a_metric_attribution_no_longer_go_to_s3(personalize):
    from shop import MARKET, PREFIX, ROLE, open_market

    open_market(personalize)
    arn = f"{PREFIX}metric-attribution/m"
    metric = {"eventType": "View", "metricName": "views", "expression": "SAMPLECOUNT()"}
    config = {"roleArn": ROLE, "s3DataDestination": {"path": "s3://shop/reports/"}}
    given = {"name": "m", "datasetGroupArn": MARKET, "metrics": [metric], "metricsOutputConfig": config}
    personalize.create_metric_attribution(**given)
    clock.advance(3600)
    update = {"metric_attribution_arn": arn, "metrics_output_config": {"roleArn": ROLE}}
    for _ in range(2):
        assert Run(lambda: UpdateMetricAttributionOperator(task_id="task", **update))() == arn
    assert len(calls.of("UpdateMetricAttribution")) == 1
    found = personalize.describe_metric_attribution(metricAttributionArn=arn)["metricAttribution"]
    assert found["metricsOutputConfig"] == {"roleArn": ROLE}


METADATA = {"enableMetadataWithRecommendations": True}
NO_METADATA = {"enableMetadataWithRecommendations": False}
TRAINED = {"performAutoTraining": True, "solutionUpdateConfig": every(7)}
UNNAMED = [
    pytest.param(CAMPAIGN, campaign({}), {"campaignConfig": METADATA}, {"minProvisionedTPS": 3}, id="all cleared"),
    pytest.param(CAMPAIGN, campaign(NO_METADATA), {"campaignConfig": METADATA}, {"minProvisionedTPS": 3}, id="off"),
    pytest.param(
        RECOMMENDER,
        recommender(NO_METADATA),
        {"recommenderConfig": METADATA},
        {"recommenderConfig": {"minRecommendationRequestsPerSecond": 1}},
        id="off in a structure of both",
    ),
    *(
        pytest.param(SOLUTION, solution({"eventsConfig": {}}), {"solutionUpdateConfig": events}, theirs, id=name)
        for name, events, theirs in (
            ("a structure cleared", {"eventsConfig": CLICKS}, {"performAutoTraining": True}),
            ("cleared in a structure of both", {"eventsConfig": CLICKS, **every(7)}, TRAINED),
        )
    ),
]


def _is_on(case: Any, client: Any) -> bool:
    found = case.described(client)
    config = found.get(f"{case.name}Config") or {}
    events = (config.get("eventsConfig") or {}).get("eventParametersList")
    return bool(events or config.get("enableMetadataWithRecommendations"))


@deferrable_or_not
@pytest.mark.parametrize(("case", "ours", "before", "theirs"), UNNAMED)
def test_an_update_in_progress_that_does_not_name_what_is_turned_off_is_not_mistaken_for_this_one(
    personalize, case, ours, before, theirs, deferrable
):
    case.make(personalize)
    case.update(personalize, before)
    clock.advance(3600)
    case.update(personalize, theirs)
    assert _is_on(case, personalize)
    run = case.run(**ours[0], deferrable=deferrable)
    assert run() == case.arn
    assert run.ti.xcoms[f"{case.name}_update"]["sent"] is True
    assert not _is_on(case, personalize)


@deferrable_or_not
@pytest.mark.parametrize("config", [{}, NO_METADATA], ids=["all cleared", "off"])
def test_another_writers_update_that_is_visible_first_and_names_less_is_not_mistaken_for_this_one(
    personalize, config, deferrable
):
    CAMPAIGN.make(personalize)
    CAMPAIGN.update(personalize, {"campaignConfig": METADATA})
    clock.advance(3600)
    assumptions.seconds["campaign_update"] = 20
    faults.stale_next("UpdateCampaign", hides=60)
    CAMPAIGN.update(personalize, {"minProvisionedTPS": 3})
    clock.advance(30)
    faults.stale_next("UpdateCampaign", hides=40)
    faults.fail_next("UpdateCampaign", "ours fails")
    with pytest.raises(ResourceFailedError, match="ours fails"):
        CAMPAIGN.run(**campaign(config)[0], deferrable=deferrable)()


@deferrable_or_not
@pytest.mark.parametrize("fails", [False, True])
def test_an_update_whose_summary_leaves_out_what_is_empty_is_recognised_by_its_outcome(
    personalize, deferrable, fails, monkeypatch
):
    """Whether a summary shows an empty structure is not documented."""
    describe = PersonalizeHook.describe

    def without_empty(hook: Any, *args: Any) -> Any:
        found = describe(hook, *args)
        update = {name: value for name, value in found.get("latestCampaignUpdate", {}).items() if value != {}}
        found["latestCampaignUpdate"] = update
        return found

    CAMPAIGN.make(personalize)
    CAMPAIGN.update(personalize, {"campaignConfig": METADATA})
    clock.advance(3600)
    monkeypatch.setattr(PersonalizeHook, "describe", without_empty)
    run = CAMPAIGN.run(**campaign({})[0], deferrable=deferrable)
    if fails:
        faults.fail_next("UpdateCampaign", "bad luck")
        with pytest.raises(ResourceFailedError, match="bad luck"):
            run()
    else:
        assert run() == CAMPAIGN.arn
        assert not _is_on(CAMPAIGN, personalize)
    assert CAMPAIGN.accepted() == 2


@pytest.mark.parametrize("config", [{}, METADATA], ids=["all cleared", "a member left out"])
def test_a_removing_campaign_update_that_never_becomes_visible_is_not_a_success(personalize, config):
    CAMPAIGN.make(personalize)
    CAMPAIGN.update(personalize, {"campaignConfig": {**METADATA, **EXPLORED}})
    clock.advance(3600)
    faults.stale_next("UpdateCampaign", hides=9000)
    with pytest.raises(WaitTimeoutError, match="not visible yet"):
        CAMPAIGN.run(**campaign(config)[0], timeout=600)()
