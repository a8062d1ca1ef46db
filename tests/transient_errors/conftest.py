"""The date that passes at once too, for Airflow's own sensors."""

from __future__ import annotations

import sys
from datetime import datetime, timezone

import pytest

from airflow_provider_personalize._compat import BaseSensorOperator


@pytest.fixture(autouse=True)
def _airflows_date_passes_too(passing_time, monkeypatch):
    """A rescheduled sensor counts by the date."""
    module = sys.modules[BaseSensorOperator.__module__]
    utcnow = lambda: datetime.fromtimestamp(passing_time.time(), timezone.utc)  # noqa: E731
    monkeypatch.setattr(module, "timezone", type("timezone", (), {"utcnow": staticmethod(utcnow)}))
