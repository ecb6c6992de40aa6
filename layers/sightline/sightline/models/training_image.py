"""The training image that the stack builds: whether the registry has it, its builds, and the trainings that wait for
it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from botocore.exceptions import ClientError

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.aws.workflows import StateMachine
from sightline.errors import SightlineError

if TYPE_CHECKING:
    from mypy_boto3_codebuild.type_defs import BuildTypeDef

SUCCEEDED = "SUCCEEDED"
RUNNING = "IN_PROGRESS"
TAG = "IMAGE_TAG"  # the variable that training/buildspec.yml reads
ASKED = ("force", "hyperparameters", "model_uri", "test_set")  # what PlanTraining reads of the input of an execution
NEWEST = 20  # builds that are looked at


class BuildRefusedError(SightlineError):
    """CodeBuild starts no build: by a quota of a new account, for example."""


@dataclass(frozen=True, slots=True)
class ImageBuild:
    """One build. `status` is CodeBuild's: IN_PROGRESS, SUCCEEDED, FAILED, FAULT, TIMED_OUT or STOPPED. `log` is the
    address of its log in AWS's console, or the build's id as long as there is none.
    """

    tag: str
    status: str
    log: str

    @classmethod
    def read(cls, build: "BuildTypeDef") -> Self:
        variables = build.get("environment", {}).get("environmentVariables", [])
        tag = next((entry["value"] for entry in variables if entry["name"] == TAG), "")
        return cls(tag, build.get("buildStatus", ""), build.get("logs", {}).get("deepLink", build.get("id", "")))


class TrainingImages:
    """The images of one repository, each tagged with the digest of its code, and the project that builds them."""

    def __init__(self, aws: Aws, repository_uri: str, project: str) -> None:
        self.aws = aws
        self.repository_uri = repository_uri
        self.project = project

    def uri(self, tag: str) -> str:
        return f"{self.repository_uri}:{tag}"

    def has(self, tag: str) -> bool:
        """Return whether the registry has the image."""
        repository = self.repository_uri.partition("/")[2]
        try:
            self.aws.ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
        except self.aws.ecr.exceptions.ImageNotFoundException:
            return False
        return True

    def builds(self, tag: str) -> list[ImageBuild]:
        """Return the builds of an image among the newest of the project, the newest first."""
        return [build for build in self._newest(NEWEST) if build.tag == tag]

    def newest_build(self) -> ImageBuild | None:
        """Return the newest build of the project, of whichever image; None before the first."""
        return next(iter(self._newest(1)), None)

    def problem(self) -> str | None:
        """Return in one sentence why the newest image could not be built; None where nothing went wrong."""
        build = self.newest_build()
        if build is None or build.status in (RUNNING, SUCCEEDED):
            return None
        return (
            f"The training image could not be built: the last build ended {build.status}. Trainings wait for it; "
            f"`sightline train` starts another build. Log: {build.log}"
        )

    def _newest(self, number: int) -> list[ImageBuild]:
        ids = self.aws.codebuild.list_builds_for_project(projectName=self.project, sortOrder="DESCENDING")["ids"]
        if not ids:
            return []
        described = {one["id"]: one for one in self.aws.codebuild.batch_get_builds(ids=ids[:number])["builds"]}
        return [ImageBuild.read(described[one]) for one in ids[:number] if one in described]

    def start(self, tag: str, source: str, attempt: int) -> ImageBuild:
        """Start a build from the archive `source` (bucket/key). The same attempt of a tag is started once, however
        many ask for it within five minutes. Raise BuildRefusedError.
        """
        try:
            started = self.aws.codebuild.start_build(
                projectName=self.project,
                sourceTypeOverride="S3",
                sourceLocationOverride=source,
                environmentVariablesOverride=[{"name": TAG, "value": tag, "type": "PLAINTEXT"}],
                idempotencyToken=f"{tag}-{attempt}",
            )
        except ClientError as error:
            raise BuildRefusedError(f"the build of the training image could not be started: {error}") from error
        return ImageBuild.read(started["build"])


class WaitingTrainings:
    """Trainings that wait for their image: one note for what is asked for, however often."""

    def __init__(self, artifacts: ObjectStore) -> None:
        self.artifacts = artifacts

    def note(self, request: Mapping[str, object]) -> str:
        """Note that a training with this input of an execution waits. Return the key of the note."""
        asked = {name: value for name, value in request.items() if name in ASKED}
        key = names.waiting_training(json.dumps(asked, sort_keys=True))
        self.artifacts.write_json(key, asked)
        return key

    def start(self, workflow: StateMachine, build_id: str) -> int:
        """Start every training that waits, once for one build. Return how many."""
        started = 0
        for key in self.artifacts.keys(names.WAITING_TRAININGS):
            request = self.artifacts.find_json(key)
            if request is None:  # the same event, delivered twice, was here before
                continue
            note = key.removeprefix(names.WAITING_TRAININGS).removesuffix(".json")
            started += workflow.start_once(f"image-{build_id}-{note}", request)
            self.artifacts.delete(key)
        return started
