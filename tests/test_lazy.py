"""Packages that import their modules lazily: what is there, and what type checkers see of it."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType
from typing import Any

import pytest

from airflow_provider_personalize import operators, sensors, triggers

every_package = pytest.mark.parametrize("package", [operators, sensors, triggers], ids=lambda package: package.__name__)


def seen_by_type_checkers(package: ModuleType) -> dict[str, str]:
    """The names that the package imports for type checkers, each with its module."""
    froms = [node for node in ast.walk(ast.parse(inspect.getsource(package))) if isinstance(node, ast.ImportFrom)]
    exported = [(alias, node.module) for node in froms for alias in node.names if alias.name == alias.asname]
    return {alias.name: module for alias, module in exported}


@every_package
def test_type_checkers_see_each_name_where_it_is_defined(package):
    assert {name: getattr(package, name).__module__ for name in package.__all__} == seen_by_type_checkers(package)


@every_package
def test_the_names_are_listed_and_can_be_imported_with_a_star(package):
    imported: dict[str, Any] = {}
    exec(f"from {package.__name__} import *", imported)
    assert set(dir(package)) == set(package.__all__) == imported.keys() - {"__builtins__"}
    assert package.__all__ == sorted(package.__all__)


@every_package
def test_an_unknown_name_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'UpdateNothing'"):
        _ = package.UpdateNothing
