"""Builds of the training image, simulated: MiniStack's CodeBuild runs no commands, and this machine needs no Docker.

A build ends at once, well, and leaves an image in ECR that has no layers and whose media type says that it is
simulated; a job of it runs the code of this folder as a process. CloudFormation and CodeBuild send the events that they
send on AWS, so the application does what it does there.
"""

import contextvars
import json
import threading
from typing import Any

from local.account import ACCOUNT, REGION
from local.emulator.aws_shapes import Structure

MEDIA_TYPE = "application/vnd.sightline.simulated-image"
DOCKER_VARIABLES = ("REPOSITORY_URI", "IMAGE_TAG")  # what training/buildspec.yml reads


def is_simulated(image: str) -> bool:
    """Return whether a simulated build left the image with this address."""
    from ministack.services import ecr

    repository, _, tag = image.partition("/")[2].partition(":")
    return any(
        tag in found["imageTags"] and found["imageManifestMediaType"] == MEDIA_TYPE
        for found in ecr._images.get(repository, [])
    )


def register() -> None:
    """Let the emulator of this process simulate builds and send the events of builds and deployments."""
    from ministack.core import iam_actions
    from ministack.services import codebuild, ecr
    from ministack.services.cloudformation import _stacks, changesets, handlers

    start, deploy = codebuild._start_build, changesets._deploy_stack_async
    describe, resource_arn = ecr._describe_images, iam_actions.extract_resource_arn

    def start_build(request: Structure) -> Any:
        answer = start(request)
        if answer[0] != 200:
            return answer
        build = codebuild._builds[json.loads(answer[2])["build"]["id"]]
        _override(build, request)
        _leave_image(build)
        _send("aws.codebuild", "CodeBuild Build State Change", _told(build), [build["arn"]])
        return codebuild.json_response({"build": build})

    def describe_images(request: Structure) -> Any:
        """On AWS an image that is not there is an error, as long as it was asked for by its tag or digest."""
        answer = describe(request)
        if request.get("imageIds") and answer[0] == 200 and not json.loads(answer[2])["imageDetails"]:
            said = f"The image with imageId {request['imageIds']} does not exist"
            return ecr.error_response_json("ImageNotFoundException", said, 400)
        return answer

    async def deploy_stack(name: str, stack_id: str, *rest: Any, **named: Any) -> Any:
        try:
            return await deploy(name, stack_id, *rest, **named)
        finally:
            status = (_stacks.get(name) or {}).get("StackStatus", "")
            detail = {"stack-id": stack_id, "status-details": {"status": status, "status-reason": ""}}
            _send("aws.cloudformation", "CloudFormation Stack Status Change", detail, [stack_id])

    def extract_resource_arn(service: str, method: str, path: str, headers: Any, body: Any, *rest: Any) -> Any:
        """Builds are authorised on their project, which the emulator reads from no list of ids."""
        found = resource_arn(service, method, path, headers, body, *rest)
        if service == "codebuild" and found == "*":
            projects = {str(one).partition(":")[0] for one in json.loads(body or b"{}").get("ids", [])}
            if len(projects) == 1:
                return f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{projects.pop()}"
        return found

    codebuild._start_build, iam_actions.extract_resource_arn = start_build, extract_resource_arn
    ecr._describe_images = describe_images
    changesets._deploy_stack_async = handlers._deploy_stack_async = deploy_stack


def _override(build: Structure, request: Structure) -> None:
    """Give a build what its request replaces of the project, which the emulator ignores."""
    environment = build["environment"]
    given = request.get("environmentVariablesOverride", [])
    names = {entry["name"] for entry in given}
    kept = [entry for entry in environment.get("environmentVariables", []) if entry["name"] not in names]
    build["environment"] = {**environment, "environmentVariables": [*kept, *given]}
    build["source"] = {**build["source"], "location": request.get("sourceLocationOverride", "")}
    build["logs"]["deepLink"] = f"simulated-build:{build['id']}"


def _leave_image(build: Structure) -> None:
    from ministack.services import ecr

    variables = {entry["name"]: entry["value"] for entry in build["environment"]["environmentVariables"]}
    uri, tag = (variables.get(name, "") for name in DOCKER_VARIABLES)
    status, _, body = ecr._put_image({
        "repositoryName": uri.partition("/")[2],
        "imageTag": tag,
        "imageManifest": json.dumps({"simulated": uri, "tag": tag}),
        "imageManifestMediaType": MEDIA_TYPE,
    })  # fmt: skip
    if status != 200:
        build["buildStatus"] = "FAILED"
        build["logs"]["deepLink"] = f"simulated-build:{body!r:.200}"


def _told(build: Structure) -> Structure:
    """Return the detail of CodeBuild's event, as far as rules and functions of the application read it."""
    return {
        "build-status": build["buildStatus"],
        "project-name": build["projectName"],
        "build-id": build["arn"],
        "additional-information": {"logs": {"deep-link": build["logs"]["deepLink"]}},
    }


def _send(source: str, detail_type: str, detail: Structure, resources: list[str]) -> None:
    """Put an event on the default bus from a thread: its targets ask the emulator, which is busy with this call."""
    from ministack.services import eventbridge

    entry = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail), "Resources": resources}
    entries = {"Entries": [{**entry, "EventBusName": "default"}]}
    sending = contextvars.copy_context()
    work = threading.Thread(
        target=sending.run, args=(eventbridge._put_events, entries), kwargs={"allow_aws_source": True}, daemon=True
    )
    work.start()
