"""
Assets: a URI for what Amazon Personalize keeps, made of its ARN.

``arn:aws:personalize:us-east-1:123456789012:campaign/shop`` is ``personalize://aws/us-east-1/123456789012/campaign/shop``.
Airflow compares URIs as text; so there is one for each resource, and what is no such URI is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.redaction import redact
from airflow_provider_personalize.resources import (
    CAMPAIGN,
    DATASET,
    DATASET_GROUP,
    FILTER,
    RECOMMENDER,
    SOLUTION,
    SOLUTION_VERSION,
    ResourceType,
)

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from airflow_provider_personalize._compat import Asset

SCHEME: Final = "personalize"
#: What is an asset: what stays and is used by others. A job is not, but what it imports into or writes is.
ASSET_TYPES: Final[tuple[ResourceType, ...]] = (
    DATASET_GROUP,
    DATASET,
    SOLUTION,
    SOLUTION_VERSION,
    CAMPAIGN,
    RECOMMENDER,
    FILTER,
)
_ARN: Final = re.compile("arn:([^:/]+):personalize:([^:/]+):([^:/]+):(.+)")
_URI: Final = re.compile(rf"{SCHEME}://([^:/]+)/([^:/]+)/([^:/]+)/(.+)", re.IGNORECASE)
_FORM: Final = "personalize://aws/us-east-1/123456789012/campaign/shop"
_TITLES: Final = f"{', '.join(f'a {each.title}' for each in ASSET_TYPES[:-1])} or a {ASSET_TYPES[-1].title}"


def asset_type_of(arn: object) -> ResourceType | None:
    """Return the type of the resource that an ARN names; None if that is no asset."""
    return next((each for each in ASSET_TYPES if each.is_arn(arn)), None)


def uri_of(arn: str) -> str:
    """
    Return the URI of a resource.

    :param arn: The ARN of a dataset group, dataset, solution, solution version, campaign, recommender or filter.
    :raises ValueError: It is not one of these.
    """
    found = _ARN.fullmatch(arn) if asset_type_of(arn) else None
    if not found:
        text = f"arn is {redact(repr(arn))}: it must be the ARN of {_TITLES}"
        if "{{" in str(arn):
            text += ". Airflow reads assets when it parses the DAG file, so templates are not rendered: give the ARN \
itself, or let an AssetAlias in the outlets stand for what the task makes"
        raise ValueError(text)
    return f"{SCHEME}://{'/'.join(found.groups())}"


def arn_of(uri: str) -> str:
    """
    Return the ARN of the resource that a URI names.

    :param uri: A URI such as ``personalize://aws/us-east-1/123456789012/campaign/shop``.
    :raises ValueError: It is no such URI.
    """
    found = _URI.fullmatch(uri)
    arn = "arn:{}:personalize:{}:{}:{}".format(*found.groups()) if found else ""
    if not asset_type_of(arn):
        text = f"{redact(repr(uri))} is no URI of {_TITLES}, such as {_FORM}"
        raise ValueError(f"{text}: personalize_asset(arn) makes one of an ARN")
    return arn


def personalize_asset(arn: str, **parameters: Any) -> Asset:
    """
    Return the asset that stands for a resource, for ``outlets``, ``inlets`` and ``schedule``.

    On Airflow 2 it is a ``Dataset``. The name of the asset is its URI unless you give one; give the same name in every
    DAG.

    :param arn: The ARN of a dataset group, dataset, solution, solution version, campaign, recommender or filter. No
        template: Airflow reads assets when it parses the DAG file.
    :param parameters: Further parameters of Airflow's ``Asset``: ``extra`` and, from Airflow 3.0 on, ``name``,
        ``group`` and ``watchers``.
    :raises ValueError: It is no such ARN.
    """
    from airflow_provider_personalize._compat import Asset

    return Asset(uri=uri_of(arn), **parameters)


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """
    Return the one form of a URI: Airflow calls this for each asset of the scheme.

    The scheme, the partition and the region are in lower case.

    :raises ValueError: It is no URI of a resource.
    """
    parts = uri.path.split("/")
    path = "/".join([*parts[:1], *(part.lower() for part in parts[1:2]), *parts[2:]])
    sanitized = uri._replace(scheme=SCHEME, netloc=uri.netloc.lower(), path=path)
    arn_of(sanitized.geturl())
    return sanitized
