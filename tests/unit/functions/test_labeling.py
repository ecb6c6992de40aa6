"""The labelling functions one after the other, each step twice: claim, open, serve, settle, record, release."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sightline.aws import tasks as tasks_module
from sightline.aws.ledger import Ledger
from tests.fake_cloud import Cloud, jpeg
from tests.project import ROOT

JOB = "window-1795220517014"
BOX = {"class_id": 0, "left": 1, "top": 2, "width": 10, "height": 12}


@pytest.fixture(autouse=True)
def answered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Task tokens with their outputs, as Step Functions would get them."""
    sent: list[tuple[str, Any]] = []

    class StepFunctions:
        def send_task_success(self, *, taskToken: str, output: str) -> None:  # noqa: N803
            sent.append((taskToken, json.loads(output)))

    monkeypatch.setattr(tasks_module, "_step_functions", StepFunctions())
    monkeypatch.setattr("sightline.aws.workflows.start_once", lambda *_: None)
    return sent


@pytest.fixture
def images(step: Any, cloud: Cloud) -> list[dict[str, Any]]:
    """Four registered images, claimed by the job."""
    step("register_images", {"Records": [cloud.upload(f"{number}.jpg", jpeg(number)) for number in range(4)]})
    claim = step("claim_new_images")
    assert claim == {
        "job_id": JOB,
        "images": 4,
        "images_uri": f"s3://artifacts/labeling/{JOB}/round-1/images.jsonl",
        "round": 1,
    }
    return cloud.read_lines(f"labeling/{JOB}/round-1/images.jsonl")


def ask(step: Any, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """One request to the labelling API."""
    given = {"rawPath": path, "body": json.dumps(body) if body is not None else None}
    sample = json.loads((ROOT / "events" / "serve_labeling.json").read_text()) | given
    sample["requestContext"]["http"] |= {"method": method, "path": path}
    answer = step("serve_labeling", sample)
    return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else None


def open_labeling(step: Any, cloud: Cloud, **changes: Any) -> None:
    uri = f"s3://artifacts/labeling/{JOB}/round-1/images.jsonl"
    step("open_labeling_job", **({"images_uri": uri, "task_token": "token-1"} | changes))


def label_all(step: Any, worker: str = "anna") -> int:
    """Answer every task of the first round with one box; answers how many."""
    count = 0
    while (task := ask(step, "POST", f"/jobs/{JOB}.labeling.1/next", {"worker": worker}))[0] == 200:
        path = f"/jobs/{JOB}.labeling.1/tasks/{task[1]['task_id']}/answer"
        assert ask(step, "POST", path, {"worker": worker, "annotations": [BOX]})[0] == 200
        count += 1
    return count


def test_a_claim_is_exclusive_and_repeatable(step: Any, images: list[Any]) -> None:
    assert step("claim_new_images")["images"] == 4
    assert step("claim_new_images", execution="other")["images"] == 0
    assert step("claim_new_images", execution="other")["images_uri"].endswith("/labeling/other/round-1/images.jsonl")


def test_released_images_are_new_again(step: Any, images: list[Any], cloud: Cloud) -> None:
    open_labeling(step, cloud)
    assert step("release_images") == {"job_id": JOB, "released": 4}
    assert step("release_images") == {"job_id": JOB, "released": 0}
    assert Ledger("ImagesTable").count("NEW") == 4
    assert ask(step, "GET", "/jobs") == (200, {"jobs": []})


def test_when_every_task_is_answered_the_workflow_gets_its_answer_once(
    step: Any, images: list[Any], cloud: Cloud, answered: list[Any]
) -> None:
    open_labeling(step, cloud)
    assert label_all(step) == 4
    uri = f"s3://artifacts/labeling/{JOB}/round-1/labels.jsonl"
    assert answered == [("token-1", {"job_id": f"{JOB}.labeling.1", "answers": 4, "answers_uri": uri})]
    lines = cloud.read_lines(f"labeling/{JOB}/round-1/labels.jsonl")
    assert [(line["image_id"], line["annotations"], line["worker"]) for line in lines] == [
        (image["image_id"], [BOX], "anna") for image in images
    ]


def test_opening_twice_keeps_the_answers_and_takes_the_newer_token(
    step: Any, images: list[Any], cloud: Cloud, answered: list[Any]
) -> None:
    open_labeling(step, cloud)
    task = ask(step, "POST", f"/jobs/{JOB}.labeling.1/next", {"worker": "anna"})[1]
    path = f"/jobs/{JOB}.labeling.1/tasks/{task['task_id']}/answer"
    ask(step, "POST", path, {"worker": "anna", "annotations": []})
    open_labeling(step, cloud, task_token="token-2")
    assert label_all(step) == 3
    assert [token for token, _ in answered] == ["token-2"]
    open_labeling(step, cloud, task_token="token-3")
    assert [token for token, _ in answered] == ["token-2", "token-3"]


def test_a_job_without_images_is_answered_at_once(step: Any, cloud: Cloud, answered: list[Any]) -> None:
    uri = cloud.write_lines("labeling/x/round-1/labels.jsonl", [])
    step("open_verification_job", job_id="x", labels_uri=uri, task_token="token")
    assert [output["answers"] for _, output in answered] == [0]


def test_an_answer_sent_twice_counts_once_and_another_one_is_refused(
    step: Any, images: list[Any], cloud: Cloud
) -> None:
    open_labeling(step, cloud)
    task = ask(step, "POST", f"/jobs/{JOB}.labeling.1/next", {"worker": "anna"})[1]
    path = f"/jobs/{JOB}.labeling.1/tasks/{task['task_id']}/answer"
    right = {"worker": "anna", "annotations": [BOX]}
    assert ask(step, "POST", path, right) == (200, {"status": "saved", "remaining": 3})
    assert ask(step, "POST", path, right) == (200, {"status": "saved", "remaining": 3})
    assert ask(step, "POST", path, {"worker": "anna", "annotations": []})[0] == 409
    assert ask(step, "POST", path, {"worker": "ben", "annotations": [BOX]})[0] == 409


def test_two_people_never_hold_one_task(step: Any, images: list[Any], cloud: Cloud) -> None:
    open_labeling(step, cloud)
    given = [ask(step, "POST", f"/jobs/{JOB}.labeling.1/next", {"worker": f"w{n}"}) for n in range(5)]
    assert len({task["task_id"] for status, task in given if status == 200}) == 4
    assert given[4] == (204, None)


def test_an_abandoned_task_comes_back_when_its_lease_is_over(step: Any, images: list[Any], cloud: Cloud) -> None:
    cloud.environment["LEASE_SECONDS"] = "0"
    open_labeling(step, cloud)
    for worker in ("anna", "ben"):
        tasks = {ask(step, "POST", f"/jobs/{JOB}.labeling.1/next", {"worker": worker})[1]["task_id"] for _ in range(40)}
        assert len(tasks) == 4


@pytest.mark.parametrize(
    ("annotations", "said"),
    [
        ([{**BOX, "left": 60}], "does not lie inside the image"),
        ([{**BOX, "class_id": 2}], "class_id must be a whole number in 0..1"),
        ([{**BOX, "left": "1"}], "must be a finite number"),
        ([{**BOX, "left": float("nan")}], "must be a finite number"),
        ([{**BOX, "left": True}], "must be a finite number"),
        ([{"left": 1}], "must have exactly the fields"),
        ([BOX] * 1001, "at most 1000"),
        ("none", "must be a list"),
    ],
)
def test_a_label_that_cannot_be_is_refused_with_the_reason(
    step: Any, images: list[Any], cloud: Cloud, annotations: Any, said: str
) -> None:
    open_labeling(step, cloud)
    task = ask(step, "POST", f"/jobs/{JOB}.labeling.1/next", {"worker": "anna"})[1]
    path = f"/jobs/{JOB}.labeling.1/tasks/{task['task_id']}/answer"
    status, answer = ask(step, "POST", path, {"worker": "anna", "annotations": annotations})
    assert status == 400
    assert said in answer["message"]
    assert ask(step, "GET", "/jobs")[1]["jobs"][0]["remaining"] == 4


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/jobs/none/next", {"worker": "anna"}, 404),
        (f"/jobs/{JOB}.labeling.1/next", {"worker": "<b>"}, 400),
        (f"/jobs/{JOB}.labeling.1/next", [1], 400),
        (f"/jobs/{JOB}.labeling.1/tasks/none/answer", {"worker": "anna", "annotations": []}, 404),
    ],
)
def test_a_wrong_request_gets_a_clear_answer(
    step: Any, images: list[Any], cloud: Cloud, path: str, body: Any, status: int
) -> None:
    open_labeling(step, cloud)
    assert ask(step, "POST", path, body)[0] == status


def test_of_many_last_answers_one_answers_the_workflow(
    step: Any, images: list[Any], cloud: Cloud, answered: list[Any]
) -> None:
    open_labeling(step, cloud)
    taken = [ask(step, "POST", f"/jobs/{JOB}.labeling.1/next", {"worker": f"w{n}"})[1]["task_id"] for n in range(4)]

    def send(number: int) -> int:
        path = f"/jobs/{JOB}.labeling.1/tasks/{taken[number % 4]}/answer"
        return ask(step, "POST", path, {"worker": f"w{number % 4}", "annotations": []})[0]

    with ThreadPoolExecutor(1) as pool:
        assert set(pool.map(send, range(8))) == {200}
    assert len(answered) == 1


def settle(step: Any, cloud: Cloud, number: int, approved: list[bool]) -> dict[str, Any]:
    prefix = f"labeling/{JOB}/round-{number}/"
    labels = cloud.read_lines(prefix + "labels.jsonl")
    verdicts = [
        {**label, "approved": True} if good else {**label, "approved": False, "reason": "box too small"}
        for label, good in zip(labels, approved, strict=True)
    ]
    uri = cloud.write_lines(prefix + "verdicts.jsonl", verdicts)
    settled: dict[str, Any] = step(
        "settle_round", round=number, labels_uri=f"s3://artifacts/{prefix}labels.jsonl", verdicts_uri=uri
    )
    assert (
        step("settle_round", round=number, labels_uri=f"s3://artifacts/{prefix}labels.jsonl", verdicts_uri=uri)
        == settled
    )
    return settled


def test_rejected_labels_go_round_again_and_end_rejected_after_the_last_round(
    step: Any, images: list[Any], cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    features: list[str] = []
    monkeypatch.setattr(
        "sightline.aws.feature_store.put_label", lambda group, job, label, uri: features.append(label["image_id"])
    )
    open_labeling(step, cloud)
    label_all(step)
    first = settle(step, cloud, 1, [True, True, False, True])
    again = f"s3://artifacts/labeling/{JOB}/round-2/images.jsonl"
    assert first == {"approved": 3, "rejected": 1, "again": True, "round": 2, "images_uri": again}
    asked = cloud.read_lines(f"labeling/{JOB}/round-2/images.jsonl")
    assert [(line["image_id"], line["annotations"], line["reason"]) for line in asked] == [
        (images[2]["image_id"], None, "box too small")
    ]
    cloud.write_lines(f"labeling/{JOB}/round-2/labels.jsonl", [{**asked[0], "annotations": []}])
    assert settle(step, cloud, 2, [False]) == {
        "approved": 0,
        "rejected": 1,
        "again": False,
        "round": 2,
        "images_uri": "",
    }
    recorded = step("record_labels", round=2)
    assert recorded == {
        "approved": 3,
        "rejected": 1,
        "new_labels": 3,
        "manifest_uri": f"s3://artifacts/labeling/{JOB}/output.manifest",
        "enough": True,
    }
    manifest = cloud.read_lines(f"labeling/{JOB}/output.manifest")
    assert step("record_labels", round=2) == recorded
    strip = [{key: value for key, value in line.items() if not key.endswith("-metadata")} for line in manifest]
    again_strip = cloud.read_lines(f"labeling/{JOB}/output.manifest")
    assert [{k: v for k, v in line.items() if not k.endswith("-metadata")} for line in again_strip] == strip
    assert sorted(set(features)) == [images[n]["image_id"] for n in (0, 1, 3)]
    ledger = Ledger("ImagesTable")
    assert {status: ledger.count(status) for status in ("APPROVED", "REJECTED", "CLAIMED", "NEW")} == {
        "APPROVED": 3,
        "REJECTED": 1,
        "CLAIMED": 0,
        "NEW": 0,
    }
    item = ledger.image(images[0]["image_id"])
    assert item is not None
    assert item["annotations"] == [BOX]
    assert cloud.read(f"datasets/images/{images[0]['image_id']}.jpeg") in [jpeg(n) for n in range(4)]
