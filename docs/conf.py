"""
How Sphinx builds the documentation: ``nox -s docs``, with warnings as errors.

Sphinx, since the docstrings are in its form, and since it loads the classes: their signatures and docstrings are put
together at run time.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_personalize import __version__, operators, sensors

if TYPE_CHECKING:
    from sphinx.application import Sphinx

sys.path.append(str(Path(__file__).parent / "_ext"))

project = "airflow-provider-personalize"
author = "airflow-provider-personalize maintainers"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "sphinxcontrib.mermaid",
    "task_pages",
]
exclude_patterns = ["_build", "_ext"]
# the schemas of our OpenLineage facets, at the addresses that the facets name
html_extra_path = ["published"]
add_module_names = False

html_theme = "furo"
html_title = f"{project} {version}"
html_baseurl = "https://airflow-provider-personalize.readthedocs.io/"
if built_as := os.environ.get("READTHEDOCS_CANONICAL_URL"):  # with the version
    html_baseurl = built_as
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_logo = html_favicon = "_static/logo.svg"
html_show_copyright = html_show_sourcelink = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 3

mermaid_height = "auto"
mermaid_fullscreen = False

# A name of this package that is not found fails the build; those of others have no pages here.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(airflow|botocore|boto3|moto)\..*|Airflow\w+")]
# Of the session "links". The addresses of examples, and pages that refuse programs or exist after the first release
linkcheck_ignore = [r"http://127\.0\.0\.1.*", r"https://airflow-provider-personalize\.readthedocs\.io/.*"]
linkcheck_timeout = 20
linkcheck_retries = 2
linkcheck_anchors_ignore_for_url = [r"https://github\.com/.*"]

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_class_signature = "mixed"


def skip_inner_members(app: Sphinx, what: str, *_: Any) -> bool | None:
    """Leave out the methods of operators and sensors: Airflow calls them, and their users give parameters."""
    in_task = what == "class" and app.env.docname in {"reference/operators", "reference/sensors"}
    return True if in_task else None


def link_pages(app: Sphinx, what: str, name: str, it: object, options: object, lines: list[str]) -> None:  # noqa: ARG001
    """Make links of the names of pages in docstrings, and have links lead to classes of other modules."""
    lines[:] = [re.sub(r"(?:``)?docs/([\w/-]+)\.md(?:``)?", r":doc:`/\1`", line) for line in lines]
    lines[:] = [re.sub(r":class:`(\w+(?:Operator|Sensor))`", _full_reference, line) for line in lines]


def _full_reference(found: re.Match[str]) -> str:
    name = found[1]
    task = getattr(operators, name, None) or getattr(sensors, name)
    return f":class:`~{task.__module__}.{name}`"


def setup(app: Sphinx) -> None:
    """Have Sphinx ask which members to leave out, and what to change in docstrings."""
    app.connect("autodoc-skip-member", skip_inner_members)
    app.connect("autodoc-process-docstring", link_pages)
