"""Tag resources of Amazon Personalize."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_personalize.operators.base import ChangingOperator

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import ChangingOptions


class TagResourceOperator(ChangingOperator):
    """
    Tag a resource of any type but schemas and metric attributions. A tag that it has gets the new value.

    Calls ``TagResource`` (https://docs.aws.amazon.com/personalize/latest/dg/API_TagResource.html). To do it again
    changes nothing, so a retry is safe.

    :param resource_arn: The ARN of the resource. (templated)
    :param tags: ``[{"tagKey": …, "tagValue": …}]``. A resource has at most 50, and none that begins with ``aws:``
        (https://docs.aws.amazon.com/personalize/latest/dg/personalize-managing-tags.html). (templated)
    :return: The ARN.
    :raises botocore.exceptions.ClientError: ``TooManyTagsException``, where it would have more than 50; or it does not
        exist.
    """

    operation = "TagResource"

    def __init__(
        self, *, resource_arn: str, tags: list[dict[str, str]] | str, **kwargs: Unpack[ChangingOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.resource_arn = resource_arn
        self.tags = tags

    def perform(self, context: Context) -> str:  # noqa: ARG002 - as of all
        """Tag it."""
        from airflow_provider_personalize.operators.driver import call_with_retry

        call_with_retry(self, lambda: self.api.call(self.api.build_request()))
        return self.resource_arn


class UntagResourceOperator(ChangingOperator):
    """
    Take tags off a resource. Those that it does not have make no difference.

    Calls ``UntagResource`` (https://docs.aws.amazon.com/personalize/latest/dg/API_UntagResource.html).

    :param resource_arn: The ARN of the resource. (templated)
    :param tag_keys: The keys of the tags: ``["team", …]``. (templated)
    :return: The ARN.
    :raises botocore.exceptions.ClientError: It does not exist.
    """

    operation = "UntagResource"

    def __init__(self, *, resource_arn: str, tag_keys: list[str] | str, **kwargs: Unpack[ChangingOptions]) -> None:
        super().__init__(**kwargs)
        self.resource_arn = resource_arn
        self.tag_keys = tag_keys

    def perform(self, context: Context) -> str:  # noqa: ARG002 - as of all
        """Take them off."""
        from airflow_provider_personalize.operators.driver import call_with_retry

        call_with_retry(self, lambda: self.api.call(self.api.build_request()))
        return self.resource_arn
