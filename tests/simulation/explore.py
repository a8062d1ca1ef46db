"""Breadth-first exploration of all states, each visited once, with the shortest trace to each violation."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from functools import cache
from operator import ge
from typing import Any

from service import EPOCH
from world import Budget, Machine, World

from airflow_provider_personalize.plans.steps import Memory

DEADLINE = "ends only at its deadline, although nothing goes wrong any more"
# Gaps between two times that are larger than this make no difference to any plan.
_GAP = 61
# What only a person reads.
_SKIPPED = frozenset({"notes", "xcom", "last_seen", "error", "done_note", "failures", "message", "memory", "request"})


@dataclass
class Report:
    """
    What an exploration has found.

    :param traces: The shortest trace to each violation.
    """

    name: str
    states: int = 0
    transitions: int = 0
    traces: dict[str, list[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name:<58}{self.states:>9,} states {self.transitions:>10,} transitions  {len(self.traces)} limits"


def explore(name: str, machine: Machine, beginnings: Iterable[World]) -> Report:
    """
    Visit all states that can be reached, and note each violation once.

    A state with a violation is not followed further. So where one invariant cannot hold, the others are still checked
    in all traces in which it does.
    """
    report, visited = Report(name), _Visited()
    for world in beginnings:
        visited.arrive(world, -1, "")
    while visited.queue:
        node, key, world = visited.queue.popleft()
        report.states += 1
        for transition in machine.transitions(world):
            report.transitions += 1
            for violation in transition.world.violations:
                if violation not in report.traces:
                    report.traces[violation] = [
                        *visited.trace(node),
                        _line(transition.text, transition.world.service.now),
                    ]
            if not transition.world.violations:
                found = visited.arrive(transition.world, node, transition.text)
                if transition.is_good and not world.ended:
                    visited.good.setdefault(key, found)
    if (endless := _first_endless(visited.first, visited.good)) is not None:
        report.traces[DEADLINE] = visited.trace(visited.first[endless])
    return report


class _Visited:
    """
    The states that were visited, and those that are to be.

    A state that was visited with more faults to come is not visited again with fewer.
    """

    def __init__(self) -> None:
        self.queue: deque[tuple[int, Any, World]] = deque()
        #: The first node of each state, and the state to which its good transition leads.
        self.first: dict[Any, int] = {}
        self.good: dict[Any, Any] = {}
        self._keys = _Keys()
        # where each node came from, by which event, and when
        self._nodes: list[tuple[int, str, int]] = []
        self._budgets: dict[Any, list[Budget]] = {}

    def arrive(self, world: World, origin: int, text: str) -> Any:
        """Note a state for a visit, if that is new, and return its name."""
        key, world = self._keys.of(world)
        budgets = self._budgets.setdefault(key, [])
        if not any(all(map(ge, budget, world.budget)) for budget in budgets):
            budgets.append(world.budget)
            self.first.setdefault(key, len(self._nodes))
            self.queue.append((len(self._nodes), key, world))
            self._nodes.append((origin, text, world.service.now))
        return key

    def trace(self, node: int) -> list[str]:
        """Return the events that lead to a node, a line each."""
        lines: list[str] = []
        while node >= 0:
            node, text, now = self._nodes[node]
            if text:
                lines.append(_line(text, now))
        return lines[::-1]


def _line(text: str, now: int) -> str:
    return f"{now - EPOCH:>6} s  {text}"


def _first_endless(states: Iterable[Any], goes_to: Mapping[Any, Any]) -> Any:
    """Return the first state from which the good transitions never come to an end; None if all end."""
    ends: set[Any] = set()
    for start in states:
        path, on_path, key = [], set(), start
        while key in goes_to and key not in ends and key not in on_path:
            path.append(key)
            on_path.add(key)
            key = goes_to[key]
        if key in on_path:
            return start
        ends.update(path)
    return None


class _Keys:
    """
    Name states: those that only differ in how long ago things happened, beyond all limits, have one name.

    The name of a state is the names of its parts, and the order of the times in them. What is left of the budget is no
    part of it.
    """

    def __init__(self) -> None:
        self._by_value: dict[Any, tuple[int, tuple[float, ...]]] = {}
        self._by_identity: dict[int, tuple[Any, int, tuple[float, ...]]] = {}
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._memories: dict[Any, Memory] = {}

    def of(self, world: World) -> tuple[Any, World]:
        """Return the name of a state, and the state with the one object that stands for its memory."""
        names: list[Any] = [world.is_waiting, world.has_refusal, world.ended]
        times: list[float] = [world.service.now, world.run_began]
        memory = self._part(world.memory)
        world = world._replace(memory=self._memories.setdefault(memory, world.memory))
        values = (world.service.resources, world.service.past, world.store, world.ledger)
        for number, of_part in (*map(self._value, values), memory, self._part(world.step)):
            names.append(number)
            times.extend(of_part)
        return (*names, *_canonical(times)), world

    def _value(self, value: Any) -> tuple[int, tuple[float, ...]]:
        """Name a part that can be hashed."""
        if value not in self._by_value:
            self._by_value[value] = self._named(value)
        return self._by_value[value]

    def _part(self, part: Any) -> tuple[int, tuple[float, ...]]:
        """Name a part that cannot."""
        if (known := self._by_identity.get(id(part))) is None:
            known = self._by_identity[id(part)] = (part, *self._named(part))
        return known[1:]

    def _named(self, part: Any) -> tuple[int, tuple[float, ...]]:
        tokens: list[Any] = []
        times: list[float] = []
        _flatten(part, tokens, times)
        return self._numbers.setdefault(tuple(tokens), len(self._numbers)), tuple(times)


def _canonical(times: list[float]) -> tuple[int, ...]:
    """Number times by their order, with gaps that are no longer than matters."""
    number, before, numbers = 0, None, {}
    for each in sorted(set(times)):
        if before is not None:
            number += min(int(each - before), _GAP)
        numbers[each], before = number, each
    return tuple(numbers[each] for each in times)


@cache
def _names_of(cls: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(cls) if each.name not in _SKIPPED)


def _flatten(value: Any, tokens: list[Any], times: list[float]) -> None:
    """Take a value apart: the times in it, and the rest."""
    if (seconds := _time_in(value)) is not None:
        tokens.append("<time>")
        times.append(seconds)
    elif value is None or isinstance(value, (bool, int, float, str)):
        tokens.append(value)
    elif is_dataclass(value):
        tokens.append(type(value).__name__)
        for name in _names_of(type(value)):
            _flatten(getattr(value, name), tokens, times)
    elif isinstance(value, Mapping):
        tokens.append(tuple(value))
        for each in value.values():
            _flatten(each, tokens, times)
    else:
        tokens.append(len(value))
        for each in value:
            _flatten(each, tokens, times)


def _time_in(value: Any) -> float | None:
    """Return the time that a value is, in seconds since the epoch; None where it is no time."""
    if isinstance(value, (int, float)):
        return value if value > EPOCH / 2 else None
    if isinstance(value, datetime):
        return value.timestamp()
    return _time_in_text(value) if isinstance(value, str) else None


@cache
def _time_in_text(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp() if text[:2] == "20" else None
    except ValueError:
        return None
