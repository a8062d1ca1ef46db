"""The URIs of assets: one for each resource, and errors for what is no asset."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from airflow.providers_manager import ProvidersManager

from airflow_provider_personalize import get_provider_info
from airflow_provider_personalize._compat import IS_AIRFLOW_2, Asset
from airflow_provider_personalize.assets import arn_of, personalize_asset, sanitize_uri

OWNERS = {
    "arn:aws:personalize:us-east-1:123456789012:": "personalize://aws/us-east-1/123456789012/",
    "arn:aws-cn:personalize:cn-north-1:210987654321:": "personalize://aws-cn/cn-north-1/210987654321/",
}
RESOURCES = (
    "dataset-group/shop",
    "dataset/shop/INTERACTIONS",
    "solution/Shop_1",
    "solution/Shop_1/0a1b2c3d",
    "campaign/shop",
    "recommender/shop",
    "filter/shop",
)


@pytest.mark.parametrize("owner", OWNERS)
def test_an_arn_has_one_uri_and_the_uri_that_arn(owner):
    """Whatever Airflow makes of the URI; Airflow compares assets by it."""
    for resource in RESOURCES:
        asset = personalize_asset(owner + resource, extra={"team": "shop"})
        assert asset.uri == OWNERS[owner] + resource
        assert asset.extra == {"team": "shop"}
        assert arn_of(asset.uri) == owner + resource
        netloc, _, rest = asset.uri.removeprefix("personalize://").partition("/")
        region, _, rest = rest.partition("/")
        assert Asset(uri=f"Personalize://{netloc.upper()}/{region.upper()}/{rest}/").uri == asset.uri


@pytest.mark.parametrize(
    ("arn", "said"),
    [
        (
            "arn:aws:personalize:us-east-1:123456789012:dataset-import-job/shop",
            "must be the ARN of a dataset g",
        ),
        ("arn:aws:personalize:us-east-1:123456789012:solution/shop/$LATEST", "must be the ARN of"),
        ("arn:aws:s3:::shop", "must be the ARN of"),
        (None, "must be the ARN of"),
        ("{{ params.campaign_arn }}", "templates are not rendered"),
    ],
)
def test_what_is_no_arn_of_an_asset_is_an_error_in_the_dag_file(arn, said):
    with pytest.raises(ValueError, match=said):
        personalize_asset(arn)


@pytest.mark.parametrize(
    "uri",
    [
        "personalize://shop",
        "personalize://aws/us-east-1/123456789012/campaign/shop?version=1",
        "personalize://aws/us-east-1/123456789012/campaign/shop/more",
        "personalize://aws/us-east-1/1234/campaign/shop",
        "personalize://aws/us-east-1//123456789012/campaign/shop",
        "personalize://me@aws/us-east-1/123456789012/campaign/shop",
        "personalize://aws/us-east-1/123456789012/dataset/shop/interactions",
        "personalize://aws/us-east-1/123456789012/schema/shop",
    ],
)
def test_what_is_no_uri_of_an_asset_is_an_error_in_the_dag_file(uri):
    with pytest.raises(ValueError, match="no URI of a dataset group"):
        sanitize_uri(urlsplit(uri)) if IS_AIRFLOW_2 else Asset(uri=uri)


def test_airflow_finds_the_functions_by_the_scheme():
    manager, word = ProvidersManager(), "dataset" if IS_AIRFLOW_2 else "asset"
    assert getattr(manager, f"{word}_uri_handlers")["personalize"] is sanitize_uri
    assert getattr(manager, f"{word}_factories")["personalize"] is personalize_asset
    assert get_provider_info()["asset-uris"] == get_provider_info()["dataset-uris"]
