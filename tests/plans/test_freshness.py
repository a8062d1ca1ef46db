"""
No import and no training is skipped that would change anything: every short history, by the plan alone.

A history is a sequence of events in a model of the service that knows the data itself, where the plan sees only what
the API shows. A skip is right if the import, or the training, would leave everything as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import product
from typing import Any

import pytest
from shop import PREFIX

from airflow_provider_personalize.plans.freshness import (
    OBJECTS_TAG,
    ObservedData,
    ObservedImports,
    TrainingPolicy,
    import_or_skip,
    train_or_skip,
)
from airflow_provider_personalize.plans.steps import READ_CONSISTENCY, Call, Done, Memory, Poll, Skip, Sleep, Step

EPOCH = datetime(2026, 1, 1, tzinfo=timezone.utc)
DATASET = f"{PREFIX}dataset/shop/ITEMS"
BUSY = "CREATE IN_PROGRESS"
FRESH = Memory()


class History:
    """
    A dataset, the files that are imported into it, and the versions that are trained on it.

    :param data: What the dataset holds: layers of content, each read by a schema.
    """

    def __init__(self) -> None:
        self.now = EPOCH
        self.files = {"here": ("A", EPOCH), "there": ("T", EPOCH)}
        self.data: tuple[Any, ...] = ()
        self.configuration = self.schema = 0
        self.dataset: dict[str, Any] = {"datasetArn": DATASET, "datasetType": "INTERACTIONS", "creationDateTime": EPOCH}
        self.solution: dict[str, Any] = {}
        self.jobs: list[dict[str, Any]] = []
        self.deletions: list[dict[str, Any]] = []
        self.versions: list[dict[str, Any]] = []

    def after(self, events: tuple[str, ...]) -> History:
        for event in events:
            self.now += timedelta(seconds=10)
            name, _, what = event.partition(" ")
            getattr(self, name)(*what.split())
        self.now += timedelta(seconds=10)
        return self

    # what is in S3

    def put(self, content: str) -> None:
        self.files["here"] = (content, self.now)

    def digest(self, location: str = "here") -> str:
        return str((location, self.files[location]))

    # imports

    def full(self, location: str, *how: str) -> None:
        self._import(location, "FULL", *how)

    def incremental(self, location: str, *how: str) -> None:
        self._import(location, "INCREMENTAL", *how)

    def _import(self, location: str, mode: str, *how: str) -> None:
        """Import: untagged, failing, still running, or while the file is another for a moment or from then on."""
        objects = None if "untagged" in how else self.digest(location)
        was = self.files["here"][0]
        if "racing" in how:
            self.put("R")
        job = {
            "datasetImportJobArn": f"{PREFIX}dataset-import-job/{len(self.jobs)}",
            "importMode": mode,
            "objects": objects,
            "holds": (self.files[location][0], self.schema),
        }
        self._begin(self.jobs, job)
        self.now += timedelta(seconds=1)
        if "put-back" in how:
            self.put(was)
        if "failing" in how:
            job["status"] = "CREATE FAILED"
        elif "running" not in how:
            self._end_import(job)

    def end(self) -> None:
        """Let everything end that is running."""
        if self.dataset.get("latestDatasetUpdate", {}).get("status") == BUSY:
            self._end_update()
        for job in self.jobs:
            if job["status"] == BUSY:
                self._end_import(job)
        for version in self.versions:
            if version["status"] == BUSY:
                version["status"] = "ACTIVE"

    def _end_import(self, job: dict[str, Any]) -> None:
        job |= {"status": "ACTIVE", "lastUpdatedDateTime": self.now}
        self.data = (*(self.data if job["importMode"] == "INCREMENTAL" else ()), job["holds"])

    def _begin(self, rows: list[dict[str, Any]], row: dict[str, Any]) -> None:
        row |= {"status": BUSY, "creationDateTime": self.now, "lastUpdatedDateTime": self.now}
        rows.append(row)

    # what else changes the data

    def erase(self) -> None:
        self._begin(self.deletions, {"dataDeletionJobArn": f"{PREFIX}data-deletion-job/{len(self.deletions)}"})
        self.now += timedelta(seconds=1)
        self.deletions[-1] |= {"status": "COMPLETED", "lastUpdatedDateTime": self.now}
        self.data = (*self.data, "erased")

    def extend(self, *how: str) -> None:
        self.dataset["latestDatasetUpdate"] = {"status": BUSY, "lastUpdatedDateTime": self.now}
        if "running" not in how:
            self._end_update()

    def _end_update(self) -> None:
        self.schema += 1
        self.dataset["latestDatasetUpdate"] = {"status": "ACTIVE", "lastUpdatedDateTime": self.now}

    def recreate(self) -> None:
        self.data = ()
        self.dataset = {**self.dataset, "creationDateTime": self.now}

    def configure(self) -> None:
        self.configuration += 1
        self.solution["latestSolutionUpdate"] = {"status": "ACTIVE", "lastUpdatedDateTime": self.now}

    # trainings

    def train(self, mode: str = "FULL", *how: str) -> None:
        self._begin(self.versions, {"solutionVersionArn": f"{PREFIX}solution/shop/{len(self.versions)}"})
        self.versions[-1] |= {"trainingMode": mode, "knows": self.known}
        self.now += timedelta(seconds=1)
        status = "CREATE FAILED" if "failing" in how else BUSY if "running" in how else "ACTIVE"
        self.versions[-1]["status"] = status

    @property
    def is_changing(self) -> bool:
        """Whether an import or an update is running."""
        running = [*self.jobs, self.dataset.get("latestDatasetUpdate", {})]
        return any(each.get("status") == BUSY for each in running)

    @property
    def known(self) -> Any:
        return (self.data, self.schema, self.configuration)

    # what the plans say

    def next_import(self, mode: str, memory: Memory = FRESH, *, succeeds: bool = False) -> Step:
        call = Call(
            operation="CreateDatasetImportJob",
            request={"importMode": mode},
            memory=memory,
        )
        latest = self.jobs[-1] if self.jobs else None
        observed = ObservedImports(
            objects=self.digest(),
            dataset=self.dataset,
            jobs=self.jobs[::-1],
            latest=latest,
            latest_objects=latest and latest["objects"],
            deletions=self.deletions,
        )
        return import_or_skip(call, observed, memory, succeeds=succeeds)

    def next_training(self, mode: str = "FULL", memory: Memory = FRESH, *, trackers: int = 0, **policy: Any) -> Step:
        data = ObservedData(
            solution=self.solution,
            datasets=[self.dataset],
            imports=self.jobs,
            deletions=self.deletions,
            event_trackers=[{}] * trackers,
        )
        call = Call(operation="CreateSolutionVersion", request={"trainingMode": mode}, memory=memory)
        has_data = None if "younger_than" in policy else data
        return train_or_skip(call, TrainingPolicy(**policy), self.versions, has_data, memory, self.now)


def histories(first: tuple[str, ...], events: list[str], length: int) -> Iterator[tuple[str, ...]]:
    """List the histories of up to so many events."""
    for number in range(length + 1):
        for more in product(events, repeat=number):
            yield (*first, *more)


IMPORTS = [
    *("put A", "put B", "full here", "full here untagged", "full here failing", "full here running"),
    *("full here racing", "full here racing put-back", "full there", "full there running", "incremental here"),
    *("incremental there", "end", "erase", "extend", "extend running", "recreate"),
]


@pytest.mark.parametrize("length", [3, pytest.param(4, marks=pytest.mark.slow)])
def test_no_import_is_skipped_that_would_change_the_dataset(length):
    skipped = {"FULL": set(), "INCREMENTAL": set()}
    for mode, events in product(skipped, histories(("full here",), IMPORTS, length)):
        history = History().after(events)
        if isinstance(history.next_import(mode), Skip):
            assert not history.is_changing, events
            holds = (history.files["here"][0], history.schema)
            assert (history.data if mode == "FULL" else history.data[-1:]) == (holds,), events
            skipped[mode].add(events)
    # and it is not only right, but of use
    for more in (
        (),
        ("put B", "full here"),
        ("erase", "full here"),
        ("extend", "full here"),
        ("full there", "full here"),
    ):
        assert ("full here", *more) in skipped["FULL"]
    assert ("full here", "incremental here") in skipped["INCREMENTAL"]
    assert len(skipped["FULL"]) > 100


TRAININGS = [
    *("full here", "full here running", "full here failing", "end", "erase", "extend", "extend running", "configure"),
    "recreate",
    *("train", "train FULL running", "train FULL failing", "train UPDATE"),
]


@pytest.mark.parametrize("length", [3, pytest.param(4, marks=pytest.mark.slow)])
def test_no_training_is_skipped_while_there_is_data_that_no_version_knows(length):
    skipped, waited = set(), set()
    for events in histories(("full here", "train"), TRAININGS, length):
        history = History().after(events)
        step = history.next_training()
        if isinstance(step, Skip):
            assert not history.is_changing, events
            versions = [each for each in history.versions if each["trainingMode"] == "FULL"]
            newest = [each for each in versions if each["status"] == "ACTIVE"][-1]
            assert newest["knows"] == history.known, events
            skipped.add(events[2:])
        elif isinstance(step, Poll):
            assert BUSY in {each["status"] for each in (*history.jobs, *history.versions)}, events
            assert step.condition.goal == "settled"
            waited.add(events[2:])
    assert skipped >= {(), ("full here", "train"), ("full here failing",), ("extend", "train"), ("train FULL failing",)}
    assert waited >= {("full here running",), ("full here", "train FULL running")}


@pytest.mark.parametrize(
    ("trackers", "dataset_type", "ignored", "step"),
    [
        (0, "INTERACTIONS", False, Skip),
        (1, "INTERACTIONS", False, Call),
        (0, "ITEMS", False, Call),
        (0, "USERS", False, Call),
        (0, "ACTIONS", False, Call),
        (1, "ITEMS", True, Skip),
    ],
)
def test_what_may_have_come_in_real_time_counts_as_new(trackers, dataset_type, ignored, step):
    history = History().after(("full here", "train"))
    history.dataset["datasetType"] = dataset_type
    assert type(history.next_training(trackers=trackers, ignores_real_time_data=ignored)) is step


@pytest.mark.parametrize(
    ("events", "mode", "policy", "step"),
    [
        ((), "FULL", {"younger_than": 3600}, Call),
        (("train",), "FULL", {"younger_than": 12}, Skip),  # it began 11 seconds before
        (("train",), "FULL", {"younger_than": 11}, Call),
        (("train UPDATE",), "FULL", {"younger_than": 3600}, Call),
        (("train UPDATE",), "UPDATE", {"younger_than": 3600}, Skip),
        (("train FULL failing",), "FULL", {"younger_than": 3600}, Call),
        (("train", "train FULL failing"), "FULL", {"younger_than": 3600}, Skip),
        (("train FULL running",), "FULL", {"younger_than": 3600}, Poll),
        (("train FULL running",), "FULL", {"younger_than": 3600, "waits": False}, Skip),
        (("train FULL running", "train"), "FULL", {"younger_than": 3600}, Skip),
        (("train", "train FULL running"), "FULL", {"younger_than": 3600}, Poll),
        (("train FULL running",), "FULL", {"younger_than": 1}, Call),
    ],
)
def test_a_training_is_skipped_while_the_newest_version_is_young(events, mode, policy, step):
    assert type(History().after(events).next_training(mode, **policy)) is step


def test_a_training_that_is_being_stopped_is_not_waited_for():
    history = History().after(("train FULL running",))
    history.versions[-1]["status"] = "CREATE STOPPING"
    assert isinstance(history.next_training(younger_than=3600), Call)


@pytest.mark.parametrize("succeeds", [False, True])
@pytest.mark.parametrize("call", ["import", "training"])
def test_a_retry_skips_only_once_an_earlier_attempts_call_would_be_visible(call, succeeds):
    history = History().after(("full here", "train"))

    def ask(memory: Memory) -> Step:
        if call == "import":
            return history.next_import("FULL", memory, succeeds=succeeds)
        return history.next_training(memory=memory, succeeds=succeeds)

    retry = ask(Memory(is_retry=True))
    assert isinstance(retry, Sleep)
    assert retry.seconds == READ_CONSISTENCY
    arn = (history.jobs[0]["datasetImportJobArn"], history.versions[0]["solutionVersionArn"])[call == "training"]
    end = ask(retry.memory)
    assert (end.result if isinstance(end, Done) else end.reason[-len(arn) :]) == arn
    assert isinstance(end, Done if succeeds else Skip)


def test_the_tag_of_the_objects_is_added_to_those_of_the_user():
    history = History()
    memory, mine = Memory(), {"tagKey": "team", "tagValue": "shop"}
    call = Call(operation="", request={"tags": [mine, {"tagKey": OBJECTS_TAG, "tagValue": "old"}]}, memory=memory)
    step = import_or_skip(call, ObservedImports(objects="new", dataset=history.dataset), memory, succeeds=False)
    assert step.request["tags"] == [mine, {"tagKey": OBJECTS_TAG, "tagValue": "new"}]
