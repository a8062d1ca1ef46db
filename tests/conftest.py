"""Shared fixtures: an Airflow in a temporary folder, and time that passes at once."""

from __future__ import annotations

import asyncio
import functools
import gc
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

import pytest

_HOME = tempfile.TemporaryDirectory(prefix="airflow-provider-personalize-")
for _name in [name for name in os.environ if name.startswith(("AIRFLOW_", "AWS_"))]:
    del os.environ[_name]
os.environ |= {
    "AIRFLOW_HOME": _HOME.name,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    # botocore's own repetitions sleep in real time
    "AIRFLOW_CONN_AWS_DEFAULT": """{
        "conn_type": "aws",
        "extra": {"region_name": "us-east-1", "config_kwargs": {"retries": {"total_max_attempts": 1}}}
    }""",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def _make_clients_cheaply() -> None:
    """Let clients share what is equal for all: creating clients is most of the tests' cost."""
    import botocore.hooks
    import botocore.session
    from botocore.hooks import EventAliaser
    from botocore.loaders import create_loader

    botocore.session.create_loader = functools.cache(create_loader)
    botocore.hooks.accepts_kwargs = _remember_signatures(botocore.hooks.accepts_kwargs)
    # one memory of events' names for all
    EventAliaser._alias_event_name = EventAliaser(None)._alias_event_name


def _remember_signatures(accepts_kwargs: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Look at a function's signature once: every session registers the same 130 handlers."""
    known: WeakKeyDictionary[FunctionType, Any] = WeakKeyDictionary()

    def remembering(handler: Any) -> Any:
        function = getattr(handler, "__func__", handler)  # that of a method
        if type(function) is not FunctionType:
            return accepts_kwargs(handler)
        if function not in known:
            known[function] = accepts_kwargs(handler)
        return known[function]

    return remembering


def _mock_nothing_but_boto3() -> None:
    """Keep moto from rebuilding a thousand answers for the requests library in each test; nothing here uses it."""
    with suppress(ImportError):  # MWAA's environments have no moto
        import moto.backend_index
        import moto.core.models
        import moto.core.responses

        moto.core.responses.method_names_from_class = functools.cache(moto.core.responses.method_names_from_class)
        # each request goes through the patterns of two hundred services until one matches
        moto.backend_index.backend_url_patterns.sort(key=lambda service: service[0] != "personalize")
        getattr(moto.core.models, "RESPONSES_METHODS", []).clear()


_make_clients_cheaply()
_mock_nothing_but_boto3()


def pytest_collection_finish() -> None:
    """Keep the garbage collector from what was imported: to go through it takes a tenth of the tests' time."""
    gc.collect()
    gc.freeze()


# a cache of each function, which outlives the test
_kept = functools.cache(functools.cache)


class Time:
    """
    Time that passes only when something sleeps: the package's and the emulator's, equally, and nobody waits.

    A slow machine moves it no further than a fast one. All moments are multiples of 2**-20 seconds, whose sums are
    exact, so that after a sleep until a moment it is that moment.
    """

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.stepped = 0.0
        self._real = int(time.time()) + 0.625
        self._monotonic = int(time.monotonic())

    def time(self) -> float:
        return self._real + self.stepped + sum(self.slept)

    def monotonic(self) -> float:
        return self._monotonic + sum(self.slept)

    def sleep(self, seconds: float) -> None:
        from airflow_provider_personalize.emulator import clock

        seconds = math.ceil(seconds * 2**20) / 2**20
        self.slept.append(seconds)
        clock.advance(seconds)

    async def sleep_in_loop(self, seconds: float) -> None:
        self.sleep(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def passing_time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """Replace the clock of the package and of Airflow's poke loop: sleeping moves it, and the emulator's."""
    from airflow_provider_personalize import clock
    from airflow_provider_personalize._compat import BaseSensorOperator

    passing = Time()
    for module in (clock, sys.modules[BaseSensorOperator.__module__]):
        fake = {"time": passing.time, "sleep": passing.sleep, "monotonic": passing.monotonic}
        monkeypatch.setattr(module, "time", type("time", (), fake))
    monkeypatch.setattr(clock, "_clock", clock.SteadyClock())
    monkeypatch.setattr(clock, "sleep_in_loop", passing.sleep_in_loop)
    return passing


@pytest.fixture
def personalize(passing_time: Time, monkeypatch: pytest.MonkeyPatch):
    """A local Personalize with a shop in it, whose time stands still unless something sleeps; a boto3 client."""
    from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
    from moto import mock_aws
    from shop import bring_interactions, open_shop, start_clock

    from airflow_provider_personalize.emulator import clock
    from airflow_provider_personalize.emulator.control.state import state

    # to look through the stack for a user agent takes longer than most tests
    monkeypatch.setattr(AwsGenericHook, "_get_caller", lambda hook: "a test", raising=False)
    with mock_aws():
        start_clock(passing_time.time())
        clock.freeze()
        bring_interactions()
        yield open_shop()
    state.reset()


@pytest.fixture
def unknown_status(personalize) -> Callable[[str], None]:
    """Make a resource show a status that the service does not have yet."""
    from airflow_provider_personalize.emulator.http.models import personalize_backends

    def show(arn: str) -> None:
        record = personalize_backends["123456789012"]["us-east-1"].records[arn]
        record.progress.statuses = ["A STATUS OF NEXT YEAR"] * len(record.progress.statuses)

    return show


@pytest.fixture
def written(monkeypatch) -> list[tuple[str, dict[str, Any]]]:
    """The calls that change something, with their requests."""
    from airflow_provider_personalize.hooks import PersonalizeHook

    log: list[tuple[str, dict[str, Any]]] = []
    call = PersonalizeHook.call

    def logging(hook: Any, method: str, **request: Any) -> Any:
        if not method.startswith(("describe", "list", "get")):
            log.append((method, request))
        return call(hook, method, **request)

    monkeypatch.setattr(PersonalizeHook, "call", logging)
    return log


@pytest.fixture
def life(personalize, monkeypatch):
    """Give a shop in which every task can be run, one after the other, and nothing sleeps."""
    from every_task import Life

    from airflow_provider_personalize.hook_parameters import HookParameters

    # a client for each task takes longer than the tasks
    monkeypatch.setattr(HookParameters, "hook", functools.cache(HookParameters.hook))
    return Life()
