"""Judge a trained model against the floors, the budgets and the model in service.

Input:   {"training_job", "dataset_version", "fingerprint"}
Output:  {"accepted", "decision_uri", "evaluation_uri", "reasons": the first ones, "int8": whether its int8
         variant passes too, "map50", "map50_95": as texts}
Errors:  InvalidMetricError
"""

import os
from typing import TypedDict

from sightline import names
from sightline.aws.clients import Aws
from sightline.aws.objects import ObjectStore
from sightline.images.ledger import Ledger
from sightline.models.evaluation import DoubtedLabel, read_evaluation
from sightline.models.gate import DecisionDocument, Limits, RuleKind, judge
from sightline.runtime import Context, logger, measure_metric, step

LIMITS = Limits(
    min_map50=float(os.environ["MIN_MAP"]),
    min_recall=float(os.environ["MIN_RECALL"]),
    max_latency_ms=float(os.environ["MAX_LATENCY_MS"]),
    max_size_bytes=int(os.environ["MAX_MODEL_BYTES"]),
)
SUSPICIOUS_OFFERED = 200  # labels for a second look, the most suspicious first
REASONS_SHOWN = 20  # the state payload is limited; decision.json has all of them

aws = Aws()
artifacts = ObjectStore(aws, os.environ["ARTIFACTS_BUCKET"])
images = Ledger(aws, os.environ["IMAGES_TABLE"])


class Request(TypedDict):
    training_job: str
    dataset_version: str
    fingerprint: str


class Judgement(TypedDict):
    accepted: bool
    decision_uri: str
    evaluation_uri: str
    reasons: list[str]  # the first ones
    int8: bool
    map50: str  # texts, as the registry takes them
    map50_95: str


def offer_suspicious(job: str, labels: list[DoubtedLabel]) -> int:
    """Put labels that the model contradicts on the engineer's list; answers how many are there now.

    A label's `image` is the file of the dataset's image, which is named by the image's id.
    """
    doubted = [(label["image"].partition(".")[0], label["why"]) for label in labels[:SUSPICIOUS_OFFERED]]
    return sum(images.ask_attention(image_id, f"after {job}: {why}") for image_id, why in doubted)


@step
def handler(event: Request, context: Context) -> Judgement:
    job = event["training_job"]
    evaluation_key = names.evaluation_prefix(job) + "evaluation.json"
    evaluation = read_evaluation(artifacts.read_json(evaluation_key))
    decision = judge(evaluation, LIMITS)
    variant = evaluation.get("int8")
    int8 = judge(variant, LIMITS) if variant else None
    document: DecisionDocument = {
        "training_job": job,
        "dataset_version": event["dataset_version"],
        **decision.as_dict(),
        "int8": int8.as_dict() if int8 else None,
    }
    uri = artifacts.write_json(names.decision(job), document)
    # Judged is done: the same data, code and hyperparameters need no second run, whatever the verdict was.
    run = {name: document[name] for name in ("training_job", "dataset_version", "accepted")}
    artifacts.write_json(names.successful_run(event["fingerprint"]), run)
    candidate = evaluation["candidate"]  # there is none where there was no test image to measure it on
    map50 = (candidate and candidate["map50"]) or 0.0
    map50_95 = (candidate and candidate["map50_95"]) or 0.0
    # A model that misses the floor contradicts right labels, too: its doubts would send people to good ones.
    sees = decision.held(RuleKind.MAP50)
    offered = offer_suspicious(job, evaluation.get("suspicious_labels") or []) if sees else 0
    measure_metric("ModelMap50", map50)
    logger.info("model judged", accepted=decision.accepted, reasons=decision.reasons, second_looks=offered)
    return {
        "accepted": decision.accepted,
        "decision_uri": uri,
        "evaluation_uri": artifacts.uri(evaluation_key),
        "reasons": decision.reasons[:REASONS_SHOWN],
        "int8": bool(int8 and int8.accepted),
        "map50": str(map50),
        "map50_95": str(map50_95),
    }
