"""``plan``: what the tasks of a DAG would do first, by what the service shows, without changing anything."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from itertools import product, starmap
from types import SimpleNamespace
from typing import Any, Final

from airflow_provider_personalize.cli.check import as_json, check
from airflow_provider_personalize.cli.commands import WRONG
from airflow_provider_personalize.cli.dag_files import class_of, existing_path, load, quiet
from airflow_provider_personalize.cli.literals import LITERAL, MARK, UNKNOWN, is_open, is_template
from airflow_provider_personalize.operators.base import CHANGING
from airflow_provider_personalize.plans.preview import NOTHING, sentence
from airflow_provider_personalize.redaction import redact
from airflow_provider_personalize.task import PersonalizeTask

_SYMBOLS: Final = {"create": "+", "delete": "-", "none": "=", "unknown": "?", "wait": "?", "fail": "!"}
#: The exit status where there are changes.
CHANGES: Final = 2
#: Seconds for which the reads of a task are retried: somebody waits for the plan.
PATIENCE: Final = 10
#: A type of resource and the ARN of one, if it is known.
_Part = tuple[str, Any]
_S3: Final[_Part] = ("s3", None)
_UNKNOWN: Final = {**NOTHING, "action": "unknown"}
# what these return is the ARN, if the operator returns one
_RETURNS_ARN: Final = {"none", "update", "start", "stop", "tag", "untag"}


class _KnownAfterRun(Exception):  # noqa: N818 - it is no error
    """Raised by a template that needs what only a run knows."""


class _Later:
    """A member of a template's context that only a run knows."""

    def _unknown(self, *_: Any, **__: Any) -> Any:
        raise _KnownAfterRun

    __str__ = __getitem__ = __call__ = __iter__ = __len__ = __bool__ = _unknown

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise _KnownAfterRun


class _TaskInstance(_Later):
    """The task instance in a template's context: it gives what tasks return that is known without a run."""

    def __init__(self, results: Mapping[str, Any]) -> None:
        self._results = results

    def xcom_pull(self, task_ids: Any = None, key: str = "return_value", **_: Any) -> Any:
        """Return what a task returns."""
        if isinstance(task_ids, str) and key == "return_value" and task_ids in self._results:
            return self._results[task_ids]
        raise _KnownAfterRun


def _json_object(value: str) -> dict[str, Any]:
    try:
        conf = json.loads(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from None
    if not isinstance(conf, dict):
        raise argparse.ArgumentTypeError("not a JSON object")
    return conf


def _date(value: str) -> datetime:
    try:
        date = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a date in ISO 8601: {value}") from None
    return date if date.tzinfo else date.replace(tzinfo=timezone.utc)


def run(asked: argparse.Namespace) -> int:
    """Print the plan, and return the exit status."""
    conf, now = _json_object(asked.conf), datetime.now(timezone.utc)
    date = _date(asked.logical_date) if asked.logical_date else now
    file = load(existing_path(asked.path))
    dags = [dag for dag in file.dags if asked.dag_id in {None, dag.dag_id}]
    findings = [finding for finding in check(file) if asked.dag_id in {None, finding.dag_id}]
    if not (dags or file.errors):
        raise argparse.ArgumentTypeError(f"{asked.path} has no DAG" + (f" {asked.dag_id}" if asked.dag_id else ""))
    wrong = [*file.errors, *findings]
    steps = [] if wrong else [step for dag in dags for step in _steps(dag, conf, date)]
    if asked.format == "json":
        print(json.dumps({**as_json(findings, file.errors), "steps": steps}, indent=2, default=str))
    else:
        for line in wrong or _lines(steps):
            print(line)
    actions = {step["action"] for step in steps}
    return WRONG if wrong or "fail" in actions else CHANGES * bool(actions - {"none"})


def _steps(dag: Any, conf: Mapping[str, Any], date: datetime) -> Iterator[dict[str, Any]]:
    """Iterate over what the tasks of a DAG would do, in their order."""
    results: dict[str, Any] = {}
    effects: dict[str, set[_Part]] = {}
    upstream: dict[str, set[str]] = {}
    for task in dag.topological_sort():
        made_by = class_of(task)
        before = upstream[task.task_id] = set(task.upstream_task_ids).union(
            *(upstream[task_id] for task_id in task.upstream_task_ids)
        )
        if not issubclass(made_by, CHANGING):
            effects[task.task_id] = set() if issubclass(made_by, PersonalizeTask) else {_S3}
            continue
        if not isinstance(task, CHANGING):
            planned: Any = [{**_UNKNOWN, "reason": "known after run: the instances of a mapped task"}]
        else:
            context = _context(dag, task, conf, date, results)
            with quiet():
                planned = _planned(task, context, results, {each: effects[each] for each in effects if each in before})
        steps = planned if isinstance(planned, list) else [planned]
        effects[task.task_id] = {
            (step["kind"] or _type_of(made_by), step.get("arn")) for step in steps if step["action"] != "none"
        }
        for step in steps or [{**NOTHING, "kind": "dataset_group", "reason": "it is gone"}]:
            yield {"dag_id": dag.dag_id, "task_id": task.task_id, **step}
        if not isinstance(planned, list) and task.returns_arn and planned["action"] in _RETURNS_ARN and planned["arn"]:
            results[task.task_id] = planned["arn"]


def _planned(
    task: Any, context: Mapping[str, Any], results: Mapping[str, Any], effects: Mapping[str, set[_Part]]
) -> Any:
    """
    Return what a task would do first, or why that is not known.

    :param effects: What the tasks upstream change.
    """
    from airflow_provider_personalize.operators.driver import call_with_retry

    copy, later = task.prepare_for_execution(), []
    for field in task.template_fields:
        value = _resolved(task, getattr(task, field), context, results)
        setattr(copy, field, value)
        later += [field] if is_open(value) else []
    if later:
        return {**_UNKNOWN, "reason": f"known after run: {', '.join(later)}"}
    reads: set[_Part] = set()
    try:
        is_dry_run, copy.is_dry_run = copy.is_on("dry_run"), False
        reads = _reads_of(copy)
        planned = call_with_retry(copy, lambda: copy.planned(copy.begin({})), limit=PATIENCE)
    except Exception as error:  # noqa: BLE001 - whatever it is, the task would fail with it
        planned = {**NOTHING, "action": "fail", "reason": redact(f"{type(error).__name__}: {error}")}
        is_dry_run = False
    reads |= {_S3} if "s3_hook" in vars(copy) else set()
    changed = [each for each, parts in effects.items() if any(starmap(_overlap, product(parts, reads)))]
    if changed and not isinstance(planned, list) and planned["action"] in {"none", "wait", "fail"}:
        now = f" (now: {planned['reason']})" if planned["reason"] else ""
        return {**_UNKNOWN, "reason": f"known after run of {', '.join(changed)}{now}"}
    if is_dry_run:
        said = "; ".join(map(sentence, planned if isinstance(planned, list) else [planned]))
        return {**NOTHING, "kind": _type_of(type(task)), "reason": f"Dry run: {said}"}
    name = getattr(task, "name_parameter", None)
    if name and not getattr(copy, name) and planned["request"]:
        planned["request"] |= {member: MARK for member in ("name", "jobName") if member in planned["request"]}
    return planned


def _type_of(made_by: type[Any]) -> str:
    """Return the type of the resource that a task is about."""
    resource_type = getattr(made_by, "resource_type", None)
    return resource_type.name if resource_type else "resource"


def _reads_of(task: Any) -> set[_Part]:
    """Return what a task has read, which grows while it reads."""
    reads, call = set(), task.hook.call

    def noting(method: str, **request: Any) -> Any:
        name = method.partition("_")[2].removesuffix("s").rpartition("_for_")[2]
        first, *others = name.split("_")
        reads.add((name, request.get("".join([first, *map(str.title, others), "Arn"]))))
        return call(method, **request)

    task.hook.call = noting
    return reads


def _overlap(one: _Part, other: _Part) -> bool:
    """Return whether two may be the same resource."""
    return one[0] == other[0] and (one[1] == other[1] or None in {one[1], other[1]})


def _resolved(task: Any, value: Any, context: Mapping[str, Any], results: Mapping[str, Any]) -> Any:
    """Return a parameter as a run would have it, with ``UNKNOWN`` for what only a run knows."""
    if isinstance(value, Mapping):
        return {name: _resolved(task, item, context, results) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_resolved(task, item, context, results) for item in value]
    if is_template(value):
        try:
            rendered = task.render_template(value, context)
        except Exception:  # noqa: BLE001 - what is not defined here, a run may know
            return UNKNOWN
        return UNKNOWN if isinstance(rendered, _Later) else rendered
    made_by = getattr(value, "operator", None)  # of what a task returns
    if made_by is not None and getattr(value, "key", "") == "return_value":
        return results.get(made_by.task_id, UNKNOWN)
    return value if isinstance(value, (str, *LITERAL)) else UNKNOWN


def _context(
    dag: Any, task: Any, conf: Mapping[str, Any], date: datetime, results: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the context of templates, as far as it is known without a run."""
    ts, ti = date.isoformat(), _TaskInstance(results)
    return {
        **dict.fromkeys(("run_id", "prev_data_interval_start_success", "prev_start_date_success"), _Later()),
        "dag": dag,
        "dag_run": SimpleNamespace(conf=dict(conf), logical_date=date, run_id=_Later(), start_date=_Later()),
        "data_interval_end": date,
        "data_interval_start": date,
        "ds": ts[:10],
        "ds_nodash": ts[:10].replace("-", ""),
        "logical_date": date,
        "macros": _macros(),
        "params": {**task.params.dump(), **conf},
        "task": task,
        "task_instance": ti,
        "ti": ti,
        "ts": ts,
        "ts_nodash": date.strftime("%Y%m%dT%H%M%S"),
        "ts_nodash_with_tz": ts.replace("-", "").replace(":", ""),
        "var": SimpleNamespace(value=_Variables(is_json=False), json=_Variables(is_json=True)),
    }


class _Variables:
    """Airflow's variables, as templates ask for them."""

    def __init__(self, *, is_json: bool) -> None:
        self._is_json = is_json

    def __getattr__(self, name: str) -> Any:
        return self.get(name)

    def get(self, name: str, *default: Any, **named_default: Any) -> Any:
        """Return a variable, or the default if there is one and no such variable."""
        try:
            from airflow.sdk import Variable
        except ImportError:  # Airflow 2
            from airflow.models import Variable
        return Variable.get(name, *default, **named_default, deserialize_json=self._is_json)


def _macros() -> Any:
    try:
        from airflow.sdk.execution_time import macros
    except ImportError:  # Airflow 2
        from airflow import macros
    return macros


def _lines(steps: list[dict[str, Any]]) -> Iterator[str]:
    """Iterate over the lines of the plan."""
    for step in steps:
        about = [step["action"], (step.get("kind") or "").replace("_", " "), _name_of(step)]
        known = step["action"] not in {"unknown", "fail"}
        symbol = _SYMBOLS.get(step["action"], "~")
        yield f"{symbol} {step['dag_id']}.{step['task_id']}: " + (
            " ".join(filter(None, about)) if known else step["reason"]
        )
        yield from (f"    {change}" for change in step.get("changes", ()))
        if step.get("charged"):
            yield f"    begins to be charged: {step['charged']}"
        if known and step.get("reason"):
            yield f"    {step['reason']}"
    symbols = [_SYMBOLS.get(step["action"], "~") for step in steps]
    words = {
        "+": "to create",
        "~": "to change",
        "-": "to delete",
        "=": "unchanged",
        "?": "known after run",
        "!": "fail",
    }
    yield "Plan: " + ", ".join(f"{symbols.count(symbol)} {word}" for symbol, word in words.items())


def _name_of(step: Mapping[str, Any]) -> str:
    request = step.get("request") or {}
    return str(step.get("arn") or request.get("name") or request.get("jobName") or "")
