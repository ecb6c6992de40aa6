"""SageMaker for the emulator: one handler for jobs, model registry and feature store, with IAM in force.

The hooks into MiniStack that this uses are all in `register`; tests/unit/local/emulator/test_hooks.py fails when one
moves.
"""

import json
import logging
from typing import Any
from urllib.parse import unquote

from local.emulator.aws_shapes import AwsError, Query, Structure, to_wire
from local.emulator.sagemaker import feature_groups, feature_records, jobs, labeling_jobs, registry
from local.emulator.sagemaker.api import arn, call

# Importing a module registers its operations.
MODULES = (feature_groups, jobs, labeling_jobs, registry)

logger = logging.getLogger("sightline.sagemaker")

# What IAM checks: the request's field that names the resource, and the resource's kind in its ARN.
RESOURCES = {
    "TrainingJobName": "training-job",
    "ProcessingJobName": "processing-job",
    "LabelingJobName": "labeling-job",
    "ModelPackageGroupName": "model-package-group",
    "FeatureGroupName": "feature-group",
}
# They name a group, and AWS authorises them on its packages.
OF_PACKAGES = ("CreateModelPackage", "ListModelPackages")


def resource_arn(headers: dict[str, str], path: str, body: bytes) -> str:
    """Return the ARN that IAM checks for a request, or `*`."""
    if path.startswith("/FeatureGroup/"):
        return arn("feature-group", unquote(path.split("/")[2]))
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return "*"
    for field in ("ModelPackageArn", "ModelPackageName"):
        if str(request.get(field, "")).startswith("arn:"):
            return str(request[field])
    target = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    if target in OF_PACKAGES and "ModelPackageGroupName" in request:
        return arn("model-package", request["ModelPackageGroupName"] + "/*")
    for field, kind in RESOURCES.items():
        if field in request and target not in ("ListTrainingJobs", "ListProcessingJobs", "ListLabelingJobs"):
            return arn(kind, str(request[field]))
    return "*"


async def handle_request(
    method: str, path: str, headers: dict[str, str], body: bytes, query_params: Query
) -> tuple[int, dict[str, str], bytes]:
    """Answer one HTTP request, as MiniStack asks its services to."""
    try:
        if path.startswith(("/FeatureGroup/", "/BatchGetRecord")):
            answer = feature_records.serve(method, path, body, query_params)
        else:
            name = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
            answer = call(name, json.loads(body or b"{}"))
    except AwsError as error:
        return _answer(error.status, {"__type": error.code, "message": error.message, "Message": error.message})
    except ValueError as error:
        return _answer(400, {"__type": "SerializationException", "message": str(error)})
    return _answer(200, answer)


def _answer(status: int, value: Structure) -> tuple[int, dict[str, str], bytes]:
    headers = {"Content-Type": "application/x-amz-json-1.1"}
    if "__type" in value:
        headers["x-amzn-errortype"] = value["__type"]
    return status, headers, json.dumps(to_wire(value)).encode()


def register() -> None:
    """Hook into MiniStack: routing, IAM, the Step Functions integrations, the CloudFormation types."""
    from ministack import app
    from ministack.core import iam_actions, router
    from ministack.services.cloudformation import changesets, provisioners

    app.SERVICE_HANDLERS["sagemaker"] = handle_request
    router.SERVICE_PATTERNS["sagemaker"] = {
        "target_prefixes": ["SageMaker."],
        "credential_scope": "sagemaker",
        "host_patterns": [],
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE["sagemaker"] = "sagemaker"
    known_arn, known_action = iam_actions.extract_resource_arn, iam_actions.extract_iam_action

    def extract_resource_arn(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        if service == "sagemaker":
            return resource_arn(headers, path, body)
        return str(known_arn(service, method, path, headers, body, *rest))

    def extract_iam_action(service: str, method: str, path: str, *rest: Any) -> str | None:
        if service == "sagemaker" and path.startswith(("/FeatureGroup/", "/BatchGetRecord")):
            return f"sagemaker:{feature_records.action(method, path)}"
        action = known_action(service, method, path, *rest)
        return None if action is None else str(action)

    iam_actions.extract_resource_arn, iam_actions.extract_iam_action = extract_resource_arn, extract_iam_action
    group = "AWS::SageMaker::ModelPackageGroup"
    provisioners._RESOURCE_HANDLERS[group] = registry.GROUP_RESOURCE
    changesets._IMPORT_LOOKUPS[group] = (("ModelPackageGroupArn",), registry.import_problem)
    provisioners._RESOURCE_HANDLERS["AWS::SageMaker::FeatureGroup"] = feature_groups.GROUP_RESOURCE
