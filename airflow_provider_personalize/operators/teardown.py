"""Delete a dataset group, alone or with everything in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from logging import Logger
from typing import TYPE_CHECKING, Any, ClassVar, Final

from airflow_provider_personalize.operators.deleting import DeleteOperator
from airflow_provider_personalize.resources import (
    BATCH_INFERENCE_JOB,
    BATCH_SEGMENT_JOB,
    CAMPAIGN,
    DATA_DELETION_JOB,
    DATASET,
    DATASET_EXPORT_JOB,
    DATASET_GROUP,
    DATASET_IMPORT_JOB,
    EVENT_TRACKER,
    FILTER,
    METRIC_ATTRIBUTION,
    RECOMMENDER,
    SCHEMA,
    SOLUTION,
    SOLUTION_VERSION,
    ResourceType,
)

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.hooks import PersonalizeHook
    from airflow_provider_personalize.options import WaitingOptions
    from airflow_provider_personalize.plans.cascade import Inventory, ObservedGroup
    from airflow_provider_personalize.plans.steps import Memory, Step

#: Seconds after which a cascade gives up: jobs that it waits for may take hours.
CASCADE_TIMEOUT: Final = 6 * 60 * 60
_IN_GROUP: Final = (SOLUTION, RECOMMENDER, EVENT_TRACKER, METRIC_ATTRIBUTION, FILTER, DATASET)


class DeleteDatasetGroupOperator(DeleteOperator):
    """
    Delete a dataset group, alone or with everything in it, and wait until it is gone. This cannot be undone.

    Calls ``DeleteDatasetGroup`` (https://docs.aws.amazon.com/personalize/latest/dg/API_DeleteDatasetGroup.html), which
    the service refuses while anything is in the group. With ``cascade``, that goes first, in the order that the service
    asks for (https://docs.aws.amazon.com/personalize/latest/dg/deleting-resources.html): automatic training is turned
    off, trainings are stopped (what they took so far is charged), jobs in progress are waited for; then campaigns,
    recommenders, solutions, event trackers, metric attributions, filters, datasets, and the group. What belongs to
    another group is never touched.

    Schemas belong to no group. Those of the group's datasets go too, unless a dataset of another group uses them. They
    go before the group and not after it: until then tags on the group, whose keys begin with ``airflow:schema-``, keep
    which they are, so that a crash leaves nothing behind.

    The task plans again after each wait, from what exists then. So a retry continues where an earlier attempt ended,
    and what someone adds meanwhile is deleted, too. ``wait_for_completion=False`` leaves out the last wait only, for
    the group itself. A cascade gives up after six hours, unless ``timeout`` says otherwise.

    :param dataset_group_arn: The ARN of the dataset group. One that does not exist is deleted already. (templated)
    :param cascade: Whether to delete all that belongs to it, too. (templated)
    :return: The ARN. With ``dry_run``, all steps in their order: ``[{"action": "delete", "kind": "campaign", "arn":
        …}, …]``; the other actions are ``"wait for"``, ``"turn off automatic training"``, ``"stop"`` and ``"note the
        schemas"``.
    :raises botocore.exceptions.ClientError: ``ResourceInUseException``, where something is in the group and ``cascade``
        is not set.
    """

    operation = "DeleteDatasetGroup"
    resource_type = DATASET_GROUP
    not_in_request = frozenset({"cascade"})
    template_fields = (DATASET_GROUP.arn_parameter, "cascade", *DeleteOperator.common_fields)
    switches: ClassVar[Mapping[str, str]] = {"cascade": "cascade", **DeleteOperator.switches}

    def __init__(
        self,
        *,
        dataset_group_arn: str,
        cascade: bool | str = False,
        **kwargs: Unpack[WaitingOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.dataset_group_arn = dataset_group_arn
        self.cascade = cascade

    @property
    def default_timeout(self) -> float:
        """Seconds after which the task fails where no ``timeout`` is given."""
        return CASCADE_TIMEOUT if self.is_on("cascade") else super().default_timeout

    def next_step(self, context: Context, memory: Memory) -> Step:
        """Observe the group and, for a cascade, all that belongs to it; return the next step."""
        from airflow_provider_personalize import clock
        from airflow_provider_personalize.plans import cascade
        from airflow_provider_personalize.plans.steps import Wanted

        if not self.is_on("cascade"):
            return super().next_step(context, memory)
        wanted = self.wanted(Wanted)
        return cascade.next_step(wanted, self._observed(context, wanted.arn, memory), memory, clock.now())

    def planned(self, context: Context) -> list[dict[str, str]]:
        """Return all that the task would do, in order, from reads alone."""
        from airflow_provider_personalize.plans import cascade
        from airflow_provider_personalize.plans.steps import Memory, Wanted

        wanted = self.wanted(Wanted)
        actions = cascade.actions(wanted, self._observed(context, wanted.arn, Memory()))
        if not actions:
            self.log.warning("There is no %s: nothing is deleted", DATASET_GROUP.short(wanted.arn))
        return actions

    def _observed(self, context: Context, arn: str, memory: Memory) -> ObservedGroup:
        from airflow_provider_personalize.plans.cascade import ObservedGroup
        from airflow_provider_personalize.status import is_being_deleted

        found, inventory = self.hook.find(DATASET_GROUP, arn), None
        if found:
            self.show_link(context, found)
            if self.is_on("cascade") and not is_being_deleted(DATASET_GROUP, found):
                inventory = _Group(self.hook, arn, found, self.log).inventory(memory)
        return ObservedGroup(found, inventory=inventory)

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call an operation of the API, once. A training that ends before it is stopped is no error."""
        if operation != "StopSolutionVersionCreation":
            return super().call(operation, request)
        self.hook.stop_training(request["solutionVersionArn"])
        return {}


class _Group:
    """
    All that belongs to a dataset group, as read from the service.

    :param hook: The hook to read with.
    :param arn: The ARN of the group.
    :param found: Its description.
    :param log: Where to say that its tags cannot be read.
    """

    def __init__(self, hook: PersonalizeHook, arn: str, found: Mapping[str, Any], log: Logger) -> None:
        self.hook = hook
        self.arn = arn
        self.found = found
        self.log = log

    def inventory(self, memory: Memory) -> Inventory:
        """Read all that belongs to the group."""
        from airflow_provider_personalize.plans.cascade import Inventory

        resources = {each.name: list(self._of_group(each)) for each in _IN_GROUP}
        solutions = [solution["solutionArn"] for solution in resources["solution"]]
        datasets = [dataset["datasetArn"] for dataset in resources["dataset"]]
        listed = self._listed
        resources["campaign"] = [campaign for arn in solutions for campaign in self._campaigns_of(arn)]
        resources["solution_version"] = [
            version for arn in solutions for version in listed(SOLUTION_VERSION, solutionArn=arn)
        ]
        resources["data_deletion_job"] = list(listed(DATA_DELETION_JOB, datasetGroupArn=self.arn))
        for job in (DATASET_IMPORT_JOB, DATASET_EXPORT_JOB):
            resources[job.name] = [each for arn in datasets for each in listed(job, datasetArn=arn)]
        for job in (BATCH_INFERENCE_JOB, BATCH_SEGMENT_JOB) if solutions else ():
            resources[job.name] = [each for each in listed(job) if _solution_of(each) in solutions]
        noted = self._noted_schemas() | {*memory.noted_schemas}
        schemas = self._schemas(resources["dataset"], noted | {*memory.schemas})
        shared = self._used_elsewhere() & {*schemas} if schemas else set()
        return Inventory(self.found, resources, schemas, noted, shared)

    def _listed(self, resource_type: ResourceType, **parameters: str) -> list[dict[str, Any]]:
        """List what belongs to something; nothing where that went meanwhile."""
        from airflow_provider_personalize.aws_errors import is_not_found

        try:
            return list(self.hook.list_all(resource_type, **parameters))
        except Exception as error:
            if not is_not_found(error):
                raise
            return []

    def _of_group(self, resource_type: ResourceType) -> Iterator[dict[str, Any]]:
        """Describe all of a type that say themselves that they are in the group."""
        for summary in self.hook.list_all(resource_type, datasetGroupArn=self.arn):
            found = self.hook.find(resource_type, summary[resource_type.arn_member])
            if found and found["datasetGroupArn"] == self.arn:
                yield found

    def _campaigns_of(self, solution_arn: str) -> Iterator[dict[str, Any]]:
        for summary in self._listed(CAMPAIGN, solutionArn=solution_arn):
            found = self.hook.find(CAMPAIGN, summary[CAMPAIGN.arn_member])
            if found and _solution_of(found) == solution_arn:
                yield found

    def _schemas(self, datasets: list[dict[str, Any]], known: set[str]) -> list[str]:
        """List the schemas that the group's datasets have or had, as far as they exist."""
        in_use = {arn for dataset in datasets for arn in _schemas_of(dataset)}
        return sorted(in_use | {arn for arn in known - in_use if self.hook.find(SCHEMA, arn)})

    def _used_elsewhere(self) -> set[str]:
        """List the schemas that datasets of other groups have, or are about to have."""
        used = set()
        for group in self.hook.list_all(DATASET_GROUP):
            others = group["datasetGroupArn"] != self.arn
            for summary in self._listed(DATASET, datasetGroupArn=group["datasetGroupArn"]) if others else ():
                used |= _schemas_of(self.hook.find(DATASET, summary["datasetArn"]) or {})
        return used

    def _noted_schemas(self) -> set[str]:
        """Read which schemas the tags of the group keep."""
        from airflow_provider_personalize.aws_errors import is_transient
        from airflow_provider_personalize.plans.cascade import SCHEMA_TAG

        try:
            tags = self.hook.call("list_tags_for_resource", resourceArn=self.arn).get("tags", [])
        except Exception as error:
            if is_transient(error):
                raise
            self.log.warning("%s: the tags, which may keep schemas to delete, cannot be read", error)
            return set()
        kept = {tag["tagValue"] for tag in tags if tag["tagKey"].startswith(SCHEMA_TAG)}
        return {arn for arn in kept if SCHEMA.is_arn(arn)}


def _solution_of(resource: Mapping[str, Any]) -> str:
    """Return the ARN of the solution, by the version that something was made of."""
    return str(resource["solutionVersionArn"]).rpartition("/")[0]


def _schemas_of(dataset: Mapping[str, Any]) -> set[str]:
    """Return the schemas that a dataset has or is about to have; which of both it shows itself is not documented."""
    update = dataset.get(DATASET.update_member) or {}
    return {shown["schemaArn"] for shown in (dataset, update) if shown.get("schemaArn")}
