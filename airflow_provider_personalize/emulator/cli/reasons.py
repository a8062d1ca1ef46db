"""Why a task failed, in a few lines: the exception, and where it was raised."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

_MOST: Final = 15
_COLOUR: Final = re.compile(r"\x1b\[[\d;]*m")
_FRAME_IN_BOX: Final = re.compile(r"^│ (\S+:\d+ in .*\S) *│$")
_LOGGED: Final = re.compile(r"^\[?\d{4}-\d\d-\d\d[T ]")


def reason(home: Path, log: str, dag_id: str, task_id: str, index: int) -> list[str]:
    """Return what the log of the task's last try says, from Airflow's log files or from the output of ``dags test``."""
    text = _stored(home, dag_id, task_id, index) or _tested(log, task_id, index)
    lines = _COLOUR.sub("", text).splitlines()
    return _in_json(lines) or _in_box(lines) or _in_text(lines)


def _stored(home: Path, dag_id: str, task_id: str, index: int) -> str:
    mapped = "" if index < 0 else f"map_index={index}/"
    attempts = (home / "logs").glob(f"dag_id={dag_id}/run_id=*/task_id={task_id}/{mapped}attempt=*.log")
    newest = max(attempts, key=lambda path: path.stat().st_mtime, default=None)
    return newest.read_text(encoding="utf-8", errors="replace") if newest else ""


def _tested(log: str, task_id: str, index: int) -> str:
    """Cut out what ``dags test`` logged of the task: it runs one at a time."""
    _, _, own = log.rpartition(f"[DAG TEST] starting task_id={task_id} map_index={index}")
    return own.partition("[DAG TEST] end task")[0].partition("[DAG TEST] starting")[0]


def _in_json(lines: list[str]) -> list[str]:
    """Read the lines of Airflow 3's log files."""
    errors = [line for line in _objects(lines) if line.get("level") in {"error", "critical"}]
    detailed = [line for line in errors if line.get("error_detail")]
    if detailed:
        return _exception(detailed[-1]["error_detail"][0])
    return [str(line["event"]) for line in errors][-_MOST:]


def _objects(lines: Iterable[str]) -> Iterable[dict[str, Any]]:
    for line in lines:
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except ValueError:
                continue


def _exception(detail: dict[str, Any]) -> list[str]:
    where = [f'File "{f["filename"]}", line {f["lineno"]}, in {f["name"]}' for f in detail["frames"][-1:]]
    return [*where, *f"{detail['exc_type']}: {detail['exc_value']}".splitlines()[:_MOST]]


def _in_box(lines: list[str]) -> list[str]:
    """Read what `dags test` prints on Airflow 3.0: the traceback in a box, its message below."""
    box = max((number for number, line in enumerate(lines) if line.startswith("╰──")), default=0)
    frames = [found[1] for line in lines[:box] if (found := _FRAME_IN_BOX.match(line))]
    return [*frames[-1:], *filter(None, _message(lines[box + 1 :]))][:_MOST] if box else []


def _in_text(lines: list[str]) -> list[str]:
    """Read a log of plain lines: the last traceback's last frame and its message, or the last lines."""
    starts = [number for number, line in enumerate(lines) if line.startswith("Traceback (most recent call last)")]
    if not starts:
        return lines[-_MOST:]
    block = _message(lines[starts[-1] + 1 :])
    frame = max((number for number, line in enumerate(block) if line.startswith('  File "')), default=0)
    return [line.removeprefix("  ") for line in block[frame:] if line.strip(" ^~")][:_MOST]


def _message(lines: list[str]) -> list[str]:
    """Return the lines up to the next that was logged."""
    return list(takewhile(lambda line: not _LOGGED.match(line), lines))
