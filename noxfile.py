"""
What CI runs: each leg is a session here, and ``bash .ci/run`` runs them all, those beside one another that can be.

``nox --list`` names them; ``nox -s slow`` runs one, ``nox -s tests-3.12 -- tests/test_package.py`` one file of one.
Those that take no Python of their own share the environment that the session ``dev`` makes.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import nox

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["style", "tests"]

ROOT = Path(__file__).parent
MATRIX = ROOT / "tests" / "matrix"
PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]
# The images of Amazon MWAA that this package supports, with their Python and the pins in tests/matrix/mwaa, and 3.1.8,
# which no image has: with the newest of everything.
AIRFLOWS = {
    "2.10.3": "3.11",
    "2.11.0": "3.12",
    "2.11.2": "3.12",
    "3.0.6": "3.12",
    "3.1.8": "3.12",
    "3.2.1": "3.12",
    "3.3.1": "3.12",
}
EMULATOR = ("-m", "airflow_provider_personalize.emulator")


@nox.session(default=False)
def dev(session: nox.Session) -> None:
    """Make the environment for development, .nox/dev."""
    session.install("--editable", ".[test]", "--group", "dev")


def in_dev(session: nox.Session, program: str, *arguments: str) -> None:
    """Run a program of the environment for development."""
    session.run(str(session.env_dir.parent / "dev" / "bin" / program), *arguments, external=True)


@nox.session(requires=["dev"], venv_backend="none")
def style(session: nox.Session) -> None:
    """Check style and types."""
    in_dev(session, "ruff", "check", ".")
    in_dev(session, "ruff", "format", "--check", ".")
    in_dev(session, "mypy")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """
    Run the default tests with the newest of everything that a Python allows.

    All of them on each Python: none is about what all Pythons share alone. The numbers of the engine and the emulator's
    rules rest on the standard library's ``random``, ``json``, ``re`` and ``datetime``, which change between versions.
    """
    session.install("--editable", ".[test]", "--group", "test")
    session.run("pytest", *session.posargs)


@nox.session(venv_backend="none")
@nox.parametrize("section", ["Test", "Try it"], ids=["test", "try"])
def readme(session: nox.Session, section: str) -> None:
    """Run the command of a section of the README in a clone, as a stranger would."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition(f"\n## {section}\n")[2]
    command = text.partition("```sh\n")[2].partition("```")[0]
    with tempfile.TemporaryDirectory() as clone:
        session.run("git", "clone", "--quiet", str(ROOT), clone, external=True)
        with session.chdir(clone):
            session.run("bash", "-ec", command, external=True)


@nox.session(requires=["dev"], venv_backend="none")
def slow(session: nox.Session) -> None:
    """Run the tests that take minutes. Most wait for a whole Airflow, so three fill two processors."""
    in_dev(session, "pytest", "-m", "slow", "--numprocesses", "3", "--dist", "worksteal", *session.posargs)


@nox.session(requires=["dev"], venv_backend="none")
def crashes(session: nox.Session) -> None:
    """Kill parts of a whole Airflow on PostgreSQL."""
    in_dev(session, "pytest", "-m", "crash", "--numprocesses", "0", *session.posargs)


@nox.session(requires=["dev"])
@nox.parametrize("python, version", [nox.param(python, version, id=version) for version, python in AIRFLOWS.items()])
def airflow(session: nox.Session, version: str) -> None:
    """Run a DAG with every way of waiting on an Airflow; on 3, also waits that are over at once, and a watcher."""
    pins = MATRIX / "mwaa" / f"constraints-{version}.txt"
    constraint = ["--constraint", str(pins)] if pins.exists() else []
    session.install(*constraint, f"apache-airflow=={version}", "apache-airflow-providers-amazon", "boto3", "pytest")
    session.install("--no-deps", ".")
    no_aiobotocore = "import importlib.util, sys; sys.exit(importlib.util.find_spec('aiobotocore') is not None)"
    session.run("python", "-c", no_aiobotocore)
    session.run(
        *("python", "-m", "pytest", "--override-ini", "addopts=", "--import-mode=importlib"),
        *("tests/test_authoring.py", "tests/hooks/test_transport.py"),
    )
    examples = ("example_custom_pipeline.py", "example_data_guard.py", "example_teardown.py")
    check = ("python", "-m", "airflow_provider_personalize", "check")
    session.run(*check, *(str(ROOT / "example_dags" / example) for example in examples))
    run_dag(session, "every_mode.py")
    if not version.startswith("2."):
        run_dag(session, "at_once.py", "--standalone", "--exit")
        watch(session)


def watch(session: nox.Session) -> None:
    """Start a DAG by a watcher on the Airflow of the session's environment, and stop the triggerer meanwhile."""
    python = str(Path(session.bin) / "python")
    in_dev(session, "python", str(MATRIX / "watching.py"), "--python", python)


def run_dag(session: nox.Session, dag: str, *options: str) -> None:
    """Run a DAG on the Airflow of the session's environment, against the emulator of that for development."""
    python = str(Path(session.bin) / "python")
    in_dev(session, "python", *EMULATOR, "run", str(MATRIX / dag), *options, "--python", python)


# What says how Airflow tells task instances apart, and how a task is resumed
OF_NEW_AIRFLOWS = [
    "tests/test_identity.py",
    "tests/test_package.py",
    "tests/test_authoring.py",
    "tests/hooks/test_transport.py",
    "tests/cli/test_check.py",
    "tests/cli/test_plan.py",
    "tests/operators/test_loops.py",
    "tests/operators/test_clocks.py",
    "tests/sensors/test_sensors.py",
    "tests/triggers/test_trigger.py",
    "tests/triggers/test_watching.py",
    "tests/matrix/test_task_loop.py",
]


@nox.session(requires=["dev"], python="3.12")
def prerelease(session: nox.Session) -> None:
    """Run on Airflow's newest pre-release what the images of MWAA go through, and a loop."""
    session.install("--prerelease=allow", "apache-airflow", ".[test]", "--group", "test")
    session.run("uv", "pip", "show", "apache-airflow", external=True)
    session.run("python", "-m", "pytest", "--override-ini", "addopts=", *OF_NEW_AIRFLOWS)
    run_dag(session, "every_mode.py")
    run_dag(session, str(ROOT / "example_dags" / "example_train_until_good.py"), "--speed", "600")
    run_dag(session, "at_once.py", "--standalone", "--exit")
    watch(session)


@nox.session
def moto(session: nox.Session) -> None:
    """Run the emulator's tests on moto's newest version, also a major one, where the other legs have an older."""
    session.install("--editable", ".[test]", "--group", "test")
    show = ("python", "-c", "import moto; print(moto.__version__)")
    allowed = session.run(*show, silent=True)
    newest = "moto[s3,server]>=5.2.0.dev0"  # a pre-release is asked for by its form
    session.run_install("uv", "pip", "install", "--upgrade-package", "moto", newest, external=True)
    if session.run(*show, silent=True) == allowed:
        session.log(f"The newest is {allowed}, which readme(test) runs all tests on.")
    else:
        session.run("pytest", "tests/emulator", "tests/test_pytest_plugin.py")


@nox.session(python="3.12")
def docs(session: nox.Session) -> None:
    """Build the documentation into docs/_build, with warnings as errors."""
    session.install(".[test]", "--group", "docs")
    session.run("sphinx-build", "--fail-on-warning", "--keep-going", "docs", "docs/_build")


@nox.session(python="3.12", default=False)
def links(session: nox.Session) -> None:
    """Check the addresses that the documentation links to; needs the internet."""
    session.install(".[test]", "--group", "docs")
    session.run("sphinx-build", "-b", "linkcheck", "--keep-going", "docs", "docs/_build/links")


@nox.session(default=False)
def build(session: nox.Session) -> None:
    """Build what is released into dist/, and check it; give the version that the tag says after ``--``, if any."""
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    session.install("build", "twine")
    session.run("python", "-m", "build")
    built = sorted((ROOT / "dist").iterdir())
    session.run("twine", "check", "--strict", *map(str, built))
    session.install(str(next(file for file in built if file.suffix == ".whl")))
    show = "from importlib.metadata import version; print(version('airflow-provider-personalize'))"
    version = session.run("python", "-c", show, silent=True).strip()
    if session.posargs and session.posargs != [version]:
        session.error(f"The tag says {session.posargs[0]}, the package {version}")
