"""The report of a run of the loop: report.json for programs, report.html for people, one file that asks for nothing."""

import html
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from reporting.charts import History, training_charts
from reporting.inspected import Inspected, at_most
from reporting.page import count, figure, page, table, tile
from reporting.pictures import corners, finds, picture
from sightline import names
from sightline.aws.objects import ObjectStore
from sightline.datasets.snapshot import DatasetDescription
from sightline.images.box import Box
from sightline.models.evaluation import DetectionMeasured, Evaluation
from sightline.models.gate import DecisionWritten
from sightline.vision.decode import decode
from sightline.vision.description import ModelDescription
from sightline.vision.verdict import Outcome

DATASET = "dataset.html"  # beside report.html
TESTED_SHOWN = 8

Files = Mapping[str, Path]  # images that only the device saw, by name
Truth = Mapping[str, list[Box]]  # the true defects, by name


class ImageVerdict(TypedDict):
    """What the model said of one image."""

    image: str
    verdict: str  # of sightline.vision.verdict.Outcome
    detections: Sequence[DetectionMeasured]
    latency_ms: float


class SetAside(TypedDict):
    """A file that is no image of the line."""

    key: str
    reason: str | None


class InspectedWritten(TypedDict):
    """What came of the unseen photos; the numbers add up as `Inspected` says."""

    photos: int
    defective: int
    decided: int
    right: int
    escapes: int
    false_alarms: int
    left_to_a_person: int


class Result(TypedDict, total=False):
    """What the run came to, as report.json has it. Each stage of the run adds its part; all is there at the end."""

    stages: dict[str, float]  # seconds
    images_uploaded: int
    images_unseen: int
    images_quarantined: int
    quarantine: list[SetAside]
    images_merged: list[list[str]]  # the names of each image that has several
    labels_approved: int
    labels_rejected: int
    verdicts_rejected: int
    correlation_ids: list[str]  # on the device's verdicts: that of the model, and of what the model was made from
    images_of_id: int  # labelled images that have one of them
    trail: list[str]  # functions and workflows that logged one of them
    dataset_version: str
    training_job: str
    map50: float  # 0..1
    map50_95: float
    accepted: bool
    reasons: list[str]
    model_package_arn: str
    model_said: str  # who approved the model, and why
    finished: str  # date and time, UTC
    sightline_version: str
    deployment_status: str
    inspector: str  # what gave the verdicts, such as `a simulated device`
    device: list[ImageVerdict]
    inspected: InspectedWritten
    executions: dict[str, dict[str, int]]  # by state machine: executions, state_transitions, lambda_invocations
    seconds: float
    epochs: int
    epochs_planned: int
    decision: DecisionWritten


class Artifacts:
    """What the run left in the artifacts bucket, as far as the report shows it."""

    def __init__(self, store: ObjectStore, job: str) -> None:
        read = store.read
        self.decision: DecisionWritten = json.loads(read(names.decision(job)))
        self.evaluation: Evaluation = json.loads(read(names.evaluation_prefix(job) + "evaluation.json"))
        version = self.evaluation["dataset_version"]
        self.dataset: DatasetDescription = json.loads(read(names.dataset_prefix(version) + "dataset.json"))
        self.history = _history(read(names.model_archive(job)))
        self.model: ModelDescription = json.loads(read(names.evaluation_prefix(job) + "model.json"))
        self.tested: dict[str, bytes] = {}
        for entry in self.evaluation["per_image"][:TESTED_SHOWN]:
            self.tested[entry["image"]] = read(f"datasets/images/{entry['image']}")


def _history(archive: bytes) -> History:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        member = tar.extractfile("history.json")
        return json.loads(member.read()) if member else []


def inspected(inspector: str, verdicts: list[ImageVerdict], truth: Truth) -> Result:
    """Return what a run says of the verdicts on unseen images."""
    seen = _counted(verdicts, truth)
    return {
        "inspector": inspector,
        "device": verdicts,
        "inspected": {
            "photos": len(verdicts),
            "defective": seen.defective,
            "decided": seen.decided,
            "right": seen.right,
            "escapes": seen.escapes,
            "false_alarms": seen.false_alarms,
            "left_to_a_person": seen.left,
        },
    }


def told(verdicts: list[ImageVerdict], truth: Truth) -> str:
    """Return the same in one line."""
    return _counted(verdicts, truth).in_a_line()


def _counted(verdicts: list[ImageVerdict], truth: Truth) -> Inspected:
    return Inspected.of((Outcome(entry["verdict"]), bool(truth[entry["image"]])) for entry in verdicts)


def write(folder: Path, result: Result, artifacts: Artifacts, unseen: Files, truth: Truth) -> None:
    """Write report.json and report.html into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    result["decision"] = artifacts.decision
    (folder / "report.json").write_text(json.dumps(result, indent=1, default=str))
    (folder / "report.html").write_text(render(result, artifacts, unseen, truth))


def cut_short(result: Result) -> str:
    """Return what to know of a training that ended before its last epoch; nothing of a whole one."""
    done, planned = result["epochs"], result["epochs_planned"]
    return f"training was cut short after {done} of {planned} epochs: this machine is slow" if done < planned else ""


def render(result: Result, artifacts: Artifacts, unseen: Files, truth: Truth) -> str:
    """Return the page."""
    return page(
        "Sightline: from dropped images to verdicts",
        "\n".join(
            (
                _head(result),
                _tiles(result, artifacts),
                _how_sure(result, artifacts),
                _said(result, artifacts, unseen, truth),
                _accepted(artifacts),
                _learned(result, artifacts),
                _tested(artifacts),
                _lineage(result, artifacts),
                _set_aside(result),
                _work(result),
            )
        ),
    )


def _head(result: Result) -> str:
    seen = result["inspected"]
    wrong = seen["escapes"] + seen["false_alarms"]
    decided = f"{seen['right']} of {seen['decided']} decided right"
    return f"""<h1>From dropped images to verdicts</h1>
<p>{result["images_uploaded"]} images were uploaded, labelled by simulated annotators, and a model was trained from
them, judged, registered and approved. Then {html.escape(result["inspector"])} inspected {result["images_unseen"]}
images of parts that no part of the training had seen.</p>
<p class="lead"><span class="{"bad" if wrong else "good"}">{decided}</span>, {count(seen["escapes"], "escape")},
{count(seen["false_alarms"], "false alarm")}, {seen["left_to_a_person"]} left to a person.</p>"""


def _tiles(result: Result, artifacts: Artifacts) -> str:
    seen, tested = result["inspected"], _tested_on(artifacts)
    good = seen["photos"] - seen["defective"]
    tiles = (
        tile(f"{seen['right']} of {seen['decided']}", "decided right on unseen parts"),
        tile(f"{seen['escapes']} of {seen['defective']}", "photos with a defect escaped"),
        tile(f"{seen['false_alarms']} of {good}", "good photos raised a false alarm"),
        tile(str(seen["left_to_a_person"]), "left to a person"),
        tile(f"{result['map50']:.3f}", f"mAP@.50 on {tested}"),
        tile(f"{result['seconds']:.0f} s", "for the whole loop"),
    )
    return f'<div class="tiles">{"".join(tiles)}</div>'


def _tested_on(artifacts: Artifacts) -> str:
    tested = artifacts.evaluation
    return f"{count(tested['test_images'], 'test photo')} of {count(tested['test_groups'], 'part')}"


def _how_sure(result: Result, artifacts: Artifacts) -> str:
    """Return how much so few photos can tell."""
    seen, parts = result["inspected"], artifacts.evaluation["test_groups"]
    escapes = at_most(seen["escapes"], seen["defective"])
    flawed = {photo["group"] for photo in artifacts.evaluation["per_image"] if photo["quality"] < 1}
    faults = at_most(len(flawed), parts)
    return f"""<p class="quiet">How sure is this? {count(seen["defective"], "defective photo")} were inspected: the
true share of escapes may be as high as {escapes:.0%}. The test set shows {count(parts, "part")}, {parts - len(flawed)}
of them without a fault of the model: its true share of parts with a fault may be as high as {faults:.0%}. (Upper ends
of 95 % intervals; more photos of more parts narrow them.)</p>"""


def _said(result: Result, artifacts: Artifacts, unseen: Files, truth: Truth) -> str:
    return f"""<h2>What the model said</h2><p class="key">The wrong ones first, then those that it leaves to a person.
<b>Green: true defects</b>, <i>red: what the model found</i>, with its score. {_thresholds(artifacts)}</p>
<div class="images">{verdicts(result["device"], unseen, truth)}</div>"""


def _thresholds(artifacts: Artifacts) -> str:
    fails, asks = artifacts.model["threshold"], artifacts.model["review_threshold"]
    return f"A photo fails from a score of {fails:.2f}; from {asks:.2f} a person is asked; below that it passes."


def verdicts(device: list[ImageVerdict], unseen: Files, truth: Truth) -> str:
    """Return the images with what was found; wrong verdicts first, then those that are left to a person."""
    entries = []
    for entry in device:
        wanted = "fail" if truth[entry["image"]] else "pass"
        asked = entry["verdict"] == "review"
        mark = "✓" if entry["verdict"] == wanted else f"→ a person: {wanted}" if asked else f"✗ should be {wanted}"
        pixels = decode(unseen[entry["image"]].read_bytes())
        shown = picture(pixels, corners(truth[entry["image"]]), finds(entry["detections"]))
        surest = max((found["score"] for found in entry["detections"]), default=None)
        score = "nothing found" if surest is None else f"surest {surest:.2f}"
        caption = f"{entry['verdict']} {mark} · {score} · {entry['latency_ms']:.0f} ms · {entry['image']}"
        entries.append((entry["verdict"] == wanted, asked, figure(shown, caption)))
    return "".join(text for *_, text in sorted(entries, key=lambda entry: entry[:2]))


def _accepted(artifacts: Artifacts) -> str:
    rules = [(rule["rule"], "yes" if rule["held"] else "NO", rule["detail"]) for rule in artifacts.decision["rules"]]
    return f"<h2>Why the model was accepted</h2>{table(('rule', 'held', 'detail'), rules)}"


def _learned(result: Result, artifacts: Artifacts) -> str:
    return f"""<h2>How it learned</h2><p class="key">{html.escape(cut_short(result).capitalize())}</p>
<div class="tiles">{training_charts(artifacts.history)}</div>"""


def _tested(artifacts: Artifacts) -> str:
    shown = "".join(
        figure(
            picture(decode(artifacts.tested[entry["image"]]), entry["labels"], finds(entry["detections"])),
            f"{len(entry['labels'])} labelled, {len(entry['detections'])} found",
        )
        for entry in artifacts.evaluation["per_image"]
        if entry["image"] in artifacts.tested
    )
    return f"""<h2>On test images</h2>
<p class="key"><b>Green: labels</b>, <i>red: what was found</i> from the decision threshold
{artifacts.model["threshold"]:.2f} up.</p>
<div class="images">{shown}</div>"""


def _lineage(result: Result, artifacts: Artifacts) -> str:
    lineage = table(
        ("what", "which"),
        (
            ("dataset version", result["dataset_version"]),
            ("training job", result["training_job"]),
            ("model package", result["model_package_arn"]),
            ("approved by", result["model_said"]),
            ("deployment", result["deployment_status"]),
            ("correlation id", ", ".join(result["correlation_ids"])),
            ("finished", result["finished"]),
            ("Sightline", f"{result['sightline_version']}, training code {artifacts.model['code_version']}"),
        ),
    )
    chosen = table(("hyperparameter", "value"), sorted(artifacts.model["hyperparameters"].items()))
    splits = table(
        ("split", "images", "boxes", "without a defect", "groups"),
        [
            (name, counts["images"], counts["boxes"], counts["images_without_boxes"], counts["groups"])
            for name, counts in artifacts.dataset["counts"].items()
        ],
    )
    link = f'<a href="{DATASET}">The dataset: its groups of near-twins and its\nhealth</a>'
    return f"""<h2>Where it comes from</h2>{lineage}{splits}<p>{link}</p>
<details><summary>Hyperparameters</summary>{chosen}</details>"""


def _set_aside(result: Result) -> str:
    aside = table(("file", "reason"), [(entry["key"], entry["reason"]) for entry in result["quarantine"]])
    merged = table(("one image under several names",), [(", ".join(keys),) for keys in result["images_merged"]])
    return f"<h2>Set aside and merged</h2>{aside}{merged}"


def _work(result: Result) -> str:
    stages = table(("stage", "seconds"), result["stages"].items())
    machines = table(
        ("state machine", "executions", "state transitions", "Lambda invocations"),
        [
            (name, usage["executions"], usage["state_transitions"], usage["lambda_invocations"])
            for name, usage in result["executions"].items()
        ],
    )
    return f"<h2>Time and work</h2>{stages}{machines}"
