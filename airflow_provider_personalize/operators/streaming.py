"""Put records into Amazon Personalize one by one, and ask it for recommendations."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from airflow_provider_personalize.exceptions import InvalidRequestError, TooFewRecommendationsError
from airflow_provider_personalize.operators.base import ChangingOperator
from airflow_provider_personalize.resources import DATASET
from airflow_provider_personalize.task import PersonalizeTask

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import ChangingOptions, TaskOptions

# What the service answers where num_results is not given:
# https://docs.aws.amazon.com/personalize/latest/dg/API_RS_GetRecommendations.html
_RESULTS: Final = 25


class _PutOperator(ChangingOperator):
    """
    Put a list of records, however long: each call takes as many as the service allows.

    All of them are checked before the first call. ``properties`` may be given as a dict: it is sent as JSON.

    :return: How many were put.
    :raises botocore.exceptions.ClientError: The service refused a call; the log says how many were put before.
    """

    service = "personalize-events"
    #: The member of the request that holds the records.
    records: ClassVar[str]
    #: Whether each record counts once, by an id.
    are_events: ClassVar[bool] = False
    #: Seconds between two calls. The service takes ten calls a second for items, users and actions
    #: (https://docs.aws.amazon.com/personalize/latest/dg/limits.html).
    pause: ClassVar[float] = 0.1

    def perform(self, context: Context) -> int:
        """Put them all, and return how many."""
        from airflow_provider_personalize import clock
        from airflow_provider_personalize.operators.driver import call_with_retry

        self.show_link(context, {"datasetArn": getattr(self, "dataset_arn", None)})
        requests = call_with_retry(self, lambda: self._requests(context))
        if not requests:
            self.log.warning("%s is empty: nothing is put", self.api.parameters[self.records])
            return 0
        total = sum(len(request[self.records]) for request in requests)
        done = 0
        for request in requests:
            if done:
                clock.sleep(self.pause)
            self._put(request, done, total)
            done += len(request[self.records])
        self.log.info("Put %d %s in %d calls", total, self.records, len(requests))
        return total

    def further_facts(self, context: Context, description: Mapping[str, Any] | None) -> dict[str, Any]:  # noqa: ARG002
        """Return how many records were put."""
        records = self.ended.result if self.ended else 0
        return {"changed": records > 0, "records": records}

    def planned(self, context: Context) -> dict[str, Any]:
        """Return what the task would do, as a dry run does, without the records themselves."""
        from airflow_provider_personalize.plans import preview

        requests = self._requests(context)
        number = sum(len(request[self.records]) for request in requests)
        first = {member: value for member, value in (requests or [{}])[0].items() if member != self.records}
        planned = preview.of_call(self.operation, first) if requests else preview.NOTHING
        return {**planned, "kind": self.records, "reason": f"{number} {self.records} in {len(requests)} calls"}

    def request_errors(self) -> list[str]:
        """List what is wrong with the request and all records."""
        try:
            self._requests(self.begin({}))
        except InvalidRequestError as error:
            return error.faults
        return []

    def _put(self, request: dict[str, Any], done: int, total: int) -> None:
        from airflow_provider_personalize.operators.driver import call_with_retry

        try:
            call_with_retry(self, lambda: self.api.call(request))
        except Exception:
            self.log.error("%d of %d %s were put before this error. To put them again does no harm",
                           done, total, self.records)  # fmt: skip
            raise

    def _requests(self, context: Context) -> list[dict[str, Any]]:
        """Build the requests; raise an error with everything that is wrong with any of them."""
        api = self.api
        request = api.unchecked_request()
        records = request.get(self.records)
        if not isinstance(records, (list, tuple)):
            return [api.build_request()]
        found: list[str] = []
        written = self._written(records, found)
        records = list(_with_event_ids(context, request, self.records, written) if self.are_events else written)
        size = api.input_shape.members[self.records].metadata["max"]
        requests = [{**request, self.records: records[at : at + size]} for at in range(0, len(records), size)]
        for number, each in enumerate(requests):
            found += (self._renumbered(wrong, number * size) for wrong in api.validation_errors(each))
        if found:
            raise api.error(dict.fromkeys(found))
        return requests

    def _written(self, records: Iterable[Any], found: list[str]) -> Iterator[Any]:
        """Write the properties of each as JSON; add to what was found where that cannot be."""
        for number, record in enumerate(records):
            try:
                yield _with_written_properties(record)
            except (TypeError, ValueError) as error:
                found.append(f"{self.records}[{number}].properties cannot be sent as a JSON object: {error}")
                yield {name: value for name, value in record.items() if name != "properties"}

    def _renumbered(self, wrong: str, before: int) -> str:
        """Name a record by its place in the whole list."""
        place = rf"\b{self.records}\[(\d+)\]"
        return re.sub(place, lambda match: f"{self.records}[{int(match[1]) + before}]", wrong)


def _with_written_properties(record: Any) -> Any:
    if not isinstance(record, Mapping) or "properties" not in record:
        return record
    properties = record["properties"]
    if isinstance(properties, Mapping):
        return {**record, "properties": json.dumps(properties, ensure_ascii=False, allow_nan=False)}
    if isinstance(properties, str) and not isinstance(json.loads(properties), dict):
        raise TypeError(f"it is {properties}")
    return record


def _with_event_ids(context: Context, request: Mapping[str, Any], member: str, events: Iterable[Any]) -> Iterator[Any]:
    """
    Give an id to each event that has none, so that it counts once.

    The service leaves events out of the training whose id it knows already
    (https://docs.aws.amazon.com/personalize/latest/dg/API_UBS_Event.html). The id is derived from the task instance and
    the content, and so the same whenever the task puts the event again.
    """
    from airflow_provider_personalize.operators.task_state import identity_of

    others = {name: value for name, value in request.items() if name != member}
    times: Counter[str] = Counter()
    for event in events:
        if not isinstance(event, Mapping) or "eventId" in event:
            yield event
            continue
        try:
            content = json.dumps([identity_of(context), others, event], sort_keys=True, default=str)
        except TypeError:  # a member's name is no text, which the checks will tell
            yield event
            continue
        times[content] += 1
        event_id = hashlib.sha256(f"{content}/{times[content]}".encode()).hexdigest()[:32]
        yield {**event, "eventId": event_id}


class PutEventsOperator(_PutOperator):
    """
    Record what a user did with items: each event once, however often the task is tried.

    Calls ``PutEvents`` (https://docs.aws.amazon.com/personalize/latest/dg/API_UBS_PutEvents.html), for ten events at a
    time. An event without an ``eventId`` gets one that is derived from the task instance and the event: put again by a
    retry, or by the task after it was cleared, it counts once. So ``sentAt`` should be when it happened, not when it is
    sent.

    :param tracking_id: The tracking id of the event tracker. (templated)
    :param session_id: The session of the user's visit. (templated)
    :param event_list: ``[{"eventType": "click", "itemId": …, "sentAt": …, "properties": {…}, …}]``, of any length. See
        https://docs.aws.amazon.com/personalize/latest/dg/API_UBS_Event.html for the members; ``sentAt`` is a
        ``datetime``, ISO 8601, or seconds since 1970, and ``properties`` a dict, or JSON. An empty list is a warning in
        the log. (templated)
    :param user_id: The user; None for a visitor who has not logged in. With ``render_template_as_native_obj``, an id
        that Python reads as a number, such as ``1e5``, ``0xFF`` or ``1_000``, arrives as another, here and in every
        ``itemId``: quote the template, ``user_id="'{{ … }}'"``. (templated)
    """

    operation = "PutEvents"
    records = "eventList"
    are_events = True
    pause = 0

    def __init__(
        self,
        *,
        tracking_id: str,
        session_id: str,
        event_list: list[dict[str, Any]] | str,
        user_id: str | None = None,
        **kwargs: Unpack[ChangingOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.tracking_id = tracking_id
        self.session_id = session_id
        self.event_list = event_list
        self.user_id = user_id


class PutActionInteractionsOperator(_PutOperator):
    """
    Record what users did with actions: each event once, however often the task is tried.

    Calls ``PutActionInteractions``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_UBS_PutActionInteractions.html), for ten at a time. One
    without an ``eventId`` gets one, as in :class:`PutEventsOperator`.

    :param tracking_id: The tracking id of the event tracker. (templated)
    :param action_interactions: ``[{"actionId": …, "userId": …, "sessionId": …, "timestamp": …, "eventType": "Taken",
        …}]``, of any length. ``timestamp`` is a ``datetime``, ISO 8601, or seconds since 1970, and ``properties`` a
        dict, or JSON. An empty list is a warning in the log. (templated)
    """

    operation = "PutActionInteractions"
    records = "actionInteractions"
    are_events = True
    pause = 0

    def __init__(
        self, *, tracking_id: str, action_interactions: list[dict[str, Any]] | str, **kwargs: Unpack[ChangingOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.tracking_id = tracking_id
        self.action_interactions = action_interactions


class PutItemsOperator(_PutOperator):
    """
    Add items to a dataset, or replace them.

    Calls ``PutItems`` (https://docs.aws.amazon.com/personalize/latest/dg/API_UBS_PutItems.html), for ten items at a
    time and at most ten times a second: for a whole catalogue, an import job is quicker. An item of the same id is
    replaced, all its properties with it.

    :param dataset_arn: The ARN of the dataset of items. (templated)
    :param items: ``[{"itemId": …, "properties": {"genre": "comedy|drama", …}}]``, of any length. The names of the
        properties are those of the schema in camel case; ``properties`` is a dict, or JSON. An empty list is a warning
        in the log. (templated)
    """

    operation = "PutItems"
    resource_type = DATASET
    records = "items"

    def __init__(
        self, *, dataset_arn: str, items: list[dict[str, Any]] | str, **kwargs: Unpack[ChangingOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.dataset_arn = dataset_arn
        self.items = items


class PutUsersOperator(_PutOperator):
    """
    Add users to a dataset, or replace them.

    Calls ``PutUsers`` (https://docs.aws.amazon.com/personalize/latest/dg/API_UBS_PutUsers.html), for ten users at a
    time and at most ten times a second. A user of the same id is replaced, all properties included.

    :param dataset_arn: The ARN of the dataset of users. (templated)
    :param users: ``[{"userId": …, "properties": {"memberSince": 2024, …}}]``, of any length. The names of the
        properties are those of the schema in camel case; ``properties`` is a dict, or JSON. An empty list is a warning
        in the log. (templated)
    """

    operation = "PutUsers"
    resource_type = DATASET
    records = "users"

    def __init__(
        self, *, dataset_arn: str, users: list[dict[str, Any]] | str, **kwargs: Unpack[ChangingOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.dataset_arn = dataset_arn
        self.users = users


class PutActionsOperator(_PutOperator):
    """
    Add actions to a dataset, or replace them.

    Calls ``PutActions`` (https://docs.aws.amazon.com/personalize/latest/dg/API_UBS_PutActions.html), for ten actions at
    a time and at most ten times a second. An action of the same id is replaced, all its properties with it.

    :param dataset_arn: The ARN of the dataset of actions. (templated)
    :param actions: ``[{"actionId": …, "properties": {"value": 5, …}}]``, of any length. The names of the properties are
        those of the schema in camel case; ``properties`` is a dict, or JSON. An empty list is a warning in the log.
        (templated)
    """

    operation = "PutActions"
    resource_type = DATASET
    records = "actions"

    def __init__(
        self, *, dataset_arn: str, actions: list[dict[str, Any]] | str, **kwargs: Unpack[ChangingOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.dataset_arn = dataset_arn
        self.actions = actions


class GetRecommendationsOperator(PersonalizeTask):
    """
    Ask a campaign or a recommender for recommendations, and fail where it has too few: a test after a deployment.

    Calls ``GetRecommendations`` (https://docs.aws.amazon.com/personalize/latest/dg/API_RS_GetRecommendations.html).

    :param campaign_arn: The ARN of the campaign; either this or ``recommender_arn``. (templated)
    :param recommender_arn: The ARN of the recommender. (templated)
    :param user_id: The user; required by recipes that recommend for users. With ``render_template_as_native_obj``, an
        id that Python reads as a number, such as ``1e5``, ``0xFF`` or ``1_000``, arrives as another: quote the
        template, ``user_id="'{{ … }}'"``. (templated)
    :param item_id: The item; required by recipes for related items. Quote its template, as that of ``user_id``.
        (templated)
    :param num_results: How many to answer, at most 500, or 50 with ``metadata_columns``; None is 25. (templated)
    :param context: Circumstances of the request, such as ``{"DEVICE": "phone"}``. (templated)
    :param filter_arn: The ARN of a filter. (templated)
    :param filter_values: The values of the filter's placeholders: ``{"GENRE": ["comedy", "drama"], "YEAR": 2024}``, or
        as the API takes them, ``{"GENRE": '"comedy","drama"', "YEAR": "2024"}``. A text without quotes that is no
        number is quoted. (templated)
    :param promotions: ``[{"name": …, "percentPromotedItems": 20, "filterArn": …, "filterValues": {…}}]``, at most one.
        (templated)
    :param metadata_columns: The columns of items to answer, too: ``{"ITEMS": ["GENRE"]}``. (templated)
    :param min_results: With fewer recommendations than this the task fails.
    :return: The recommendations: ``[{"itemId": …, "score": …}]``.
    :raises TooFewRecommendationsError: There are fewer than ``min_results``; it says which.
    :raises botocore.exceptions.ClientError: The service refused the call.
    """

    service = "personalize-runtime"
    operation = "GetRecommendations"
    not_in_request = frozenset({"min_results"})
    idle_without: ClassVar[Mapping[str, tuple[str, ...]]] = {"filter_values": ("filter_arn",)}

    def __init__(
        self,
        *,
        campaign_arn: str | None = None,
        recommender_arn: str | None = None,
        user_id: str | None = None,
        item_id: str | None = None,
        num_results: int | str | None = None,
        context: dict[str, str] | str | None = None,
        filter_arn: str | None = None,
        filter_values: dict[str, Any] | str | None = None,
        promotions: list[dict[str, Any]] | str | None = None,
        metadata_columns: dict[str, list[str]] | str | None = None,
        min_results: int = 1,
        **kwargs: Unpack[TaskOptions],
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(min_results, bool) or not isinstance(min_results, int):
            raise TypeError(f"min_results is {min_results!r}: allowed is a whole number")
        self.campaign_arn = campaign_arn
        self.recommender_arn = recommender_arn
        self.user_id = user_id
        self.item_id = item_id
        self.num_results = num_results
        self.context = context
        self.filter_arn = filter_arn
        self.filter_values = filter_values
        self.promotions = promotions
        self.metadata_columns = metadata_columns
        self.min_results = min_results
        self.check_options()

    def execute(self, context: Context) -> list[dict[str, Any]]:  # noqa: ARG002 - Airflow's signature
        """Get them, and check that there are enough."""
        from airflow_provider_personalize.operators.driver import call_with_retry

        request = call_with_retry(self, self.api.build_request)
        if wrong := self.parameter_errors():
            raise InvalidRequestError(self.operation, wrong)
        found: list[dict[str, Any]] = call_with_retry(self, lambda: self.api.call(request))["itemList"]
        if len(found) < self.min_results:
            raise TooFewRecommendationsError(request, found, self.min_results)
        self.log.info("%d recommendations: %s", len(found), ", ".join(item["itemId"] for item in found))
        self.succeed(None, recommendations=len(found))
        return found

    def parameter_errors(self) -> list[str]:
        """List what is wrong with the parameters."""
        wrong, asked = super().parameter_errors(), self.api.unchecked_request().get("numResults", _RESULTS)
        if isinstance(asked, int) and self.min_results > asked:
            wrong.append(f"min_results is {self.min_results}, and no more than {asked} are asked for")
        return wrong
