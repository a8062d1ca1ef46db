"""
The service's rules for batch jobs: files of JSON lines in S3 in, and out.

https://docs.aws.amazon.com/personalize/latest/dg/getting-recommendations.html and
https://docs.aws.amazon.com/personalize/latest/dg/getting-user-segments.html. The lines are answered when the job is
created, and written when it ends: in the same process, with the first call to Personalize after that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.engine import batch as lines
from airflow_provider_personalize.emulator.service import s3
from airflow_provider_personalize.emulator.service.rules import exports, filtering, learning, rows
from airflow_provider_personalize.emulator.service.rules.training_data import columns_of

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.emulated_types import Members
    from airflow_provider_personalize.emulator.service.records import Record

_INPUT: Final = "Invalid S3 input path"
_RESULTS: Final = 25
_INFERRED: Final = ("USER_PERSONALIZATION", "PERSONALIZED_RANKING", "RELATED_ITEMS", "POPULAR_ITEMS")
_NOT_INFERRED: Final = ("aws-trending-now",)
_SEGMENTED: Final = ("USER_SEGMENTATION",)
_BY_ATTRIBUTES: Final = ("aws-item-attribute-affinity",)
# The members of the lines that there are, by the recipe's type or its name:
# https://docs.aws.amazon.com/personalize/latest/dg/batch-data-upload.html and
# https://docs.aws.amazon.com/personalize/latest/dg/prepare-input-data-user-segment.html
_FORMS: Final[Mapping[str, lines.Forms]] = {
    "USER_PERSONALIZATION": ({"userId"},),
    "POPULAR_ITEMS": ({"userId"},),
    "PERSONALIZED_RANKING": ({"userId", "itemList"},),
    "RELATED_ITEMS": ({"itemId"},),
    "aws-item-affinity": ({"itemId"},),
    "aws-item-attribute-affinity": ({"itemAttributes"},),
}
_THEMES: Final = "THEME_GENERATION"
_THEMED: Final = ("aws-similar-items",)


def complete_inference(backend: Backend, request: Mapping[str, Any]) -> Members:  # noqa: ARG001
    """Add the service's defaults."""
    return {"numResults": _RESULTS, "batchInferenceJobMode": "BATCH_INFERENCE", **request}


def complete_segment(backend: Backend, request: Mapping[str, Any]) -> Members:  # noqa: ARG001
    """Add the service's default."""
    return {"numResults": _RESULTS, **request}


def inference_errors(backend: Backend, request: Mapping[str, Any]) -> Iterator[str]:
    """List what does not fit between the job and the version."""
    yield from _wrong_recipe(backend, request, _INFERRED)
    yield from _same_path(request)
    version = backend.records[request["solutionVersionArn"]].members
    config = request.get("batchInferenceJobConfig", {})
    yield from learning.exploration_errors("batchInferenceJobConfig", config, version)
    if _recipe(backend, request) in _NOT_INFERRED:
        yield f"solutionVersionArn has the recipe {_recipe(backend, request)}: batch jobs do not support it"
    if request.get("batchInferenceJobMode") == _THEMES:
        yield from _wrong_themes(backend, request)


def _same_path(request: Mapping[str, Any]) -> Iterator[str]:
    """Refuse to write where the input is: that the call is refused, and the text, are assumed."""
    place, output = (
        request[member][way]["path"]
        for member, way in (("jobInput", "s3DataSource"), ("jobOutput", "s3DataDestination"))
    )
    if place.rstrip("/") == output.rstrip("/"):
        yield f"Invalid S3 output path: {output} is the input path, too. Give the path of another folder."


def _wrong_recipe(backend: Backend, request: Mapping[str, Any], allowed: tuple[str, ...]) -> Iterator[str]:
    recipe_type = learning.recipe_type(backend.records[request["solutionVersionArn"]].members)
    if recipe_type not in allowed:
        yield f"solutionVersionArn has a recipe of the type {recipe_type}: allowed are {', '.join(allowed)}"


def _recipe(backend: Backend, request: Mapping[str, Any]) -> str:
    return str(backend.records[request["solutionVersionArn"]].members["recipeArn"]).rpartition("/")[2]


def _wrong_themes(backend: Backend, request: Mapping[str, Any]) -> Iterator[str]:
    """
    List what themes need: https://docs.aws.amazon.com/personalize/latest/dg/themed-batch-recommendations.html.

    That it is looked at when the job is created is assumed.
    """
    recipe = _recipe(backend, request)
    if recipe not in _THEMED:
        yield f"batchInferenceJobMode is {_THEMES}: the recipe {recipe} does not support it, only {', '.join(_THEMED)}"
    if "themeGenerationConfig" not in request:
        yield f"themeGenerationConfig is missing: batchInferenceJobMode is {_THEMES}"
        return
    group_arn = backend.records[request["solutionVersionArn"]].members["datasetGroupArn"]
    columns = columns_of(backend, group_arn, "ITEMS")
    if _named(request) not in columns:
        member = "themeGenerationConfig.fieldsForThemeGeneration.itemName"
        yield f"{member} is {_named(request)!r}: items have no such field"
    if not any(field.get("textual") is True for field in columns.values()):
        yield f"batchInferenceJobMode is {_THEMES}: the items must have a textual field"


def _named(members: Mapping[str, Any]) -> str:
    return str(members["themeGenerationConfig"]["fieldsForThemeGeneration"]["itemName"])


def segment_errors(backend: Backend, request: Mapping[str, Any]) -> Iterator[str]:
    """List what does not fit between the job and the version."""
    yield from _wrong_recipe(backend, request, _SEGMENTED)
    yield from _same_path(request)


def infer(backend: Backend, job: Record) -> str | None:
    """Answer the lines of an inference job; return why that failed, or None."""
    themed = job.members["batchInferenceJobMode"] == _THEMES
    forms = _FORMS[learning.recipe_type(job.members)]
    ask = partial(lines.infer, write=_writing(backend, job, themed=themed), forms=forms)
    return _answer(backend, job, ask, "batch_lines_with_themes" if themed else "batch_lines")


def _writing(backend: Backend, job: Record, *, themed: bool) -> lines.Write:
    if not themed:
        return lines.items_and_scores if learning.has_scores(job.members) else lines.items
    named = rows.of(backend, job.members["datasetGroupArn"])["ITEMS"].values("ITEM_ID", _named(job.members))
    return lines.items_and_theme({item: name for item, name in named if name})


def segment(backend: Backend, job: Record) -> str | None:
    """Answer the lines of a segment job; return why that failed, or None."""
    recipe = _recipe(backend, job.members)
    by_attributes = recipe in _BY_ATTRIBUTES
    ask = partial(lines.segment, member=state.assumptions.segment_member, forms=_FORMS[recipe])
    return _answer(backend, job, ask, "segment_lines_by_attributes" if by_attributes else "segment_lines_by_item")


def _answer(backend: Backend, job: Record, answer: Callable[..., Iterator[str]], quota: str) -> str | None:
    version = backend.records[job.members["solutionVersionArn"]]
    ask = partial(
        answer, model=version.holds, count=job.members["numResults"], keep_for=filtering.for_lines(backend, job.members)
    )
    try:
        # https://docs.aws.amazon.com/personalize/latest/dg/creating-batch-inference-job.html: a path is a prefix
        files = s3.read(backend, job.members["jobInput"]["s3DataSource"]["path"], prefixed=True)
        asked = {name: text.decode().splitlines() for name, text in files}
        for excess in _too_much(files, asked, quota):
            return excess
        job.holds = {name: [f"{line}\n" for line in ask(each)] for name, each in asked.items()}
    except (s3.Unreachable, UnicodeDecodeError):
        return _INPUT
    return exports.check_output(backend, job)


def _too_much(files: list[tuple[str, bytes]], asked: Mapping[str, list[str]], quota: str) -> Iterator[str]:
    yield from state.quotas.excess("batch_input_files", len(files))
    yield from state.quotas.excess("batch_input_bytes", sum(len(text) for _, text in files))
    for each in asked.values():
        yield from state.quotas.excess(quota, len(each))


def bring(backend: Backend, job: Record) -> None:
    """Write the answers: a file for each file of the input."""
    folder = job.members["jobOutput"]["s3DataDestination"]["path"]
    for name, answers in job.holds.items() if job.usable else ():
        s3.write(backend, folder, f"{name.rpartition('/')[2]}.out", answers)
    job.holds = None
