from __future__ import annotations

import time

import pytest

from airflow_provider_personalize.emulator.control.clock import Clock


def test_a_frozen_clock_moves_only_when_advanced():
    clock = Clock()
    clock.freeze()
    before = clock.now()
    assert clock.now() == before
    clock.advance(3600)
    assert clock.now() == before + 3600


def test_a_real_second_is_a_minute_unless_set_otherwise(monkeypatch):
    real = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: real[0])
    clock = Clock()
    before = clock.now()
    real[0] += 1
    assert clock.now() == pytest.approx(before + 60)
    clock.speed = 2
    real[0] += 1
    assert clock.now() == pytest.approx(before + 62)


@pytest.mark.parametrize("nonsense", [-1, float("nan"), float("inf"), "fast", True])
def test_time_neither_runs_backwards_nor_ends(nonsense):
    clock = Clock()
    clock.freeze()
    before = clock.now()
    with pytest.raises(ValueError, match="advance is .*: it must be a number, 0 or more"):
        clock.advance(nonsense)
    with pytest.raises(ValueError, match="speed is .*: it must be a number, 0 or more"):
        clock.speed = nonsense
    assert clock.now() == before


def test_it_starts_at_the_real_time_when_it_is_first_asked(monkeypatch):
    real = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: real[0])
    monkeypatch.setattr(time, "time", lambda: real[0])
    clock = Clock()
    real[0] += 30  # what a process takes to load
    clock.speed = 1
    real[0] += 30
    assert clock.now() == real[0]
    real[0] += 30
    assert clock.now() == real[0]


def test_a_reset_clock_tells_the_real_time_again():
    clock = Clock()
    clock.advance(1e6)
    clock.freeze()
    clock.reset()
    assert clock.speed == 60
    assert clock.now() == pytest.approx(time.time(), abs=30)
