"""CodeBuild and ECR, as far as the training image goes: builds that a test ends, and the images that they pushed."""

from types import SimpleNamespace
from typing import Any

import boto3
from botocore.exceptions import ClientError

from local.emulator.aws_shapes import check_request

REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sightline-trainingimagerepository-1"
PROJECT = "sightline-training-image"
LOG = "https://console.aws.amazon.com/cloudwatch/home#logsV2"


class FakeBuilds:
    """`builds` are those that were started, the oldest first; `refusal` refuses the next; `images` holds tags."""

    def __init__(self) -> None:
        self.builds: list[dict[str, Any]] = []
        self.images: set[str] = set()
        self.asked: list[str] = []  # for images, by tag
        self.refusal: ClientError | None = None
        self.ecr = SimpleNamespace(
            describe_images=self.describe_images,
            exceptions=boto3.client("ecr", region_name="us-east-1").exceptions,
        )

    def end(self, status: str = "SUCCEEDED") -> None:
        """End the newest build; the image is there when it succeeded."""
        self.builds[-1]["buildStatus"] = status
        if status == "SUCCEEDED":
            self.images.add(self.tag)

    @property
    def tag(self) -> str:
        """The tag of the newest build."""
        variables = self.builds[-1]["environment"]["environmentVariables"]
        return str(next(entry["value"] for entry in variables if entry["name"] == "IMAGE_TAG"))

    def describe_images(self, **request: Any) -> dict[str, Any]:
        check_request("ecr", "DescribeImages", request)
        assert request["repositoryName"] == REPOSITORY.partition("/")[2]
        tag = request["imageIds"][0]["imageTag"]
        self.asked.append(tag)
        if tag not in self.images:
            error = {"Error": {"Code": "ImageNotFoundException", "Message": tag}}
            raise self.ecr.exceptions.ImageNotFoundException(error, "DescribeImages")
        return {"imageDetails": [{"imageTags": [tag]}]}

    def start_build(self, **request: Any) -> dict[str, Any]:
        check_request("codebuild", "StartBuild", request)
        assert request["projectName"] == PROJECT
        if self.refusal:
            raise self.refusal
        known = [build for build in self.builds if build["token"] == request["idempotencyToken"]]
        if not known:
            number = len(self.builds) + 1
            build = {
                "id": f"{PROJECT}:{number}",
                "buildStatus": "IN_PROGRESS",
                "source": {"location": request["sourceLocationOverride"]},
                "environment": {
                    "environmentVariables": [
                        {"name": "REPOSITORY_URI", "value": REPOSITORY},
                        *request["environmentVariablesOverride"],
                    ]
                },
                "logs": {"deepLink": f"{LOG}/{number}"},
                "token": request["idempotencyToken"],
            }
            self.builds.append(build)
            known = [build]
        return {"build": known[0]}

    def list_builds_for_project(self, **request: Any) -> dict[str, Any]:
        check_request("codebuild", "ListBuildsForProject", request)
        return {"ids": [build["id"] for build in reversed(self.builds)]}

    def batch_get_builds(self, **request: Any) -> dict[str, Any]:
        check_request("codebuild", "BatchGetBuilds", request)
        return {"builds": [build for build in self.builds if build["id"] in request["ids"]]}
