"""Every fault with every way to wait and with writes, as ``docs/concepts/faults.md`` documents it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fault_cases import ROWS, WAYS, measure

from airflow_provider_personalize.emulator.control import transport_faults
from airflow_provider_personalize.triggers import poller

DOC = (Path(__file__).parents[2] / "docs" / "concepts" / "faults.md").read_text(encoding="utf-8")
TABLE = [[cell.strip() for cell in line.strip("|").split("|")] for line in DOC.splitlines() if line.startswith("| ")]
ROWS_SAID = {(row[0], row[1]): row[2:] for row in TABLE if len(row) == 2 + len(WAYS)}
SAID = {row: dict(zip(WAYS, cells, strict=True)) for row, cells in ROWS_SAID.items()}
# the others behave like these; CI runs them
QUICK = {
    "throttled",
    "connection reset, applied",
    "credentials expired",
    "access denied",
    "over a quota",
}


@pytest.fixture
def passed(passing_time, monkeypatch):
    """The seconds that have passed."""
    monkeypatch.setattr(poller, "TICK", 2**-20)  # a sum of those is exact too
    # it counts against the deadline
    monkeypatch.setattr(transport_faults, "pause", lambda seconds, clock: passing_time.sleep(seconds))
    return lambda: sum(passing_time.slept)


def row(fault: str, lasting: str) -> object:
    marks = () if fault in QUICK else pytest.mark.slow
    return pytest.param(fault, lasting, marks=marks, id=f"{fault}, {lasting}")


@pytest.mark.parametrize(("fault", "lasting"), [row(*each) for each in ROWS])
@pytest.mark.parametrize("way", WAYS)
def test_each_fault_ends_as_documented(personalize, passed, fault, lasting, way):
    assert measure(personalize, passed, fault, lasting, way) == SAID[fault, lasting][way]


def test_every_documented_fault_is_tested():
    titles = ("Fault", "Lasts"), ("Answer", "Lasts"), ("---", "---")
    assert SAID.keys() - {*titles} == {*ROWS}
