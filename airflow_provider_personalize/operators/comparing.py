"""Compare solution versions by their offline metrics."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timezone
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from airflow_provider_personalize._compat import Asset
from airflow_provider_personalize.exceptions import VersionsNotComparableError
from airflow_provider_personalize.resources import SOLUTION_VERSION
from airflow_provider_personalize.task import PersonalizeTask

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import TaskOptions

_MOST: Final = 20
# stands in a table where a version has no such value
_MISSING: Final = "-"


class CompareSolutionVersionsOperator(PersonalizeTask):
    """
    Compare the offline metrics of solution versions, and name the best by a rule.

    Calls ``DescribeSolutionVersion`` and ``GetSolutionMetrics``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_GetSolutionMetrics.html) once for each version. The log shows
    a table with a column for each version and a row for each metric; ``-`` stands where a version lacks a metric, since
    recipes have different ones. The same table in Markdown is in the result and, if the task has ``outlets``, in the
    ``extra`` of the event of each asset (Airflow 2: dataset) in them.

    Compare versions that were trained on the same data: otherwise a difference may come from the data
    (https://docs.aws.amazon.com/personalize/latest/dg/working-with-training-metrics.html).

    :param solution_version_arns: The ARNs of 1 to 20 versions: a list, or a dict with the names that the table shows,
        ``{"live": …, "candidate": …}``. Either this or ``solution_arn``. (templated)
    :param solution_arn: The ARN of a solution; its newest ACTIVE versions are compared, newest first. (templated)
    :param newest: With ``solution_arn``, how many versions, from 1 to 20. If there are fewer, all of them are compared.
        (templated)
    :param best_by: The metric that decides which version is the best: ``"precision_at_5"``. Each version must have it.
        Of versions with an equal value, the first is the best; so put the one to keep first. None names no best
        version. (templated)
    :param best_is: Whether the ``"highest"`` or the ``"lowest"`` value is the best.
    :param if_unusable: What to do about a version that is not ACTIVE or has no metrics: ``"fail"``, or ``"exclude"``
        it and warn in the log. The task fails if no version is left.
    :return: ``{"best": ARN or None, "best_by": …, "versions": [{"name": …, "solutionVersionArn": …, "recipeArn": …,
        "creationDateTime": …, "trainingHours": …, "metrics": {…}}, …], "excluded": {name: reason}, "markdown": …}``.
        An asset event's ``extra`` has ``best``, ``best_by`` and ``markdown``.
    :raises InvalidRequestError: Parameters are invalid; nothing was sent.
    :raises VersionsNotComparableError: A version is not ACTIVE, has no metrics, or lacks the metric of ``best_by``; it
        lists all of these.
    :raises botocore.exceptions.ClientError: A version or the solution does not exist, or access is denied.
    """

    operation = "GetSolutionMetrics"
    not_in_request = frozenset({"best_is", "if_unusable"})
    idle_without: ClassVar[Mapping[str, tuple[str, ...]]] = {"newest": ("solution_arn",), "best_is": ("best_by",)}

    def __init__(
        self,
        *,
        solution_version_arns: list[str] | dict[str, str] | str | None = None,
        solution_arn: str | None = None,
        newest: int | str = 2,
        best_by: str | None = None,
        best_is: Literal["highest", "lowest"] = "highest",
        if_unusable: Literal["fail", "exclude"] = "fail",
        **kwargs: Unpack[TaskOptions],
    ) -> None:
        super().__init__(**kwargs)
        if best_is not in ("highest", "lowest"):
            raise ValueError(f"best_is is {best_is!r}: allowed are 'highest', 'lowest'")
        if if_unusable not in ("fail", "exclude"):
            raise ValueError(f"if_unusable is {if_unusable!r}: allowed are 'fail', 'exclude'")
        self.solution_version_arns = solution_version_arns
        self.solution_arn = solution_arn
        self.newest = newest
        self.best_by = best_by
        self.best_is = best_is
        self.if_unusable = if_unusable
        self.check_options()

    def execute(self, context: Context) -> dict[str, Any]:
        """Read the versions and their metrics, and compare them."""
        from airflow_provider_personalize.coercion import parse
        from airflow_provider_personalize.operators.driver import call_with_retry

        best_by = parse("string", self.best_by)
        if best_by is not None and not isinstance(best_by, str):
            raise self.api.error([f"best_by is {best_by!r}: it must be the name of a metric"])
        arns = call_with_retry(self, self._arns_by_name)
        read = [call_with_retry(self, partial(self._read, name, arn)) for name, arn in arns.items()]
        comparison = _Comparison(
            versions=[each for each in read if not each.unusable],
            excluded={each.name: each.unusable for each in read if each.unusable},
            best_by=best_by,
            best_is=self.best_is,
        )
        may_exclude = self.if_unusable == "exclude" and bool(comparison.versions)
        if problems := {**({} if may_exclude else comparison.excluded), **comparison.lacking}:
            raise VersionsNotComparableError(problems, excludable=bool(problems.keys() - comparison.lacking.keys()))
        self.log.info("%s", comparison.text)
        best = comparison.best and comparison.best.arn
        shown = {"best": best, "best_by": comparison.best_by, "markdown": comparison.markdown}
        for outlet in self.outlets or ():
            if isinstance(outlet, Asset) and "outlet_events" in context:
                context["outlet_events"][outlet].extra.update(shown)
        self.succeed(None, best=best, best_by=comparison.best_by)
        return {**shown, "versions": [each.as_json for each in comparison.versions], "excluded": comparison.excluded}

    def request_errors(self) -> list[str]:
        """List what is wrong with the versions that are named."""
        from airflow_provider_personalize.coercion import parse

        given, solution = parse("list", self.solution_version_arns), parse("string", self.solution_arn)
        if (given is None) == (solution is None):
            return ["give either solution_version_arns or solution_arn"]
        if solution is not None:
            count, wrong = parse("integer", self.newest), self._wrong_arn("solution_arn", solution)
            if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= _MOST:
                wrong.append(f"newest is {count!r}: allowed is a whole number from 1 to {_MOST}")
            return wrong
        if isinstance(given, str) or not isinstance(given, Iterable):
            return [f"solution_version_arns is {given!r}: it must be a list or a dict"]
        arns = dict(given if isinstance(given, Mapping) else enumerate(given))
        wrong = [
            each.replace("solution_version_arn", f"solution_version_arns[{name!r}]", 1)
            for name, arn in arns.items()
            for each in self._wrong_arn("solution_version_arn", arn)
        ]
        if not 1 <= len(arns) <= _MOST:
            wrong.append(f"solution_version_arns has {len(arns)} ARNs: allowed are 1 to {_MOST}")
        return wrong

    def _arns_by_name(self) -> dict[str, str]:
        """
        Return the ARNs of the versions to compare, by their names in the table.

        :raises InvalidRequestError: With everything that is wrong with the parameters.
        """
        from airflow_provider_personalize.coercion import parse

        if wrong := self.request_errors():
            raise self.api.error(wrong)
        given, solution = parse("list", self.solution_version_arns), parse("string", self.solution_arn)
        if solution is not None:
            return self._newest(solution, parse("integer", self.newest))
        named = given if isinstance(given, Mapping) else {_short(arn): arn for arn in given}
        return {str(name): arn for name, arn in named.items()}

    def _newest(self, solution_arn: str, count: int) -> dict[str, str]:
        """Return the newest ACTIVE versions of a solution."""
        versions = self.hook.list_versions(solution_arn)
        arns = [each["solutionVersionArn"] for each in versions if each["status"] in SOLUTION_VERSION.ready]
        if not arns:
            raise VersionsNotComparableError({_short(solution_arn): "the solution has no ACTIVE version"})
        return {_short(arn): arn for arn in arns[:count]}

    def _wrong_arn(self, parameter: str, arn: Any) -> list[str]:
        from airflow_provider_personalize.arns import wrong_arn, wrong_region_arns

        wrong = [wrong_arn(parameter, arn), *wrong_region_arns({parameter: arn}, self.hook.conn.meta.region_name)]
        return [each for each in wrong if each]

    def _read(self, name: str, arn: str) -> _Version:
        from airflow_provider_personalize.status import SUCCEEDED, WaitCondition

        found = self.hook.describe(SOLUTION_VERSION, arn)
        status = WaitCondition(SOLUTION_VERSION.name, arn).evaluate(found)
        if status.outcome != SUCCEEDED:
            return _Version(name, arn, found, {}, unusable=str(status))
        answer = self.api.call({"solutionVersionArn": arn}).get("metrics") or {}
        metrics = {metric: value for metric, value in answer.items() if math.isfinite(value)}
        return _Version(name, arn, found, metrics, unusable="" if metrics else f"{status}, but without metrics")


@dataclass(frozen=True)
class _Version:
    """
    What was read of a version.

    :param name: Its name in the table.
    :param unusable: Why it cannot be compared; empty where it can.
    """

    name: str
    arn: str
    description: Mapping[str, Any]
    metrics: Mapping[str, float]
    unusable: str

    @property
    def as_json(self) -> dict[str, Any]:
        """What the task returns of it."""
        created = self.description.get("creationDateTime")
        return {
            "name": self.name,
            "solutionVersionArn": self.arn,
            "recipeArn": self.description.get("recipeArn"),
            "creationDateTime": created and created.astimezone(timezone.utc).isoformat(),
            "trainingHours": self.description.get("trainingHours"),
            "metrics": self.metrics,
        }


@dataclass(frozen=True)
class _Comparison:
    """Versions side by side, at least one, and the rule that names the best."""

    versions: list[_Version]
    excluded: dict[str, str]
    best_by: str | None
    best_is: str

    @property
    def lacking(self) -> dict[str, str]:
        """The versions without the metric of the rule, with what they have."""
        return {
            each.name: f"no metric {self.best_by}, but {', '.join(sorted(each.metrics))}"
            for each in self.versions
            if self.best_by is not None and self.best_by not in each.metrics
        }

    @property
    def best(self) -> _Version | None:
        """The first of the versions with the best value; None without a rule."""
        if (metric := self.best_by) is None:
            return None
        choose = max if self.best_is == "highest" else min
        return choose(self.versions, key=lambda version: version.metrics[metric])

    @property
    def text(self) -> str:
        """The table for a log."""
        rows = self._rows()
        first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
        lines = ("  ".join([name.ljust(first), *map(str.rjust, cells, others)]) for name, *cells in rows)
        return "\n".join([f"Compared {len(self.versions)} solution versions", *lines, *self._notes()])

    @property
    def markdown(self) -> str:
        """The best, and the table in Markdown with the best value in bold."""
        header, *rows = self._rows(bold="**{}**")
        rule = ["---", *(["---:"] * len(self.versions))]
        table = [f"| {' | '.join(cells)} |" for cells in (header, rule, *rows)]
        return "\n".join([f"{note}\n" for note in self._notes()] + table)

    def _rows(self, bold: str = "{}") -> list[list[str]]:
        described = [each.as_json for each in self.versions]
        hours = [each["trainingHours"] for each in described]
        rows = [
            ["metric", *(each.name for each in self.versions)],
            ["recipe", *(str(each["recipeArn"] or _MISSING).rpartition("/")[2] for each in described)],
            ["created (UTC)", *((each["creationDateTime"] or _MISSING)[:16].replace("T", " ") for each in described)],
            ["training hours", *(_MISSING if each is None else f"{each:g}" for each in hours)],
        ]
        for metric in sorted({name for each in self.versions for name in each.metrics}, key=_natural):
            rows.append([metric])
            for version in self.versions:
                value = version.metrics.get(metric)
                form = bold if metric == self.best_by and version is self.best else "{}"
                rows[-1].append(_MISSING if value is None else form.format(f"{value:.6f}"))
        return rows

    def _notes(self) -> list[str]:
        notes = [f"Excluded: {name} ({reason})" for name, reason in self.excluded.items()]
        if self.best and self.best_by:
            value = self.best.metrics[self.best_by]
            equal = [each.name for each in self.versions if each.metrics[self.best_by] == value and each != self.best]
            tie = f"; as good, but listed later: {', '.join(equal)}" if equal else ""
            notes.append(f"Best by {self.best_by} ({self.best_is}): {self.best.name}{tie}")
        return notes


def _short(arn: Any) -> str:
    return str(arn).partition("/")[2] or str(arn)


def _natural(name: str) -> list[Any]:
    """Sort ``precision_at_5`` before ``precision_at_10``."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
