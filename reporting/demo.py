"""The demo's report: report.json for programs, report.html for people, in one file without any request to anywhere."""

import html
import json
from pathlib import Path
from typing import Any

from reporting.evaluation import (
    STYLE,
    figure,
    picture,
    training_charts,
)
from sightline import names
from sightline.aws.objects import ObjectStore
from sightline.vision.decode import decode

DATASET = "dataset.html"  # beside report.html


class Artifacts:
    """What the run left in the artifacts bucket, as far as the report shows it."""

    def __init__(self, store: ObjectStore, job: str) -> None:
        read = store.read
        self.decision = json.loads(read(names.decision(job)))
        self.evaluation = json.loads(read(names.evaluation_prefix(job) + "evaluation.json"))
        self.dataset = json.loads(read(names.dataset_prefix(self.evaluation["dataset_version"]) + "dataset.json"))
        self.history = _history(read(names.model_archive(job)))
        self.tested: dict[str, bytes] = {}
        for entry in self.evaluation["per_image"][:8]:
            self.tested[entry["image"]] = read(f"datasets/images/{entry['image']}")


def _history(archive: bytes) -> list[dict[str, float]]:
    import io
    import tarfile

    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        member = tar.extractfile("history.json")
        return json.loads(member.read()) if member else []


def write(
    folder: Path, result: dict[str, Any], artifacts: Artifacts, unseen: dict[str, Path], truth: dict[str, Any]
) -> None:
    """Write report.json and report.html into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    result["decision"] = artifacts.decision
    (folder / "report.json").write_text(json.dumps(result, indent=1, default=str))
    (folder / "report.html").write_text(render(result, artifacts, unseen, truth))


def table(head: list[str], rows: list[list[Any]]) -> str:
    cells = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{cells}</tr>{body}</table>"


def tile(value: str, label: str) -> str:
    return f'<div><div class="number">{html.escape(value)}</div>{html.escape(label)}</div>'


def corners(boxes: list[dict[str, int]]) -> list[list[int]]:
    return [[box["left"], box["top"], box["left"] + box["width"], box["top"] + box["height"]] for box in boxes]


def cut_short(result: dict[str, Any]) -> str:
    """What to know of a training that ended before its last epoch; nothing of a whole one."""
    done, planned = result["epochs"], result["epochs_planned"]
    return f"training was cut short after {done} of {planned} epochs: this machine is slow" if done < planned else ""


def verdicts(result: dict[str, Any], unseen: dict[str, Path], truth: dict[str, Any]) -> str:
    """The device's images with what it found; wrong verdicts first, then those that are left to a person."""
    entries = []
    for entry in result["device"]:
        wanted = "fail" if truth[entry["image"]] else "pass"
        asked = entry["verdict"] == "review"
        mark = "✓" if entry["verdict"] == wanted else f"→ a person: {wanted}" if asked else f"✗ should be {wanted}"
        uri = picture(decode(unseen[entry["image"]].read_bytes()), corners(truth[entry["image"]]), entry["detections"])
        caption = f"{entry['verdict']} {mark} · {entry['latency_ms']:.0f} ms · {entry['image']}"
        entries.append((entry["verdict"] == wanted, asked, figure(uri, caption)))
    return "".join(text for *_, text in sorted(entries, key=lambda entry: entry[:2]))


def render(result: dict[str, Any], artifacts: Artifacts, unseen: dict[str, Path], truth: dict[str, Any]) -> str:
    """The page."""
    rules = table(
        ["rule", "held", "detail"],
        [[rule["rule"], "yes" if rule["held"] else "NO", rule["detail"]] for rule in artifacts.decision["rules"]],
    )
    lineage = table(
        ["what", "which"],
        [
            ["dataset version", result["dataset_version"]],
            ["training job", result["training_job"]],
            ["model package", result["model_package_arn"]],
            ["deployment", result["deployment_status"]],
        ],
    )
    splits = table(
        ["split", "images", "boxes", "without a defect", "groups"],
        [
            [name, *(counts[key] for key in ("images", "boxes", "images_without_boxes", "groups"))]
            for name, counts in artifacts.dataset["counts"].items()
        ],
    )
    aside = table(["file", "reason"], [[entry["key"], entry["reason"]] for entry in result["quarantine"]])
    merged = table(["one image under several names"], [[", ".join(keys)] for keys in result["images_merged"]])
    stages = table(["stage", "seconds"], [[name, seconds] for name, seconds in result["stages"].items()])
    machines = table(
        ["state machine", "executions", "state transitions", "Lambda invocations"],
        [
            [name, *(usage[key] for key in ("executions", "state_transitions", "lambda_invocations"))]
            for name, usage in result["executions"].items()
        ],
    )
    tested = "".join(
        figure(
            picture(decode(artifacts.tested[entry["image"]]), entry["labels"], entry["detections"]),
            f"{len(entry['labels'])} labelled, {len(entry['detections'])} found",
        )
        for entry in artifacts.evaluation["per_image"]
        if entry["image"] in artifacts.tested
    )
    tiles = "".join(
        [
            tile(f"{result['device_correct']:.0%}", "verdicts right on unseen parts"),
            tile(str(sum(entry["verdict"] == "review" for entry in result["device"])), "left to a person"),
            tile(f"{result['map50']:.3f}", "mAP@.50 on the test set"),
            tile(f"{result['map50_95']:.3f}", "mAP@.50:.95"),
            tile(str(result["labels_approved"]), "labels approved"),
            tile(f"{result['seconds']:.0f} s", "for the whole loop"),
        ]
    )
    return f"""<!doctype html><html lang="en"><meta charset="utf-8">
<title>Sightline: from dropped images to verdicts</title>
<meta name="viewport" content="width=device-width"><style>{STYLE}</style>
<h1>From dropped images to verdicts</h1>
<p>{result["images_uploaded"]} images were uploaded, labelled by simulated annotators, and a model was trained from
them, judged, registered,
approved and deployed to a simulated device, which then inspected {result["images_unseen"]} images of parts that no part
of the training had seen.</p>
<div class="tiles">{tiles}</div>
<h2>What the device said</h2><p class="key">The wrong ones first, then those that it leaves to a person. <b>Green: true
defects</b>, <i>red: what the device found</i>.</p>
<div class="images">{verdicts(result, unseen, truth)}</div>
<h2>Why the model was accepted</h2>{rules}
<h2>How it learned</h2><p class="key">{html.escape(cut_short(result).capitalize())}</p>
<div class="tiles">{training_charts(artifacts.history)}</div>
<h2>On test images</h2><div class="images">{tested}</div>
<h2>Where it comes from</h2>{lineage}{splits}<p><a href="{DATASET}">The dataset: its groups of near-twins and its
health</a></p>
<h2>Set aside and merged</h2>{aside}{merged}
<h2>Time and work</h2>{stages}{machines}</html>"""
