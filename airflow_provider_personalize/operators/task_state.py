"""Airflow's task state store (3.3 and newer), and what tells one task instance from all others."""

from __future__ import annotations

from collections.abc import Mapping
from logging import Logger
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.utils.context import Context


class TaskState:
    """
    The task state store of a task instance, and of a loop iteration. One that fails is no reason for the task to fail.

    :param context: Airflow's context of the task instance.
    :param log: Where to say that the store failed.
    """

    def __init__(self, context: Context | Mapping[str, Any], log: Logger) -> None:
        self._context = context
        self._log = log

    def get(self, key: str) -> str | None:
        """Return what the store has; empty where that is nothing, None where no store answers."""
        try:
            store: Any = self._context.get("task_state_store")
            return None if store is None else str(store.get(key) or "")
        except Exception as error:  # noqa: BLE001 - whatever the store's backend raises
            self._log.warning("The task state store does not answer; continuing without it: %s", error)
            return None

    def recall(self, key: str) -> str | None:
        """Return what an earlier attempt put into the store, as :meth:`get` does; None if the store refuses writes."""
        value = self.get(key)
        return None if value == "" and not self.set(key, "") else value

    def set(self, key: str, value: str) -> bool:
        """Put something into the store; return whether it was not refused."""
        try:
            store: Any = self._context.get("task_state_store")
            if store is not None:
                store.set(key, value)
        except Exception as error:  # noqa: BLE001 - whatever the store's backend raises
            self._log.warning(
                "The task state store does not keep %r as %r; a later attempt will not know of it: %s",
                *(key, value, error),
            )
            return False
        return True


def identity_of(context: Context) -> str:
    """
    Return what tells a task instance from all others.

    It is the same in each of its attempts, and another in each run, mapped instance and iteration of a task loop.
    Airflow (3.4 and newer) tells the iteration in the context's ``loop``: ``ti.region_index`` is the map index where a
    task is mapped inside a loop, and ``ti.region_id`` is another after the loop was cleared.
    """
    ti, loop = context["ti"], context.get("loop")
    iteration = () if loop is None else (f"loop {loop.index}",)
    return "/".join(map(str, (ti.dag_id, ti.task_id, ti.run_id, ti.map_index, *iteration)))
