"""What sensors return: the ARN of what they waited for."""

from __future__ import annotations

import pytest
from every_task import STEPS

from airflow_provider_personalize import sensors
from airflow_provider_personalize.sensors import AutomaticSolutionVersionSensor


@pytest.mark.parametrize("deferrable", [False, True], ids=["poked", "deferred"])
def test_every_sensor_returns_the_arn_that_it_was_given(life, deferrable):
    """But for the one that finds a version, whose ARN nobody knows before."""
    for name, given in STEPS:
        sensor = getattr(sensors, name, None)
        wanted = life.resolved(given)
        run = life.do(name, given, **({"deferrable": deferrable} if sensor else {}))
        if sensor and sensor is not AutomaticSolutionVersionSensor:
            (arn,) = [value for parameter, value in wanted.items() if parameter.endswith("_arn")]
            assert life.results[f"<{name}>"] == arn
            assert len(run.deferrals) <= deferrable
