"""How to reach AWS: the four parameters that every task, hook and trigger has."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_personalize.coercion import parse

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    from airflow_provider_personalize.hooks import PersonalizeHook


@dataclass(frozen=True)
class HookParameters:
    """
    The four parameters as one hashable value, and what a triggerer needs besides.

    :param aws_conn_id: The Airflow connection.
    :param region_name: The AWS region.
    :param verify: Whether to verify TLS certificates, or the path of a bundle.
    :param config: Members of botocore's ``Config``, as JSON.
    :param connection_required: Whether the Airflow connection must exist, even ``aws_default``: the worker found it.
    """

    aws_conn_id: str | None
    region_name: str | None
    verify: bool | str | None
    config: str
    connection_required: bool = False

    @classmethod
    def of(
        cls,
        aws_conn_id: str | None,
        region_name: str | None,
        verify: bool | str | None,
        botocore_config: dict[str, Any] | str | None,
        connection_required: bool = False,
    ) -> HookParameters:
        """
        Build it from a task's parameters. Templates may have rendered them as texts: ``"None"``, ``"False"``.

        :raises ValueError: ``botocore_config`` is not a dict of JSON primitives, or contains a password.
        """
        config = parse("structure", botocore_config)
        try:
            members = dict(config) if config else {}
            text = json.dumps(members or None, sort_keys=True)
        except (TypeError, ValueError) as error:  # without the value: it may contain a password
            raise ValueError(f"botocore_config must be a dict of JSON primitives: {error}") from None
        if "@" in json.dumps(members.get("proxies")):
            raise ValueError(
                "botocore_config has a proxy with a user or a password, and Airflow shows it in clear: put the "
                "proxy in the connection, as config_kwargs"
            )
        name, region = parse("string", aws_conn_id), parse("string", region_name)
        return cls(name, region, parse("boolean", verify), text, connection_required)

    @property
    def parameters(self) -> dict[str, Any]:
        """The arguments of :meth:`of`, as JSON primitives."""
        return {
            "aws_conn_id": self.aws_conn_id,
            "region_name": self.region_name,
            "verify": self.verify,
            "botocore_config": json.loads(self.config),
            "connection_required": self.connection_required,
        }

    def check_config(self) -> dict[str, Any] | None:
        """
        Return the members of botocore's ``Config``.

        :raises ValueError: ``botocore_config`` has a member that ``Config`` does not know.
        """
        from botocore.config import Config

        config: dict[str, Any] | None = json.loads(self.config)
        try:
            Config(**(config or {}))
        except TypeError as error:
            raise ValueError(f"botocore_config is not a valid botocore Config: {error}") from error
        return config

    def hook(self, service: str = "personalize") -> PersonalizeHook:
        """
        Return a hook with these parameters. This imports boto3, so call it only while a task runs.

        :param service: The boto3 client type, such as ``personalize-runtime``.
        :raises ValueError: As of :meth:`check_config`.
        """
        from airflow_provider_personalize.hooks import PersonalizeHook

        hook = PersonalizeHook(
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
            verify=self.verify,
            config=self.check_config(),
            client_type=service,
        )
        hook.connection_required = hook.connection_required or self.connection_required
        return hook

    def s3_hook(self) -> S3Hook:
        """
        Return Airflow's own hook for S3 with these parameters. Call it only while a task runs, as :meth:`hook`.

        :raises ValueError: As of :meth:`check_config`.
        :raises ConnectionMissingError: The connection does not exist, and must: Airflow's hook would do without.
        :raises RegionMissingError: Nothing says which region to ask.
        """
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        _ = self.hook().conn
        return S3Hook(
            aws_conn_id=self.aws_conn_id, region_name=self.region_name, verify=self.verify, config=self.check_config()
        )
