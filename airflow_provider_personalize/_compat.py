"""The imports that differ between Airflow 2.10 and 3.3, each in one place."""

from __future__ import annotations

try:
    from airflow.sdk import Asset, AssetAlias, BaseOperator, BaseOperatorLink, BaseSensorOperator, PokeReturnValue
    from airflow.sdk.execution_time.xcom import XCom

    IS_AIRFLOW_2 = False
except ImportError:  # Airflow 2
    from airflow.datasets import Dataset as Asset
    from airflow.datasets import DatasetAlias as AssetAlias
    from airflow.models import BaseOperator, BaseOperatorLink, XCom
    from airflow.sensors.base import BaseSensorOperator, PokeReturnValue

    IS_AIRFLOW_2 = True

try:
    from airflow.sdk.configuration import conf
except ImportError:  # Airflow before 3.2
    from airflow.configuration import conf

try:
    from airflow.sdk.exceptions import (
        AirflowException,
        AirflowFailException,
        AirflowSensorTimeout,
        AirflowSkipException,
        AirflowTaskTimeout,
    )
except ImportError:  # Airflow before 3.2
    from airflow.exceptions import (
        AirflowException,
        AirflowFailException,
        AirflowSensorTimeout,
        AirflowSkipException,
        AirflowTaskTimeout,
    )

__all__ = [
    "IS_AIRFLOW_2",
    "AirflowException",
    "AirflowFailException",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "AirflowTaskTimeout",
    "Asset",
    "AssetAlias",
    "BaseOperator",
    "BaseOperatorLink",
    "BaseSensorOperator",
    "PokeReturnValue",
    "XCom",
    "conf",
]
