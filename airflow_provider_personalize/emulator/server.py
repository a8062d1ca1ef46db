"""The emulator at an address, for whatever takes an endpoint: ``with Server() as server: …``."""

from __future__ import annotations

from airflow_provider_personalize.emulator.http.server import Server

__all__ = ["Server"]
