"""
Lines of batch input in, lines of batch output out; and the CSVs of exports and deletions.

https://docs.aws.amazon.com/personalize/latest/dg/batch-data-upload.html,
https://docs.aws.amazon.com/personalize/latest/dg/batch-inference-job-output-examples.html and
https://docs.aws.amazon.com/personalize/latest/dg/prepare-input-data-user-segment.html. Segments are in ``usersList``
unless told otherwise: AWS's retail-demo-store reads them there (workshop/1-Personalization, lab 7).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from airflow_provider_personalize.emulator.engine.data import DatasetData, Mode
from airflow_provider_personalize.emulator.engine.errors import InvalidFilter, Unfit
from airflow_provider_personalize.emulator.engine.model import Model, Scored

Keep = Callable[[str], bool]
# Makes a filter for one line, of its input.
KeepFor = Callable[[Mapping[str, Any]], Keep | None]
# The members that lines may have, each with those that go with it.
Forms = tuple[set[str], ...]
# Writes what was found for a line's input.
Write = Callable[[Mapping[str, Any], Scored], dict[str, Any]]

_INFERENCE: Final[Forms] = ({"userId"}, {"itemId"}, {"userId", "itemList"})
_SEGMENT: Final[Forms] = ({"itemId"}, {"itemAttributes"})
_OPTIONAL: Final = {"filterValues"}


def items(asked: Mapping[str, Any], found: Scored) -> dict[str, Any]:  # noqa: ARG001 - called like its neighbours
    """Write the items and no scores, as recipes of related and of popular items do."""
    return {"recommendedItems": [item for item, _ in found]}


def items_and_scores(asked: Mapping[str, Any], found: Scored) -> dict[str, Any]:
    """Write the items and their scores."""
    return {**items(asked, found), "scores": [round(score, 7) for _, score in found]}


def items_and_theme(names: Mapping[str, str]) -> Write:
    """
    Return what writes the items under a theme; it says no more than what they go with, and its scores are the items'.

    https://docs.aws.amazon.com/personalize/latest/dg/themed-batch-recommendations.html

    :param names: What items are called, by their ids.
    """

    def write(asked: Mapping[str, Any], found: Scored) -> dict[str, Any]:
        theme = f"Goes with {names.get(asked['itemId'], asked['itemId'])}"
        scores = [round(score, 9) for _, score in found]
        return {**items(asked, found), "theme": theme, "itemsThemeRelevanceScores": scores}

    return write


def infer(
    lines: Iterable[str],
    model: Model,
    *,
    count: int = 25,
    keep_for: KeepFor | None = None,
    write: Write = items_and_scores,
    forms: Forms = _INFERENCE,
) -> Iterator[str]:
    """
    Answer the lines of a batch inference job.

    :param count: The job's ``numResults``.
    :param keep_for: Makes the filter for a line, which may have ``filterValues``.
    :param write: Makes a line's output.
    :param forms: The members that a line may have together: the recipe says which.
    """

    def answer(asked: Mapping[str, Any], keep: Keep | None) -> dict[str, Any]:
        if "itemList" in asked:
            listed = [item for item in asked["itemList"] if keep is None or keep(item)]
            found = model.rank(asked["userId"], listed)
        else:
            found = model.recommend(user_id=asked.get("userId"), item_id=asked.get("itemId"), count=count, keep=keep)
        return write(asked, found)

    return _answers(lines, forms, answer, keep_for)


def segment(
    lines: Iterable[str],
    model: Model,
    *,
    count: int = 25,
    keep_for: KeepFor | None = None,
    member: str = "usersList",
    forms: Forms = _SEGMENT,
) -> Iterator[str]:
    """
    Answer the lines of a batch segment job.

    :param count: The job's ``numResults``.
    :param keep_for: Makes the filter for a line, which may have ``filterValues``.
    :param member: What has the users in the output: in the guide's examples it is ``recommendedUsers``.
    :param forms: The members that a line may have together: the recipe says which.
    """

    def answer(asked: Mapping[str, Any], keep: Keep | None) -> dict[str, Any]:
        item, attributes = asked.get("itemId"), asked.get("itemAttributes")
        return {member: model.segment(item_id=item, attributes=attributes, count=count, keep=keep)}

    return _answers(lines, forms, answer, keep_for)


def _answers(
    lines: Iterable[str],
    forms: Forms,
    answer: Callable[[Mapping[str, Any], Keep | None], dict[str, Any]],
    keep_for: KeepFor | None,
) -> Iterator[str]:
    for line in filter(str.strip, lines):
        asked: Any = line.strip()
        try:
            asked = _read(line, forms)
            output, error = answer(asked, keep_for(asked) if keep_for else None), None
        except (InvalidFilter, ValueError) as reason:
            # the texts of errors are assumed
            asked, output, error = _or_text(line), None, str(reason)
        yield json.dumps({"input": asked, "output": output, "error": error}, separators=(",", ":"), ensure_ascii=False)


def _or_text(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return line.strip()


def _read(line: str, forms: Forms) -> Mapping[str, Any]:
    try:
        asked = json.loads(line)
    except ValueError as error:
        raise ValueError(f"Invalid JSON: {error}") from None
    if not isinstance(asked, dict) or set(asked) - _OPTIONAL not in forms:
        wanted = " or ".join(" and ".join(sorted(form, reverse=True)) for form in forms)
        raise ValueError(f"Invalid input: expected {wanted}")
    for name in set(asked) - _OPTIONAL:
        _check(name, asked[name])
    _check_values(asked.get("filterValues", {}))
    return asked


def _check(name: str, value: Any) -> None:
    if name == "itemList":
        if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
            raise ValueError("Invalid input: itemList must be a list of texts")
    elif not isinstance(value, str) or not value:
        raise ValueError(f"Invalid input: {name} must be a text")


def _check_values(values: Any) -> None:
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise ValueError("Invalid input: filterValues must be an object of texts")


def export_rows(data: DatasetData, mode: Mode = "PUT") -> Iterator[str]:
    """Write an export's CSV, a line at a time, the header first."""
    yield _line(data.columns)
    for row in data.values(*data.columns, mode=mode):
        yield _line(row)


def _line(values: Iterable[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(values)
    return buffer.getvalue()


def read_deletions(lines: Iterable[str]) -> Iterator[str]:
    """
    Read the users of a deletion job's CSV, which has the one column USER_ID.

    https://docs.aws.amazon.com/personalize/latest/dg/prepare-deletion-input-file.html

    :raises Unfit: It has another column, or none.
    """
    rows = csv.reader(lines)
    if next(rows, []) != ["USER_ID"]:
        raise Unfit("Input csv must have the one column USER_ID.")
    for row in filter(None, rows):
        if len(row) != 1:
            raise Unfit("Input csv must have the one column USER_ID.")
        yield row[0]
