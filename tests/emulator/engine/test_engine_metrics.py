"""Metrics by hand, with the formulas of https://docs.aws.amazon.com/personalize/latest/dg/working-with-training-metrics.html."""

from __future__ import annotations

from math import log2

import pytest

from airflow_provider_personalize.emulator.engine.metrics import evaluate
from airflow_provider_personalize.emulator.engine.recipes import answers_of


class Guesses:
    """Guesses the same for everybody."""

    answers = "personal"
    items = dict.fromkeys("abcdefgh", 1.0)

    def guess(self, user_id, count):
        return list("abcdef")


def test_metrics_are_what_the_guide_says():
    # at places 2 and 6, and nowhere
    metrics = evaluate(Guesses(), {"ann": ("b", 0.3), "bob": ("f", 0.3), "eve": ("z", 0.1)}, mean_weight=0.2)
    second, sixth = 1 / log2(3), 1 / log2(7)
    assert metrics == pytest.approx(
        {
            "coverage": 6 / 8,
            "mean_reciprocal_rank_at_25": (1 / 2 + 1 / 6) / 3,
            "normalized_discounted_cumulative_gain_at_5": second / 3,
            "normalized_discounted_cumulative_gain_at_10": (second + sixth) / 3,
            "normalized_discounted_cumulative_gain_at_25": (second + sixth) / 3,
            "precision_at_5": 1 / 5 / 3,
            "precision_at_10": 2 / 10 / 3,
            "precision_at_25": 2 / 25 / 3,
            # an event of weight 0.3 among weights of 0.2 in the mean is worth 1.5
            "normalized_discounted_cumulative_gain_with_event_weights_at_5": 1.5 * second / 3,
            "normalized_discounted_cumulative_gain_with_event_weights_at_10": 1.5 * (second + sixth) / 3,
            "normalized_discounted_cumulative_gain_with_event_weights_at_25": 1.5 * (second + sixth) / 3,
        }
    )


@pytest.mark.parametrize(
    ("recipe", "answers"),
    [
        ("arn:aws:personalize:::recipe/aws-user-personalization-v2", "personal"),
        ("arn:aws:personalize:::recipe/aws-personalized-ranking", "personal"),
        ("arn:aws:personalize:::recipe/aws-next-best-action", "personal"),
        ("arn:aws:personalize:::recipe/aws-ecomm-recommended-for-you", "personal"),
        ("arn:aws:personalize:::recipe/aws-vod-top-picks", "personal"),
        ("arn:aws:personalize:::recipe/aws-hrnn-metadata", "personal"),
        ("arn:aws:personalize:::recipe/aws-sims", "related"),
        ("arn:aws:personalize:::recipe/aws-semantic-similarity", "related"),
        ("arn:aws:personalize:::recipe/aws-vod-more-like-x", "related"),
        ("arn:aws:personalize:::recipe/aws-vod-because-you-watched-x", "related"),
        ("arn:aws:personalize:::recipe/aws-ecomm-customers-who-viewed-x-also-viewed", "related"),
        ("arn:aws:personalize:::recipe/aws-ecomm-frequently-bought-together", "related"),
        ("arn:aws:personalize:::recipe/aws-popularity-count", "popular"),
        ("arn:aws:personalize:::recipe/aws-trending-now", "popular"),
        ("arn:aws:personalize:::recipe/aws-vod-most-popular", "popular"),
        ("arn:aws:personalize:::recipe/aws-ecomm-popular-items-by-purchases", "popular"),
        ("arn:aws:personalize:::recipe/aws-item-affinity", "segments"),
        ("arn:aws:personalize:::recipe/aws-item-attribute-affinity", "segments"),
    ],
)
def test_each_recipe_answers_in_its_way(recipe, answers):
    assert answers_of(recipe) == answers
