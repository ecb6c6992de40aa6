"""Register an accepted model: its release is copied to models/, and a person is asked to approve it.

Input:   {"training_job", "image_uri", "dataset_version", "fingerprint", "started_by", "correlation_id",
         "judgement": what JudgeModel answered}
Output:  {"model_package_arn", "release_uri"}
Errors:  IncompleteReleaseError, InvalidMetricError
"""

import gzip
import io
import json
import os
import tarfile
from typing import TYPE_CHECKING, TypedDict

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.aws.topic import Topic
from sightline.errors import SightlineError
from sightline.fields import Fields
from sightline.models import model_card
from sightline.models.evaluation import read_evaluation
from sightline.models.registry import Registry
from sightline.runtime import Context, logger, step
from sightline.vision.description import ModelDescription, ReleasedDescription

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import ModelPackageModelCardTypeDef

NEEDED = ("model.json", "model.onnx")
INT8 = "model.int8.onnx"
GOLDEN = "golden/"

aws = Aws()
registry = Registry(aws, os.environ["MODEL_PACKAGE_GROUP"])
topic = Topic(aws, os.environ["NOTIFICATION_TOPIC"])
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])


class IncompleteReleaseError(SightlineError):
    """Evaluation ended well and left no whole release."""


class Judgement(TypedDict):
    """What this step needs of JudgeModel's answer."""

    decision_uri: str
    evaluation_uri: str
    reasons: list[str]
    int8: bool
    map50: str  # 0..1, a text as the registry takes it
    map50_95: str


class Request(TypedDict):
    training_job: str
    image_uri: str
    dataset_version: str
    fingerprint: str
    started_by: str  # empty where nobody knows
    judgement: Judgement
    correlation_id: str


class RegisteredRelease(TypedDict):
    model_package_arn: str
    release_uri: str


def named(model_json: bytes, correlation_id: str) -> bytes:
    """Return model.json with the id that devices put on what they say of the model."""
    described: ReleasedDescription = json.loads(model_json)
    released: ReleasedDescription = {**described, "correlation_id": correlation_id}
    return json.dumps(released, indent=1).encode()


def release(job: str, *, int8: bool, correlation_id: str) -> tuple[str, str]:
    """Copy what evaluation released, singly and as model.tar.gz; answers the two URIs. Twice gives the same bytes.

    The int8 variant goes along only when it passed the gate too.
    """
    source, target = names.evaluation_prefix(job), names.model_prefix(job)
    found = [key.removeprefix(source) for key in artifacts.keys(source)]
    missing = [name for name in NEEDED if name not in found]
    if missing:
        raise IncompleteReleaseError(
            f"{artifacts.uri(source)} lacks {', '.join(missing)}; read the evaluation job's log"
        )
    archive = io.BytesIO()
    # No time in the header: else a repeated registration would change the file of a registered model.
    with gzip.GzipFile(fileobj=archive, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        wanted = (*NEEDED, INT8) if int8 else NEEDED
        for name in sorted(name for name in found if name in wanted or name.startswith(GOLDEN)):
            body = artifacts.read(source + name)
            if name == "model.json":
                body = named(body, correlation_id)
            artifacts.write(f"{target}release/{name}", body)
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return artifacts.uri(f"{target}release/"), artifacts.write(f"{target}model.tar.gz", archive.getvalue())


def origin(model: ModelDescription) -> dict[str, str]:
    """The property that a promoted model has more: its ARN in the registry of the stack that trained it."""
    promoted = Fields(model, "in model.json").fields("promoted_from")
    return {"promoted_from": promoted.text("package_arn")} if promoted.values else {}


def card(
    job: str, image_uri: str, judgement: Judgement, archive_uri: str, model: ModelDescription
) -> "ModelPackageModelCardTypeDef":
    """The model card, from what evaluation and gate wrote."""
    content = model_card.content(
        training_job=job,
        evaluation=read_evaluation(artifacts.read_json(names.evaluation_prefix(job) + "evaluation.json")),
        decision=artifacts.read_json(names.decision(job)),
        model=model,
        image_uri=image_uri,
        archive_uri=archive_uri,
        uris={
            "report": artifacts.uri(names.evaluation_prefix(job) + "report.html"),
            "evaluation": judgement["evaluation_uri"],
            "decision": judgement["decision_uri"],
            **origin(model),
        },
    )
    return model_card.card(content)


@step
def handler(event: Request, context: Context) -> RegisteredRelease:
    job, image_uri, judgement = event["training_job"], event["image_uri"], event["judgement"]
    release_uri, archive_uri = release(job, int8=judgement["int8"], correlation_id=event["correlation_id"])
    model: ModelDescription = artifacts.read_json(names.evaluation_prefix(job) + "model.json")
    package_arn = registry.register(
        training_job=job,
        image_uri=image_uri,
        archive_uri=archive_uri,
        evaluation_uri=judgement["evaluation_uri"],
        card=card(job, image_uri, judgement, archive_uri, model),
        properties={
            "training_job": job,
            "correlation_id": event["correlation_id"],
            "dataset_version": event["dataset_version"],
            "fingerprint": event["fingerprint"],
            "int8": str(judgement["int8"]).lower(),
            "map50": judgement["map50"],
            "map50_95": judgement["map50_95"],
            "decision_uri": judgement["decision_uri"],
            "evaluation_uri": judgement["evaluation_uri"],
            "release_uri": release_uri,
            **origin(model),
            **({"started_by": event["started_by"]} if event["started_by"] else {}),
        },
    )
    score = float(judgement["map50"])
    lines = [
        f"mAP@.50 is {score:.3f}.",
        *judgement["reasons"],
        "Approve it with `sightline approve`, or in the console.",
        package_arn,
    ]
    topic.publish(f"A new model waits for approval: {job}", lines)
    logger.info("model registered", model_package_arn=package_arn)
    return {"model_package_arn": package_arn, "release_uri": release_uri}
