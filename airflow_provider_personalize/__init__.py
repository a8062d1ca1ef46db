"""Apache Airflow provider for Amazon Personalize."""

from __future__ import annotations

__version__ = "0.1.0"


def get_provider_info() -> dict[str, object]:
    """Return what Airflow's provider manager and registry show of this package."""
    package = "airflow_provider_personalize"
    integration = "Amazon Personalize"
    asset_uris = {
        "schemes": ["personalize"],
        "handler": f"{package}.assets.sanitize_uri",
        "factory": f"{package}.assets.personalize_asset",
        "to_openlineage_converter": f"{package}.lineage.convert_asset_to_openlineage",
    }
    return {
        "package-name": "airflow-provider-personalize",
        "name": integration,
        "description": "Operators, deferrable sensors and a local emulator for Amazon Personalize.",
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": integration,
                "external-doc-url": "https://docs.aws.amazon.com/personalize/latest/dg/what-is-personalize.html",
                "logo": "https://airflow-provider-personalize.readthedocs.io/en/stable/_static/logo.svg",
                "tags": ["aws"],
            }
        ],
        "hooks": [{"integration-name": integration, "python-modules": [f"{package}.hooks"]}],
        "operators": [{"integration-name": integration, "python-modules": [f"{package}.operators"]}],
        "sensors": [{"integration-name": integration, "python-modules": [f"{package}.sensors"]}],
        "asset-uris": [asset_uris],
        # as Airflow 2 calls them
        "dataset-uris": [asset_uris],
        "triggers": [{"integration-name": integration, "python-modules": [f"{package}.triggers"]}],
        # from Airflow 3.2 on: `airflow personalize`
        "cli": [f"{package}.cli.definition.get_personalize_cli_commands"],
        # where the classes are defined: Airflow 2 knows a serialised link by that
        "extra-links": [f"{package}.links.personalize.{page}Link" for page in ("DatasetGroup", "Solution", "Campaign")],
    }
