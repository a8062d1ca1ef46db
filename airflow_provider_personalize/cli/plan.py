"""``plan``: what the tasks of a DAG would do first, by what the service shows, without changing anything."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any, Final

from airflow_provider_personalize.cli.check import check
from airflow_provider_personalize.cli.dag_files import existing_path, load, quiet
from airflow_provider_personalize.cli.literals import LITERAL, MARK, UNKNOWN, is_open, is_template
from airflow_provider_personalize.operators.base import CHANGING
from airflow_provider_personalize.redaction import redact

_ABOUT: Final = """\
Print what each Personalize task of a DAG would do first if the DAG ran now: what it would create, update or delete,
and what begins to be charged. The tasks are asked in their order, by the AWS connection that each of them has. Only
calls that read are made. Templates are rendered with the params' defaults and --conf, the logical date and variables;
what only a run knows is said so. The parameters are checked first, as by `check`.
"""
_END: Final = """\
exit status:
  0  there is nothing to change
  1  a file cannot be loaded, a parameter is wrong, or a task would fail
  2  there are changes, or what only a run knows; or the options are invalid
"""
_SYMBOLS: Final = {"create": "+", "delete": "-", "none": "=", "unknown": "?", "wait": "?", "fail": "!"}
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


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "plan",
        help="show what a DAG would change",
        description=_ABOUT,
        epilog=_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", metavar="PATH", type=existing_path, help="the DAG file")
    parser.add_argument("--dag-id", metavar="ID", help="only this DAG; by default, all DAGs in the file")
    parser.add_argument("--conf", metavar="JSON", type=_json_object, default={}, help="the run's configuration")
    parser.add_argument("--logical-date", metavar="DATE", type=_date, help="of the run, in ISO 8601 (default: now)")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how to print (default: text)")
    parser.set_defaults(do=_run)


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


def _run(asked: argparse.Namespace) -> int:
    file = load(asked.path)
    dags = [dag for dag in file.dags if asked.dag_id in {None, dag.dag_id}]
    errors = [f"{name} cannot be loaded: {message}" for name, message in file.errors]
    errors += [str(finding) for finding in check(file) if asked.dag_id in {None, finding.dag_id}]
    if not (dags or errors):
        errors.append(f"{asked.path} has no DAG" + (f" {asked.dag_id}" if asked.dag_id else ""))
    date = asked.logical_date or datetime.now(timezone.utc)
    steps = [] if errors else [step for dag in dags for step in _steps(dag, asked.conf, date)]
    if asked.format == "json":
        print(json.dumps({"errors": errors, "steps": steps}, indent=2, default=str))
    else:
        for line in (*errors, *(() if errors else _lines(steps))):
            print(line)
    actions = {step["action"] for step in steps}
    return 1 if errors or "fail" in actions else 2 * bool(actions - {"none"})


def _steps(dag: Any, conf: Mapping[str, Any], date: datetime) -> Iterator[dict[str, Any]]:
    """Iterate over what the tasks of a DAG would do, in their order."""
    results: dict[str, Any] = {}
    for task in dag.topological_sort():
        where = {"dag_id": dag.dag_id, "task_id": task.task_id}
        if not isinstance(task, CHANGING):
            made_by = getattr(task, "operator_class", object)
            if isinstance(made_by, type) and issubclass(made_by, CHANGING):
                yield {**where, "action": "unknown", "reason": "known after run: the instances of a mapped task"}
            continue
        context = _context(dag, task, conf, date, results)
        with quiet():
            planned = _planned(task, context, results)
        for step in planned if isinstance(planned, list) else [planned]:
            yield {**where, **step}
        if not isinstance(planned, list):
            if task.returns_arn and planned["action"] in _RETURNS_ARN and planned["arn"]:
                results[task.task_id] = planned["arn"]
        elif not planned:
            yield {**where, "action": "none", "kind": "dataset_group", "reason": "it is gone"}


def _planned(task: Any, context: Mapping[str, Any], results: Mapping[str, Any]) -> Any:
    """Return what a task would do first, or why that is not known."""
    from airflow_provider_personalize.operators.driver import call_with_retry

    copy, later = task.prepare_for_execution(), []
    for field in task.template_fields:
        value = _resolved(task, getattr(task, field), context, results)
        setattr(copy, field, value)
        later += [field] if is_open(value) else []
    if later:
        return {"action": "unknown", "kind": None, "reason": f"known after run: {', '.join(later)}"}
    copy.is_dry_run = False  # what it would do otherwise is asked for
    try:
        planned = call_with_retry(copy, lambda: copy.planned(copy.begin({})))
    except Exception as error:  # noqa: BLE001 - whatever it is, the task would fail with it
        return {"action": "fail", "kind": None, "reason": redact(f"{type(error).__name__}: {error}")}
    name = getattr(task, "name_parameter", None)
    if name and not getattr(copy, name) and planned["request"]:
        planned["request"] |= {member: MARK for member in ("name", "jobName") if member in planned["request"]}
    return planned


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
        try:
            from airflow.sdk import Variable
        except ImportError:  # Airflow 2
            from airflow.models import Variable
        return Variable.get(name, deserialize_json=self._is_json)


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
