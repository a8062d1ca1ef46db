"""What the waits of a triggerer share, over HTTP: that nothing stops the loop, and that nothing is left of them."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from shop import PREFIX, SOLUTION, open_shop
from sockets import open_sockets, settles

from airflow_provider_personalize.emulator import calls, clock, faults
from airflow_provider_personalize.exceptions import ConnectionMissingError
from airflow_provider_personalize.hook_parameters import HookParameters
from airflow_provider_personalize.hooks import PersonalizeHook
from airflow_provider_personalize.polling import Observation, PollTarget
from airflow_provider_personalize.triggers import PersonalizeTrigger, SolutionUpdateTrigger, poller
from airflow_provider_personalize.triggers import personalize as trigger_module
from airflow_provider_personalize.triggers.poller import RateLimiter, SharedPoller, Snapshot, shared_poller

CONNECTION = HookParameters.of("aws_default", None, None, None)
SHOP = PollTarget("solution", SOLUTION)
PATIENCE = 60


def nowhere(number: int) -> PollTarget:
    return PollTarget("solution", f"{PREFIX}solution/nowhere-{number}")


def connection(monkeypatch: pytest.MonkeyPatch, name: str = "edited", **extra: Any) -> HookParameters:
    """Make an Airflow connection, or edit it."""
    given = {"region_name": "us-east-1", "config_kwargs": {"retries": {"total_max_attempts": 1}}, **extra}
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps({"conn_type": "aws", "extra": given}))
    return HookParameters.of(name, None, None, None)


def run(test: Coroutine[Any, Any, Any]) -> Any:
    """Run a test in a loop of its own, in which no task may be left."""

    async def whole() -> Any:
        result, end = await asyncio.wait_for(test, PATIENCE), time.monotonic() + PATIENCE
        await until(lambda: len(asyncio.all_tasks()) == 1 or time.monotonic() > end)
        assert len(asyncio.all_tasks()) == 1, asyncio.all_tasks()
        return result

    return asyncio.run(whole())


async def until(condition: Callable[[], Any]) -> None:
    """Wait in the loop, which therefore must run."""
    while not condition():  # noqa: ASYNC110 - what changes it knows nothing of the loop
        await asyncio.sleep(0.005)


async def see(shared: SharedPoller, target: PollTarget = SHOP) -> Observation:
    """Poll now."""
    return (await shared.poll(target, time.monotonic())).observation


@asynccontextmanager
async def polled_by(*targets: PollTarget, to: HookParameters = CONNECTION) -> AsyncIterator[SharedPoller]:
    """Wait for several targets at once."""
    async with shared_poller(to) as shared:
        shared.waits.update(targets)
        try:
            yield shared
        finally:
            for target in targets:
                shared.leave(target)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("personalize_")]


@pytest.fixture(autouse=True)
def shop(personalize_endpoint: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A shop at an address; afterwards nothing may be left of the waits."""
    client = open_shop()
    calls.clear()
    monkeypatch.setattr(PersonalizeTrigger, "hold", 0)
    gc.collect()
    before = open_sockets()
    yield client
    faults.clear()
    assert poller.pollers == {}
    assert settles(lambda: threads() == []), threads()
    assert settles(lambda: open_sockets() <= before), open_sockets()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[PersonalizeHook]:
    """The clients that were made."""
    made, make = [], HookParameters.hook
    monkeypatch.setattr(HookParameters, "hook", lambda *given: made.append(make(*given)) or made[-1])
    return made


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Delay look-ups of connections."""
    gate, look_up = Gate(), PersonalizeHook.get_connection
    monkeypatch.setattr(PersonalizeHook, "get_connection", lambda _, name: gate.pass_through() and look_up(name))
    yield gate
    gate.open.set()


class Gate:
    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()

    def pass_through(self) -> bool:
        self.reached.set()
        return self.open.wait(PATIENCE)


def watch(**arguments: Any) -> SolutionUpdateTrigger:
    given = {"arn": SOLUTION, "waiter_delay": 1000, "deadline": time.time() + 3600, **arguments}
    return SolutionUpdateTrigger(**given)


async def fired(trigger: PersonalizeTrigger) -> dict[str, Any]:
    return (await anext(trigger.run())).payload


# --- shared ----------------------------------------------------------------------------------------------------------


def test_two_hundred_waits_on_one_arn_cost_the_calls_of_one(shop):
    shop.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    calls.clear()

    async def all_at_once() -> list[dict[str, Any]]:
        faults.hang_next("DescribeSolution")
        waits = [asyncio.ensure_future(fired(watch())) for _ in range(200)]
        await until(lambda: any(shared.waits[SHOP] == 200 for shared in poller.pollers.values()))
        clock.advance(600)
        faults.clear()
        return await asyncio.gather(*waits)

    assert {event["outcome"] for event in run(all_at_once())} == {"succeeded"}
    assert len(calls.of("DescribeSolution")) == 1


def test_a_snapshot_is_shared_by_waits_that_it_is_new_enough_for():
    async def polls() -> None:
        async with shared_poller(CONNECTION, SHOP) as shared:
            before = time.monotonic()
            first = await shared.poll(SHOP, before)
            assert await shared.poll(SHOP, before) is first
            assert await shared.poll(SHOP, time.monotonic()) is not first

    run(polls())
    assert len(calls.of("DescribeSolution")) == 2


def test_two_hundred_arns_share_one_client_and_one_look_up_of_the_connection(made):
    async def polls() -> list[Observation]:
        async with polled_by(*map(nowhere, range(200))) as shared:
            return await asyncio.gather(*(see(shared, nowhere(each)) for each in range(200)))

    assert len(run(polls())) == len(calls.of("DescribeSolution")) == 200
    assert len(made) == 1


def test_the_client_exists_before_the_first_poll_is_due(made, monkeypatch):
    monkeypatch.setattr(PersonalizeTrigger, "hold", PATIENCE)

    async def wait() -> None:
        waiting = asyncio.ensure_future(fired(watch()))
        await until(lambda: made and "conn" in vars(made[0]))
        waiting.cancel()

    run(wait())
    assert calls.of("DescribeSolution") == []


def test_a_response_without_an_end_gives_its_thread_back(monkeypatch):
    """One of the fixture's conditions is that no thread is left."""
    monkeypatch.setattr(poller, "THREADS", 1)
    to = connection(monkeypatch, config_kwargs={"retries": {"total_max_attempts": 1}, "read_timeout": 0.3})
    faults.hang_next("DescribeSolution", dripping=True)

    async def polls() -> list[Observation]:
        async with shared_poller(to, SHOP) as shared:
            return [await see(shared), await see(shared)]

    dripping, later = run(polls())
    assert isinstance(dripping.error, ReadTimeoutError)
    assert later.description["status"] == "ACTIVE"


def test_only_evaluated_members_of_an_answer_are_kept():
    async def poll() -> Observation:
        async with shared_poller(CONNECTION, SHOP) as shared:
            return await see(shared)

    assert set(run(poll()).description) == {"status", "creationDateTime"}


def test_an_error_keeps_nothing_of_its_request():
    """A signature, a token, or a connection that is held open."""

    def held(value: Any, depth: int = 6) -> bool:
        name = type(value).__name__
        if name in {"AWSPreparedRequest", "HTTPConnection", "PooledSession", "frame", "traceback"}:
            return True
        return (
            bool(depth)
            and isinstance(value, (Exception, dict, tuple, list))
            and any(held(each, depth - 1) for each in gc.get_referents(value))
        )

    async def poll() -> Observation:
        async with shared_poller(CONNECTION, SHOP) as shared:
            return await see(shared)

    faults.reset_next("DescribeSolution", times=None)
    error = run(poll()).error
    assert type(error).__name__ == "ConnectionClosedError"
    assert not held(error)


def test_waits_that_started_together_drift_apart(passing_time):
    pauses = {Snapshot(Observation(), passing_time.monotonic()).remaining(100) for _ in range(200)}
    assert len(pauses) > 50
    assert 90 <= min(pauses) < 95
    assert 105 < max(pauses) <= 110 + poller.TICK


def test_polls_due_in_the_same_tick_are_made_together(passing_time):
    pauses = {Snapshot(Observation(), passing_time.monotonic()).remaining(1) for _ in range(200)}
    assert len(pauses) <= 2
    assert 0.9 <= min(pauses) <= max(pauses) <= 1.1 + poller.TICK


def test_waits_are_polled_in_order(monkeypatch):
    """With one request at a time, a wait that polls without pause does not starve the others."""
    monkeypatch.setattr(poller, "THREADS", 1)
    targets = [nowhere(each) for each in range(4)]

    async def polls() -> None:
        async with polled_by(*targets) as shared:
            faults.hang_next(arn=targets[0].arn)
            greedy = shared.poll(targets[0], time.monotonic())
            await until(lambda: not faults.told())
            others = [asyncio.ensure_future(see(shared, target)) for target in targets[1:]]
            await asyncio.sleep(0)
            faults.clear()
            await greedy
            await see(shared, targets[0])
            await asyncio.gather(*others)

    run(polls())
    assert [call.arn for call in calls.of("DescribeSolution")] == [each.arn for each in [*targets, targets[0]]]


def test_the_rate_adapts_to_the_service():
    """A service that takes 20 requests a second, and as many at once, and waits that would ask without end."""
    pace, now, tokens, throttled = RateLimiter(), 0.0, 20.0, []
    while now < 300:
        turn = pace.reserve(now)
        tokens, now = min(20, tokens + (turn - now) * 20), turn
        throttled.append(tokens < 1)
        tokens -= not throttled[-1]
        pace.record(turn, now, throttled=throttled[-1])
    assert 300 * 15 < throttled.count(False) <= 300 * 20 + 20
    assert throttled.count(True) < 0.05 * len(throttled)


def test_requests_in_flight_do_not_slow_the_rate_twice():
    pace = RateLimiter()
    began = [pace.reserve(0) for _ in range(40)]
    for each in began:
        pace.record(each, 1.0, throttled=True)
    assert pace.reserve(2) + 2 / poller.MAX_RATE == pytest.approx(pace.reserve(2))


def test_the_rate_never_drops_to_zero_and_recovers_after_throttling():
    pace = RateLimiter()
    for now in range(100):
        pace.record(now, now, throttled=True)
    assert pace.reserve(200) + 1 == pace.reserve(200)
    for now in range(400):
        pace.record(now, now, throttled=False)
    assert pace.reserve(900) + 1 / poller.MAX_RATE == pytest.approx(pace.reserve(900))


def test_a_throttled_poll_slows_all_waits_on_the_client(monkeypatch):
    slowed = []
    monkeypatch.setattr(RateLimiter, "record", lambda *_, throttled: slowed.append(throttled))
    faults.error_next("DescribeSolution", "ThrottlingException", times=3)
    run(fired(watch(waiter_delay=0, deadline=time.time())))
    assert slowed == [True]


# --- credentials and connections -------------------------------------------------------------------------------------


def test_expired_credentials_are_renewed_once_for_two_hundred_waits(made, monkeypatch):
    expired = ClientError({"Error": {"Code": "ExpiredTokenException", "Message": "expired"}}, "DescribeSolution")
    read = PersonalizeHook.observe
    monkeypatch.setattr(
        PersonalizeHook,
        "observe",
        lambda hook, target: Observation(error=expired) if hook is made[0] else read(hook, target),
    )

    async def polls() -> list[Observation]:
        async with polled_by(*map(nowhere, range(200))) as shared:
            return await asyncio.gather(*(see(shared, nowhere(each)) for each in range(200)))

    assert {reading.error.response["Error"]["Code"] for reading in run(polls())} == {"ResourceNotFoundException"}
    assert len(made) == 2


def test_credentials_rejected_after_renewal_end_the_wait(made):
    faults.expired_next("DescribeSolution", times=None)
    event = run(fired(watch()))
    assert event["outcome"] == "broken"
    assert "ExpiredTokenException" in event["reason"]
    assert len(made) == 2


def test_an_edited_connection_is_seen_after_a_while(made, monkeypatch, passing_time):
    edited = connection(monkeypatch, region_name="us-east-1")

    async def regions() -> list[str]:
        async with shared_poller(edited, SHOP) as shared:
            seen = [(await shared.current_hook()).conn.meta.region_name]
            connection(monkeypatch, region_name="eu-west-1")
            for pause in (poller.CLIENT_LIFETIME - 60, 120):
                passing_time.sleep(pause)
                seen.append((await shared.current_hook()).conn.meta.region_name)
            return seen

    assert run(regions()) == ["us-east-1", "us-east-1", "eu-west-1"]


def test_the_client_before_is_closed(made, monkeypatch, passing_time):
    edited = connection(monkeypatch)

    async def polls() -> None:
        async with shared_poller(edited, SHOP) as shared:
            before = open_sockets()
            for _ in range(5):
                assert not (await see(shared)).error
                passing_time.sleep(poller.CLIENT_LIFETIME + 60)
            await until(lambda: open_sockets() <= before + 2)  # of a connection, both ends are in this process

    run(polls())


def test_all_clients_are_made_in_one_thread(monkeypatch, passing_time):
    """Each thread that makes one keeps megabytes of what that took."""
    makers, make = [], HookParameters.hook
    monkeypatch.setattr(HookParameters, "hook", lambda given: makers.append(threading.get_ident()) or make(given))

    async def polls() -> None:
        targets = [nowhere(number) for number in range(9)]
        async with polled_by(*targets) as shared:
            for _ in range(9):
                await asyncio.gather(*(shared.poll(target, passing_time.monotonic()) for target in targets))
                passing_time.sleep(poller.CLIENT_LIFETIME + 60)

    run(polls())
    assert len(makers) == 9
    assert len(set(makers)) == 1


def test_a_connection_that_cannot_be_reloaded_stays_as_it_was(monkeypatch, passing_time, caplog):
    edited = connection(monkeypatch)

    async def polls() -> Observation:
        async with shared_poller(edited, SHOP) as shared:
            await see(shared)
            monkeypatch.delenv("AIRFLOW_CONN_EDITED")
            passing_time.sleep(poller.CLIENT_LIFETIME + 60)
            return await see(shared)

    assert run(polls()).description["status"] == "ACTIVE"
    assert "'edited' could not be read again" in caplog.text


def test_aws_default_that_cannot_be_read_again_stays_as_it_was(monkeypatch, passing_time, caplog):
    async def polls() -> Observation:
        async with shared_poller(HookParameters.of("aws_default", None, None, None), SHOP) as shared:
            await see(shared)
            monkeypatch.delenv("AIRFLOW_CONN_AWS_DEFAULT")
            passing_time.sleep(poller.CLIENT_LIFETIME + 60)
            return await see(shared)

    assert run(polls()).description["status"] == "ACTIVE"
    assert "'aws_default' could not be read again" in caplog.text


def test_a_connection_that_does_not_exist_is_an_error_until_it_does(monkeypatch):
    """And never the credentials that the machine has: there are some in the environment."""

    async def polls() -> Observation:
        async with shared_poller(HookParameters.of("edited", None, None, None), SHOP) as shared:
            for _ in range(2):
                with pytest.raises(ConnectionMissingError, match="edited"):
                    await see(shared)
            assert list(calls) == []
            connection(monkeypatch)
            return await see(shared)

    assert run(polls()).description["status"] == "ACTIVE"


def test_credentials_that_are_temporarily_unavailable_are_transient(monkeypatch):
    role = {"role_arn": "arn:aws:iam::123456789012:role/looker"}
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{silent.getsockname()[1]}")
        config = {"retries": {"total_max_attempts": 1}, "read_timeout": 0.5}
        roles = connection(monkeypatch, config_kwargs=config, **role)

        async def polls() -> list[Observation]:
            async with shared_poller(roles, SHOP) as shared:
                stopped = await see(shared)
                monkeypatch.setenv("AWS_ENDPOINT_URL_STS", os.environ["AWS_ENDPOINT_URL"])
                connection(monkeypatch, **role)  # with all the time it needs
                return [stopped, await see(shared)]

        stopped, seen = run(polls())
    assert isinstance(stopped.error, ReadTimeoutError)
    assert seen.description["status"] == "ACTIVE"


# --- the loop never stops --------------------------------------------------------------------------------------------


def test_a_slow_look_up_of_the_connection_does_not_stop_the_loop(gate):
    async def polls() -> Observation:
        async with shared_poller(CONNECTION, SHOP) as shared:
            poll = asyncio.ensure_future(see(shared))
            await until(gate.reached.is_set)
            gate.open.set()  # by the loop: if that stood still, nobody would
            return await poll

    assert run(polls()).description["status"] == "ACTIVE"


def test_sts_that_does_not_answer_does_not_stop_the_loop(monkeypatch):
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{silent.getsockname()[1]}")
        roles = connection(monkeypatch, role_arn="arn:aws:iam::123456789012:role/looker")

        async def polls() -> Observation:
            async with shared_poller(roles, SHOP) as shared:
                poll = asyncio.ensure_future(see(shared))
                asked, _ = await asyncio.get_running_loop().run_in_executor(None, silent.accept)
                asked.close()  # by the loop, long before its time is up
                return await poll

        assert run(polls()).error


def test_an_endpoint_that_does_not_answer_holds_up_only_its_own_waits(monkeypatch):
    hanging = [nowhere(each) for each in range(2 * poller.THREADS)]
    for target in hanging:
        faults.hang_next(arn=target.arn, times=None)

    async def polls() -> Observation:
        async with polled_by(*hanging) as shared, shared_poller(connection(monkeypatch), SHOP) as other:
            polls = [asyncio.ensure_future(see(shared, target)) for target in hanging]
            await until(lambda: len(threads()) == poller.THREADS + 1)  # and the one that made the client
            seen = await see(other)
            assert not any(poll.done() for poll in polls)
            faults.clear()
            await asyncio.gather(*polls)
            return seen

    assert run(polls()).description["status"] == "ACTIVE"


def test_a_deadline_holds_while_the_endpoint_does_not_answer(monkeypatch):
    monkeypatch.setattr(trigger_module, "GRACE", 0.1)
    faults.hang_next("DescribeSolution", times=None)
    event = run(fired(watch(deadline=time.time() + 0.1)))
    assert (event["outcome"], event["status"]) == ("timed out", None)
    assert "does not answer" in event["last_seen"]


def test_pauses_grow_during_transient_errors_and_shrink_after_them(passing_time, monkeypatch):
    monkeypatch.setattr(poller, "JITTER", 0)
    faults.error_next("DescribeSolution", "ThrottlingException", times=6)
    event = run(fired(watch(waiter_delay=100, deadline=passing_time.time() + 3500)))
    assert event["last_seen"] == "no update has been made"
    assert [round(slept, -1) for slept in passing_time.slept[1:-1]] == [100, 200, 400, 800, 800, 800, 100, 100, 100]


# --- nothing is left -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["first delay", "looking up the connection", "queueing", "asking", "pausing"])
def test_a_cancelled_wait_leaves_nothing_wherever_it_is(stage, gate, monkeypatch):
    """The fixture finds whatever is left."""
    if stage != "looking up the connection":
        gate.open.set()

    async def cancelled() -> None:
        there = await AT[stage](monkeypatch, gate)
        there.cancel()
        with pytest.raises(asyncio.CancelledError):
            await there

    run(cancelled())


def started(**arguments: Any) -> asyncio.Future[Any]:
    return asyncio.ensure_future(fired(watch(**arguments)))


async def _first_delay(monkeypatch: pytest.MonkeyPatch, gate: Gate) -> asyncio.Future[Any]:
    monkeypatch.setattr(PersonalizeTrigger, "hold", 1000)
    wait = started()
    await asyncio.sleep(0)
    return wait


async def _looking_up(monkeypatch: pytest.MonkeyPatch, gate: Gate) -> asyncio.Future[Any]:
    wait = started()
    await until(gate.reached.is_set)
    return wait


async def _queueing(monkeypatch: pytest.MonkeyPatch, gate: Gate) -> asyncio.Future[Any]:
    monkeypatch.setattr(poller, "THREADS", 1)
    first = await _asking(monkeypatch, gate)
    second = started(arn=nowhere(0).arn)
    await until(lambda: any(nowhere(0) in shared.snapshots for shared in poller.pollers.values()))
    first.cancel()
    return second


async def _asking(monkeypatch: pytest.MonkeyPatch, gate: Gate) -> asyncio.Future[Any]:
    faults.hang_next("DescribeSolution")
    wait = started()
    await until(lambda: not faults.told())
    return wait


async def _pausing(monkeypatch: pytest.MonkeyPatch, gate: Gate) -> asyncio.Future[Any]:
    wait = started()
    await until(lambda: any(seen.done() for shared in poller.pollers.values() for seen in shared.snapshots.values()))
    await asyncio.sleep(0)
    return wait


AT = {
    "first delay": _first_delay,
    "looking up the connection": _looking_up,
    "queueing": _queueing,
    "asking": _asking,
    "pausing": _pausing,
}


def test_a_cancelled_wait_does_not_affect_the_others(shop):
    shop.update_solution(solutionArn=SOLUTION, performAutoTraining=True)

    async def waits() -> dict[str, Any]:
        faults.hang_next("DescribeSolution")
        first, second = started(), started()
        await until(lambda: any(shared.waits[SHOP] == 2 for shared in poller.pollers.values()))
        await until(lambda: not faults.told())
        first.cancel()
        await asyncio.wait([first])
        clock.advance(600)
        faults.clear()
        return await second

    assert run(waits())["outcome"] == "succeeded"


def test_a_stop_of_the_loop_ends_the_waits():
    """As the triggerer stops: with all it runs cancelled."""

    async def stopped() -> None:
        faults.hang_next("DescribeSolution")
        started()
        await until(lambda: not faults.told())

    asyncio.run(stopped())


def test_event_loops_may_come_and_go_and_run_beside_each_other(shop):
    shop.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    clock.advance(600)
    outcomes: list[str] = []

    def loops() -> None:
        for _ in range(3):
            outcomes.append(run(fired(watch()))["outcome"])

    beside = threading.Thread(target=loops)
    beside.start()
    loops()
    beside.join()
    assert outcomes == ["succeeded"] * 6


def test_a_task_that_is_killed_stops_its_training_with_a_client_of_its_own(shop):
    version = shop.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    clock.advance(60)
    trigger = PersonalizeTrigger(
        resource="solution_version", arn=version, deadline=time.time() + 3600, stop_on_kill=True, waiter_delay=1000
    )

    async def killed() -> None:
        wait = asyncio.ensure_future(fired(trigger))
        await until(lambda: calls.of("DescribeSolutionVersion"))
        wait.cancel()
        await asyncio.wait([wait])
        await trigger.on_kill()

    run(killed())
    assert shop.describe_solution_version(solutionVersionArn=version)["solutionVersion"]["status"].startswith(
        "CREATE STOP"
    )
