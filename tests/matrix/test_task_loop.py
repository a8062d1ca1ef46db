"""A loop on a real Airflow: each iteration does and promotes its own work. CI runs it on the newest pre-release."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from shop import DATASET, LOCATION, ROLE, SOLUTION, bring_interactions, open_shop

from airflow_provider_personalize.emulator import calls, clock
from airflow_provider_personalize.emulator.server import Server

if not hasattr(pytest.importorskip("airflow.sdk"), "LoopDecision"):
    pytest.skip("Airflow has task loops from 3.4", allow_module_level=True)


@pytest.mark.slow
def test_each_iteration_trains_and_promotes_and_each_mapped_task_in_it_imports(tmp_path: Path, monkeypatch) -> None:
    dags = tmp_path / "dags"
    dags.mkdir()
    shutil.copy(Path(__file__).with_name("loop.py"), dags)
    clock.reset()
    with Server(speed=600) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        bring_interactions()
        personalize = open_shop()
        personalize.create_dataset_import_job(
            jobName="data", datasetArn=DATASET, dataSource={"dataLocation": LOCATION}, roleArn=ROLE
        )
        clock.advance(3600)
        first = personalize.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
        clock.advance(3600)
        campaign = personalize.create_campaign(name="shop", solutionVersionArn=first)["campaignArn"]
        clock.advance(3600)
        extra = f'{{"region_name": "us-east-1", "endpoint_url": "{server.url}"}}'
        airflow = {
            **os.environ,
            "AIRFLOW_HOME": str(tmp_path),
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW_CONN_AWS_DEFAULT": f'{{"conn_type": "aws", "login": "a", "password": "b", "extra": {extra}}}',
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        for command in (["db", "migrate"], ["dags", "test", "loop"]):
            done = subprocess.run(["airflow", *command], env=airflow, text=True, capture_output=True, timeout=600)
            assert done.returncode == 0, done.stdout + done.stderr
        versions = personalize.list_solution_versions(solutionArn=SOLUTION)["solutionVersions"]
        live = personalize.describe_campaign(campaignArn=campaign)["campaign"]["solutionVersionArn"]
        updates = calls.of("UpdateCampaign")
        jobs = personalize.list_dataset_import_jobs(datasetArn=DATASET)["datasetImportJobs"]
        described = [
            personalize.describe_solution_version(solutionVersionArn=version["solutionVersionArn"])["solutionVersion"]
            for version in versions
        ]
    assert [version["status"] for version in described] == ["ACTIVE"] * (1 + 3)
    assert len({version["name"] for version in described}) == 1 + 3
    assert (len(updates), live) == (3, described[-1]["solutionVersionArn"])
    assert len(jobs) == 1 + 3 * 2
