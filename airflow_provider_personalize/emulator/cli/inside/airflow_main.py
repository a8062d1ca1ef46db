"""``airflow``, with the dags folder on the path, which Airflow 3 leaves out in places."""

from __future__ import annotations

import os
import sys

sys.path.append(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
from airflow.__main__ import main

if __name__ == "__main__":
    main()
