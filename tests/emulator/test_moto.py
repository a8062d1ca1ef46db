"""What the emulator takes from moto: a new import of what moto does not document is to be a decision."""

from __future__ import annotations

import ast
from pathlib import Path

import airflow_provider_personalize

PACKAGE = Path(airflow_provider_personalize.__file__).parent
CONTRIBUTING = PACKAGE.parent / "CONTRIBUTING.md"

# https://docs.getmoto.org/en/latest/docs/getting_started.html, .../configuration/state_transition/index.html
DOCUMENTED = {"moto.mock_aws", "moto.moto_api.state_manager"}
PRIVATE = {
    "moto.backend_index",
    "moto.backends.get_backend",
    "moto.core.base_backend.BackendDict",
    "moto.core.base_backend.BaseBackend",
    "moto.core.responses.BaseResponse",
    "moto.personalize",
    "moto.personalize.models",
    "moto.server.DomainDispatcherApplication",
    "moto.server.MotoRequestHandler",
    "moto.server.create_backend_app",
}


def imported() -> set[str]:
    nodes = [node for path in PACKAGE.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    froms = {f"{node.module}.{each.name}" for node in nodes if isinstance(node, ast.ImportFrom) for each in node.names}
    return {name for name in plain | froms if name.split(".")[0] == "moto"}


def test_no_more_of_moto_is_imported_than_is_listed():
    assert imported() == DOCUMENTED | PRIVATE


def test_contributors_are_told_what_is_private():
    text = CONTRIBUTING.read_text(encoding="utf-8")
    assert not {name for name in PRIVATE if f"`{name}`" not in text}
