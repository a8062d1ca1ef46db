"""
How Sphinx builds the documentation: ``nox -s docs``, with warnings as errors.

Sphinx, since the docstrings are in its form, and since it loads the classes: their signatures and docstrings are put
together at run time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_personalize import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "airflow-provider-personalize"
author = "airflow-provider-personalize maintainers"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "sphinxcontrib.mermaid",
]
exclude_patterns = ["_build"]
add_module_names = False

html_theme = "furo"
html_title = f"{project} {version}"
html_baseurl = "https://airflow-provider-personalize.readthedocs.io/"
html_show_sourcelink = False

myst_enable_extensions = ["colon_fence"]
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_class_signature = "mixed"


def skip_inner_members(app: Sphinx, what: str, *_: Any) -> bool | None:
    """Leave out the methods of operators and sensors: Airflow calls them, and their users give parameters."""
    in_task = what == "class" and app.env.docname in {"reference/operators", "reference/sensors"}
    return True if in_task else None


def setup(app: Sphinx) -> None:
    """Have Sphinx ask which members to leave out."""
    app.connect("autodoc-skip-member", skip_inner_members)
