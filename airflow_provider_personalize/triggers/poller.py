"""
What all waits of one triggerer share: a boto3 client per connection, and a few threads to use it in.

A client of its own for each of a thousand waits costs the triggerer minutes of CPU. boto3's clients may be shared
between threads, and a thread never stops the event loop, whatever the client does while it refreshes credentials.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from asgiref.sync import sync_to_async

if TYPE_CHECKING:
    from airflow_provider_personalize.connection import Connection
    from airflow_provider_personalize.hooks import PersonalizeHook
    from airflow_provider_personalize.waiting import Verdict, Wait

# An edited connection is seen after this many seconds at the latest.
_HOOK_LIFETIME: Final = 15 * 60
_threads: Final = ThreadPoolExecutor(max_workers=8, thread_name_prefix="personalize")
_hooks: Final[dict[Connection, _SharedHook]] = {}
_lock: Final = threading.Lock()


@dataclass
class _SharedHook:
    hook: PersonalizeHook
    born: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)


async def look(connection: Connection, wait: Wait) -> Verdict:
    """Look once how far a wait has come, without holding the event loop."""
    # not asyncio.to_thread: only here can Airflow's connection look-up find its way back to the triggerer's own loop
    verdict: Verdict = await sync_to_async(_look, thread_sensitive=False, executor=_threads)(connection, wait)
    return verdict


def _look(connection: Connection, wait: Wait) -> Verdict:
    shared = _shared_hook(connection)
    with shared.lock:
        shared.hook.conn  # noqa: B018 - the first of many makes the client, the others find it
    try:
        return shared.hook.look(wait)
    except Exception:
        _hooks.pop(connection, None)
        raise


def _shared_hook(connection: Connection) -> _SharedHook:
    with _lock:
        shared = _hooks.get(connection)
        if shared is None or time.monotonic() - shared.born > _HOOK_LIFETIME:
            shared = _hooks[connection] = _SharedHook(connection.hook())
        return shared
