"""Serve recommendations: campaigns, recommenders, and the filters and event trackers beside them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from airflow_provider_personalize.arns import LATEST
from airflow_provider_personalize.clock import steady_time
from airflow_provider_personalize.comparison import configuration
from airflow_provider_personalize.operators.base import PATIENCE, SHOWN_DELAY, WaitingOperator
from airflow_provider_personalize.operators.creating import CreateOperator
from airflow_provider_personalize.operators.deleting import DeleteOperator
from airflow_provider_personalize.operators.updating import UpdateOperator
from airflow_provider_personalize.resources import CAMPAIGN, EVENT_TRACKER, FILTER, RECOMMENDER
from airflow_provider_personalize.status import (
    SETTLED,
    STARTED,
    STOPPED,
    SUCCEEDED,
    Goal,
    Moved,
    is_switching,
)

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.hooks import PersonalizeHook
    from airflow_provider_personalize.options import CreateOptions, UpdateOptions, WaitingOptions

_VERSION: Final = "solutionVersionArn"


def _meant(
    hook: PersonalizeHook, wanted: Mapping[str, Any], shown: Mapping[str, Any], at: datetime | None = None
) -> Mapping[str, Any]:
    """
    Say what is wanted of a campaign as its description would show it if it were so, ``$LATEST`` for one.

    Whether a description shows ``$LATEST`` or the version that it came to is not documented; both are understood. With
    sync in force, any version of the solution is right, since the service itself takes the newest. Without it,
    ``$LATEST`` is the newest ACTIVE version at the time of the call.

    :param wanted: What is wanted, as the request says it.
    :param shown: How the campaign is configured, or an update of it.
    :param at: When the call was made that says what is wanted; None means now.
    """
    asked, seen = (str(each.get(_VERSION, "")) for each in (wanted, shown))
    if not (asked.endswith(LATEST) or (asked and seen.endswith(LATEST))):
        return wanted
    of_same_solution = _solution(asked) == _solution(seen)
    if asked.endswith(LATEST) and of_same_solution and _is_in_sync(wanted, shown):
        return {**wanted, _VERSION: seen}
    means = _version(hook, asked, at)
    serves = _version(hook, seen, _called(shown)) if of_same_solution else seen
    return {**wanted, _VERSION: seen if means == serves else means}


def _solution(version: str) -> str:
    return version.rpartition("/")[0]


def _is_in_sync(*configured: Mapping[str, Any]) -> bool:
    """Tell whether sync is on, by the first that says so or not."""
    said = ((each.get("campaignConfig") or {}).get("syncWithLatestSolutionVersion") for each in configured)
    return bool(next((each for each in said if each is not None), False))


def _version(hook: PersonalizeHook, arn: str, at: datetime | None) -> str:
    """Tell which version an ARN means; where the solution has no ACTIVE one, the service shall say what that means."""
    return (hook.newest_version(_solution(arn), at) or arn) if arn.endswith(LATEST) else arn


def _called(shown: Mapping[str, Any]) -> datetime | None:
    """Tell when the version was set that a campaign, or an update of it, shows."""
    update = shown.get(CAMPAIGN.update_member) or {}
    by_update = update.get("status") in CAMPAIGN.ready and _VERSION in update
    return (update if by_update else shown).get("creationDateTime")


class CreateCampaignOperator(CreateOperator):
    """
    Deploy a solution version as a campaign, and go on when it serves. Or find the campaign that is there already.

    Calls ``CreateCampaign`` (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateCampaign.html). A campaign
    is charged by the hour from the moment it is ACTIVE until it is deleted, used or not, at the throughput that is
    provisioned at least (https://aws.amazon.com/personalize/pricing/).

    A campaign on another version is an error, which says so: an :class:`UpdateCampaignOperator` moves it. Where one
    follows anyway, ``ignore_changes=["solution_version_arn"]`` takes the campaign whatever version it is on.

    :param name: The name, at most 63 letters, digits, hyphens and underscores. (templated)
    :param solution_version_arn: The ARN of the version, or the solution's followed by ``/$LATEST``: the newest ACTIVE
        version at the time of the call, and of those to come with ``syncWithLatestSolutionVersion``. Comparing
        ``$LATEST`` without sync takes the permission ``personalize:ListSolutionVersions``. (templated)
    :param min_provisioned_tps: The requests per second that are provisioned and charged at least; None is 1. What is
        above it is charged as it is used. (templated)
    :param campaign_config: ``{"itemExplorationConfig": …, "enableMetadataWithRecommendations": …,
        "syncWithLatestSolutionVersion": …, "rankingInfluence": …}``, see
        https://docs.aws.amazon.com/personalize/latest/dg/API_CampaignConfig.html. (templated)
    :param tags: ``[{"tagKey": …, "tagValue": …}]``. (templated)
    :return: The ARN of the campaign.
    :raises InvalidRequestError: Parameters are wrong; nothing was sent.
    :raises ResourceDiffersError: A campaign of this name exists and is not as wanted.
    :raises ResourceExistsError: One exists, and ``if_exists`` is ``"fail"``.
    :raises ResourceFailedError: The campaign ended in CREATE FAILED, with the service's reason.
    :raises WaitTimeoutError: It is not over in time, with the status seen last.
    """

    operation = "CreateCampaign"
    resource_type = CAMPAIGN
    members = ("name", "solution_version_arn", "min_provisioned_tps", "campaign_config", "tags")
    template_fields_renderers: ClassVar[dict[str, str]] = {"campaign_config": "json", "tags": "json"}

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
        self._called: datetime | None = None

    def find(self, context: Context, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """Find the campaign; where an earlier try made it, ``$LATEST`` is what was the newest then."""
        found = super().find(context, request)
        is_ours = found and self.is_of_earlier_try(context, found, request["name"])
        self._called = found["creationDateTime"] if found and is_ours else None
        return found

    def differences(self, request: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
        """List in what the campaign differs from the request, ``$LATEST`` understood as the service does."""
        return super().differences(_meant(self.hook, request, configuration(CAMPAIGN, found), self._called), found)


class UpdateCampaignOperator(UpdateOperator):
    """
    Move a campaign to another version or configuration, and go on when it serves that.

    Calls ``UpdateCampaign`` (https://docs.aws.amazon.com/personalize/latest/dg/API_UpdateCampaign.html). The campaign
    itself stays ACTIVE meanwhile and serves what it served; so this ends only when its own update is ACTIVE in the
    campaign's ``latestCampaignUpdate``. What is so already is not sent. A campaign whose creation failed may be updated
    too. A campaign is charged by the hour, and a raised ``min_provisioned_tps`` raises the charge for each of
    them, used or not (https://aws.amazon.com/personalize/pricing/).

    :param campaign_arn: The ARN of the campaign. (templated)
    :param solution_version_arn: The ARN of the version, or the solution's followed by ``/$LATEST``: the newest ACTIVE
        version at the time of the call. A campaign on that one already is left alone, and so is one that follows the
        newest by itself, with ``syncWithLatestSolutionVersion``. Comparing ``$LATEST`` without sync takes the
        permission ``personalize:ListSolutionVersions``, and takes for granted that the list shows each version that is
        ACTIVE; right after a training, give the version's own ARN. None leaves it as it is. (templated)
    :param min_provisioned_tps: The requests per second that are provisioned and charged at least. None leaves it as it
        is. (templated)
    :param campaign_config: As of :class:`CreateCampaignOperator`. Name all that is to hold: that the service replaces
        the whole configuration is assumed, so a setting that is in force and left out here is a change, which is sent.
        ``{}`` clears it. ``syncWithLatestSolutionVersion`` goes with ``/$LATEST`` only. None leaves it as it is.
        (templated)
    :return: The campaign's ARN. Also in XCom, as ``campaign_update``: the update's ``creationDateTime`` (None where
        nothing had to change), its content, and whether this task ``sent`` it.
    :raises InvalidRequestError: Parameters are wrong; nothing was sent.
    :raises ResourceFailedError: The update ended in CREATE FAILED, with the service's reason.
    :raises UpdateReplacedError: Somebody made another update before the outcome of this one was seen, and the campaign
        is not as wanted.
    :raises WaitTimeoutError: It is not over in time, with the status seen last.
    """

    operation = "UpdateCampaign"
    resource_type = CAMPAIGN
    unchanged = "serves so already"
    members = ("campaign_arn", "solution_version_arn", "min_provisioned_tps", "campaign_config")
    template_fields_renderers: ClassVar[dict[str, str]] = {"campaign_config": "json"}

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

    def check_usable(self, found: Mapping[str, Any]) -> None:
        """Take one whose creation failed, too: the service updates it."""

    def meant(
        self, content: Mapping[str, Any], shown: Mapping[str, Any], at: datetime | None = None
    ) -> Mapping[str, Any]:
        """Understand ``$LATEST`` as the service does."""
        return _meant(self.hook, content, shown, at)

    def resolved(self, content: Mapping[str, Any], shown: Mapping[str, Any]) -> Mapping[str, Any]:
        """Say which version ``$LATEST`` is at this moment; in sync, any will do."""
        version = str(content.get(_VERSION, ""))
        if not version.endswith(LATEST) or _is_in_sync(content, shown):
            return content
        return {**content, _VERSION: _version(self.hook, version, None)}


class DeleteCampaignOperator(DeleteOperator):
    """
    Delete a campaign, and go on when it is gone. With it ends its charge by the hour.

    Calls ``DeleteCampaign`` (https://docs.aws.amazon.com/personalize/latest/dg/API_DeleteCampaign.html). An update
    that is under way is waited for.

    :param campaign_arn: The ARN of the campaign. (templated)
    :return: The ARN.
    :raises WaitTimeoutError: It is not gone in time, with the status seen last.
    """

    operation = "DeleteCampaign"
    resource_type = CAMPAIGN

    def __init__(self, *, campaign_arn: str, **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        self.campaign_arn = campaign_arn


class CreateRecommenderOperator(CreateOperator):
    """
    Train and deploy a recommender of a domain dataset group, and go on when it serves. Or find the one that is there.

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
    :raises InvalidRequestError: Parameters are wrong; nothing was sent.
    :raises ResourceDiffersError: A recommender of this name exists and is not as wanted.
    :raises ResourceExistsError: One exists, and ``if_exists`` is ``"fail"``.
    :raises ResourceFailedError: The recommender ended in CREATE FAILED, with the service's reason.
    :raises ResourceStoppedError: One exists, and is stopped.
    :raises WaitTimeoutError: It is not over in time, with the status seen last.
    """

    operation = "CreateRecommender"
    resource_type = RECOMMENDER
    members = ("name", "dataset_group_arn", "recipe_arn", "recommender_config", "tags")
    template_fields_renderers: ClassVar[dict[str, str]] = {"recommender_config": "json", "tags": "json"}

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
    Change how a recommender trains or serves, and go on when the change is ACTIVE.

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
    :return: The recommender's ARN. Also in XCom, as ``recommender_update``: the update's ``creationDateTime`` (None
        where nothing had to change), its content, and whether this task ``sent`` it.
    :raises InvalidRequestError: Parameters are wrong; nothing was sent.
    :raises ResourceFailedError: The update, or the recommender itself, ended in CREATE FAILED; with the service's
        reason.
    :raises ResourceStoppedError: The recommender is stopped; nothing was sent.
    :raises UpdateReplacedError: Somebody made another update before the outcome of this one was seen, and the
        recommender is not as wanted.
    :raises WaitTimeoutError: It is not over in time, with the status seen last.
    """

    operation = "UpdateRecommender"
    resource_type = RECOMMENDER
    keeps_unnamed = True
    members = ("recommender_arn", "recommender_config")
    template_fields_renderers: ClassVar[dict[str, str]] = {"recommender_config": "json"}

    def __init__(
        self, *, recommender_arn: str, recommender_config: dict[str, Any] | str, **kwargs: Unpack[UpdateOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.recommender_arn = recommender_arn
        self.recommender_config = recommender_config


class DeleteRecommenderOperator(DeleteOperator):
    """
    Delete a recommender, and go on when it is gone. With it ends its charge by the hour.

    Calls ``DeleteRecommender`` (https://docs.aws.amazon.com/personalize/latest/dg/API_DeleteRecommender.html). An
    update, a stop or a start of it that is under way is waited for; one that is stopped is deleted as well.

    :param recommender_arn: The ARN of the recommender. (templated)
    :return: The ARN.
    :raises WaitTimeoutError: It is not gone in time, with the status seen last.
    """

    operation = "DeleteRecommender"
    resource_type = RECOMMENDER

    def __init__(self, *, recommender_arn: str, **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        self.recommender_arn = recommender_arn


class _SwitchRecommender(WaitingOperator):
    """Bring a recommender to where it is to be: stopped, or started. Where it is so already, nothing is sent."""

    resource_type = RECOMMENDER

    def __init__(self, *, recommender_arn: str, **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        self.recommender_arn = recommender_arn

    def go_on(self, context: Context, deadline: float) -> str:
        """Wait for what is under way, switch it, and wait until it is so."""
        request = self.request()
        wait, settled = self.wait(self.arn), self.wait(self.arn, SETTLED)
        refusal: Exception | None = None
        while True:
            now = self.hook.poll(settled)
            found = now.description
            self.show_link(context, found)
            verdict = wait.evaluate(found)
            if verdict.failed:
                raise wait.error(verdict)
            if verdict.outcome == SUCCEEDED or is_switching(self.goal, found):
                self.log.info("%s already; nothing is sent (%s)", verdict, wait.title)
                break
            if now.outcome == SUCCEEDED and not refusal:
                if refusal := self._send(request):
                    continue  # what is in the way may be this very call, whose answer was lost
                self._await_shown(found, deadline)
                break
            if (
                refusal
                and now.outcome == SUCCEEDED
                and not isinstance(refusal, self.client.exceptions.ResourceInUseException)
            ):
                raise refusal
            self.wait_out(settled, deadline, str(refusal or now))
            refusal = None
        if self.wait_for_completion:
            self.wait_until(wait, deadline)
        return self.arn

    def _send(self, request: dict[str, Any]) -> Exception | None:
        """Send it; answer why the service will not have it now. Which error says so is not documented."""
        exceptions = self.client.exceptions
        try:
            self.call(request)
        except (exceptions.ResourceInUseException, exceptions.InvalidInputException) as refusal:
            error: Exception = refusal
            return error
        self.log.info("Sent the %s", self.wait(self.arn).title)
        return None

    def _await_shown(self, before: Mapping[str, Any], deadline: float) -> None:
        """Wait until the call shows, so that a sensor that comes after cannot take what was before for its outcome."""
        until = steady_time() + PATIENCE
        moved = Moved(self.resource_type.name, self.arn, self.goal, before=before.get("status"), patience=until)
        self.hook.wait(moved, delay=SHOWN_DELAY, deadline=deadline)


class StopRecommenderOperator(_SwitchRecommender):
    """
    Stop a recommender, and go on when it is INACTIVE. With it ends its charge by the hour, until it is started again.

    Calls ``StopRecommender`` (https://docs.aws.amazon.com/personalize/latest/dg/API_StopRecommender.html). It keeps its
    model and configuration, and recommends nothing and is not trained anew until a :class:`StartRecommenderOperator`
    starts it. What is under way with it is waited for. Where it is stopped already, nothing is sent, and the log says
    so.

    :param recommender_arn: The ARN of the recommender. (templated)
    :return: The ARN.
    :raises InvalidRequestError: Parameters are wrong; nothing was sent.
    :raises ResourceFailedError: The recommender is CREATE FAILED: there is nothing to stop.
    :raises WaitTimeoutError: It is not over in time, with the status seen last.
    """

    operation = "StopRecommender"
    goal: ClassVar[Goal] = STOPPED


class StartRecommenderOperator(_SwitchRecommender):
    """
    Start a recommender that was stopped, and go on when it is ACTIVE. Its charge by the hour begins again.

    Calls ``StartRecommender`` (https://docs.aws.amazon.com/personalize/latest/dg/API_StartRecommender.html). It goes on
    with the model that it had; the weekly training begins again. What is under way with it is waited for. Where it is
    ACTIVE already, nothing is sent, and the log says so.

    :param recommender_arn: The ARN of the recommender. (templated)
    :return: The ARN.
    :raises InvalidRequestError: Parameters are wrong; nothing was sent.
    :raises ResourceFailedError: The recommender is CREATE FAILED: there is nothing to start.
    :raises WaitTimeoutError: It is not over in time, with the status seen last.
    """

    operation = "StartRecommender"
    goal: ClassVar[Goal] = STARTED


class CreateFilterOperator(CreateOperator):
    """
    Create a filter for recommendations, and go on when it can be used. Or find the one that is there already.

    Calls ``CreateFilter`` (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateFilter.html).

    :param name: The name, at most 63 letters, digits, hyphens and underscores. (templated)
    :param dataset_group_arn: The ARN of the dataset group. (templated)
    :param filter_expression: ``EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("buy")`` and the like, see
        https://docs.aws.amazon.com/personalize/latest/dg/filter-expressions.html. (templated)
    :param tags: ``[{"tagKey": …, "tagValue": …}]``. (templated)
    :return: The ARN of the filter.
    :raises InvalidRequestError: Parameters are wrong; nothing was sent.
    :raises ResourceDiffersError: A filter of this name exists and is not as wanted.
    :raises ResourceExistsError: One exists, and ``if_exists`` is ``"fail"``.
    :raises ResourceFailedError: The filter ended in CREATE FAILED, with the service's reason.
    :raises WaitTimeoutError: It is not over in time, with the status seen last.
    """

    operation = "CreateFilter"
    resource_type = FILTER
    members = ("name", "dataset_group_arn", "filter_expression", "tags")
    template_fields_renderers: ClassVar[dict[str, str]] = {"tags": "json"}

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
    Delete a filter, and go on when it is gone.

    Calls ``DeleteFilter`` (https://docs.aws.amazon.com/personalize/latest/dg/API_DeleteFilter.html).

    :param filter_arn: The ARN of the filter. (templated)
    :return: The ARN.
    :raises botocore.exceptions.ClientError: ``ResourceInUseException``, where something depends on it.
    :raises WaitTimeoutError: It is not gone in time, with the status seen last.
    """

    operation = "DeleteFilter"
    resource_type = FILTER

    def __init__(self, *, filter_arn: str, **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        self.filter_arn = filter_arn


class CreateEventTrackerOperator(CreateOperator):
    """
    Create the event tracker of a dataset group, and go on when it is ACTIVE. Or find the one that is there already.

    Calls ``CreateEventTracker`` (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateEventTracker.html). A
    dataset group has one at most, so one of another name is a difference. Its ARN does not tell its name; one that
    exists is found in the group's list of trackers.

    :param name: The name, at most 63 letters, digits, hyphens and underscores. (templated)
    :param dataset_group_arn: The ARN of the dataset group. (templated)
    :param tags: ``[{"tagKey": …, "tagValue": …}]``. (templated)
    :return: The ARN of the tracker. Its tracking ID, which events are sent with, is in XCom as ``tracking_id``.
    :raises InvalidRequestError: Parameters are wrong; nothing was sent.
    :raises ResourceDiffersError: The group has a tracker of another name.
    :raises ResourceExistsError: One exists, and ``if_exists`` is ``"fail"``.
    :raises ResourceFailedError: The tracker ended in CREATE FAILED.
    :raises WaitTimeoutError: It is not over in time, with the status seen last.
    """

    operation = "CreateEventTracker"
    resource_type = EVENT_TRACKER
    # which error answers the second tracker of a group is not documented
    taken = ("ResourceAlreadyExistsException", "LimitExceededException")
    members = ("name", "dataset_group_arn", "tags")
    template_fields_renderers: ClassVar[dict[str, str]] = {"tags": "json"}

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

    def find(self, context: Context, request: Mapping[str, Any]) -> dict[str, Any] | None:  # noqa: ARG002 - the base's
        """Find the group's tracker, whatever its name; the one of this name first."""
        listed = list(self.hook.list_all(self.resource_type, datasetGroupArn=request["datasetGroupArn"]))
        listed.sort(key=lambda tracker: tracker["name"] != request["name"])
        described = (self.hook.find(self.resource_type, tracker[self.resource_type.arn_member]) for tracker in listed)
        return next((found for found in described if found), None)

    def finish(self, context: Context, found: Mapping[str, Any], deadline: float) -> str:
        """Hand on the tracking ID, wait for the tracker, and return its ARN."""
        if self.do_xcom_push:
            context["ti"].xcom_push(key="tracking_id", value=found["trackingId"])
        return super().finish(context, found, deadline)


class DeleteEventTrackerOperator(DeleteOperator):
    """
    Delete an event tracker, and go on when it is gone. The data that it brought stays.

    Calls ``DeleteEventTracker`` (https://docs.aws.amazon.com/personalize/latest/dg/API_DeleteEventTracker.html). Events
    that are sent with its tracking ID afterwards are lost.

    :param event_tracker_arn: The ARN of the tracker. (templated)
    :return: The ARN.
    :raises WaitTimeoutError: It is not gone in time, with the status seen last.
    """

    operation = "DeleteEventTracker"
    resource_type = EVENT_TRACKER

    def __init__(self, *, event_tracker_arn: str, **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        self.event_tracker_arn = event_tracker_arn
