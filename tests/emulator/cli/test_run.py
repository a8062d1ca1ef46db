"""The command line, used as a user does: real processes, the real Airflow."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from airflow_provider_personalize.emulator import calls
from airflow_provider_personalize.emulator.cli import leftovers
from airflow_provider_personalize.emulator.cli.airflow_home import AirflowHome
from airflow_provider_personalize.emulator.cli.console import console
from airflow_provider_personalize.emulator.cli.watch import Watch
from airflow_provider_personalize.emulator.control.calls import Call

DAGS = Path(__file__).parents[2] / "dags"
ROOT = Path(__file__).parents[3]
EMULATOR = [sys.executable, "-m", "airflow_provider_personalize.emulator"]
# what a run must not see, and what it must
PLANTED = {
    "AWS_PROFILE": "production",
    "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9",
    "AIRFLOW__CORE__EXECUTOR": "Nonsense",
    "AIRFLOW_CONN_MINE": "aws://key:secret@/?endpoint_url=http%3A%2F%2F127.0.0.1%3A9",
    "AIRFLOW_VAR_FRUIT": "apple",
}

# by one worker, so that what the tests of a module share is run once
pytestmark = pytest.mark.xdist_group("runs of Airflow")


@dataclass
class Said:
    """How a command ended, its output, and the folder in which it could leave files."""

    status: int
    out: str
    err: str
    folder: Path

    @property
    def left(self) -> list[Path]:
        return list(self.folder.glob("personalize-run-*"))


def start(folder: Path, *arguments: str | Path) -> subprocess.Popen[str]:
    config = folder / "aws-config"
    config.write_text("[profile production]\naws_access_key_id = real\naws_secret_access_key = real\n")
    env = os.environ | PLANTED | {"AWS_CONFIG_FILE": str(config), "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}
    command = [*EMULATOR, *map(str, arguments)]
    return subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder)


def say(folder: Path, *arguments: str | Path) -> Said:
    return end(start(folder, *arguments), folder)


def end(process: subprocess.Popen[str], folder: Path) -> Said:
    out, err = process.communicate(timeout=300)
    return Said(process.returncode, out, err, folder)


def lines_of(process: subprocess.Popen[str], until: str) -> str:
    """Read what it says up to a line that has a text in it."""
    said = ""
    for line in process.stdout or ():
        said += line
        if until in line:
            return said
    pytest.fail(f"it ended without saying {until!r}: {said}{process.communicate()}")


def until_gone(processes: list[psutil.Process]) -> list[psutil.Process]:
    return psutil.wait_procs(processes, timeout=60)[1]


def gone(folder: Path) -> bool:
    """Wait until no folder of a run is left; return whether that is so."""
    deadline = time.monotonic() + 300
    while list(folder.glob("personalize-run-*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not list(folder.glob("personalize-run-*"))


def say_green(folder: Path, *arguments: str) -> Said:
    (folder / "my.csv").write_text("USER_ID\n")
    conf = ["--interactions", "my.csv", "--conf", '{"colour": "blue"}', "--aws-conn-id", "another"]
    return say(folder, "run", DAGS / "green.py", *conf, *arguments)


@pytest.fixture(scope="module")
def green(tmp_path_factory: pytest.TempPathFactory) -> Said:
    return say_green(tmp_path_factory.mktemp("green"))


@pytest.fixture(scope="module")
def red(tmp_path_factory: pytest.TempPathFactory) -> Said:
    return say(tmp_path_factory.mktemp("red"), "run", DAGS / "red.py", "--dag-id", "red")


@pytest.mark.slow
class TestAGreenRun:
    def test_ends_with_0_also_beside_a_file_that_is_broken(self, green: Said) -> None:
        assert green.status == 0, green.out + green.err

    def test_reports_each_task_while_it_runs(self, green: Said) -> None:
        for task in ("numbers", "double[0]", "double[1]", "reach_only_the_emulator", "get_the_conf"):
            assert re.search(rf"^\d\d:\d\d:\d\d  {re.escape(task)} +success", green.out, re.MULTILINE)

    def test_ends_with_a_table_and_a_summary(self, green: Said) -> None:
        row = r"\S+ +success +(\d+ min )?\d+ s +-"
        table = rf"^task +state +duration +sent to Personalize *\n({row} *\n){{6}}\ngreen: success \(6 success\), .* s$"
        assert re.search(table, green.out, re.MULTILINE)

    def test_has_a_heading_and_ends_with_what_was_sent_and_what_to_try_next(self, green: Said) -> None:
        assert "\ngreen\n" in green.out
        assert "\nPersonalize was not called.\n" in green.out
        command = r"\S+python\S* -m airflow_provider_personalize.emulator run .*green.py .* --times 2"
        assert re.search(rf"\nNext, see that a second run .*:\n  {command}\n$", green.out)

    def test_has_no_colours_where_it_goes_to_a_file(self, green: Said) -> None:
        assert "\x1b" not in green.out

    def test_says_nothing_else(self, green: Said) -> None:
        assert not green.err
        assert "INFO" not in green.out

    def test_leaves_nothing_behind(self, green: Said) -> None:
        assert not green.left


@pytest.mark.slow
class TestARedRun:
    def test_ends_with_1(self, red: Said) -> None:
        assert red.status == 1

    def test_says_why_the_task_failed_and_where(self, red: Said) -> None:
        reason = red.out.partition("\nfail failed:\n")[2]
        assert re.match(r' +File ".*red.py", line \d+, in fail\n.*\n +ValueError: the bucket is\n +not there\n', reason)

    def test_reports_tasks_that_could_not_run(self, red: Said) -> None:
        assert re.search(r"^never +upstream_failed +- +- *$", red.out, re.MULTILINE)
        assert "red: failed (1 failed, 1 upstream_failed)" in red.out

    def test_runs_only_the_dag_that_was_asked_for(self, red: Said) -> None:
        assert "not_asked_for" not in red.out

    def test_keeps_its_folder_and_says_where(self, red: Said) -> None:
        (folder,) = red.left
        assert red.out.endswith(f"kept: {folder}\n")
        assert (folder / "run.log").stat().st_size


@pytest.fixture(scope="module")
def unusable(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Said]:
    folders = {name: tmp_path_factory.mktemp(name) for name in ("broken", "no_dag")}
    started = {name: start(folder, "run", DAGS / f"{name}.py") for name, folder in folders.items()}
    return {name: end(process, folders[name]) for name, process in started.items()}


@pytest.mark.slow
def test_a_file_that_cannot_be_imported_ends_with_1_and_the_error_in_full(unusable: dict[str, Said]) -> None:
    said = unusable["broken"]
    assert (said.status, said.err) == (1, "")
    assert f'File "{DAGS / "broken.py"}", line 3' in said.out
    assert "No module named 'a_module_that_nobody_has'" in said.out


@pytest.mark.slow
def test_a_file_without_a_dag_ends_with_1_and_says_so(unusable: dict[str, Said]) -> None:
    said = unusable["no_dag"]
    assert (said.status, said.err) == (1, "")
    assert f"There is no DAG in {DAGS / 'no_dag.py'}." in said.out


@pytest.mark.slow
def test_a_run_ends_with_the_bill_of_what_it_used(tmp_path: Path) -> None:
    said = say(tmp_path, "run", ROOT / "example_dags" / "example_update_solution.py")
    assert said.status == 0, said.out + said.err
    bill = said.out.partition("charged for")[2]
    assert re.search(r"^import +dataset-import-job/\S+ +0\.00\d+ +GB +0\.05 +0\.00$", bill, re.MULTILINE)
    assert "no promise" in bill
    assert re.search(
        r"^Solution \S+ trains every 3 days from now on; each training is charged.$", said.out, re.MULTILINE
    )
    assert re.search(r"^Sent to Personalize: .*1 UpdateSolution", said.out, re.MULTILINE)


@pytest.mark.slow
def test_the_example_fails_with_the_reason_of_an_injected_update_failure(tmp_path: Path) -> None:
    example = ROOT / "example_dags" / "example_update_solution.py"
    said = say(tmp_path, "run", example, "--fail", "UpdateSolution=the event type click does not occur")
    assert said.status == 1, said.out
    assert re.search(r"train_every_three_days +failed", said.out)
    assert "CREATE FAILED: the event type click does not occur" in said.out
    assert re.search(r"solution_update_is_active +upstream_failed", said.out)


@pytest.mark.parametrize("failure", ["UpdateSolution", "DescribeSolution=x", "CreateNothing=x"])
def test_an_invalid_failure_is_refused(tmp_path: Path, failure: str) -> None:
    assert say(tmp_path, "run", DAGS / "green.py", "--fail", failure).status == 2


def test_an_aws_profile_that_is_gone_does_no_harm() -> None:
    env = os.environ | {"AWS_PROFILE": "gone", "AWS_CONFIG_FILE": os.devnull}
    subprocess.run([sys.executable, "-c", "import airflow_provider_personalize.emulator"], env=env, check=True)


def test_without_moto_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "moto.py").write_text("raise ModuleNotFoundError(name='moto')")
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    done = subprocess.run([*EMULATOR, "--help"], env=env, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == ["There is no moto: pip install 'airflow-provider-personalize[emulator]'"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_shows_its_tasks_and_leaves_nothing_behind(tmp_path: Path, number: int) -> None:
    process = start(tmp_path, "run", DAGS / "hanging.py")
    said = lines_of(process, until="running")
    started = psutil.Process(process.pid).children(recursive=True)
    while not any(child.name() == "sleep" for child in started):
        started = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (130, "")
    assert re.search(r"^hang +running +\d+ s +-", out, re.MULTILINE), out
    assert "\nhanging: interrupted (1 running), " in out
    assert out.endswith("Interrupted.\n")
    assert not until_gone(started)
    assert not list(tmp_path.glob("personalize-run-*"))
    url = said.split()[1]
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url)


@pytest.mark.slow
def test_a_run_that_is_killed_takes_all_that_it_started_with_it_and_its_folder_too(tmp_path: Path) -> None:
    process = start(tmp_path, "run", DAGS / "hanging.py")
    lines_of(process, until="running")
    started = psutil.Process(process.pid).children(recursive=True)
    while not any(child.name() == "sleep" for child in started):
        started = psutil.Process(process.pid).children(recursive=True)
    assert list(tmp_path.glob("personalize-run-*"))
    process.kill()
    process.communicate()
    assert not psutil.wait_procs(started, timeout=300)[1]
    assert gone(tmp_path)


CLAIMING = """
import subprocess, sys, time
from airflow_provider_personalize.emulator.cli.leftovers import Claim
claim = Claim()
child = subprocess.Popen(["sleep", "1000"], start_new_session=True, stdout=subprocess.DEVNULL)
claim.note(child.pid)
print(claim.folder, flush=True)
sys.stdin.read()
claim.release(keep="keep" in sys.argv)
"""


@pytest.fixture
def claiming(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    env = os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", CLAIMING, "keep"], env=env, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    started = [process.stdout.readline(), *psutil.Process(process.pid).children()]  # type: ignore[union-attr]
    yield process
    for one in (process, *started[1:]):
        with contextlib.suppress(psutil.Error):
            one.kill()
    process.communicate()


def test_what_a_killed_run_left_is_cleared_up_by_the_next(claiming: subprocess.Popen[str], tmp_path: Path) -> None:
    (folder,) = tmp_path.glob("personalize-run-*")
    started = psutil.Process(claiming.pid).children()
    leftovers.sweep()
    assert folder.exists(), "it runs"
    (sleep,) = (child for child in started if child.name() == "sleep")
    for one in (*(child for child in started if child != sleep), claiming):
        one.kill()  # the one that watches over it first
    claiming.wait(timeout=300)
    assert sleep.is_running()
    leftovers.sweep()
    assert not folder.exists()
    assert not until_gone([sleep])


def test_a_folder_that_is_kept_stays(claiming: subprocess.Popen[str], tmp_path: Path) -> None:
    (folder,) = tmp_path.glob("personalize-run-*")
    claiming.communicate(timeout=300)
    leftovers.sweep()
    assert folder.exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["run", "nowhere.py"], "there is no file nowhere.py"),
        (["run", __file__, "--interactions", "nowhere.csv"], "there is no file nowhere.csv"),
        (["run", __file__, "--conf", "{"], "not JSON"),
        (["run", __file__, "--conf", "[1]"], "not a JSON object"),
        (["run", __file__, "--python", "nopython"], "there is no program nopython"),
        (["run", __file__, "--times", "0"], "must be a number, 1 or more"),
        (["serve", "--port", "0", "--speed", "0"], "must be more than 0"),
    ],
)
def test_invalid_options_are_refused_with_2(arguments: list[str], complaint: str, capsys, monkeypatch) -> None:
    from airflow_provider_personalize.emulator.cli.main import main

    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2
    assert complaint in capsys.readouterr().err


def test_a_python_without_airflow_is_named(tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o700)
    said = say(tmp_path, "run", DAGS / "green.py", "--python", bare)
    assert said.status == 1
    assert f"{bare} has no Airflow" in said.out


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    without = "import runpy, sys; sys.modules['flask'] = None; runpy.run_module(sys.argv.pop(1), run_name='__main__')"
    command = [sys.executable, "-c", without, EMULATOR[-1], "serve", "--port", "0"]
    said = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True, capture_output=True)
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.splitlines()[-1] == "There is no flask: pip install 'airflow-provider-personalize[emulator]'"
    assert "Traceback" not in said.stderr


class TestTheRegion:
    """Where the tasks of a run work."""

    EXAMPLE = "arn:aws:personalize:eu-west-1:123456789012:solution/shop"  # README's first

    def regions(self, folder: Path, text: str = "") -> dict[str, str]:
        (folder / "dag.py").write_text(text)
        home = AirflowHome(folder, folder / "dag.py", sys.executable, "http://127.0.0.1:1", ["aws_default", "mine"])
        names = [name for name in home.env if name.startswith("AIRFLOW_CONN_")]
        found = {name[13:].lower(): json.loads(home.env[name])["extra"]["region_name"] for name in names}
        return {"environment": home.env["AWS_DEFAULT_REGION"], **found}

    @pytest.fixture(autouse=True)
    def _nothing_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in [name for name in os.environ if name.startswith("AIRFLOW_CONN_")] + ["AWS_DEFAULT_REGION"]:
            monkeypatch.delenv(name, raising=False)

    @pytest.mark.parametrize(
        "connection",
        [
            "aws://k:s@/?region_name=ap-south-1",
            "aws://?__extra__=%7B%22region_name%22%3A+%22ap-south-1%22%7D",
            '{"conn_type": "aws", "extra": {"region_name": "ap-south-1"}}',
            '{"conn_type": "aws", "extra": "{\\"region_name\\": \\"ap-south-1\\"}"}',
        ],
    )
    @pytest.mark.parametrize("name", ["AWS_DEFAULT", "MINE", "A_THIRD"])
    def test_is_that_of_the_connection(self, tmp_path: Path, monkeypatch, connection: str, name: str) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", connection)
        assert self.regions(tmp_path, self.EXAMPLE)[name.lower()] == "ap-south-1"

    @pytest.mark.parametrize("connection", ["aws://", "aws://k:s@/?region_name=", '{"conn_type": "aws", "extra": 1}'])
    def test_is_else_that_of_the_arns_in_the_file(self, tmp_path: Path, monkeypatch, connection: str) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_MINE", connection)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        assert set(self.regions(tmp_path, self.EXAMPLE).values()) == {"eu-west-1"}

    def test_is_else_that_of_the_shell(self, tmp_path: Path, monkeypatch) -> None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        two = self.EXAMPLE + "\n" + self.EXAMPLE.replace("west", "north")
        assert set(self.regions(tmp_path, two).values()) == {"eu-central-1"}

    def test_is_else_us_east_1(self, tmp_path: Path) -> None:
        assert set(self.regions(tmp_path).values()) == {"us-east-1"}


def test_the_web_ui_of_airflow_2_asks_for_no_login(tmp_path: Path) -> None:
    """https://airflow.apache.org/docs/apache-airflow-providers-fab/1.5.0/auth-manager/webserver-authentication.html."""
    (tmp_path / "dag.py").touch()
    home = AirflowHome(tmp_path, tmp_path / "dag.py", sys.executable, "http://127.0.0.1:1", ["aws_default"])
    exec((tmp_path / "webserver_config.py").read_text(), settings := {})
    assert settings["AUTH_ROLE_PUBLIC"] == "Admin"
    assert home.env["AIRFLOW_HOME"] == str(tmp_path)
    assert home.env["AIRFLOW__WEBSERVER__WEB_SERVER_HOST"] == "127.0.0.1"


class TestWatching:
    """What the listener in the run's Airflow records, and how it is reported."""

    @pytest.fixture
    def home(self, tmp_path: Path) -> Any:
        (tmp_path / "events.jsonl").touch()
        (tmp_path / "run.log").touch()
        return SimpleNamespace(folder=tmp_path, events=tmp_path / "events.jsonl", log=tmp_path / "run.log")

    def write(self, home: Any, *events: dict[str, Any]) -> None:
        with home.events.open("a") as file:
            file.writelines(json.dumps({"dag": "d", "run": "r", **event}) + "\n" for event in events)

    def test_a_task_that_the_scheduler_skipped_is_known_from_the_end_of_the_run(self, home: Any, capsys) -> None:
        watch = Watch(home, "d", verbose=False)
        self.write(
            home, {"run": "r", "tasks": [["a", -1, "running"]]}, {"dag": "other", "tasks": [["x", -1, "failed"]]}
        )
        self.write(home, {"ended": "success", "tasks": [["a", -1, "success"], ["b", 0, "skipped"]]})
        self.write(home, {"run": "next", "tasks": [["a", -1, "failed"]]})
        assert watch.close() == 0
        assert re.search(r"d: success \(1 success, 1 skipped\)", capsys.readouterr().out)

    @pytest.mark.parametrize(("no_colour", "shown"), [("", "\x1b[32msuccess\x1b[0m"), ("1", " success\n")])
    def test_states_have_colours_on_a_terminal(
        self, home: Any, monkeypatch, capsys, no_colour: str, shown: str
    ) -> None:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        monkeypatch.setenv("NO_COLOR", no_colour)
        monkeypatch.setenv("TERM", "xterm")
        console.cache_clear()
        watch = Watch(home, "d", verbose=False)
        self.write(home, {"tasks": [["a", -1, "success"]]})
        watch.update()
        assert shown in capsys.readouterr().out
        console.cache_clear()

    @pytest.mark.parametrize(
        ("task_type", "state", "made", "sent", "total"),
        [
            ("UpdateSolutionOperator", "success", ["Describe"], "nothing: found as wanted", "Nothing was sent"),
            ("UpdateSolutionOperator", "failed", ["Describe"], "nothing", "Nothing was sent"),
            ("SolutionUpdateSensor", "success", ["Describe"], "nothing", "Nothing was sent"),
            ("UpdateSolutionOperator", "success", ["Describe", "Update"], "1 UpdateSolution", "Sent to"),
            ("BashOperator", "success", [], "-", "Personalize was not called."),
        ],
    )
    def test_the_table_shows_what_each_task_sent(
        self, home: Any, capsys, task_type: str, state: str, made: list[str], sent: str, total: str
    ) -> None:
        calls.append(Call("CreateSolution", None, 0, None, "mine"))  # an earlier run's
        watch = Watch(home, "d", title="d, run 2 of 2", verbose=False)
        self.write(home, {"tasks": [["a", -1, "running"]], "app": "mine", "type": task_type})
        self.write(home, {"ended": "success", "tasks": [["a", -1, state], ["b", -1, "skipped"]]})
        for verb in made:
            calls.append(Call(f"{verb}Solution", None, 0, None, "mine"))
            calls.append(Call("UpdateSolution", None, 0, "ThrottlingException", "mine"))
            calls.append(Call("DescribeSolution", None, 0, None, "another's"))
        watch.close()
        out = capsys.readouterr().out
        assert out.startswith("\nd, run 2 of 2\n")
        assert re.search(rf"^a +{state} +0 s +{sent} *\nb +skipped +0 s +- *\n", out, re.MULTILINE | re.ASCII), out
        assert f"\n{total}" in out
        assert "CreateSolution" not in out

    def test_what_a_task_reports_after_the_end_of_its_run_neither_reopens_that_nor_is_another_run(
        self, home: Any
    ) -> None:
        """A task's process may still be there when the scheduler ends the run, and when the next run is started."""
        late = {"run": "1", "tasks": [["a", -1, "success"]]}
        first = Watch(home, "d", run_id="1", verbose=False)
        self.write(home, {**late, "ended": "success"}, late)
        first.update()
        assert first.over
        second = Watch(home, "d", run_id="2", verbose=False)
        self.write(home, late, {"run": "2", "ended": "success", "tasks": [["a", -1, "success"]]})
        second.update()
        assert (first.close(), second.close()) == (0, 0)

    def test_a_failed_attempt_is_not_the_end(self, home: Any, capsys) -> None:
        watch = Watch(home, "d", verbose=False)
        self.write(home, {"tasks": [["a", -1, "up_for_retry"]], "reason": ["no such job"]})
        watch.update()
        assert not watch.over
        assert "up_for_retry\n    no such job\n" in capsys.readouterr().out

    def test_an_error_of_the_listener_is_shown_and_no_success(self, home: Any, capsys) -> None:
        watch = Watch(home, "d", verbose=False)
        self.write(home, {"tasks": [["a", -1, "success"]]}, {"error": "Traceback\nno such column: map_index"})
        assert watch.close() == 1
        assert "could not be watched:\n    Traceback\n    no such column: map_index" in capsys.readouterr().out

    def test_a_run_that_nothing_is_heard_of_is_not_a_success(self, home: Any, capsys) -> None:
        watch = Watch(home, "d", verbose=False)
        home.log.write_text("the plugin cannot be loaded\n")
        assert watch.close() == 1
        assert "the plugin cannot be loaded" in capsys.readouterr().out


class TestServe:
    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
        process = start(tmp_path, "serve", "--port", "0")
        yield process
        process.kill()
        process.communicate()

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_says_its_url_first_and_a_signal_ends_it_with_0(self, server: subprocess.Popen[str], number: int) -> None:
        said = lines_of(server, until="Ctrl-C")
        url = said.splitlines()[0]
        with urllib.request.urlopen(f"{url}/_personalize/health") as answer:
            assert answer.status == 200
        server.send_signal(number)
        assert server.communicate(timeout=300) == ("", "")
        assert server.returncode == 0
        assert f"AWS_ENDPOINT_URL={url}" in said

    def test_at_speed_1_its_time_is_ours(self, tmp_path: Path) -> None:
        process = start(tmp_path, "serve", "--port", "0", "--speed", "1")
        try:
            url = lines_of(process, until="Ctrl-C").splitlines()[0]
            before = time.time()
            with urllib.request.urlopen(f"{url}/_personalize/clock") as answer:
                assert before - 1 < json.load(answer)["now"] < time.time() + 1
        finally:
            process.kill()
            process.communicate()

    def test_a_port_that_is_taken_ends_with_2_and_says_so(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            said = say(tmp_path, "serve", "--port", str(port))
        assert (said.status, said.out) == (2, "")
        assert said.err == f"Cannot listen at 127.0.0.1:{port}: Address already in use\n"

    def test_an_address_that_others_reach_prints_a_warning(self, tmp_path: Path) -> None:
        process = start(tmp_path, "serve", "--port", "0", "--host", "0.0.0.0")
        lines_of(process, until="Ctrl-C")
        process.send_signal(signal.SIGINT)
        assert "there is no authentication" in process.communicate(timeout=300)[1]


@pytest.mark.slow
def test_standalone_runs_the_dag_shows_a_web_ui_and_ends_with_the_runs_status(tmp_path: Path) -> None:
    process = start(tmp_path, "run", DAGS / "red.py", "--dag-id", "red", "--standalone")
    said = lines_of(process, until="stays up")
    url = re.search(r"^Web UI +(\S+)$", said, re.MULTILINE)[1]  # type: ignore[index]
    assert re.search(rf"^red  {url}/dags/red/runs/manual__\S+$", said, re.MULTILINE)
    with urllib.request.urlopen(f"{url}/auth/token") as token:  # nobody has to log in
        assert json.load(token)["access_token"]
    assert re.search(r"^fail +failed", said, re.MULTILINE)
    assert "ValueError: the bucket is" in said
    started = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=300)
    assert process.returncode == 1
    assert not until_gone(started)


@pytest.mark.slow
def test_a_standalone_airflow_ends_with_a_run_that_is_killed(tmp_path: Path) -> None:
    process = start(tmp_path, "run", DAGS / "red.py", "--dag-id", "red", "--standalone")
    lines_of(process, until="stays up")
    started = psutil.Process(process.pid).children(recursive=True)
    assert len(started) > 4
    process.kill()
    process.communicate()
    assert not psutil.wait_procs(started, timeout=300)[1]
    assert gone(tmp_path)


@pytest.mark.slow
def test_a_second_run_is_reported_separately(tmp_path: Path) -> None:
    said = say_green(tmp_path, "--times", "2")
    assert (said.status, said.left) == (0, []), said.out
    first, second = said.out.split("\ngreen: success (6 success)")[:2]
    # how many of its states are told depends on how fast it goes through them
    assert all("double[1]" in part for part in (first, second)), said.out


@pytest.mark.slow
def test_standalone_with_exit_ends_with_the_run(tmp_path: Path) -> None:
    said = say_green(tmp_path, "--standalone", "--exit")
    assert (said.status, said.left) == (0, []), said.out


@pytest.mark.slow
def test_a_retry_finds_its_training_in_airflows_task_state_store(tmp_path: Path) -> None:
    """And the sensor of automatic trainings returns the version in each mode."""
    said = say(tmp_path, "run", DAGS / "trainings.py", "--speed", "600")
    assert said.status == 0, said.out + said.err
