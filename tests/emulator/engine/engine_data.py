"""Data as users would import it: the package's own sample."""

from __future__ import annotations

import csv
import io

from airflow_provider_personalize.sample import write_interactions


def sample(**sizes):
    file = io.StringIO()
    write_interactions(file, **sizes)
    return [{**row, "TIMESTAMP": int(row["TIMESTAMP"])} for row in csv.DictReader(io.StringIO(file.getvalue()))]
