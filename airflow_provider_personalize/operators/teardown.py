"""Delete a dataset group, alone or with all that belongs to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.aws_errors import is_in_use, is_not_found, is_transient
from airflow_provider_personalize.coercion import parse
from airflow_provider_personalize.exceptions import InvalidRequestError
from airflow_provider_personalize.operators.deleting import DeleteOperator
from airflow_provider_personalize.operators.teardown_plan import Inventory, Stage, Step, plan
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
    RESOURCE_TYPES,
    SCHEMA,
    SOLUTION,
    SOLUTION_VERSION,
    ResourceType,
)
from airflow_provider_personalize.status import IN_PROGRESS, SETTLED, WaitCondition, is_being_deleted, iso

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import WaitingOptions

#: What the key of a tag begins with that notes a schema on the group.
_TAG: Final = "airflow:schema-"
#: Seconds after which a cascade gives up: jobs that it waits for may take hours.
_LIMIT: Final = 6 * 60 * 60
_IN_GROUP: Final = (SOLUTION, RECOMMENDER, EVENT_TRACKER, METRIC_ATTRIBUTION, FILTER, DATASET)


class DeleteDatasetGroupOperator(DeleteOperator):
    """
    Delete a dataset group, alone or with all that belongs to it, and go on when it is gone. There is no way back.

    Calls ``DeleteDatasetGroup`` (https://docs.aws.amazon.com/personalize/latest/dg/API_DeleteDatasetGroup.html), which
    the service refuses while anything is in the group. With ``cascade``, that goes first, in the order that the service
    asks for (https://docs.aws.amazon.com/personalize/latest/dg/deleting-resources.html): automatic training is turned
    off, trainings are stopped (what they took so far is charged), jobs under way are waited for; then campaigns,
    recommenders, solutions, event trackers, metric attributions, filters, datasets, and the group. What belongs to
    another group is never touched.

    Schemas belong to no group. Those of the group's datasets go too, unless a dataset of another group uses them. They
    go before the group and not after it: until then tags on the group, whose keys begin with ``airflow:schema-``, keep
    which they are, so that a crash leaves nothing behind.

    What is to be done is planned anew from what exists after each wait, so that a retry goes on wherever an earlier try
    ended, and what somebody adds meanwhile goes too. ``wait_for_completion=False`` leaves out the last wait only, for
    the group itself. A cascade gives up after six hours, unless ``timeout`` says otherwise.

    :param dataset_group_arn: The ARN of the dataset group. One that does not exist is deleted already. (templated)
    :param cascade: Whether to delete all that belongs to it, too. (templated)
    :param dry_run: Whether to change nothing, and return what would be done. (templated)
    :return: The ARN. With ``dry_run``, the steps in their order: ``[{"action": "delete", "kind": "campaign", "arn":
        …}, …]``; the other actions are ``"wait for"``, ``"turn off automatic training"``, ``"stop"`` and ``"note the
        schemas"``.
    :raises InvalidRequestError: Parameters are wrong; nothing was sent.
    :raises botocore.exceptions.ClientError: ``ResourceInUseException``, where something is in the group and ``cascade``
        is not set.
    :raises WaitTimeoutError: It is not gone in time, with the status seen last.
    """

    operation = "DeleteDatasetGroup"
    resource_type = DATASET_GROUP
    template_fields = (DATASET_GROUP.arn_parameter, "cascade", "dry_run", *DeleteOperator.template_fields)

    def __init__(
        self,
        *,
        dataset_group_arn: str,
        cascade: bool | str = False,
        dry_run: bool | str = False,
        **kwargs: Unpack[WaitingOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.dataset_group_arn = dataset_group_arn
        self.cascade = cascade
        self.dry_run = dry_run

    @property
    def default_limit(self) -> float:
        """For how many seconds it waits where no ``timeout`` is given."""
        return _LIMIT if self._is_on("cascade") else super().default_limit

    def go_on(self, context: Context, deadline: float) -> Any:
        """Do what is to be done next, by what there is now, until the group is gone; or only tell it."""
        if self._is_on("dry_run"):
            return self._tell(context)
        if not self._is_on("cascade"):
            return super().go_on(context, deadline)
        self.request()
        before: Stage = []
        while group := self._find(context):
            pause = self.wait(self.arn, SETTLED)
            stage = self._stages(group)[0]
            self._carry_out(stage)
            under_way = self._first_under_way(stage)
            if stage[0].kind == DATASET_GROUP.name and stage[0].goal == self.goal:
                if self.wait_for_completion:
                    self.wait_until(self.wait(self.arn, created=iso(group.get("creationDateTime"))), deadline)
                return self.arn
            if under_way:
                wait, seen = under_way
                self.wait_out(wait, deadline, seen)
            elif stage == before:  # what was done is not shown yet
                self.wait_out(pause, deadline, f"{stage[0].action} {stage[0].arn}")
            before = stage
        return self.arn

    def may_pass(self, error: Exception) -> bool:
        """Tell whether what went wrong may be over by itself: in a cascade, what is in the way of a deletion, too."""
        return super().may_pass(error) or (is_in_use(error) and self._is_on("cascade"))

    def _is_on(self, switch: str) -> bool:
        """Read a switch, which a template may have left as a text: any text is true to Python."""
        value = parse("boolean", getattr(self, switch))
        if isinstance(value, bool):
            return value
        raise InvalidRequestError(self.operation, [f"{switch} is {value!r}: allowed are True and False"])

    def _tell(self, context: Context) -> list[dict[str, str]]:
        """Log and return what would be done."""
        self.request()
        group = self._find(context)
        stages = self._stages(group) if group else []
        steps = [{"action": step.action, "kind": step.kind, "arn": step.arn} for stage in stages for step in stage]
        for step in steps:
            self.log.info("It would %s: %s %s", step["action"], step["kind"], step["arn"])
        return steps

    def _find(self, context: Context) -> dict[str, Any] | None:
        group = self.find_meant()
        if group:
            self.show_link(context, group)
        return group

    def _stages(self, group: dict[str, Any]) -> list[Stage]:
        if not self._is_on("cascade") or is_being_deleted(DATASET_GROUP, group):
            return plan(Inventory(group))
        return plan(self._inventory(group))

    def _carry_out(self, stage: Stage) -> None:
        for step in stage:
            self.log.info("%s: %s %s", step.action, RESOURCE_TYPES[step.kind].title, step.arn)
            self._do(step)

    def _do(self, step: Step) -> None:
        resource_type = RESOURCE_TYPES[step.kind]
        try:
            if step.action == "delete":
                self.hook.ask(f"delete_{resource_type.name}", **{resource_type.arn_member: step.arn})
            elif step.action == "turn off automatic training":
                self.hook.ask("update_solution", solutionArn=step.arn, performAutoTraining=False)
            elif step.action == "stop":
                self.hook.stop_training(step.arn)
            elif step.action == "note the schemas":
                self._note_schemas()
        except Exception as error:
            if not is_not_found(error):
                self.note_unanswered(error)
                raise
            self.log.info("Something else deleted the %s meanwhile", resource_type.short(step.arn))

    def _first_under_way(self, stage: Stage) -> tuple[WaitCondition, str] | None:
        """Find the first of a stage that is to be waited for, and how far it is."""
        waits = [WaitCondition(step.kind, step.arn, step.goal) for step in stage if step.goal]
        looks = ((wait, self._look(wait)) for wait in waits)
        return next(((wait, seen) for wait, seen in looks if seen), None)

    def _look(self, wait: WaitCondition) -> str:
        try:
            verdict = self.hook.poll(wait)
        except Exception as error:
            if not is_not_found(error):
                raise
            return ""  # it went meanwhile, with what it belongs to
        return str(verdict) if verdict.outcome == IN_PROGRESS else ""

    def _inventory(self, group: Mapping[str, Any]) -> Inventory:
        """Look at all that belongs to the group."""
        things = {resource_type.name: list(self._of_group(resource_type)) for resource_type in _IN_GROUP}
        solutions = [solution["solutionArn"] for solution in things["solution"]]
        datasets = [dataset["datasetArn"] for dataset in things["dataset"]]
        listed = self._listed
        things["campaign"] = [campaign for arn in solutions for campaign in self._of_solution(arn)]
        things["solution_version"] = [each for arn in solutions for each in listed(SOLUTION_VERSION, solutionArn=arn)]
        things["data_deletion_job"] = list(listed(DATA_DELETION_JOB, datasetGroupArn=self.arn))
        for resource_type in (DATASET_IMPORT_JOB, DATASET_EXPORT_JOB):
            things[resource_type.name] = [each for arn in datasets for each in listed(resource_type, datasetArn=arn)]
        for resource_type in (BATCH_INFERENCE_JOB, BATCH_SEGMENT_JOB) if solutions else ():
            things[resource_type.name] = [each for each in listed(resource_type) if _solution_of(each) in solutions]
        noted = self._noted_schemas()
        schemas = self._schemas(things["dataset"], noted)
        self.carried["schemas"] = schemas
        return Inventory(group, things, schemas, noted, self._used_elsewhere() & {*schemas} if schemas else ())

    def _listed(self, resource_type: ResourceType, **parameters: str) -> list[dict[str, Any]]:
        """List what belongs to something; nothing where that went meanwhile."""
        try:
            return list(self.hook.list_all(resource_type, **parameters))
        except Exception as error:
            if not is_not_found(error):
                raise
            return []

    def _of_group(self, resource_type: ResourceType) -> Iterator[dict[str, Any]]:
        """Describe all of a kind that say themselves that they are in the group."""
        for summary in self.hook.list_all(resource_type, datasetGroupArn=self.arn):
            found = self.hook.find(resource_type, summary[resource_type.arn_member])
            if found and found["datasetGroupArn"] == self.arn:
                yield found

    def _of_solution(self, arn: str) -> Iterator[dict[str, Any]]:
        for summary in self._listed(CAMPAIGN, solutionArn=arn):
            found = self.hook.find(CAMPAIGN, summary[CAMPAIGN.arn_member])
            if found and _solution_of(found) == arn:
                yield found

    def _schemas(self, datasets: list[dict[str, Any]], noted: set[str]) -> list[str]:
        """List the schemas that the group's datasets have or had, as far as they exist."""
        in_use = {dataset["schemaArn"] for dataset in datasets}
        others = noted | {*self.carried.get("schemas", ())}
        return sorted(in_use | {arn for arn in others - in_use if self.hook.find(SCHEMA, arn)})

    def _used_elsewhere(self) -> set[str]:
        """List the schemas that datasets of other groups have, or are about to have."""
        used = set()
        for group in self.hook.list_all(DATASET_GROUP):
            others = group["datasetGroupArn"] != self.arn
            for summary in self._listed(DATASET, datasetGroupArn=group["datasetGroupArn"]) if others else ():
                dataset = self.hook.find(DATASET, summary["datasetArn"]) or {}
                update = dataset.get(DATASET.update_member) or {}
                used |= {dataset.get("schemaArn"), update.get("schemaArn")}
        return {arn for arn in used if arn}

    def _noted_schemas(self) -> set[str]:
        """Read which schemas the group keeps, and which this task does because the group could not."""
        noted = {*self.carried.get("noted", ())}
        try:
            tags = self.hook.ask("list_tags_for_resource", resourceArn=self.arn).get("tags", [])
        except Exception as error:
            if is_transient(error):
                raise
            self.log.warning("%s: the tags, which may keep schemas to delete, cannot be read", error)
            return noted
        kept = {tag["tagValue"] for tag in tags if tag["tagKey"].startswith(_TAG)}
        return noted | {arn for arn in kept if SCHEMA.is_arn(arn)}

    def _note_schemas(self) -> None:
        """Keep the schemas on the group: from the first deletion of a dataset on, nothing else tells them."""
        schemas = self.carried["schemas"]
        tags = [{"tagKey": f"{_TAG}{arn.rpartition('/')[2]}", "tagValue": arn} for arn in schemas]
        try:
            self.hook.ask("tag_resource", resourceArn=self.arn, tags=tags)
        except Exception as error:
            if is_transient(error) or is_in_use(error):
                raise
            self.log.warning(
                "%s: the schemas cannot be noted as tags. If this task is interrupted, delete them by hand: %s",
                error,
                ", ".join(schemas),
            )
        self.carried["noted"] = schemas


def _solution_of(thing: Mapping[str, Any]) -> str:
    """Tell the solution by the version that something was made of."""
    return str(thing["solutionVersionArn"]).rpartition("/")[0]
