"""A private Airflow: a folder of its own, and an environment in which every way to AWS ends at the emulator."""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import socket
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import airflow_provider_personalize

_REGION: Final = "us-east-1"
_KEY: Final = "emulator"
_ARN_REGION: Final = re.compile(r"\barn:aws[a-z-]*:personalize:([a-z]{2}(?:-[a-z]+)+-\d):")
_KEPT: Final = ("AIRFLOW_CONN_", "AIRFLOW_VAR_")
_DROPPED: Final = ("AIRFLOW", "_AIRFLOW", "AWS_", "BOTO_CONFIG")

# Airflow calls this for every file below the dags folder: no neighbour of the file is loaded, let alone scheduled
_ONLY_THIS_FILE: Final = """\
import os.path


def is_it(file_path, zip_file=None):
    return os.path.samefile(file_path, {path!r})
"""

# `airflow` as `airflow standalone` calls it. What would serve the logs listens at all addresses and at fixed ports, and
# is for other machines: here the web server reads the files.
_AIRFLOW: Final = """\
#!/bin/sh
case "$1" in scheduler|triggerer) set -- "$@" --skip-serve-logs ;; esac
exec {python} {main} "$@"
"""
_INSIDE: Final = Path(__file__).parent / "inside"
NO_AIRFLOW: Final = 3  # the exit status of load_dags.py
# No login on the loopback interface: Airflow 2 reads this, Airflow 3 reads SIMPLE_AUTH_MANAGER_ALL_ADMINS
_WEB_SERVER: Final = 'AUTH_ROLE_PUBLIC = "Admin"\n'


class AirflowHome:
    """
    An Airflow home that holds one DAG file, and the environment that makes processes use it.

    :param folder: An existing folder of its own.
    :param dag_file: The file whose DAGs it has. The file's folder is the dags folder.
    :param python: The interpreter that has Airflow.
    :param endpoint: Where the emulator is.
    :param aws_conn_ids: The connections that lead to it.
    """

    def __init__(self, folder: Path, dag_file: Path, python: str, endpoint: str, aws_conn_ids: list[str]) -> None:
        self.folder = folder
        self.found = folder / "found.json"
        self.log = folder / "run.log"
        self.events = folder / "events.jsonl"
        self.events.touch()
        self.main = folder / "bin" / "airflow_main.py"
        self.web = f"http://127.0.0.1:{free_port()}"
        (folder / "tmp").mkdir()
        self._write("webserver_config.py", _WEB_SERVER)
        self._write("lib/only_this_file.py", _ONLY_THIS_FILE.format(path=str(dag_file)))
        self._copy("listener.py", "plugins/personalize_run.py")
        self._copy("airflow_main.py", "bin/airflow_main.py")
        self.load = self._copy("load_dags.py", "bin/load_dags.py")
        script = _AIRFLOW.format(python=shlex.quote(python), main=shlex.quote(str(self.main)))
        self._write("bin/airflow", script).chmod(0o700)
        # the package alone: in its own folder, or beside it, may be another Airflow
        package = Path(airflow_provider_personalize.__file__).parent
        (folder / "lib" / package.name).symlink_to(package, target_is_directory=True)
        region = _region(dag_file)
        self.env = _inherited(endpoint, region) | _aws(endpoint, region, folder, aws_conn_ids) | self._airflow(dag_file)

    def let_assets_start_runs(self) -> None:
        """Have the scheduler start the runs that assets trigger, and with these those of other schedules."""
        self.env["AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE"] = "True"

    def _write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def _copy(self, source: str, name: str) -> Path:
        return self._write(name, (_INSIDE / source).read_text(encoding="utf-8"))

    def _airflow(self, dag_file: Path) -> dict[str, str]:
        port = self.web.rpartition(":")[2]
        return {
            "AIRFLOW_HOME": str(self.folder),
            "PERSONALIZE_RUN_EVENTS": str(self.events),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dag_file.parent),
            "AIRFLOW__CORE__MIGHT_CONTAIN_DAG_CALLABLE": "only_this_file.is_it",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
            "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
            "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",  # the run that we start, and no other
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            # Airflow 2
            "AIRFLOW__WEBSERVER__WEB_SERVER_HOST": "127.0.0.1",
            "AIRFLOW__WEBSERVER__WEB_SERVER_PORT": port,
            "AIRFLOW__WEBSERVER__BASE_URL": self.web,
            "AIRFLOW__WEBSERVER__WORKERS": "1",
            "AIRFLOW__WEBSERVER__SECRET_KEY": secrets.token_hex(16),
            # Airflow 3
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": port,
            "AIRFLOW__API__BASE_URL": self.web,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.web}/execution/",
            "PATH": os.pathsep.join([str(self.folder / "bin"), os.environ.get("PATH", os.defpath)]),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(self.folder / "lib"), os.environ.get("PYTHONPATH")])),
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(self.folder / "tmp"),  # the web server of Airflow 2 leaves files there
        }


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _region(dag_file: Path) -> str:
    """Return the region of tasks that name none: of the ARNs in their file, or of the shell, or us-east-1."""
    named = set(_ARN_REGION.findall(dag_file.read_text(encoding="utf-8", errors="replace")))
    return named.pop() if len(named) == 1 else os.environ.get("AWS_DEFAULT_REGION") or _REGION


def _inherited(endpoint: str, region: str) -> dict[str, str]:
    """Return our environment without its AWS and its Airflow; its connections to AWS lead to the emulator."""
    kept = {name: value for name, value in os.environ.items() if _is_kept(name)}
    connections = {name: value for name, value in kept.items() if name.startswith(_KEPT[0]) and _is_aws(value)}
    return kept | {name: _connection(endpoint, _region_of(value) or region) for name, value in connections.items()}


def _is_kept(name: str) -> bool:
    return name.startswith(_KEPT) or not name.startswith(_DROPPED)


def _is_aws(connection: str) -> bool:
    if not connection.lstrip().startswith("{"):
        return connection.partition(":")[0].strip().lower() == "aws"
    try:
        return bool(json.loads(connection).get("conn_type") == "aws")
    except ValueError:
        return False


def _region_of(connection: str) -> str | None:
    """Read the region of an AWS connection, which is JSON, or a URL whose query may have the extra in one piece."""
    try:
        if connection.lstrip().startswith("{"):
            extra = json.loads(connection).get("extra") or {}
        else:
            extra = dict(parse_qsl(urlsplit(connection).query))
            extra = json.loads(extra["__extra__"]) if "__extra__" in extra else extra
        extra = json.loads(extra) if isinstance(extra, str) else extra
        return extra.get("region_name") or None
    except (AttributeError, ValueError):
        return None


def _connection(endpoint: str, region: str) -> str:
    extra = {"region_name": region, "endpoint_url": endpoint}
    return json.dumps({"conn_type": "aws", "login": _KEY, "password": _KEY, "extra": extra})


def _aws(endpoint: str, region: str, folder: Path, aws_conn_ids: list[str]) -> dict[str, str]:
    local = ",".join(filter(None, [os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), "127.0.0.1,localhost"]))
    nothing = str(folder / "no-aws-config")
    names = [f"AIRFLOW_CONN_{conn_id.upper()}" for conn_id in aws_conn_ids]
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": _KEY,
        "AWS_SECRET_ACCESS_KEY": _KEY,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": nothing,
        "AWS_SHARED_CREDENTIALS_FILE": nothing,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": local,
        "no_proxy": local,
        **{name: _connection(endpoint, _region_of(os.environ.get(name, "")) or region) for name in names},
    }
