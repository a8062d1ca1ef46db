"""
What can go wrong, named after what happened.

::

    PersonalizeError(AirflowException)
    ├── InvalidRequestError(AirflowFailException)      the parameters are invalid; nothing was sent
    ├── ConnectionMissingError                         the AWS connection does not exist, or cannot be looked up
    ├── CredentialsMissingError                        the connection has no usable credentials
    ├── RegionMissingError                             no AWS region is given
    ├── UnknownRegionError                             Personalize is not available in the region
    ├── ResourceFailedError                            the resource or its update failed; has the service's reason
    │   └── ResourceStoppedError(AirflowFailException) someone stopped it
    ├── UpdateReplacedError(AirflowFailException)      a later update replaced this one
    ├── ResourceExistsError(AirflowFailException)      a resource of this name exists already
    ├── ResourceDiffersError(AirflowFailException)     a resource of this name exists with other content
    ├── DataCheckError(AirflowFailException)           the data does not fit the dataset; nothing was sent
    ├── DataNotReadableError                           the data cannot be read with Airflow's AWS connection
    ├── SchemaIncompatibleError(AirflowFailException)  the service does not change the dataset's schema so
    ├── SchemaUnreadableError                          the file with a schema cannot be read
    ├── GateFailedError(AirflowFailException)          metrics are not good enough, or missing; nothing was deployed
    ├── PromotionFailedError(AirflowFailException)     what was deployed is not good; the earlier version is live
    ├── RollbackFailedError                            the same, and the earlier version is not live
    ├── VersionUnknownError(AirflowFailException)      which version to return to cannot be told
    ├── TooFewRecommendationsError                     fewer recommendations than required
    ├── VersionsNotComparableError                     solution versions are not ACTIVE, or lack metrics
    ├── WaitTimeoutError                               the time limit passed; has the last status
    └── IncompleteAnswerError                          the service's answer lacks what was asked for

Airflow does not retry a task that fails with an ``AirflowFailException``. Errors of the service itself
(``botocore.exceptions.ClientError`` and others of botocore) are raised unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airflow_provider_personalize._compat import AirflowException, AirflowFailException
from airflow_provider_personalize.redaction import redact


class PersonalizeError(AirflowException):
    """Anything that this package itself has to say."""


class InvalidRequestError(PersonalizeError, AirflowFailException):
    """The parameters are invalid; nothing was sent, and a retry would not help."""

    def __init__(self, operation: str, faults: Sequence[str]) -> None:
        self.operation = operation
        self.faults = list(faults)
        listed = "".join(f"\n  - {fault}" for fault in faults)
        super().__init__(f"{operation} was not called, {_count(faults, 'fault')} in its parameters:{listed}")


class ConnectionMissingError(PersonalizeError):
    """
    The AWS connection does not exist, and is not ``aws_default``, or existed before.

    Airflow says the same of a connection while its secrets backend is away for a moment, so the task is retried.
    """

    def __init__(self, aws_conn_id: str) -> None:
        super().__init__(
            f"The AWS connection {aws_conn_id!r} does not exist. Create it, or give aws_conn_id=None to use the "
            "credentials of the machine (boto3's default chain)."
        )


class CredentialsMissingError(PersonalizeError):
    """
    The AWS connection gives no credentials, and never did while this task ran.

    :param broken: Whether it gives some that no request can carry.
    """

    def __init__(self, aws_conn_id: str | None, *, broken: bool = False) -> None:
        source = f"The AWS connection {aws_conn_id!r}" if aws_conn_id else "boto3's default chain"
        super().__init__(
            f"{source} gives credentials with a line break in them, which no request can carry."
            if broken
            else f"{source} gives no credentials. Put them into a connection, or give the machine a role; where a "
            "metadata service gives them, it did not answer."
        )


class RegionMissingError(PersonalizeError):
    """
    Neither the task nor its connection nor the machine gives an AWS region.

    The connection may have one that could not be looked up for a moment, so the task is retried.
    """

    def __init__(self, aws_conn_id: str | None, suggested: str | None = None) -> None:
        source = (
            f"the AWS connection {aws_conn_id!r} has no region_name" if aws_conn_id else "there is no AWS connection"
        )
        example = f"={suggested!r}, the region of the ARN that was given" if suggested else ", such as 'us-east-1'"
        super().__init__(
            f"No AWS region is known: region_name is not given, {source}, and neither AWS_DEFAULT_REGION nor the AWS "
            f"configuration of the machine has one. Give region_name{example}, or set it in the connection."
        )


class UnknownRegionError(PersonalizeError):
    """botocore knows of no Personalize in the region, and the name of its endpoint is not in the DNS."""

    def __init__(self, region: str, endpoint: str, known: Iterable[str]) -> None:
        super().__init__(
            f"There is no Personalize in the region {region!r}: there is no {endpoint}, and botocore knows of "
            f"Personalize in {', '.join(known)}. The region comes from region_name, the connection, or the machine."
        )


class ResourceFailedError(PersonalizeError):
    """
    The service says that the resource, or its update, failed.

    :param what: What failed, as a log line says it: ``update of solution shop``.
    """

    def __init__(self, what: str, arn: str, status: str | None, reason: str | None) -> None:
        self.arn = arn
        self.status = status
        self.reason = reason
        super().__init__(f"{status or 'Failed'}: {reason or 'the service gives no reason'} ({what}) {arn}")


class ResourceStoppedError(ResourceFailedError, AirflowFailException):
    """Somebody stopped it; to start it again without being told to would undo that, and may cost."""


class UpdateReplacedError(PersonalizeError, AirflowFailException):
    """Somebody made another update before the outcome of this one was seen; sending it again would undo theirs."""


class ResourceExistsError(PersonalizeError, AirflowFailException):
    """Something of this name was there before this run began, so that nothing was done for it."""


class ResourceDiffersError(PersonalizeError, AirflowFailException):
    """
    A resource of this name exists already and is not what was asked for.

    :param ignorable: The parameters that differ, where the operator can be told to ignore that.
    """

    def __init__(self, what: str, arn: str, differences: Sequence[str], ignorable: Sequence[str] = ()) -> None:
        self.arn = arn
        self.differences = list(differences)
        listed = "".join(f"\n  - {difference}" for difference in differences)
        advice = f"\nTo use it as it is, set ignore_changes={json.dumps(ignorable)}." if ignorable else ""
        super().__init__(f"The {what} exists already, with {_count(differences, 'difference')}:{listed}{advice}\n{arn}")


class SchemaIncompatibleError(PersonalizeError, AirflowFailException):
    """
    The service does not change the schema of a dataset so; nothing was sent.

    :param obstacles: A sentence for each field that is in the way.
    """

    def __init__(self, arn: str, obstacles: Sequence[str]) -> None:
        self.arn = arn
        self.obstacles = list(obstacles)
        listed = "".join(f"\n  - {obstacle}" for obstacle in obstacles)
        super().__init__(
            f"The schema of the dataset cannot be changed so, {_count(obstacles, 'obstacle')}:{listed}\nThe service "
            "only adds fields that accept null. This needs a new dataset: delete this one with its data, or use "
            f"another dataset group, create the dataset with the new schema, and import the data again.\n{arn}"
        )


class SchemaUnreadableError(PersonalizeError):
    """The file or the object in S3 that a schema is in cannot be read; another task may have yet to write it."""

    def __init__(self, place: str, reason: str) -> None:
        self.place = place
        super().__init__(
            f"The schema {redact(repr(place))} cannot be read: {reason}. Allowed are an Avro record as a structure or "
            "as JSON, the path of a file that the worker can read, and s3://BUCKET/KEY."
        )


class DataCheckError(PersonalizeError, AirflowFailException):
    """
    Data in S3 does not fit the dataset, and a retry would find the same.

    :param summary: What was found, as JSON primitives.
    """

    def __init__(self, message: str, summary: Mapping[str, Any]) -> None:
        self.summary = dict(summary)
        super().__init__(message)


class DataNotReadableError(PersonalizeError):
    """Data in S3 cannot be read with Airflow's AWS connection, or it changed meanwhile."""


class GateFailedError(PersonalizeError, AirflowFailException):
    """
    The metrics of a version are not as good as required, or one that is required is missing; nothing was deployed.

    :param failures: What is not met, each with wanted, found and live.
    """

    def __init__(self, what: str, failures: Sequence[object]) -> None:
        self.failures = list(failures)
        listed = "".join(f"\n  - {failure}" for failure in failures)
        super().__init__(f"The {what} does not pass the gate, with {_count(failures, 'failure')}:{listed}")


class PromotionFailedError(PersonalizeError, AirflowFailException):
    """What was deployed failed, and the version before it is live; a retry would only deploy it again."""


class RollbackFailedError(PersonalizeError):
    """What was deployed failed, and the version before it is not live. A retry tries to roll back again."""


class VersionUnknownError(PersonalizeError, AirflowFailException):
    """Which version to compare with, or to return to, cannot be told; nothing was deployed."""


class TooFewRecommendationsError(PersonalizeError):
    """What was deployed recommends fewer items than it must."""

    def __init__(self, request: Mapping[str, Any], found: Sequence[Mapping[str, Any]], least: int) -> None:
        self.found = list(found)
        items = ", ".join(item["itemId"] for item in found)
        got = _count(found, "recommendation")
        super().__init__(f"Got {got}, expected at least {least}: [{items}]. The request was {dict(request)}")


class VersionsNotComparableError(PersonalizeError):
    """
    Solution versions cannot be compared: one is not ACTIVE, or lacks the metrics.

    :param problems: The reason for each of them.
    :param excludable: Whether the operator can be told to leave some of them out.
    """

    def __init__(self, problems: Mapping[str, str], *, excludable: bool = False) -> None:
        self.problems = dict(problems)
        listed = "".join(f"\n  - {name}: {reason}" for name, reason in problems.items())
        advice = '\nTo leave out those that are not ACTIVE or have no metrics, set if_unusable="exclude".'
        count = _count([*problems], "solution version")
        super().__init__(f"{count} cannot be compared:{listed}{advice if excludable else ''}")


class WaitTimeoutError(PersonalizeError):
    """The time limit ran out before the wait was over."""


class IncompleteAnswerError(PersonalizeError):
    """The service answered without the resource that was asked for."""


def _count(items: Sequence[object], noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"
