"""The IAM actions that are declared for a task are those that it uses: no less, and no more."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from every_task import ENDS, GROUP, RECIPE, STEPS, TASKS, Life, dataset, fill, job, task_of
from shop import HOUR, LOCATION, MARKET, PREFIX, ROLE, api
from task_runs import TaskDeferred

from airflow_provider_personalize import sensors
from airflow_provider_personalize.emulator import assumptions, calls, clock, service_model
from airflow_provider_personalize.hook_parameters import HookParameters
from airflow_provider_personalize.hooks import PersonalizeHook
from airflow_provider_personalize.operators import CreateCampaignOperator
from airflow_provider_personalize.permissions import FOR_THE_LOG, ROLE_ACTION, S3_ACTIONS, actions_of

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "permissions.md"
every_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)


KEY = "arn:aws:kms:us-east-1:123456789012:key/life"
# The members of a request that take an action of their own
TAKES = {
    "roleArn": ROLE_ACTION,
    "tags": "personalize:TagResource",
    "s3.get_object": "s3:GetObject",
    "s3.list_objects_v2": "s3:ListBucket",
}


@pytest.fixture
def requests(monkeypatch) -> list[str]:
    """What tasks request, as text."""
    asked, ask = [], PersonalizeHook.call

    def noting(hook: PersonalizeHook, method: str, **request: Any) -> Any:
        asked.append(str(request))
        return ask(hook, method, **request)

    s3_hook = HookParameters.s3_hook

    def noting_s3(parameters: HookParameters) -> Any:
        hook = s3_hook(parameters)
        noting = lambda model, **_: asked.append(f"'s3.{xform_name(model.name)}'")  # noqa: E731
        hook.get_conn().meta.events.register("before-call.s3", noting)
        return hook

    monkeypatch.setattr(PersonalizeHook, "call", noting)
    monkeypatch.setattr(HookParameters, "s3_hook", noting_s3)
    return asked


@pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])
def test_each_action_that_is_declared_is_used_and_no_other(life, deferrable, requests):
    used: dict[Any, set[str]] = defaultdict(set)
    for name, given in _steps(life):
        task, before = task_of(name), len(calls)
        waiting = {"deferrable": deferrable} if hasattr(task, "goal") else {}
        requests.clear()
        (_kill if "stop_on_kill" in given else Life.do)(life, name, given, **waiting)
        used[task] |= {f"personalize:{call.operation}" for call in calls[before:]}
        used[task] |= {action for member, action in TAKES.items() if f"'{member}'" in "".join(requests)}
    wrong = {task.__name__: used[task] ^ actions_of(task).keys() for task in TASKS}
    for sensor in set(TASKS) & set(map(task_of, sensors.__all__)):  # each finds its job over
        wrong[sensor.__name__] -= {action for action, when in actions_of(sensor).items() if when == FOR_THE_LOG}
    assert not {name: actions for name, actions in wrong.items() if actions}


def _kill(life: Life, name: str, given: dict[str, Any], *, deferrable: bool) -> None:
    """Run a step, and kill its task: when it is deferred, or else on the worker."""
    task, context = life.run(name, given, deferrable=deferrable, wait_for_completion=deferrable).ready()
    try:
        task.execute(context)
        task.on_kill()
    except TaskDeferred as deferred:
        asyncio.run(deferred.trigger.on_kill())
    clock.advance(HOUR)


def _steps(life: Life) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from STEPS
    yield "CreateDatasetGroup", {"name": "key", "role_arn": ROLE, "kms_key_arn": KEY}
    attribution = {"metric_attribution_arn": f"{PREFIX}metric-attribution/life"}
    yield "UpdateMetricAttribution", {**attribution, "metrics_output_config": {"roleArn": f"{ROLE}-2"}}
    yield "CreateSolutionVersion", {"solution_arn": f"{PREFIX}solution/life", "stop_on_kill": True}
    yield from _freshness_steps(life)
    yield from _versions_in_training()
    yield from _promotions(life)
    yield from ENDS
    yield "DeleteDatasetGroup", {"dataset_group_arn": fill(life), "cascade": True}


def _freshness_steps(life: Life) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each with everything to read, and with a job of another in progress."""
    client, interactions, source = api(), dataset("INTERACTIONS"), {"dataLocation": LOCATION}
    imported = {"dataset_arn": interactions, "data_source": source, "role_arn": ROLE, "skip_if_unchanged": True}
    yield "CreateDatasetImportJob", imported
    new_data = {"skip_if_no_new_data": True, "ignore_real_time_data": True}
    trained = {"solution_arn": f"{PREFIX}solution/life", **new_data}
    life.results["a new run"] = ""
    yield "CreateSolutionVersion", trained
    client.create_dataset_import_job(jobName="of-another", datasetArn=interactions, dataSource=source, roleArn=ROLE)
    life.results["another run"] = ""
    yield "CreateSolutionVersion", trained
    api("s3").put_object(Bucket="shop", Key="nobody.csv", Body=b"USER_ID\nnobody\n")
    gone = {"dataLocation": "s3://shop/nobody.csv"}
    client.create_data_deletion_job(jobName="of-another", datasetGroupArn=GROUP, dataSource=gone, roleArn=ROLE)
    life.results["one more run"] = ""
    yield "CreateSolutionVersion", trained


def _versions_in_training() -> Iterator[tuple[str, dict[str, Any]]]:
    """Give one to each task that needs an ACTIVE one."""
    for name, solution, given in (
        ("CreateBatchInferenceJob", "life", job("users.json")),
        ("CreateBatchSegmentJob", "segments", job("items.json")),
        ("UpdateCampaign", "life", {"campaign_arn": f"{PREFIX}campaign/life"}),
        ("CreateCampaign", "life", {"name": "young"}),
    ):
        version = api().create_solution_version(solutionArn=f"{PREFIX}solution/{solution}")["solutionVersionArn"]
        yield name, {"solution_version_arn": version, **given}
    yield "DeleteCampaign", {"campaign_arn": f"{PREFIX}campaign/young"}


def _promotions(life: Life) -> Iterator[tuple[str, dict[str, Any]]]:
    """From and to a campaign that shows ``$LATEST``; and with a recipe for ranking."""
    assumptions.latest_version_shown = "literally"
    campaign, version = f"{PREFIX}campaign/life", life.results["<AutomaticSolutionVersionSensor>"]
    latest = {"campaign_arn": campaign, "solution_version_arn": f"{PREFIX}solution/life/$LATEST"}
    for name, given in {
        "PromoteSolutionVersion": {"solution_version_arn": version},
        "RollbackCampaign": {"to": version},
    }.items():
        api().untag_resource(resourceArn=campaign, tagKeys=["airflow-provider-personalize:promotion"])
        yield "UpdateCampaign", {**latest, "if_unchanged": "update"}
        yield name, {"campaign_arn": campaign, **given}
    ranking = {"name": "ranking", "dataset_group_arn": MARKET, "perform_auto_training": False}
    yield "CreateSolution", {**ranking, "recipe_arn": f"{RECIPE}personalized-ranking"}
    yield "CreateSolutionVersion", {"solution_arn": f"{PREFIX}solution/ranking"}
    version = life.results["<CreateSolutionVersion>"]
    yield "CreateCampaign", {"name": "ranking", "solution_version_arn": version}
    promoted = {"campaign_arn": f"{PREFIX}campaign/ranking", "solution_version_arn": version}
    yield "PromoteSolutionVersion", {**promoted, "verify_user_ids": ["u1"], "verify_item_ids": ["i1", "i2"]}
    yield "DeleteCampaign", {"campaign_arn": f"{PREFIX}campaign/ranking"}


@every_task
def test_an_action_is_named_as_an_operation_is(task):
    names = {action.removeprefix("personalize:") for action in actions_of(task)}
    assert names <= {*service_model.operations(), ROLE_ACTION, *S3_ACTIONS}


@every_task
def test_a_subclass_needs_the_actions_of_its_base(task):
    assert actions_of(type("Mine", (task,), {})) == actions_of(task)


@every_task
def test_a_role_or_tags_that_a_request_can_have_take_their_actions(task):
    operation = getattr(task, "operation", None)
    shape = str(_members(service_model.request_shape(operation))) if operation else ""
    actions = actions_of(task)
    assert (ROLE_ACTION in actions) == ("roleArn" in shape)
    assert ("personalize:TagResource" in actions) >= ("'tags'" in shape)


def _members(shape: Any) -> Any:
    if shape.type_name != "structure":
        return None
    return {name: _members(member) for name, member in shape.members.items()}


def test_without_the_action_for_the_link_a_task_works_and_shows_none(life):
    from airflow_provider_personalize.emulator import faults

    faults.error_next("DescribeSolution", "AccessDeniedException", times=None)
    run = life.do("CreateCampaign", {"name": "a", "solution_version_arn": life.market})
    assert run.ti.xcoms == {}
    assert actions_of(CreateCampaignOperator)["personalize:DescribeSolution"] == "for the link to the console"


def table() -> str:
    """The table of the page, made anew."""
    rows = (f"| `{task.__name__}` | {_listed(actions_of(task))} |" for task in TASKS)
    return "\n".join(["| Task | Actions |", "|---|---|", *rows]) + "\n"


def _listed(actions: dict[str, str]) -> str:
    """Write actions, those of one condition together."""
    by_when: dict[str, list[str]] = defaultdict(list)
    for action, when in actions.items():
        by_when[when].append(f"`{action.removeprefix('personalize:')}`")
    return "; ".join(f"{when}: {', '.join(names)}" if when else ", ".join(names) for when, names in by_when.items())


def test_the_page_has_the_table():
    assert table() in PAGE.read_text(encoding="utf-8"), f"docs/reference/permissions.md should have:\n{table()}"


def test_the_guide_to_installation_has_the_actions_of_its_example():
    guide = (PAGE.parents[1] / "start" / "install.md").read_text(encoding="utf-8")
    shown = re.search(r"\*\*Permissions\.\*\*.*?\"Action\": \[(.*?)\]", guide, re.DOTALL)[1]
    assert set(re.findall(r'"(.*?)"', shown)) == set(actions_of(task_of("UpdateSolution")))
