"""A file without a DAG."""
