"""
An optional Airflow plugin that makes DAG files parse faster.

Airflow parses each DAG file in a fork of its DAG processor (in Airflow 2, of its scheduler), and a fork has all
modules that its parent has imported. The plugin imports the operators and sensors in that parent, once. Other
processes import nothing more. To use it, put a file in Airflow's plugins folder::

    from airflow_provider_personalize.preload import PersonalizePlugin
"""

from __future__ import annotations

import logging
from typing import Any, Final

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

_log: Final = logging.getLogger(__name__)


class Preload:
    """The listener that Airflow tells what a process is for."""

    def __init__(self) -> None:
        self.runs_a_task = False

    @hookimpl  # type: ignore[untyped-decorator]
    def on_starting(self, component: Any) -> None:
        """Import operators and sensors when an Airflow job starts, but not where a task runs: a job in Airflow 2."""
        self.runs_a_task |= not hasattr(component, "job_type")
        if self.runs_a_task:
            return
        try:
            from airflow_provider_personalize import operators, sensors

            for package in (operators, sensors):
                for name in package.__all__:
                    getattr(package, name)
        except Exception:  # noqa: BLE001 - Airflow must start, whatever is wrong here
            _log.exception("Operators and sensors could not be imported; DAG files that use them report the error, too")


class PersonalizePlugin(AirflowPlugin):
    """The plugin that registers :class:`Preload` with Airflow."""

    name = "personalize"
    listeners = [Preload()]  # noqa: RUF012 - as Airflow reads it
