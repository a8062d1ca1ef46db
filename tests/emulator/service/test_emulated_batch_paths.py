"""Where a batch job reads and writes."""

from __future__ import annotations

import pytest
from asking import refusal
from everything import HOUR
from shop import ROLE

from airflow_provider_personalize.emulator import clock

JOB_TYPES = {
    "batch_inference_job": ("user-personalization-v2", "userId"),
    "batch_segment_job": ("item-affinity", "itemId"),
}


def request(version: str, source: str, output: str) -> dict[str, object]:
    return {
        "jobName": "job",
        "solutionVersionArn": version,
        "roleArn": ROLE,
        "jobInput": {"s3DataSource": {"path": source}},
        "jobOutput": {"s3DataDestination": {"path": output}},
    }


@pytest.mark.parametrize("job_type", JOB_TYPES)
@pytest.mark.parametrize(
    ("source", "output"), [("s3://all/in/", "s3://all/in"), ("s3://all/in/a.json", "s3://all/in/a.json")]
)
def test_a_job_must_not_write_where_it_reads(shop, job_type, source, output):
    recipe, member = JOB_TYPES[job_type]
    version = shop.solve("a", recipe)
    shop.put("in/a.json", f'{{"{member}": "u1"}}')
    code, said = refusal(getattr(shop.api, f"create_{job_type}"), **request(version, source, output))
    assert code == "InvalidInputException"
    assert said.startswith(f"Invalid S3 output path: {output} is the input path, too.")


# https://docs.aws.amazon.com/personalize/latest/dg/creating-batch-inference-job.html: a path is a prefix
@pytest.mark.parametrize("job_type", JOB_TYPES)
@pytest.mark.parametrize(
    ("path", "answered"),
    [
        ("s3://all/lines", ["a.json.out", "b.json.out"]),
        ("s3://all/lines/", ["a.json.out"]),
        ("s3://all/lines/a.json", ["a.json.out"]),
    ],
)
def test_a_path_without_a_slash_at_its_end_is_a_prefix(shop, job_type, path, answered):
    recipe, member = JOB_TYPES[job_type]
    version = shop.solve("a", recipe)
    for key in ("lines/a.json", "lines_more/b.json"):
        shop.put(key, f'{{"{member}": "u1"}}')
    getattr(shop.api, f"create_{job_type}")(**request(version, path, "s3://all/out/"))
    clock.advance(HOUR)
    shop.api.list_schemas()
    assert [key.rpartition("/")[2] for key in shop.listed("out/")] == answered


# AWS's notebooks look for the file whose LastModified is after the job's creationDateTime
@pytest.mark.parametrize("job_type", [*JOB_TYPES, "dataset_export_job"])
def test_a_file_that_a_job_writes_is_dated_by_the_clock_of_the_job(shop, job_type):
    clock.advance(1000 * HOUR)
    if job_type == "dataset_export_job":
        given = {"jobName": "job", "roleArn": ROLE, "datasetArn": shop.dataset("Items")}
        given["jobOutput"] = {"s3DataDestination": {"path": "s3://all/out/"}}
    else:
        recipe, member = JOB_TYPES[job_type]
        given = request(shop.solve("a", recipe), shop.put("a.json", f'{{"{member}": "u1"}}'), "s3://all/out/")
    (arn,) = (value for name, value in getattr(shop.api, f"create_{job_type}")(**given).items() if name.endswith("Arn"))
    clock.advance(1000 * HOUR)
    shop.api.list_schemas()
    job = shop.describe(job_type, arn)
    (file,) = shop.s3.list_objects_v2(Bucket="all", Prefix="out/")["Contents"]
    assert job["creationDateTime"] < file["LastModified"] <= job["lastUpdatedDateTime"]
