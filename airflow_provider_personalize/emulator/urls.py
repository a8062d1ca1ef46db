"""Where moto finds the service."""

from __future__ import annotations

from airflow_provider_personalize.emulator.responses import PersonalizeResponse

url_bases = [r"https?://personalize\.(.+)\.amazonaws\.com"]
url_paths = {"{0}/$": PersonalizeResponse.dispatch}
