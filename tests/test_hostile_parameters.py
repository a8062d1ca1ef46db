"""Whatever a parameter is given, and in whichever partition: an end, or an error that says what is wrong with it."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any, Final

import hypothesis.strategies as st
import pytest
from botocore.exceptions import ClientError, ParamValidationError
from every_task import ENDS, RECIPE, STEPS, Life, avro, task_of
from hypothesis import HealthCheck, Phase, given, settings
from task_runs import Run, TaskInstance

from airflow_provider_personalize import operators
from airflow_provider_personalize._compat import AirflowException
from airflow_provider_personalize.hook_parameters import HookParameters
from airflow_provider_personalize.operators.creating import CreateOperator
from airflow_provider_personalize.operators.updating import UpdateOperator

CLEAR: Final = (AirflowException, ClientError, ParamValidationError)
#: More than a person reads, and less than floods a log.
LONG: Final = 15_000
DEEP, LONG_NUMBER = "[" * 5_000, "9" * 5_000
FOREIGN: Final = [
    "arn:",
    "arn:aws:iam::123456789012:role/x",
    "arn:aws:personalize:us-east-1:123456789012:solution/",
    "arn:aws:personalize:us-east-1:123456789012:campaign/x/$LATEST",
    "arn:aws-cn:personalize:cn-north-1:123456789012:solution/x",
    "arn:aws-us-gov:personalize:us-gov-west-1:123456789012:campaign/x",
]
TEXTS: Final = [
    *(
        "",
        " ",
        "None",
        "True",
        "null",
        "0",
        "1e999",
        "{}",
        "[]",
        "{'a': ",
        '{"a": 1}',
        "[1, 2]",
        "s3://",
        "\x00",
        "\ud800",
    ),
    *("{{ params.x }}", "{{ [1] }}", "{{ none }}", "x" * 30_000, "é" * 40, DEEP, LONG_NUMBER),
    *("rate(99 days)", f"rate({LONG_NUMBER} days)"),
    *FOREIGN,
]
VALUES: Final = [
    *(None, True, False, 0, -1, 10**30, 1.5, float("nan"), float("inf"), b"x", object(), frozenset({1})),
    *([], [[]], [None], [{}], [1], {}, {"": None}, {None: 1}, {1: 2, "a": 3}, {(): ()}, {"a": object()}),
]
odd = st.one_of(st.sampled_from(TEXTS), st.sampled_from(VALUES), st.text(max_size=5))
# Parameters that are Airflow's own, or that lead to another machine
OTHERS: Final = {"self", "kwargs", "deferrable", "poke_interval", "aws_conn_id", "region_name", "verify"}


@st.composite
def changed(draw: Any, value: Any) -> Any:
    """Something odd in the place of a value, or of something in it."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        member = draw(st.sampled_from(sorted(value)))
        return {**value, member: draw(changed(value[member]))}
    if isinstance(value, list) and value and draw(st.booleans()):
        return [draw(changed(value[0])), *value[1:]]
    return draw(odd)


def parameters_of(task: type) -> list[str]:
    ours = [base for base in task.__mro__ if base.__module__.startswith("airflow_provider_personalize")]
    signatures = (inspect.signature(base.__init__).parameters for base in ours if "__init__" in vars(base))
    return sorted({name for each in signatures for name in each} - OTHERS)


@pytest.mark.parametrize("examples", [3, pytest.param(60, marks=pytest.mark.slow)])
def test_odd_parameters_end_in_a_clear_error(life, examples):
    for step in STEPS:
        life.do(*step)
    for name, usual in dict([*STEPS, *ENDS]).items():
        _try(life, name, usual, examples)


def _try(life: Life, name: str, usual: dict[str, Any], examples: int) -> None:
    task, usual = task_of(name), life.resolved(usual)
    choices = st.lists(st.sampled_from(parameters_of(task)), min_size=1, max_size=2)

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def attempt(data: st.DataObject) -> None:
        odd_ones = {member: data.draw(changed(usual.get(member))) for member in data.draw(choices)}
        run = Run(lambda: task(task_id="task", **{**usual, **odd_ones}), TaskInstance(), {"x": data.draw(odd)})
        error = _error_of(run)
        if isinstance(error, CLEAR):
            assert len(str(error)) < LONG
        elif error:
            assert any(member in str(error) for member in odd_ones), repr(error)

    attempt()


def _error_of(run: Run) -> Exception | None:
    try:
        run()
    except (*CLEAR, TypeError, ValueError) as error:
        return error
    return None


@pytest.mark.parametrize("value", [[[]], {1: 2}, [{}], None, "other"])
@pytest.mark.parametrize(
    ("family", "parameter"),
    [(CreateOperator, "if_exists"), (CreateOperator, "ignore_changes"), (UpdateOperator, "if_unchanged")],
)
def test_an_unknown_choice_is_refused_when_the_dag_is_parsed(family, parameter, value):
    task = next(each for each in map(task_of, dict(STEPS)) if issubclass(each, family))
    given_ = dict(STEPS)[task.__name__.removesuffix("Operator")]
    with pytest.raises(ValueError, match=f"{parameter} is .*allowed are"):
        task(task_id="task", **{**given_, parameter: value})


@pytest.mark.parametrize("config", [True, "no config", b"x", {"no_such_member": 1}, {1: 2}, {"a": object()}, DEEP])
def test_an_invalid_botocore_config_is_refused_by_its_name(config):
    task = operators.TagResourceOperator(task_id="task", resource_arn="x", tags=[], botocore_config=config)
    with pytest.raises(ValueError, match="botocore_config"):
        task.execute({})


PROXIES = ["http://user:secret@proxy", "user:secret@proxy:3128", "http://user:sec/secret@proxy"]


@pytest.mark.parametrize("config", [*({"proxies": {"https": proxy}} for proxy in PROXIES), {"no": b"secret"}], ids=str)
def test_the_values_of_a_configuration_are_not_in_the_error(config):
    """Nor may there be a password in it, which a trigger's row would show."""
    task = operators.TagResourceOperator(task_id="task", resource_arn="x", tags=[], botocore_config=config)
    with pytest.raises(ValueError, match="botocore_config") as refused:
        task.execute({})
    assert "secret" not in str(refused.value)


def test_an_at_sign_outside_of_a_proxy_url_is_not_a_password():
    config = {"proxies": {"https": "http://proxy:3128"}, "user_agent_extra": "shop@example.com"}
    assert HookParameters.of(None, None, None, config).parameters["botocore_config"] == config


PARTITIONS: Final = [
    ("us-east-1", "aws", "us-east-1.console.aws.amazon.com"),
    ("cn-north-1", "aws-cn", "cn-north-1.console.amazonaws.cn"),
    ("us-gov-west-1", "aws-us-gov", "us-gov-west-1.console.amazonaws-us-gov.com"),
]


@pytest.mark.parametrize(("region", "partition", "console"), PARTITIONS)
def test_it_works_in_every_partition(personalize, monkeypatch, region, partition, console):
    """With derived names and ARNs, an existing resource is found and the link leads to its partition."""
    monkeypatch.setenv("MOTO_ALLOW_NONEXISTENT_REGION", "true")  # one of these has no Personalize
    owner = f"arn:{partition}:personalize:{region}:123456789012"
    group = f"{owner}:dataset-group/there"
    steps = [
        ("CreateSchema", {"name": "there", "schema": avro("INTERACTIONS")}, f"{owner}:schema/there"),
        ("CreateDatasetGroup", {"name": "there"}, group),
        (
            "CreateDataset",
            {
                "name": "there",
                "schema_arn": f"{owner}:schema/there",
                "dataset_group_arn": group,
                "dataset_type": "INTERACTIONS",
            },
            f"{owner}:dataset/there/INTERACTIONS",
        ),
        (
            "CreateSolution",
            {
                "name": "there",
                "dataset_group_arn": group,
                "recipe_arn": RECIPE.replace("aws", partition, 1) + "user-personalization-v2",
                "perform_auto_training": False,
            },
            f"{owner}:solution/there",
        ),
        ("SolutionSensor", {"solution_arn": f"{owner}:solution/there"}, None),
        ("UpdateSolution", {"solution_arn": f"{owner}:solution/there", "perform_auto_training": True}, None),
    ]
    for name, usual, arn in [*steps[:4], *steps]:
        task = partial(task_of(name), task_id="task", region_name=region, **usual)
        run = Run(task, TaskInstance())
        assert run() == arn or arn is None
        links = [value for key, value in run.ti.xcoms.items() if key.endswith("_link")]
        assert all(link.startswith(f"https://{console}/personalize/home?region={region}#{owner}") for link in links)
        assert len(links) == (name != "CreateSchema")
