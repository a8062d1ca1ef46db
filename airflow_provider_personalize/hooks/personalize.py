"""The hook: a boto3 client by Airflow's AWS connection, and what all of Personalize's resources have in common."""

from __future__ import annotations

import itertools
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from copy import copy
from datetime import datetime, timedelta
from functools import cache, cached_property
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook, SessionFactory
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError, HTTPClientError, NoRegionError
from botocore.session import Session

from airflow_provider_personalize import clock, progress
from airflow_provider_personalize.arns import region_of
from airflow_provider_personalize.aws_errors import is_about_credentials, is_not_found, lacks_credentials
from airflow_provider_personalize.comparison import version_name
from airflow_provider_personalize.exceptions import (
    ConnectionMissingError,
    CredentialsMissingError,
    IncompleteAnswerError,
    PersonalizeError,
    RegionMissingError,
    UnknownRegionError,
)
from airflow_provider_personalize.goals import SETTLED
from airflow_provider_personalize.hooks import transport
from airflow_provider_personalize.hooks.event_handlers import ServiceClock, redact_errors_of_sts, register_handlers
from airflow_provider_personalize.hooks.sanitizing import sanitize
from airflow_provider_personalize.polling import Backoff, Observation, PollTarget
from airflow_provider_personalize.redaction import redact
from airflow_provider_personalize.resources import RESOURCE_TYPES, SOLUTION, SOLUTION_VERSION, ResourceType
from airflow_provider_personalize.status import IN_PROGRESS, WaitCondition, WaitStatus, is_being_stopped

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.utils.connection_wrapper import AwsConnectionWrapper

# The trainingType of a version that the service trained by itself.
_AUTOMATIC: Final = "AUTOMATIC"
# Under the user's own configuration: an endpoint that never answers must not hold a wait for botocore's ten minutes.
_CLIENT_DEFAULTS: Final = {
    "connect_timeout": 10,
    "read_timeout": 30,
    "retries": {"mode": "standard", "max_attempts": 3},
    "max_pool_connections": 64,  # as many as a triggerer polls with at once
}
# Of a client whose calls must not take long
_SHORT: Final = {"connect_timeout": 2, "read_timeout": 2, "retries": {"mode": "standard", "total_max_attempts": 1}}

# What Python and botocore say of a time that is too large
_NO_DATE: Final = re.compile(r"year -?\d+ is out of range|timezone offset|date value out of range")
# Of a hundred each: a million of a type are more than there will be.
MOST_PAGES: Final = 10_000
#: How much older than the newest a resource may be and still change: no training takes as long.
RECENT: Final = timedelta(days=7)
_reading_regions: Final = Lock()
#: Seconds that a task may take to find out how long something usually takes.
USUAL_DURATION_LIMIT: Final = 2.0


class _RedactingSessionFactory(SessionFactory):
    """Airflow's session factory, whose first session assumes the role and renews its credentials."""

    @cached_property
    def basic_session(self) -> Any:
        session = super().basic_session
        redact_errors_of_sts(session)
        return session


class PersonalizeHook(AwsBaseHook):
    """
    Interact with Amazon Personalize.

    Any boto3 method of the client ``personalize`` is at hand as ``hook.conn.<method>(…)``. Besides, resources
    of every type can be described, listed and waited for by the type's name in the table, e.g. ``"solution"``.

    Takes the parameters of :class:`~airflow.providers.amazon.aws.hooks.base_aws.AwsBaseHook`: ``aws_conn_id``,
    ``region_name``, ``verify``, ``config``. Unlike there, an ``aws_conn_id`` that does not exist is an error, unless it
    is ``aws_default``: as with None, boto3's default chain gives the credentials then, which the log says.

    :param client_type: ``"personalize"``; with ``"personalize-events"`` or ``"personalize-runtime"``, ``hook.conn`` is
        the client of these.
    """

    #: Whether it fetches credentials anew by itself.
    renews = True
    #: What goes before the user's configuration of the client.
    client_limits: Mapping[str, Any] = {}
    #: Whether the Airflow connection must exist. That of Airflow's default name need not, until it was found: other
    #: credentials might be of another account.
    connection_required: bool

    def __init__(self, *args: Any, client_type: str = "personalize", **kwargs: Any) -> None:
        super().__init__(*args, client_type=client_type, **kwargs)
        self._had_credentials = False
        self._odd: set[str] = set()
        #: How far the service's clock is from this machine's.
        self.service_clock = ServiceClock()
        #: The region of an ARN in hand, which an error suggests where no region is known.
        self.suggested_region: str | None = None
        self.connection_required = self.aws_conn_id not in {None, "", self.default_conn_name}

    @cached_property
    def conn_config(self) -> AwsConnectionWrapper:
        """
        The Airflow connection.

        :raises ConnectionMissingError: It does not exist, and must. The base class would go on with whatever
            credentials the machine has, and does so for ``aws_default``, with a warning.
        :raises PersonalizeError: There is a user or a password in its endpoint, where botocore sends neither, and shows
            both in its errors.
        """
        connection = super().conn_config
        if connection:
            self.connection_required = True
        elif self.connection_required:
            raise ConnectionMissingError(str(self.aws_conn_id))
        services = [connection.get_service_config(name) for name in (self.client_type, "sts")]
        urls = [connection.endpoint_url, *((service or {}).get("endpoint_url") for service in services)]
        if any("@" in str(url) for url in urls):
            raise PersonalizeError("The endpoint_url has a user or a password in it, which nothing sends: take it out")
        return connection

    def get_session(self, region_name: str | None = None, deferrable: bool = False) -> Any:
        """Get the boto3 session. If AWS refuses it a role, the error shows nothing of the signed request."""
        factory = _RedactingSessionFactory(conn=self.conn_config, region_name=region_name, config=self.config)
        session = factory.create_session(deferrable=deferrable)
        if not deferrable:
            redact_errors_of_sts(session)
        return session

    @cached_property
    def conn(self) -> Any:
        """
        The boto3 client. It repeats no write that may have been done, and explains what is refused.

        :raises RegionMissingError: Nothing says which region to ask.
        """
        try:
            client = super().conn
        except NoRegionError:
            source = self.aws_conn_id if self.connection_required else None
            raise RegionMissingError(source, self.suggested_region) from None
        profile = None if self.conn_config.role_arn else self.conn_config.profile_name
        transport.install(client, self.verify, profile)
        return register_handlers(client, self.service_clock)

    @property
    def config(self) -> Config:
        """The client's configuration: the user's, over time-outs and retries that suit polling."""
        return Config(**_CLIENT_DEFAULTS).merge(super().config).merge(Config(**self.client_limits))

    def for_short_reads(self) -> PersonalizeHook:
        """Return a hook of the same connection with a client of its own, whose calls take seconds, and one try."""
        hook = copy(self)
        hook.__dict__.pop("conn", None)
        hook.client_limits, hook.renews = _SHORT, False
        return hook

    def describe(self, resource: str | ResourceType, arn: str) -> dict[str, Any]:
        """
        Describe one resource.

        :param resource: The resource type, or its name in the table: ``"dataset_import_job"``.
        :param arn: Its ARN.
        :return: The description itself, without the envelope: ``hook.describe("solution", arn)["status"]``.
        :raises botocore.exceptions.ClientError: As from boto3, ``ResourceNotFoundException`` for one.
        :raises IncompleteAnswerError: The service answered, but without the resource.
        """
        resource_type = _resource_type(resource)
        description: dict[str, Any] | None = self.call(
            f"describe_{resource_type.name}", **{resource_type.arn_member: arn}
        ).get(resource_type.member)
        if not description:
            raise IncompleteAnswerError(
                f"Describe{resource_type.pascal} answered without {resource_type.member!r} for {arn}"
            )
        return description

    def call(self, method: str, **request: Any) -> Any:
        """
        Call a method of the client. If its credentials are rejected, renew them and call once more.

        :raises botocore.exceptions.ClientError: As from boto3.
        :raises CredentialsMissingError: The connection gives no credentials, and never did, or broken ones.
        :raises RegionMissingError: Nothing says which region to ask.
        :raises UnknownRegionError: There is no Personalize in the region, or no such region.
        :raises IncompleteAnswerError: The service answered with what cannot be read.
        """
        try:
            return self._call(method, request)
        except Exception as error:
            if not (self.renews and is_about_credentials(error)):
                raise
            self.log.info("There are no credentials that are taken; fetching the connection %r anew", self.aws_conn_id)
        self.renew()
        try:
            return self._call(method, request)
        except Exception as error:
            if lacks_credentials(error) and not self._had_credentials:
                raise CredentialsMissingError(self.aws_conn_id if self.connection_required else None) from error
            raise

    def _call(self, method: str, request: dict[str, Any]) -> Any:
        self.suggested_region = self.suggested_region or region_of(request.values())
        client = self.conn
        operation = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
        try:
            answer = getattr(client, method)(**request)
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:  # botocore's, over its parts
            said = redact(str(error))  # with what was answered in it
            if _NO_DATE.search(said):
                said += ": a time in it is not in seconds since 1970, but in milliseconds perhaps"
            raise IncompleteAnswerError(f"{method} has an answer that cannot be read: {said}") from error
        except Exception as error:
            if isinstance(error, HTTPClientError) and "Invalid header value" in str(error):
                # such a header is one that signs the request
                raise CredentialsMissingError(self.aws_conn_id, broken=True) from None
            self._had_credentials = self._had_credentials or not lacks_credentials(error)
            if isinstance(error, EndpointConnectionError):
                _must_be_a_region(client)
            raise
        self._had_credentials = True
        return self._sanitized(operation, answer) if operation.output_shape else {}

    def _sanitized(self, operation: Any, answer: Any) -> Any:
        odd: list[str] = []
        sanitized = sanitize(operation.output_shape, answer, operation.name, odd)
        for sentence in {*odd} - self._odd:
            self._odd.add(sentence)
            self.log.warning("%s: it counts as not given", sentence)
        return sanitized

    def renew(self) -> None:
        """Drop the client and the connection, so that their next use reads the connection again."""
        for cached in ("conn", "conn_config"):
            self.__dict__.pop(cached, None)

    def find(self, resource: str | ResourceType, arn: str) -> dict[str, Any] | None:
        """Describe one resource as :meth:`describe` does; return None if it does not exist."""
        try:
            return self.describe(resource, arn)
        except Exception as error:
            if is_not_found(error):
                return None
            raise

    def list_all(self, resource: str | ResourceType, **parameters: Any) -> Iterator[dict[str, Any]]:
        """
        List all resources of a type, page by page as they are asked for.

        :param resource: The resource type, or its name in the table.
        :param parameters: Parameters of the API's list operation: ``datasetGroupArn=…``, ``maxResults=…``.
        :return: The summaries. They lack members of the description, ``failureReason`` among them for some types.
        """
        resource_type = _resource_type(resource)
        for page in self.pages(f"list_{resource_type.name}s", **parameters):
            yield from page.get(resource_type.list_member, [])

    def list_recent(
        self, resource: str | ResourceType, parent_arn: str, since: str | None = None
    ) -> list[dict[str, Any]]:
        """
        List the resources of a type in a parent, as far back as anything may still change.

        AWS documents an order for data deletion jobs alone: newest first. Wherever the service lists newest first, this
        reads no further than a week before the newest, or to ``since``; otherwise, it reads all pages, of 100 each.

        :param resource: The resource type, or its name in the table.
        :param parent_arn: The ARN by which the API filters: that of a dataset group, dataset, solution or version.
        :param since: A time, in ISO 8601, to which to read in any case.
        :return: The summaries, in the service's order.
        """
        resource_type = _resource_type(resource)
        listed: list[dict[str, Any]] = []
        request = {str(resource_type.list_filter): parent_arn, "maxResults": 100}
        for page in self.pages(f"list_{resource_type.name}s", **request):
            listed += page.get(resource_type.list_member, [])
            times = [summary["creationDateTime"] for summary in listed if "creationDateTime" in summary]
            if times and times == sorted(times, reverse=True):
                furthest = times[0] - RECENT
                if times[-1] < (min(furthest, datetime.fromisoformat(since)) if since else furthest):
                    break
        return listed

    def pages(self, method: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """
        Call a method that lists, page by page as they are asked for.

        :raises IncompleteAnswerError: They never end: one leads back to an earlier one, or there are ten thousand.
        """
        led_to: set[str] = set()
        while True:
            page = self.call(method, **parameters)
            yield page
            if not (token := page.get("nextToken")):
                return
            if token in led_to or len(led_to) >= MOST_PAGES:
                raise IncompleteAnswerError(f"{method} was answered with pages that never end")
            led_to.add(token)
            parameters["nextToken"] = token

    def stop_training(self, solution_version_arn: str) -> None:
        """Stop the training of a version. One that is over meanwhile, or being stopped, is left as it is."""
        try:
            self.call("stop_solution_version_creation", solutionVersionArn=solution_version_arn)
        except Exception:
            version = self.find(SOLUTION_VERSION, solution_version_arn)
            settled = WaitCondition(SOLUTION_VERSION.name, solution_version_arn, SETTLED)
            if version and settled.evaluate(version).outcome == IN_PROGRESS and not is_being_stopped(version):
                raise
            status = version["status"] if version else "gone"
            self.log.warning("%s: there is nothing to stop (%s)", status, SOLUTION_VERSION.short(solution_version_arn))
        else:
            self.log.info("Stopping the training of %s", SOLUTION_VERSION.short(solution_version_arn))

    def stop_training_named(self, solution_arn: str, name: str) -> None:
        """Stop the training of a version by its name."""

        def is_on(version: Mapping[str, Any]) -> bool:
            return version["status"] not in SOLUTION_VERSION.final

        version = self.find_version(solution_arn, name, filter(is_on, self.list_versions(solution_arn)))
        if version:
            self.stop_training(version["solutionVersionArn"])
        else:
            short = SOLUTION.short(solution_arn)
            self.log.warning("No training %r is shown: if it began, it goes on (%s)", name, short)

    def list_versions(self, solution_arn: str) -> Iterator[dict[str, Any]]:
        """List the versions of a solution, newest first; the summaries have no names."""
        versions = self.list_all(SOLUTION_VERSION, solutionArn=solution_arn)
        yield from sorted(versions, key=lambda summary: summary["creationDateTime"], reverse=True)

    def find_version(self, solution_arn: str, name: str, among: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
        """
        Find a version of a solution by the name that it was given.

        Whether its ARN tells the name is not documented: the one that would is tried first, and no list asked for then.

        :param among: The summaries of those that it may be.
        :return: Its description; None if it does not exist.
        """
        arns = itertools.chain([f"{solution_arn}/{name}"], (summary["solutionVersionArn"] for summary in among))
        described = (self.find(SOLUTION_VERSION, arn) for arn in arns)
        return next((found for found in described if found and version_name(found) == name), None)

    def poll(self, wait: WaitCondition) -> WaitStatus:
        """
        Poll once, and return how far the wait has come.

        An error that says nothing of the resource (throttling, a broken connection, an unreachable endpoint) gives the
        outcome ``"in progress"``, with the cause as its reason. Credentials that the service rejects, such as expired
        ones, are fetched again from the connection, once.

        :raises botocore.exceptions.ClientError: The service's answer is no: denied, not found, invalid.
        """
        return wait.evaluate_observation(self.observe(wait.poll_target))

    def observe(self, target: PollTarget) -> Observation:
        """Read what waits evaluate. It never raises: an error is in the observation."""
        try:
            description = self._observe(target)
            return Observation(description, odd=tuple(getattr(description, "odd", ())))
        except Exception as error:  # noqa: BLE001 - whoever waits decides what it means
            return Observation(error=error)

    def _observe(self, target: PollTarget) -> dict[str, Any]:
        if target.listed:
            resource_type = RESOURCE_TYPES[target.resource]
            return {resource_type.list_member: self.list_recent(resource_type, target.arn, target.since)}
        if not target.trained:
            return self.describe(target.resource, target.arn)
        arn = self.automatic_version_since(target.arn, target.since)
        version = self.find(SOLUTION_VERSION, arn) if arn else None
        return version or self.describe(SOLUTION, target.arn)

    def automatic_version_since(self, solution_arn: str, since: str | None) -> str | None:
        """
        Find the first version that automatic training began after a moment.

        :param solution_arn: The ARN of the solution.
        :param since: The moment, in ISO 8601; None means ever.
        :return: The version's ARN; None before the first version.
        """
        versions = [
            version
            for version in self.list_all(SOLUTION_VERSION, solutionArn=solution_arn)
            if version.get("trainingType") == _AUTOMATIC
            and (since is None or version["creationDateTime"] > datetime.fromisoformat(since))
        ]
        first = min(versions, key=lambda version: version["creationDateTime"], default=None)
        return str(first["solutionVersionArn"]) if first else None

    def usual_duration(self, wait: WaitCondition, description: Mapping[str, Any]) -> float | None:
        """
        Return the seconds that earlier ones took, from one list call: versions of the solution, jobs of the dataset.

        It is for log lines, so it neither fails nor delays a task: it returns None after an error, such as a missing
        permission, after two seconds without an answer, and where no summary tells a duration.

        :param wait: What is waited for.
        :param description: Its description.
        """
        if (listed := progress.siblings(wait, description)) is None:
            return None
        resource_type, request = listed
        found: list[float | None] = []

        def ask() -> None:
            try:
                page = self._call(f"list_{resource_type.name}s", request)
                summaries = page.get(resource_type.list_member) or []
                found.append(progress.usual_duration(resource_type, description, summaries))
            except Exception as error:  # noqa: BLE001 - the log does without
                self.log.debug("No usual duration is known: %s", error)

        thread = Thread(target=ask, name="personalize-usual-duration", daemon=True)
        with suppress(RuntimeError):  # the machine has no thread left
            thread.start()
            thread.join(USUAL_DURATION_LIMIT)
        return found[0] if found else None

    def wait(
        self,
        wait: WaitCondition,
        *,
        delay: float | None = None,
        deadline: float | None = None,
        since: float | None = None,
        usual: float | None = None,
    ) -> WaitStatus:
        """
        Wait until something is reached, in this process.

        :param wait: What to wait for: ``WaitCondition("solution", arn)``.
        :param delay: Seconds between two polls; None means what suits the resource type, and sooner at first. While the
            service throttles or cannot be reached, the delay grows up to eightfold.
        :param deadline: When to give up, in seconds since the epoch; from the table, from now on, where None.
        :param since: When the wait began, in seconds since the epoch, for the log; None means now.
        :param usual: Seconds that it usually takes, for the log: :meth:`usual_duration`.
        :return: The status; its ``description`` is what the service answered last.
        :raises ResourceFailedError: It failed, with the service's reason.
        :raises WaitTimeoutError: The deadline passed, with the status seen last.
        """
        started, backoff, before = clock.now(), Backoff(), None
        since = started if since is None else since
        deadline = started + wait.time_limit if deadline is None else deadline
        while (status := self.poll(wait)).outcome == IN_PROGRESS:
            now = clock.now()
            text = self.progress_line(status, wait, waited=now - since, usual=usual, left=deadline - now)
            self.log.log(status.log_level(before), "%s", text)
            before = status
            if clock.now() >= deadline:
                raise wait.timeout_error(str(status))
            pause = wait.next_delay(clock.now() - started) if delay is None else delay
            pause = backoff.next_delay(pause, is_transient=status.is_transient)
            clock.sleep(max(0, min(pause, deadline - clock.now())))
        if status.failed:
            raise wait.error(status)
        self.log.info("%s", self.progress_line(status, wait, waited=clock.now() - since, usual=usual))
        return status

    def progress_line(self, status: WaitStatus, wait: WaitCondition, **times: float | None) -> str:
        """Return a line of progress; see ``progress.line``."""
        return progress.line(status, wait, service_time=self.service_clock.now(), **times)


def _resource_type(resource: str | ResourceType) -> ResourceType:
    if isinstance(resource, ResourceType):
        return resource
    if resource not in RESOURCE_TYPES:
        raise ValueError(f"resource is {resource!r}: allowed are {', '.join(RESOURCE_TYPES)}")
    return RESOURCE_TYPES[resource]


def _must_be_a_region(client: Any) -> None:
    """
    Make sure that what cannot be reached may be there.

    :raises UnknownRegionError: botocore knows no such region, and the DNS, which answers, no such name with it in.
    """
    with _reading_regions:  # all threads of a triggerer come here at once where the network is down
        known = known_regions()
    region, endpoint = client.meta.region_name, str(urlsplit(client.meta.endpoint_url).hostname)
    if region in known or region not in endpoint:
        return
    try:
        socket.getaddrinfo(endpoint, None)
    except socket.gaierror as error:
        if error.errno == socket.EAI_NONAME:
            raise UnknownRegionError(region, endpoint, known) from error


@cache
def known_regions() -> tuple[str, ...]:
    """Name the regions in which botocore knows of Personalize. To read that takes 40 ms of CPU, and megabytes."""
    session = Session()
    return tuple(
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("personalize", partition)
    )
