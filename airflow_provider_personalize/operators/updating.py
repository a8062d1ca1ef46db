"""Update a resource, and wait until this very update is ACTIVE."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from airflow_provider_personalize.goals import UPDATED, Goal
from airflow_provider_personalize.operators.base import WaitingOperator
from airflow_provider_personalize.resources import CAMPAIGN, SOLUTION_VERSION

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import WaitingOptions
    from airflow_provider_personalize.plans.steps import Memory, Step


class UpdateOperator(WaitingOperator):
    """
    Update a resource whose description shows its latest update.

    The task ends only once its own update is shown there, so that a sensor that comes after cannot take an earlier
    update's ACTIVE for this one's. The service names no update, so an update is this one if it is newer than what was
    shown before the call and has the same content. A newer one with other content is another writer's: for a minute
    this one may still become visible; after that it was superseded, which is an error unless what was asked for is in
    effect and stays so. Where no newer update becomes visible within a minute and the resource was as wanted before the
    call, too, the service had nothing to do. That reads lag behind writes by a minute at most is assumed: a forced
    update (``if_unchanged="update"``) that becomes visible later than that and then fails is not seen.

    An update that would change nothing is not sent; what another writer has changed and no read shows yet cannot be
    seen then. A structure that the service replaces is compared as a whole: what it leaves out must not be set; a
    documented default counts as not set. Another writer's update in progress is waited for first. One in progress with
    the content of this one is taken for this one, and so is, in a retry, one that was made since the run began: a retry
    after a crash does not send it twice. It waits a minute before it sends, so that reads are consistent. Where Airflow
    has a task state store (3.3 and newer), a retry takes only what was made since an earlier attempt of this task
    instance called: not the update of another task, or of the loop iteration before.

    :param if_unchanged: What to do where the resource is as wanted already: ``"skip"`` sends nothing and succeeds,
        ``"update"`` sends the update all the same.
    :return: The ARN. Also in XCom, as ``solution_update`` or likewise for another resource type: the update's
        ``creationDateTime`` (None where nothing had to change), its content, and whether this task ``sent`` it.
    :raises ResourceFailedError: The update, or the resource itself, failed; with the service's reason.
    :raises UpdateReplacedError: A later update by someone else replaced this one before its outcome was seen, and the
        resource is not as requested.
    """

    goal: ClassVar[Goal] = UPDATED
    #: What the log says of a resource to which nothing is sent.
    unchanged: ClassVar[str] = "is as wanted already"
    #: Whether the service may find nothing to do where all that is named is so, whatever becomes of what is left out.
    keeps_unnamed: ClassVar[bool] = False
    #: Whether the service updates a resource whose creation failed, too.
    repairs_failed: ClassVar[bool] = False

    def __init__(self, *, if_unchanged: Literal["skip", "update"] = "skip", **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        if if_unchanged not in ("skip", "update"):
            raise ValueError(f"if_unchanged is {if_unchanged!r}: allowed are 'skip', 'update'")
        self.if_unchanged = if_unchanged

    def next_step(self, context: Context, memory: Memory) -> Step:
        """Observe the resource, and return the next step of the update."""
        from airflow_provider_personalize import clock
        from airflow_provider_personalize.plans import update
        from airflow_provider_personalize.plans.meanings import ObservedResource, meaning_of, solution_to_list

        wanted = self.wanted(
            update.Update,
            meaning=meaning_of(self.resource_type),
            unchanged=self.unchanged,
            is_forced=self.if_unchanged == "update",
            keeps_unnamed=self.keeps_unnamed,
            repairs_failed=self.repairs_failed,
            delay=self.waiter_delay,
        )
        if step := self.until_version_usable(wanted.request, memory):
            return step
        found = self.hook.describe(self.resource_type, wanted.arn)
        self.show_link(context, found)
        solution = solution_to_list(wanted.content, found) if self.resource_type == CAMPAIGN else None
        versions = list(self.hook.list_all(SOLUTION_VERSION, solutionArn=solution)) if solution else ()
        observed = ObservedResource(found, **self.known(context, memory, wanted.arn), versions=versions)
        return update.next_step(wanted, observed, memory, clock.now())
