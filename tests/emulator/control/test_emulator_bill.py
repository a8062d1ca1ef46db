"""What the real service would charge for."""

from __future__ import annotations

import pytest
from asking import ask
from botocore.exceptions import ClientError
from everything import new_shop
from moto import mock_aws
from shop import DATASET, LOCATION, PREFIX, SOLUTION, api, bring_interactions, open_shop

from airflow_provider_personalize.emulator import assumptions, bill, clock, faults
from airflow_provider_personalize.emulator.server import Server

HOUR = 3600
CAMPAIGN = f"{PREFIX}campaign/shop"


@pytest.fixture(autouse=True)
def _prices():
    yield
    bill.prices.reset()


@pytest.fixture
def shop(client):
    """A client of a shop into which 1000 interactions were imported."""
    bring_interactions()
    open_shop()
    client.create_dataset_import_job(jobName="job", datasetArn=DATASET, dataSource={"dataLocation": LOCATION})
    clock.advance(HOUR)
    return client


@pytest.fixture
def version(shop) -> str:
    arn = shop.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    clock.advance(6 * HOUR)
    return arn


def charged(what: str) -> list[float]:
    return [round(line.quantity, 6) for line in bill.lines() if line.what == what]


def serve(client, version, tps=1):
    """Make a campaign and return when it became ACTIVE."""
    client.create_campaign(name="shop", solutionVersionArn=version, minProvisionedTPS=tps)
    clock.advance(12 * HOUR)
    assert client.describe_campaign(campaignArn=CAMPAIGN)["campaign"]["status"] == "ACTIVE"
    return client.describe_campaign(campaignArn=CAMPAIGN)["campaign"]["lastUpdatedDateTime"].timestamp()


def test_an_import_is_charged_by_its_bytes(shop):
    size = shop_s3_size()
    (line,) = bill.lines()
    assert (line.what, line.unit, line.arn) == ("import", "GB", f"{PREFIX}dataset-import-job/job")
    assert line.quantity == size / 10**9
    assert line.amount == pytest.approx(size / 10**9 * 0.05)


def shop_s3_size() -> int:
    return api("s3").head_object(Bucket="shop", Key="interactions.csv")["ContentLength"]


def test_data_that_comes_in_real_time_is_charged_as_imports_are():
    with mock_aws():
        shop = new_shop()
        shop.open()
        shop.track()
        event = {"eventType": "view", "itemId": "i1", "sentAt": 1_800_000_000}
        request = {"trackingId": shop.tracking_id, "userId": "u1", "sessionId": "s"}
        shop.events.put_events(**request, eventList=[event, event])
        shop.events.put_items(datasetArn=shop.dataset("Items"), items=[{"itemId": "x" * 100}])
        events, items = bill.lines()
        assert [line.what for line in (events, items)] == ["real-time data"] * 2
        assert events.arn == shop.dataset("Interactions")
        assert 100 < events.quantity * 10**9 < 200
        assert items.amount == pytest.approx(items.quantity * 0.05)
        shop.events.put_events(**request, eventList=[event, event])
        assert bill.lines()[0].quantity == 2 * events.quantity
        with pytest.raises(ClientError):
            shop.events.put_events(**request, eventList=[{**event, "properties": "{"}])
        assert bill.lines()[0].quantity == 2 * events.quantity


def test_failures_are_not_charged(client):
    bring_interactions()
    open_shop()
    faults.fail_next("CreateDatasetImportJob", reason="Because.")
    client.create_dataset_import_job(jobName="job", datasetArn=DATASET, dataSource={"dataLocation": LOCATION})
    clock.advance(HOUR)
    assert bill.lines() == []
    assert not bill.table()


def test_a_training_is_charged_by_the_hours_that_the_service_shows(shop, version):
    assumptions.training_hours = 4.2
    shown = shop.describe_solution_version(solutionVersionArn=version)["solutionVersion"]["trainingHours"]
    assert charged("training, manual") == [shown] == [4.2]


def test_a_training_in_progress_is_not_charged_yet_and_a_stopped_one_is_for_its_time(shop):
    arn = shop.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    while shop.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]["status"] == "CREATE PENDING":
        clock.advance(60)
    assert charged("training, manual") == []
    shop.stop_solution_version_creation(solutionVersionArn=arn)
    clock.advance(HOUR)
    assert 0 < charged("training, manual")[0] < 1


def test_an_automatic_training_is_a_line_of_its_own(shop):
    shop.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    clock.advance(6 * HOUR)
    shop.describe_solution(solutionArn=SOLUTION)
    assert charged("training, automatic") == [1]
    assert charged("training, manual") == []


def test_a_campaign_is_charged_from_active_to_its_deletion(shop, version):
    began = serve(shop, version, tps=2)
    assert charged("serving") == [pytest.approx(2 * (clock.now() - began) / HOUR, rel=1e-5)]
    shop.delete_campaign(campaignArn=CAMPAIGN)
    hours = (clock.now() - began) / HOUR
    clock.advance(48 * HOUR)
    assert charged("serving") == [pytest.approx(2 * hours, rel=1e-5)]


def test_a_campaign_that_was_never_described_is_charged_from_active_too(shop, version):
    shop.create_campaign(name="shop", solutionVersionArn=version)
    clock.advance(100 * HOUR)
    (hours,) = charged("serving")
    assert 95 < hours < 100


def test_another_throughput_is_charged_from_when_it_is_active(shop, version):
    began = serve(shop, version)
    shop.update_campaign(campaignArn=CAMPAIGN, minProvisionedTPS=10)
    clock.advance(12 * HOUR)
    campaign = shop.describe_campaign(campaignArn=CAMPAIGN)["campaign"]
    changed = campaign["latestCampaignUpdate"]["lastUpdatedDateTime"].timestamp()
    expected = (changed - began) / HOUR + 10 * (clock.now() - changed) / HOUR
    assert charged("serving") == [pytest.approx(expected, rel=1e-5)]


def test_two_campaigns_of_one_name_one_after_the_other_are_two_lines(shop, version):
    for _ in range(2):
        serve(shop, version)
        shop.delete_campaign(campaignArn=CAMPAIGN)
        clock.advance(HOUR)
    assert len(charged("serving")) == 2


def test_the_table_has_a_total_says_what_goes_on_and_that_it_is_no_promise(shop, version):
    serve(shop, version)
    text = bill.table()
    total = sum(line.amount for line in bill.lines())
    assert f"{total:.2f}" in next(line for line in text.splitlines() if line.startswith("total"))
    assert "campaign/shop goes on to cost 4.80 USD a day" in text
    assert "no promise" in text
    assert bill.prices.as_of in text


def test_prices_are_the_users_to_set(shop, version):
    bill.prices.training_hour = 100
    (line,) = [line for line in bill.lines() if line.what.startswith("training")]
    assert line.amount == 100


def test_the_bill_is_read_over_http_and_gone_with_the_server(monkeypatch):
    clock.freeze()
    with Server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        bring_interactions()
        client = open_shop()
        client.create_dataset_import_job(jobName="job", datasetArn=DATASET, dataSource={"dataLocation": LOCATION})
        clock.advance(HOUR)
        status, answer = ask(server, "GET", "bill")
        assert (status, answer["promise"], answer["prices_as_of"]) == (200, False, bill.prices.as_of)
        (line,) = answer["lines"]
        assert line["quantity"] == shop_s3_size() / 10**9
        assert answer["total"] == line["amount"]
    assert bill.lines() == []
