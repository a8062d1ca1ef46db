"""
Fixtures for tests of your own: pytest finds them where this package is installed with its ``emulator`` extra.

``local_personalize`` is a local Personalize for all AWS clients of the test's own process, and ``personalize_endpoint``
is one at an address, for other processes too. Each test gets an empty one. Its time stands still until the test calls
``clock.advance(3600)``, or runs with ``@pytest.mark.local_personalize(speed=60)``.

pytest reads this file in every run, so it imports nothing until a fixture is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.local import Local

_MARKER: Final = (
    "local_personalize(speed=0): seconds that pass in the local Personalize per real second; 0 stops its time"
)
_NO_ACCOUNT: Final = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_SESSION_TOKEN": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_MISLEADING: Final = ("AWS_PROFILE", "AWS_REGION", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_ENDPOINT_URL")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def local_personalize(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Local]:
    """Provide an empty local Personalize, and moto's S3, to every AWS client that the test creates."""
    _leave_accounts_alone(monkeypatch)
    local = _local(request)
    with local.in_process(_speed(request)) as personalize:
        yield personalize


@pytest.fixture
def personalize_endpoint(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Local]:
    """Provide an empty local Personalize at a ``url``, which is also in the environment as AWS_ENDPOINT_URL."""
    _leave_accounts_alone(monkeypatch)
    local = _local(request)
    with local.at_an_address(_speed(request)) as personalize:
        monkeypatch.setenv("AWS_ENDPOINT_URL", personalize.url)
        yield personalize


def _local(request: pytest.FixtureRequest) -> ModuleType:
    missing = ""
    try:
        from airflow_provider_personalize.emulator import local
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "airflow_provider_personalize":
            raise
    if missing:
        extra = "pip install 'airflow-provider-personalize[emulator]'"
        pytest.fail(f"{request.fixturename} needs {missing}: {extra}", pytrace=False)
    return local


def _leave_accounts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    # before the first import of botocore's models, which fails if AWS_PROFILE names a profile that is not there
    for name in _MISLEADING:
        monkeypatch.delenv(name, raising=False)
    for name, value in _NO_ACCOUNT.items():
        monkeypatch.setenv(name, value)


def _speed(request: pytest.FixtureRequest) -> float:
    marker = request.node.get_closest_marker("local_personalize")
    return _speed_of(*marker.args, **marker.kwargs) if marker else 0


def _speed_of(speed: float = 0) -> float:
    return speed
