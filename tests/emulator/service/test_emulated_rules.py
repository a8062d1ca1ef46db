"""What the service refuses, by resource type, and what jobs read and write."""

from __future__ import annotations

import csv
import json

import pytest
from asking import refusal
from everything import HOUR, RECIPE, new_shop, schema
from moto import mock_aws
from shop import PREFIX, ROLE

from airflow_provider_personalize.emulator import assumptions, clock, faults

DAY = 24 * HOUR
IN_USE, INVALID, MISSING = "ResourceInUseException", "InvalidInputException", "ResourceNotFoundException"


@pytest.fixture
def shop(shop):
    shop.version = shop.solve("a", "user-personalization-v2")
    return shop


@pytest.fixture
def domain():
    with mock_aws():
        made = new_shop()
        made.open("ECOMMERCE")
        made.import_all()
        yield made


def code(call, **request):
    return refusal(call, **request)[0]


def test_a_campaign_of_a_solutions_bare_arn_is_not_found(shop):
    assert code(shop.api.create_campaign, name="c", solutionVersionArn=f"{PREFIX}solution/a") == MISSING


def test_sync_goes_with_latest_only(shop):
    config = {"syncWithLatestSolutionVersion": True}
    request = {"name": "c", "solutionVersionArn": shop.version, "campaignConfig": config}
    assert code(shop.api.create_campaign, **request) == INVALID


@pytest.mark.parametrize("mode", ["UPDATE", "AUTOTRAIN"])
def test_a_mode_of_training_that_the_recipe_does_not_have_is_refused(shop, mode):
    request = {"solutionArn": f"{PREFIX}solution/a", "trainingMode": mode}
    assert code(shop.api.create_solution_version, **request) == INVALID


def test_an_update_training_needs_an_active_full_version(shop):
    arn = f"{PREFIX}solution/old"
    given = {"datasetGroupArn": shop.group, "recipeArn": f"{RECIPE}user-personalization", "performAutoTraining": False}
    shop.api.create_solution(name="old", **given)
    clock.advance(HOUR)
    assert code(shop.api.create_solution_version, solutionArn=arn, trainingMode="UPDATE") == INVALID
    shop.train(arn)
    shop.train(arn, trainingMode="UPDATE")


def test_recommenders_are_for_domains_and_solutions_for_recipes_of_none(shop):
    recipe = f"{RECIPE}ecomm-recommended-for-you"
    request = {"name": "r", "datasetGroupArn": shop.group, "recipeArn": recipe}
    assert code(shop.api.create_recommender, **request) == INVALID
    assert code(shop.api.create_solution, **request) == INVALID


def test_a_recommender_has_a_recipe_of_its_groups_domain(domain):
    for recipe in ("vod-top-picks", "user-personalization-v2"):
        request = {"name": "r", "datasetGroupArn": domain.group, "recipeArn": RECIPE + recipe}
        assert code(domain.api.create_recommender, **request) == INVALID


def test_a_recommender_ignores_an_update_without_changes(domain):
    recipe = f"{RECIPE}ecomm-recommended-for-you"
    arn = domain.api.create_recommender(name="r", datasetGroupArn=domain.group, recipeArn=recipe)["recommenderArn"]
    clock.advance(HOUR)
    domain.api.update_recommender(recommenderArn=arn, recommenderConfig={"minRecommendationRequestsPerSecond": 1})
    assert "latestRecommenderUpdate" not in domain.describe("recommender", arn)
    assert code(domain.api.start_recommender, recommenderArn=arn) == IN_USE
    assert domain.describe("recommender", arn)["modelMetrics"]


def test_a_recommender_retrains_every_week_unless_it_is_stopped(domain):
    recipe = f"{RECIPE}ecomm-popular-items-by-views"
    arn = domain.api.create_recommender(name="r", datasetGroupArn=domain.group, recipeArn=recipe)["recommenderArn"]
    domain.track()

    def best() -> str:
        return domain.runtime.get_recommendations(recommenderArn=arn, userId="u1")["itemList"][0]["itemId"]

    def see(item: str) -> None:
        event = {"eventType": "view", "itemId": item, "sentAt": clock.now()}
        for number in range(20):
            given = {"trackingId": domain.tracking_id, "userId": f"u{number}", "sessionId": "s"}
            domain.events.put_events(**given, eventList=[event] * 10)

    see("hot")
    assert best() != "hot"
    clock.advance(6 * DAY)
    assert best() != "hot"
    clock.advance(2 * DAY)
    assert best() == "hot"
    for item in ("hotter", "hotter", "hottest"):
        see(item)
    domain.api.stop_recommender(recommenderArn=arn)
    clock.advance(8 * DAY)
    domain.api.start_recommender(recommenderArn=arn)
    clock.advance(HOUR)
    assert best() == "hot"
    clock.advance(7 * DAY)
    assert best() == "hotter"


def test_tuned_hyperparameters_and_the_best_recipe_are_shown_when_the_training_ends(shop):
    ranges = {"integerHyperParameterRanges": [{"name": "bptt", "minValue": 2, "maxValue": 32}]}
    config = {
        "algorithmHyperParameters": {"hidden_dimension": "55"},
        "hpoConfig": {"algorithmHyperParameterRanges": ranges},
    }
    version = shop.solve("tuned", "user-personalization", performHPO=True, solutionConfig=config)
    found = shop.describe("solution_version", version)["tunedHPOParams"]["algorithmHyperParameters"]
    assert found == {"bptt": "2", "hidden_dimension": "55"}
    assert "tunedHPOParams" not in shop.describe("solution_version", shop.version)
    config = {"autoMLConfig": {"recipeList": [f"{RECIPE}hrnn-metadata", f"{RECIPE}hrnn"]}}
    request = {"datasetGroupArn": shop.group, "performAutoML": True, "performAutoTraining": False}
    arn = shop.api.create_solution(name="auto", solutionConfig=config, **request)["solutionArn"]
    clock.advance(HOUR)
    version = shop.train(arn)
    assert shop.describe("solution", arn)["autoMLResult"] == {"bestRecipeArn": f"{RECIPE}hrnn-metadata"}
    assert shop.describe("solution_version", version)["recipeArn"] == f"{RECIPE}hrnn-metadata"
    config = {"autoMLConfig": {"recipeList": [f"{RECIPE}sims"]}}
    assert "sims" in refusal(shop.api.create_solution, name="b", solutionConfig=config, **request)[1]


def test_a_filter_is_held_by_batch_jobs_and_by_campaigns_if_that_is_assumed(shop):
    expression = 'EXCLUDE ItemID WHERE Items.GENRE IN ("drama")'
    arn = shop.api.create_filter(name="f", datasetGroupArn=shop.group, filterExpression=expression)["filterArn"]
    clock.advance(HOUR)
    places = {
        "jobInput": {"s3DataSource": {"path": shop.put("one.json", '{"userId": "u1"}')}},
        "jobOutput": {"s3DataDestination": {"path": "s3://all/out"}},
    }
    given = {"solutionVersionArn": shop.version, "roleArn": ROLE, "filterArn": arn}
    shop.api.create_batch_inference_job(jobName="b", **given, **places)
    assert code(shop.api.delete_filter, filterArn=arn) == IN_USE
    clock.advance(HOUR)
    shop.campaign("c", shop.version)
    assumptions.filter_of_a_campaign = "held"
    assert code(shop.api.delete_filter, filterArn=arn) == IN_USE
    assumptions.filter_of_a_campaign = "free"
    shop.api.delete_filter(filterArn=arn)


def test_a_group_has_one_event_tracker(shop):
    shop.track()
    assert code(shop.api.create_event_tracker, name="b", datasetGroupArn=shop.group) == "LimitExceededException"


def test_only_items_and_users_get_another_schema_and_keep_their_fields(shop):
    colour = {"name": "COLOUR", "type": ["null", "string"], "categorical": True}
    good = shop.api.create_schema(name="good", schema=schema("Items", colour))["schemaArn"]
    bad = shop.api.create_schema(name="bad", schema=schema("Items", {**colour, "type": "string"}))["schemaArn"]
    assert code(shop.api.update_dataset, datasetArn=shop.dataset("Items"), schemaArn=bad) == INVALID
    assert code(shop.api.update_dataset, datasetArn=shop.dataset("Interactions"), schemaArn=good) == INVALID
    shop.api.update_dataset(datasetArn=shop.dataset("Items"), schemaArn=good)
    assert shop.describe("dataset", shop.dataset("Items"))["status"] == "UPDATE PENDING"
    clock.advance(HOUR)
    now = shop.describe("dataset", shop.dataset("Items"))
    assert (now["status"], now["schemaArn"], now["latestDatasetUpdate"]["schemaArn"]) == ("ACTIVE", good, good)
    shop.api.delete_schema(schemaArn=f"{PREFIX}schema/Items")


def test_the_order_of_deletion_is_kept(shop):
    campaign = shop.campaign("c", shop.version)
    shop.api.create_filter(
        name="f", datasetGroupArn=shop.group, filterExpression='EXCLUDE ItemID WHERE Items.GENRE IN ("a")'
    )
    clock.advance(HOUR)
    for resource_type, arn in (
        ("solution", f"{PREFIX}solution/a"),
        ("dataset", shop.dataset("Items")),
        ("dataset_group", shop.group),
    ):
        member = {"solution": "solutionArn", "dataset": "datasetArn", "dataset_group": "datasetGroupArn"}[resource_type]
        assert code(getattr(shop.api, f"delete_{resource_type}"), **{member: arn}) == IN_USE
    shop.api.delete_campaign(campaignArn=campaign)
    clock.advance(HOUR)
    assert code(shop.api.describe_campaign, campaignArn=campaign) == MISSING
    shop.api.delete_solution(solutionArn=f"{PREFIX}solution/a")
    clock.advance(HOUR)
    assert code(shop.api.describe_solution_version, solutionVersionArn=shop.version) == MISSING


def test_a_resource_in_transition_is_neither_deleted_nor_updated(shop):
    campaign = shop.api.create_campaign(name="c", solutionVersionArn=shop.version)["campaignArn"]
    assert code(shop.api.delete_campaign, campaignArn=campaign) == IN_USE
    assert code(shop.api.update_campaign, campaignArn=campaign, minProvisionedTPS=2) == IN_USE
    clock.advance(HOUR)
    shop.api.update_campaign(campaignArn=campaign, minProvisionedTPS=2)
    assert code(shop.api.delete_campaign, campaignArn=campaign) == IN_USE


def test_a_campaign_that_failed_can_be_updated_and_recovers(shop):
    faults.fail_next("CreateCampaign", "Because.")
    campaign = shop.campaign("c", shop.version)
    assert shop.describe("campaign", campaign)["failureReason"] == "Because."
    shop.api.update_campaign(campaignArn=campaign, solutionVersionArn=shop.version)
    clock.advance(HOUR)
    assert shop.describe("campaign", campaign)["status"] == "ACTIVE"


def test_the_deletion_of_what_was_updated_may_be_assumed_to_show_in_the_update(shop):
    campaign = shop.campaign("c", shop.version)
    shop.api.update_campaign(campaignArn=campaign, minProvisionedTPS=2)
    clock.advance(HOUR)
    assumptions.deletion_shown = "update"
    shop.api.delete_campaign(campaignArn=campaign)
    now = shop.describe("campaign", campaign)
    assert (now["status"], now["latestCampaignUpdate"]["status"]) == ("ACTIVE", "DELETE PENDING")


def test_schemas_and_metric_attributions_take_no_tags(shop):
    request = {"resourceArn": f"{PREFIX}schema/Items", "tags": [{"tagKey": "a", "tagValue": "b"}]}
    assert code(shop.api.tag_resource, **request) == INVALID
    assert code(shop.api.list_tags_for_resource, resourceArn=f"{PREFIX}solution/no") == MISSING
    assert shop.api.list_tags_for_resource(resourceArn=shop.group)["tags"] == [{"tagKey": "team", "tagValue": "shop"}]


def test_recipes_are_listed_by_domain(shop):
    pages = shop.api.get_paginator("list_recipes").paginate(domain="VIDEO_ON_DEMAND")
    names = [recipe["name"] for page in pages for recipe in page["recipes"]]
    assert len(names) == 5
    assert all(name.startswith("aws-vod-") for name in names)


# recorded in AWS's notebooks: a page is taken before the domain is looked at, and has no older recipes
def test_the_first_page_of_recipes_has_none_for_video_on_demand(shop):
    first = shop.api.list_recipes(domain="VIDEO_ON_DEMAND")
    assert first["recipes"] == []
    assert len(shop.api.list_recipes(domain="VIDEO_ON_DEMAND", nextToken=first["nextToken"])["recipes"]) == 5
    assert len(shop.api.list_recipes(domain="ECOMMERCE")["recipes"]) == 5
    listed = [recipe["name"] for recipe in shop.api.list_recipes()["recipes"]]
    assert len(listed) == 12
    assert "aws-hrnn" not in listed
    assert len(shop.api.list_recipes(maxResults=100)["recipes"]) > 12


# recorded in AWS's notebooks
def test_campaigns_are_listed_for_a_version_too(shop):
    campaign = shop.campaign("c", shop.version)
    shop.campaign("other", shop.solve("b", "similar-items"))
    assert [each["campaignArn"] for each in shop.api.list_campaigns(solutionArn=shop.version)["campaigns"]] == [
        campaign
    ]


# recorded in AWS's notebooks
def test_recipes_are_listed_in_the_order_of_their_names(shop):
    names = [recipe["name"] for recipe in shop.api.list_recipes()["recipes"]]
    assert names == sorted(names)


# recorded in AWS's notebooks
def test_an_import_six_seconds_after_its_dataset_was_created_is_accepted(shop):
    other = shop.beside("other")
    group = shop.api.create_dataset_group(name="other")["datasetGroupArn"]
    clock.advance(HOUR)
    given = {"datasetGroupArn": group, "datasetType": "Items", "schemaArn": f"{PREFIX}schema/Items"}
    shop.api.create_dataset(name="items", **given)
    clock.advance(6)
    request = {"jobName": "j", "dataSource": {"dataLocation": "s3://all/in/Items.csv"}, "roleArn": ROLE}
    assert shop.api.create_dataset_import_job(datasetArn=other.dataset("Items"), **request)["datasetImportJobArn"]


def test_events_are_exported_and_a_users_data_is_deleted(shop):
    shop.track()
    source = {"eventAttributionSource": "mail"}
    event = {"eventType": "buy", "itemId": "i1", "sentAt": 1_800_000_000, "metricAttribution": source}
    shop.events.put_events(trackingId=shop.tracking_id, userId="u7", sessionId="s", eventList=[event])
    job = {"roleArn": ROLE, "datasetArn": shop.dataset("Interactions")}
    output = {"s3DataDestination": {"path": "s3://all/export/"}}
    shop.api.create_dataset_export_job(jobName="put", jobOutput=output, **job)
    assert shop.listed("export/") == []
    clock.advance(HOUR)
    shop.api.list_schemas()
    (key,) = shop.listed("export/")
    assert shop.read(key).splitlines()[1:] == ["u7,i1,1800000000,buy,mail"]
    source = {"dataLocation": shop.put("gone/a/users.csv", "USER_ID\nu7\n").replace("a/users.csv", "")}
    made = shop.api.create_data_deletion_job(jobName="d", datasetGroupArn=shop.group, dataSource=source, roleArn=ROLE)
    clock.advance(3 * HOUR)
    assert shop.describe("data_deletion_job", made["dataDeletionJobArn"])["numDeleted"] == 62
    shop.api.create_dataset_export_job(jobName="all", jobOutput=output, ingestionMode="ALL", **job)
    clock.advance(HOUR)
    shop.api.list_schemas()
    assert "u7," not in shop.read("export/all.csv")


def test_a_batch_job_answers_each_line_in_a_file_of_its_own(shop):
    shop.put("batch/users.json", '{"userId": "u1"}\n{"nonsense": 1}\n')
    places = {
        "jobInput": {"s3DataSource": {"path": "s3://all/batch/"}},
        "jobOutput": {"s3DataDestination": {"path": "s3://all/out"}},
    }
    request = {"solutionVersionArn": shop.version, "roleArn": ROLE, **places}
    shop.api.create_batch_inference_job(jobName="b", numResults=3, **request)
    clock.advance(HOUR)
    shop.api.list_schemas()
    good, bad = map(json.loads, shop.read("out/users.json.out").splitlines())
    assert len(good["output"]["recommendedItems"]) == 3
    assert bad["error"]
    assert code(shop.api.create_batch_segment_job, jobName="s", **request) == INVALID
    request["jobInput"] = {"s3DataSource": {"path": "s3://all/nothing.json"}}
    arn = shop.api.create_batch_inference_job(jobName="n", **request)["batchInferenceJobArn"]
    clock.advance(HOUR)
    assert shop.describe("batch_inference_job", arn)["failureReason"] == "Invalid S3 input path"


@pytest.mark.parametrize(
    ("resource_type", "recipe", "answered"),
    [
        ("batch_inference_job", "user-personalization-v2", 0),
        ("batch_inference_job", "popularity-count", 0),
        ("batch_inference_job", "similar-items", 1),
        ("batch_inference_job", "personalized-ranking-v2", 2),
        ("batch_segment_job", "item-affinity", 1),
        ("batch_segment_job", "item-attribute-affinity", 3),
    ],
)
def test_a_batch_job_answers_lines_of_its_recipes_form_only(shop, resource_type, recipe, answered):
    forms = ({"userId": "u1"}, {"itemId": "i1"}, {"userId": "u1", "itemList": ["i1"]},
             {"itemAttributes": 'ITEMS.GENRE = "drama"'})  # fmt: skip
    given = {
        "jobInput": {"s3DataSource": {"path": shop.put("lines.json", "\n".join(map(json.dumps, forms)))}},
        "jobOutput": {"s3DataDestination": {"path": "s3://all/out/"}},
        "solutionVersionArn": shop.solve("b", recipe),
    }
    getattr(shop.api, f"create_{resource_type}")(jobName="b", roleArn=ROLE, **given)
    clock.advance(HOUR)
    shop.api.list_schemas()
    answers = map(json.loads, shop.read("out/lines.json.out").splitlines())
    assert [number for number, answer in enumerate(answers) if answer["error"] is None] == [answered]


def test_recommendations_keep_to_the_filter(shop):
    campaign = shop.campaign("c", shop.version)
    expression = "INCLUDE ItemID WHERE Items.GENRE IN ($GENRE)"
    arn = shop.api.create_filter(name="f", datasetGroupArn=shop.group, filterExpression=expression)["filterArn"]
    clock.advance(HOUR)
    asked = {"campaignArn": campaign, "userId": "u1", "filterArn": arn}
    found = shop.runtime.get_recommendations(**asked, filterValues={"GENRE": '"comedy"'})["itemList"]
    assert found
    assert all(int(each["itemId"][1:]) % 2 for each in found)
    assert code(shop.runtime.get_recommendations, **asked) == INVALID
    assert code(shop.runtime.get_recommendations, campaignArn=campaign) == INVALID
    assert code(shop.runtime.get_personalized_ranking, campaignArn=campaign, userId="u", inputList=["i1"]) == INVALID


def test_a_promotion_puts_its_share_of_items_among_the_others(shop):
    campaign = shop.campaign("c", shop.version)
    for name, genre in (("drama", "drama"), ("comedy", "comedy")):
        expression = f'INCLUDE ItemID WHERE Items.GENRE IN ("{genre}")'
        shop.api.create_filter(name=name, datasetGroupArn=shop.group, filterExpression=expression)
    clock.advance(HOUR)
    promotion = {"name": "sale", "percentPromotedItems": 30, "filterArn": f"{PREFIX}filter/drama"}
    asked = {"campaignArn": campaign, "userId": "u1", "numResults": 10, "filterArn": f"{PREFIX}filter/comedy"}
    found = shop.runtime.get_recommendations(**asked, promotions=[promotion])["itemList"]
    promoted = [each for each in found if each.get("promotionName") == "sale"]
    assert (len(found), len(promoted)) == (10, 3)
    assert len({each["itemId"] for each in found}) == 10
    assert all(int(each["itemId"][1:]) % 2 == ("promotionName" not in each) for each in found)
    assert [each["score"] for each in found] == sorted((each["score"] for each in found), reverse=True)
    broken = {"name": "sale", "percentPromotedItems": 30}
    assert "filterArn is missing" in refusal(shop.runtime.get_recommendations, **asked, promotions=[broken])[1]


def test_a_promotion_is_for_recipes_that_know_it(shop):
    campaign = shop.campaign("c", shop.solve("b", "hrnn"))
    promotion = {"percentPromotedItems": 30, "filterArn": f"{PREFIX}filter/no"}
    said = refusal(shop.runtime.get_recommendations, campaignArn=campaign, userId="u1", promotions=[promotion])
    assert said == (INVALID, "promotions: the recipe aws-hrnn does not support them")


def test_columns_come_with_recommendations_where_that_was_turned_on(shop):
    without = shop.campaign("c", shop.version)
    asked = {"userId": "u1", "numResults": 3, "metadataColumns": {"ITEMS": ["GENRE", "price", "CATEGORY_L1"]}}
    said = refusal(shop.runtime.get_recommendations, campaignArn=without, **asked)
    assert (said[0], "enableMetadataWithRecommendations" in said[1]) == (INVALID, True)
    campaign = shop.campaign("m", shop.version, campaignConfig={"enableMetadataWithRecommendations": True})
    for item in shop.runtime.get_recommendations(campaignArn=campaign, **asked)["itemList"]:
        number = int(item["itemId"][1:])
        # https://github.com/aws-samples/personalization-apis/blob/main/docs/item_metadata.md: BRAND_NAME is brandName
        expected = {"genre": "comedy" if number % 2 else "drama", "price": f"{number}.5", "categoryL1": "film"}
        assert item["metadata"] == expected
    for wrong, named in (
        ({"metadataColumns": {"ITEMS": ["COLOUR"]}}, "COLOUR"),
        ({"metadataColumns": {"ITEMS": ["GENRE"] * 11}}, "11"),
        ({"numResults": 51}, "51"),
    ):
        request = {"campaignArn": campaign, **asked, **wrong}
        assert named in refusal(shop.runtime.get_recommendations, **request)[1]
    assert "501" in refusal(shop.runtime.get_recommendations, campaignArn=without, userId="u1", numResults=501)[1]


def test_similar_items_come_without_scores(shop):
    campaign = shop.campaign("c", shop.solve("b", "similar-items"))
    found = shop.runtime.get_recommendations(campaignArn=campaign, itemId="i1", numResults=3)["itemList"]
    assert [set(each) for each in found] == [{"itemId"}] * 3


@pytest.mark.parametrize(
    ("expression", "needs_a_user"),
    [
        (None, False),
        ('INCLUDE ItemID WHERE Items.GENRE IN ("comedy")', False),
        ('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("watch")', True),
        ('INCLUDE ItemID WHERE Items.GENRE IN ("comedy") IF CurrentUser.AGE > 18', True),
    ],
)
def test_trending_now_takes_no_user_unless_the_filter_is_about_one(shop, expression, needs_a_user):
    """https://docs.aws.amazon.com/personalize/latest/dg/native-recipe-trending-now.html."""
    asked = {"campaignArn": shop.campaign("c", shop.solve("b", "trending-now"))}
    if expression:
        shop.api.create_filter(name="f", datasetGroupArn=shop.group, filterExpression=expression)
        clock.advance(HOUR)
        asked["filterArn"] = f"{PREFIX}filter/f"
    if needs_a_user:
        said = refusal(shop.runtime.get_recommendations, **asked)
        assert said == (INVALID, "userId is missing: the filter needs it")
        asked["userId"] = "u1"
    assert shop.runtime.get_recommendations(**asked)["itemList"]


def test_popularity_takes_a_user(shop):
    campaign = shop.campaign("c", shop.solve("b", "popularity-count"))
    assert code(shop.runtime.get_recommendations, campaignArn=campaign) == INVALID


def test_a_batch_job_makes_themes_where_items_have_names_and_texts(shop):
    version = shop.solve("b", "similar-items")
    shop.put("batch/items.json", '{"itemId": "i1"}\n')
    request = {
        "jobName": "b",
        "solutionVersionArn": version,
        "roleArn": ROLE,
        "numResults": 3,
        "batchInferenceJobMode": "THEME_GENERATION",
        "jobInput": {"s3DataSource": {"path": "s3://all/batch/items.json"}},
        "jobOutput": {"s3DataDestination": {"path": "s3://all/out"}},
    }
    assert "themeGenerationConfig is missing" in refusal(shop.api.create_batch_inference_job, **request)[1]
    request["themeGenerationConfig"] = {"fieldsForThemeGeneration": {"itemName": "TITLE"}}
    said = refusal(shop.api.create_batch_inference_job, **request)[1]
    assert "TITLE" in said
    assert "textual" in said
    fields = ({"name": name, "type": ["null", "string"], "textual": name == "TEXT"} for name in ("TEXT", "TITLE"))
    text, title = fields
    arn = shop.api.create_schema(name="t", schema=schema("Items", text, {**title, "itemName": True}))["schemaArn"]
    shop.api.update_dataset(datasetArn=shop.dataset("Items"), schemaArn=arn)
    clock.advance(HOUR)
    item = {"itemId": "i1", "properties": '{"title": "Hard candy", "genre": "drama"}'}
    shop.track()
    shop.events.put_items(datasetArn=shop.dataset("Items"), items=[item])
    shop.api.create_batch_inference_job(**request)
    clock.advance(HOUR)
    shop.api.list_schemas()
    (answer,) = map(json.loads, shop.read("out/items.json.out").splitlines())
    assert answer["output"]["theme"] == "Goes with Hard candy"
    assert len(answer["output"]["itemsThemeRelevanceScores"]) == 3


def test_semantic_similarity_needs_names_and_texts_of_items_and_no_interactions(client):
    shop = new_shop()
    shop.open(dataset_types=("Items",))
    shop.import_all()
    with pytest.raises(AssertionError, match="itemName"):
        shop.solve("bare", "semantic-similarity")
    texts = ({"name": "TEXT", "textual": True}, {"name": "TITLE", "itemName": True})
    wider = schema("Items", *({**field, "type": ["null", "string"]} for field in texts))
    shop.api.update_dataset(
        datasetArn=shop.dataset("Items"), schemaArn=shop.api.create_schema(name="w", schema=wider)["schemaArn"]
    )
    clock.advance(HOUR)
    campaign = shop.campaign("c", shop.train(f"{PREFIX}solution/bare"))
    asked = {"campaignArn": campaign, "itemId": "i1", "numResults": 2, "metadataColumns": {"ITEMS": ["GENRE"]}}
    assert len(shop.runtime.get_recommendations(**asked)["itemList"]) == 2


@pytest.mark.parametrize("recipe", ["trending-now", "next-best-action"])
def test_no_batch_job_has_a_recipe_that_is_for_the_moment_only(shop, recipe):
    places = {
        "jobInput": {"s3DataSource": {"path": "s3://all/in/Items.csv"}},
        "jobOutput": {"s3DataDestination": {"path": "s3://all/out"}},
    }
    request = {"jobName": "b", "solutionVersionArn": shop.solve("b", recipe), "roleArn": ROLE, **places}
    assert code(shop.api.create_batch_inference_job, **request) == INVALID


def test_actions_need_no_interactions_of_their_own(shop):
    fresh = shop.beside("fresh")
    fresh.open()
    for resource_type in ("Interactions", "Actions"):
        fresh.import_csv(resource_type, f"s3://all/in/{resource_type}.csv", f"fresh-{resource_type}")
    few = fresh.put("few.csv", "USER_ID,ACTION_ID,EVENT_TYPE,TIMESTAMP\nu1,a1,Taken,1700000000\n")
    campaign = fresh.campaign("n", fresh.solve("n", "next-best-action"))
    found = fresh.runtime.get_action_recommendations(campaignArn=campaign, userId="u1", numResults=10)["actionList"]
    assert {each["actionId"]: each["score"] for each in found} == {f"a{number}": 0.0 for number in range(10)}
    many = {"campaignArn": campaign, "userId": "u1", "numResults": 101}
    assert refusal(fresh.runtime.get_action_recommendations, **many) == (
        INVALID,
        "numResults is 101: at most 100 is allowed",
    )
    fresh.import_csv("Action_Interactions", few, "few")


def test_an_invalid_expression_is_refused(shop):
    request = {"name": "f", "datasetGroupArn": shop.group, "filterExpression": "INCLUDE everything"}
    assert code(shop.api.create_filter, **request) == INVALID


def put_properties(shop, properties, fields=()):
    """Put an item with properties into a dataset that has these fields, too; return what it has then."""
    nullable = ({**field, "type": ["null", field["type"]]} for field in fields)
    arn = shop.api.create_schema(name="more", schema=schema("Items", *nullable))["schemaArn"]
    shop.api.update_dataset(datasetArn=shop.dataset("Items"), schemaArn=arn)
    clock.advance(HOUR)
    item = {"itemId": "i1", "properties": properties if isinstance(properties, str) else json.dumps(properties)}
    shop.events.put_items(datasetArn=shop.dataset("Items"), items=[item])
    output = {"jobOutput": {"s3DataDestination": {"path": "s3://all/out/"}}, "roleArn": ROLE}
    shop.api.create_dataset_export_job(jobName="x", datasetArn=shop.dataset("Items"), **output)
    clock.advance(HOUR)
    shop.api.list_schemas()
    (row,) = csv.DictReader(shop.read("out/x.csv").splitlines())
    return {name: value for name, value in row.items() if value and name != "ITEM_ID"}


# The first pair is the guide's: two columns that differ in underscores only cannot be told apart
# (https://docs.aws.amazon.com/personalize/latest/dg/how-it-works-dataset-schema.html)
@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("GENRES_FIELD_1", "genresField1"),
        ("YEAR_2", "year2"),
        ("IS_SALE_50_OFF", "isSale50Off"),
        ("PRICE_USD", "priceUsd"),
        ("PRICE_USD", "priceUSD"),
        ("COLOR", "Color"),
        ("Color", "COLOR"),
        ("COLOR", "COLOR"),
        ("MAIN_COLOR", "main_color"),
    ],
)
def test_a_property_is_of_the_column_of_its_name(shop, column, name):
    field = {"name": column, "type": "string", "categorical": True}
    assert put_properties(shop, {name: "x"}, [field]) == {column: "x"}


SIZE = {"name": "SIZE", "type": "long"}


@pytest.mark.parametrize(
    ("properties", "row"),
    [
        ({"size": "45"}, {"SIZE": "45"}),
        ({"size": 45}, {"SIZE": "45"}),
        ({"size": None}, {}),
        ({"price": 4}, {"PRICE": "4.0"}),
        ({"genre": ["a", "b"]}, {"GENRE": "a|b"}),
        ({"genre": True}, {"GENRE": "true"}),
        ({"itemId": "i1"}, {}),
    ],
)
def test_a_property_is_of_its_columns_type(shop, properties, row):
    assert put_properties(shop, properties, [SIZE]) == row


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        (
            {"colour": "x"},
            "properties: the schema has no field for 'colour'; it has ITEM_ID, GENRE, CATEGORY_L1, PRICE",
        ),
        ({"genre": "a", "GENRE": "b"}, "properties: genre and GENRE are both GENRE"),
        ({"size": "large"}, "properties: size is 'large': the schema has null or long"),
        ({"size": 1.5}, "properties: size is 1.5: the schema has null or long"),
        ('{"price": NaN}', "Error parsing properties json"),
        ("[" * 9000, "Error parsing properties json"),
    ],
)
def test_a_property_that_cannot_be_kept_is_refused(shop, properties, said):
    code, message = refusal(put_properties, shop=shop, properties=properties, fields=[SIZE])
    assert (code, said in message) == (INVALID, True), message


def test_events_for_no_tracker_and_properties_that_are_not_json_are_refused(shop):
    shop.track()
    event = {"eventType": "buy", "itemId": "i1", "sentAt": 1, "properties": "{"}
    request = {"sessionId": "s", "eventList": [event]}
    said = refusal(shop.events.put_events, trackingId=shop.tracking_id, **request)
    assert said == (INVALID, "Error parsing properties json")
    assert code(shop.events.put_events, trackingId="no", **request) == INVALID
