"""Options that depend on the recipe, and the reasons of failures."""

from __future__ import annotations

import pytest
from asking import refusal
from everything import HOUR, RECIPE, Maker, new_shop
from moto import mock_aws
from shop import PREFIX

from airflow_provider_personalize.emulator import assumptions, clock, faults, service_model
from airflow_provider_personalize.resources import RESOURCE_TYPES

INVALID = "InvalidInputException"
ALGORITHM = "arn:aws:personalize:::algorithm/aws-"
EXPLORATION = {"itemExplorationConfig": {"explorationWeight": "0.3"}}
# by recipe, from the tables below https://docs.aws.amazon.com/personalize/latest/dg/working-with-predefined-recipes.html
HYPERPARAMETERS = {
    "user-personalization": "hidden_dimension",
    "hrnn": "bptt",
    "hrnn-metadata": "recency_mask",
    "hrnn-coldstart": "bptt",
    "personalized-ranking": "recency_mask",
    "sims": "popularity_discount_factor",
    "similar-items": "item_id_hidden_dimension",
    "item-affinity": "hidden_dimension",
    "item-attribute-affinity": "hidden_dimension",
}
FEATURES = {
    "user-personalization": "min_user_history_length_percentile",
    "hrnn-coldstart": "cold_start_max_duration",
    "personalized-ranking": "max_user_history_length_percentile",
    "sims": "min_item_interaction_count_percentile",
    "trending-now": "trend_discovery_frequency",
}

# from https://github.com/awsdocs/amazon-personalize-developer-guide, the pages of the recipes
TRANSFORMATIONS = {
    "hrnn": "JSON-percentile-filtering",
    "hrnn-metadata": "featurize_metadata",
    "hrnn-coldstart": "featurize_coldstart",
    "personalized-ranking": "JSON-percentile-filtering",
    "item-affinity": "item-affinity",
    "item-attribute-affinity": "item-attribute-affinity",
}


def described(resource_type):
    """Return the members that a description of a resource type has."""
    return service_model.answer_shape(f"Describe{resource_type.pascal}").members[resource_type.member]


def create(client, recipe, config, **more):
    given = {"datasetGroupArn": f"{PREFIX}dataset-group/shop", "recipeArn": RECIPE + recipe}
    return client.create_solution(name="s", solutionConfig=config, **given, **more)


def tuning(name):
    return {
        "hpoConfig": {
            "algorithmHyperParameterRanges": {
                "integerHyperParameterRanges": [{"name": name, "minValue": 30, "maxValue": 60}]
            }
        }
    }


@pytest.mark.parametrize(("recipe", "name"), HYPERPARAMETERS.items())
def test_a_hyperparameter_of_the_recipe_is_accepted(client, group, recipe, name):
    assert create(client, recipe, {"algorithmHyperParameters": {name: "1"}})["solutionArn"]


# the text is the service's: https://github.com/aws-samples/amazon-personalize-samples/issues/156
@pytest.mark.parametrize("recipe", [*HYPERPARAMETERS, "popularity-count", "trending-now"])
@pytest.mark.parametrize("config", [{"algorithmHyperParameters": {"exploration_weight": "0.3"}}, tuning("trees")])
def test_a_hyperparameter_that_the_algorithm_lacks_is_refused(client, group, recipe, config):
    said = f"Provide a hyperparameter that is used in the algorithm: {ALGORITHM}{recipe}"
    assert refusal(create, client=client, recipe=recipe, config=config) == (INVALID, said)


def test_a_hyperparameter_to_tune_may_be_one_of_the_recipe(client, group):
    assert create(client, "similar-items", tuning("item_metadata_hidden_dimension"), performHPO=True)


# not in this package: what a recipe has of which no public table was found
@pytest.mark.parametrize("recipe", ["user-personalization-v2", "personalized-ranking-v2", "next-best-action"])
def test_any_hyperparameter_is_accepted_where_none_are_known(client, group, recipe):
    assert create(client, recipe, {"algorithmHyperParameters": {"apply_recency_bias": "true"}})


@pytest.mark.parametrize(("recipe", "name"), FEATURES.items())
def test_a_featurization_hyperparameter_of_the_recipe_is_accepted(client, group, recipe, name):
    assert create(client, recipe, {"featureTransformationParameters": {name: "0.1"}})["solutionArn"]


@pytest.mark.parametrize("recipe", FEATURES)
def test_a_featurization_hyperparameter_of_another_recipe_is_refused_unless_assumed_otherwise(client, group, recipe):
    other = "trend_discovery_frequency" if recipe != "trending-now" else "cold_start_max_duration"
    config = {"featureTransformationParameters": {other: "1"}}
    code, said = refusal(create, client=client, recipe=recipe, config=config)
    assert (code, f"the recipe aws-{recipe} has no {other}; it has: " in said) == (INVALID, True)
    assumptions.option_of_another_recipe = "accepted"
    assert create(client, recipe, config)["solutionArn"]


# botocore's model: CampaignConfig, for the User-Personalization recipe only
@pytest.mark.parametrize(("recipe", "answer"), [("user-personalization", "ACTIVE"), ("sims", INVALID)])
def test_only_a_recipe_that_explores_takes_an_exploration(shop, recipe, answer):
    version = shop.solve("a", recipe)
    campaign = shop.campaign("plain", version)
    for call, given in (
        (shop.api.create_campaign, {"name": "c", "solutionVersionArn": version}),
        (shop.api.update_campaign, {"campaignArn": campaign}),
    ):
        if answer == INVALID:
            said = (INVALID, "campaignConfig.itemExplorationConfig is not supported by the recipe aws-sims")
            assert refusal(call, campaignConfig=EXPLORATION, **given) == said
        else:
            call(campaignConfig=EXPLORATION, **given)
            clock.advance(HOUR)
    assert shop.describe("campaign", campaign)["status"] == "ACTIVE"


# botocore's model: RecommenderConfig, for what is personalized, not for popular or similar items
def test_only_a_recommender_that_personalizes_takes_an_exploration():
    with mock_aws():
        shop = new_shop()
        shop.open("ECOMMERCE")
        shop.import_all()
        given = {"datasetGroupArn": shop.group, "recommenderConfig": EXPLORATION}
        popular = {"name": "p", "recipeArn": f"{RECIPE}ecomm-popular-items-by-views", **given}
        assert refusal(shop.api.create_recommender, **popular)[0] == INVALID
        arn = shop.api.create_recommender(**{**popular, "recommenderConfig": {}})["recommenderArn"]
        you = {"name": "y", "recipeArn": f"{RECIPE}ecomm-recommended-for-you", **given}
        assert shop.api.create_recommender(**you)["recommenderArn"]
        clock.advance(HOUR)
        assert refusal(shop.api.update_recommender, recommenderArn=arn, recommenderConfig=EXPLORATION)[0] == INVALID


# https://docs.aws.amazon.com/personalize/latest/dg/troubleshooting.html has the text
def test_a_recommender_that_fails_says_why():
    with mock_aws():
        shop = new_shop()
        shop.open("ECOMMERCE")
        given = {"name": "r", "datasetGroupArn": shop.group, "recipeArn": f"{RECIPE}ecomm-recommended-for-you"}
        arn = shop.api.create_recommender(**given)["recommenderArn"]
        clock.advance(HOUR)
        made = shop.describe("recommender", arn)
        assert (made["status"], made["failureReason"]) == ("CREATE FAILED", "Dataset has fewer than 1000 interactions")


FAILING = [name for name, each in RESOURCE_TYPES.items() if "failureReason" in described(each).members]


# botocore's model: what has a failureReason
@pytest.mark.parametrize("resource_type", FAILING)
def test_every_failure_has_a_reason_where_the_service_has_one(shop, resource_type):
    maker = Maker(shop, resource_type)
    faults.fail_next(f"Create{RESOURCE_TYPES[resource_type].pascal}", "Because.")
    arn = maker.make()
    clock.advance(3 * HOUR)
    made = shop.describe(resource_type, arn)
    assert (made["status"].rpartition(" ")[2], made["failureReason"]) == ("FAILED", "Because.")


@pytest.mark.parametrize(("name", "transformation"), TRANSFORMATIONS.items())
def test_a_recipe_names_its_feature_transformation(shop, name, transformation):
    recipe = shop.api.describe_recipe(recipeArn=f"arn:aws:personalize:::recipe/aws-{name}")["recipe"]
    arn = f"arn:aws:personalize:::feature-transformation/{transformation}"
    assert recipe["featureTransformationArn"] == arn
    described = shop.api.describe_feature_transformation(featureTransformationArn=arn)["featureTransformation"]
    assert (described["name"], described["featureTransformationArn"]) == (transformation, arn)
