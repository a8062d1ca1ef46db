"""
When to poll: calls per wait, and how late an update is noticed, simulated: ``python tests/benchmarks/intervals.py``.

The worker polls once, the trigger waits ten seconds and then polls with the trigger's jitter.
An answer takes no time. How long an update takes varies by a tenth either way, so that no policy meets it by chance.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from statistics import median, quantiles

from airflow_provider_personalize.status import WaitCondition
from airflow_provider_personalize.triggers import PersonalizeTrigger, poller

TAKES = {"30 s": 30, "2 min": 120, "10 min": 600, "1 h": 3600}
RUNS = 3000

Policy = Callable[[float], float]


def fixed(seconds: float) -> Policy:
    return lambda waited: seconds


def growing(share: float, least: float, most: float) -> Policy:
    return lambda waited: min(max(waited * share, least), most)


UPDATE = WaitCondition("solution", "", "updated")
READY = WaitCondition("solution_version", "")
POLICIES: dict[str, Policy] = {
    "fixed 15": fixed(15),
    "fixed 30": fixed(30),
    "fixed 60": fixed(60),
    "a tenth, 5 to 60": growing(0.1, 5, 60),
    "a fifth, 5 to 60": growing(0.2, 5, 60),
    f"**ours, of an update (interval {UPDATE.poll_interval})**": UPDATE.next_delay,
    f"**ours, of a training (interval {READY.poll_interval})**": READY.next_delay,
}


def wait(policy: Policy, takes: float) -> tuple[int, float]:
    """Return the calls of one wait, and by how many seconds its end was noticed late."""
    calls, now = 2, PersonalizeTrigger.hold
    while now < takes:
        now += policy(now) * random.uniform(1 - poller.JITTER, 1 + poller.JITTER)
        calls += 1
    return calls, now - takes


def cell(policy: Policy, takes: float) -> str:
    waits = [wait(policy, random.uniform(0.9, 1.1) * takes) for _ in range(RUNS)]
    delays = [late for _, late in waits]
    return f"{sum(calls for calls, _ in waits) / RUNS:.1f}, {median(delays):.0f} / {quantiles(delays, n=100)[98]:.0f}"


def main() -> None:
    random.seed(1)
    print(f"| calls per wait, delay p50 / p99 s | {' | '.join(TAKES)} |")
    print("|---" * (len(TAKES) + 1) + "|")
    for name, policy in POLICIES.items():
        print(f"| {name} | {' | '.join(cell(policy, takes) for takes in TAKES.values())} |")


if __name__ == "__main__":
    main()
