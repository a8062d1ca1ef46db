"""What a DAG author may rely on, on every version of Airflow: CI runs this file on the pins of each MWAA image too."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys

import botocore.session
import pytest
from botocore import __version__ as botocore_version
from botocore import xform_name
from botocore.model import StructureShape

from airflow_provider_personalize import operators, sensors
from airflow_provider_personalize.operators.base import WaitingOperator
from airflow_provider_personalize.operators.creating import CreateOperator
from airflow_provider_personalize.operators.updating import UpdateOperator
from airflow_provider_personalize.resources import RESOURCE_TYPES
from airflow_provider_personalize.sensors.base import PersonalizeSensor, UpdateSensor
from airflow_provider_personalize.task import PersonalizeTask

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG
try:
    from airflow.serialization.serialized_objects import DagSerialization
except ImportError:  # Airflow before 3.2
    from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization

BASES = [PersonalizeTask, WaitingOperator, CreateOperator, UpdateOperator, PersonalizeSensor, UpdateSensor]
OPERATORS = [getattr(operators, name) for name in operators.__all__]
SENSORS = [getattr(sensors, name) for name in sensors.__all__]
WAITING = {task for task in OPERATORS + SENSORS if issubclass(task, (WaitingOperator, PersonalizeSensor))}
CONNECTION = {"aws_conn_id", "region_name", "verify", "botocore_config"}

# The parameters of these are not the members of one request.
COMPOSED = {
    operators.CheckDatasetOperator,
    operators.CompareSolutionVersionsOperator,
    operators.EvolveDatasetSchemaOperator,
    operators.PromoteSolutionVersionOperator,
    operators.RollbackCampaignOperator,
}

every_operator = pytest.mark.parametrize(
    "operator", [each for each in OPERATORS if each not in COMPOSED], ids=lambda operator: operator.__name__
)
every_sensor = pytest.mark.parametrize("sensor", SENSORS, ids=lambda sensor: sensor.__name__)
every_task = pytest.mark.parametrize("task", OPERATORS + SENSORS, ids=lambda task: task.__name__)


def own_parameters(task: type) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(task.__init__).parameters
    return {name: each for name, each in parameters.items() if name not in {"self", "kwargs"}}


def needed(task: type) -> dict[str, str]:
    return {name: "x" for name, each in own_parameters(task).items() if each.default is inspect.Parameter.empty}


def shape_of(operator: type[PersonalizeTask]) -> StructureShape:
    service = botocore.session.get_session().get_service_model(operator.service)
    return service.operation_model(operator.operation).input_shape


@every_operator
def test_every_member_of_the_request_is_a_parameter(operator):
    members = {xform_name(member) for member in shape_of(operator).members}
    assert members <= set(operator.members)
    if tuple(map(int, botocore_version.split("."))) >= (1, 41, 6):
        assert members == set(operator.members)
    assert set(operator.members) <= set(own_parameters(operator))


@every_operator
def test_what_the_service_requires_is_required(operator):
    required = {xform_name(member) for member in shape_of(operator).required_members}
    ours = set(needed(operator))
    # a missing job name is derived; the role is required although the API no longer says so; automatic training must be
    # chosen, since the API's default pays for a training a week; an update must name its metric attribution
    assert required - ours <= {"job_name"}
    assert ours - required <= {"role_arn", "perform_auto_training", "metric_attribution_arn"}


def test_whatever_changes_something_has_its_operator():
    """On an older boto3 too: the operators know what that does not."""
    service = botocore.session.get_session().get_service_model("personalize")
    reading = ("Describe", "List", "Get")
    changing = {operation for operation in service.operation_names if not operation.startswith(reading)}
    assert changing <= {operator.operation for operator in OPERATORS if operator.service == "personalize"}
    assert len(changing) == 34


def test_whatever_has_a_status_or_an_update_has_its_sensor():
    goals = {(sensor.resource_type, sensor.goal) for sensor in SENSORS}
    assert goals >= {(row, "ready") for row in RESOURCE_TYPES.values() if row.has_status}
    assert goals >= {(row, "updated") for row in RESOURCE_TYPES.values() if row.updates}


@every_sensor
def test_a_sensor_takes_the_arn_of_its_resource_type(sensor):
    # the ARN of a version that automatic training will make is not known: the solution's is
    resource_type = "solution" if sensor.goal == "trained" else sensor.resource_type.name
    assert set(needed(sensor)) == {f"{resource_type}_arn"}


@every_task
def test_every_parameter_has_a_name_a_type_and_a_line_in_the_docstring(task):
    for name, each in own_parameters(task).items():
        assert each.kind is inspect.Parameter.KEYWORD_ONLY
        assert each.annotation is not inspect.Parameter.empty
        assert f":param {name}:" in task.__doc__


@pytest.mark.parametrize("base", BASES)
def test_shared_parameters_are_documented_where_they_are_defined(base):
    assert all(f":param {name}:" in base.__doc__ for name in own_parameters(base))


@every_task
def test_every_member_of_the_request_and_the_connection_are_templated(task):
    members = set(getattr(task, "members", ())) or set(needed(task))
    documented = {line.split(":")[1].split()[1] for line in _parameter_lines(task) if "(templated)" in line}
    assert members <= documented
    documented = {"is_dry_run" if name == "dry_run" else name for name in documented}  # Airflow has a method dry_run
    assert set(task.template_fields) == documented | CONNECTION


def _parameter_lines(task: type) -> list[str]:
    """The docstring's parameters, each joined to a line."""
    text = " ".join(task.__doc__.split(":return:")[0].split(":raises")[0].split())
    return [f":param {each}" for each in text.split(":param ")[1:]]


@every_task
def test_default_args_reach_the_parameters_of_every_level(task):
    given = {"aws_conn_id": "mine", "region_name": "eu-west-1", "retries": 7}
    waiting = {"deferrable": True, "timeout": 33.0, "poke_interval": 44.0, "waiter_delay": 55.0}
    with DAG("defaults", schedule=None, default_args={**given, **waiting}):
        made = task(task_id="task", **needed(task))
    assert {name: getattr(made, name) for name in given} == given
    if task in WAITING:
        assert (made.deferrable, made.timeout) == (True, 33)
        assert getattr(made, "poke_interval", None) or made.waiter_delay in {44, 55}


@every_task
def test_an_unknown_parameter_is_refused(task):
    with pytest.raises(Exception, match="no_such_parameter"):
        task(task_id="task", no_such_parameter=1, **needed(task))


@every_task
def test_it_can_be_mapped(task):
    (name, value), *rest = (needed(task) or {task.members[0]: "x"}).items()
    with DAG("mapped", schedule=None) as dag:
        task.partial(task_id="task", retries=3, aws_conn_id="mine", **dict(rest)).expand(**{name: [value, "y"]})
    assert type(dag.get_task("task")).__name__ == "MappedOperator"


@every_task
def test_a_dag_that_holds_it_survives_serialisation(task):
    with DAG("serialised", schedule=None) as dag:
        task(task_id="task", **needed(task))
    again = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    links = [link.name for link in again.get_task("task").operator_extra_links]
    assert links == [link.name for link in task.operator_extra_links]
    assert again.get_task("task").task_type == task.__name__


@every_task
def test_it_never_starts_in_the_triggerer(task):
    """Some versions of Airflow hand a trigger that starts there no rendered templates, or nothing at all."""
    made = task(task_id="task", **needed(task))
    assert made.start_from_trigger is False


@every_task
def test_its_execute_calls_no_other(task):
    """Airflow 2 takes that for a call from outside of a task, and where it is strict refuses it."""
    ours = [base for base in task.__mro__ if base.__module__.startswith("airflow_provider_personalize.")]
    executes = [vars(base)["execute"] for base in ours if "execute" in vars(base)]
    assert len(executes) == 1
    assert "super().execute" not in inspect.getsource(inspect.unwrap(executes[0]))


def test_airflows_setting_makes_everything_deferrable():
    script = """
from airflow_provider_personalize.operators.base import WaitingOperator
from airflow_provider_personalize.sensors.base import PersonalizeSensor
import inspect
for base in (WaitingOperator, PersonalizeSensor):
    print(inspect.signature(base.__init__).parameters["deferrable"].default)
"""
    environment = {**os.environ, "AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE": "True"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split()[-2:] == ["True"] * 2


def test_a_subclass_keeps_what_it_inherits_and_what_it_says_itself():
    class Quiet(operators.UpdateSolutionOperator):
        operator_extra_links = ()

    class Plain(Quiet):
        template_fields = ("solution_arn",)

    class Plainer(Plain):
        pass

    assert Quiet.template_fields == operators.UpdateSolutionOperator.template_fields
    assert Plainer.template_fields == ("solution_arn",)
    assert Plainer.operator_extra_links == ()
    assert Plainer.members == operators.UpdateSolutionOperator.members


A_JOB = "from airflow.jobs.job import Job; Job()"
A_TASK = """
try:
    from airflow.sdk.execution_time.task_runner import TaskRunnerMarker as Marker, get_listener_manager
except ImportError:  # Airflow 2
    from airflow.cli.commands.task_command import TaskCommandMarker as Marker, get_listener_manager
get_listener_manager().hook.on_starting(component=Marker())
"""


@pytest.mark.parametrize(("script", "imports"), [(A_JOB, True), (A_TASK + A_JOB, False)])
def test_the_plugin_imports_the_operators_where_dag_files_are_parsed_and_not_where_a_task_runs(
    script, imports, tmp_path
):
    plugin = "from airflow_provider_personalize.preload import PersonalizePlugin\n"
    (tmp_path / "personalize_plugin.py").write_text(plugin, encoding="utf-8")
    script += "\nimport sys; print([name for name in sys.modules if name.startswith('airflow_provider_personalize.')])"
    env = {**os.environ, "AIRFLOW__CORE__PLUGINS_FOLDER": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    names = done.stdout.splitlines()[-1]
    assert "personalize.preload'" in names
    assert ("personalize.operators.training'" in names) == ("personalize.sensors.training'" in names) == imports


def all_parameters(task: type) -> dict[str, inspect.Parameter]:
    """The parameters of the class and of its bases in this package, which it receives as ``**kwargs``."""
    ours = [base for base in task.__mro__ if base.__module__.startswith("airflow_provider_personalize")]
    each = [own_parameters(base) for base in reversed(ours) if "__init__" in vars(base)]
    return {name: parameter for parameters in each for name, parameter in parameters.items()}


@every_task
@pytest.mark.parametrize("value", ["False", "{{ params.x }}"])
def test_a_parameter_that_is_not_templated_refuses_a_text(task, value):
    """A text would count as true, whatever it says. What is templated is parsed when the task runs."""
    for name in set(all_parameters(task)) - set(task.members) - set(task.template_fields) - {"dry_run"}:
        with pytest.raises((TypeError, ValueError), match=rf"^{name} is {re.escape(repr(value))}: allowed "):
            task(task_id="task", **needed(task), **{name: value})


SWITCHES = {
    "check_schema",
    "wait_for_completion",
    "deferrable",
    "stop_on_kill",
    "require_update",
    "check_data",
    "fail_on_warnings",
    "skip_if_unchanged",
    "skip_if_no_new_data",
    "ignore_real_time_data",
}
AIRFLOWS = {"soft_fail", "never_fail", "silent_fail"}


@every_task
@pytest.mark.parametrize("value", ["False", "true", "{{ params.x }}", 0, 1, None], ids=repr)
def test_a_switch_is_true_or_false_wherever_it_comes_from(task, value):
    airflows = AIRFLOWS if issubclass(task, PersonalizeSensor) else set()
    for name in (SWITCHES & set(all_parameters(task))) | airflows:
        refusal = rf"^{name} is {re.escape(repr(value))}: allowed are True and False"
        with pytest.raises(TypeError, match=refusal):
            task(task_id="task", **needed(task), **{name: value})
        with DAG("switches", schedule=None, default_args={name: value}), pytest.raises(TypeError, match=refusal):
            task(task_id="task", **needed(task))


def test_every_switch_is_tested():
    """A parameter that is true or false, and no template."""
    found = {
        name for task in OPERATORS + SENSORS for name, each in all_parameters(task).items() if each.annotation == "bool"
    }
    assert found == SWITCHES


def test_a_switch_of_a_mapped_task_is_refused_as_well():
    with DAG("mapped", schedule=None):
        mapped = operators.UpdateSolutionOperator.partial(task_id="task", deferrable="False").expand(solution_arn=["x"])
    with pytest.raises(TypeError, match="deferrable is 'False': allowed are True and False"):
        mapped.unmap({"solution_arn": "x"})
