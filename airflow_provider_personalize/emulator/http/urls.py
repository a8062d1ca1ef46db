"""The URLs of the services, as moto reads them: hosts of their own in AWS, paths of their own at one address."""

from __future__ import annotations

from airflow_provider_personalize.emulator import service_model
from airflow_provider_personalize.emulator.http.responses import PersonalizeResponse

url_bases = [r"https?://personalize(?:-events|-runtime)?\.(.+)\.amazonaws\.com"]
url_paths = {f"{{0}}{path}$": PersonalizeResponse.dispatch for path in ("/", *service_model.operation_at())}
