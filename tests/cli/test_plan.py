"""``plan``: what it predicts is what a run then sends, and it only reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from shop import HOUR, PREFIX, SCHEMA, SOLUTION, open_market, train
from task_runs import Run, TaskInstance

from airflow_provider_personalize.cli.dag_files import load
from airflow_provider_personalize.cli.main import main
from airflow_provider_personalize.emulator import calls, clock, faults
from airflow_provider_personalize.operators.base import CHANGING

EXAMPLE = Path(__file__).parents[2] / "example_dags" / "example_update_solution.py"
NAME = "example-update-solution"
FILE = """
try:
    from airflow.sdk import DAG
except ImportError:
    from airflow import DAG
from airflow_provider_personalize.operators import *

A = "arn:aws:personalize:us-east-1:123456789012:"
with DAG("shop", schedule=None, params={"train": True}):
    update = UpdateSolutionOperator(task_id="update", solution_arn=A + "solution/shop",
        perform_auto_training="{{ params.train }}")
    train = CreateSolutionVersionOperator(task_id="train", solution_arn=update.output)
    campaign = CreateCampaignOperator(task_id="campaign", name="c-{{ ds_nodash }}", solution_version_arn=A +
        "solution/shop/{{ var.value.version }}", min_provisioned_tps="{{ var.value.get('tps', 2) }}")
    MORE
"""


def planned(capsys: Any, path: Path, *options: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit status, and what is planned for each task; nothing but reads may reach the service."""
    capsys.readouterr()
    calls.clear()
    status = main(["plan", str(path), "--format", "json", *options])
    assert all(call.operation.startswith(("Describe", "List", "Get")) for call in calls)
    report = json.loads(capsys.readouterr().out)
    assert report["findings"] == report["import_errors"] == []
    return status, {step["task_id"]: step for step in report["steps"]}


def run_example(params: dict[str, Any], run_id: str, written: list[Any]) -> dict[str, list[Any]]:
    """Run the changing tasks of the example, and return what each sent."""
    (dag,) = load(EXAMPLE).dags
    results: dict[str, Any] = {}
    sent = {}

    def given(task: Any, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: given(task, item) for name, item in value.items()}
        if hasattr(value, "operator"):
            result = results[value.operator.task_id]
            return result if value.key == "return_value" else result[value.key]
        return task.render_template(value, {"params": params})

    def made(task: Any) -> Any:
        copy = task.prepare_for_execution()
        for field in task.template_fields:
            setattr(copy, field, given(task, getattr(task, field)))
        copy.deferrable = False
        return copy

    for task in dag.topological_sort():
        if isinstance(task, CHANGING):
            written.clear()
            ti = TaskInstance(dag_id=dag.dag_id, task_id=task.task_id, run_id=run_id)
            results[task.task_id] = Run(lambda task=task: made(task), ti)()
            sent[task.task_id] = list(written)
        elif task.task_id == "upload_interactions":
            results[task.task_id] = task.python_callable(params=params)
    return sent


def test_the_plan_of_the_core_example_is_what_its_runs_send(personalize, written, capsys, tmp_path):
    """Before a first run, before a second, and after somebody has changed the solution."""
    csv = tmp_path / "interactions.csv"
    rows = "".join(f"u{number % 50},i{number % 70},click,1,{1_700_000_000 + number}\n" for number in range(1000))
    csv.write_text(f"USER_ID,ITEM_ID,EVENT_TYPE,EVENT_VALUE,TIMESTAMP\n{rows}")
    role = "arn:aws:iam::123456789012:role/personalize-reads-s3"
    params = {"interactions": str(csv), "bucket": NAME, "name": NAME, "role_arn": role}
    after_run = {"schema", "dataset", "import_interactions"}
    expected = [
        {"dataset_group": "create", "solution": "unknown", "train_every_three_days": "unknown"},
        {"dataset_group": "none", "solution": "none", "train_every_three_days": "none"},
        {"dataset_group": "none", "solution": "none", "train_every_three_days": "update"},
    ]
    for number, actions in enumerate(expected):
        if number == 2:
            solution = SOLUTION.replace("/shop", f"/{NAME}")
            personalize.update_solution(solutionArn=solution, performAutoTraining=False)
            clock.advance(3600)
        status, plan = planned(capsys, EXAMPLE, "--conf", json.dumps({"interactions": str(csv)}))
        assert {task: step["action"] for task, step in plan.items()} == {
            **dict.fromkeys(after_run, "unknown"),
            **actions,
        }
        assert status == 2
        for task, sent in run_example(params, f"run-{number}", written).items():
            step = plan[task]
            if step["action"] != "unknown":
                predicted = [(xform_name(step["operation"]), step["request"])] if step["operation"] else []
                assert predicted == sent
    assert plan["train_every_three_days"]["changes"] == ["perform_auto_training: wanted True, found False"]


def test_a_plan_prints_changes_charges_and_what_is_not_known(personalize, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW_VAR_VERSION", "0a1b2c3d")
    path = tmp_path / "shop.py"
    group = "DeleteDatasetGroupOperator(task_id='end', dataset_group_arn=A + 'dataset-group/shop', cascade=True)"
    path.write_text(FILE.replace("MORE", group))
    assert main(["plan", str(path), "--logical-date", "2026-01-31"]) == 2
    out = capsys.readouterr().out
    assert "~ shop.update: update solution arn:aws:personalize:us-east-1:123456789012:solution/shop\n" in out
    assert "    perform_auto_training: wanted True, found False\n" in out
    assert "    begins to be charged: each automatic training, by the hour" in out
    assert "+ shop.train: create solution version <known once the task runs>\n" in out
    assert "+ shop.campaign: create campaign c-20260131\n" in out
    assert "for at least 2 requests per second" in out
    assert "- shop.end: delete dataset group arn:" in out
    assert out.splitlines()[-1].startswith("Plan: 2 to create, 2 to change, 4 to delete, 0 unchanged")
    assert main(["plan", str(path), "--conf", '{"train": false}']) == 2
    assert "= shop.update: none solution arn:" in capsys.readouterr().out


RESULTS = """
    skipped = CreateSolutionVersionOperator(task_id="skipped", solution_arn=A + "solution/market",
        skip_if_younger_than=10**9)
    CreateCampaignOperator(task_id="after_skipped", name="new", solution_version_arn="{{ ti.xcom_pull('skipped') }}")
    promoted, rolled_back = (operator(task_id=task_id, campaign_arn=A + "campaign/market", **{version: VERSION})
        for operator, task_id, version in ((PromoteSolutionVersionOperator, "promoted", "solution_version_arn"),
            (RollbackCampaignOperator, "rolled_back", "to")))
    PromoteSolutionVersionOperator(task_id="gated", campaign_arn=A + "campaign/market", solution_version_arn=VERSION,
        min_metrics={"coverage": 2}, if_gate_fails="skip")
    for task in (skipped, promoted, rolled_back):
        DeleteCampaignOperator(task_id=f"delete_{task.task_id}", campaign_arn=task.output)
    CreateSchemaOperator(task_id="schema", name="items", schema=Path(SCHEMA))
    EvolveDatasetSchemaOperator(task_id="evolve", dataset_arn=A + "dataset/shop/ITEMS", schema=Path(SCHEMA),
        dry_run=True)
"""


def test_a_later_task_gets_what_an_earlier_one_returns_if_that_is_known(personalize, capsys, tmp_path, monkeypatch):
    """A skipped task returns nothing, a promotion a dict, and a rollback a version; the schemas are in a file."""
    monkeypatch.setenv("AIRFLOW_VAR_VERSION", "0a1b2c3d")
    schema, path = tmp_path / "items.json", tmp_path / "shop.py"
    fields = [{"name": "ITEM_ID", "type": "string"}, {"name": "PRICE", "type": "float"}]
    schema.write_text(json.dumps({**SCHEMA, "name": "Items", "fields": fields}))
    arn = personalize.create_schema(name="items", schema=schema.read_text())["schemaArn"]
    group = f"{PREFIX}dataset-group/shop"
    personalize.create_dataset(name="items", schemaArn=arn, datasetGroupArn=group, datasetType="ITEMS")
    first = open_market(personalize)
    latest = train(personalize, f"{PREFIX}solution/market")
    personalize.create_campaign(name="market", solutionVersionArn=first)
    head = f"from pathlib import Path\nSCHEMA = {str(schema)!r}\n"
    path.write_text(head + FILE.replace("MORE", RESULTS.replace("VERSION", repr(latest))))
    clock.advance(3600)
    _, plan = planned(capsys, path)
    dependents = {"after_skipped", "delete_skipped", "delete_promoted", "delete_rolled_back"}
    expected = {"promoted": "tag", "rolled_back": "tag", **dict.fromkeys(dependents, "unknown")}
    expected |= dict.fromkeys(("schema", "evolve", "skipped", "gated"), "none")
    assert {task: plan[task]["action"] for task in expected} == expected, plan
    assert "coverage" in plan["gated"]["reason"]


AFTER_OTHERS = """
    new = CreateCampaignOperator(task_id="new", name="new", solution_version_arn=VERSION, min_provisioned_tps=1)
    of_new = UpdateCampaignOperator(task_id="of_new", campaign_arn=A + "campaign/new", min_provisioned_tps=5)
    off, off_elsewhere = (UpdateSolutionOperator(task_id=name, solution_arn=A + f"solution/{name}",
        perform_auto_training=False) for name in ("shop", "market"))
    dry = DeleteDatasetGroupOperator(task_id="dry", dataset_group_arn=A + "dataset-group/shop", cascade=True,
        dry_run="{{ true }}")
    after_dry = DeleteSolutionOperator(task_id="after_dry", solution_arn=A + "solution/none")
    new >> of_new
    update >> [off, off_elsewhere]
    dry >> after_dry
"""


def test_what_an_earlier_task_changes_decides_what_a_later_one_does(personalize, capsys, tmp_path, monkeypatch):
    """If it creates what is missing now, or changes what is right now; not if it is another resource, or a dry run."""
    monkeypatch.setenv("AIRFLOW_VAR_VERSION", "0a1b2c3d")
    path = tmp_path / "shop.py"
    version = open_market(personalize)
    path.write_text(FILE.replace("MORE", AFTER_OTHERS.replace("VERSION", repr(version))))
    status, plan = planned(capsys, path)
    known = {"new": "create", "update": "update", "market": "none", "dry": "none", "after_dry": "none"}
    assert {task: plan[task]["action"] for task in known} == known
    for task, earlier in {"of_new": "new", "shop": "update"}.items():
        assert plan[task]["action"] == "unknown"
        assert plan[task]["reason"].startswith(f"known after run of {earlier} (now: ")
    assert plan["dry"]["reason"].startswith("Dry run: ")
    assert "delete: dataset group arn:" in plan["dry"]["reason"]
    assert status == 2


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("DeleteCampaignOperator(task_id='end', campaign_arn='x')", "shop.end: campaign_arn is 'x': it must be"),
        ("UpdateCampaignOperator(task_id='end', campaign_arn=A + 'campaign/x', min_provisioned_tps=1)", "NotFound"),
        ("CreateSolutionVersionOperator(task_id='end', solution_arn=A + 'solution/shop', aws_conn_id='x')", "exist"),
        ("1 / 0", "cannot be loaded: line"),
    ],
    ids=["a wrong parameter", "a task that would fail", "a task with a derived name", "no DAG"],
)
def test_a_plan_that_fails_ends_with_status_1(personalize, capsys, tmp_path, more, message):
    path = tmp_path / "shop.py"
    path.write_text(FILE.replace("MORE", more))
    assert main(["plan", str(path)]) == 1
    assert message in capsys.readouterr().out
    assert main(["plan", str(path), "--dag-id", "other"]) == 1
    capsys.readouterr()
    assert main(["plan", str(path), "--format", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    failing = [step for step in report["steps"] if step["action"] == "fail"]
    (wrong,) = report["import_errors"] + report["findings"] + failing
    assert message.split(": ")[-1] in str(wrong)


def test_a_plan_does_not_wait_long_for_a_service_that_throttles(personalize, capsys, tmp_path):
    path = tmp_path / "shop.py"
    path.write_text(FILE.replace("MORE", ""))
    faults.error_next(None, "ThrottlingException", seconds=HOUR)
    began = clock.now()
    assert main(["plan", str(path)]) == 1
    out = capsys.readouterr().out
    assert clock.now() - began < 15 * out.count("\n! ") + 15
    assert "ThrottlingException" in out
