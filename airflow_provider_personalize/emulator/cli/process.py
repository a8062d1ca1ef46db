"""A process that is stopped together with all that it has started."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

from airflow_provider_personalize.emulator.cli import leftovers


@contextlib.contextmanager
def running(command: Sequence[str], env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in a session of its own, its output added to the log, and stop all of it at the end."""
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - runs what the user asked for
            command, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield process
    finally:
        with _handling(signal.SIG_IGN):
            _stop(process)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Treat the signals that end a program like Ctrl-C: with time to clean up."""
    with _handling(_interrupt):
        yield


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _handling(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def _stop(process: subprocess.Popen[bytes], patience: float = 10) -> None:
    """Interrupt the process and give it time; then end what is left of it and of all that it started."""
    started = leftovers.descendants(process.pid)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    leftovers.end([*started, *leftovers.descendants(process.pid), *leftovers.session(process.pid)])
    process.wait()
