"""
The Airflow plugin that loads the operators once, in the process that all DAG files are read in forks of.

Airflow reads each DAG file in a fork of its DAG processor (of its scheduler, in Airflow 2), and a fork has what its
parent has imported. So a DAG file that uses this package is read as fast as one that does not. Other processes load
nothing by this.
"""

from __future__ import annotations

import importlib
import logging
from typing import Any, Final

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

_ROOMS: Final = ("airflow_provider_personalize.operators", "airflow_provider_personalize.sensors")
_log: Final = logging.getLogger(__name__)


class Preload:
    """Hears from Airflow what a process is for."""

    def __init__(self) -> None:
        self.runs_a_task = False

    @hookimpl  # type: ignore[untyped-decorator]
    def on_starting(self, component: Any) -> None:
        """Load the operators where a job of Airflow's own begins, and not a task's: in Airflow 2 it has a job too."""
        self.runs_a_task |= not hasattr(component, "job_type")
        if self.runs_a_task:
            return
        try:
            for room in _ROOMS:
                importlib.import_module(room)
        except Exception:  # noqa: BLE001 - Airflow must start, whatever is wrong here
            _log.exception("%s could not be loaded; DAG files that use it will say so too", room)


class PersonalizePlugin(AirflowPlugin):
    """Registers :class:`Preload` with Airflow."""

    name = "personalize"
    listeners = [Preload()]  # noqa: RUF012 - as Airflow reads it
