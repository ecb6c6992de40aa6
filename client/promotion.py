"""Carry a registered model into another stack, where the gate judges it again and a person approves it.

What goes along: the release, where it comes from, the documents of its first judgement, and on request the test set.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from botocore.exceptions import ClientError

from client import models, pipeline
from client.target import Target
from sightline import names
from sightline.aws.objects import ObjectStore
from sightline.datasets.snapshot import DatasetDescription
from sightline.errors import SightlineError
from sightline.images.image import Split
from sightline.labelling import manifest
from sightline.models.registry import RegisteredModel
from sightline.models.states import ModelState
from sightline.vision.description import PromotedFrom, ReleasedDescription

COPIERS = 8
JUDGED_ON = (Split.VALIDATION, Split.TEST)  # training images stay at home
RELEASED = ("model.onnx", "model.int8.onnx")
DOCUMENTS = ("evaluation.json", "report.html")


class PromotionRefusedError(SightlineError):
    """A model that can't go to the other stack as it is."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """A model on its way: what is uploaded, and where it comes from."""

    archive: bytes
    origin: PromotedFrom
    classes: list[str]

    @property
    def digest(self) -> str:
        """Return what the model is known by in the other stack."""
        return models.digest_of(self.archive)

    @property
    def name(self) -> str:
        """Return what the model is called there, such as `sightline-dev-3`."""
        return f"{self.origin['stack']}-{self.origin['version']}"


def promote(source: Target, destination: Target, version: int, *, with_test_set: bool, force: bool = False) -> str:
    """Copy a model and start its judgement in `destination`. Return the execution's ARN there.

    With its test set it is judged on the validation and test images of the dataset version that it was trained on,
    which are copied, too; else on the other stack's own. Raise SightlineError before anything is written.
    """
    promotion = pack(source, find(source, version))
    check(source, destination, promotion)
    test_set = promotion.origin["dataset_version"] if with_test_set else None
    if test_set:
        copy_test_set(artifacts(source), artifacts(destination), test_set, promotion.digest)
    copy_documents(artifacts(source), artifacts(destination), promotion)
    return models.start_import(destination, promotion.archive, promotion.name, force=force, test_set=test_set)


def promoted(destination: Target, origin_arn: str) -> RegisteredModel | None:
    """Return the newest model of `destination` that was promoted from that package, None where there is none."""
    return next((model for model in models.registry(destination).newest() if model.promoted_from == origin_arn), None)


def find(source: Target, version: int) -> RegisteredModel:
    """Return a registered model that may be promoted. Raise SightlineError."""
    model = models.find(source, str(version))
    state = models.approvals(source).state(model)
    if state in (ModelState.REJECTED, ModelState.TAKEN_BACK):
        raise PromotionRefusedError(f"model {version} is {state} ({model.said}); approve it here first")
    if not (model.release_uri and model.training_job and model.dataset_version):
        raise PromotionRefusedError(
            f"model {version} was registered without its release or its training; train it anew"
        )
    return model


def pack(source: Target, model: RegisteredModel) -> Promotion:
    """Read a model's release and pack it, with where it comes from in its model.json."""
    assert model.release_uri
    store = artifacts(source)
    prefix = store.key(model.release_uri)
    files = {key.removeprefix(prefix) for key in store.keys(prefix)}
    missing = {"model.onnx", "model.json"} - files
    if missing:
        raise PromotionRefusedError(f"the release of model {model.version} lacks {', '.join(sorted(missing))}")
    described: ReleasedDescription = store.read_json(f"{prefix}model.json")
    origin: PromotedFrom = {
        "stack": source.outputs["StackName"],
        "version": model.version,
        "package_arn": model.arn,
        "training_job": str(model.training_job),
        "dataset_version": str(model.dataset_version),
        "correlation_id": model.correlation_id or "",
        "map50": model.map50,
        "map50_95": model.map50_95,
    }
    bodies = {name: store.read(prefix + name) for name in RELEASED if name in files}
    whole = {**described, "promoted_from": origin}
    bodies["model.json"] = json.dumps(whole, indent=1).encode()
    return Promotion(models.archive_of(bodies), origin, described["classes"])


def check(source: Target, destination: Target, promotion: Promotion) -> None:
    """Raise PromotionRefusedError where the other stack can't take the model."""
    stack = destination.outputs["StackName"]
    if source.outputs["ArtifactsBucketName"] == destination.outputs["ArtifactsBucketName"]:
        raise PromotionRefusedError(f"the model is in {stack} already; name another stack with --to")
    wanted = pipeline.parameters(destination)["Classes"].split(",")
    if promotion.classes != wanted:
        ours, theirs = ",".join(promotion.classes), ",".join(wanted)
        raise PromotionRefusedError(
            f"the model's classes are {ours}; those of {stack} are {theirs}: deploy it with Classes={ours}"
        )


def copy_test_set(source: ObjectStore, destination: ObjectStore, version: str, digest: str) -> None:
    """Copy validation and test set of a dataset version to the model's place, the description last."""
    place = names.imported_test_set(digest, version)
    home, described = find_dataset(source, version, place)
    images = f"{place}images/"
    there = set(destination.keys(images))
    with ThreadPoolExecutor(COPIERS) as pool:
        for split in JUDGED_ON:
            copies = {key: images + key.rsplit("/", 1)[-1] for key in image_keys(source, f"{home}{split}.images.json")}
            wanted = [key for key, copy in copies.items() if copy not in there]  # an image is named after its content
            list(pool.map(lambda key, to=copies: carry(source, key, destination, to[key]), wanted))
            files = [copy.removeprefix(images) for copy in copies.values()]
            destination.write_json(f"{place}{split}.images.json", manifest.file_list(destination.uri(images), files))
            carry(source, f"{home}{split}.manifest", destination, f"{place}{split}.manifest")
    destination.write_json(f"{place}dataset.json", described)


def find_dataset(store: ObjectStore, version: str, along: str) -> tuple[str, DatasetDescription]:
    """Return where a dataset version lies, and its description: the stack's own, or one that came `along` with a model
    that was promoted into this stack before. Raise PromotionRefusedError.
    """
    for place in (names.dataset_prefix(version), along):
        description = store.find_json(f"{place}dataset.json")
        if description is not None:
            return place, description
    raise PromotionRefusedError(f"dataset version {version} is not there any more; leave --with-test-set out")


def copy_documents(source: ObjectStore, destination: ObjectStore, promotion: Promotion) -> None:
    """Copy what evaluation and gate wrote of the model at home, as far as it is there."""
    job, place = promotion.origin["training_job"], names.origin_prefix(promotion.digest)
    for key in (*(names.evaluation_prefix(job) + name for name in DOCUMENTS), names.decision(job)):
        try:
            carry(source, key, destination, place + key.rsplit("/", 1)[-1])
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
                raise


def carry(source: ObjectStore, key: str, destination: ObjectStore, to: str) -> None:
    """Copy one object through this machine: no account needs a right in the other one."""
    destination.write(to, source.read(key))


def image_keys(store: ObjectStore, key: str) -> Iterator[str]:
    """Give the keys of the images that a split's list names."""
    head, *files = store.read_json(key)
    prefix = store.key(head["prefix"])
    return (prefix + file for file in files)


def artifacts(target: Target) -> ObjectStore:
    return ObjectStore(target.aws, target.outputs["ArtifactsBucketName"])
