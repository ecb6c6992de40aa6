"""What a labelling job's output manifest says of an image, as Ground Truth writes it."""

from datetime import UTC, datetime

from local.emulator.aws_shapes import Structure

DETECTION = "groundtruth/object-detection"
CORRECTED = "its boxes had to be corrected"


def labels(job: Structure, answer: Structure, names: list[str]) -> Structure:
    """Return the boxes that were drawn; `names` are the classes."""
    attribute = job["LabelAttributeName"]
    size = {"width": answer["width"], "height": answer["height"], "depth": 3}
    about = {
        "objects": [{"confidence": 1} for _ in answer["annotations"]],
        "class-map": {str(number): name for number, name in enumerate(names)},
        "type": DETECTION,
    }
    return {
        attribute: {"image_size": [size], "annotations": answer["annotations"]},
        f"{attribute}-metadata": about | _when(job),
    }


def failure(job: Structure) -> Structure:
    """Return what the manifest says of an image that has no label: the people of the page skipped it."""
    reason = "ClientError: no annotations; the image was skipped"
    return {f"{job['LabelAttributeName']}-metadata": {"failure-reason": reason} | _when(job)}


def verdicts(job: Structure, answer: Structure, names: list[str]) -> Structure:
    """Return what was decided about a label; `names` are the verdicts, the good one first."""
    # Ground Truth's verifiers only approve or reject: a corrected label was wrong.
    corrected = answer.get("annotations") is not None
    attribute, number = job["LabelAttributeName"], 0 if answer["approved"] and not corrected else 1
    about: Structure = {"class-name": names[number], "confidence": 1, "type": "groundtruth/label-verification"}
    if reason := CORRECTED if corrected else answer.get("reason"):
        about["worker-feedback"] = [{"comment": reason}]
    return {attribute: str(number), f"{attribute}-metadata": about | _when(job)}


def _when(job: Structure) -> dict[str, str]:
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return {"human-annotated": "yes", "creation-date": moment, "job-name": f"labeling-job/{job['LabelingJobName']}"}
