"""
Create the database, load the DAG file, and write down what is in it.

``load_dags.py PATH FOUND [serialize]``: with ``serialize``, the DAGs are in the database, too.
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
    about = {"version": __version__, "dags": sorted(bag.dags), "errors": list(bag.import_errors.values())}
    Path(found).write_text(json.dumps(about), encoding="utf-8")
    if serialize and not bag.import_errors:
        sys.argv = ["airflow", "dags", "reserialize"]
        main()
