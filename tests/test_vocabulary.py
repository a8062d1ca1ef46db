"""Words that the project has replaced by the field's standard terms, so that one word has one meaning."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "airflow_provider_personalize/"
EMULATOR = PACKAGE + "emulator/"
TEXT = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}

# A word of an identifier, in any of its cases, and what to write instead.
WORDS = {
    "agenda": "scheduler",
    "carried": "deferral state",
    "discreet": "redacted",
    "effort": "cost",
    "judge": "evaluate",
    "kind": "resource_type",
    "kinds": "resource_types",
    "leniency": "skip_on_soft_fail",
    "look": "poll",
    "looks": "polls",
    "patiently": "with_retries",
    "presentable": "sanitised",
    "pursue": "run",
    "thing": "resource",
    "things": "resources",
    "unanswered": "ambiguous write",
    "verdict": "WaitStatus",
    "weather": "transient error",
    "witness": "response contract",
}
# A whole identifier, where its words are ordinary ones.
NAMES = {
    "Hold": "DeletionBlocker",
    "LeanSession": "pooled HTTP session",
    "Lost": "InjectedFault",
    "Move": "Transition",
    "Moved": "wait until visible",
    "Pace": "RateLimiter",
    "REACHED": "SUCCEEDED",
    "Reading": "Observation",
    "Seen": "Snapshot",
    "Shown": "wait until visible",
    "Source": "PollTarget",
    "UNDER_WAY": "IN_PROGRESS",
    "Visibility": "wait until visible",
    "carry_on": "deferral state",
    "go_on": "next_step",
    "held_back": "read consistency",
    "joined": "shared_poller",
    "let_pass": "sleep_or_defer",
    "may_pass": "is_retryable",
    "pause_after": "retry_delay",
    "questions": "assumption_docs",
    "takes_along": "cascades_to",
    "through_weather": "retry",
    "well_behaved": "event handlers",
}
# The same in the package alone, its emulator apart: rows of a CSV and lines of a bill are called so.
PACKAGE_NAMES = {"Line": "SharedPoller", "row": "resource_type"}
# A name that the package does not define, though it may use it: Airflow owns Connection, the emulator injects faults.
DEFINITIONS = {
    "Connection": "HookParameters",
    "elsewhere": "wrong_region_arns",
    "faults": "validation_errors",
    "given": "build_request",
}
# A regular expression for prose: documentation, comments, strings.
PHRASES = {
    r"\bweather\b": "transient error",
    r"\bbelongs? into\b": "belongs in",
    r"\bmakes none\b": "returns None",
    r"\b(?<!`)is none\b(?! of| the)": "is not a …, is None",
    r"\bthere is none\b": "does not exist",
    # as a text of its own, it is an outcome in events of 0.1.0
    r"(?<!\")\bunder way\b|\bunder way\b(?!\")": "in progress",
    r"\b(held|holds|holding) back\b": "waits for read consistency",
    r"\bdone all the same\b": "may have been applied",
    r"\bhad no time left\b": "timed out",
    r"\b(a|one|each|every|first|last|next|two|further|another) looks?\b": "poll",
    r"\blook(s|ed|ing)? (again|once)\b": "poll",
}
ANY_PHRASE = re.compile("|".join(PHRASES))
PROSE_ONLY = {".md", ".yml"}
# `kind` is what the standard library calls it
OF_THE_STANDARD_LIBRARY = re.compile(r"\.kind (is|in|==) |Parameter\.\w+|kind=\w+\.KEYWORD_ONLY")


class Finding(NamedTuple):
    path: str
    line: int
    word: str
    instead: str


def files() -> list[Path]:
    folders = ("airflow_provider_personalize", "docs", "example_dags", "tests", ".github")
    inside = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    kept = [path for path in [*inside, *ROOT.glob("*.md")] if path.suffix in {".py", *PROSE_ONLY}]
    return sorted(path for path in kept if path.name != Path(__file__).name)


@cache
def replaced_words_of(identifier: str) -> set[str]:
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", identifier.replace("look_up", "lookup"))
    return {part.lower() for part in parts} & WORDS.keys()


def in_identifier(path: str, identifier: str, line: str) -> Iterator[tuple[str, str]]:
    for word in replaced_words_of(identifier):
        if word not in {"kind", "kinds"} or not OF_THE_STANDARD_LIBRARY.search(line):
            yield word, WORDS[word]
    names = NAMES | (PACKAGE_NAMES if path.startswith(PACKAGE) and not path.startswith(EMULATOR) else {})
    if identifier in names:
        yield identifier, names[identifier]
    if path.startswith(PACKAGE) and re.match(rf"\s*(async )?(def|class) {identifier}\b(?!\(self\) -> Faults)", line):
        yield from ((name, DEFINITIONS[name]) for name in {identifier} & DEFINITIONS.keys())


def in_prose(text: str) -> Iterator[tuple[int, str, str]]:
    if ANY_PHRASE.search(text):
        for pattern, instead in PHRASES.items():
            for found in re.finditer(pattern, text):
                yield text.count("\n", 0, found.start()), found[0], instead


def tokens_of(text: str) -> Iterator[tokenize.TokenInfo]:
    """Return all tokens. Before Python 3.12 an f-string is a single one: add the names that it contains."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        yield token
        if token.type == tokenize.STRING and re.match("r?f", token.string, re.IGNORECASE):
            for node in ast.walk(ast.parse(token.string, mode="eval")):
                names = [getattr(node, field, None) for field in ("id", "attr", "arg")]
                yield from (token._replace(type=tokenize.NAME, string=name) for name in names if isinstance(name, str))


def findings_in(path: str, text: str) -> Iterator[Finding]:
    for part in Path(path).with_suffix("").parts:
        yield from (Finding(path, 0, *each) for each in in_identifier(path, part, ""))
    if not path.endswith(".py"):
        yield from (Finding(path, 1 + line, *each) for line, *each in in_prose(text))
        return
    for token in tokens_of(text):
        if token.type == tokenize.NAME:
            yield from (Finding(path, token.start[0], *each) for each in in_identifier(path, token.string, token.line))
        elif token.type in TEXT:
            yield from (Finding(path, token.start[0] + line, *each) for line, *each in in_prose(token.string))


def findings() -> list[Finding]:
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in files()}
    return [finding for path, text in texts.items() for finding in findings_in(path, text)]


def test_no_replaced_word_comes_back():
    found = findings()
    assert not found, "\n".join(f"{each.path}:{each.line}: {each.word!r}, write {each.instead!r}" for each in found)


@pytest.mark.parametrize(
    ("path", "text", "word"),
    [
        ("tests/test_a.py", "def test_the_weather(): ...", "weather"),
        ("tests/test_a.py", "class BadWeather: ...", "weather"),
        ("tests/weather/test_a.py", "", "weather"),
        (PACKAGE + "a.py", '"""Wait while it is under way."""', "under way"),
        (PACKAGE + "a.py", "x = 1  # a look each minute", "a look"),
        ("tests/test_a.py", "f'{number} of {resource.kind}'", "kind"),
        ("tests/test_a.py", "rf'{number:>{width(effort=1)}}'", "effort"),
        (PACKAGE + "a.py", 'f"""{wait} is\n{status}, or under way"""', "under way"),
        (PACKAGE + "a.py", "for row in resources: ...", "row"),
        (PACKAGE + "a.py", "class Connection: ...", "Connection"),
        ("docs/a.md", "botocore_config is none", "is none"),
    ],
)
def test_a_replaced_word_is_found(path, text, word):
    assert word in {finding.word for finding in findings_in(path, text)}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (PACKAGE + "a.py", "from airflow.models import Connection"),
        (PACKAGE + "a.py", "if parameter.kind is parameter.KEYWORD_ONLY: ..."),
        (PACKAGE + "a.py", "outlook = look_up(x)  # None is looked up"),
        (EMULATOR + "a.py", "for row in csv.reader(file): ..."),
        ("docs/a.md", "The ARN is None. Another kind of error looks the same."),
    ],
)
def test_an_ordinary_use_of_a_word_is_allowed(path, text):
    assert not list(findings_in(path, text))
