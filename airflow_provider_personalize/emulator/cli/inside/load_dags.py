"""
Create the database, load the DAG file, and write down what is in it.

``load_dags.py PATH FOUND [serialize]``: with ``serialize``, or if a task asks a person, the DAGs are in the database,
too.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.append(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
try:
    from airflow import __version__
except ModuleNotFoundError as error:
    if error.name != "airflow":
        raise
    sys.exit(3)  # NO_AIRFLOW
from airflow.__main__ import main
from airflow.utils import db

try:
    from airflow.dag_processing.dagbag import DagBag
except ModuleNotFoundError:  # before Airflow 3.2
    from airflow.models.dagbag import DagBag

if __name__ == "__main__":
    db.initdb()
    path, found, *serialize = sys.argv[1:]
    bag = DagBag(path)
    # of Airflow 3.1 and newer; it is loaded if a DAG uses it
    hitl = sys.modules.get("airflow.providers.standard.operators.hitl")
    asks = getattr(hitl, "HITLOperator", ())
    asking = {task.task_id for dag in bag.dags.values() for task in dag.tasks if isinstance(task, asks)}
    timetables = [dag.timetable for dag in bag.dags.values()]
    about = {
        "version": __version__,
        "dags": sorted(bag.dags),
        "asking": sorted(asking),
        # Airflow 2: datasets
        "has_asset_schedule": any(
            getattr(each, "asset_condition", None) or getattr(each, "dataset_condition", None) for each in timetables
        ),
        "errors": list(bag.import_errors.values()),
    }
    Path(found).write_text(json.dumps(about), encoding="utf-8")
    if (serialize or asking) and not bag.import_errors:
        sys.argv = ["airflow", "dags", "reserialize"]
        main()
