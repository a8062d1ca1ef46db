"""Secrets do not leak: each is planted in its place and searched for in everything that a task leaves."""

from __future__ import annotations

import functools
import json
import logging
import threading
import traceback
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import moto.core.models
import pytest
from every_task import ENDS, STEPS, task_of
from shop import MARKET, PREFIX, ROLE
from task_runs import Run

from airflow_provider_personalize.emulator import faults
from airflow_provider_personalize.exceptions import PersonalizeError
from airflow_provider_personalize.hook_parameters import HookParameters
from airflow_provider_personalize.status import WaitCondition

CANARY: Final = "canary"
PROXY: Final = f"http://user:{CANARY}-of-the-proxy@127.0.0.1:9"
SIGNED: Final = (
    f"https://shop.s3.amazonaws.com/x.csv?X-Amz-Credential={CANARY}-key%2F20260101&X-Amz-Expires=60"
    f"&X-Amz-Security-Token={CANARY}-token&X-Amz-Signature={CANARY}-signature"
)
# What AWS answers where a signature is wrong has the headers of the request in it, and the session's token among them
ECHO: Final = (
    "The request signature we calculated does not match. The Canonical String for this request should have been\n"
    f"'POST\n/\n\nhost:personalize.us-east-1.amazonaws.com\nx-amz-security-token:{CANARY}-token\n\n'"
    f" AWS4-HMAC-SHA256 Credential={CANARY}-key/20260101/us-east-1, Signature={CANARY}-signature"
)
CONNECTION: Final = {
    "conn_type": "aws",
    "login": f"{CANARY}-login",
    "password": f"{CANARY}-password",
    "extra": {
        "region_name": "us-east-1",
        "aws_session_token": f"{CANARY}-session-token",
        "config_kwargs": {"retries": {"total_max_attempts": 1}, "proxies": {"https": PROXY, "http": PROXY}},
    },
}


class Left:
    """Everything that tasks left behind, by place."""

    def __init__(self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
        self._caplog, self._capfd, self._places = caplog, capfd, defaultdict(list)

    def run(self, run: Run) -> Any:
        """Run a task, and keep what it leaves; return its result, or its error."""
        try:
            result = run()
            self._places["result"].append(result)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must hold no secret
            result = error
            self._places["errors"] += traceback.format_exception(error)  # with all that led to it
        task, _ = run.ready()
        self._places["templates"].append({field: getattr(task, field) for field in task.template_fields})
        self._places["XComs"].append(run.ti.xcoms)
        self._places["events"] += run.events
        self._places["rows"] += (deferred.trigger.serialize() for deferred in run.deferrals)
        return result

    def places(self) -> dict[str, str]:
        """Return it as texts."""
        texts = {place: json.dumps(values, default=str) for place, values in self._places.items()}
        return {**texts, "logs": "\n".join([self._caplog.text, *self._capfd.readouterr()])}

    def holds(self, text: str) -> set[str]:
        """Return where a text occurs."""
        return {place for place, found in self.places().items() if text in found}


@pytest.fixture
def left(life, monkeypatch, caplog, capfd) -> Left:
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(CONNECTION))
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"):
        monkeypatch.setenv(f"AWS_{name}", f"{CANARY}-{name}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(HookParameters, "hook", functools.cache(HookParameters.hook.__wrapped__))
    caplog.set_level(logging.DEBUG, "airflow_provider_personalize")
    caplog.set_level(logging.DEBUG, "airflow.task")
    return Left(caplog, capfd)


@pytest.mark.parametrize(
    ("conn_id", "deferrable", "steps"), [("aws_default", True, [*STEPS, *ENDS]), (None, False, STEPS[:20])]
)
def test_nothing_comes_out_of_tasks_that_succeed(life, left, conn_id, deferrable, steps):
    """With credentials of the connection, and with those of the environment."""
    for name, given in steps:
        waiting = {"deferrable": deferrable} if hasattr(task_of(name), "goal") else {}
        run = life.run(name, given, aws_conn_id=conn_id, **waiting)
        result = left.run(run)
        assert not isinstance(result, Exception), result
        life.note(name, run, result)
    assert not left.holds(CANARY)


HOW: Final = {
    "echoed": lambda: faults.error_next(None, "InvalidSignatureException", message=ECHO, times=None),
    "denied": lambda: faults.error_next(None, "AccessDeniedException", message=ECHO, times=None),
    "expired": lambda: faults.expired_next(times=None),
    "reset": lambda: faults.reset_next(times=None),
    "garbled": lambda: faults.garbled_next(times=None),
    "a page": lambda: faults.unavailable_next(html=True, times=None),
}
OF_MARKET: Final = {
    "UpdateSolution": {"solution_arn": f"{PREFIX}solution/market", "perform_auto_training": True},
    "SolutionUpdateSensor": {"solution_arn": f"{PREFIX}solution/market"},
    "CreateDatasetImportJob": {
        "dataset_arn": f"{PREFIX}dataset/market/INTERACTIONS",
        "data_source": {"dataLocation": "s3://shop/market.csv"},
        "role_arn": ROLE,
    },
    "DeleteDatasetGroup": {"dataset_group_arn": MARKET, "cascade": True},
}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])
def test_nothing_comes_out_of_tasks_that_fail(life, left, how, deferrable):
    """On the worker from the first call on; deferred, from the triggerer's first poll."""
    for name, given in OF_MARKET.items():
        faults.clear()
        run = life.run(name, given, deferrable=deferrable, timeout=100)
        if deferrable:
            run.between = HOW[how]
        else:
            HOW[how]()
        assert isinstance(left.run(run), Exception), name
        assert bool(run.deferrals) == deferrable, name
    assert not left.holds(CANARY)


@pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])
@pytest.mark.parametrize("secret", [SIGNED, ECHO], ids=["a presigned URL", "a signature"])
def test_nothing_comes_out_of_the_reason_of_a_failure(life, left, secret, deferrable):
    for name in ("UpdateSolution", "CreateDatasetImportJob"):
        faults.fail_next(name, f"Cannot read {secret}")
        error = left.run(life.run(name, OF_MARKET[name], deferrable=deferrable))
        assert "Cannot read" in str(error)
    assert not left.holds(CANARY)


class Sts(BaseHTTPRequestHandler):
    """A service that provides credentials a given number of times and then rejects signatures."""

    gives = 0

    def do_POST(self) -> None:
        status, tag, text = (
            403,
            "ErrorResponse",
            f"<Error><Code>SignatureDoesNotMatch</Code><Message>{ECHO}</Message></Error>",
        )
        if type(self).gives:
            type(self).gives -= 1
            keys = "".join(
                f"<{name}>{CANARY}-{name}</{name}>" for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")
            )
            soon = datetime.now(timezone.utc) + timedelta(minutes=1)
            given = f"<Credentials>{keys}<Expiration>{soon.isoformat()}</Expiration></Credentials>"
            status, tag, text = 200, "AssumeRoleResponse", f"<AssumeRoleResult>{given}</AssumeRoleResult>"
        body = f"<{tag}>{text}</{tag}>".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.mark.parametrize("gives", [0, 1], ids=["at first", "when they are renewed"])
def test_nothing_comes_out_where_the_role_is_refused(life, left, monkeypatch, gives):
    monkeypatch.setattr(Sts, "gives", gives)
    with ThreadingHTTPServer(("127.0.0.1", 0), Sts) as server:
        threading.Thread(target=server.serve_forever).start()
        sts = {"endpoint_url": f"http://127.0.0.1:{server.server_port}"}
        extra = {**CONNECTION["extra"], "role_arn": ROLE, "service_config": {"sts": sts}}
        del extra["config_kwargs"]
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps({**CONNECTION, "extra": extra}))
        error = left.run(life.run("UpdateSolution", OF_MARKET["UpdateSolution"]))
        server.shutdown()
    assert "SignatureDoesNotMatch" in str(error)
    assert not left.holds(CANARY)


def test_nothing_comes_out_where_the_role_of_a_profile_is_refused(life, left, monkeypatch, tmp_path):
    keys = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    own = "\n".join(f"{key} = {CANARY}" for key in keys)
    profiles = tmp_path / "config"
    profiles.write_text(f"[profile shop]\nrole_arn = {ROLE}\nsource_profile = own\n[profile own]\n{own}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(profiles))
    extra = {"region_name": "us-east-1", "profile_name": "shop"}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps({"conn_type": "aws", "extra": extra}))
    with ThreadingHTTPServer(("127.0.0.1", 0), Sts) as server:
        threading.Thread(target=server.serve_forever).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{server.server_port}")
        error = left.run(life.run("UpdateSolution", OF_MARKET["UpdateSolution"]))
        server.shutdown()
    assert "SignatureDoesNotMatch" in str(error)
    assert not left.holds(CANARY)


def test_nothing_comes_out_of_the_data_plane(life, left):
    faults.error_next("PutItems", "InvalidSignatureException", message=ECHO, times=None)
    assert isinstance(left.run(life.run("PutItems", {"dataset_arn": MARKET, "items": [{"itemId": "i1"}]})), Exception)
    assert not left.holds(CANARY)


def test_a_presigned_url_that_is_refused_or_compared_is_not_shown_whole(life):
    given = OF_MARKET["CreateDatasetImportJob"]
    life.do("CreateDatasetImportJob", {**given, "job_name": "a"})
    for wrong in ({"dataLocation": SIGNED}, {"dataLocation": SIGNED.replace("https", "ftp")}, SIGNED):
        with pytest.raises(PersonalizeError, match="data_source") as refused:
            life.run("CreateDatasetImportJob", {**given, "job_name": "a", "data_source": wrong})()
        assert CANARY not in str(refused.value)


def test_the_password_of_a_proxy_that_does_not_answer_is_not_shown(left, monkeypatch):
    """The only one that goes to a real address: a port of this machine that nobody listens on."""
    hook = HookParameters.of("aws_default", None, None, None).hook()
    monkeypatch.setattr(moto.core.models.botocore_stubber, "enabled", False)
    polled = hook.poll(WaitCondition("solution", f"{PREFIX}solution/market"))
    assert "ProxyConnectionError" in str(polled)
    assert CANARY not in str(polled)
    assert not left.holds(CANARY)


ENDPOINT: Final = {"endpoint_url": f"http://user:{CANARY}-of-the-endpoint@127.0.0.1:9"}


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("given", [ENDPOINT, {"service_config": {"sts": ENDPOINT}, "role_arn": ROLE}])
def test_a_password_in_an_endpoint_is_refused_unshown(life, left, monkeypatch, given, deferrable):
    extra = {**CONNECTION["extra"], **given}
    monkeypatch.setenv("AIRFLOW_CONN_PUBLIC", json.dumps({**CONNECTION, "extra": extra}))
    run = life.run("UpdateSolution", OF_MARKET["UpdateSolution"], aws_conn_id="public", deferrable=deferrable)
    assert "endpoint_url has a user or a password in it" in str(left.run(run))
    assert not left.holds(CANARY)


def test_what_is_planted_would_be_found(life, left):
    """So that the others say something."""
    given = OF_MARKET["UpdateSolution"]
    left.run(life.run("UpdateSolution", given, deferrable=True))
    left.run(life.run("UpdateSolution", {**given, "solution_update_config": given["solution_arn"]}))
    assert left.holds("market") == {"result", "errors", "templates", "events", "rows", "logs", "XComs"}
