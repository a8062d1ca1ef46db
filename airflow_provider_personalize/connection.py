"""How to reach the service: the four parameters that every task, hook and trigger has."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_personalize.coercion import parse

if TYPE_CHECKING:
    from airflow_provider_personalize.hooks import PersonalizeHook


@dataclass(frozen=True)
class Connection:
    """
    The four as one value, usable as a key, and what a triggerer must know besides.

    :param aws_conn_id: The Airflow connection.
    :param region_name: The AWS region.
    :param verify: Whether to verify TLS certificates, or the path of a bundle.
    :param config: Members of botocore's ``Config``, as JSON.
    :param connection_required: Whether the Airflow connection must exist, ``aws_default`` too: a worker found it.
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
    ) -> Connection:
        """
        Make it from a task's parameters, which templates may have left as texts: ``"None"``, ``"False"``.

        :raises ValueError: ``botocore_config`` is no structure, or not of JSON primitives, or has a password in it.
        """
        config = parse("structure", botocore_config)
        try:
            members = dict(config) if config else {}
            text = json.dumps(members or None, sort_keys=True)
        except (TypeError, ValueError) as error:  # not what was given, which may hold a password
            raise ValueError(f"botocore_config must be a dict of JSON primitives: {error}") from None
        if "@" in json.dumps(members.get("proxies")):
            raise ValueError(
                "botocore_config has a proxy with a user or a password in it, and is shown in clear: put that into the "
                "connection, as config_kwargs"
            )
        name, region = parse("string", aws_conn_id), parse("string", region_name)
        return cls(name, region, parse("boolean", verify), text, connection_required)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of :meth:`of` again, as JSON primitives."""
        return {
            "aws_conn_id": self.aws_conn_id,
            "region_name": self.region_name,
            "verify": self.verify,
            "botocore_config": json.loads(self.config),
            "connection_required": self.connection_required,
        }

    def hook(self, service: str = "personalize") -> PersonalizeHook:
        """
        Make a hook that goes this way. It imports boto3, so it is for when a task runs.

        :raises ValueError: ``botocore_config`` has a member that botocore's ``Config`` does not have.
        """
        from botocore.config import Config

        from airflow_provider_personalize.hooks import PersonalizeHook

        config = json.loads(self.config)
        try:
            Config(**(config or {}))
        except TypeError as error:
            raise ValueError(f"botocore_config is none: {error}") from error
        hook = PersonalizeHook(
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
            verify=self.verify,
            config=config,
            client_type=service,
        )
        hook.connection_required = hook.connection_required or self.connection_required
        return hook
