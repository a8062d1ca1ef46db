"""How many seconds of the service's time everything takes, and where that is from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airflow_provider_personalize.emulator.validators import check_number

GUIDE: Final = "https://docs.aws.amazon.com/personalize/latest/dg"
SAMPLES: Final = "https://github.com/aws-samples/amazon-personalize-samples"
_SEEN: Final = f"outputs recorded in {SAMPLES}"
_ASSUMED: Final = "assumed"

# Seconds of service time from the call to the end, typical of small data, and where they are from
DURATIONS: Final[Mapping[str, tuple[float, str]]] = {
    "dataset_group": (30, _SEEN),
    "dataset": (5, f"an import 6 seconds after CreateDataset was accepted ({_SEEN})"),
    "dataset_delete": (30, _SEEN),
    "dataset_update": (120, _SEEN),
    "dataset_import_job": (6 * 60, _SEEN),
    "dataset_export_job": (6 * 60, _ASSUMED),
    "data_deletion_job": (2 * 60 * 60, f'assumed; "up to a day" ({GUIDE}/API_CreateDataDeletionJob.html)'),
    "solution": (0, f"CreateSolutionVersion in the same second was accepted ({_SEEN})"),
    "solution_delete": (1, _ASSUMED),
    "solution_update": (180, f'"a few minutes" ({GUIDE}/updating-solution.html)'),
    "solution_version": (40 * 60, _SEEN),
    "solution_version_stop": (120, _ASSUMED),
    "campaign": (10 * 60, _SEEN),
    "campaign_update": (10 * 60, "assumed to be those of its creation"),
    "campaign_delete": (50, f"assumed; a notebook of {SAMPLES} deletes the solution 60 seconds later"),
    "recommender": (50 * 60, _SEEN),
    "recommender_update": (50 * 60, "assumed to be those of its creation"),
    "recommender_delete": (120, "assumed to be those of a campaign"),
    "recommender_start": (10 * 60, _ASSUMED),
    "recommender_stop": (120, _ASSUMED),
    "event_tracker": (60, _SEEN),
    "filter": (60, _SEEN),
    "batch_inference_job": (20 * 60, _SEEN),
    "batch_segment_job": (8 * 60, _SEEN),
    "metric_attribution": (60, _ASSUMED),
    "metric_attribution_update": (60, _ASSUMED),
}
SECONDS: Final = {name: seconds for name, (seconds, _) in DURATIONS.items()}


class Seconds(dict[str, float]):
    """How many seconds everything takes: a creation, and with it a deletion that has no number of its own, or more."""

    def __setitem__(self, name: str, value: float) -> None:
        if name not in SECONDS:
            raise ValueError(f"there are no seconds of {name!r}: there are those of {', '.join(SECONDS)}")
        check_number(f"seconds of {name}", value)
        super().__setitem__(name, value)


def changed(seconds: Mapping[str, float], changes: Any) -> Seconds:
    """Return the seconds with some of them changed; the others stay."""
    if not isinstance(changes, Mapping):
        raise ValueError(f"seconds is {changes!r}: give names and their seconds")  # noqa: TRY004 - told like the others
    new = Seconds(seconds)
    for name, value in changes.items():
        new[name] = value
    return new
