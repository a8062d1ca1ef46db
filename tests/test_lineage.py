"""What tasks tell OpenLineage of themselves."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from itertools import product
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from airflow.providers.common.compat.openlineage.utils.utils import translate_airflow_asset
from botocore.exceptions import ClientError
from every_task import ENDS, STEPS, Life
from jsonschema import Draft202012Validator
from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.serde import Serde
from openlineage_spec import wrong_event, wrong_part
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from shop import DATASET, HOUR, LOCATION, PREFIX, ROLE, SOLUTION, bring_interactions, train
from task_runs import Run, TaskInstance

from airflow_provider_personalize._compat import AirflowSkipException
from airflow_provider_personalize.assets import personalize_asset
from airflow_provider_personalize.emulator import calls, faults
from airflow_provider_personalize.emulator import clock as emulated
from airflow_provider_personalize.exceptions import DataCheckError, ResourceFailedError
from airflow_provider_personalize.operators import (
    CheckDatasetOperator,
    CreateDatasetImportJobOperator,
    CreateSolutionVersionOperator,
    UpdateCampaignOperator,
)

ROOT = Path(__file__).parents[1]
FACETS = ROOT / "docs" / "published" / "facets"
INTERACTIONS = "dataset/life/INTERACTIONS"
OF_GROUP = " ".join(
    f"dataset/life/{each}" for each in ("INTERACTIONS", "ITEMS", "USERS", "ACTIONS", "ACTION_INTERACTIONS")
)
CHECKED = "s3://shop/interactions.csv{dataQualityAssertions,dataQualityMetrics}"
TRAINED = "{personalize_training}"
BATCH = "s3://shop/{} solution/{}/* -> s3://shop/out"
DEPLOYED = "solution/life/* -> campaign/life{version}"
# By hand, of what the service documents of each operation; a star stands for the id of a version
FLOWS = {
    "CreateDataset": f"-> {INTERACTIONS}{{schema}}",
    "CheckDataset": f"{CHECKED} ->",
    "CreateDatasetImportJob": f"{CHECKED} -> {INTERACTIONS}{{schema}}",
    "CreateSolutionVersion": f"{OF_GROUP} -> solution/life/*{TRAINED}",
    "CreateBatchSegmentJob": BATCH.format("items.json", "segments"),
    "CreateBatchInferenceJob": BATCH.format("users.json", "life"),
    "CreateCampaign": DEPLOYED,
    "UpdateCampaign": DEPLOYED,
    "PromoteSolutionVersion": DEPLOYED,
    "RollbackCampaign": DEPLOYED,
    "CreateRecommender": f"dataset/market/INTERACTIONS -> recommender/life{TRAINED}",
    "UpdateRecommender": f"dataset/market/INTERACTIONS -> recommender/life{TRAINED}",
    "CreateDatasetExportJob": f"{INTERACTIONS}{{schema}} -> s3://shop/out",
    "CreateDataDeletionJob": f"s3://shop/gone.csv -> {OF_GROUP}",
    "PutItems": "-> dataset/life/ITEMS{outputStatistics}",
    "PutUsers": "-> dataset/life/USERS{outputStatistics}",
    "PutActions": "-> dataset/life/ACTIONS{outputStatistics}",
    "UpdateDataset": "-> dataset/life/ITEMS{schema}",
    "EvolveDatasetSchema": "-> dataset/life/ITEMS{schema}",
    "DeleteRecommender": "-> recommender/life{lifecycleStateChange}",
    "DeleteCampaign": "-> campaign/life{lifecycleStateChange}",
    "DeleteDataset": "-> dataset/life/ACTIONS{lifecycleStateChange}",
}

# What these need beforehand
BEFORE = {"AutomaticSolutionVersionSensor", "CreateDatasetGroup", "CreateSchema", "CreateSolution", "UpdateSolution"}


class Told:
    """What the last copy of a task tells of a run."""

    def __init__(self, run: Run) -> None:
        self.copies: list[Any] = []
        make = run.make
        run.make = lambda: self.copies.append(make()) or self.copies[-1]
        self.run = run

    def done(self) -> Told:
        self.result = self.run()
        return self

    def lineage(self, end: str = "complete") -> dict[str, list[dict[str, Any]]]:
        method = getattr(self.copies[-1], f"get_openlineage_facets_on_{end}")
        lineage = method(self.run.ti)
        parts = {"inputs": InputDataset, "outputs": OutputDataset}
        told = {name: [Serde.to_dict(each) for each in getattr(lineage, name)] for name in parts}
        wrong = [wrong for name in parts for each in told[name] for wrong in wrong_part(parts[name], each)]
        assert not wrong
        return told

    def flow(self, end: str = "complete") -> str:
        lineage = self.lineage(end)
        return " -> ".join(" ".join(map(_short, lineage[name])) for name in ("inputs", "outputs")).strip()


def _short(dataset: dict[str, Any]) -> str:
    names = sorted([*dataset["facets"], *dataset.get("inputFacets", {}), *dataset.get("outputFacets", {})])
    in_s3 = dataset["namespace"].startswith("s3://")
    assert in_s3 or dataset["namespace"] == PREFIX.rstrip(":")
    name = f"{dataset['namespace']}/{dataset['name']}" if in_s3 else dataset["name"]
    return re.sub(r"(solution/\w+)/[0-9a-f]{8}", r"\1/*", name) + (f"{{{','.join(names)}}}" if names else "")


@pytest.mark.slow
def test_each_family_tells_what_went_in_and_what_came_out(life: Life):
    """Of every operator in a shop's life, on the worker or deferred; the rest have no lineage."""
    told: dict[str, str] = {}
    reads: Counter[str] = Counter()
    for name, given in [*STEPS, *ENDS]:
        if name not in FLOWS and name not in BEFORE:
            continue
        is_deferred = name in {"CreateSolutionVersion", "CreateCampaign", "CreateRecommender"}
        deferral = {"deferrable": True} if is_deferred and "wait_for_completion" not in given else {}
        check = Told(life.run(name, given, **deferral))
        life.note(name, check.run, check.run())
        before = len(calls)
        if (flow := check.flow()) != "->" and not (name in told and name == "CreateDataset"):
            told[name] = flow
        reads[name] = max(reads[name], len(calls) - before)
    assert told == FLOWS
    assert max(reads.values()) <= 3


def test_the_facets_say_what_the_service_shows(personalize):
    columns = _import(deferrable=True).done().lineage()["outputs"][0]["facets"]["schema"]["fields"]
    assert [(each["name"], each["type"]) for each in columns] == [
        ("USER_ID", "string"),
        ("ITEM_ID", "string"),
        ("TIMESTAMP", "long"),
    ]
    training = _training(deferrable=True).done()
    facet = training.lineage()["outputs"][0]["facets"]["personalize_training"]
    version = training.result
    shown = personalize.describe_solution_version(solutionVersionArn=version)["solutionVersion"]
    metrics = personalize.get_solution_metrics(solutionVersionArn=version)["metrics"]
    said = {name: shown[name] for name in ("recipeArn", "trainingMode", "trainingType", "trainingHours")}
    assert {name: facet[name] for name in [*said, "metrics"]} == {**said, "metrics": metrics}
    assert not list(_validator(facet).iter_errors(facet))
    assert list(_validator(facet).iter_errors({**facet, "metrics": {"coverage": "much"}}))


def _validator(facet: dict[str, Any]) -> Draft202012Validator:
    """The published schema of a facet of ours, by the URL that the facet names."""
    place = facet["_schemaURL"].partition("#")[0]
    schema = json.loads((FACETS / "/".join(place.split("/")[-2:])).read_text(encoding="utf-8"))
    assert schema["$id"] == place
    base = {"$defs": {"DatasetFacet": {"required": ["_producer", "_schemaURL"]}}}
    schemas = {place: schema, "https://openlineage.io/spec/2-0-2/OpenLineage.json": base}
    resources = [(uri, DRAFT202012.create_resource(each)) for uri, each in schemas.items()]
    return Draft202012Validator({"$ref": facet["_schemaURL"]}, registry=Registry().with_resources(resources))


def test_an_update_that_is_not_waited_for_leads_to_the_version_that_was_asked_for(personalize):
    _import().done()
    first, second = (train(personalize, SOLUTION) for _ in range(2))
    campaign = personalize.create_campaign(name="shop", solutionVersionArn=first)["campaignArn"]
    emulated.advance(HOUR)
    given = {"campaign_arn": campaign, "solution_version_arn": second, "wait_for_completion": False}
    told = Told(Run(lambda: UpdateCampaignOperator(task_id="task", **given))).done().lineage()
    assert [each["name"] for each in told["inputs"]] == [second.rpartition(":")[2]]
    assert told["outputs"][0]["facets"]["version"]["datasetVersion"] == second.rpartition("/")[2]


@pytest.mark.parametrize("name", ["dataset/shop/INTERACTIONS", "solution/shop/0a1b2c3d", "campaign/shop"])
def test_an_asset_has_the_name_that_tasks_report(name):
    asset = translate_airflow_asset(personalize_asset(f"{PREFIX}{name}"), None)
    assert (asset.namespace, asset.name) == (PREFIX.rstrip(":"), name)


def test_a_task_that_made_nothing_has_no_lineage(personalize):
    _import().done()
    dry = _import(dry_run=True).done()
    _training().done()
    fresh = {"skip_if_younger_than": 10 * HOUR}
    skipped, reused = _training(**fresh), _training(**fresh, if_skipped="succeed").done()
    with pytest.raises(AirflowSkipException):
        skipped.run()
    missing = _import(dataset_arn=f"{PREFIX}dataset/other/INTERACTIONS", deferrable=True)
    with pytest.raises(ClientError):
        missing.run()
    waiting = _import(deferrable=True)
    faults.fail_next("CreateDatasetImportJob", "bad luck")
    with pytest.raises(ResourceFailedError):
        waiting.run()
    before = len(calls)
    assert [each.flow() for each in (dry, skipped, reused)] == ["->"] * 3
    assert [each.flow("failure") for each in (missing, waiting)] == ["s3://shop/interactions.csv ->"] * 2
    assert len(calls) == before


def test_a_failed_check_is_told_with_the_rules_that_are_broken_and_without_the_data(personalize):
    bring_interactions(header="USER_ID,ITEM_ID,WHEN")
    given = {"dataset_arn": DATASET, "data_location": LOCATION}
    checks = [_import(check_data=True), Told(Run(lambda: CheckDatasetOperator(task_id="task", **given)))]
    for check in checks:
        with pytest.raises(DataCheckError):
            check.run()
        (read,) = check.lineage("failure")["inputs"]
        assert check.flow("failure") == f"{CHECKED} ->"
        assert read["inputFacets"]["dataQualityMetrics"]["rowCount"] == 1000
        failed = [each for each in read["inputFacets"]["dataQualityAssertions"]["assertions"] if not each["success"]]
        assert [(each["assertion"], each.get("column")) for each in failed] == [
            ("import_rules", None),
            ("missing_column", "TIMESTAMP"),
        ]


def test_a_read_that_fails_is_left_out_and_not_repeated(personalize, passing_time):
    training = _trained()
    whole, slept = training.lineage(), len(passing_time.slept)
    reads = ("DescribeSolutionVersion", "ListDatasets", "GetSolutionMetrics")
    for operation, code in product(reads, ("ThrottlingException", "ExpiredTokenException")):
        faults.error_next(operation, code)
        told = training.lineage()
        assert [each["name"] for each in told["outputs"]] == [each["name"] for each in whole["outputs"]]
        assert told != whole
    assert training.lineage() == whole
    assert len(passing_time.slept) == slept


def test_reads_end_before_airflow_gives_up_the_event(personalize, passing_time, monkeypatch):
    training = _trained()
    hook = type(training.copies[-1].hook)
    call = hook.call

    def slow(self, *arguments, **request):
        passing_time.sleep(4)  # two to connect, two to read
        return call(self, *arguments, **request)

    monkeypatch.setattr(hook, "call", slow)
    began = passing_time.monotonic()
    training.lineage()
    assert passing_time.monotonic() - began < 10  # seconds, the default of [openlineage] execution_timeout
    config = training.copies[-1].hook.for_short_reads().conn.meta.config
    assert config.connect_timeout + config.read_timeout <= 4
    assert config.retries["total_max_attempts"] == 1


@pytest.mark.slow
def test_airflow_reports_deferred_mapped_dry_and_failed_tasks(tmp_path):
    """With the real provider, whose events go to a file."""
    reported, config = tmp_path / "events.jsonl", tmp_path / "openlineage.yml"
    config.write_text(f"transport: {{type: file, log_file_path: {reported}, append: true}}")
    command = [sys.executable, "-m", "airflow_provider_personalize.emulator", "run", ROOT / "tests/dags/lineage.py"]
    env = {**os.environ, "OPENLINEAGE_CONFIG": str(config), "TMPDIR": str(tmp_path)}
    run = subprocess.run([*command, "--speed", "600"], env=env, text=True, capture_output=True, timeout=900)
    assert "4 success, 1 failed" in run.stdout, run.stdout + run.stderr
    events = [json.loads(line) for line in reported.read_text(encoding="utf-8").splitlines()]
    assert not [wrong for event in events for wrong in wrong_event(event)]
    ended: dict[str, list[str]] = defaultdict(list)
    for event in events:
        if event["eventType"] in ("COMPLETE", "FAIL"):
            flow = (" ".join(map(_without_facets, event[name])) for name in ("inputs", "outputs"))
            ended[event["job"]["name"]].append(" -> ".join(flow).strip())
    written = "dataset/lineage/INTERACTIONS"
    assert {task: sorted(flows) for task, flows in ended.items() if task != "lineage"} == {
        "lineage.prepare": ["->"],
        "lineage.dry": ["->"],
        "lineage.imported": [f"s3://lineage/{key} -> {written}" for key in ("one.csv", "two.csv")],
        "lineage.unfit": ["s3://lineage/unfit.csv ->"],
    }


def _without_facets(dataset: dict[str, Any]) -> str:
    return _short({**dataset, "facets": {}, "inputFacets": {}, "outputFacets": {}})


def _import(**given: Any) -> Told:
    source = {"dataLocation": LOCATION}
    given = {"dataset_arn": DATASET, "data_source": source, "role_arn": ROLE, **given}
    return Told(Run(lambda: CreateDatasetImportJobOperator(task_id="task", **given), TaskInstance(run_id=uuid4().hex)))


def _trained() -> Told:
    _import().done()
    return _training().done()


def _training(**given: Any) -> Told:
    given = {"solution_arn": SOLUTION, **given}
    return Told(Run(lambda: CreateSolutionVersionOperator(task_id="task", **given), TaskInstance(run_id=uuid4().hex)))
