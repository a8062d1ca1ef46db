from __future__ import annotations

import json

import pytest
from asking import refusal
from cost import cost
from everything import schema as schema_of
from moto.core import DEFAULT_ACCOUNT_ID
from shop import DATASET, PREFIX, ROLE, SCHEMA, api

from airflow_provider_personalize.emulator import assumptions, clock
from airflow_provider_personalize.emulator.http.models import personalize_backends

HEADER = "USER_ID,ITEM_ID,TIMESTAMP"
ROW = "u,i,1700000000\n"


@pytest.fixture
def schema(client) -> str:
    return client.create_schema(name="shop", schema=json.dumps(SCHEMA))["schemaArn"]


@pytest.fixture
def dataset(client, group, schema) -> str:
    arn = client.create_dataset(name="a", schemaArn=schema, datasetGroupArn=group, datasetType="Interactions")
    clock.advance(60)
    return arn["datasetArn"]


@pytest.fixture
def s3(client):
    made = api("s3")
    made.create_bucket(Bucket="shop")
    return made


def put(s3, text: str, key: str = "data.csv") -> None:
    s3.put_object(Bucket="shop", Key=key, Body=text.encode())


def start(client, location="s3://shop/data.csv", name="job", **more):
    request = {"jobName": name, "datasetArn": DATASET, "dataSource": {"dataLocation": location}, "roleArn": ROLE}
    return client.create_dataset_import_job(**request, **more)["datasetImportJobArn"]


def outcome(client, arn):
    clock.advance(400)
    job = client.describe_dataset_import_job(datasetImportJobArn=arn)["datasetImportJob"]
    return job["status"], job.get("failureReason")


def with_fields(*fields, name="Interactions", base=SCHEMA["fields"]):
    return json.dumps({**SCHEMA, "name": name, "fields": [*base, *fields]})


PLAIN_TEXT = {"name": "TITLE", "type": "string"}


def test_a_dataset_is_named_in_its_arn_by_its_group_and_type(client, dataset):
    assert dataset == DATASET
    shown = client.describe_dataset(datasetArn=dataset)["dataset"]
    assert (shown["name"], shown["datasetType"], shown["status"]) == ("a", "INTERACTIONS", "ACTIVE")


def test_a_group_has_one_dataset_of_each_type(client, dataset, group, schema):
    request = {"name": "b", "schemaArn": schema, "datasetGroupArn": group, "datasetType": "INTERACTIONS"}
    code, message = refusal(client.create_dataset, **request)
    assert (code, message) == (
        "ResourceAlreadyExistsException",
        f"Another resource with Arn {DATASET} already exists.",
    )


def test_a_dataset_waits_for_its_group(client, schema):
    group = client.create_dataset_group(name="new")["datasetGroupArn"]
    request = {"name": "b", "schemaArn": schema, "datasetGroupArn": group, "datasetType": "INTERACTIONS"}
    assert refusal(client.create_dataset, **request)[0] == "ResourceInUseException"
    assumptions.parent_not_active = "accepted"
    client.create_dataset(**request)


def test_a_dataset_needs_a_group_and_a_schema_that_exist(client, schema, group):
    for missing in ({"datasetGroupArn": f"{PREFIX}dataset-group/no"}, {"schemaArn": f"{PREFIX}schema/no"}):
        request = {"name": "b", "schemaArn": schema, "datasetGroupArn": group, "datasetType": "ITEMS", **missing}
        code, message = refusal(client.create_dataset, **request)
        assert code == "ResourceNotFoundException"
        assert next(iter(missing.values())) in message


def test_a_dataset_has_the_type_and_the_domain_of_its_schema(client, schema, group):
    request = {"name": "b", "schemaArn": schema, "datasetGroupArn": group}
    assert "INTERACTIONS" in refusal(client.create_dataset, **request, datasetType="ITEMS")[1]
    assert "WRONG" in refusal(client.create_dataset, **request, datasetType="WRONG")[1]
    with_type = with_fields({"name": "EVENT_TYPE", "type": "string"})
    domain = client.create_schema(name="d", schema=with_type, domain="ECOMMERCE")["schemaArn"]
    request = {**request, "schemaArn": domain, "datasetType": "INTERACTIONS"}
    assert refusal(client.create_dataset, **request)[0] == "InvalidInputException"
    assumptions.domain_mismatch = "accepted"
    client.create_dataset(**request)


@pytest.mark.parametrize(
    ("avro", "named"),
    [
        ("{", "JSON"),
        ('{"type": "array"}', "record"),
        (with_fields(name="Sales"), "Sales"),
        (with_fields(base=SCHEMA["fields"][:2]), "TIMESTAMP"),
        (with_fields(base=[*SCHEMA["fields"][:2], {"name": "TIMESTAMP", "type": "int"}]), "TIMESTAMP"),
        (with_fields({"name": "A-B", "type": "int"}), "A-B"),
        (with_fields({"name": "USERID", "type": "int"}), "underscores"),
        (with_fields({"name": "PRICE", "type": {"type": "array"}}), "PRICE"),
        (with_fields({"name": "PRICE", "type": "bytes"}), "PRICE"),
        (with_fields(name="Items", base=[{"name": "ITEM_ID", "type": "string"}]), "metadata"),
        # https://docs.aws.amazon.com/personalize/latest/dg/custom-datasets-and-schemas.html: categorical or a number
        (with_fields(PLAIN_TEXT, name="Users", base=[{"name": "USER_ID", "type": "string"}]), "metadata"),
        (with_fields(PLAIN_TEXT, name="Items", base=[{"name": "ITEM_ID", "type": "string"}]), "metadata"),
    ],
)
def test_a_schema_that_personalize_cannot_use_is_refused(client, avro, named):
    code, message = refusal(client.create_schema, name="a", schema=avro)
    assert code == "InvalidInputException"
    assert named in message


@pytest.mark.parametrize(
    "avro",
    [
        with_fields({"name": "EVENT_TYPE", "type": "string"}, {"name": "EVENT_VALUE", "type": ["null", "float"]}),
        with_fields({"name": "DEVICE", "type": ["null", "string"], "categorical": True}),
        with_fields(
            {"name": "TEXT", "type": "string", "textual": True},
            {"name": "CREATION_TIMESTAMP", "type": "long"},
            name="Items",
            base=[{"name": "ITEM_ID", "type": "string"}],
        ),
        with_fields(
            name="ActionInteractions",
            base=[
                {"name": "USER_ID", "type": "string"},
                {"name": "ACTION_ID", "type": "string"},
                {"name": "EVENT_TYPE", "type": "string"},
                {"name": "TIMESTAMP", "type": "long"},
            ],
        ),
    ],
)
def test_a_schema_as_in_the_guide_is_accepted(client, avro):
    arn = client.create_schema(name="a", schema=avro)["schemaArn"]
    assert client.describe_schema(schemaArn=arn)["schema"]["schema"] == avro


# Accepted as recorded in AWS's samples: update-item-dataset-schema-example.ipynb,
# update-datasets-user-personalization-example.ipynb and 01_Recommender-Agent.ipynb of amazon-personalize-samples
@pytest.mark.parametrize("domain", [None, "ECOMMERCE", "VIDEO_ON_DEMAND"])
@pytest.mark.parametrize("dataset_type", ["Interactions", "Items"])
@pytest.mark.parametrize("text", ["string", ["string", "null"]])
def test_text_may_be_neither_categorical_nor_textual(client, domain, dataset_type, text):
    given = {"domain": domain} if domain else {}
    others = DOMAINS[domain or "ECOMMERCE"][dataset_type]
    avro = with_fields(*others, {"name": "TITLE", "type": text}, name=dataset_type, base=LEAST[dataset_type])
    arn = client.create_schema(name="a", schema=avro, **given)["schemaArn"]
    assert client.describe_schema(schemaArn=arn)["schema"]["schema"] == avro


def test_plain_text_is_imported_and_filtered_by(shop):
    wider = schema_of("Items", {"name": "TITLE", "type": ["null", "string"]})
    arn = shop.api.create_schema(name="wider", schema=wider)["schemaArn"]
    shop.api.update_dataset(datasetArn=shop.dataset("Items"), schemaArn=arn)
    clock.advance(3600)
    text = "ITEM_ID,GENRE,CATEGORY_L1,PRICE,TITLE\ni1,drama,film,1,Alien\ni2,drama,film,1,Aliens\n"
    shop.import_csv("Items", shop.put("in/titled.csv", text), "titled")
    expression = 'INCLUDE ItemID WHERE Items.TITLE IN ("Alien")'
    given = {"datasetGroupArn": shop.group, "filterExpression": expression}
    filter_arn = shop.api.create_filter(name="f", **given)["filterArn"]
    campaign = shop.campaign("c", shop.solve("a", "user-personalization-v2"))
    found = shop.runtime.get_recommendations(campaignArn=campaign, userId="u5", filterArn=filter_arn)["itemList"]
    assert [item["itemId"] for item in found] == ["i1"]


CATEGORY = {"type": ["null", "string"], "categorical": True}
# The guide's tables of required and reserved fields, read apart from the code:
# https://docs.aws.amazon.com/personalize/latest/dg/ECOMMERCE-datasets-and-schemas.html and its like
DOMAINS = {
    "ECOMMERCE": {
        "Interactions": [{"name": "EVENT_TYPE", "type": "string"}],
        "Items": [{"name": "PRICE", "type": "float"}, {"name": "CATEGORY_L1", **CATEGORY}],
    },
    "VIDEO_ON_DEMAND": {
        "Interactions": [{"name": "EVENT_TYPE", "type": "string"}],
        "Items": [{"name": "CREATION_TIMESTAMP", "type": "long"}, {"name": "GENRES", **CATEGORY}],
    },
}
LEAST = {"Interactions": SCHEMA["fields"], "Items": [{"name": "ITEM_ID", "type": "string"}]}


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("dataset_type", LEAST)
def test_a_domain_asks_for_fields_of_its_own(client, domain, dataset_type):
    needed = DOMAINS[domain][dataset_type]
    whole = with_fields(*needed, name=dataset_type, base=LEAST[dataset_type])
    client.create_schema(name="whole", schema=whole, domain=domain)
    for field in needed:
        rest = [each for each in needed if each != field] + [{"name": "OTHER", "type": "int"}]
        less = with_fields(*rest, name=dataset_type, base=LEAST[dataset_type])
        assert field["name"] in refusal(client.create_schema, name="less", schema=less, domain=domain)[1]
        client.create_schema(name=f"custom-{field['name']}", schema=less)


@pytest.mark.parametrize(
    ("domain", "dataset_type", "field", "said"),
    [
        (None, "Interactions", {"name": "EVENT_VALUE", "type": "string"}, "EVENT_VALUE must be of type float"),
        (None, "Interactions", {"name": "EVENT_TYPE", **CATEGORY}, "EVENT_TYPE cannot be categorical"),
        (None, "Items", {"name": "CREATION_TIMESTAMP", "type": "int"}, "CREATION_TIMESTAMP must be of type long"),
        ("ECOMMERCE", "Items", {"name": "GENDER", "type": "string"}, '"categorical": true'),
        ("VIDEO_ON_DEMAND", "Items", {"name": "PRODUCT_DESCRIPTION", **CATEGORY}, '"textual": true'),
        ("VIDEO_ON_DEMAND", "Items", {"name": "DURATION", "type": "int"}, "DURATION must be of type float"),
    ],
)
def test_a_reserved_field_is_of_its_type(client, domain, dataset_type, field, said):
    given = {"domain": domain} if domain else {}
    others = DOMAINS[domain][dataset_type] if domain else []
    schema = with_fields(*others, field, name=dataset_type, base=LEAST[dataset_type])
    assert said in refusal(client.create_schema, name="a", schema=schema, **given)[1]


def test_the_guides_example_of_action_interactions_makes_a_dataset_and_not_in_a_domain(client, group):
    columns = ("USER_ID", "ACTION_ID", "EVENT_TYPE")
    base = [*({"name": name, "type": "string"} for name in columns), {"name": "TIMESTAMP", "type": "long"}]
    avro = with_fields(name="ActionInteractions", base=base)
    arn = client.create_schema(name="a", schema=avro)["schemaArn"]
    request = {"name": "a", "schemaArn": arn, "datasetType": "Action_Interactions"}
    client.create_dataset(datasetGroupArn=group, **request)
    domain = client.create_dataset_group(name="d", domain="ECOMMERCE")["datasetGroupArn"]
    clock.advance(60)
    assert "no datasets of actions" in refusal(client.create_dataset, datasetGroupArn=domain, **request)[1]


def test_a_schema_and_a_group_in_use_cannot_be_deleted(client, dataset, schema, group):
    assert refusal(client.delete_schema, schemaArn=schema)[0] == "ResourceInUseException"
    assert refusal(client.delete_dataset_group, datasetGroupArn=group)[0] == "ResourceInUseException"
    client.delete_dataset(datasetArn=dataset)
    clock.advance(60)
    client.delete_schema(schemaArn=schema)
    assert refusal(client.describe_schema, schemaArn=schema)[0] == "ResourceNotFoundException"
    client.delete_dataset_group(datasetGroupArn=group)
    assert client.describe_dataset_group(datasetGroupArn=group)["datasetGroup"]["status"] == "DELETE PENDING"
    clock.advance(60)
    assert "does not exist" in refusal(client.describe_dataset_group, datasetGroupArn=group)[1]


def test_a_dataset_is_held_by_an_import_until_it_ends(client, dataset, s3):
    put(s3, f"{HEADER}\n" + ROW * 1000)
    start(client)
    assert refusal(client.delete_dataset, datasetArn=dataset)[0] == "ResourceInUseException"
    clock.advance(400)
    client.delete_dataset(datasetArn=dataset)


def test_a_group_answers_its_domain_and_takes_a_role_only_with_a_key(client):
    assert client.create_dataset_group(name="d", domain="ECOMMERCE")["domain"] == "ECOMMERCE"
    assert "kmsKeyArn" in refusal(client.create_dataset_group, name="k", roleArn=ROLE)[1]
    key = "arn:aws:kms:us-east-1:123456789012:key/1"
    assert "roleArn" in refusal(client.create_dataset_group, name="k", kmsKeyArn=key)[1]
    tags = [{"tagKey": str(number), "tagValue": ""} for number in range(51)]
    assert refusal(client.create_dataset_group, name="t", tags=tags)[0] == "TooManyTagsException"


def test_an_import_of_good_data_becomes_active_and_its_records_are_counted(client, dataset, s3):
    put(s3, f"\ufeff{HEADER}\r\n" + ROW * 1234)
    arn = start(client)
    job = client.describe_dataset_import_job(datasetImportJobArn=arn)["datasetImportJob"]
    assert (job["status"], job["importMode"]) == ("CREATE PENDING", "FULL")
    assert outcome(client, arn) == ("ACTIVE", None)
    assert personalize_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].records[arn].records == 1234


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("USER_ID,TIMESTAMP\n", "Input csv is missing the following columns: [ITEM_ID]"),
        (f"{HEADER}\n" + ROW * 999, "fewer than 1000"),
        (f"{HEADER}\n" + ROW * 1500 + "u,i,yesterday\n", "yesterday"),
        (f"{HEADER}\n" + ROW * 1500 + "u,,1\n", "ITEM_ID is empty"),
        (f"{HEADER}\n" + ROW * 1500 + "u,1\n", "2 values"),
        (f"{HEADER}\n" + ROW * 1500 + "u" * 257 + ",i,1\n", "256 characters"),
        ("", "missing"),
        (f"{HEADER}\n" + ROW * 1500 + 'u,"i\ni",1\n', "Each record must be on a single line."),
        (f"{HEADER}\n" + ROW * 1500 + 'u,"i\ri",1\n', "Each record must be on a single line."),
        (f"{HEADER}\n" + ROW * 1500 + 'u,"i"i,1\n', "Record 1501 has a quotation mark"),
        (f"{HEADER}\n" + ROW * 1500 + "u,i,1,\n", "Record 1501 has 4 values: the header has 3."),
        (f"{HEADER}\n" + ROW * 1500 + "u,i\0,1\n", "Record 1501 has a NUL character."),
        (f"{HEADER}\n".encode("utf-16-le").decode(), "The header has a NUL character."),
        (f"USER_ID,{HEADER}\n", "Input csv has columns more than once: ['USER_ID']"),
        ('"USER_ID","ITEM_ID","TIMESTAMP"\n', "Input csv has column headers in quotation marks."),
        ("USER_ID;ITEM_ID;TIMESTAMP\n", "missing the following columns: [USER_ID, ITEM_ID, TIMESTAMP]"),
    ],
)
def test_an_import_of_bad_data_fails_and_says_why(client, dataset, s3, text, reason):
    put(s3, text)
    status, said = outcome(client, start(client))
    assert status == "CREATE FAILED"
    assert reason in said


def test_the_reason_shows_only_when_the_job_has_failed(client, dataset, s3):
    put(s3, "USER_ID\n")
    arn = start(client)
    assert "failureReason" not in client.describe_dataset_import_job(datasetImportJobArn=arn)["datasetImportJob"]
    clock.advance(400)
    assert "ITEM_ID" in client.list_dataset_import_jobs(datasetArn=dataset)["datasetImportJobs"][0]["failureReason"]


@pytest.mark.parametrize("location", ["s3://shop/no.csv", "s3://nobody/data.csv", "s3://shop/no/", "http://shop/a"])
def test_an_import_from_nowhere_fails(client, dataset, s3, location):
    assert outcome(client, start(client, location)) == ("CREATE FAILED", "Invalid Data location.")


def test_an_import_from_another_account_fails_for_lack_of_privileges(client, dataset, s3, monkeypatch):
    with monkeypatch.context() as other:
        other.setenv("MOTO_ACCOUNT_ID", "111111111111")
        s3.create_bucket(Bucket="theirs")
    status, said = outcome(client, start(client, "s3://theirs/data.csv"))
    assert status == "CREATE FAILED"
    assert "Insufficient privileges" in said


def test_an_import_of_a_folder_takes_its_first_level(client, dataset, s3):
    for key in ("in/a.csv", "in/b.csv"):
        put(s3, f"{HEADER}\n" + ROW * 600, key)
    put(s3, "not,to\nbe,read\n", "in/deep/c.csv")
    arn = start(client, "s3://shop/in/")
    assert outcome(client, arn) == ("ACTIVE", None)
    put(s3, "ITEM_ID,USER_ID,TIMESTAMP\n", "in/c.csv")
    assert "same header" in outcome(client, start(client, "s3://shop/in/", "again"))[1]


@pytest.mark.parametrize(
    ("key", "body", "said"),
    [
        ("in/_SUCCESS", b"", "Input csv is missing the following columns: [USER_ID, ITEM_ID, TIMESTAMP]"),
        ("in/z.json", b"{}\n", "Input csv files do not have the same header."),
        (
            "in/z.csv",
            f"{HEADER}\nu,i,now\n".encode(),
            "Record 1: TIMESTAMP is 'now': the schema has long, the seconds since 1970.",
        ),
        ("in/z.csv", f"{HEADER}\nu,\u00fc,1\n".encode("latin-1"), "Input csv is not UTF-8."),
    ],
)
def test_a_file_that_does_not_fit_into_its_folder_is_named(client, dataset, s3, key, body, said):
    put(s3, f"{HEADER}\n" + ROW * 1000, "in/part-0.csv")
    s3.put_object(Bucket="shop", Key=key, Body=body)
    assert outcome(client, start(client, "s3://shop/in/")) == ("CREATE FAILED", f"{said} The file is {key!r}.")


FIELDS_OF_ITEMS = [
    {"name": "ITEM_ID", "type": "string"},
    *({"name": f"A_{each}", "type": ["null", each]} for each in ("int", "long", "float", "double", "boolean")),
    {"name": "TEXT", "type": ["null", "string"], "textual": True},
]


def imported_item(client, group, s3, column, value):
    """Import an item with a value in a column; return why that failed, or the value that it has then."""
    arn = client.create_schema(name="items", schema=with_fields(name="Items", base=FIELDS_OF_ITEMS))["schemaArn"]
    request = {"name": "items", "schemaArn": arn, "datasetGroupArn": group, "datasetType": "Items"}
    items = client.create_dataset(**request)["datasetArn"]
    clock.advance(60)
    put(s3, f"ITEM_ID,{column}\r\ni,{value}\r\n")
    source = {"dataSource": {"dataLocation": "s3://shop/data.csv"}, "roleArn": ROLE}
    arn = client.create_dataset_import_job(jobName="items", datasetArn=items, **source)["datasetImportJobArn"]
    status, reason = outcome(client, arn)
    if status != "ACTIVE":
        return reason
    records = personalize_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].records
    return records[items].holds.data.get("i").get(column)


# The bounds are Avro's (https://avro.apache.org/docs/1.11.1/specification/): 32 and 64 bits, IEEE 754
@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("A_int", "2147483647", 2**31 - 1),
        ("A_int", "-2147483648", -(2**31)),
        ("A_long", "3000000000", 3_000_000_000),
        ("A_long", "+5", 5),
        ("A_float", "1e5", 100_000.0),
        ("A_float", ".5", 0.5),
        ("A_double", "-1.5E-300", -1.5e-300),
        ("A_boolean", "True", "True"),
        ("A_boolean", "0", "0"),
        ("A_int", "", None),
        ("TEXT", '"say \\"hi\\", and a \\\\"', 'say "hi", and a \\'),
        ("TEXT", '"say ""hi"""', 'say "hi"'),
        ("TEXT", "a\\b", "a\\b"),
        ("TEXT", "a\u2028b\x0bc", "a\u2028b\x0bc"),
        ("TEXT", "a" * 20_001, "a" * 20_000),
    ],
)
def test_a_value_is_imported_as_it_is_meant(client, group, s3, column, text, value):
    assert imported_item(client, group, s3, column, text) == value


@pytest.mark.parametrize(
    ("column", "text"),
    [
        *(
            ("A_int", text)
            for text in ("3000000000", "-2147483649", "1_990", "1e5", "5.0", " 5", "5 ", "\u0663", "0x1F")
        ),
        *(("A_long", text) for text in (str(2**63), "9" * 5000, "1_0", "1e5", "inf", "--5")),
        *(("A_float", text) for text in ("inf", "nan", "1e39", "1_0.5", " 1", "1.5f", "\u0663.5", ".")),
        *(("A_double", text) for text in ("1e309", "Infinity")),
        *(("A_boolean", text) for text in ("yes", "2", " true")),
    ],
)
def test_a_value_that_is_not_of_its_type_is_not_imported(client, group, s3, column, text):
    said = imported_item(client, group, s3, column, text)
    assert said == f"Record 1: {column} is {text!r}: the schema has null or {column.removeprefix('A_')}."


def test_the_first_import_must_be_full(client, dataset, s3):
    put(s3, f"{HEADER}\n" + ROW * 1000)
    with pytest.raises(client.exceptions.InvalidInputException, match="FULL"):
        start(client, importMode="INCREMENTAL")
    outcome(client, start(client))
    assert outcome(client, start(client, name="more", importMode="INCREMENTAL")) == ("ACTIVE", None)


def test_a_missing_column_may_be_assumed_to_be_refused_at_the_call(client, dataset, s3):
    assumptions.import_header_checked = "call"
    put(s3, "USER_ID,TIMESTAMP\n")
    with pytest.raises(client.exceptions.InvalidInputException, match=r"columns: \[ITEM_ID\]"):
        start(client)
    assert client.list_dataset_import_jobs()["datasetImportJobs"] == []


def test_assumptions_on_the_data_can_be_eased(client, dataset, s3):
    assumptions.minimum_interactions = 1
    put(s3, f"{HEADER},COLOUR,\nu,i,1,red,\n")
    assert outcome(client, start(client)) == ("ACTIVE", None)
    assumptions.unknown_columns = "refused"
    status, said = outcome(client, start(client, name="again"))
    assert (status, said) == ("CREATE FAILED", "Input csv has columns that the schema does not have: ['COLOUR', '']")


def test_a_job_name_is_used_up_for_good(client, dataset, s3):
    outcome(client, start(client))
    with pytest.raises(client.exceptions.ResourceAlreadyExistsException, match="dataset-import-job/job"):
        start(client)


def test_an_import_needs_a_location(client, dataset):
    request = {"jobName": "a", "datasetArn": dataset, "dataSource": {}}
    assert "dataLocation" in refusal(client.create_dataset_import_job, **request)[1]


def test_records_are_read_at_a_few_calls_each(client, dataset, s3):
    for name, count in (("few", 1000), ("many", 5000)):
        put(s3, f"{HEADER}\n" + ROW * count, f"{name}.csv")
    few, many = (cost(lambda: start(client, f"s3://shop/{name}.csv", name)) for name in ("few", "many"))  # noqa: B023
    assert (many - few) / 4000 < 20
    assert outcome(client, f"{PREFIX}dataset-import-job/many") == ("ACTIVE", None)
