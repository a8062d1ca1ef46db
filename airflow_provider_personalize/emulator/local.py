"""A local Personalize for the length of a test, with all that one can tell it and ask it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import boto3
from moto import mock_aws
from moto.core.base_backend import BackendDict
from moto.moto_api import state_manager

from airflow_provider_personalize.emulator import assumptions, calls, clock, quotas
from airflow_provider_personalize.emulator.control import bill, faults
from airflow_provider_personalize.emulator.control.calls import Calls
from airflow_provider_personalize.emulator.control.clock import Clock
from airflow_provider_personalize.emulator.http.server import Server
from airflow_provider_personalize.emulator.service.progress import switch

_KEYS: Final = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


class Local:
    """
    A local Personalize, empty at first.

    ``faults`` tells it to fail, ``assumptions`` what to take for granted, ``bill`` says what it would have cost; all
    are described where they are.

    :param url: Where it listens, or None if it serves this process only.
    """

    faults = faults
    assumptions = assumptions
    bill = bill

    def __init__(self, url: str | None = None) -> None:
        self.url = url

    @property
    def clock(self) -> Clock:
        """The service's time: ``clock.advance(3600)``."""
        return clock

    @property
    def calls(self) -> Calls:
        """What it was asked: ``calls.of("UpdateSolution")``."""
        return calls

    @property
    def quotas(self) -> Any:
        """How many of each kind there may be: ``quotas.set("dataset_group", None)``."""
        return quotas

    def client(self, service: str = "personalize", *, region_name: str = "us-east-1", **options: Any) -> Any:
        """Make a boto3 client: of Personalize, or of what else moto has, S3 for one."""
        return boto3.client(service, region_name=region_name, endpoint_url=self.url, **{**_KEYS, **options})


@contextmanager
def in_process(speed: float) -> Iterator[Local]:
    """Serve all AWS clients of this process, each of which takes it for AWS."""
    with mock_aws(), _fresh(speed):
        yield Local()


@contextmanager
def at_an_address(speed: float) -> Iterator[Local]:
    """Serve whatever takes an endpoint."""
    with _fresh(speed), Server() as server:
        yield Local(server.url)


@contextmanager
def _fresh(speed: float) -> Iterator[None]:
    _reset()
    clock.speed = speed
    try:
        yield
    finally:
        _reset()


def _reset() -> None:
    BackendDict.reset()
    for each in (clock, assumptions, quotas, bill.prices):
        each.reset()
    for told in (faults, calls, bill):
        told.clear()
    for name in state_manager.get_registered_models():
        if name.startswith(switch("")):
            state_manager.unset_transition(name)
