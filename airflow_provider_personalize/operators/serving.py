"""Campaigns and recommenders, filters and event trackers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_personalize.error_codes import ALREADY_EXISTS, LIMIT_EXCEEDED
from airflow_provider_personalize.goals import STARTED, STOPPED, Goal
from airflow_provider_personalize.operators.base import WaitingOperator
from airflow_provider_personalize.operators.creating import CreateOperator, compare
from airflow_provider_personalize.operators.deleting import DeleteOperator
from airflow_provider_personalize.operators.updating import UpdateOperator
from airflow_provider_personalize.resources import (
    CAMPAIGN,
    EVENT_TRACKER,
    FILTER,
    RECOMMENDER,
    SOLUTION_VERSION,
    ResourceType,
)

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.hooks import PersonalizeHook
    from airflow_provider_personalize.options import CreateOptions, UpdateOptions, WaitingOptions
    from airflow_provider_personalize.plans.steps import Memory, Step


def _compare_campaign(
    hook: PersonalizeHook,
    resource_type: ResourceType,
    wanted: Mapping[str, Any],
    found: Mapping[str, Any],
    called_at: datetime | None,
) -> list[str]:
    """List in what a campaign differs, ``$LATEST`` understood as the service does: at the time of the call."""
    from airflow_provider_personalize.comparison import configuration
    from airflow_provider_personalize.plans.meanings import CampaignMeaning, ObservedResource, solution_to_list

    solution = solution_to_list(wanted, found)
    versions = list(hook.list_all(SOLUTION_VERSION, solutionArn=solution)) if solution else ()
    observed = ObservedResource(found, versions=versions)
    meant = CampaignMeaning().as_shown(wanted, configuration(resource_type, found), observed, called_at)
    return compare(hook, resource_type, meant, found, called_at)


class CreateCampaignOperator(CreateOperator):
    """
    Deploy a solution version as a campaign, or reuse the campaign that exists; wait until it is ACTIVE.

    Calls ``CreateCampaign`` (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateCampaign.html). A campaign
    is charged by the hour from the moment it is ACTIVE until it is deleted, used or not, at the throughput that is
    provisioned at least (https://aws.amazon.com/personalize/pricing/).

    A campaign on another version is an error: an :class:`UpdateCampaignOperator` moves it. If one follows anyway,
    ``ignore_changes=["solution_version_arn"]`` reuses the campaign whatever version it is on.

    :param name: The name, at most 63 letters, digits, hyphens and underscores. (templated)
    :param solution_version_arn: The ARN of the version, which is waited for if it is in training, or the solution's
        followed by ``/$LATEST``: the newest ACTIVE version at the time of the call, and of those to come with
        ``syncWithLatestSolutionVersion``. Comparing ``$LATEST`` without sync takes the permission
        ``personalize:ListSolutionVersions``. (templated)
    :param min_provisioned_tps: The requests per second that are provisioned and charged at least; None is 1. What is
        above it is charged as it is used. (templated)
    :param campaign_config: ``{"itemExplorationConfig": …, "enableMetadataWithRecommendations": …,
        "syncWithLatestSolutionVersion": …, "rankingInfluence": …}``, see
        https://docs.aws.amazon.com/personalize/latest/dg/API_CampaignConfig.html. (templated)
    :param tags: ``[{"tagKey": …, "tagValue": …}]``. (templated)
    :return: The ARN of the campaign.
    """

    operation = "CreateCampaign"
    comparer = staticmethod(_compare_campaign)
    resource_type = CAMPAIGN

    def __init__(
        self,
        *,
        name: str,
        solution_version_arn: str,
        min_provisioned_tps: int | str | None = None,
        campaign_config: dict[str, Any] | str | None = None,
        tags: list[dict[str, str]] | str | None = None,
        **kwargs: Unpack[CreateOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.solution_version_arn = solution_version_arn
        self.min_provisioned_tps = min_provisioned_tps
        self.campaign_config = campaign_config
        self.tags = tags


class UpdateCampaignOperator(UpdateOperator):
    """
    Move a campaign to another version or configuration, and wait until it serves that.

    Calls ``UpdateCampaign`` (https://docs.aws.amazon.com/personalize/latest/dg/API_UpdateCampaign.html). The campaign
    itself stays ACTIVE meanwhile and serves what it served; so this ends only when its own update is ACTIVE in the
    campaign's ``latestCampaignUpdate``. What is so already is not sent. A campaign whose creation failed may be updated
    too. A campaign is charged by the hour, and a raised ``min_provisioned_tps`` raises the charge for each of
    them, used or not (https://aws.amazon.com/personalize/pricing/).

    :param campaign_arn: The ARN of the campaign. (templated)
    :param solution_version_arn: The ARN of the version, which is waited for if it is in training, or the solution's
        followed by ``/$LATEST``: the newest ACTIVE version at the time of the call. A campaign on that one already is
        left alone, and so is one that follows the newest by itself, with ``syncWithLatestSolutionVersion``. Comparing
        ``$LATEST`` without sync takes the permission ``personalize:ListSolutionVersions``, and takes for granted that
        the list shows each version that is ACTIVE; right after a training, give the version's own ARN. None leaves it
        as it is. (templated)
    :param min_provisioned_tps: The requests per second that are provisioned and charged at least. None leaves it as it
        is. (templated)
    :param campaign_config: As of :class:`CreateCampaignOperator`. Name all that is to hold: that the service replaces
        the whole configuration is assumed, so a setting that is in force and left out here is a change, which is sent.
        ``{}`` clears it. ``syncWithLatestSolutionVersion`` goes with ``/$LATEST`` only. None leaves it as it is.
        (templated)
    """

    operation = "UpdateCampaign"
    resource_type = CAMPAIGN
    unchanged = "serves so already"
    repairs_failed = True

    def __init__(
        self,
        *,
        campaign_arn: str,
        solution_version_arn: str | None = None,
        min_provisioned_tps: int | str | None = None,
        campaign_config: dict[str, Any] | str | None = None,
        **kwargs: Unpack[UpdateOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.campaign_arn = campaign_arn
        self.solution_version_arn = solution_version_arn
        self.min_provisioned_tps = min_provisioned_tps
        self.campaign_config = campaign_config


class DeleteCampaignOperator(DeleteOperator):
    """
    Delete a campaign, and wait until it is gone. This ends its charge by the hour.

    Calls ``DeleteCampaign`` (https://docs.aws.amazon.com/personalize/latest/dg/API_DeleteCampaign.html). The task
    waits for an update in progress.

    :param campaign_arn: The ARN of the campaign. (templated)
    """

    operation = "DeleteCampaign"
    resource_type = CAMPAIGN

    def __init__(self, *, campaign_arn: str, **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        self.campaign_arn = campaign_arn


class CreateRecommenderOperator(CreateOperator):
    """
    Train and deploy a recommender, or reuse the one that exists; wait until it is ACTIVE.

    Calls ``CreateRecommender`` (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateRecommender.html). A
    recommender is charged by the hour from the moment it is ACTIVE until it is stopped or deleted, used or not, and
    the service trains it anew every week (https://aws.amazon.com/personalize/pricing/). One that exists and is stopped
    is an error: a :class:`StartRecommenderOperator` starts it.

    :param name: The name, at most 63 letters, digits, hyphens and underscores. (templated)
    :param dataset_group_arn: The ARN of the domain dataset group with the data. (templated)
    :param recipe_arn: The ARN of the recipe, of the same domain; the use cases are listed at
        https://docs.aws.amazon.com/personalize/latest/dg/domain-use-cases.html. (templated)
    :param recommender_config: ``{"itemExplorationConfig": …, "minRecommendationRequestsPerSecond": …,
        "trainingDataConfig": …, "enableMetadataWithRecommendations": …}``, see
        https://docs.aws.amazon.com/personalize/latest/dg/API_RecommenderConfig.html. The requests per second are
        charged at least. (templated)
    :param tags: ``[{"tagKey": …, "tagValue": …}]``. (templated)
    :return: The ARN of the recommender.
    :raises ResourceStoppedError: One exists, and is stopped.
    """

    operation = "CreateRecommender"
    resource_type = RECOMMENDER

    def __init__(
        self,
        *,
        name: str,
        dataset_group_arn: str,
        recipe_arn: str,
        recommender_config: dict[str, Any] | str | None = None,
        tags: list[dict[str, str]] | str | None = None,
        **kwargs: Unpack[CreateOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.dataset_group_arn = dataset_group_arn
        self.recipe_arn = recipe_arn
        self.recommender_config = recommender_config
        self.tags = tags


class UpdateRecommenderOperator(UpdateOperator):
    """
    Update a recommender's configuration, and wait until the update is ACTIVE.

    Calls ``UpdateRecommender`` (https://docs.aws.amazon.com/personalize/latest/dg/API_UpdateRecommender.html) and ends
    only when its own update is ACTIVE in the recommender's ``latestRecommenderUpdate``; the recommender itself stays
    ACTIVE meanwhile and serves what it served. Other columns to train on mean a full training
    (https://docs.aws.amazon.com/personalize/latest/dg/updating-recommender.html). What is so already is not sent, and
    where the service makes no update of it, the task ends all the same. A recommender is charged by the hour, and a
    raised ``minRecommendationRequestsPerSecond`` raises the charge for each of them, used or not.

    :param recommender_arn: The ARN of the recommender. (templated)
    :param recommender_config: As of :class:`CreateRecommenderOperator`. Name all that is to hold: whether what is left
        out stays is not documented. It counts as a change, and is sent; where the service keeps it, it makes no update,
        and the task ends after a minute. (templated)
    :raises ResourceStoppedError: The recommender is stopped; nothing was sent.
    """

    operation = "UpdateRecommender"
    resource_type = RECOMMENDER
    keeps_unnamed = True

    def __init__(
        self, *, recommender_arn: str, recommender_config: dict[str, Any] | str, **kwargs: Unpack[UpdateOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.recommender_arn = recommender_arn
        self.recommender_config = recommender_config


class DeleteRecommenderOperator(DeleteOperator):
    """
    Delete a recommender, and wait until it is gone. This ends its charge by the hour.

    Calls ``DeleteRecommender`` (https://docs.aws.amazon.com/personalize/latest/dg/API_DeleteRecommender.html). The
    task waits for an update, a stop or a start in progress. A stopped recommender is deleted, too.

    :param recommender_arn: The ARN of the recommender. (templated)
    """

    operation = "DeleteRecommender"
    resource_type = RECOMMENDER

    def __init__(self, *, recommender_arn: str, **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        self.recommender_arn = recommender_arn


class _SwitchRecommender(WaitingOperator):
    """Stop or start a recommender, unless it is stopped or started already."""

    resource_type = RECOMMENDER

    def __init__(self, *, recommender_arn: str, **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        self.recommender_arn = recommender_arn

    def next_step(self, context: Context, memory: Memory) -> Step:
        """Observe the recommender, and return the next step."""
        from airflow_provider_personalize import clock
        from airflow_provider_personalize.plans import switch
        from airflow_provider_personalize.plans.steps import Observed

        wanted = self.wanted(switch.Switch, goal=self.goal)
        found = self.hook.describe(self.resource_type, wanted.arn)
        self.show_link(context, found)
        return switch.next_step(wanted, Observed(found), memory, clock.now())


class StopRecommenderOperator(_SwitchRecommender):
    """
    Stop a recommender, and wait until it is INACTIVE. This ends its charge by the hour until it is started again.

    Calls ``StopRecommender`` (https://docs.aws.amazon.com/personalize/latest/dg/API_StopRecommender.html). It keeps its
    model and configuration; until a :class:`StartRecommenderOperator` starts it, it recommends nothing and is not
    retrained. The task waits for what is in progress. If it is stopped already, nothing is sent, and the log says so.

    :param recommender_arn: The ARN of the recommender. (templated)
    :return: The ARN.
    :raises ResourceFailedError: The recommender is CREATE FAILED: there is nothing to stop.
    """

    operation = "StopRecommender"
    goal: ClassVar[Goal] = STOPPED


class StartRecommenderOperator(_SwitchRecommender):
    """
    Start a stopped recommender, and wait until it is ACTIVE. Its charge by the hour begins again.

    Calls ``StartRecommender`` (https://docs.aws.amazon.com/personalize/latest/dg/API_StartRecommender.html). It
    continues with its old model; the weekly training begins again. The task waits for what is in progress. If it is
    ACTIVE already, nothing is sent, and the log says so.

    :param recommender_arn: The ARN of the recommender. (templated)
    :return: The ARN.
    :raises ResourceFailedError: The recommender is CREATE FAILED: there is nothing to start.
    """

    operation = "StartRecommender"
    goal: ClassVar[Goal] = STARTED


class CreateFilterOperator(CreateOperator):
    """
    Create a filter for recommendations, or reuse the one that exists; wait until it is ACTIVE.

    Calls ``CreateFilter`` (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateFilter.html).

    :param name: The name, at most 63 letters, digits, hyphens and underscores. (templated)
    :param dataset_group_arn: The ARN of the dataset group. (templated)
    :param filter_expression: ``EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("buy")`` and the like, see
        https://docs.aws.amazon.com/personalize/latest/dg/filter-expressions.html. (templated)
    :param tags: ``[{"tagKey": …, "tagValue": …}]``. (templated)
    :return: The ARN of the filter.
    """

    operation = "CreateFilter"
    resource_type = FILTER

    def __init__(
        self,
        *,
        name: str,
        dataset_group_arn: str,
        filter_expression: str,
        tags: list[dict[str, str]] | str | None = None,
        **kwargs: Unpack[CreateOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.dataset_group_arn = dataset_group_arn
        self.filter_expression = filter_expression
        self.tags = tags


class DeleteFilterOperator(DeleteOperator):
    """
    Delete a filter, and wait until it is gone.

    Calls ``DeleteFilter`` (https://docs.aws.amazon.com/personalize/latest/dg/API_DeleteFilter.html).

    :param filter_arn: The ARN of the filter. (templated)
    """

    operation = "DeleteFilter"
    resource_type = FILTER

    def __init__(self, *, filter_arn: str, **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        self.filter_arn = filter_arn


def _find_tracker(
    hook: PersonalizeHook, resource_type: ResourceType, request: Mapping[str, Any], _: Callable[[], datetime | None]
) -> dict[str, Any] | None:
    """Describe the group's tracker, whatever its name; the one of this name first."""
    listed = list(hook.list_all(resource_type, datasetGroupArn=request["datasetGroupArn"]))
    listed.sort(key=lambda tracker: tracker["name"] != request["name"])
    described = (hook.find(resource_type, tracker[resource_type.arn_member]) for tracker in listed)
    return next((found for found in described if found), None)


class CreateEventTrackerOperator(CreateOperator):
    """
    Create the event tracker of a dataset group, or reuse the one that exists; wait until it is ACTIVE.

    Calls ``CreateEventTracker`` (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateEventTracker.html). A
    dataset group has one at most, so one of another name is a difference. Its ARN does not tell its name; one that
    exists is found in the group's list of trackers.

    :param name: The name, at most 63 letters, digits, hyphens and underscores. (templated)
    :param dataset_group_arn: The ARN of the dataset group. (templated)
    :param tags: ``[{"tagKey": …, "tagValue": …}]``. (templated)
    :return: The ARN of the tracker. Its tracking ID, which events are sent with, is in XCom as ``tracking_id``.
    :raises ResourceDiffersError: The group has a tracker of another name.
    """

    operation = "CreateEventTracker"
    resource_type = EVENT_TRACKER
    finder = staticmethod(_find_tracker)
    xcom_members: ClassVar[Mapping[str, str]] = {"tracking_id": "trackingId"}
    # which error answers the second tracker of a group is not documented
    taken = (ALREADY_EXISTS, LIMIT_EXCEEDED)

    def __init__(
        self,
        *,
        name: str,
        dataset_group_arn: str,
        tags: list[dict[str, str]] | str | None = None,
        **kwargs: Unpack[CreateOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.dataset_group_arn = dataset_group_arn
        self.tags = tags


class DeleteEventTrackerOperator(DeleteOperator):
    """
    Delete an event tracker, and wait until it is gone. The events it recorded stay.

    Calls ``DeleteEventTracker`` (https://docs.aws.amazon.com/personalize/latest/dg/API_DeleteEventTracker.html). Events
    that are sent with its tracking ID afterwards are lost.

    :param event_tracker_arn: The ARN of the tracker. (templated)
    """

    operation = "DeleteEventTracker"
    resource_type = EVENT_TRACKER

    def __init__(self, *, event_tracker_arn: str, **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        self.event_tracker_arn = event_tracker_arn
