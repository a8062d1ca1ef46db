"""Patterns, the service's and our own, take linear time on whatever text they are given, and mean what they meant."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

import botocore.session
import hypothesis.strategies as st
import pytest
from botocore.model import DenormalizedStructureBuilder, Shape, StructureShape
from hypothesis import given, settings

from airflow_provider_personalize.arns import wrong_region_arns
from airflow_provider_personalize.coercion import coerce
from airflow_provider_personalize.emulator.engine.errors import InvalidFilter
from airflow_provider_personalize.emulator.engine.expressions import parse_expressions
from airflow_provider_personalize.emulator.engine.filters import read_values
from airflow_provider_personalize.rates import rate_days
from airflow_provider_personalize.redaction import redact
from airflow_provider_personalize.request_rules import validation_errors
from airflow_provider_personalize.resources import RESOURCE_TYPES

SERVICES: Final = ("personalize", "personalize-events", "personalize-runtime")
#: Seconds of CPU time.
ALLOWED: Final = 0.010


def _patterned() -> dict[str, Shape]:
    """Every shape with a pattern that the three models have, once for each pattern and length."""
    session = botocore.session.get_session()
    models = map(session.get_service_model, SERVICES)
    shapes = [model.shape_for(name) for model in models for name in model.shape_names]
    found = {
        (shape.metadata["pattern"], shape.metadata["max"]): shape for shape in shapes if shape.metadata.get("pattern")
    }
    return {shape.name: shape for shape in found.values()}


SHAPES: Final = _patterned()
every_pattern = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def _input(shape: Shape) -> StructureShape:
    """A request with one member of a shape."""
    member = {"type": "string", **shape.metadata}
    return DenormalizedStructureBuilder().with_members({"value": member}).build_model()


def seconds(ask: Callable[[Any], object], text: str) -> float:
    """CPU time of this thread, the best of a few where the first was long."""
    best = float("inf")
    for _ in range(5):
        began = time.thread_time()
        ask(text)
        best = min(best, time.thread_time() - began)
        if best < ALLOWED:
            break
    return best


OPENINGS: Final = ("", "arn:aws:personalize:", "arn:aws:kms:", "arn:aws:iam::123456789012:role/", "s3://", "rate(")
UNITS: Final = ("a", "A", " ", "1", "-", ":", "/", ":kms:", ":kms", ":kms:000000000000:key/", "000000000000:key/:", "é")
FOREIGN: Final = ("", "\n", "é", "\0", " ")


def adversarial(length: int) -> Iterator[str]:
    """Texts of one length: a beginning that fits, much of one kind, and one character that does not, or none."""
    for opening, unit, foreign in itertools.product(OPENINGS, UNITS, FOREIGN):
        text = (opening + unit * length)[:length]
        for place in {length - 1, length // 2} if foreign else {length}:
            yield (text[:place] + foreign + text[place + 1 :])[:length]


def test_adversarial_texts_are_of_the_length_that_they_are_said_to_be():
    assert {len(text) for text in adversarial(256)} == {256}


@every_pattern
@pytest.mark.parametrize("times", [1, 4], ids=["the longest allowed", "too long"])
def test_a_pattern_of_the_service_takes_no_time_whatever_the_text(shape, times):
    request = _input(shape)
    slow = {}
    for text in adversarial(shape.metadata["max"] * times):
        took = seconds(lambda text: validation_errors("None", request, {"value": text}), text)
        if took > ALLOWED:
            slow[text] = took
    assert not slow


@every_pattern
def test_a_text_that_is_too_long_is_not_matched_too(shape):
    most = shape.metadata["max"]
    (fault,) = validation_errors("None", _input(shape), {"value": "é" * (most + 1)})
    assert fault.startswith(f"value has {most + 1} characters")
    assert fault.endswith(f": at most {most} are allowed")


# Java's classes, which the models' patterns have and Python's do not
CLASSES: Final = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s", r"\p{ASCII}": r"[\x00-\x7f]"}
pieces = st.sampled_from(
    [
        *("arn:", "aws", ":", "::", "personalize", "kms", ":kms:", "iam", "0" * 12, "key/", "role/", "s3://"),
        *("rate(1 day)", "a", "Z", "_", "-", "/", "$LATEST", " ", "~", "\x1f", "\n", "é", "٣", "@"),
    ]
)


@every_pattern
@settings(max_examples=40, derandomize=True, database=None, deadline=None)
@given(data=st.data())
def test_a_pattern_allows_what_the_model_allows(shape, data):
    """The expectation is the model's own pattern, on texts so short that it takes no time."""
    pattern = shape.metadata["pattern"]
    for theirs, ours in CLASSES.items():
        pattern = pattern.replace(theirs, ours)
    fitting = st.from_regex(re.compile(pattern), fullmatch=True).filter(lambda text: len(text) <= 60)
    drawn = data.draw(st.one_of(fitting, st.lists(pieces, max_size=12).map("".join)))
    text = _mutilated(data, drawn)[: min(80, shape.metadata["max"])]
    found = validation_errors("None", _input(shape), {"value": text})
    assert any(fault.startswith("value is") for fault in found) == (re.fullmatch(pattern, text) is None)


def _mutilated(data: st.DataObject, text: str) -> str:
    """The text, or the text with a piece put into it or left out."""
    place = data.draw(st.integers(0, len(text)))
    return (
        text[:place]
        + data.draw(st.sampled_from(["", "", ":", "\n", "é", " ", "a"]))
        + text[place + data.draw(st.integers(0, 1)) :]
    )


def _parse(text: str) -> None:
    with suppress(InvalidFilter):
        parse_expressions(text)


RUNTIME: Final = botocore.session.get_session().get_service_model("personalize-runtime")
VALUES: Final = RUNTIME.operation_model("GetRecommendations").input_shape.members["filterValues"]
OURS: Final[dict[str, tuple[Callable[[str], object], int]]] = {
    **{f"ARN of a {row.title}": (row.is_arn, 2048) for row in RESOURCE_TYPES.values()},
    "rate": (rate_days, 2048),
    "what signs a request": (redact, 2048),
    "ARN of another region": (lambda text: wrong_region_arns({"a": text}, "us-east-1"), 2048),
    "values of a filter": (read_values, 1000),
    "values of a filter, to quote": (lambda text: coerce(VALUES, {"A": text}), 1000),
    "expression of a filter": (_parse, 2500),
}
TRICKY: Final = ('"', '\\"', '"a', "a.", "1.", "signature= ", "credential", "a:1", "(", "│", "  ")


@pytest.mark.parametrize(("ask", "length"), OURS.values(), ids=OURS)
def test_our_own_pattern_takes_no_time_whatever_the_text(ask, length):
    tricky = (
        opening + (unit * length)[: length - 2] + end for opening in ("", '"') for unit in TRICKY for end in ("", "x")
    )
    slow = {}
    for text in itertools.chain(adversarial(length), tricky):
        took = seconds(ask, text)
        if took > ALLOWED:
            slow[text] = took
    assert not slow
