"""
What the pages of the operators say of each task, generated from the package's own tables.

``{tasks}`` lists the operators and sensors of the page's family, ``{policy}`` shows their IAM policy, ``{families}``
lists all families, and ``{example} FILE NAME`` shows what an example has between ``# [START NAME]`` and ``# [END
NAME]``. ``{charges}`` lists what is charged. A class that is in no family stops the build.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docutils import nodes
from sphinx.directives.code import LiteralInclude
from sphinx.util.docutils import SphinxDirective

from airflow_provider_personalize import operators, sensors
from airflow_provider_personalize.charges import charged
from airflow_provider_personalize.goals import poll_interval
from airflow_provider_personalize.operators.teardown import CASCADE_TIMEOUT
from airflow_provider_personalize.permissions import actions_of
from airflow_provider_personalize.resources import SCHEMA
from airflow_provider_personalize.status import WaitCondition

if TYPE_CHECKING:
    from sphinx.application import Sphinx

#: The tasks of each page in docs/operators, operators first.
FAMILIES: Final[dict[str, list[str]]] = {
    "solution-updates": ["UpdateSolutionOperator", "SolutionUpdateSensor"],
    "solutions": [
        "CreateSolutionOperator",
        "CreateSolutionVersionOperator",
        "StopSolutionVersionCreationOperator",
        "GetSolutionMetricsOperator",
        "CompareSolutionVersionsOperator",
        "SolutionSensor",
        "SolutionVersionSensor",
        "AutomaticSolutionVersionSensor",
        "StaleSolutionSensor",
    ],
    "datasets": [
        "CreateDatasetGroupOperator",
        "CreateSchemaOperator",
        "CreateDatasetOperator",
        "UpdateDatasetOperator",
        "EvolveDatasetSchemaOperator",
        "DatasetGroupSensor",
        "DatasetSensor",
        "DatasetUpdateSensor",
    ],
    "imports": [
        "CreateDatasetImportJobOperator",
        "CheckDatasetOperator",
        "CreateDatasetExportJobOperator",
        "CreateDataDeletionJobOperator",
        "DatasetImportJobSensor",
        "DatasetExportJobSensor",
        "DataDeletionJobSensor",
    ],
    "campaigns": [
        "CreateCampaignOperator",
        "UpdateCampaignOperator",
        "PromoteSolutionVersionOperator",
        "RollbackCampaignOperator",
        "GetRecommendationsOperator",
        "CampaignSensor",
        "CampaignUpdateSensor",
    ],
    "recommenders": [
        "CreateRecommenderOperator",
        "UpdateRecommenderOperator",
        "StopRecommenderOperator",
        "StartRecommenderOperator",
        "RecommenderSensor",
        "RecommenderUpdateSensor",
    ],
    "batch": [
        "CreateBatchInferenceJobOperator",
        "CreateBatchSegmentJobOperator",
        "BatchInferenceJobSensor",
        "BatchSegmentJobSensor",
    ],
    "events": [
        "CreateEventTrackerOperator",
        "PutEventsOperator",
        "PutItemsOperator",
        "PutUsersOperator",
        "PutActionsOperator",
        "PutActionInteractionsOperator",
        "EventTrackerSensor",
    ],
    "filters": ["CreateFilterOperator", "FilterSensor"],
    "metric-attributions": [
        "CreateMetricAttributionOperator",
        "UpdateMetricAttributionOperator",
        "MetricAttributionSensor",
    ],
    "deletion": [
        "DeleteDatasetGroupOperator",
        "DeleteCampaignOperator",
        "DeleteRecommenderOperator",
        "DeleteFilterOperator",
        "DeleteEventTrackerOperator",
        "DeleteMetricAttributionOperator",
        "DeleteSolutionOperator",
        "DeleteDatasetOperator",
        "DeleteSchemaOperator",
    ],
    "tags": ["TagResourceOperator", "UntagResourceOperator"],
}
PAGES: Final = Path(__file__).parents[1] / "operators"
#: Requests that are charged for, where not every request is.
_REQUESTS: Final = {"CreateSolution": {"performAutoTraining": True}, "UpdateSolution": {"performAutoTraining": True}}


def span(seconds: float) -> str:
    """Return a time in words."""
    for unit, length in (("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= length and seconds % length == 0:
            number = int(seconds // length)
            return f"{number} {unit}{'s' * (number > 1)}"
    raise ValueError(seconds)


#: What the time limit is besides.
_LONGER: Final = {
    "PromoteSolutionVersionOperator": " and the `bake_time`",
    "DeleteDatasetGroupOperator": f" ({span(CASCADE_TIMEOUT)} with `cascade`)",
}
_API: Final = "https://docs.aws.amazon.com/personalize/latest/dg/API_{}{}.html"
_PREFIXES: Final = {"personalize": "", "personalize-events": "UBS_", "personalize-runtime": "RS_"}
_REGION: Final = "arn:aws:personalize:REGION:ACCOUNT:"


def class_of(name: str) -> type[Any]:
    """Return an operator or a sensor."""
    return getattr(operators if name in operators.__all__ else sensors, name)


def reference(name: str) -> str:
    """Return a link to a class in the API reference, in Markdown."""
    return f"{{py:class}}`~{class_of(name).__module__}.{name}`"


def summary(name: str) -> str:
    """Return the first paragraph of a docstring."""
    text = (class_of(name).__doc__ or "").strip().partition("\n\n")[0]
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", " ".join(text.split())).replace("``", "`")


def awaited(task: type[Any]) -> str | None:
    """Return what a task waits for, in words."""
    goal, resource_type = getattr(task, "goal", None), getattr(task, "resource_type", None)
    if goal is None or resource_type is None or resource_type is SCHEMA:
        return None
    title, ready = resource_type.title, " or ".join(sorted(resource_type.ready))
    return {
        "ready": f"the {title} is {ready}",
        "updated": f"the update of the {title} is {ready}",
        "settled": f"the {title} is in a final status",
        "stopped": f"the {title} is {resource_type.stopped}",
        "started": f"the {title} is {ready}",
        "gone": f"the {title} is gone",
        "trained": f"a new version is {ready}",
        "later": None,
    }[goal]


def waiting(name: str) -> str | None:
    """Return what a task waits for, how long, and how often it polls."""
    task = class_of(name)
    if not (what := awaited(task)):
        return None
    seconds = getattr(task, "default_interval", None) or poll_interval(task.resource_type, task.goal)
    every = span(seconds).removeprefix("1 ")
    if name in sensors.__all__:  # Airflow's setting limits these
        return f"until {what}; polls every {every}"
    limit = span(WaitCondition(task.resource_type.name, "", task.goal).time_limit) + _LONGER.get(name, "")
    return f"until {what}, at most {limit}; polls every {every}"


def call(task: type[Any]) -> str | None:
    """Return a link to the API operation of an operator."""
    operation = getattr(task, "operation", None)
    return f"[`{operation}`]({_API.format(_PREFIXES[task.service], operation)})" if operation else None


def charge(task: type[Any]) -> str | None:
    """Return what begins to be charged."""
    operation = getattr(task, "operation", "")
    return charged(operation, _REQUESTS.get(operation, {}))


def facts(name: str) -> list[str]:
    """Return what there is to know of a task, a line each."""
    task = class_of(name)
    found = {"Calls": call(task), "Waits": waiting(name), "Charged": charge(task)}
    return [f"*{title}*: {fact}" for title, fact in found.items() if fact]


def _sid(condition: str, suffix: str) -> str:
    return "".join(word.capitalize() for word in re.findall(r"\w+", condition.replace("_", " "))) + suffix


def policy(names: list[str]) -> dict[str, Any]:
    """Return the IAM policy of tasks: what each needs always, and what it needs with some parameter."""
    needed: dict[str, set[str]] = {}
    for name in names:
        for action, condition in actions_of(class_of(name)).items():
            needed.setdefault(action, set()).add(condition)
    grouped: dict[tuple[str, str], list[str]] = {}
    for action, conditions in sorted(needed.items()):
        condition = "" if "" in conditions else ", or ".join(sorted(conditions))
        verb = action.partition(":")[2]
        resource = {"iam:PassRole": "Role", "s3:GetObject": "Objects", "s3:ListBucket": "Bucket"}.get(action, "")
        grouped.setdefault((condition, "Lists" if verb.startswith("List") and not resource else resource), []).append(
            action
        )
    resources: dict[str, Any] = {
        "": _REGION + "*",
        "Lists": "*",
        "Role": "arn:aws:iam::ACCOUNT:role/ROLE",
        "Objects": "arn:aws:s3:::BUCKET/*",
        "Bucket": "arn:aws:s3:::BUCKET",
    }
    statements = []
    for (condition, scope), actions in sorted(grouped.items()):
        statement = {"Sid": _sid(condition or "always", scope), "Effect": "Allow", "Action": actions}
        statement["Resource"] = resources[scope]
        if scope == "Role":
            statement["Condition"] = {"StringEquals": {"iam:PassedToService": "personalize.amazonaws.com"}}
        statements.append(statement)
    return {"Version": "2012-10-17", "Statement": statements}


class _OfFamily(SphinxDirective):
    """A directive of a page in docs/operators."""

    @property
    def names(self) -> list[str]:
        return FAMILIES[self.env.docname.partition("/")[2]]


class Tasks(_OfFamily):
    """Each task of the family: what it does, calls, waits for, and what is charged."""

    def run(self) -> list[nodes.Node]:  # noqa: D102
        lines = []
        for name in self.names:
            lines += [reference(name), f": {summary(name)}", ""]
            lines += [line for fact in facts(name) for line in (f"  {fact}\\",)]
            lines[-1] = lines[-1].removesuffix("\\")
            lines.append("")
        return self.parse_text_to_nodes("\n".join(lines))


class Example(LiteralInclude):
    """A part of an example."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:  # noqa: D102
        file, name = self.arguments
        self.arguments = [f"/../example_dags/{file}.py"]
        between = {"start-after": f"# [START {name}]", "end-before": f"# [END {name}]"}
        self.options |= {**between, "dedent": None, "language": "python", "caption": f"example_dags/{file}.py"}
        return super().run()


class Policy(_OfFamily):
    """The IAM policy for all tasks of the family."""

    def run(self) -> list[nodes.Node]:  # noqa: D102
        text = json.dumps(policy(self.names), indent=2)
        about = (
            "For all tasks of this page. The `Sid` of a statement says when it is needed: always, or with a parameter. "
            "Put in your region, account, role and bucket, and name the resources where you can: see "
            "[Permissions](../reference/permissions.md)."
        )
        return [*self.parse_text_to_nodes(about), nodes.literal_block(text, text, language="json")]


class Charges(SphinxDirective):
    """The tasks with which a charge begins."""

    def run(self) -> list[nodes.Node]:  # noqa: D102
        lines = ["| Task | AWS begins to charge for |", "|---|---|"]
        for name in (name for names in FAMILIES.values() for name in names):
            if what := charge(class_of(name)):
                lines.append(f"| {reference(name)} | {what} |")
        return self.parse_text_to_nodes("\n".join(lines))


class Families(SphinxDirective):
    """All operators and sensors, by page."""

    def run(self) -> list[nodes.Node]:  # noqa: D102
        lines = []
        for page, names in FAMILIES.items():
            title = (PAGES / f"{page}.md").read_text(encoding="utf-8").partition("\n")[0]
            lines += [f"#{title}", "", f"[Example, waits, charges and permissions]({page}.md)", ""]
            lines += ["| Task | Purpose |", "|---|---|"]
            lines += [f"| {reference(name)} | {summary(name)} |" for name in names]
            lines.append("")
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    listed = [name for names in FAMILIES.values() for name in names]
    if sorted(listed) != sorted([*operators.__all__, *sensors.__all__]):
        wrong = sorted({*listed} ^ {*operators.__all__, *sensors.__all__})
        raise ValueError(f"FAMILIES in docs/_ext/task_pages.py must have each operator and sensor once: {wrong}")
    app.add_directive("tasks", Tasks)
    app.add_directive("policy", Policy)
    app.add_directive("example", Example)
    app.add_directive("charges", Charges)
    app.add_directive("families", Families)
    return {"parallel_read_safe": True}
