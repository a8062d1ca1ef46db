"""A file that no Airflow can import."""

import a_module_that_nobody_has  # noqa: F401
