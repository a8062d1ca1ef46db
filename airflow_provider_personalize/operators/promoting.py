"""Promote a solution version to a campaign, with a gate, a smoke test and a rollback; or roll a campaign back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from inspect import iscoroutinefunction
from math import isnan
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NamedTuple

from airflow_provider_personalize.coercion import parse
from airflow_provider_personalize.exceptions import InvalidRequestError
from airflow_provider_personalize.goals import UPDATED, Goal
from airflow_provider_personalize.operators.base import WaitingOperator
from airflow_provider_personalize.resources import CAMPAIGN, RECOMMENDER, SOLUTION_VERSION
from airflow_provider_personalize.task import seconds

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.hooks import PersonalizeHook
    from airflow_provider_personalize.options import WaitingOptions
    from airflow_provider_personalize.plans.gate import Gate
    from airflow_provider_personalize.plans.promote import ObservedCampaign, Promotion
    from airflow_provider_personalize.plans.steps import Memory, Step

#: The version before the latest promotion, instead of an ARN.
PREVIOUS: Final = "previous"
_BOUNDS: Final = ("min_metrics", "max_metrics")
_IDS: Final = ("verify_user_ids", "verify_item_ids")
#: What a metric may be compared with instead of those of a version.
LIVE: Final = "live"
_GATE_ENDS: Final = ("fail", "skip", "return")
# How often in a row a transient error is retried before it counts against the version: half a minute.
_RETRIES: Final = 5
# What the service answers where numResults is not given
_RESULTS: Final = 25
# The most that it answers with
_MOST_RESULTS: Final = 500
# https://docs.aws.amazon.com/personalize/latest/dg/working-with-predefined-recipes.html
_RANKING: Final = re.compile("personalized-ranking")
_RELATED: Final = re.compile("sims|similar-items|semantic-similarity")
_ACTIONS: Final = re.compile("next-best-action")


class _CampaignOperator(WaitingOperator):
    """Change which version a campaign serves."""

    operation = "UpdateCampaign"
    resource_type = CAMPAIGN
    goal: ClassVar[Goal] = UPDATED
    returns_arn = False
    #: The parameter that names the version.
    version_parameter: ClassVar[str]
    campaign_arn: str

    @property
    def version(self) -> Any:
        """The ARN of the version that is given; None where none is."""
        return parse("string", getattr(self, self.version_parameter))

    def request_errors(self) -> list[str]:
        """List what is wrong with the ARNs, one sentence each."""
        from airflow_provider_personalize.arns import wrong_arn, wrong_region_arns

        request = self._unchecked_request()
        campaign = request[CAMPAIGN.arn_member]
        wrong = [wrong_arn(CAMPAIGN.arn_parameter, campaign)]
        if RECOMMENDER.is_arn(campaign):
            about = "recommenders have no versions. The service trains and deploys them by itself"
            advice = "UpdateRecommenderOperator changes their configuration"
            wrong = [f"campaign_arn is {campaign!r}: {about}; {advice}"]
        if SOLUTION_VERSION.arn_member in request:
            wrong_version = wrong_arn(SOLUTION_VERSION.arn_parameter, self.version)
            wrong.append(
                wrong_version and wrong_version.replace(SOLUTION_VERSION.arn_parameter, self.version_parameter, 1)
            )
        return [each for each in wrong if each] or wrong_region_arns(request, self.hook.conn.meta.region_name)

    def build_request(self) -> dict[str, Any]:
        """
        Return the request that names the campaign and the version.

        :raises InvalidRequestError: With everything that is wrong with the parameters.
        """
        if wrong := self.request_errors():
            raise InvalidRequestError(self.operation, wrong)
        return self._unchecked_request()

    def _unchecked_request(self) -> dict[str, Any]:
        request = {CAMPAIGN.arn_member: parse("string", self.campaign_arn)}
        is_named = self.version_parameter == SOLUTION_VERSION.arn_parameter or self.version != PREVIOUS
        return {**request, SOLUTION_VERSION.arn_member: self.version} if is_named else request

    def observe(self, context: Context, arn: str) -> ObservedCampaign:
        """Read the campaign, its tags, and what ``$LATEST`` may mean."""
        from airflow_provider_personalize.plans.meanings import latest_shown
        from airflow_provider_personalize.plans.promote import ObservedCampaign

        found = self.hook.describe(CAMPAIGN, arn)
        self.show_link(context, found)
        tags = self.hook.call("list_tags_for_resource", resourceArn=arn).get("tags", ())
        solution = latest_shown(found)
        versions = list(self.hook.list_all(SOLUTION_VERSION, solutionArn=solution)) if solution else ()
        return ObservedCampaign(found, versions=versions, tags={tag["tagKey"]: tag["tagValue"] for tag in tags})


class _SmokeRequest(NamedTuple):
    """One request of the smoke test, whom it is about, and the member of its answer with the items."""

    method: str
    request: dict[str, Any]
    user_id: str | None
    item_id: str | None
    items: str

    def __str__(self) -> str:
        about = {"user": self.user_id, "item": self.item_id}
        return ", ".join(f"{name} {value}" for name, value in about.items() if value is not None)


class PromoteSolutionVersionOperator(_CampaignOperator):
    """
    Deploy a version to a campaign if its metrics are good, verify it there, and roll back if it fails.

    *Gate.* The version's offline metrics must meet ``min_metrics``, ``max_metrics`` and ``not_worse_than``. A metric
    that is missing is an error. *Deploy.* As :class:`UpdateCampaignOperator`, with ``UpdateCampaign``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_UpdateCampaign.html); what is live already is not sent.
    *Verify.* With ``verify_user_ids`` or ``verify_item_ids``, a smoke test asks the campaign for recommendations, again
    and again for ``bake_time``. A version that was live already is verified, too. *Roll back.* Where the smoke test
    fails, the time limit passes before it is over, or the update ends in CREATE FAILED, the version that was live
    before is deployed again and waited for; then the task fails. It does not take back what another task deployed.

    What to return to is recorded before the call, in two tags of the campaign. With them a retry, and each attempt
    after a crash, continues where the one before was: it deploys nothing twice. A version that failed has a tag that
    says so, and is not promoted to this campaign again until somebody removes that tag. The guide is
    ``docs/guides/promotion.md``.

    A version in training is waited for. Where its training failed, or the campaign denies the task an answer, the task
    fails before anything is changed. If answers are denied only after the deployment, that rolls the campaign back and
    does not count against the version.

    A campaign that follows the newest version by itself (``syncWithLatestSolutionVersion``) is refused. Recommenders
    have no versions.

    :param campaign_arn: The ARN of the campaign. (templated)
    :param solution_version_arn: The ARN of the version; ``$LATEST`` is refused. (templated)
    :param min_metrics: The smallest acceptable values, by the names in ``GetSolutionMetrics``: ``{"precision_at_5":
        0.2}``. (templated)
    :param max_metrics: The largest acceptable values, such as ``{"coverage": 0.9}``. (templated)
    :param not_worse_than: ``"live"`` compares the metrics with those of the version that is live, an ARN with those of
        that version; None compares with none. (templated)
    :param tolerance: By how much a metric may be lower than the one that it is compared with: a number in the metric's
        own unit, or ``"5%"`` of the other. A dict names the metrics to compare: ``{"precision_at_5": "5%", "coverage":
        0.1}``; otherwise all that the other version has are compared. (templated)
    :param if_gate_fails: ``"fail"`` fails the task, without retries. ``"skip"`` skips it, and with it what follows.
        ``"return"`` returns ``{"promoted": False, "reasons": […], …}``, for a branch.
    :param verify_user_ids: Users to ask recommendations for, in the smoke test. (templated)
    :param verify_item_ids: Items to ask related items for; with a recipe for personalized ranking, the items that are
        ranked for each user. (templated)
    :param min_recommendations: With fewer recommendations than this in an answer the smoke test fails.
    :param max_latency: Seconds, or a ``timedelta``, within which each answer must come, as seen by the worker and with
        boto3's retries; an answer that is too slow is asked for once more, since the first one includes the connection.
        None takes any time.
    :param verify_callable: Called with the answers, ``[{"user_id": …, "item_id": …, "items": [{"itemId": …}]}]``. The
        smoke test fails if it raises an exception or returns a false value other than None.
    :param bake_time: Seconds, or a ``timedelta``, over which the smoke test is repeated, every minute or every
        ``waiter_delay`` seconds; 0 makes it once. ``timeout`` and ``execution_timeout`` must be longer.
    :return: ``{"promoted": True, "reasons": [], "campaign_arn": …, "solution_version_arn": …, "previous_version_arn":
        …}``. Where the gate is not passed and ``if_gate_fails`` is ``"return"``, ``promoted`` is False, and the reasons
        are ``{"metric": …, "wanted": …, "found": …, "live": …}``.
    :raises AirflowSkipException: The gate is not passed, and ``if_gate_fails`` is ``"skip"``.
    :raises InvalidRequestError: Parameters are invalid, or the campaign follows the newest version by itself; nothing
        was sent.
    :raises ResourceFailedError: The training of the version failed or was stopped, with the service's reason; nothing
        was sent.
    :raises GateFailedError: The gate is not passed, or a metric is missing; nothing was deployed.
    :raises PromotionFailedError: The version failed, or could not be verified, and the one before is live again; or it
        had failed before. Airflow does not retry the task.
    :raises RollbackFailedError: The version failed, and the one before is not live; it says why. A retry tries to roll
        back again.
    :raises VersionUnknownError: What is live cannot be told, so nothing was deployed.
    :raises UpdateReplacedError: Something else deployed another version meanwhile, which is left as it is.
    :raises WaitTimeoutError: The update was not over within the time limit, which a rollback has anew. A retry
        continues.
    """

    version_parameter = "solution_version_arn"
    members = ("campaign_arn", "solution_version_arn")
    template_fields: ClassVar[tuple[str, ...]] = (
        *members,
        "min_metrics",
        "max_metrics",
        "not_worse_than",
        "tolerance",
        "verify_user_ids",
        "verify_item_ids",
        *WaitingOperator.common_fields,
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"min_metrics": "json", "max_metrics": "json"}
    idle_without: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "if_gate_fails": (*_BOUNDS, "not_worse_than"),
        "min_recommendations": _IDS,
    }

    def __init__(
        self,
        *,
        campaign_arn: str,
        solution_version_arn: str,
        min_metrics: dict[str, float] | str | None = None,
        max_metrics: dict[str, float] | str | None = None,
        not_worse_than: str | None = None,
        tolerance: float | str | dict[str, float | str] = 0,
        if_gate_fails: Literal["fail", "skip", "return"] = "fail",
        verify_user_ids: list[str] | str | None = None,
        verify_item_ids: list[str] | str | None = None,
        min_recommendations: int = 1,
        max_latency: float | timedelta | None = None,
        verify_callable: Callable[[list[dict[str, Any]]], Any] | None = None,
        bake_time: float | timedelta = 0,
        **kwargs: Unpack[WaitingOptions],
    ) -> None:
        super().__init__(**kwargs)
        if not self.wait_for_completion:
            raise ValueError("wait_for_completion is False: allowed is True, since a promotion ends with what is live")
        if if_gate_fails not in _GATE_ENDS:
            raise ValueError(f"if_gate_fails is {if_gate_fails!r}: allowed are 'fail', 'skip', 'return'")
        if type(min_recommendations) is not int or not 0 <= min_recommendations <= _MOST_RESULTS:
            text = f"allowed is a whole number from 0 to {_MOST_RESULTS}"
            raise ValueError(f"min_recommendations is {min_recommendations!r}: {text}")
        if verify_callable is not None and (not callable(verify_callable) or iscoroutinefunction(verify_callable)):
            raise TypeError(f"verify_callable is {verify_callable!r}: allowed is what can be called, without await")
        self.campaign_arn = campaign_arn
        self.solution_version_arn = solution_version_arn
        self.min_metrics = min_metrics
        self.max_metrics = max_metrics
        self.not_worse_than = not_worse_than
        self.tolerance = tolerance
        self.if_gate_fails = if_gate_fails
        self.verify_user_ids = verify_user_ids
        self.verify_item_ids = verify_item_ids
        self.min_recommendations = min_recommendations
        self.max_latency = seconds("max_latency", max_latency)
        self.verify_callable = verify_callable
        self.bake_time = seconds("bake_time", bake_time) or 0
        execution_timeout = self.execution_timeout and self.execution_timeout.total_seconds()
        limits = {"timeout": self.timeout, "execution_timeout": execution_timeout}
        for name, limit in limits.items():
            if self.bake_time and limit is not None and limit <= self.bake_time:
                text = f"allowed is more than the bake_time of {self.bake_time:g}, since the update takes time too"
                raise ValueError(f"{name} is {limit:g}: {text}")
        self.check_options()
        # what a template may render to None or to nothing, which must not open the gate or leave out the smoke test
        self._given = [name for name in (*_BOUNDS, "not_worse_than", *_IDS) if getattr(self, name) is not None]

    @cached_property
    def _runtime(self) -> PersonalizeHook:
        return self._hook_for("personalize-runtime")

    @property
    def default_timeout(self) -> float:
        """Return the seconds after which the deployment and its smoke test must be over."""
        return super().default_timeout + self.bake_time

    def next_step(self, context: Context, memory: Memory) -> Step:
        """Observe the campaign and, as far as it is needed, the version; return the next step."""
        from dataclasses import replace

        from airflow_provider_personalize import clock
        from airflow_provider_personalize.plans import promote

        request = self.build_request()
        gate, reference = self._gate([])
        wanted = self.wanted(
            promote.Promotion,
            request=request,
            gate=gate,
            is_compared=reference is not None,
            if_gate_fails=self.if_gate_fails,
            verifies=any(self._verified_ids([])),
            bake_time=self.bake_time,
            delay=self.waiter_delay,
            deadline=self.driver.deadline if self.driver else float("inf"),
        )
        state = memory.promotion
        observed = self.observe(context, wanted.arn)
        if state.stage == promote.CHECK:
            observed = self._observe_version(wanted, observed, reference)
        elif state.stage == promote.DEPLOY and state.live_since is not None:
            candidate = self.hook.describe(SOLUTION_VERSION, wanted.version)
            requests = list(self._smoke_requests(wanted.arn, candidate))
            problems, denial = self._smoke_test(requests, memory.failures)
            observed = replace(observed, problems=problems, denial=denial)
        step = promote.next_step(wanted, observed, memory, clock.now())
        if (
            self.driver
            and step.memory.promotion.stage in promote.TAKING_BACK
            and state.stage not in promote.TAKING_BACK
        ):
            self.driver.deadline = self.deadline_after(self.default_timeout if self.timeout is None else self.timeout)
        return step

    def _observe_version(
        self, wanted: Promotion, observed: ObservedCampaign, reference: str | None
    ) -> ObservedCampaign:
        """Read the version, the metrics that the gate needs, and whether the campaign answers this caller."""
        from dataclasses import replace

        from airflow_provider_personalize.plans import promote

        candidate = self.hook.describe(SOLUTION_VERSION, wanted.version)
        observed = replace(observed, candidate=candidate)
        requests = list(self._smoke_requests(wanted.arn, candidate)) if wanted.verifies else []
        if wanted.gate and promote.is_usable(candidate):
            compared = observed.live if reference == LIVE else reference
            metrics = {version: self._metrics(version) for version in (wanted.version, compared) if version}
            observed = replace(observed, metrics=metrics[wanted.version], reference=metrics.get(compared or ""))
        if requests and observed.live != wanted.version:
            observed = replace(observed, denial=self._denial(requests[0]))
        return observed

    def explained(self, error: Exception, memory: Memory) -> Exception:
        """Return an error with both stories where the rollback goes wrong."""
        from airflow_provider_personalize.exceptions import (
            PromotionFailedError,
            RollbackFailedError,
            UpdateReplacedError,
        )
        from airflow_provider_personalize.plans import promote

        state = memory.promotion
        is_sent = state.is_recorded and state.stage == promote.DEPLOY and (memory.call or state.live_since)
        if is_sent and not isinstance(error, UpdateReplacedError):
            text = "%s was sent to the campaign and may be live, and it is not verified. A retry continues with that"
            self.log.error(text, self.version)
        if state.stage == promote.CLOSE and not isinstance(error, PromotionFailedError):
            return PromotionFailedError(f"{state.failure}. That this is over could not be recorded: {error}")
        if state.stage not in promote.TAKING_BACK:
            return error
        if isinstance(error, (PromotionFailedError, RollbackFailedError)):
            return error
        return promote.rollback_error(self.wanted(promote.Promotion, request=self._unchecked_request()), memory, error)

    def further_facts(self, context: Context, description: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return what the task returns, and whether it changed anything."""
        result = self.ended.result if self.ended else {}
        return {**super().further_facts(context, description), **result}

    def request_errors(self) -> list[str]:
        """List what is wrong with the ARNs, the gate and the smoke test, one sentence each."""
        wrong = super().request_errors()
        self._gate(wrong)
        self._verified_ids(wrong)
        return wrong

    def _gate(self, wrong: list[str]) -> tuple[Gate | None, str | None]:
        """Return the gate, and what it compares with; add to what is wrong."""
        from airflow_provider_personalize.arns import wrong_arn
        from airflow_provider_personalize.plans.gate import Gate, margin

        least, most = (self._bounds(name, wrong) for name in _BOUNDS)
        reference = parse("string", self.not_worse_than)
        is_absent = reference is None and "not_worse_than" not in self._given
        if not is_absent and reference != LIVE and wrong_arn(SOLUTION_VERSION.arn_parameter, reference):
            wrong.append(f"not_worse_than is {reference!r}: allowed are 'live' and {SOLUTION_VERSION.arn_form}")
        tolerance = parse("structure", self.tolerance)
        for each in tolerance.values() if isinstance(tolerance, Mapping) else [tolerance]:
            try:
                margin(each, 1)
            except (TypeError, ValueError):
                wrong.append(f"tolerance is {self.tolerance!r}: allowed are numbers, 0 or more, and percentages: '5%'")
        if reference is None and tolerance != 0:
            wrong.append(f"tolerance is {self.tolerance!r}: it needs not_worse_than, which is not given")
        if not (least or most or reference):
            return None, None
        return Gate(least, most, tolerance), reference

    def _bounds(self, name: str, wrong: list[str]) -> dict[str, float]:
        """Return the bounds of a parameter; add to what is wrong."""
        value = parse("structure", getattr(self, name))
        if value is None and name not in self._given:
            return {}
        if value and isinstance(value, Mapping):
            with suppress(TypeError, ValueError):
                bounds = {str(metric): float(bound) for metric, bound in value.items()}
                if not any(map(isnan, bounds.values())):
                    return bounds
        wrong.append(f"{name} is {value!r}: it must be a dict of numbers by the names of metrics")
        return {}

    def _metrics(self, version: str) -> dict[str, float]:
        """Return the metrics of a version."""
        metrics: dict[str, float] = self.hook.call("get_solution_metrics", solutionVersionArn=version).get(
            "metrics", {}
        )
        return metrics

    def _verified_ids(self, wrong: list[str]) -> tuple[list[str], list[str]]:
        """Return the users and the items of the smoke test; add to what is wrong."""
        ids: list[list[str]] = []
        for name in _IDS:
            value = parse("list", getattr(self, name))
            is_list = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
            ids.append([str(each) for each in value if each not in (None, "")] if is_list else [])
            if name in self._given and (not ids[-1] or len(ids[-1]) < len(value)):
                wrong.append(f"{name} is {value!r}: it must be a list of ids, of one at least")
        if not {*_IDS} & {*self._given} and (self.bake_time or self.max_latency is not None or self.verify_callable):
            text = "verify_user_ids and verify_item_ids are empty: bake_time, max_latency and verify_callable need them"
            wrong.append(text)
        return ids[0], ids[1]

    def _smoke_requests(self, campaign: str, version: Mapping[str, Any]) -> Iterator[_SmokeRequest]:
        """
        List the requests of the smoke test.

        :param version: The description of the version.
        :raises InvalidRequestError: The recipe recommends for something else than what is given.
        """
        users, items = self._verified_ids([])
        recipe = str(version.get("recipeArn")).rpartition("/")[2]
        least: dict[str, Any] = {"numResults": self.min_recommendations} if self.min_recommendations > _RESULTS else {}
        needed, given = ["verify_user_ids"], {"verify_user_ids": users, "verify_item_ids": items}
        if _RANKING.search(recipe):
            needed = list(given)
        elif _RELATED.search(recipe):
            needed = ["verify_item_ids"]
        wrong = [f"{name} is empty: the recipe {recipe} needs it" for name in needed if not given[name]]
        wrong += [f"{name}: the recipe {recipe} takes none" for name in given if given[name] and name not in needed]
        if len(needed) > 1 and len(items) < self.min_recommendations:
            wrong.append(f"verify_item_ids has {len(items)} ids: min_recommendations is {self.min_recommendations}")
        if _ACTIONS.search(recipe):
            wrong = [f"the recipe {recipe} recommends actions: there is no smoke test of these"]
        if wrong:
            raise InvalidRequestError(self.operation, wrong)
        if len(needed) > 1:
            for user in users:
                request = {"campaignArn": campaign, "userId": user, "inputList": items}
                yield _SmokeRequest("get_personalized_ranking", request, user, None, "personalizedRanking")
            return
        for name, each in [("userId", user) for user in users] + [("itemId", item) for item in items]:
            ask = {"campaignArn": campaign, name: each, **least}
            user_id, item_id = (each, None) if name == "userId" else (None, each)
            yield _SmokeRequest("get_recommendations", ask, user_id, item_id, "itemList")

    def _denial(self, smoke_request: _SmokeRequest) -> Exception | None:
        """Return the error with which the campaign does not answer this caller, whichever version it serves."""
        from airflow_provider_personalize.aws_errors import is_about_caller

        try:
            self._runtime.call(smoke_request.method, **smoke_request.request)
        except Exception as error:  # noqa: BLE001 - any other error is of the version that is live
            return error if is_about_caller(error) else None
        return None

    def _smoke_test(self, requests: Sequence[_SmokeRequest], failures: int) -> tuple[list[str], Exception | None]:
        """
        Ask the campaign; return what is wrong with the answers, and the error of a request that got none.

        :param failures: How many times in a row a transient error came.
        """
        from airflow_provider_personalize import clock
        from airflow_provider_personalize.aws_errors import is_about_caller, is_transient

        is_late = self.driver is not None and clock.now() >= self.driver.deadline
        problems, answers, denial = [], [], None
        for smoke_request in requests:
            try:
                items, latency = self._ask(smoke_request)
            except Exception as error:
                if is_transient(error) and failures < _RETRIES and not is_late:
                    raise
                if is_about_caller(error):
                    denial = error
                else:
                    problems.append(f"{smoke_request}: {type(error).__name__}: {error}")
                continue
            answers.append({"user_id": smoke_request.user_id, "item_id": smoke_request.item_id, "items": items})
            if len(items) < self.min_recommendations:
                problems.append(
                    f"{smoke_request}: got {len(items)} recommendations, expected at least {self.min_recommendations}"
                )
            if self.max_latency is not None and latency > self.max_latency:
                problems.append(
                    f"{smoke_request}: answered after {latency:.3f} s, expected within {self.max_latency:g} s"
                )
        if self.verify_callable and not problems and not denial:
            problems = self._called(answers)
        self.log.info("Smoke test of %d requests: %s", len(requests), "; ".join(problems) or denial or "passed")
        return problems, denial

    def _ask(self, smoke_request: _SmokeRequest) -> tuple[list[dict[str, Any]], float]:
        """Return the items of an answer, and the seconds that it took: of two answers, where the first was too slow."""
        from airflow_provider_personalize import clock

        hook, latency = self._runtime, float("inf")
        for _ in range(2):
            began = clock.monotonic()
            items: list[dict[str, Any]] = hook.call(smoke_request.method, **smoke_request.request).get(
                smoke_request.items, []
            )
            latency = min(latency, clock.monotonic() - began)
            if self.max_latency is None or latency <= self.max_latency:
                break
        return items, latency

    def _called(self, answers: list[dict[str, Any]]) -> list[str]:
        """Return what the user's own check finds."""
        assert self.verify_callable is not None  # noqa: S101 - its caller has asked
        try:
            result = self.verify_callable(answers)
            is_refused = result is not None and not result
        except Exception as error:  # noqa: BLE001 - whatever it raises says that the answers are not good
            return [f"verify_callable: {type(error).__name__}: {error}"]
        return [f"verify_callable returned {result!r}"] if is_refused else []


class RollbackCampaignOperator(_CampaignOperator):
    """
    Return a campaign to an earlier version, and wait until that is live.

    Calls ``UpdateCampaign`` (https://docs.aws.amazon.com/personalize/latest/dg/API_UpdateCampaign.html). ``"previous"``
    is the version that was live before the latest promotion, which :class:`PromoteSolutionVersionOperator` records in
    the campaign's tags. Where something else has been deployed since, that is not certain, and the task fails with the
    versions to choose from. What is live already is not sent, so that a second run changes nothing. An update in
    progress is waited for first, since the service refuses a second one. The version that is rolled back gets a tag, so
    that no promotion deploys it again; where the task may not tag the campaign, that is a warning.

    :param campaign_arn: The ARN of the campaign. (templated)
    :param to: ``"previous"``, or the ARN of the version. (templated)
    :return: The ARN of the version that is live.
    :raises InvalidRequestError: Parameters are invalid, or the campaign follows the newest version by itself; nothing
        was sent.
    :raises VersionUnknownError: ``to`` is ``"previous"``, and which version that is cannot be told; nothing was sent.
    :raises ResourceFailedError: The update ended in CREATE FAILED, or the version is not usable, with the service's
        reason.
    :raises UpdateReplacedError: A later update by someone else replaced this one.
    :raises WaitTimeoutError: The time limit passed; the error names the last status.
    """

    version_parameter = "to"
    members = ("campaign_arn",)
    template_fields: ClassVar[tuple[str, ...]] = (*members, "to", *WaitingOperator.common_fields)

    def __init__(self, *, campaign_arn: str, to: str = PREVIOUS, **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        self.campaign_arn = campaign_arn
        self.to = to

    def next_step(self, context: Context, memory: Memory) -> Step:
        """Observe the campaign, and return the next step."""
        from dataclasses import replace

        from airflow_provider_personalize import clock
        from airflow_provider_personalize.plans import promote

        request = self.build_request()
        wanted = self.wanted(promote.Rollback, request=request, to=self.version, delay=self.waiter_delay)
        observed = self.observe(context, wanted.arn)
        if memory.promotion.stage == promote.CHECK:
            observed = replace(observed, candidate=self.described_version(str(memory.promotion.previous)))
        return promote.next_step_of_rollback(wanted, observed, memory, clock.now())
