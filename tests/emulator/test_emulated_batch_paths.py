"""Where a batch job reads and writes."""

from __future__ import annotations

import pytest
from everything import HOUR
from shop import ROLE
from test_emulated_solution import refusal

from airflow_provider_personalize.emulator import clock

KINDS = {"batch_inference_job": ("user-personalization-v2", "userId"), "batch_segment_job": ("item-affinity", "itemId")}


def request(version: str, source: str, output: str) -> dict[str, object]:
    return {
        "jobName": "job",
        "solutionVersionArn": version,
        "roleArn": ROLE,
        "jobInput": {"s3DataSource": {"path": source}},
        "jobOutput": {"s3DataDestination": {"path": output}},
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("source", "output"), [("s3://all/in/", "s3://all/in"), ("s3://all/in/a.json", "s3://all/in/a.json")]
)
def test_a_job_must_not_write_where_it_reads(shop, kind, source, output):
    recipe, member = KINDS[kind]
    version = shop.solve("a", recipe)
    shop.put("in/a.json", f'{{"{member}": "u1"}}')
    code, said = refusal(getattr(shop.api, f"create_{kind}"), **request(version, source, output))
    assert code == "InvalidInputException"
    assert said.startswith(f"Invalid S3 output path: {output} is the input path, too.")


# https://docs.aws.amazon.com/personalize/latest/dg/creating-batch-inference-job.html: a path is a prefix
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("path", "answered"),
    [
        ("s3://all/lines", ["a.json.out", "b.json.out"]),
        ("s3://all/lines/", ["a.json.out"]),
        ("s3://all/lines/a.json", ["a.json.out"]),
    ],
)
def test_a_path_without_a_slash_at_its_end_is_a_prefix(shop, kind, path, answered):
    recipe, member = KINDS[kind]
    version = shop.solve("a", recipe)
    for key in ("lines/a.json", "lines_more/b.json"):
        shop.put(key, f'{{"{member}": "u1"}}')
    getattr(shop.api, f"create_{kind}")(**request(version, path, "s3://all/out/"))
    clock.advance(HOUR)
    shop.api.list_schemas()
    assert [key.rpartition("/")[2] for key in shop.listed("out/")] == answered
