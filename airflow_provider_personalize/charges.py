"""
What begins to be charged with an operation.

By the operations' own documentation and the price page (https://aws.amazon.com/personalize/pricing/). That data which
comes in real time is charged like imports is assumed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

Request = Mapping[str, Any]


def _automatic_training(request: Request) -> str | None:
    is_on = request.get("performAutoTraining") is True
    return "each automatic training, by the hour, the first within an hour" if is_on else None


def _rate(least: Any) -> str:
    return f"at least {least} request{'s' * (str(least) != '1')} per second"


def _campaign(request: Request) -> str:
    return f"the campaign, by the hour, for {_rate(request.get('minProvisionedTPS', 1))}"


def _recommender(request: Request) -> str:
    least = request.get("recommenderConfig", {}).get("minRecommendationRequestsPerSecond")
    return "the recommender, by the hour" + (f", for {_rate(least)}" if least else "")


def _always(what: str) -> Callable[[Request], str]:
    return lambda _: what


_CHARGES: Final[Mapping[str, Callable[[Request], str | None]]] = {
    "CreateBatchInferenceJob": _always("the job, by what it answers"),
    "CreateBatchSegmentJob": _always("the job, by what it answers"),
    "CreateCampaign": _campaign,
    "CreateDatasetImportJob": _always("the import, by the GB"),
    "CreateRecommender": _recommender,
    "CreateSolution": _automatic_training,
    "CreateSolutionVersion": _always("the training, by the hour"),
    "StartRecommender": _always("the recommender, by the hour"),
    "UpdateCampaign": lambda request: _campaign(request) if "minProvisionedTPS" in request else None,
    "UpdateRecommender": _recommender,
    "UpdateSolution": _automatic_training,
    **dict.fromkeys(
        ("PutActionInteractions", "PutActions", "PutEvents", "PutItems", "PutUsers"),
        _always("the data, by the GB"),
    ),
}


def charged(operation: str, request: Request) -> str | None:
    """Return in words what begins to be charged with a call; None for nothing."""
    charge = _CHARGES.get(operation)
    return charge(request) if charge else None
