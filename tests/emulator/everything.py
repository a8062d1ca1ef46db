"""A shop that uses all there is: one call at least of every operation of the three services."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from moto.core.utils import camelcase_to_underscores
from response_contract import watched_api
from shop import PREFIX, ROLE, SCHEMA, api

from airflow_provider_personalize.emulator import clock, service_model

RECIPE: Final = "arn:aws:personalize:::recipe/aws-"
HOUR: Final = 3600
OUTPUT: Final = {"s3DataDestination": {"path": "s3://all/out/"}}
TAGS: Final = [{"tagKey": "team", "tagValue": "shop"}]
TEXT: Final = {"type": "string", "categorical": True}
FIELDS: Final[dict[str, list[dict[str, Any]]]] = {
    "Interactions": [*SCHEMA["fields"], {"name": "EVENT_TYPE", "type": "string"}],
    "Items": [
        {"name": "ITEM_ID", "type": "string"},
        {"name": "GENRE", **TEXT},
        {"name": "CATEGORY_L1", **TEXT},
        {"name": "PRICE", "type": "float"},
    ],
    "Users": [{"name": "USER_ID", "type": "string"}, {"name": "AGE", "type": "int"}],
    "Actions": [{"name": "ACTION_ID", "type": "string"}, {"name": "VALUE", "type": "long"}],
    "Action_Interactions": [
        {"name": "USER_ID", "type": "string"},
        {"name": "ACTION_ID", "type": "string"},
        {"name": "EVENT_TYPE", "type": "string"},
        {"name": "TIMESTAMP", "type": "long"},
    ],
}
CSVS: Final = {
    "Interactions": lambda n: (
        f"u{n % 50},i{(n % 50 * 3 + n // 50) % 40},{1_700_000_000 + n},{'view' if n % 5 else 'buy'}"
    ),
    "Items": lambda n: f"i{n},{'comedy' if n % 2 else 'drama'},film,{n}.5" if n < 40 else None,
    "Users": lambda n: f"u{n},{20 + n}" if n < 50 else None,
    "Actions": lambda n: f"a{n},{n}" if n < 10 else None,
    "Action_Interactions": lambda n: f"u{n % 50},a{(n % 50 + n // 50) % 10},taken,{1_700_000_000 + n}",
}


def schema(dataset_type: str, *more: dict[str, Any]) -> str:
    return json.dumps({**SCHEMA, "name": dataset_type, "fields": [*FIELDS[dataset_type], *more]})


class Everything:
    """The shop, and what it is made of."""

    def __init__(self, client: Callable[[str], Any], name: str = "all") -> None:
        self._client, self._name = client, name
        self.api, self.events, self.runtime = map(client, service_model.SERVICES)
        self.s3 = client("s3")
        self.s3.create_bucket(Bucket=name)
        self.group = f"{PREFIX}dataset-group/{name}"
        self.tracker = self.tracking_id = ""
        self.versions: dict[str, str] = {}

    def dataset(self, dataset_type: str) -> str:
        return f"{PREFIX}dataset/{self._name}/{dataset_type.upper()}"

    def put(self, key: str, text: str) -> str:
        self.s3.put_object(Bucket=self._name, Key=key, Body=text.encode())
        return f"s3://{self._name}/{key}"

    def listed(self, folder: str) -> list[str]:
        return [each["Key"] for each in self.s3.list_objects_v2(Bucket="all", Prefix=folder).get("Contents", ())]

    def read(self, key: str) -> str:
        return self.s3.get_object(Bucket="all", Key=key)["Body"].read().decode()

    def beside(self, name: str) -> Everything:
        """Return another shop in the same account."""
        return Everything(self._client, name)

    def open(self, domain: str | None = None, dataset_types: tuple[str, ...] = tuple(FIELDS)) -> None:
        """Make a group with datasets of these types that it can have: in a domain there are none of actions."""
        given = {"domain": domain} if domain else {}
        self.api.create_dataset_group(name=self._name, tags=TAGS, **given)
        clock.advance(HOUR)
        self.dataset_types = [
            dataset_type for dataset_type in dataset_types if not (domain and dataset_type.startswith("Action"))
        ]
        for dataset_type in self.dataset_types:
            name = dataset_type if self._name == "all" else f"{self._name}-{dataset_type}"
            arn = self.api.create_schema(name=name, schema=schema(dataset_type), **given)["schemaArn"]
            self.api.create_dataset(
                name=dataset_type, schemaArn=arn, datasetGroupArn=self.group, datasetType=dataset_type
            )
        clock.advance(HOUR)

    def import_all(self) -> None:
        """Import rows into all datasets."""
        for dataset_type in self.dataset_types:
            line = CSVS[dataset_type]
            header = ",".join(field["name"] for field in FIELDS[dataset_type])
            text = "\n".join([header, *(row for row in map(line, range(1500)) if row)])
            self.import_csv(
                dataset_type, self.put(f"in/{dataset_type}.csv", text), f"import-{self._name}-{dataset_type}"
            )

    def import_csv(self, dataset_type: str, location: str, job: str, mode: str = "FULL") -> str:
        given = {"datasetArn": self.dataset(dataset_type), "dataSource": {"dataLocation": location}, "roleArn": ROLE}
        arn = self.api.create_dataset_import_job(jobName=job, importMode=mode, **given)["datasetImportJobArn"]
        clock.advance(HOUR)
        job_now = self.api.describe_dataset_import_job(datasetImportJobArn=arn)["datasetImportJob"]
        assert job_now["status"] == "ACTIVE", job_now
        return arn

    def solve(self, name: str, recipe: str, **more: Any) -> str:
        """Make a solution that does not train by itself, and an ACTIVE version of it; return the version."""
        given = {"datasetGroupArn": self.group, "recipeArn": RECIPE + recipe, "performAutoTraining": False, **more}
        solution = self.api.create_solution(name=name, **given)["solutionArn"]
        clock.advance(HOUR)
        return self.train(solution)

    def train(self, solution: str, **more: Any) -> str:
        arn = self.api.create_solution_version(solutionArn=solution, **more)["solutionVersionArn"]
        clock.advance(HOUR)
        now = self.api.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]
        assert now["status"] == "ACTIVE", now
        return arn

    def campaign(self, name: str, version: str, **more: Any) -> str:
        arn = self.api.create_campaign(name=name, solutionVersionArn=version, **more)["campaignArn"]
        clock.advance(HOUR)
        return arn

    def track(self) -> None:
        made = self.api.create_event_tracker(name="clicks", datasetGroupArn=self.group)
        self.tracker, self.tracking_id = made["eventTrackerArn"], made["trackingId"]
        clock.advance(HOUR)

    def describe(self, resource_type: str, arn: str) -> dict[str, Any]:
        camel = "".join(word.title() for word in resource_type.split("_"))
        member = camel[0].lower() + camel[1:]
        return getattr(self.api, f"describe_{resource_type}")(**{f"{member}Arn": arn})[member]


def new_shop() -> Everything:
    """A shop in an empty Personalize, in which time stands still."""
    clock.freeze()

    return Everything(lambda name: watched_api(name) if name in service_model.SERVICES else api(name))


class Maker:
    """Creates resources of one type; what they need is created at once."""

    def __init__(self, shop: Everything, resource_type: str) -> None:
        self.shop, self._resource_type = shop, resource_type
        self._request: dict[str, Any] = {"datasetGroupArn": shop.group}
        getattr(self, f"_for_{resource_type}", lambda: None)()

    def make(self, name: str = "x") -> str:
        """Create one and return its ARN."""
        answer = self.call(**self.request(name))
        return next(value for member, value in answer.items() if member.endswith("Arn"))

    @property
    def call(self) -> Callable[..., Any]:
        return getattr(self.shop.api, f"create_{self._resource_type}")

    def request(self, name: str = "x") -> dict[str, Any]:
        return {"jobName" if self._resource_type.endswith("_job") else "name": name, **self._request}

    def _for_schema(self) -> None:
        self._request = {"schema": schema("Items")}

    def _for_dataset_group(self) -> None:
        self._request = {}

    def _for_dataset(self) -> None:
        group = self.shop.api.create_dataset_group(name="fresh")["datasetGroupArn"]
        clock.advance(HOUR)
        self._request = {"datasetGroupArn": group, "datasetType": "Items", "schemaArn": f"{PREFIX}schema/Items"}

    def _for_dataset_import_job(self) -> None:
        source = {"dataSource": {"dataLocation": "s3://all/in/Items.csv"}, "roleArn": ROLE}
        self._request = {"datasetArn": self.shop.dataset("Items"), **source}

    def _for_dataset_export_job(self) -> None:
        self._request = {"datasetArn": self.shop.dataset("Items"), "roleArn": ROLE, "jobOutput": OUTPUT}

    def _for_data_deletion_job(self) -> None:
        location = self.shop.put("gone.csv", "USER_ID\nu1\n")
        self._request |= {"dataSource": {"dataLocation": location}, "roleArn": ROLE}

    def _for_solution(self) -> None:
        self._request |= {"recipeArn": f"{RECIPE}sims", "performAutoTraining": False}

    def _for_solution_version(self, recipe: str = "sims") -> None:
        self._request = {"solutionArn": self.shop.solve("parent", recipe).rpartition("/")[0]}

    def _for_campaign(self, recipe: str = "sims") -> None:
        self._request = {"solutionVersionArn": self.shop.solve("parent", recipe)}

    def _for_batch_inference_job(self, recipe: str = "sims") -> None:
        self._for_campaign(recipe)
        source = {"s3DataSource": {"path": self.shop.put("lines.json", '{"itemId": "i1"}')}}
        self._request |= {"roleArn": ROLE, "jobInput": source, "jobOutput": OUTPUT}

    def _for_batch_segment_job(self) -> None:
        self._for_batch_inference_job("item-affinity")

    def _for_recommender(self) -> None:
        domain = self.shop.beside("domain")
        domain.open("ECOMMERCE")
        domain.import_all()
        self._request = {"datasetGroupArn": domain.group, "recipeArn": f"{RECIPE}ecomm-recommended-for-you"}

    def _for_filter(self) -> None:
        self._request["filterExpression"] = 'EXCLUDE ItemID WHERE Items.GENRE IN ("drama")'

    def _for_metric_attribution(self) -> None:
        self._request |= {"metrics": [], "metricsOutputConfig": {"roleArn": ROLE}}


def use_everything(shop: Everything) -> None:
    """Call every operation, each so that it succeeds."""
    shop.open("ECOMMERCE")
    shop.import_all()
    _real_time(shop)
    _solutions(shop)
    _actions(shop.beside("actions"))
    _recommender(shop)
    _jobs(shop)
    _updates(shop)
    _describe_all(shop)
    _delete_all(shop)


def _real_time(shop: Everything) -> None:
    shop.track()
    event = {"eventType": "buy", "itemId": "i1", "sentAt": clock.now(), "properties": '{"eventValue": "1"}'}
    shop.events.put_events(trackingId=shop.tracking_id, userId="u1", sessionId="s", eventList=[event])
    shop.events.put_items(datasetArn=shop.dataset("Items"), items=[{"itemId": "i99", "properties": '{"genre": "new"}'}])
    shop.events.put_users(datasetArn=shop.dataset("Users"), users=[{"userId": "u99", "properties": '{"age": 7}'}])


def _solutions(shop: Everything) -> None:
    for name, recipe in {
        "personal": "user-personalization-v2",
        "ranking": "personalized-ranking-v2",
        "segments": "item-affinity",
    }.items():
        shop.versions[name] = shop.solve(name, recipe)
    stopped = shop.api.create_solution_version(solutionArn=f"{PREFIX}solution/personal")["solutionVersionArn"]
    shop.api.stop_solution_version_creation(solutionVersionArn=stopped)
    shop.api.get_solution_metrics(solutionVersionArn=shop.versions["personal"])
    expression = "INCLUDE ItemID WHERE Items.GENRE IN ($GENRE)"
    shop.api.create_filter(name="genre", datasetGroupArn=shop.group, filterExpression=expression)
    for name in ("personal", "ranking"):
        shop.campaign(name, shop.versions[name])
    asked = {"filterArn": f"{PREFIX}filter/genre", "filterValues": {"GENRE": '"comedy"'}}
    shop.runtime.get_recommendations(campaignArn=f"{PREFIX}campaign/personal", userId="u1", numResults=5, **asked)
    shop.runtime.get_personalized_ranking(campaignArn=f"{PREFIX}campaign/ranking", userId="u1", inputList=["i1", "i2"])


def _actions(shop: Everything) -> None:
    """Recommend actions, for which a group of no domain is needed."""
    shop.open(dataset_types=("Interactions", "Actions", "Action_Interactions"))
    shop.import_all()
    shop.track()
    shop.events.put_actions(datasetArn=shop.dataset("Actions"), actions=[{"actionId": "a99"}])
    taken = {"actionId": "a1", "userId": "u1", "sessionId": "s", "timestamp": clock.now(), "eventType": "taken"}
    shop.events.put_action_interactions(trackingId=shop.tracking_id, actionInteractions=[taken])
    campaign = shop.campaign("actions", shop.solve("actions", "next-best-action"))
    shop.runtime.get_action_recommendations(campaignArn=campaign, userId="u1")


def _recommender(shop: Everything) -> None:
    recipe = f"{RECIPE}ecomm-recommended-for-you"
    arn = shop.api.create_recommender(name="you", datasetGroupArn=shop.group, recipeArn=recipe)["recommenderArn"]
    clock.advance(HOUR)
    shop.runtime.get_recommendations(recommenderArn=arn, userId="u1")
    shop.api.stop_recommender(recommenderArn=arn)
    clock.advance(HOUR)
    shop.api.start_recommender(recommenderArn=arn)
    clock.advance(HOUR)


def _jobs(shop: Everything) -> None:
    lines = shop.put("in/batch.json", '{"userId": "u1"}\n{"userId": "u2"}\n')
    job = {"roleArn": ROLE, "jobOutput": {"s3DataDestination": {"path": "s3://all/out/"}}}
    batch = {**job, "jobInput": {"s3DataSource": {"path": lines}}}
    shop.api.create_batch_inference_job(jobName="infer", solutionVersionArn=shop.versions["personal"], **batch)
    items = shop.put("in/items.json", '{"itemId": "i1"}\n')
    batch["jobInput"] = {"s3DataSource": {"path": items}}
    shop.api.create_batch_segment_job(jobName="segment", solutionVersionArn=shop.versions["segments"], **batch)
    shop.api.create_dataset_export_job(
        jobName="export", datasetArn=shop.dataset("Interactions"), ingestionMode="ALL", **job
    )
    users = {"dataLocation": shop.put("in/gone.csv", "USER_ID\nu3\n")}
    shop.api.create_data_deletion_job(jobName="gone", datasetGroupArn=shop.group, dataSource=users, roleArn=ROLE)
    metric = {"eventType": "buy", "metricName": "buys", "expression": "SAMPLECOUNT()"}
    shop.api.create_metric_attribution(
        name="worth", datasetGroupArn=shop.group, metrics=[metric], metricsOutputConfig={"roleArn": ROLE}
    )
    clock.advance(3 * HOUR)


def _updates(shop: Everything) -> None:
    shop.api.update_solution(solutionArn=f"{PREFIX}solution/personal", performAutoTraining=True)
    shop.api.update_campaign(campaignArn=f"{PREFIX}campaign/personal", minProvisionedTPS=2)
    config = {"trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["GENRE"]}}}
    shop.api.update_recommender(recommenderArn=f"{PREFIX}recommender/you", recommenderConfig=config)
    wider = schema("Items", {"name": "COLOUR", "type": ["null", "string"], "categorical": True})
    arn = shop.api.create_schema(name="wider", schema=wider, domain="ECOMMERCE")["schemaArn"]
    shop.api.update_dataset(datasetArn=shop.dataset("Items"), schemaArn=arn)
    attribution = {"metricAttributionArn": f"{PREFIX}metric-attribution/worth"}
    more = {"eventType": "view", "metricName": "views", "expression": "SAMPLECOUNT()"}
    shop.api.update_metric_attribution(**attribution, addMetrics=[more], removeMetrics=["buys"])
    clock.advance(HOUR)
    shop.api.list_metric_attribution_metrics(**attribution)


def _describe_all(shop: Everything) -> None:
    shop.api.list_recipes()
    recipe = shop.api.describe_recipe(recipeArn=f"{RECIPE}sims")["recipe"]
    shop.api.describe_algorithm(algorithmArn=recipe["algorithmArn"])
    shop.api.describe_feature_transformation(featureTransformationArn=recipe["featureTransformationArn"])
    shop.api.tag_resource(resourceArn=shop.group, tags=[{"tagKey": "a", "tagValue": "b"}])
    shop.api.list_tags_for_resource(resourceArn=shop.group)
    shop.api.untag_resource(resourceArn=shop.group, tagKeys=["a"])
    for operation in shop.api.meta.service_model.operation_names:
        if operation.startswith("List") and operation.endswith("s") and "Metrics" not in operation:
            _describe_each(shop, operation)


def _describe_each(shop: Everything, operation: str) -> None:
    given = {"solutionArn": f"{PREFIX}solution/personal"} if operation == "ListSolutionVersions" else {}
    answer = getattr(shop.api, camelcase_to_underscores(operation))(**given)
    (summaries,) = (value for value in answer.values() if isinstance(value, list))
    dataset_type = camelcase_to_underscores(operation).removeprefix("list_").removesuffix("s")
    for summary in summaries:
        arn = next(value for name, value in summary.items() if name.lower() == dataset_type.replace("_", "") + "arn")
        shown = shop.describe(dataset_type, arn)
        assert all(shown[name] == value for name, value in summary.items() if name in shown)
    assert summaries, operation


ORDER: Final = (
    ("campaign", "recommender"),
    ("solution",),
    ("event_tracker", "metric_attribution", "filter"),
    ("dataset",),
    ("dataset_group", "schema"),
)


def _delete_all(shop: Everything) -> None:
    """Delete all in the order of the guide."""
    for dataset_types in ORDER:
        for dataset_type in dataset_types:
            answer = getattr(shop.api, f"list_{dataset_type}s")()
            (summaries,) = (value for value in answer.values() if isinstance(value, list))
            for summary in summaries:
                member = next(name for name in summary if name.lower() == dataset_type.replace("_", "") + "arn")
                getattr(shop.api, f"delete_{dataset_type}")(**{member: summary[member]})
        clock.advance(HOUR)
