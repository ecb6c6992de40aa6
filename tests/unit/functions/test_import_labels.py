"""Labels of other tools become a round that was labelled already: bounded, once, and for images that may have one."""

from typing import Any

import pytest

from sightline.aws.clients import Aws
from sightline.images.image import ImageStatus
from sightline.labelling.answers import Answers
from sightline.labelling.jobs import Jobs
from sightline.labelling.leases import Leases
from tests.fake_cloud import Cloud, jpeg
from tests.images import ledger

JOB = "import-0f1e2d3c4b5a6978"
BOX = {"class_id": 1, "left": 1, "top": 2, "width": 10, "height": 12}


@pytest.fixture
def images(step: Any, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The content hashes of three new images."""
    monkeypatch.setattr("sightline.aws.workflows.StateMachine.start_once", lambda *_: True)
    step("register_images", {"Records": [cloud.upload(f"{number}.jpg", jpeg(number)) for number in range(3)]})
    return sorted(image.image_id for image in ledger().with_status(ImageStatus.NEW))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens of the workflows that were told that all is answered."""
    found: list[str] = []
    monkeypatch.setattr("sightline.aws.workflows.Callbacks.succeed", lambda _, token, output: found.append(token))
    return found


def bring(step: Any, cloud: Cloud, labels: dict[str, Any], **changes: Any) -> dict[str, Any]:
    lines = [{"image_id": image_id, "annotations": boxes} for image_id, boxes in labels.items()]
    uri = cloud.write_lines(f"labeling/imports/{JOB}.jsonl", lines)
    return dict(step("import_labels", **({"labels_uri": uri} | changes)))


def statuses() -> dict[str, str]:
    return {image.image_id: status for status in ImageStatus for image in ledger().with_status(status)}


def test_labels_become_a_first_round_to_verify_and_twice_is_once(step: Any, cloud: Cloud, images: list[str]) -> None:
    for _ in range(2):
        done = bring(step, cloud, {images[0]: [BOX], images[1]: [], "f" * 64: []})
        assert done == {
            "job_id": JOB,
            "images": 2,
            "labels_uri": f"s3://artifacts/labeling/{JOB}/round-1/labels.jsonl",
            "verdicts_uri": "",
            "round": 1,
        }
        lines = cloud.read_lines(f"labeling/{JOB}/round-1/labels.jsonl")
        assert [(line["image_id"], line["annotations"]) for line in lines] == [(images[0], [BOX]), (images[1], [])]
        assert statuses() == {images[0]: "CLAIMED", images[1]: "CLAIMED", images[2]: "NEW"}


def test_approved_labels_come_with_their_verdicts(step: Any, cloud: Cloud, images: list[str]) -> None:
    done = bring(step, cloud, {images[0]: [BOX]}, approved=True)
    verdicts = cloud.read_lines(done["verdicts_uri"].removeprefix("s3://artifacts/"))
    assert verdicts == [{"image_id": images[0], "approved": True, "worker": "import"}]


def test_a_label_that_can_not_be_is_left_out_and_its_image_given_back(
    step: Any, cloud: Cloud, images: list[str]
) -> None:
    done = bring(step, cloud, {images[0]: [{**BOX, "left": 60}], images[1]: [{**BOX, "class_id": 9}], images[2]: [BOX]})
    assert done["images"] == 1
    assert statuses() == {images[0]: "NEW", images[1]: "NEW", images[2]: "CLAIMED"}


def open_job(step: Any, worker: str = "") -> str:
    """Have all images claimed and asked on the page by `window-1`; `worker` has begun with the one that is returned."""
    claimed = step("claim_new_images", execution="window-1")
    step("open_labeling_job", job_id="window-1", round=1, images_uri=claimed["images_uri"], task_token="t")
    if not worker:
        return ""
    (task,) = Leases(Aws(), "TasksTable").next("window-1.labeling.1", worker, 60, 1)
    return task.image["image_id"]


def test_images_that_wait_in_an_open_job_leave_it_but_for_those_that_somebody_has_begun(
    step: Any, cloud: Cloud, images: list[str], told: list[str]
) -> None:
    begun = open_job(step, "anna")
    assert bring(step, cloud, {image_id: [BOX] for image_id in images})["images"] == 2
    holders = {image.image_id: image.claimed_by for image in ledger().with_status(ImageStatus.CLAIMED)}
    assert holders == {image_id: "window-1" if image_id == begun else JOB for image_id in images}
    jobs = Jobs(Aws(), "TasksTable")
    job = jobs.job("window-1.labeling.1")
    assert (job.total, job.remaining, told) == (1, 1, [])
    assert {image["image_id"] for image, _ in Answers(Aws(), "TasksTable").by_task(job.job_id)} == {begun}
    assert bring(step, cloud, {image_id: [BOX] for image_id in images})["images"] == 2  # called again
    Answers(Aws(), "TasksTable").save(job.job_id, begun, "anna", {"annotations": []})
    assert told == ["t"]


def test_a_job_whose_images_are_all_taken_is_over(step: Any, cloud: Cloud, images: list[str], told: list[str]) -> None:
    open_job(step)
    assert bring(step, cloud, {image_id: [] for image_id in images})["images"] == 3
    assert told == ["t"]
    assert Jobs(Aws(), "TasksTable").open_ones() == []


def test_images_of_a_job_that_is_not_open_yet_are_left_to_it(step: Any, cloud: Cloud, images: list[str]) -> None:
    step("claim_new_images", execution="window-1")
    assert bring(step, cloud, {image_id: [] for image_id in images})["images"] == 0
    assert {image.claimed_by for image in ledger().with_status(ImageStatus.CLAIMED)} == {"window-1"}


def test_what_this_import_saw_rejected_is_not_claimed_by_it_again(step: Any, cloud: Cloud, images: list[str]) -> None:
    bring(step, cloud, {images[0]: [BOX]})
    ledger().reject(JOB, images[0], rounds=1, why="box too small")
    assert bring(step, cloud, {images[0]: [BOX]})["images"] == 0
    assert bring(step, cloud, {images[0]: [BOX]}, execution="import-2")["images"] == 1


def test_more_labels_than_a_job_takes_are_refused(step: Any, cloud: Cloud, images: list[str]) -> None:
    with pytest.raises(Exception, match="MaxJobImages allows 100"):
        bring(step, cloud, {f"{number:064}": [] for number in range(101)})
    assert set(statuses().values()) == {"NEW"}


def test_a_file_of_another_bucket_is_not_read(step: Any, cloud: Cloud) -> None:
    with pytest.raises(ValueError, match="not in the bucket"):
        step("import_labels", labels_uri="s3://elsewhere/labels.jsonl")
