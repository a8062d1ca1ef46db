"""
What the waits of one triggerer share: a client per connection, the threads that use it, and each poll of a resource.

A client for each of a thousand waits would cost a triggerer minutes of CPU. Threads may share boto3's clients, and a
thread never blocks the event loop, even while the client refreshes credentials. Everything that belongs to a connection
is closed when its last wait ends.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from asgiref.sync import sync_to_async

from airflow_provider_personalize import clock
from airflow_provider_personalize.aws_errors import (
    is_about_credentials,
    is_throttled,
    is_transient,
    lacks_credentials,
)
from airflow_provider_personalize.polling import Observation, PollTarget

if TYPE_CHECKING:
    from airflow_provider_personalize.hook_parameters import HookParameters
    from airflow_provider_personalize.hooks import PersonalizeHook

#: Seconds after which a client is replaced, so that an edited connection takes effect.
CLIENT_LIFETIME: Final = 15 * 60
#: Requests in progress per connection. An endpoint that does not answer blocks only the waits on that connection.
THREADS: Final = 64
#: Requests started per second and connection. A thousand waits that start together must not poll together; AWS does
#: not publish how many requests it accepts.
MAX_RATE: Final = 600
MIN_RATE: Final = 1
#: The factor by which the rate grows after each request that was not throttled.
RATE_GROWTH: Final = 1.02
#: The largest share by which a delay is longer or shorter than requested.
JITTER: Final = 0.1
#: Polls that are due within this many seconds run one right after the other, with the processor's caches warm: this
#: takes a tenth of the CPU of polls that run one by one.
TICK: Final = 0.25

_log: Final = logging.getLogger(__name__)
#: What is shared now, by event loop and hook parameters.
pollers: Final[dict[tuple[asyncio.AbstractEventLoop, HookParameters], SharedPoller]] = {}


@dataclass(frozen=True)
class Snapshot:
    """
    An observation, and when it was made.

    :param began: When the request was sent, on the monotonic clock.
    :param jitter: The factor for the delay before the next poll. All waits that share a snapshot share the factor, so
        they share the next poll too.
    """

    observation: Observation
    began: float
    jitter: float = field(default_factory=lambda: random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - no secret

    def remaining(self, delay: float) -> float:
        """Return the seconds that remain of a delay since this snapshot, up to the end of a tick."""
        due = math.ceil((self.began + delay * self.jitter) / TICK) * TICK
        return max(0, due - clock.monotonic())


class RateLimiter:
    """Limits the requests per second: throttling halves the rate; each other answer raises it a little."""

    def __init__(self) -> None:
        self._rate: float = MAX_RATE
        self._next_slot = self._slowed_at = 0.0

    def reserve(self, now: float) -> float:
        """Reserve the next slot for a request, and return when it starts, on the clock of ``now``."""
        self._next_slot = max(now, self._next_slot + 1 / self._rate)
        return self._next_slot

    def record(self, began: float, now: float, *, throttled: bool) -> None:
        """Adapt the rate to an answer. Requests sent before the last reduction do not reduce the rate again."""
        if not throttled:
            self._rate = min(self._rate * RATE_GROWTH, MAX_RATE)
        elif began >= self._slowed_at:
            self._rate = max(self._rate / 2, MIN_RATE)
            self._slowed_at = now


class SharedPoller:
    """A client, its threads and the latest snapshots, shared by all waits on one connection in one event loop."""

    def __init__(self, hook_parameters: HookParameters) -> None:
        self.waits: Counter[PollTarget | None] = Counter()
        self._hook_parameters = hook_parameters
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="personalize")
        # one thread makes all clients: each thread that makes one keeps megabytes of memory
        self._client_thread = ThreadPoolExecutor(1, thread_name_prefix="personalize")
        self._slots = asyncio.Semaphore(THREADS)
        self._rate_limiter = RateLimiter()
        self._next_hook: asyncio.Future[PersonalizeHook] | None = None
        self._hook: PersonalizeHook | None = None
        self._hook_requested_at = 0.0
        self._started_at = clock.monotonic()
        self._had_credentials = False
        self.snapshots: dict[PollTarget, asyncio.Future[Snapshot]] = {}

    @property
    def service_time(self) -> float | None:
        """The service's time, in seconds since the epoch; None before the first client is made."""
        return self._hook.service_clock.now() if self._hook else None

    def connect(self) -> None:
        """Start to make the client, so that the first poll does not wait for it."""
        if self._next_hook is None:
            self._renew_hook()

    def poll(self, target: PollTarget, not_before: float) -> asyncio.Future[Snapshot]:
        """
        Poll a target, or share a poll that started at or after a time on the monotonic clock.

        Do not cancel the result: other waits may share it.
        """
        latest = self.snapshots.get(target)
        if latest is None or (latest.done() and _began(latest) < not_before):
            latest = self.snapshots[target] = asyncio.ensure_future(self._poll(target))
        return latest

    async def _poll(self, target: PollTarget) -> Snapshot:
        async with self._slots:
            now = clock.monotonic()
            if (slot := self._rate_limiter.reserve(now)) > now + TICK:
                await clock.sleep_in_loop(slot - now)
            began = clock.monotonic()
            try:
                hook = await self.current_hook()
                observation = await self._observe(hook, target)
                if observation.error and is_about_credentials(observation.error):
                    observation = await self._observe(await self._hook_after(hook), target)
            except Exception as error:
                # fetching the connection or its credentials may fail for a transient reason too
                if not is_transient(error):
                    raise
                observation = Observation(error=error).abridged(target)
            self._rate_limiter.record(began, clock.monotonic(), throttled=is_throttled(observation.error))
            if not lacks_credentials(observation.error):
                self._had_credentials = True
            elif observation.error and not self._had_credentials and self._age() > CLIENT_LIFETIME:
                raise observation.error  # the source of credentials is not away for a moment: it does not exist
            return Snapshot(observation, began)

    def _age(self) -> float:
        return clock.monotonic() - self._started_at

    async def _observe(self, hook: PersonalizeHook, target: PollTarget) -> Observation:
        def observe() -> Observation:
            try:
                return hook.observe(target).abridged(target)
            finally:
                if hook is not self._hook:
                    hook.conn.close()  # again: this call may have opened a connection since

        return await asyncio.get_running_loop().run_in_executor(self._threads, observe)

    async def current_hook(self) -> PersonalizeHook:
        """Return the hook with the client, made anew if it has reached its lifetime."""
        hook = self._next_hook
        if hook is None or clock.monotonic() - self._hook_requested_at > CLIENT_LIFETIME:
            hook = self._renew_hook()
        return hook.result() if hook.done() else await asyncio.shield(hook)

    async def _hook_after(self, rejected: PersonalizeHook) -> PersonalizeHook:
        """Return a hook with newer credentials than those of a hook that the service rejected."""
        if self._hook is rejected and self._next_hook and self._next_hook.done():
            _log.info("The credentials of %r were rejected; fetching them again", self._hook_parameters.aws_conn_id)
            self._renew_hook()
        return await self.current_hook()

    def _renew_hook(self) -> asyncio.Future[PersonalizeHook]:
        self._hook_requested_at = clock.monotonic()
        self._next_hook = asyncio.ensure_future(self._make_hook())
        self._next_hook.add_done_callback(self._forget_failure)
        return self._next_hook

    def _forget_failure(self, hook: asyncio.Future[PersonalizeHook]) -> None:
        if self._next_hook is hook and (hook.cancelled() or hook.exception()):
            self._next_hook = None

    async def _make_hook(self) -> PersonalizeHook:
        """
        Replace the hook and close the client of the old one.

        If this fails, keep the old hook: Airflow reports a connection as missing also where it could not look it up,
        and the old credentials worked until now.
        """

        def make() -> PersonalizeHook:
            hook = self._hook_parameters.hook()
            hook.renews = False  # this poller does that, once for all waits
            if old := self._hook:
                hook.connection_required = old.connection_required
            _ = hook.conn  # makes the client here, in the thread for clients
            return hook

        # not run_in_executor: only this way does Airflow's look-up of the connection find the triggerer's loop
        try:
            hook: PersonalizeHook = await sync_to_async(make, thread_sensitive=False, executor=self._client_thread)()
        except Exception:
            if self._hook is None:
                raise
            _log.exception("The connection %r could not be read again", self._hook_parameters.aws_conn_id)
            return self._hook
        old, self._hook = self._hook, hook
        if old is not None:
            old.conn.close()
        return hook

    def leave(self, target: PollTarget | None) -> None:
        """End one wait on a target; with the last, drop its snapshot."""
        self.waits[target] -= 1
        if not self.waits[target]:
            del self.waits[target]
            if target in self.snapshots:
                self.snapshots.pop(target).cancel()

    def close(self) -> None:
        """Release threads and sockets as soon as the requests in progress end."""
        for threads in (self._threads, self._client_thread):
            threads.shutdown(wait=False, cancel_futures=True)
        if self._next_hook:
            self._next_hook.cancel()
        if hook := self._hook:
            self._hook = None
            hook.conn.close()


def _began(snapshot: asyncio.Future[Snapshot]) -> float:
    """Return when a finished poll began: never, if it failed or was cancelled."""
    return float("-inf") if snapshot.cancelled() or snapshot.exception() else snapshot.result().began


@asynccontextmanager
async def shared_poller(
    hook_parameters: HookParameters, target: PollTarget | None = None
) -> AsyncIterator[SharedPoller]:
    """Share a connection's client, and the polls of a target, while this context is open."""
    key = (asyncio.get_running_loop(), hook_parameters)
    if key not in pollers:
        pollers[key] = SharedPoller(hook_parameters)
    poller = pollers[key]
    poller.waits[target] += 1
    try:
        yield poller
    finally:
        poller.leave(target)
        if not poller.waits:
            del pollers[key]
            poller.close()
