"""
What the waits of one triggerer share: a client per connection, threads to use it in, and what was read with it.

A client of its own for each of a thousand waits costs a triggerer minutes of CPU. boto3's clients may be shared between
threads, and a thread never stops the event loop, whatever the client does while it refreshes credentials. Nothing is
left of a connection when the last wait on it leaves.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from asyncio import sleep
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from asgiref.sync import sync_to_async

from airflow_provider_personalize.aws_errors import is_about_credentials, is_throttled, is_transient, lacks_credentials
from airflow_provider_personalize.status import Observation, PollTarget

if TYPE_CHECKING:
    from airflow_provider_personalize.hook_parameters import HookParameters
    from airflow_provider_personalize.hooks import PersonalizeHook

# An edited connection is seen after this many seconds at the latest.
_LIFETIME: Final = 15 * 60
# Requests under way per connection. An endpoint that does not answer holds up only those who wait on it.
_THREADS: Final = 64
# Requests begun per second and connection, at most and at least: a thousand waits that began together do not look
# together, and how many the service takes is not published.
_FASTEST: Final = 600
_SLOWEST: Final = 1
# By how much faster after a request that was not throttled.
_FASTER: Final = 1.02
# By how much a pause is longer or shorter than asked for, at most.
_JITTER: Final = 0.1
# Looks that are due within this many seconds are made one right after the other, while the processor has at hand what
# they need: a tenth of the CPU less than one by one.
_TICK: Final = 0.25

_log: Final = logging.getLogger(__name__)
_lines: Final[dict[tuple[asyncio.AbstractEventLoop, HookParameters], Line]] = {}


@dataclass(frozen=True)
class Seen:
    """
    A reading, and when it was made.

    :param began: When the service was asked, on the monotonic clock.
    :param jitter: By what to multiply the pause before the next. All who share the reading share it, and so the next.
    """

    reading: Observation
    began: float
    jitter: float = field(default_factory=lambda: random.uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311 - no secret

    def until_next(self, pause: float) -> float:
        """Tell how many seconds of a pause are left, to the end of the tick in which it ends."""
        due = math.ceil((self.began + pause * self.jitter) / _TICK) * _TICK
        return max(0, due - time.monotonic())


class Pace:
    """How many requests a second are begun: half as many where that was throttled, then more again, bit by bit."""

    def __init__(self) -> None:
        self._rate: float = _FASTEST
        self._next_turn = self._slowed = 0.0

    def turn(self, now: float) -> float:
        """Take a turn: tell the moment at which a request may begin, on the clock that says what is now."""
        self._next_turn = max(now, self._next_turn + 1 / self._rate)
        return self._next_turn

    def learn(self, began: float, now: float, *, throttled: bool) -> None:
        """Learn what became of a request; those that were under way already say nothing of a slower pace."""
        if not throttled:
            self._rate = min(self._rate * _FASTER, _FASTEST)
        elif began >= self._slowed:
            self._rate = max(self._rate / 2, _SLOWEST)
            self._slowed = now


class Line:
    """A client and its threads, and what is being read, shared by all waits on one connection in one event loop."""

    def __init__(self, hook_parameters: HookParameters) -> None:
        self.waits: Counter[PollTarget | None] = Counter()
        self._hook_parameters = hook_parameters
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="personalize")
        # clients are made in one thread: each that makes one keeps megabytes of what it took for that
        self._maker = ThreadPoolExecutor(1, thread_name_prefix="personalize")
        self._slots = asyncio.Semaphore(_THREADS)
        self._pace = Pace()
        self._hook: asyncio.Future[PersonalizeHook] | None = None
        self._in_use: PersonalizeHook | None = None
        self._born = 0.0
        self._made = time.monotonic()
        self._had_credentials = False
        self._seen: dict[PollTarget, asyncio.Future[Seen]] = {}

    def prepare(self) -> None:
        """Begin to make the client, so that the first look need not wait for it."""
        if self._hook is None:
            self._renew()

    def see(self, source: PollTarget, not_before: float) -> asyncio.Future[Seen]:
        """Read a source, or share what was begun to be read since a moment on the monotonic clock. Do not cancel it."""
        latest = self._seen.get(source)
        if latest is None or (latest.done() and _began(latest) < not_before):
            latest = self._seen[source] = asyncio.ensure_future(self._see(source))
        return latest

    async def _see(self, source: PollTarget) -> Seen:
        async with self._slots:
            now = time.monotonic()
            if (turn := self._pace.turn(now)) > now + _TICK:
                await sleep(turn - now)
            began = time.monotonic()
            try:
                hook = await self._hook_now()
                reading = await self._read(hook, source)
                if reading.error and is_about_credentials(reading.error):
                    reading = await self._read(await self._hook_after(hook), source)
            except Exception as error:
                # while credentials are fetched too, the way may be broken, and be whole again at the next look
                if not is_transient(error):
                    raise
                reading = Observation(error=error).abridged(source)
            self._pace.learn(began, time.monotonic(), throttled=is_throttled(reading.error))
            if not lacks_credentials(reading.error):
                self._had_credentials = True
            elif reading.error and not self._had_credentials and time.monotonic() - self._made > _LIFETIME:
                raise reading.error  # what gives them is not away for a moment: this triggerer has none
            return Seen(reading, began)

    async def _read(self, hook: PersonalizeHook, source: PollTarget) -> Observation:
        def read() -> Observation:
            try:
                return hook.observe(source).abridged(source)
            finally:
                if hook is not self._in_use:
                    hook.conn.close()  # once more: this may have opened a connection since

        return await asyncio.get_running_loop().run_in_executor(self._threads, read)

    async def _hook_now(self) -> PersonalizeHook:
        hook = self._hook
        if hook is None or time.monotonic() - self._born > _LIFETIME:
            hook = self._renew()
        return hook.result() if hook.done() else await asyncio.shield(hook)

    async def _hook_after(self, old: PersonalizeHook) -> PersonalizeHook:
        """Return a client with credentials newer than those of an old one, which the service did not take."""
        if self._in_use is old and self._hook and self._hook.done():
            _log.info("The credentials of %r are not taken; fetching them anew", self._hook_parameters.aws_conn_id)
            self._renew()
        return await self._hook_now()

    def _renew(self) -> asyncio.Future[PersonalizeHook]:
        self._born = time.monotonic()
        self._hook = asyncio.ensure_future(self._make_hook())
        self._hook.add_done_callback(self._forget_failure)
        return self._hook

    def _forget_failure(self, hook: asyncio.Future[PersonalizeHook]) -> None:
        if self._hook is hook and (hook.cancelled() or hook.exception()):
            self._hook = None

    async def _make_hook(self) -> PersonalizeHook:
        """
        Make a new client in place of the one before, and close that.

        Where that fails, go on with the one before: Airflow says of a connection that it does not exist also when it
        could only not be looked up, and its credentials were good until now.
        """

        def make() -> PersonalizeHook:
            hook = self._hook_parameters.hook()
            hook.renews = False  # one for all waits does that here
            if before := self._in_use:
                hook.connection_required = before.connection_required
            _ = hook.conn  # made here, in the thread for that
            return hook

        # not run_in_executor: only so can Airflow's look-up of the connection find its way back to the triggerer's loop
        try:
            hook: PersonalizeHook = await sync_to_async(make, thread_sensitive=False, executor=self._maker)()
        except Exception:
            if self._in_use is None:
                raise
            _log.exception("The connection %r could not be read again", self._hook_parameters.aws_conn_id)
            return self._in_use
        before, self._in_use = self._in_use, hook
        if before is not None:
            before.conn.close()
        return hook

    def leave(self, source: PollTarget | None) -> None:
        """Forget what was read of a source that nobody waits for any more, and the client with the last."""
        self.waits[source] -= 1
        if not self.waits[source]:
            del self.waits[source]
            if source in self._seen:
                self._seen.pop(source).cancel()

    def close(self) -> None:
        """Let go of threads and sockets, as soon as requests under way have ended."""
        for threads in (self._threads, self._maker):
            threads.shutdown(wait=False, cancel_futures=True)
        if self._hook:
            self._hook.cancel()
        if hook := self._in_use:
            self._in_use = None
            hook.conn.close()


def _began(seen: asyncio.Future[Seen]) -> float:
    """Tell when what is now seen was begun; what failed or was given up never was."""
    return float("-inf") if seen.cancelled() or seen.exception() else seen.result().began


@asynccontextmanager
async def joined(hook_parameters: HookParameters, source: PollTarget | None = None) -> AsyncIterator[Line]:
    """Share a connection's client, and what is read of a source, for as long as this is open."""
    key = (asyncio.get_running_loop(), hook_parameters)
    if key not in _lines:
        _lines[key] = Line(hook_parameters)
    line = _lines[key]
    line.waits[source] += 1
    try:
        yield line
    finally:
        line.leave(source)
        if not line.waits:
            del _lines[key]
            line.close()
