"""Everything that a DAG may rely on when the emulator runs it."""

from __future__ import annotations

import os
from pathlib import Path

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task
import sibling

with DAG(dag_id="green", schedule=None, params={"interactions": "", "colour": ""}):

    @task
    def numbers() -> list[int]:
        import sibling_of_a_task

        return [*sibling.NUMBERS, *sibling_of_a_task.NUMBERS]

    @task
    def double(number: int) -> int:
        return number * 2

    @task
    def reach_only_the_emulator() -> None:
        from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

        endpoint = os.environ["AWS_ENDPOINT_URL"]
        assert endpoint.startswith("http://127.0.0.1:")
        for conn_id in ("aws_default", "another", "mine"):
            sts = AwsBaseHook(aws_conn_id=conn_id, client_type="sts").conn
            assert sts.meta.endpoint_url == endpoint
            assert sts.get_caller_identity()["Account"] == "123456789012"
        assert "AWS_PROFILE" not in os.environ
        assert not Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).exists()

    @task
    def find_an_airflow_of_its_own() -> None:
        from airflow.configuration import conf

        assert conf.get("core", "dags_folder") == str(Path(__file__).parent)
        assert conf.get("core", "executor") != "Nonsense"
        assert os.environ["AIRFLOW_VAR_FRUIT"] == "apple"

    @task
    def get_the_conf(params: dict[str, str] | None = None) -> None:
        params = params or {}
        assert params["colour"] == "blue"
        assert Path(params["interactions"]).read_text(encoding="utf-8") == "USER_ID\n"

    double.expand(number=numbers())
    reach_only_the_emulator()
    find_an_airflow_of_its_own()
    get_the_conf()
