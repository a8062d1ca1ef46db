"""
What an operator costs the DAG processor: ``python tests/benchmarks/parsing.py [files] [passes]``.

The real ``airflow dag-processor`` passes over folders of DAG files: with this package's core operator and sensor, the
same with its plugin installed, with an operator on the Amazon provider's base, and with a trivial one. Prints the CPU
of each pass, with all processes it forks, and the cost per file above the trivial one, by the median of the passes.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
DAG = """\
from airflow.sdk import DAG
{imports}

with DAG("shop_{number}", schedule=None):
    {task}
"""
TASK = 'task_id="update", solution_arn="{{ params.solution }}", perform_auto_training=True'
IMPORTS = """\
from airflow_provider_personalize.operators import UpdateSolutionOperator
from airflow_provider_personalize.sensors import SolutionUpdateSensor"""
TASKS = f"""\
UpdateSolutionOperator({TASK}, wait_for_completion=False)
    SolutionUpdateSensor(task_id="wait", solution_arn="{{{{ params.solution }}}}", deferrable=True)"""
PLUGIN = "from airflow_provider_personalize.preload import PersonalizePlugin\n"
WITH_PLUGIN = "ours-with-plugin"
WAYS = {
    "trivial": ("from airflow.sdk import BaseOperator", 'BaseOperator(task_id="update")'),
    "ours": (IMPORTS, TASKS),
    WITH_PLUGIN: (IMPORTS, TASKS),
    "twin": ("from twin import TwinOperator", f"TwinOperator({TASK})"),
}


def write(folder: Path, way: str, files: int) -> None:
    folder.mkdir()
    imports, task = WAYS[way]
    for number in range(files):
        (folder / f"shop_{number}.py").write_text(DAG.format(imports=imports, task=task, number=f"{way}_{number}"))


def airflow(home: Path, folder: Path, *command: str) -> float:
    """Run Airflow, and return the CPU that it took with all its children."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    env = kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / ("plugins" if folder.name == WITH_PLUGIN else "none")),
        "PYTHONPATH": str(HERE),
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "airflow", *command], env=env, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def count(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("select count(*) from serialized_dag").fetchone()[0])


def main() -> None:
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    passes = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as home:
        folders = {way: Path(home, way) for way in WAYS}
        Path(home, "plugins").mkdir()
        Path(home, "plugins", "personalize_plugin.py").write_text(PLUGIN)
        for way, folder in folders.items():
            write(folder, way, files)
        airflow(Path(home), folders["trivial"], "db", "migrate")
        spent: dict[str, list[float]] = {way: [] for way in WAYS}
        for _ in range(passes):
            for way, folder in folders.items():
                spent[way].append(airflow(Path(home), folder, "dag-processor", "--num-runs", "1"))
        read = count(Path(home) / "airflow.db")
        assert read == files * len(WAYS), f"{read} DAGs were read of {files * len(WAYS)}"
    print(f"| {files} files of | CPU s a pass | ms a file above trivial |\n|---|---|---|")
    for way, seconds in spent.items():
        above = 1000 * (median(seconds) - median(spent["trivial"])) / files
        print(f"| {way} | {' '.join(f'{each:.1f}' for each in seconds)} | {above:+.1f} |")


if __name__ == "__main__":
    main()
