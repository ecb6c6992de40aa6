"""In the local stack, with IAM enforced: labels are imported and exported, and Ground Truth's jobs are answered on the
page.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client import formats, pipeline
from client.annotate import Annotators, read_coco
from client.formats import FORMATS
from client.formats.files import stem
from client.formats.report import Report
from client.labels import exporting, importing, sheets
from client.labels.index import Found, Index
from client.loop.sample import draw
from client.target import Target
from local import stack
from sightline.images.image import ImageStatus

pytestmark = pytest.mark.timeout(900)  # a stack comes up, and people label

PARAMETERS = {
    "LabelingWindowSeconds": "3600",  # the executions here are started by the tests
    "MinNewLabels": "1000",
    "LabelingBackend": "ground-truth",
    "WorkteamArn": "arn:aws:sagemaker:us-east-1:123456789012:workteam/private-crowd/inspectors",
}
PHOTOS = 8
BROUGHT = 3


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    home = tmp_path_factory.mktemp("home")
    try:
        stack.up(root=home, overrides=PARAMETERS, tied=True)
        yield Target.find(None, None, None, home)
    finally:
        stack.down(home)


@pytest.fixture(scope="module")
def photos(line: Target, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The labels file of photos that are uploaded and new."""
    folder = tmp_path_factory.mktemp("photos")
    file = draw(folder, PHOTOS, seed=3)
    pipeline.upload(line, sorted(folder.glob("*.jpg")))
    until(lambda: pipeline.ledger(line).counts()[ImageStatus.NEW] == PHOTOS)
    return file


@pytest.fixture(scope="module")
def brought(line: Target, photos: Path) -> dict[str, Any]:
    """A part of the photos' labels, imported as approved."""
    coco = json.loads(photos.read_text())
    coco["images"] = sorted(coco["images"], key=lambda image: str(image["file_name"]))[:BROUGHT]
    ids = {image["id"] for image in coco["images"]}
    coco["annotations"] = [entry for entry in coco["annotations"] if entry["image_id"] in ids]
    coco["images"].append({"id": 10**6, "file_name": "nowhere.jpg", "width": 1, "height": 1})
    part = photos.parent / "part.json"
    part.write_text(json.dumps(coco))
    report = Report()
    labels = importing.read(line, "coco", part, report, None, {})
    lines = labels.lines
    sheets.write(line, labels, report, part, photos.parent / "sheet.html", lambda: None)
    executions = importing.bring(line, lines, approved=True)
    return {"report": report, "lines": lines, "outputs": [pipeline.wait_for(line, arn) for arn in executions]}


def until(found: Any, seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
        time.sleep(0.2)
    return answer


def test_imported_labels_are_recorded_and_unknown_images_named(
    line: Target, brought: dict[str, Any], photos: Path
) -> None:
    assert brought["report"].refused == {"not in the ledger; upload it first": ["nowhere.jpg"]}
    sheet = (photos.parent / "sheet.html").read_text()
    assert (sheet.count("data:image/jpeg"), "be shown" in sheet) == (BROUGHT, False)
    assert [output["labels"]["approved"] for output in brought["outputs"]] == [BROUGHT]
    truth = read_coco(photos)
    recorded = {
        image.key.rsplit("/", 1)[-1]: list(image.annotations or ())
        for image in pipeline.ledger(line).with_status(ImageStatus.APPROVED)
    }
    assert recorded == {name: truth[name] for name in sorted(truth)[:BROUGHT]}
    report = Report()
    assert importing.read(line, "coco", photos.parent / "part.json", report, None, {}).lines == []
    assert len(report.refused["it has an approved label already"]) == BROUGHT


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_an_export_says_what_the_ledger_says(
    line: Target, brought: Any, photos: Path, tmp_path: Path, name: str
) -> None:
    assert exporting.export(line, "approved", name, tmp_path / "out", Report()) == BROUGHT
    index = Index.of(line)
    found = formats.read(name, tmp_path / "out", Report(), lambda key: _size(index.find([key])))
    truth = {stem(image): boxes for image, boxes in read_coco(photos).items()}
    said = {stem(image.name.rsplit("/", 1)[-1]): len(image.boxes) for image in found.images}
    assert said == {image: len(truth[image]) for image in sorted(truth)[:BROUGHT]}


def _size(found: Found | None) -> tuple[int, int] | None:
    return (found.image.width, found.image.height) if found else None


def test_a_work_teams_jobs_are_answered_on_the_page_and_recorded(line: Target, brought: Any, photos: Path) -> None:
    client = line.client("stepfunctions")
    started = client.start_execution(stateMachineArn=line.outputs["LabelImagesArn"], name="team-1", input="{}")
    people = Annotators(line, read_coco(photos), error_rate=0.5, seed=1, count=2)
    deadline = time.monotonic() + 240
    while client.describe_execution(executionArn=started["executionArn"])["status"] == "RUNNING":
        assert time.monotonic() < deadline
        people.work()
        time.sleep(0.2)
    recorded = pipeline.wait_for(line, started["executionArn"])["labels"]
    assert recorded["approved"] + recorded["rejected"] == PHOTOS - BROUGHT  # some mistakes are made three times
    assert recorded["approved"] > 0
    events = pipeline.history(line, started["executionArn"])
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if event["type"].endswith("StateEntered")]
    assert [name for name in entered if name.startswith("Run")][:2] == ["RunLabelingJob", "RunVerificationJob"]
    assert "OpenLabelingJob" not in entered
    sagemaker = line.client("sagemaker")
    jobs = sagemaker.list_labeling_jobs()["LabelingJobSummaryList"]
    assert {job["LabelingJobStatus"] for job in jobs} == {"Completed"}
    assert pipeline.ledger(line).counts()[ImageStatus.APPROVED] == BROUGHT + recorded["approved"]
