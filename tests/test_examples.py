"""The examples: what they say of themselves, and that they run to the end by the command that they name."""

from __future__ import annotations

import ast
import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

ROOT = Path(__file__).parents[1]
# how often those are run whose tasks do something else in a second run, or a third
TIMES = {
    "example_custom_pipeline": 2,
    "example_data_guard": 3,
    "example_update_many_solutions": 2,
    "example_update_solution": 2,
}
EXAMPLES = sorted((ROOT / "example_dags").glob("example_*.py"))

every_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)


@every_example
def test_it_says_how_to_run_it_and_what_is_charged(example: Path) -> None:
    about = ast.get_docstring(ast.parse(example.read_text(encoding="utf-8"))) or ""
    assert f"python -m airflow_provider_personalize.emulator run example_dags/{example.name}" in about
    assert "charged" in about
    assert "train" in about


@every_example
def test_the_web_ui_says_what_it_is_for_and_what_each_parameter_means(example: Path) -> None:
    """Airflow shows ``doc_md`` with the DAG, and a parameter's description in the form that starts a run."""
    calls = [node for node in ast.walk(ast.parse(example.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    dags = [{each.arg: each.value for each in call.keywords} for call in calls if ast.unparse(call.func) == "DAG"]
    assert dags
    for given in dags:
        assert ast.unparse(given["doc_md"]) == "__doc__"
        for param in given["params"].values:
            assert ast.unparse(param.func) == "Param"
            assert {"type", "description"} <= {each.arg for each in param.keywords}


@pytest.mark.slow
@every_example
def test_it_runs_to_the_end(example: Path) -> None:
    """A second run, where there is one, is in the same Personalize and finds what the first one made."""
    times = TIMES.get(example.stem, 1)
    command = [sys.executable, "-m", "airflow_provider_personalize.emulator", "run", example]
    options = ["--speed", "600", "--times", str(times)]
    done = subprocess.run([*command, *options], cwd=ROOT, text=True, capture_output=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    dag_ids = re.findall(r'dag_id="(\w+)"', example.read_text(encoding="utf-8"))
    assert re.findall(r"^(\w+): success", done.stdout, re.MULTILINE) == dag_ids * times


# the example, what goes wrong, how the run ends, what is said of it, and what is sent
REHEARSALS: dict[str, tuple[str, str, int, str, dict[str, int]]] = {
    "a worse model does not pass the gate": (
        "example_custom_pipeline",
        "--times 2 --worse-model 2",
        1,
        r"does not pass the gate.*precision_at_5: wanted at least",
        {"CreateSolutionVersion": 2, "CreateCampaign": 1, "UpdateCampaign": 0},
    ),
    "a broken campaign is rolled back": (
        "example_custom_pipeline",
        "--times 2 --broken-campaign 2",
        1,
        r"got 0 recommendations, expected at least 10.* is live again",
        {"CreateSolutionVersion": 2, "CreateCampaign": 1, "UpdateCampaign": 2},
    ),
    "no training is good enough, three times": (
        "example_train_until_good",
        "--worse-model",
        1,
        r"None of 3 versions is good enough",
        {"CreateSolutionVersion": 3, "CreateDatasetImportJob": 3},
    ),
    "the second training is good enough": (
        "example_train_until_good",
        "--worse-model 3",
        0,
        r"example_train_until_good: success",
        {"CreateSolutionVersion": 2, "CreateDatasetImportJob": 2},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REHEARSALS)
def test_a_bad_release_is_rehearsed(name: str) -> None:
    """With the options of ``run`` for that; the bill has a line for each training that was sent."""
    example, options, status, story, sent = REHEARSALS[name]
    command = [sys.executable, "-m", "airflow_provider_personalize.emulator", "run", f"example_dags/{example}.py"]
    command += ["--speed", "600", *options.split()]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=900)
    assert done.returncode == status, done.stdout + done.stderr
    assert re.search(story, re.sub(r"\s+", " ", done.stdout)), done.stdout
    summaries = " ".join(re.findall(r"^Sent to Personalize: (.*)", done.stdout, re.MULTILINE))
    counts = {each: sum(map(int, re.findall(rf"\b(\d+) {each}\b", summaries))) for each in sent}
    assert counts == sent, done.stdout
    bill = re.findall(r"^training\b", done.stdout.partition("charged for")[2], re.MULTILINE)
    assert len(bill) == sent["CreateSolutionVersion"], done.stdout


# the options, whether the table shows a much worse candidate, the answer, the exit status, what is said of `promote`,
# and how often it deploys
ANSWERS: dict[str, tuple[str, bool, str, int, str, int]] = {
    "a good model": ("", False, "Approve", 0, "promote +success", 1),
    "a worse model": ("--worse-model 2", True, "Reject", 0, "promote +skipped", 0),
    "a broken campaign": (
        "--broken-campaign 2",
        False,
        "Approve",
        1,
        r"promote failed: .*got 0 recommendations, expected at least 1\b.* is live again",
        2,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", ANSWERS)
def test_a_person_sees_the_table_and_decides_what_is_promoted(case: str) -> None:
    """Without an answer, as in the runs above, ``promote`` is skipped. Here the answer comes by Airflow's API."""
    options, is_worse, answer, status, story, deployments = ANSWERS[case]
    example = ROOT / "example_dags" / "example_approve_promotion.py"
    command = [sys.executable, "-m", "airflow_provider_personalize.emulator", "run", example, "--speed", "600"]
    said, body = [], ""
    with subprocess.Popen(
        [*command, *options.split()], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as run:
        for line in run.stdout or ():
            said.append(line)
            if re.search(r" approve +(awaiting_input|deferred)", line):
                # Airflow fails a task that goes on before its executor has seen it end; a person is slower than that
                time.sleep(10)
                web = next(each.split()[-1] for each in said if each.startswith("Web UI"))
                body = _answer(f"{web}/", example.stem, "approve", answer)
    text = "".join(said)
    assert run.returncode == status, text
    row = re.search(r"^\| precision_at_5 \| (.+) \| (.+) \|$", body.replace("*", ""), re.MULTILINE)
    assert row, body
    live, candidate = map(float, row.groups())
    assert (candidate < 0.6 * live) == is_worse, body
    assert re.search(rf"\b{story}", re.sub(r"\s+", " ", text)), text
    sent = re.findall(r"(\d+) UpdateCampaign\b", text.rpartition("Sent to Personalize")[2])
    assert sum(map(int, sent)) == deployments, text


@pytest.mark.slow
def test_the_event_of_an_asset_starts_a_dag_and_says_what_was_trained() -> None:
    """With a scheduler: the run of the producer's last task makes the event, and that the run of the consumer."""
    example = ROOT / "example_dags" / "example_assets.py"
    command = [sys.executable, "-m", "airflow_provider_personalize.emulator", "run", example, "--speed", "600"]
    with subprocess.Popen([*command, "--standalone"], cwd=ROOT, text=True, stdout=subprocess.PIPE) as run:
        try:
            said = []
            for line in run.stdout or ():
                said.append(line)
                if "Airflow stays up" in line:
                    break
            web = next(each.split()[-1] for each in said if each.startswith("Web UI"))
            token = _request(f"{web}/auth/token")["access_token"]
            runs = f"{web}/api/v2/dags/{example.stem}_report/dagRuns"
            started = next(each for each in _request(runs, token)["dag_runs"] if each["run_type"] == "asset_triggered")
            result = "taskInstances/report/xcomEntries/return_value?stringify=false"
            reported = _request(f"{runs}/{quote(started['dag_run_id'])}/{result}", token)["value"]
            (event,) = _request(f"{web}/api/v2/assets/events", token)["asset_events"]
        finally:
            run.send_signal(signal.SIGINT)
            run.wait(timeout=120)
    facts = event["extra"]["personalize"]
    assert event["uri"] == "personalize://aws/us-east-1/123456789012/solution/example-assets"
    assert (facts["status"], facts["changed"], event["source_task_id"]) == ("ACTIVE", True, "train")
    assert facts["arn"].startswith("arn:aws:personalize:us-east-1:123456789012:solution/example-assets/")
    assert facts["metrics"]["coverage"] > 0
    assert reported == {name: facts[name] for name in ("arn", "metrics", "training_hours")}
    assert re.search(r"^example_assets: success", "".join(said), re.MULTILINE), "".join(said)


def _answer(web: str, dag_id: str, task_id: str, option: str) -> str:
    """Answer as a person does; return what the person was shown."""
    token = _request(f"{web}auth/token")["access_token"]
    runs = f"{web}api/v2/dags/{dag_id}/dagRuns"
    run_id = quote(_request(runs, token)["dag_runs"][0]["dag_run_id"])
    answer = {"chosen_options": [option], "params_input": {}}
    url = f"{runs}/{run_id}/taskInstances/{task_id}/-1/hitlDetails"
    shown: str = _request(url, token)["body"]
    _request(url, token, answer)
    return shown


def _request(url: str, token: str = "", body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    method = "GET" if body is None else "PATCH"
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=60) as answer:
        return json.load(answer)
