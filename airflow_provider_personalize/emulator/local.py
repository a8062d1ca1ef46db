"""A local Personalize for the length of a test, with all its controls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import boto3
from moto import mock_aws

from airflow_provider_personalize.emulator.control.assumptions import Assumptions
from airflow_provider_personalize.emulator.control.bill import Bill
from airflow_provider_personalize.emulator.control.calls import Calls
from airflow_provider_personalize.emulator.control.clock import Clock
from airflow_provider_personalize.emulator.control.faults import Faults
from airflow_provider_personalize.emulator.control.quotas import Quotas
from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.http.server import Server

_KEYS: Final = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


class Local:
    """
    A local Personalize, empty at first.

    :param url: Where it listens, or None if it serves this process only.
    """

    def __init__(self, url: str | None = None) -> None:
        self.url = url

    @property
    def clock(self) -> Clock:
        """The service's time: ``clock.advance(3600)``."""
        return state.clock

    @property
    def faults(self) -> Faults:
        """The injected faults: ``faults.error_next("DescribeSolution", "ThrottlingException")``."""
        return state.faults

    @property
    def calls(self) -> Calls:
        """The log of calls: ``calls.of("UpdateSolution")``."""
        return state.calls

    @property
    def quotas(self) -> Quotas:
        """How many of each resource type there may be: ``quotas.set("dataset_group", None)``."""
        return state.quotas

    @property
    def assumptions(self) -> Assumptions:
        """What is taken for granted: ``assumptions.unchanged_update = "ignored"``."""
        return state.assumptions

    @property
    def bill(self) -> Bill:
        """What the real service would have charged: ``bill.table()``."""
        return state.bill

    def client(self, service: str = "personalize", *, region_name: str = "us-east-1", **options: Any) -> Any:
        """Return a boto3 client: of Personalize, or of anything else that moto has, S3 for one."""
        return boto3.client(service, region_name=region_name, endpoint_url=self.url, **{**_KEYS, **options})


@contextmanager
def in_process(speed: float) -> Iterator[Local]:
    """Serve all AWS clients of this process, each of which takes it for AWS."""
    with mock_aws(), _fresh(speed):
        yield Local()


@contextmanager
def at_an_address(speed: float) -> Iterator[Local]:
    """Serve any client that takes an endpoint."""
    with _fresh(speed), Server() as server:
        yield Local(server.url)


@contextmanager
def _fresh(speed: float) -> Iterator[None]:
    state.reset()
    state.clock.speed = speed
    try:
        yield
    finally:
        state.reset()
