"""Which filter expressions the service takes, and what they keep."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_personalize.emulator.engine.data import DatasetData
from airflow_provider_personalize.emulator.engine.errors import InvalidFilter
from airflow_provider_personalize.emulator.engine.filters import parse, read_values


def dataset(dataset_type, *rows):
    data = DatasetData(dataset_type)
    data.replace_bulk(rows)
    return data


ITEMS = dataset(
    "Items",
    {"ITEM_ID": "shoe", "CATEGORY": "shoe", "PRICE": 10, "STUDIO": "s1"},
    {"ITEM_ID": "boot", "CATEGORY": "shoe|boot", "PRICE": 20, "STUDIO": "s1"},
    {"ITEM_ID": "watch", "CATEGORY": "watch", "PRICE": 30.5, "STUDIO": "s2"},
    {"ITEM_ID": "thing", "CATEGORY": None, "PRICE": None, "STUDIO": "s2"},
)
USERS = dataset("Users", {"USER_ID": "ann", "AGE": 20, "PLAN": "gold"}, {"USER_ID": "bob", "AGE": 40, "PLAN": "free"})
INTERACTIONS = dataset(
    "Interactions",
    {"USER_ID": "ann", "ITEM_ID": "shoe", "TIMESTAMP": 1, "EVENT_TYPE": "click"},
    {"USER_ID": "ann", "ITEM_ID": "boot", "TIMESTAMP": 2, "EVENT_TYPE": "Stream"},
    {"USER_ID": "bob", "ITEM_ID": "watch", "TIMESTAMP": 3, "EVENT_TYPE": "click"},
)
ALL = ["shoe", "boot", "watch", "thing", "new"]


def kept(expression, candidates=ALL, **request):
    request = {"user_id": "ann", "items": ITEMS, "users": USERS, "interactions": INTERACTIONS, **request}
    return [each for each in candidates if parse(expression).keep(**request)(each)]


# most from https://docs.aws.amazon.com/personalize/latest/dg/filter-expression-examples.html, in our own words
@pytest.mark.parametrize(
    ("expression", "left"),
    [
        ('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("click", "stream")', ["watch", "thing", "new"]),
        ('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("CLICK")', ["boot", "watch", "thing", "new"]),
        ('INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")', ["shoe", "boot"]),
        ('INCLUDE ItemID WHERE Interactions.EVENT_TYPE NOT IN ("click")', ["boot", "watch", "thing", "new"]),
        ('INCLUDE ItemID WHERE Items.CATEGORY IN ("shoe")', ["shoe", "boot"]),
        ('INCLUDE ItemID WHERE Items.CATEGORY IN ("SHOE")', []),
        ('EXCLUDE ItemID WHERE Items.CATEGORY IN ("shoe") AND Items.CATEGORY NOT IN ("boot")', ALL[1:]),
        ('INCLUDE ItemID WHERE Items.CATEGORY IN ("watch") OR Items.PRICE = 20', ["boot", "watch"]),
        ("INCLUDE ItemID WHERE Items.PRICE < 20", ["shoe"]),
        ("INCLUDE ItemID WHERE Items.PRICE <= 20", ["shoe", "boot"]),
        ("INCLUDE ItemID WHERE Items.PRICE > 20", ["watch"]),
        ("INCLUDE ItemID WHERE Items.PRICE > (20)", ["watch"]),
        ("INCLUDE ItemID WHERE Items.PRICE >= 20", ["boot", "watch"]),
        ("INCLUDE ItemID WHERE Items.PRICE != 20", ["shoe", "watch", "thing", "new"]),
        ("INCLUDE ItemID WHERE Items.PRICE IS NULL", ["thing", "new"]),
        ("INCLUDE ItemID WHERE Items.PRICE IS NOT NULL", ["shoe", "boot", "watch"]),
        ("EXCLUDE ItemID WHERE Items.PRICE < 20 IF CurrentUser.AGE > 18 AND CurrentUser.AGE < 30", ALL[1:]),
        ("EXCLUDE ItemID WHERE Items.PRICE < 20 IF CurrentUser.AGE > 30", ALL),
        ("INCLUDE ItemID WHERE Items.PRICE < 20 IF CurrentUser.AGE > 30", ALL),
        ("include itemid where ITEMS.PRICE < 20", ["shoe"]),
        ("INCLUDE ItemID WHERE Items.price < 20", ["shoe"]),
        ("INCLUDE ItemID WHERE Items.CATEGORY IN ('watch', \"boot\")", ["boot", "watch"]),
        ('EXCLUDE ItemID WHERE Items.PRICE < 20 IF CURRENTUSER.PLAN = "gold"', ALL[1:]),
    ],
)
def test_a_filter_keeps(expression, left):
    assert kept(expression) == left


def test_conditions_may_be_on_the_item_that_was_asked_for():
    expression = "INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE AND Items.STUDIO IN (CurrentItem.STUDIO)"
    assert kept(expression, item_id="boot") == ["shoe"]
    assert kept(expression, item_id="unknown") == []


# https://docs.aws.amazon.com/personalize/latest/dg/item-recommendation-filter-examples.html has no parentheses here
def test_a_list_may_be_a_field_of_the_item_that_was_asked_for():
    assert kept("INCLUDE ItemID WHERE Items.CATEGORY IN CurrentItem.CATEGORY", item_id="boot") == ["shoe", "boot"]
    assert kept("INCLUDE ItemID WHERE Items.CATEGORY NOT IN currentitem.CATEGORY", item_id="boot") == [
        "watch",
        "thing",
        "new",
    ]
    assert kept("INCLUDE ItemID WHERE Items.CATEGORY IN CurrentItem.CATEGORY", item_id="thing") == []


def test_and_binds_closer_than_or():
    assert kept("INCLUDE ItemID WHERE Items.PRICE = 10 OR Items.PRICE = 20 AND Items.PRICE > 99") == ["shoe"]
    assert kept("INCLUDE ItemID WHERE (Items.PRICE = 10 OR Items.PRICE = 20) AND Items.PRICE > 99") == []


# https://docs.aws.amazon.com/personalize/latest/dg/multiple-expression-example.html
@pytest.mark.parametrize(
    ("verbs", "left"),
    [
        (("INCLUDE", "INCLUDE"), ["shoe", "boot"]),
        (("EXCLUDE", "EXCLUDE"), ["watch", "thing", "new"]),
        (("INCLUDE", "EXCLUDE"), ["boot"]),
    ],
)
def test_expressions_add_up_and_exclude_takes_away(verbs, left):
    first, second = verbs
    expression = f"{first} ItemID WHERE Items.PRICE <= 20 | {second} ItemID WHERE Interactions.EVENT_TYPE IN ('click')"
    assert kept(expression.replace("'", '"')) == left


@pytest.mark.parametrize(
    ("expression", "left"),
    [
        ('INCLUDE UserID WHERE Users.PLAN IN ("gold")', ["ann"]),
        ("EXCLUDE UserID WHERE Users.AGE < 30", ["bob", "eve"]),
        ('INCLUDE UserID WHERE Interactions.EVENT_TYPE IN ("click", "rating")', ["ann", "bob"]),
        ('EXCLUDE UserID WHERE Interactions.EVENT_TYPE IN ("stream")', ["bob", "eve"]),
    ],
)
def test_users_are_filtered_for_segments(expression, left):
    assert kept(expression, ["ann", "bob", "eve"], user_id=None) == left


def test_actions_are_filtered_by_what_the_user_did():
    actions = dataset("Actions", {"ACTION_ID": "join", "VALUE": 5}, {"ACTION_ID": "pay", "VALUE": 9})
    done = {"USER_ID": "ann", "ACTION_ID": "join", "TIMESTAMP": 1, "EVENT_TYPE": "taken"}
    more = {"actions": actions, "action_interactions": dataset("Action_Interactions", done)}
    by_event = 'EXCLUDE ActionID WHERE Action_Interactions.EVENT_TYPE IN ("taken")'
    assert kept(by_event, ["join", "pay"], **more) == ["pay"]
    assert kept("INCLUDE ActionID WHERE Actions.VALUE > 6", ["join", "pay"], **more) == ["pay"]


def test_without_a_user_or_data_nobody_did_anything():
    expression = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")'
    assert kept(expression, user_id=None) == kept(expression, interactions=None) == ALL


# --- placeholders


def test_placeholders_take_the_values_of_the_request():
    expression = "INCLUDE ItemID WHERE Items.CATEGORY IN ($CATEGORY) AND Items.PRICE < $PRICE"
    assert parse(expression).placeholders == {"CATEGORY", "PRICE"}
    assert kept(expression, values={"CATEGORY": '"watch","boot"', "PRICE": "25"}) == ["boot"]


def test_a_placeholder_without_a_value_is_refused():
    with pytest.raises(InvalidFilter, match=r"no value for the placeholder \$PRICE"):
        kept("INCLUDE ItemID WHERE Items.PRICE < $PRICE", values={"OTHER": "1"})


def test_an_exclude_without_its_values_does_nothing():
    expression = "EXCLUDE ItemID WHERE Items.CATEGORY IN ($OUT)"
    assert kept(expression, values={"OUT": '"watch"'}) != ALL
    assert kept(expression, values={"OTHER": "1"}) == ALL
    both = f"{expression} | INCLUDE ItemID WHERE Items.PRICE < $PRICE"
    assert kept(both, values={"PRICE": "25"}) == kept("INCLUDE ItemID WHERE Items.PRICE < 25")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('"a"', ["a"]),
        ('"a","b c"', ["a", "b c"]),
        ('"a, b", "c"', ["a, b", "c"]),
        ('"say \\"hi\\""', ['say "hi"']),
        ("20", [20]),
        ("1.5", [1.5]),
        ("a,b", ["a", "b"]),
        ('"20"', ["20"]),
        ("-1e3", [-1000.0]),
        # what Python reads as a number, and others do not
        ("1_990", ["1_990"]),
        ("inf", ["inf"]),
        ("\u0663", ["\u0663"]),
    ],
)
def test_values_are_read_as_requests_write_them(text, values):
    assert read_values(text) == values


# --- what is refused


NOT_IN = "Could not create filter. Invalid input symbol: $X. Placeholders are not allowed with NOT_IN operator."


def test_placeholders_are_not_allowed_with_not_in():
    with pytest.raises(InvalidFilter) as refused:
        parse("INCLUDE ItemID WHERE Items.CATEGORY NOT IN ($X)")
    assert str(refused.value) == NOT_IN


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("", "expected INCLUDE or EXCLUDE, found the end"),
        ("ONLY ItemID WHERE Items.A = 1", "found 'ONLY'"),
        ("INCLUDE Item WHERE Items.A = 1", "expected ITEMID or USERID or ACTIONID, found 'Item'"),
        ("INCLUDE ItemID Items.A = 1", "expected WHERE, found 'Items.A'"),
        ("INCLUDE ItemID WHERE", "found the end"),
        ("INCLUDE ItemID WHERE Items.A", "found the end"),
        ("INCLUDE ItemID WHERE Items.A = ", "found the end"),
        ("INCLUDE ItemID WHERE Items.A IN ()", r"found '\)'"),
        ('INCLUDE ItemID WHERE Items.A IN ("a"', "expected ., found the end"),
        ("INCLUDE ItemID WHERE Items.A IN (a)", "found 'a'"),
        ("INCLUDE ItemID WHERE Items.A = 1 Items.B = 2", "expected the end, found 'Items.B'"),
        ("INCLUDE ItemID WHERE Items.A = 1 AND", "found the end"),
        ("INCLUDE ItemID WHERE Items.A = 1 |", "found the end"),
        ('INCLUDE ItemID WHERE "a" IN ("a")', "expected a field"),
        ("INCLUDE ItemID WHERE Things.A = 1", "Things is not a dataset: use one of Interactions, Items"),
        ('INCLUDE ItemID WHERE Items.A = "unclosed', "no sense in"),
        ("INCLUDE ItemID WHERE Items.A ~ 1", "no sense in '~ 1'"),
        ("INCLUDE ItemID WHERE Users.AGE = 1", "Users cannot be used in INCLUDE ItemID"),
        ("INCLUDE UserID WHERE Items.A = 1", "Items cannot be used in INCLUDE UserID"),
        ('INCLUDE ItemID WHERE Items.A = 1 AND Interactions.EVENT_TYPE IN ("*")', "must be on one dataset"),
        ('INCLUDE ItemID WHERE Interactions.DEVICE IN ("phone")', "EVENT_TYPE IN and NOT IN only"),
        ("INCLUDE ItemID WHERE Interactions.EVENT_TYPE = 1", "EVENT_TYPE IN and NOT IN only"),
        ('INCLUDE ItemID WHERE Items.A IN "a"', "found '\"a\"'"),
        ("INCLUDE ItemID WHERE Items.A IN Items.B", r"expected \(, found 'Items.B'"),
        ("INCLUDE ItemID WHERE CurrentItem.A = 1", "CurrentItem cannot be used in INCLUDE ItemID"),
        ("INCLUDE ItemID WHERE Items.A < CurrentUser.A", "it can be used in an IF condition only"),
        ("INCLUDE ItemID WHERE Items.A < \u0663", "no sense in"),
        ("INCLUDE ItemID WHERE Items.A < 1_990", "no sense in"),
        ("INCLUDE ItemID WHERE Items.A IN ('unclosed)", "no sense in"),
        ("INCLUDE ItemID WHERE Items.A < Items.B", "Items.B cannot be a value"),
        ("INCLUDE ItemID WHERE Items.A = 1 IF Items.B = 2", "IF checks conditions on CurrentUser only"),
        ("INCLUDE ItemID WHERE Items.A = 1 IF CurrentUser.B = 2 IF CurrentUser.C = 3", "expected the end, found 'IF'"),
        ("INCLUDE ItemID WHERE Items.A = 1 | INCLUDE UserID WHERE Users.A = 1", "must be on the same"),
        ("INCLUDE ItemID WHERE " + "(" * 1000 + "Items.A = 1" + ")" * 1000, "parentheses are open"),
    ],
)
def test_an_invalid_expression_is_refused(expression, why):
    with pytest.raises(InvalidFilter, match=f"^Could not create filter. Invalid Expression: .*{why}"):
        parse(expression)


@given(st.text(alphabet='INCLUDEitems.WHERE ()"$,|=<>!0123AND', max_size=60))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(InvalidFilter):
        parse(text)


def test_any_number_of_parentheses_may_follow_each_other():
    parse("INCLUDE ItemID WHERE " + " OR ".join(["(Items.A = 1)"] * 30))


def test_fields_are_counted_once():
    expression = (
        "INCLUDE ItemID WHERE Items.A = 1 OR Items.A = 2 IF CurrentUser.AGE > 1 | EXCLUDE ItemID WHERE items.B = 1"
    )
    assert parse(expression).fields == {"Items.A", "Items.B", "CurrentUser.AGE"}


# --- laws


names = st.sampled_from(["CATEGORY", "PRICE", "STUDIO"])
texts = st.sampled_from(["shoe", "boot", "s1", 'a "b" \\ c', "20"])
numbers = st.one_of(st.integers(-5, 40), st.floats(-1e6, 1e6, allow_nan=False))


def written(value):
    return str(value) if not isinstance(value, str) else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


lists = st.lists(st.one_of(texts, numbers).map(written), min_size=1, max_size=3).map(", ".join)
single = st.one_of(
    st.builds("Items.{} {} ({})".format, names, st.sampled_from(["IN", "NOT IN"]), lists),
    st.builds("Items.{} {} {}".format, names, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), numbers.map(written)),
    st.builds("Items.{} IS {}NULL".format, names, st.sampled_from(["", "NOT "])),
)
conditions = st.recursive(
    single,
    lambda inner: st.builds("({}) {} ({})".format, inner, st.sampled_from(["AND", "OR"]), inner),
    max_leaves=5,
)
guards = st.sampled_from(["", " IF CurrentUser.AGE > 18", " IF CurrentUser.AGE > 30"])
parts = st.builds("{} ItemID WHERE {}{}".format, st.sampled_from(["INCLUDE", "EXCLUDE"]), conditions, guards)
filters = st.lists(parts, min_size=1, max_size=3).map(" | ".join)


@given(filters)
def test_a_parsed_expression_survives_a_round_trip(expression):
    once = parse(expression)
    assert parse(str(once)) == once
    assert kept(str(once)) == kept(expression)


@given(conditions)
def test_exclude_drops_exactly_what_include_keeps(condition):
    included, excluded = kept(f"INCLUDE ItemID WHERE {condition}"), kept(f"EXCLUDE ItemID WHERE {condition}")
    assert sorted(included + excluded) == sorted(ALL)


@given(single, single)
def test_de_morgan(one, other):
    either = f"EXCLUDE ItemID WHERE {one} OR {other}"
    apart = f"EXCLUDE ItemID WHERE {one} | EXCLUDE ItemID WHERE {other}"
    assert kept(either) == kept(apart)
    neither = set(kept(f"EXCLUDE ItemID WHERE {one}")) & set(kept(f"EXCLUDE ItemID WHERE {other}"))
    assert set(kept(either)) == neither
    not_both = set(kept(f"EXCLUDE ItemID WHERE {one}")) | set(kept(f"EXCLUDE ItemID WHERE {other}"))
    assert set(kept(f"EXCLUDE ItemID WHERE {one} AND {other}")) == not_both


@given(names, lists)
def test_not_in_is_the_opposite_of_in(name, values):
    within, without = (kept(f"INCLUDE ItemID WHERE Items.{name} {sign} ({values})") for sign in ("IN", "NOT IN"))
    assert sorted(within + without) == sorted(ALL)
