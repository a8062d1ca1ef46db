"""
The service's rules for batch jobs: files of JSON lines in S3 in, and out.

https://docs.aws.amazon.com/personalize/latest/dg/getting-recommendations.html and
https://docs.aws.amazon.com/personalize/latest/dg/getting-user-segments.html. Themes are not made: such a job answers as
one without. The lines are answered when the job is created, and written when it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.emulator import s3
from airflow_provider_personalize.emulator.assumptions import assumptions
from airflow_provider_personalize.emulator.engine import batch as lines
from airflow_provider_personalize.emulator.rules import exports, filtering, learning

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.backend import Backend
    from airflow_provider_personalize.emulator.records import Members, Record

_INPUT: Final = "Invalid S3 input path"
_RESULTS: Final = 25
_INFERRED: Final = ("USER_PERSONALIZATION", "PERSONALIZED_RANKING", "RELATED_ITEMS", "POPULAR_ITEMS")
_SEGMENTED: Final = ("USER_SEGMENTATION",)
_THEMES: Final = "THEME_GENERATION"
_THEMED: Final = ("aws-similar-items",)


def complete_inference(backend: Backend, request: Mapping[str, Any]) -> Members:  # noqa: ARG001
    """Add the service's defaults."""
    return {"numResults": _RESULTS, "batchInferenceJobMode": "BATCH_INFERENCE", **request}


def complete_segment(backend: Backend, request: Mapping[str, Any]) -> Members:  # noqa: ARG001
    """Add the service's default."""
    return {"numResults": _RESULTS, **request}


def inference_faults(backend: Backend, request: Mapping[str, Any]) -> Iterator[str]:
    """List what does not fit between the job and the version."""
    yield from _wrong_recipe(backend, request, _INFERRED)
    if request.get("batchInferenceJobMode") == _THEMES:
        yield from _wrong_themes(backend, request)


def _wrong_recipe(backend: Backend, request: Mapping[str, Any], allowed: tuple[str, ...]) -> Iterator[str]:
    recipe_type = learning.recipe_type(backend.records[request["solutionVersionArn"]].members)
    if recipe_type not in allowed:
        yield f"solutionVersionArn has a recipe of the type {recipe_type}: allowed are {', '.join(allowed)}"


def _wrong_themes(backend: Backend, request: Mapping[str, Any]) -> Iterator[str]:
    recipe = str(backend.records[request["solutionVersionArn"]].members["recipeArn"]).rpartition("/")[2]
    if "themeGenerationConfig" not in request:
        yield f"themeGenerationConfig is missing: batchInferenceJobMode is {_THEMES}"
    if recipe not in _THEMED:
        yield f"batchInferenceJobMode is {_THEMES}: the recipe {recipe} does not support it, only {', '.join(_THEMED)}"


def segment_faults(backend: Backend, request: Mapping[str, Any]) -> Iterator[str]:
    """List what does not fit between the job and the version."""
    return _wrong_recipe(backend, request, _SEGMENTED)


def infer(backend: Backend, job: Record) -> str | None:
    """Answer the lines of an inference job; return why that failed, or None."""
    return _answer(backend, job, lines.infer)


def segment(backend: Backend, job: Record) -> str | None:
    """Answer the lines of a segment job; return why that failed, or None."""
    return _answer(backend, job, partial(lines.segment, member=assumptions.segment_member))


def _answer(backend: Backend, job: Record, answer: Callable[..., Iterator[str]]) -> str | None:
    version = backend.records[job.members["solutionVersionArn"]]
    ask = partial(
        answer, model=version.holds, count=job.members["numResults"], keep_for=filtering.for_lines(backend, job.members)
    )
    try:
        files = s3.read(backend, job.members["jobInput"]["s3DataSource"]["path"])
        job.holds = {name: [f"{line}\n" for line in ask(text.decode().splitlines())] for name, text in files}
    except (s3.Unreachable, UnicodeDecodeError):
        return _INPUT
    return exports.check_output(backend, job)


def bring(backend: Backend, job: Record) -> None:
    """Write the answers: a file for each file of the input."""
    folder = job.members["jobOutput"]["s3DataDestination"]["path"]
    for name, answers in job.holds.items() if job.usable else ():
        s3.write(backend, folder, f"{name.rpartition('/')[2]}.out", answers)
    job.holds = None
