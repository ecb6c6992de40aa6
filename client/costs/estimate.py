"""What a stack will cost in a month, from what it will be given: images, people, devices, trainings, scoring."""

from collections.abc import Iterator
from dataclasses import dataclass

from client.costs import idle
from client.costs.bill import Use
from client.costs.prices import DAYS, HOURS, INSTANCE
from client.costs.template import Template
from client.costs.work import Work

IMAGE_MB = 3.0  # of one photo
MESSAGE_KB = 5  # AWS IoT meters messages by that
VERDICT_KB = 0.3  # of one verdict as JSON
TELEMETRY_SECONDS = 300  # a window of the inspector, by its default
TRAINING_HOURS = 1.0  # of one training on TrainingInstanceType, with the start of the instance
EVALUATION_HOURS = 0.25
METRICS = 8  # of the stack's own, in an hour in which images are registered and labelled
VIEWS = 2  # of each photo in one round: who labels it, who verifies it
KMS_REQUESTS_AN_HOUR = 100  # tables, queues and buckets keep a data key for five minutes
COPIES = 2  # of an approved image: the upload, and the copy that datasets refer to
ITEM_KB = 2.0  # of an image in ledger and tasks
SPOT = 0.35  # of the price
BUILD_MINUTES = 15  # of the training image
SHARD_IMAGES = 200  # ScoringShardImages by default; the measured runs have one shard

# States of a training that ends with a registered model, and of a roll-out to one group. tests/unit/client/costs
# walks both through their workflows.
TRAINING_PATH = (
    "PrepareTrainingImage", "SnapshotDataset", "PlanTraining", "HasAnythingChanged", "IsModelImported", "TrainModel",
    "EvaluateModel", "JudgeModel", "IsModelAccepted", "RegisterModel", "ModelRegistered",
)  # fmt: skip
TRAINING_CALLS = 5  # of functions on that path
ROLLOUT_PATH = (
    "IsRollBackRequested", "PlanComponentVersion", "CreateComponentVersion", "StartDeployment", "PromoteOrRollBack",
    "HasStageEnded", "BakeModel", "PromoteOrRollBack", "HasStageEnded", "DeploymentHealthy",
)  # fmt: skip
ROLLOUT_CALLS = 6
CALL_SECONDS = 3.0  # of such a function, by estimate


@dataclass(frozen=True, slots=True)
class Workload:
    """A month's work."""

    images: float = 0  # uploaded, labelled and verified
    image_mb: float = IMAGE_MB
    rounds: float = 1.0  # in which an image is labelled, on average
    jobs: float = DAYS  # executions of label_images
    people: int = 0  # who sign in
    hours: float = 0  # in which people label
    trainings: float = 0
    training_hours: float = TRAINING_HOURS
    builds: float = 0  # of the training image
    devices: int = 0
    verdicts: float = 0  # of one device
    scored: float = 0  # images scored in batches
    runs: float = 0  # of score_batch


def uses(workload: Workload, template: Template, work: Work) -> Iterator[Use]:
    """Give what the stack uses in a month with this work, and by being there."""
    yield from idle.uses(template)
    yield from labelling(workload, work)
    yield from training(workload, template)
    yield from devices(workload)
    yield from scoring(workload.scored, workload.runs, work)


def labelling(workload: Workload, work: Work) -> Iterator[Use]:
    """Give what the labelling of the images uses, from the upload on, and their storage for a month."""
    images, gigabytes = workload.images, workload.images * workload.image_mb / 1000
    answers = images * VIEWS * workload.rounds
    yield from work.labelling.uses(images * workload.rounds, workload.jobs if images else 0, "labelling")
    yield Use("s3.get", answers, "photos on the page")
    yield Use("s3.out_gb", gigabytes * VIEWS * workload.rounds, "photos on the page", estimated=True)
    yield Use("s3.gb_month", gigabytes * COPIES, "images of one month", estimated=True)
    yield Use("dynamodb.gb_month", images * ITEM_KB / 1e6, "ledger and tasks", estimated=True)
    yield Use("dynamodb.backup_gb_month", images * ITEM_KB / 1e6, "ledger and tasks", estimated=True)
    yield Use("kms.request", workload.hours * KMS_REQUESTS_AN_HOUR, "data keys", estimated=True)
    yield Use("cloudwatch.metric", METRICS * workload.hours / HOURS, "metrics of the stack", estimated=True)
    yield Use("cognito.user", workload.people, "people who sign in")


def training(workload: Workload, template: Template) -> Iterator[Use]:
    """Give what trainings use, with the roll-out of each model to one group of devices."""
    number, given = workload.trainings, template.parameters
    if not number:
        return
    hours = number * workload.training_hours * (SPOT if given["UseSpotTraining"] == "true" else 1)
    yield Use(INSTANCE + given["TrainingInstanceType"], hours, "training", estimated=True)
    yield Use(INSTANCE + given["EvaluationInstanceType"], number * EVALUATION_HOURS, "evaluation", estimated=True)
    rollouts = number if workload.devices else 0
    transitions = number * len(TRAINING_PATH) + rollouts * len(ROLLOUT_PATH)
    yield Use("states.transition", transitions, "training and roll-out")
    calls = number * TRAINING_CALLS + rollouts * ROLLOUT_CALLS
    yield Use("lambda.request", calls, "training and roll-out")
    seconds = calls * CALL_SECONDS * idle.MEMORY_MB / 1024
    yield Use("lambda.gb_second", seconds, "training and roll-out", estimated=True)
    if not given.get("TrainingImageUri"):
        yield Use("codebuild.medium_minute", workload.builds * BUILD_MINUTES, "training image", estimated=True)
    yield Use("sns.mail", number, "mails")


def devices(workload: Workload) -> Iterator[Use]:
    """Give what devices use: Greengrass, their connection, a message for each verdict and for each window."""
    number = workload.devices
    windows = HOURS * 3600 / TELEMETRY_SECONDS
    messages = number * (workload.verdicts * -(-VERDICT_KB // MESSAGE_KB) + windows)
    yield Use("greengrass.device", number, "devices")
    yield Use("iot.connected_minute", number * HOURS * 60, "connections")
    yield Use("iot.message", messages, "verdicts and telemetry")
    yield Use("iot.rule", number * windows, "telemetry")
    yield Use("iot.action", number * windows, "telemetry")
    yield Use("lambda.request", number * windows, "telemetry")
    yield Use("lambda.gb_second", number * windows * 0.05 * idle.MEMORY_MB / 1024, "telemetry", estimated=True)
    yield Use("dynamodb.read", number * windows, "telemetry", estimated=True)


def scoring(images: float, runs: float, work: Work) -> Iterator[Use]:
    """Give what batches use that score images."""
    if images:
        yield from work.scoring.uses(images, max(runs, images / SHARD_IMAGES, 1), "scoring")
