"""What a deleted stack has left is found, also after an adoption that came to nothing."""

from datetime import UTC, datetime
from typing import Any

from client.removal import removing
from client.target import Place
from tests.given_aws import GivenAws


class CloudFormation:
    """Stacks of one name that were deleted, the first one with a kept bucket, and one of another name."""

    def get_paginator(self, name: str) -> Any:
        self.listed = name
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        if self.listed == "list_stacks":
            deleted = [("line", "a", 1), ("line", "b", 2), ("other", "c", 3)]
            return [{"StackSummaries": [
                {"StackName": name, "StackId": made, "CreationTime": datetime(2026, 1, day, tzinfo=UTC)}
                for name, made, day in deleted
            ]}]  # fmt: skip
        status = "DELETE_SKIPPED" if asked["StackName"] == "a" else "DELETE_COMPLETE"
        event = {"LogicalResourceId": "ImagesBucket", "ResourceType": "AWS::S3::Bucket",
                 "PhysicalResourceId": "bucket", "ResourceStatus": status}  # fmt: skip
        return [{"StackEvents": [event]}]


def place(name: str) -> Place:
    made = Place(name, None)
    made.__dict__["aws"] = GivenAws(None, None, cloudformation=CloudFormation())
    return made


def test_the_last_stack_that_has_kept_something_counts() -> None:
    assert removing.last_deleted(place("line")) == "a"
    assert removing.last_deleted(place("other")) == ""
