"""The package uses only what its dependencies publish: no attribute or name with a leading underscore."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import airflow_provider_personalize

PACKAGE = Path(airflow_provider_personalize.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
# Private by their spelling, published by the standard library's documentation.
PUBLISHED = {"_asdict", "_replace", "_fields", "_make"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__")) and name not in PUBLISHED


def private_uses(tree: ast.Module) -> Iterator[str]:
    """Yield the private names that a module uses of others: attributes, imports and getattr."""
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            owner = node.value
            if not (isinstance(owner, ast.Name) and owner.id in {"self", "cls", *own}):
                yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom) and not (node.module or "").startswith(PACKAGE.name):
            parts = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            yield from (f"{node.module}: {part}" for part in parts if is_private(part))
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if any(map(is_private, alias.name.split("."))))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"getattr", "setattr", "delattr", "hasattr"}:
            name = node.args[1]
            if isinstance(name, ast.Constant) and is_private(str(name.value)) and ast.unparse(node.args[0]) != "self":
                yield ast.unparse(node)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_private_is_used(path):
    assert not list(private_uses(ast.parse(path.read_text())))


@pytest.mark.parametrize(
    "source",
    [
        "client._endpoint.http_session",
        "from botocore.session import _credentials",
        "from moto._vendored import queues",
        "import moto.core._models",
        "getattr(credentials, '_refresh_using', None)",
        "self.client._endpoint",
    ],
)
def test_private_uses_are_found(source):
    assert len(list(private_uses(ast.parse(source)))) == 1


@pytest.mark.parametrize("source", ["self._hook", "line._asdict()", "client.meta", "vars(self)['__dict__']"])
def test_public_uses_pass(source):
    assert not list(private_uses(ast.parse(source)))
