"""Files that a run copies into its Airflow home, for Airflow to run. Nothing imports them here."""
