"""Wait for Amazon Personalize in Airflow's triggerer, for tasks and, from Airflow 3 on, for assets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_personalize.lazy import lazy_exports

if TYPE_CHECKING:
    from airflow_provider_personalize.triggers.personalize import (
        PersonalizeTrigger as PersonalizeTrigger,
        SolutionUpdateTrigger as SolutionUpdateTrigger,
    )
    from airflow_provider_personalize.triggers.watching import (
        ResourceFailureTrigger as ResourceFailureTrigger,
        ResourceUpdateTrigger as ResourceUpdateTrigger,
        SolutionVersionTrigger as SolutionVersionTrigger,
    )

_MODULES = {
    "PersonalizeTrigger": "personalize",
    "ResourceFailureTrigger": "watching",
    "ResourceUpdateTrigger": "watching",
    "SolutionUpdateTrigger": "personalize",
    "SolutionVersionTrigger": "watching",
}
__all__ = list(_MODULES)
__getattr__, __dir__ = lazy_exports(__name__, _MODULES)
