"""Data and schemas: what the service takes, read and checked without Airflow, boto3 or I/O of its own."""
