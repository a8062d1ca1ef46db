"""
The gate of a promotion: whether a version's metrics are as good as required. Pure: metrics in, failures out.

Every offline metric of Personalize is better the higher it is
(https://docs.aws.amazon.com/personalize/latest/dg/working-with-training-metrics.html). A metric that is missing fails
the gate; it never passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

Metrics = Mapping[str, float]

# Differences of this size come from the arithmetic of floats.
_ROUNDING: Final = 1e-12


class GateFailure(NamedTuple):
    """
    A requirement that a version does not meet.

    :param metric: The metric's name.
    :param wanted: What is required: ``at least 0.2``.
    :param found: The version's value; None where the version has no such metric.
    :param live: The value of the version that it is compared with; None without such a comparison, or such a metric.
    """

    metric: str
    wanted: str
    found: float | None
    live: float | None = None

    @property
    def is_missing(self) -> bool:
        """Whether a metric that is needed does not exist: an error, whatever else is found."""
        return self.found is None or self.wanted == _COMPARABLE

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON primitives, for XCom."""
        return self._asdict()

    def __str__(self) -> str:
        """Return a line for a log: ``precision_at_5: wanted at least 0.2, found 0.1 (live 0.25)``."""
        compared = "" if self.live is None else f" (live {_number(self.live)})"
        found = "no such metric" if self.found is None else _number(self.found)
        return f"{self.metric}: wanted {self.wanted}, found {found}{compared}"


@dataclass(frozen=True)
class Gate:
    """
    What the metrics of a version have to meet.

    :param min_metrics: The smallest acceptable value of each metric.
    :param max_metrics: The largest acceptable value of each metric.
    :param tolerance: By how much a metric may be lower than that of the live version: a number in the metric's own
        unit, or a percentage of the live value, ``"5%"``. One value is for each metric that the live version has; a
        mapping names the metrics to compare, each with its own.
    """

    min_metrics: Metrics = field(default_factory=dict)
    max_metrics: Metrics = field(default_factory=dict)
    tolerance: float | str | Mapping[str, float | str] = 0

    def failures(self, metrics: Metrics, live: Metrics | None = None) -> list[GateFailure]:
        """
        List what a version does not meet; an empty list if it passes.

        :param metrics: The version's metrics.
        :param live: The metrics of the version that it must not be worse than; None compares with none.
        """
        known = live or {}
        checks = [
            *((name, least, None) for name, least in self.min_metrics.items()),
            *((name, None, most) for name, most in self.max_metrics.items()),
        ]
        found = [
            GateFailure(name, _bounds(least, most), _value(metrics, name), _value(known, name))
            for name, least, most in checks
            if not _is_between(_value(metrics, name), least, most)
        ]
        return found if live is None else [*found, *self._worse(metrics, live)]

    def _worse(self, metrics: Metrics, live: Metrics) -> Iterator[GateFailure]:
        """List in what a version is worse than the live one."""
        named = self.tolerance if isinstance(self.tolerance, Mapping) else dict.fromkeys(live, self.tolerance)
        if not named:
            yield GateFailure("every metric", _COMPARABLE, None)
        for name, tolerance in named.items():
            value, before = _value(metrics, name), _value(live, name)
            if before is None:
                yield GateFailure(name, _COMPARABLE, value)
                continue
            least = before - margin(tolerance, before)
            if not _is_between(value, least, None):
                yield GateFailure(name, _bounds(least, None), value, before)


_COMPARABLE: Final = "a metric that the live version has, too"


def margin(tolerance: float | str, live: float) -> float:
    """
    Return by how much a metric may be lower than a live one.

    :raises ValueError: The tolerance is neither a number of 0 or more nor a percentage such as ``"5%"``.
    """
    text = str(tolerance).strip()
    number = -1.0 if isinstance(tolerance, bool) else float(text.removesuffix("%"))
    if not 0 <= number < float("inf"):
        raise ValueError(f"could not take {tolerance!r} for a tolerance")
    return abs(live) * number / 100 if text.endswith("%") else number


def _value(metrics: Metrics, name: str) -> float | None:
    """Return a metric; None where it is missing, or no number."""
    value = metrics.get(name)
    return None if value is None or value != value else value


def _is_between(value: float | None, least: float | None, most: float | None) -> bool:
    if value is None:
        return False
    return (least is None or value >= least - _ROUNDING) and (most is None or value <= most + _ROUNDING)


def _bounds(least: float | None, most: float | None) -> str:
    return f"at most {_number(most)}" if least is None else f"at least {_number(least)}"


def _number(value: float | None) -> str:
    return f"{value:.6g}"
