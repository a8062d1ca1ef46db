"""Attach what a task did to the events of the assets in its ``outlets``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from airflow_provider_personalize._compat import IS_AIRFLOW_2, AssetAlias
from airflow_provider_personalize.assets import asset_type_of, personalize_asset
from airflow_provider_personalize.goals import GONE, UPDATED
from airflow_provider_personalize.outcome import EXTRA_KEY, bounded, facts_of
from airflow_provider_personalize.redaction import redact
from airflow_provider_personalize.resources import RESOURCE_TYPES, SOLUTION_VERSION, ResourceType

if TYPE_CHECKING:
    from airflow.utils.context import Context

    from airflow_provider_personalize.task import PersonalizeTask

# What an asset alias stands for where the task's own resource is no asset, such as a job: the first that is known
_INSTEAD: Final = ("dataset_arn", "dataset_group_arn")


class Ended(NamedTuple):
    """
    How a task ended well.

    :param result: What it returned.
    :param known: Facts that no description has.
    """

    result: Any
    known: Mapping[str, Any]


def facts(task: PersonalizeTask, context: Context) -> dict[str, Any]:
    """
    Return the facts of a task that has succeeded. Read the service once; what cannot be read is left out.

    :return: What ``outcome.facts_of`` returns, with ``operation``, ``changed`` and what else the task knows. Empty for
        a dry run.
    """
    if task.ended is None:
        return {}
    if task.facts is None:
        task.facts = _read(task, task.ended, context)
    return task.facts


def attach(task: PersonalizeTask, context: Context) -> None:
    """Attach the facts to the events of all assets in the task's outlets. No error gets out: the work is done."""
    for outlet in task.outlets if "outlet_events" in context else ():
        try:
            _attach_to(outlet, task, context)
        except Exception as error:  # noqa: BLE001 - a failure would have the task do its work again
            said = redact(f"{type(error).__name__}: {error}")
            task.log.warning("The event of %r lacks what happened: %s", outlet, said)


def _attach_to(outlet: Any, task: PersonalizeTask, context: Context) -> None:
    try:
        events = context["outlet_events"][outlet]
    except TypeError:  # it is no asset
        return
    if not (found := facts(task, context)):
        return
    if isinstance(outlet, AssetAlias):
        _let_stand_for(events, task, found)
    else:
        # what the user has put there stays
        events.extra = {EXTRA_KEY: found, **events.extra}


def _let_stand_for(events: Any, task: PersonalizeTask, found: Mapping[str, Any]) -> None:
    """Let an asset alias stand for what the task made, unless the user lets it stand for something."""
    instead = (found.get(key) or getattr(task, key, None) for key in _INSTEAD)
    arn = next(filter(asset_type_of, (found.get("arn"), *instead)), None)
    is_gone = found.get("status", "") is None
    has_events = events.dataset_alias_events if IS_AIRFLOW_2 else events.asset_alias_events
    if arn and not is_gone and not has_events:
        # Airflow 2 takes no structures here
        events.add(personalize_asset(arn), extra=None if IS_AIRFLOW_2 else {EXTRA_KEY: dict(found)})


def _read(task: PersonalizeTask, ended: Ended, context: Context) -> dict[str, Any]:
    known = {"operation": getattr(task, "operation", None), **ended.known}
    resource_type, arn = next(_subjects(task, ended.result), (None, ""))
    # what the service knows under the ARN of what is gone is another resource
    is_gone = getattr(task, "goal", None) == GONE and getattr(task, "wait_for_completion", True)
    description: Mapping[str, Any] | None = None if is_gone else {}
    try:
        if resource_type and not is_gone:
            description = task.hook.find(resource_type, arn)
        known |= task.further_facts(context, description)
        is_trained = resource_type == SOLUTION_VERSION and (description or {}).get("status") in SOLUTION_VERSION.ready
        if is_trained and "metrics" not in known:
            known["metrics"] = task.hook.call("get_solution_metrics", solutionVersionArn=arn).get("metrics")
    except Exception as error:  # noqa: BLE001 - what is known is told
        task.log.warning("What happened is not fully known: %s", redact(f"{type(error).__name__}: {error}"))
    if resource_type is None:
        return bounded({key: value for key, value in known.items() if value is not None})
    was_updated = getattr(task, "goal", None) == UPDATED and known.get("changed", True)
    return facts_of(resource_type, arn, description, was_updated=was_updated, **known)


def _subjects(task: PersonalizeTask, result: Any) -> Iterator[tuple[ResourceType, str]]:
    """Find what a task is about: of its own resource type where it returns or was given that, else anything."""
    from airflow_provider_personalize.coercion import parse

    own: ResourceType | None = getattr(task, "resource_type", None)
    given = [getattr(task, member) for member in task.members if member.endswith("_arn")]
    arns = [parse("string", value) for value in (result, *given) if isinstance(value, str)]
    for resource_type in (*filter(None, [own]), *RESOURCE_TYPES.values()):
        yield from ((resource_type, arn) for arn in arns if resource_type.is_arn(arn))
