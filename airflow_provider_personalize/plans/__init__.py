"""
What an operator does next: pure functions from what was observed to one step.

No Airflow, no boto3, no I/O; the time is passed in. ``operators/driver.py`` observes, asks a plan for the next step,
executes it and asks again: after each call, wait, deferral, crash and retry. So each plan must come to the right step
from any state of the service and from any memory, the empty one included. ``tests/simulation`` explores them all.
"""
