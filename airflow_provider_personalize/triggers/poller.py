"""
What all waits of one triggerer share: a boto3 client per connection, and a few threads to use it in.

A client of its own for each of a thousand waits costs the triggerer minutes of CPU. boto3's clients may be shared
between threads, and a thread never stops the event loop, whatever the client does while it refreshes credentials.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from asgiref.sync import sync_to_async

if TYPE_CHECKING:
    from airflow_provider_personalize.connection import Connection
    from airflow_provider_personalize.hooks import PersonalizeHook
    from airflow_provider_personalize.waiting import Verdict, Wait

# An edited connection is seen after this many seconds at the latest.
_LIFETIME: Final = 15 * 60
# Threads per connection, so that an endpoint that does not answer holds up only those who wait on it.
_THREADS: Final = 4
Result = TypeVar("Result")
_log: Final = logging.getLogger(__name__)
_lines: Final[dict[Connection, _Line]] = {}
_lock: Final = threading.Lock()


class _Line:
    """A client and its threads, shared by all waits on one connection."""

    def __init__(self, connection: Connection) -> None:
        self.threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="personalize")
        self._connection = connection
        self._hook: PersonalizeHook | None = None
        self._born = 0.0
        self._making = threading.Lock()

    def use(self, what: Callable[[PersonalizeHook], Result]) -> Result:
        """Do something. The first use makes the client, in its thread: it imports boto3 and asks a secrets backend."""
        with self._making:
            if self._hook is None or time.monotonic() - self._born > _LIFETIME:
                self._hook = self._make_hook(self._hook)
            hook = self._hook
        return what(hook)

    def _make_hook(self, old: PersonalizeHook | None) -> PersonalizeHook:
        """Make a new client; where that fails, go on with the old one, if there is one."""
        try:
            hook = self._connection.hook()
            hook.conn  # noqa: B018 - it is made when it is first asked for
        except Exception:
            if old is None:
                raise
            _log.exception("The connection %r could not be read again", self._connection.aws_conn_id)
            hook = old
        self._born = time.monotonic()
        return hook


async def look(connection: Connection, wait: Wait) -> Verdict:
    """Look once how far a wait has come, without holding the event loop."""
    return await _use(connection, lambda hook: hook.look(wait))


async def stop_training(connection: Connection, solution_version_arn: str) -> None:
    """Stop the training of a version, without holding the event loop."""
    await _use(connection, lambda hook: hook.stop_training(solution_version_arn))


async def _use(connection: Connection, what: Callable[[PersonalizeHook], Result]) -> Result:
    with _lock:
        line = _lines.setdefault(connection, _Line(connection))
    # not asyncio.to_thread: only here can Airflow's connection look-up find its way back to the triggerer's own loop
    result: Result = await sync_to_async(line.use, thread_sensitive=False, executor=line.threads)(what)
    return result
