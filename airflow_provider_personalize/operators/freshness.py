"""Read what tells whether an import or a training would bring anything new; ``plans/freshness.py`` decides."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.plans.freshness import OBJECTS_TAG, ObservedData, ObservedImports
from airflow_provider_personalize.resources import (
    DATA_DELETION_JOB,
    DATASET,
    DATASET_IMPORT_JOB,
    EVENT_TRACKER,
    SOLUTION,
)

if TYPE_CHECKING:
    from airflow_provider_personalize.hooks import PersonalizeHook

#: Of a folder with more files, which take a hundred calls to list, it is not known whether it has changed.
MOST_FILES: Final = 100_000
_MOST_RESULTS: Final = 100


def observe_imports(hook: PersonalizeHook, s3: Any, request: Mapping[str, Any]) -> ObservedImports:
    """
    Read what is known of the imports into a dataset, and which objects an import would read.

    The objects are listed before the import: what changes later has another digest the next time.

    :param s3: A boto3 client.
    :param request: The request of the import.
    """
    objects = digest_of_objects(s3, request["dataSource"]["dataLocation"])
    dataset = hook.describe(DATASET, request["datasetArn"])
    jobs = list(hook.list_all(DATASET_IMPORT_JOB, datasetArn=request["datasetArn"], maxResults=_MOST_RESULTS))
    newest = max(jobs, key=_created, default=None)
    latest = latest_objects = None
    if newest:
        latest = hook.describe(DATASET_IMPORT_JOB, newest["datasetImportJobArn"])
        tags = hook.call("list_tags_for_resource", resourceArn=newest["datasetImportJobArn"]).get("tags", ())
        latest_objects = next((tag["tagValue"] for tag in tags if tag["tagKey"] == OBJECTS_TAG), None)
    deletions = list(hook.list_all(DATA_DELETION_JOB, datasetGroupArn=dataset["datasetGroupArn"]))
    return ObservedImports(
        objects=objects,
        dataset=dataset,
        jobs=jobs,
        latest=latest,
        latest_objects=latest_objects,
        deletions=deletions,
    )


def observe_data(hook: PersonalizeHook, solution_arn: str) -> ObservedData:
    """Read what the API tells of the data that a solution trains on."""
    solution = hook.describe(SOLUTION, solution_arn)
    group = {"datasetGroupArn": solution["datasetGroupArn"]}
    arns = [dataset["datasetArn"] for dataset in hook.list_all(DATASET, **group)]
    return ObservedData(
        solution=solution,
        datasets=[hook.describe(DATASET, arn) for arn in arns],
        imports=[
            job for arn in arns for job in hook.list_all(DATASET_IMPORT_JOB, datasetArn=arn, maxResults=_MOST_RESULTS)
        ],
        deletions=list(hook.list_all(DATA_DELETION_JOB, **group)),
        event_trackers=list(hook.list_all(EVENT_TRACKER, **group)),
    )


def digest_of_objects(s3: Any, location: str) -> str | None:
    """
    Return a digest of what an import would read: of the location, and the keys, ETags, sizes and dates of its files.

    The date is part of it so that a file that was replaced and put back counts as changed: the import may have read
    what was there in between.

    :param s3: A boto3 client.
    :return: The digest; None where there is no file, or there are too many.
    """
    from airflow_provider_personalize.hooks.s3 import list_files

    files = list_files(s3, location, MOST_FILES).files
    if not 0 < len(files) <= MOST_FILES:
        return None
    listed = sorted([file.key, file.etag, file.size, file.modified.isoformat()] for file in files)
    return f"sha256:{hashlib.sha256(json.dumps([location, listed]).encode()).hexdigest()}"


def _created(job: Mapping[str, Any]) -> float:
    created = job.get("creationDateTime")
    return created.timestamp() if isinstance(created, datetime) else float("inf")
