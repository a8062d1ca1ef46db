"""Event trackers: https://docs.aws.amazon.com/personalize/latest/dg/API_CreateEventTracker.html."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.emulated_types import Members


def _digest(backend: Backend, request: Mapping[str, Any]) -> str:
    seed = f"{backend.account_id} {backend.region_name} {request.get('datasetGroupArn')} {backend.created}"
    return hashlib.sha256(seed.encode()).hexdigest()


def path(backend: Backend, request: Mapping[str, Any]) -> str:
    """Return the path in a tracker's ARN: eight hex digits, not its name."""
    return _digest(backend, request)[:8]


def complete(backend: Backend, request: Mapping[str, Any]) -> Members:
    """Add the tracking id, which events are sent with."""
    tracking_id = str(uuid.UUID(_digest(backend, request)[:32]))
    return {**request, "trackingId": tracking_id, "accountId": backend.account_id}
