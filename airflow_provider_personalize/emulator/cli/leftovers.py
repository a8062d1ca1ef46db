"""
What a run leaves when it is killed: processes and a folder.

A run notes in its folder what it starts, and holds a lock on the note. Beside it waits a process of this file, which
ends all of it when the run is gone; should that be killed, too, the next run does it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final

import psutil  # type: ignore[import-untyped,unused-ignore]  # Airflow brings it

_PREFIX: Final = "personalize-run-"
_NOTE: Final = "processes"
_SAME: Final = 10  # seconds by which a process's start may seem to differ, after the machine's clock was set


class Claim:
    """A temporary folder that belongs to a run of this process; with it, all that the run starts is to end."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        path = self.folder / "unlocked"
        self._note = path.open("w", encoding="utf-8")
        fcntl.flock(self._note, fcntl.LOCK_EX)
        path.rename(self.folder / _NOTE)
        # in a session of its own: no signal to ours, or from our terminal, ends it
        self._guardian = subprocess.Popen(  # noqa: S603 - this very file
            [sys.executable, __file__, str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def note(self, pid: int) -> None:
        """Record a process that was started and leads a session."""
        with contextlib.suppress(psutil.Error):
            self._note.write(f"{pid} {psutil.Process(pid).create_time()}\n")
            self._note.flush()

    def release(self, *, keep: bool) -> None:
        """Remove the folder, or only the claim to it."""
        if keep:
            (self.folder / _NOTE).unlink()
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._note.close()
        assert self._guardian.stdin is not None  # noqa: S101 - it is a pipe
        self._guardian.stdin.close()
        self._guardian.wait()


def sweep() -> None:
    """Clear up what runs left that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # it runs, is kept, or is somebody else's
            _clear(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)


def end(processes: Iterable[psutil.Process]) -> None:
    """Ask processes to end, and make them."""
    left = set(processes)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for one in left:
            with contextlib.suppress(psutil.Error):
                one.send_signal(number)
        _, left = psutil.wait_procs(left, timeout=5)


def descendants(pid: int) -> list[psutil.Process]:
    """Return what a process has started, and what that has."""
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return []


def session(leader: int) -> Iterator[psutil.Process]:
    """Yield the processes of a session, also if their parent is gone."""
    for pid in psutil.pids():
        with contextlib.suppress(OSError, psutil.Error):
            if os.getsid(pid) == leader:
                yield psutil.Process(pid)


def _clear(folder: Path, lock: int) -> None:
    with (folder / _NOTE).open(encoding="utf-8") as note:
        fcntl.flock(note, lock)
        noted = [line.split() for line in note]
    for _ in range(2):  # what was started meanwhile, too
        end(process for pid, start in noted for process in _of(int(pid), float(start)))
    shutil.rmtree(folder, ignore_errors=True)


def _of(pid: int, start: float) -> Iterator[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        if abs(psutil.Process(pid).create_time() - start) > _SAME:
            return  # the number belongs to another by now
    yield from descendants(pid)
    yield from session(pid)


def _guard(folder: Path, run: IO[bytes]) -> None:
    run.read()  # until it is gone
    with contextlib.suppress(OSError):  # it has cleared up itself
        _clear(folder, fcntl.LOCK_EX)


if __name__ == "__main__":
    _guard(Path(sys.argv[1]), sys.stdin.buffer)
