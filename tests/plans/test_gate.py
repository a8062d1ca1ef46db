"""The gate: what a version's metrics have to meet, and what it says of those that do not."""

from __future__ import annotations

import pytest

from airflow_provider_personalize.plans.gate import Gate, margin

GOOD = {"precision_at_5": 0.25, "coverage": 0.7}
NAN = float("nan")


@pytest.mark.parametrize(
    ("gate", "metrics", "live", "told"),
    [
        (Gate({"precision_at_5": 0.25}, {"coverage": 0.7}), GOOD, None, []),
        (
            Gate({"precision_at_5": 0.3}, {"coverage": 0.5}),
            GOOD,
            {"precision_at_5": 0.35},
            [
                "precision_at_5: wanted at least 0.3, found 0.25 (live 0.35)",
                "coverage: wanted at most 0.5, found 0.7",
                "precision_at_5: wanted at least 0.35, found 0.25 (live 0.35)",
            ],
        ),
        (Gate(), GOOD, None, []),
        (Gate(), GOOD, GOOD, []),
        (Gate(tolerance=0.1), GOOD, {"precision_at_5": 0.35, "coverage": 0.8}, []),
        (Gate(tolerance=0.1), GOOD, {"coverage": 0.81}, ["coverage: wanted at least 0.71, found 0.7 (live 0.81)"]),
        (Gate(tolerance="10%"), GOOD, {"coverage": 0.7 / 0.9}, []),
        (Gate(tolerance="10 %"), GOOD, {"coverage": 0.8}, ["coverage: wanted at least 0.72, found 0.7 (live 0.8)"]),
        (
            Gate(tolerance={"precision_at_5": "20%", "coverage": 0}),
            GOOD,
            {"precision_at_5": 0.3, "coverage": 0.75, "more": 1},
            ["coverage: wanted at least 0.75, found 0.7 (live 0.75)"],
        ),
    ],
)
def test_each_requirement_that_is_not_met_is_told_with_what_is_wanted_found_and_live(gate, metrics, live, told):
    failures = gate.failures(metrics, live)
    assert [str(failure) for failure in failures] == told
    assert not any(failure.is_missing for failure in failures)
    assert all(set(failure.to_json()) == {"metric", "wanted", "found", "live"} for failure in failures)


@pytest.mark.parametrize(
    ("gate", "metrics", "live"),
    [
        (Gate({"hit_at_k": 0}), GOOD, None),
        (Gate({}, {"hit_at_k": 1}), GOOD, None),
        (Gate({"coverage": 0}), {"coverage": NAN}, None),
        (Gate(), GOOD, {"hit_at_k": 0.1}),
        (Gate(tolerance={"hit_at_k": 0}), {"hit_at_k": 1}, GOOD),
        (Gate(), GOOD, {}),
        (Gate(tolerance={}), GOOD, GOOD),
        (Gate(), GOOD, {"coverage": NAN}),
    ],
)
def test_a_missing_metric_never_passes(gate, metrics, live):
    failures = gate.failures(metrics, live)
    assert failures
    assert all(failure.is_missing for failure in failures)


@pytest.mark.parametrize("wrong", [-1, "-5%", "five", "nan", "inf", True, None, ""])
def test_a_tolerance_is_a_number_or_a_percentage(wrong):
    with pytest.raises(ValueError, match="could not"):
        margin(wrong, 1)
