"""What can be trained on, what a model learns, and that metrics use held-out data."""

from __future__ import annotations

import random

import pytest
from cost import cost
from engine_data import sample
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_personalize.emulator.engine.data import DatasetData
from airflow_provider_personalize.emulator.engine.errors import InvalidFilter, Unfit
from airflow_provider_personalize.emulator.engine.training import train

PERSONAL, RELATED, POPULAR = "aws-user-personalization-v2", "aws-similar-items", "aws-popularity-count"
SEGMENTS = "aws-item-affinity"
# https://docs.aws.amazon.com/personalize/latest/dg/working-with-training-metrics.html
NAMES = {
    "coverage",
    "mean_reciprocal_rank_at_25",
    *(f"normalized_discounted_cumulative_gain_at_{depth}" for depth in (5, 10, 25)),
    *(f"precision_at_{depth}" for depth in (5, 10, 25)),
}


def dataset(rows, dataset_type="Interactions"):
    data = DatasetData(dataset_type)
    data.replace_bulk(rows)
    return data


def events(*histories, **more):
    """One user for each history, with a second between interactions."""
    return [
        {"USER_ID": f"user-{number}", "ITEM_ID": item, "TIMESTAMP": moment, **more}
        for number, history in enumerate(histories)
        for moment, item in enumerate(history)
    ]


def items_of(scored):
    return [item for item, _ in scored]


# --- what is enough


def test_999_interactions_are_too_few():
    with pytest.raises(Unfit, match="^Dataset has fewer than 1000 interactions$"):
        train(PERSONAL, dataset(events(*["ab"] * 499, "a")))


def test_1000_interactions_are_enough():
    assert train(PERSONAL, dataset(events(*["ab"] * 500))).training_interactions == 1000


def test_only_interactions_of_the_event_type_count():
    rows = events(*["ab"] * 500, EVENT_TYPE="click") + events("ab", EVENT_TYPE="buy")
    assert train(PERSONAL, dataset(rows), event_type="click").training_interactions == 1000
    with pytest.raises(Unfit, match="^Dataset has fewer than 1000 interactions after filtering by event type: buy$"):
        train(PERSONAL, dataset(rows), event_type="buy")


@pytest.mark.parametrize(("returning", "enough"), [(24, False), (25, True)])
def test_25_users_must_come_back(returning, enough):
    data = dataset(events(*["ab" * 30] * returning, *["a"] * 100))
    if enough:
        train(PERSONAL, data)
        return
    with pytest.raises(Unfit) as refused:
        train(PERSONAL, data)
    assert str(refused.value) == "Create failed. Dataset has fewer than 25 users with at least 2 interactions each."


@pytest.mark.parametrize(("visitors", "enough"), [(2970, True), (2971, False)])
def test_a_hundredth_of_the_users_must_come_back(visitors, enough):
    data = dataset(events(*["ab"] * 30, *["a"] * visitors))
    if enough:
        train(PERSONAL, data)
        return
    with pytest.raises(Unfit, match="1% of the users"):
        train(PERSONAL, data)


def test_visitors_without_a_user_id_do_not_count():
    rows = events(*["ab"] * 500)
    rows[0] |= {"USER_ID": None}
    with pytest.raises(Unfit):
        train(PERSONAL, dataset(rows))


# --- metrics


@pytest.mark.parametrize("recipe", [PERSONAL, RELATED, POPULAR, "aws-personalized-ranking-v2"])
def test_the_metrics_are_the_services_and_within_0_and_1(interactions, recipe):
    metrics = train(recipe, interactions).metrics
    assert set(metrics) == NAMES
    assert all(0 <= value <= 1 for value in metrics.values())
    assert metrics["mean_reciprocal_rank_at_25"] > 0


def test_segments_have_metrics_of_their_own(interactions):
    metrics = train(SEGMENTS, interactions).metrics
    assert set(metrics) == {"coverage", "hit_at_k", "recall_at_k"}
    assert 0 < metrics["recall_at_k"] <= 1


def test_who_always_does_the_same_is_foreseen():
    metrics = train(PERSONAL, dataset(events(*["abc" * 9] * 40))).metrics
    assert metrics["precision_at_5"] == pytest.approx(1 / 5)
    assert metrics["coverage"] == 1


def test_the_last_interaction_is_not_seen_before_it_is_asked_for():
    """Each user ends at an item of their own, which no model can know of."""
    histories = [[*"abcdefghijklmnopqrstuvwxyz" * 2, f"own-{number}"] for number in range(40)]
    data = dataset(events(*histories))
    model = train(PERSONAL, data)
    assert all(value == 0 for name, value in model.metrics.items() if name != "coverage")
    assert model.items["own-7"] == 1
    assert "own-7" in items_of(model.recommend(user_id="user-7", count=30))


def test_the_last_in_time_is_held_out_wherever_it_stands_in_the_file():
    histories = [[*"abcdefghijklmnopqrstuvwxyz" * 2, f"own-{number}"] for number in range(40)]
    rows = events(*histories)
    random.Random(7).shuffle(rows)
    metrics = train(PERSONAL, dataset(rows)).metrics
    assert metrics["normalized_discounted_cumulative_gain_at_25"] == 0


def test_the_final_model_knows_all_interactions(rows, interactions, model):
    assert model.training_interactions == len(rows)
    assert sum(model.items.values()) == len(rows)
    assert set(model.users) == {row["USER_ID"] for row in rows}


def test_learning_from_others_beats_popularity_on_the_sample(interactions, model):
    popular = train(POPULAR, interactions).metrics
    name = "normalized_discounted_cumulative_gain_at_25"
    assert model.metrics[name] > popular[name]
    assert model.metrics["coverage"] > popular["coverage"]


# --- weights and thresholds


def config(**weights):
    parameters = [{"eventType": name, "weight": weight} for name, weight in weights.items()]
    return {"eventParametersList": parameters}


def test_heavier_events_make_items_more_popular():
    views, buys = events(*["ab"] * 500, EVENT_TYPE="view"), events(*["c"] * 400, EVENT_TYPE="buy")
    data = dataset(views + buys)
    equal = train(POPULAR, data, events_config=config(view=0.5, buy=0.5))
    heavy = train(POPULAR, data, events_config=config(view=0.1, buy=0.9))
    assert items_of(equal.recommend())[-1] == "c"
    assert items_of(heavy.recommend())[0] == "c"
    assert f"normalized_discounted_cumulative_gain_with_event_weights_at_{5}" in heavy.metrics


def test_only_the_ratio_of_weights_matters(interactions):
    small = train(PERSONAL, interactions, events_config=config(view=0.125, click=0.25))
    large = train(PERSONAL, interactions, events_config=config(view=0.5, click=1.0))
    for user in ("user-00001", "user-00002", "nobody"):
        assert small.recommend(user_id=user) == large.recommend(user_id=user)


def test_events_that_the_configuration_does_not_name_are_left_out(rows, interactions):
    model = train(PERSONAL, interactions, events_config=config(view=1.0))
    assert model.training_interactions == sum(row["EVENT_TYPE"] == "view" for row in rows)


@pytest.mark.parametrize("of_the_type", [True, False])
def test_events_below_the_threshold_are_left_out(of_the_type):
    rows = events(*["ab"] * 600, EVENT_TYPE="watch", EVENT_VALUE=0.5)
    rows += events("cd", EVENT_TYPE="watch", EVENT_VALUE=0.4) + events("ef", EVENT_TYPE="watch", EVENT_VALUE=None)
    parameters = {"eventParametersList": [{"eventType": "watch", "eventValueThreshold": 0.5, "weight": 1.0}]}
    how = {"events_config": parameters} if of_the_type else {"event_value_threshold": 0.5}
    assert set(train(PERSONAL, dataset(rows), **how).items) == {"a", "b"}


# --- recommendations


@settings(max_examples=60, deadline=None)
@given(
    user=st.sampled_from([None, "nobody", *(f"user-{number:05}" for number in range(40))]),
    count=st.integers(1, 300),
    unwanted=st.sets(st.sampled_from([f"item-{number:05}" for number in range(200)])),
    recent=st.lists(st.sampled_from(["item-00001", "item-00100", "unknown"]), max_size=4),
)
def test_recommendations_are_in_order_without_repeats_and_kept_by_the_filter(model, user, count, unwanted, recent):
    found = model.recommend(user_id=user, count=count, keep=lambda item: item not in unwanted, recent=recent)
    items, scores = items_of(found), [score for _, score in found]
    assert len(items) == len(set(items)) == min(count, len(model.items.keys() - unwanted))
    assert not unwanted.intersection(items)
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("user", ["user-00001", "nobody", None])
def test_the_scores_of_all_items_add_up_to_1(model, user):
    found = model.recommend(user_id=user, count=len(model.items))
    assert sum(score for _, score in found) == pytest.approx(1)


def test_somebody_unknown_gets_what_is_popular(rows, model):
    counts = {}
    for row in rows:
        counts[row["ITEM_ID"]] = counts.get(row["ITEM_ID"], 0) + 1
    popular = sorted(counts, key=lambda item: (-counts[item], item))
    assert items_of(model.recommend(user_id="nobody", count=10)) == popular[:10]


def test_known_users_get_something_of_their_own(model):
    assert len({tuple(items_of(model.recommend(user_id=f"user-{number:05}"))) for number in range(20)}) > 15


def test_events_after_the_training_matter(model):
    before, after = (items_of(model.recommend(user_id="nobody", recent=recent)) for recent in ((), ["item-00150"]))
    assert before != after


def test_similar_items_come_together_in_histories():
    data = dataset(events(*["abab"] * 150, *["cdcd"] * 150, *["xaxc"] * 10))
    model = train(RELATED, data)
    assert items_of(model.recommend(item_id="a", count=1)) == ["b"]
    assert items_of(model.recommend(item_id="c", count=1)) == ["d"]
    assert "a" not in items_of(model.recommend(item_id="a"))


def test_items_like_an_unknown_one_are_what_is_popular():
    data = dataset(events(*["ab"] * 500, "b"))
    assert items_of(train(RELATED, data).recommend(item_id="unknown")) == ["b", "a"]


def test_items_without_interactions_are_recommended_last():
    items = dataset([{"ITEM_ID": "new", "GENRE": "x"}, {"ITEM_ID": "a", "GENRE": "x"}], "Items")
    model = train(PERSONAL, dataset(events(*["ab"] * 500)), items)
    assert items_of(model.recommend(user_id="user-1"))[-1] == "new"


def test_actions_are_recommended_as_items_are():
    rows = [{**row, "ACTION_ID": row.pop("ITEM_ID")} for row in events(*["ab"] * 500, "b")]
    model = train("aws-next-best-action", dataset(rows, "Action_Interactions"))
    assert items_of(model.recommend(user_id="nobody")) == ["b", "a"]


def test_actions_need_interactions_with_items_and_none_of_their_own():
    actions = dataset([{"ACTION_ID": "enroll"}, {"ACTION_ID": "subscribe"}], "Actions")
    enough = dataset(events(*["ab"] * 500))
    model = train("aws-next-best-action", dataset([], "Action_Interactions"), actions, least_of=(enough,))
    assert model.recommend(user_id="nobody") == [("enroll", 0.0), ("subscribe", 0.0)]
    with pytest.raises(Unfit, match="1000"):
        train("aws-next-best-action", enough, actions, least_of=(dataset([]),))


def test_the_same_data_makes_the_same_model(interactions, model):
    again = train(PERSONAL, interactions)
    assert again.metrics == model.metrics
    assert again.recommend(user_id="user-00003", count=50) == model.recommend(user_id="user-00003", count=50)


# --- ranking


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([f"item-{number:05}" for number in range(210)]), min_size=1, unique=True))
def test_a_ranking_has_the_given_items_and_scores_that_add_up_to_1(model, items):
    ranked = model.rank("user-00001", items)
    assert sorted(items_of(ranked)) == sorted(items)
    assert sum(score for _, score in ranked) == pytest.approx(1)
    assert [score for _, score in ranked] == sorted((score for _, score in ranked), reverse=True)


def test_a_ranking_is_in_the_order_of_recommendations(model):
    recommended = items_of(model.recommend(user_id="user-00005", count=20))
    assert items_of(model.rank("user-00005", recommended[::-1])) == recommended


def test_unknown_items_rank_last(model):
    assert items_of(model.rank("user-00001", ["unknown", "item-00001"])) == ["item-00001", "unknown"]


# --- segments


@pytest.fixture(scope="module")
def segments():
    genres = {"a": "x|y", "b": "x", "c": "z", "d": None}
    items = dataset([{"ITEM_ID": item, "GENRE": genre} for item, genre in genres.items()], "Items")
    data = dataset(events(*["abab"] * 100, *["cdcd"] * 100, *["aaaa"] * 50))
    return train("aws-item-attribute-affinity", data, items)


def test_a_segment_is_of_users_near_the_item(segments):
    users = segments.segment(item_id="c", count=100)
    assert set(users) == {f"user-{number}" for number in range(100, 200)}


@pytest.mark.parametrize(
    ("attributes", "first"),
    [
        ('ITEMS.GENRE = "z"', range(100, 200)),
        ('Items.GENRE = "x" AND ITEMS.GENRE = "y"', {*range(100), *range(200, 250)}),
    ],
)
def test_a_segment_is_of_users_near_items_with_the_attributes(segments, attributes, first):
    users = segments.segment(attributes=attributes, count=len(first))
    assert set(users) == {f"user-{number}" for number in first}


def test_a_filter_keeps_users_out_of_a_segment(segments):
    users = segments.segment(item_id="c", count=500, keep=lambda user: user != "user-100")
    assert len(users) == 249
    assert "user-100" not in users


def test_invalid_attributes_are_refused(segments):
    with pytest.raises(InvalidFilter, match="itemAttributes compare fields of ITEMS"):
        segments.segment(attributes='Users.GENRE = "x"')


# --- size


def test_a_training_is_as_much_work_as_there_is_data():
    def work(times: int) -> int:
        data = dataset(sample(interactions=2000 * times, users=100 * times, items=50 * times))
        return cost(lambda: train(PERSONAL, data))

    # in proportion that were 4 times as much, and 16 times if each row were compared with each
    assert work(4) < 8 * work(1)


@pytest.mark.slow
def test_100_000_interactions_make_a_model():
    rows = sample()
    assert train(PERSONAL, dataset(rows)).training_interactions == len(rows) == 100_000
