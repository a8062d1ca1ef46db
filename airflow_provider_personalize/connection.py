"""How to reach the service: the four parameters that every task, hook and trigger has."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_personalize.validation import parse

if TYPE_CHECKING:
    from airflow_provider_personalize.hooks import PersonalizeHook


@dataclass(frozen=True)
class Connection:
    """
    The four as one value, usable as a key.

    :param aws_conn_id: The Airflow connection.
    :param region_name: The AWS region.
    :param verify: Whether to verify TLS certificates, or the path of a bundle.
    :param config: Members of botocore's ``Config``, as JSON.
    """

    aws_conn_id: str | None
    region_name: str | None
    verify: bool | str | None
    config: str

    @classmethod
    def of(
        cls,
        aws_conn_id: str | None,
        region_name: str | None,
        verify: bool | str | None,
        botocore_config: dict[str, Any] | str | None,
    ) -> Connection:
        """Make it from a task's parameters, which templates may have left as texts: ``"None"``, ``"False"``."""
        config = parse("structure", botocore_config)
        return cls(
            parse("string", aws_conn_id),
            parse("string", region_name),
            parse("boolean", verify),
            json.dumps(config or None, sort_keys=True),
        )

    @property
    def parameters(self) -> dict[str, Any]:
        """The task's parameters again, as JSON primitives."""
        return {
            "aws_conn_id": self.aws_conn_id,
            "region_name": self.region_name,
            "verify": self.verify,
            "botocore_config": json.loads(self.config),
        }

    def hook(self, service: str = "personalize") -> PersonalizeHook:
        """Make a hook that goes this way. It imports boto3, so it is for when a task runs."""
        from airflow_provider_personalize.hooks import PersonalizeHook

        return PersonalizeHook(
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
            verify=self.verify,
            config=json.loads(self.config),
            client_type=service,
        )
