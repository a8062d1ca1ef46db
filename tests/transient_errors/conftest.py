"""Time that passes at once, for Airflow's own sensors too."""

from __future__ import annotations

import sys
from datetime import datetime, timezone

import pytest

from airflow_provider_personalize._compat import BaseSensorOperator


@pytest.fixture(autouse=True)
def _airflow_does_not_sleep(passing_time, monkeypatch):
    """Airflow's own poke loop sleeps too, and keeps its own time."""
    module = sys.modules[BaseSensorOperator.__module__]
    fake = {"sleep": passing_time.sleep, "monotonic": passing_time.monotonic}
    monkeypatch.setattr(module, "time", type("time", (), fake))
    utcnow = lambda: datetime.fromtimestamp(passing_time.time(), timezone.utc)  # noqa: E731
    monkeypatch.setattr(module, "timezone", type("timezone", (), {"utcnow": staticmethod(utcnow)}))
