"""How each recipe answers from a model: a few ways serve all recipes."""

from __future__ import annotations

import re
from typing import Final, Literal

Answers = Literal["personal", "popular", "related", "segments"]

# Recipes and use cases of which not every name says what they do. All others are personal.
# https://docs.aws.amazon.com/personalize/latest/dg/working-with-predefined-recipes.html
# https://docs.aws.amazon.com/personalize/latest/dg/domain-use-cases.html
_ANSWERS: Final[tuple[tuple[str, Answers], ...]] = (
    (
        r"sims|similar-items|semantic-similarity|more-like-x|because-you-watched-x|also-viewed|bought-together",
        "related",
    ),
    (r"popular|trending-now|best-sellers|most-viewed", "popular"),
    (r"item-affinity|item-attribute-affinity", "segments"),
)


def answers_of(recipe: str) -> Answers:
    """Return what a recipe answers with, by its name or ARN."""
    name = recipe.rpartition("/")[2]
    return next((answers for pattern, answers in _ANSWERS if re.search(pattern, name)), "personal")
