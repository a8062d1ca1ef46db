"""Every weather on every way to wait and on writes: what ``docs/faults.md`` says of it is so."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from weathers import ROWS, WAYS, measure

from airflow_provider_personalize.emulator.control import transport_faults
from airflow_provider_personalize.triggers import poller

DOC = (Path(__file__).parents[2] / "docs" / "faults.md").read_text(encoding="utf-8")
TABLE = [[cell.strip() for cell in line.strip("|").split("|")] for line in DOC.splitlines() if line.startswith("| ")]
ROWS_SAID = {(row[0], row[1]): row[2:] for row in TABLE if len(row) == 2 + len(WAYS)}
SAID = {row: dict(zip(WAYS, cells, strict=True)) for row, cells in ROWS_SAID.items()}
# the others take as long and show as much as these do; CI runs them
QUICK = {
    "throttled",
    "connection reset, applied",
    "credentials expired",
    "access denied",
    "over a quota",
    "LimitExceeded, rate",
}


@pytest.fixture
def passed(passing_time, monkeypatch):
    """Time of which nothing passes but what is slept."""
    monotonic = round(time.monotonic())  # a sum of whole seconds is exact
    real = time.time() - time.monotonic() + monotonic
    monkeypatch.setattr(passing_time, "_real", lambda: real)
    monkeypatch.setattr(passing_time, "_monotonic", lambda: monotonic)
    monkeypatch.setattr(poller, "_TICK", 2**-20)  # a sum of those is exact too
    monkeypatch.setattr(transport_faults, "pause", passing_time.sleep)  # who waits for an answer has less time left
    return lambda: passing_time.monotonic() - monotonic


def row(weather: str, lasting: str) -> object:
    marks = () if weather in QUICK else pytest.mark.slow
    return pytest.param(weather, lasting, marks=marks, id=f"{weather}, {lasting}")


@pytest.mark.parametrize(("weather", "lasting"), [row(*each) for each in ROWS])
@pytest.mark.parametrize("way", WAYS)
def test_it_goes_as_is_said(personalize, passed, weather, lasting, way):
    assert measure(personalize, passed, weather, lasting, way) == SAID[weather, lasting][way]


def test_every_row_is_of_a_weather_that_there_is():
    titles = ("Fault", "Lasts"), ("Answer", "Lasts"), ("---", "---")
    assert SAID.keys() - {*titles} == {*ROWS}
