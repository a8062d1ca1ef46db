"""The package as Airflow, pip and a type checker see it."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import zipfile
from importlib import import_module
from importlib.metadata import entry_points, requires
from pathlib import Path

import airflow
import jsonschema
import pytest

import airflow_provider_personalize
from airflow_provider_personalize import get_provider_info

ROOT = Path(__file__).parent.parent
DOCS_CONF = ROOT / "docs" / "conf.py"


def test_the_entry_point_leads_to_the_provider_info():
    (found,) = entry_points(group="apache_airflow_provider", name="provider_info").select(
        value="airflow_provider_personalize:get_provider_info"
    )
    assert found.load()() == get_provider_info()


def test_the_provider_info_is_valid_by_airflows_schema():
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)


def test_every_module_and_link_of_the_provider_info_exists():
    info = get_provider_info()
    for catalogue in ("hooks", "operators", "sensors", "triggers"):
        for entry in info[catalogue]:
            for module in entry["python-modules"]:
                assert import_module(module).__all__
    for path in info["extra-links"]:
        module, _, name = path.rpartition(".")
        link = getattr(import_module(module), name)
        assert link.name
        # Airflow 2 looks a serialised link up by this
        assert f"{link.__module__}.{link.__qualname__}" == path


def test_the_addresses_lead_to_pages_of_the_documentation():
    """Read the Docs serves the latest release under ``en/stable``."""
    (logo,) = (integration["logo"] for integration in get_provider_info()["integrations"])
    (changelog,) = re.findall(r'^Changelog = "(.+)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    stable = re.search(r'html_baseurl = "(.+)"', DOCS_CONF.read_text("utf-8"))[1] + "en/stable/"
    for address, ending in ((logo, ".svg"), (changelog, ".md")):
        assert address.startswith(stable)
        assert (DOCS_CONF.parent / address.removeprefix(stable)).with_suffix(ending).exists()


def test_airflows_list_of_providers_links_to_the_documentation():
    """Airflow takes the address from the project's URLs; before 3.2 it leads to its own pages, whatever they say."""
    from airflow.providers_manager import ProvidersManager

    shown = ProvidersManager().providers["airflow-provider-personalize"].data
    if "documentation-url" not in shown:
        pytest.skip("Airflow does not take the address")
    assert shown["documentation-url"] == re.search(r'html_baseurl = "(.+)"', DOCS_CONF.read_text())[1]


@pytest.mark.slow
@pytest.mark.parametrize("command", [["providers", "list"], ["providers", "links"]], ids=" ".join)
def test_airflow_shows_the_package(command):
    done = subprocess.run(
        [sys.executable, "-m", "airflow", *command, "--output", "plain"], capture_output=True, text=True, check=True
    )
    assert "personalize" in done.stdout.lower()


def test_the_wheel_holds_the_package_and_nothing_else(tmp_path):
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    package = Path(airflow_provider_personalize.__file__).parent
    written = {str(path.relative_to(package.parent)) for path in package.rglob("*") if path.suffix != ".pyc"}
    files = {name for name in written if (package.parent / name).is_file()}
    assert {name for name in held if ".dist-info/" not in name} == files
    assert f"airflow_provider_personalize-{airflow_provider_personalize.__version__}-" in wheel.name
    assert any(name.endswith("licenses/LICENSE") for name in held)
    assert any(name.endswith("py.typed") for name in held)
    metadata = next(name for name in held if name.endswith("/METADATA"))
    description = zipfile.ZipFile(wheel).read(metadata).decode()
    assert "## Try it" in description
    assert set(re.findall(r"\]\((\w+:|)", description)) == {"https:"}


def test_no_airflow_process_imports_the_plugin_unless_asked_to():
    assert '[project.entry-points."airflow.plugins"]' not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def extra(name):
    """Return the requirements of an extra, each by the name of its distribution."""
    marker = f"extra == '{name}'"
    return {
        re.match(r"[\w-]+(\[[\w,]+\])?", each)[0] for each in requires("airflow-provider-personalize") if marker in each
    }


def test_the_extras_hold_only_what_users_need():
    assert extra("emulator") == {"moto[s3,server]", "rich"}
    assert extra("test") == extra("emulator") | {"pytest"}


def test_the_dependency_groups_hold_the_tools_of_development():
    tomllib = pytest.importorskip("tomllib")  # from Python 3.11 on
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    assert set(groups) == {"test", "style", "docs", "postgres", "dev"}
    included = [each["include-group"] for each in groups["dev"] if isinstance(each, dict)]
    assert sorted(included) == ["postgres", "style", "test"]


def nox_sessions():
    """Return the sessions of the noxfile, without their parameters, and whether each is a leg of CI."""
    functions = [
        each for each in ast.parse((ROOT / "noxfile.py").read_text()).body if isinstance(each, ast.FunctionDef)
    ]
    for function in functions:
        decorators = [ast.unparse(each) for each in function.decorator_list]
        if any(each.startswith("nox.session") for each in decorators):
            yield function.name, not any("default=False" in each for each in decorators)


def test_ci_runs_every_session():
    script = (ROOT / ".ci" / "run").read_text()
    called = re.findall(r'(?:leg|beside|with_python \S+) "(\w+)', script)
    assert set(called) == {name for name, is_leg in nox_sessions() if is_leg}


def test_github_runs_the_same_sessions_as_ci():
    """Each Airflow, Python and section of the README too."""
    script = (ROOT / ".ci" / "run").read_text()
    airflows = re.findall(r"(\d+\.\d+\.\d+):", script)
    pythons = re.search(r"for version in ((?:3\.\d+ ?)+);", script)[1].split()
    legs = set(re.findall(r'(?:leg|beside|with_python \S+) "([\w()]+)"', script))
    legs |= {f"airflow({version})" for version in airflows} | {f"tests-{version}" for version in pythons}
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert set(re.findall(r"^          - (\S+)$", workflow, re.MULTILINE)) == legs


@pytest.mark.parametrize("pins", (ROOT / "tests" / "matrix" / "mwaa").iterdir(), ids=lambda path: path.stem)
def test_the_pins_of_an_image_are_exact_and_name_no_index(pins):
    assert all(re.fullmatch(r"[\w.-]+==[\w.+!-]+", line) for line in pins.read_text().splitlines())
    assert f'"{pins.stem.removeprefix("constraints-")}":' in (ROOT / "noxfile.py").read_text()
