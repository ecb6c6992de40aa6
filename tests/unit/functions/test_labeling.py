"""The labelling functions one after the other, each step twice: claim, open, serve, settle, record."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from sightline.labelling import closing
from sightline.labelling.closing import Closing
from tests.fake_cloud import Cloud, jpeg, request
from tests.given_aws import GivenAws
from tests.images import ledger

JOB = "window-1795220517014"
BOX = {"class_id": 0, "left": 1, "top": 2, "width": 10, "height": 12}


@pytest.fixture(autouse=True)
def answered(aws: GivenAws, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Task tokens with their outputs, as Step Functions would get them."""
    sent: list[tuple[str, Any]] = []

    class StepFunctions:
        def send_task_success(self, *, taskToken: str, output: str) -> None:  # noqa: N803
            sent.append((taskToken, json.loads(output)))

    aws.given["stepfunctions"] = StepFunctions()
    monkeypatch.setattr("sightline.aws.workflows.StateMachine.start_once", lambda *_: True)
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


def ask(step: Any, method: str, path: str, body: Any = None, worker: str = "anna") -> tuple[int, Any]:
    """One request to the labelling part of the console API."""
    answer = step("serve_labeling", request(method, path, body, worker))
    return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else None


def take(step: Any, worker: str = "anna", count: int = 1, job: str = f"{JOB}.labeling.1") -> list[dict[str, Any]]:
    """Tasks for one person."""
    status, given = ask(step, "POST", f"/jobs/{job}/next", {"count": count}, worker)
    assert status == 200, given
    tasks: list[dict[str, Any]] = given["tasks"]
    return tasks


def answer_path(task: dict[str, Any], job: str = f"{JOB}.labeling.1") -> str:
    return f"/jobs/{job}/tasks/{task['task_id']}/answer"


def open_labeling(step: Any, cloud: Cloud, **changes: Any) -> None:
    uri = f"s3://artifacts/labeling/{JOB}/round-1/images.jsonl"
    step("open_labeling_job", **({"images_uri": uri, "task_token": "token-1"} | changes))


def label_all(step: Any, worker: str = "anna", boxes: list[Any] | None = None) -> int:
    """Answer every task of the first round that `worker` gets, with one box; answers how many."""
    count = 0
    while tasks := take(step, worker):
        answer = {"annotations": [BOX] if boxes is None else boxes}
        assert ask(step, "POST", answer_path(tasks[0]), answer, worker)[0] == 200
        count += 1
    return count


def consolidate(step: Any, number: int = 1) -> Any:
    consolidated = step("consolidate_labels", round=number, tasks_job=f"{JOB}.labeling.{number}")
    assert step("consolidate_labels", round=number, tasks_job=f"{JOB}.labeling.{number}") == consolidated
    return consolidated


def test_a_claim_is_exclusive_and_repeatable(step: Any, images: list[Any]) -> None:
    assert step("claim_new_images")["images"] == 4
    assert step("claim_new_images", execution="other")["images"] == 0
    assert step("claim_new_images", execution="other")["images_uri"].endswith("/labeling/other/round-1/images.jsonl")


def test_when_every_task_is_answered_the_workflow_is_told_once(
    step: Any, images: list[Any], cloud: Cloud, answered: list[Any]
) -> None:
    open_labeling(step, cloud)
    assert label_all(step) == 4
    assert answered == [("token-1", {"job_id": f"{JOB}.labeling.1", "tasks": 4})]
    uri = f"s3://artifacts/labeling/{JOB}/round-1/labels.jsonl"
    assert consolidate(step) == {"labels_uri": uri, "labels": 4, "skipped": 0}
    lines = cloud.read_lines(f"labeling/{JOB}/round-1/labels.jsonl")
    assert [(line["image_id"], line["annotations"], line["annotated_by"], line["agreement"]) for line in lines] == [
        (image["image_id"], [BOX], ["anna"], None) for image in images
    ]


def test_opening_twice_keeps_the_answers_and_takes_the_newer_token(
    step: Any, images: list[Any], cloud: Cloud, answered: list[Any]
) -> None:
    open_labeling(step, cloud)
    ask(step, "POST", answer_path(take(step)[0]), {"annotations": []})
    open_labeling(step, cloud, task_token="token-2")
    assert label_all(step) == 3
    assert [token for token, _ in answered] == ["token-2"]
    open_labeling(step, cloud, task_token="token-3")
    assert [token for token, _ in answered] == ["token-2", "token-3"]


def test_a_job_without_images_is_answered_at_once(step: Any, cloud: Cloud, answered: list[Any]) -> None:
    uri = cloud.write_lines("labeling/x/round-1/labels.jsonl", [])
    step("open_verification_job", job_id="x", labels_uri=uri, task_token="token")
    assert [output["tasks"] for _, output in answered] == [0]
    assert step("collect_verdicts", job_id="x", tasks_job="x.verification.1")["verdicts"] == 0


def test_an_answer_sent_twice_counts_once_and_its_sender_may_replace_it(
    step: Any, images: list[Any], cloud: Cloud
) -> None:
    open_labeling(step, cloud)
    task = take(step)[0]
    assert ask(step, "POST", answer_path(task), {"annotations": [BOX]}) == (200, {"status": "saved", "remaining": 3})
    assert ask(step, "POST", answer_path(task), {"annotations": [BOX]}) == (200, {"status": "saved", "remaining": 3})
    assert ask(step, "POST", answer_path(task), {"annotations": []}) == (200, {"status": "saved", "remaining": 3})
    path = answer_path(task).removesuffix("/answer")
    assert ask(step, "GET", path)[1]["answer"] == {"annotations": []}
    assert ask(step, "GET", path, worker="ben")[1]["answer"] is None
    assert ask(step, "POST", answer_path(task), {"annotations": [BOX]}, "ben")[0] == 409
    progress = ask(step, "GET", f"/jobs/{JOB}.labeling.1")[1]
    assert (progress["workers"]["anna"]["answers"], progress["answers"], progress["remaining"]) == (1, 1, 3)


def test_a_job_that_is_over_takes_no_other_answer(
    step: Any, images: list[Any], cloud: Cloud, answered: list[Any]
) -> None:
    open_labeling(step, cloud)
    tasks = take(step, count=4)
    for task in tasks:
        assert ask(step, "POST", answer_path(task), {"annotations": [BOX]})[0] == 200
    assert ask(step, "POST", answer_path(tasks[0]), {"annotations": [BOX]}) == (
        200,
        {"status": "saved", "remaining": 0},
    )
    status, said = ask(step, "POST", answer_path(tasks[0]), {"annotations": []})
    assert (status, "its job is over" in said["message"]) == (409, True)
    assert len(answered) == 1
    consolidate(step)
    assert {len(line["annotations"]) for line in cloud.read_lines(f"labeling/{JOB}/round-1/labels.jsonl")} == {1}


def test_two_people_never_hold_one_task_and_a_reload_gives_the_same_ones(
    step: Any, images: list[Any], cloud: Cloud
) -> None:
    open_labeling(step, cloud)
    first = [task["task_id"] for task in take(step, "anna", 2)]
    second = [task["task_id"] for task in take(step, "ben", 3)]
    assert (len(first), len(second), len({*first, *second})) == (2, 2, 4)
    assert take(step, "cleo") == []
    assert sorted(task["task_id"] for task in take(step, "anna", 9)) == sorted(first)
    assert len(take(step, "anna", 1)) == 1


def test_an_abandoned_task_comes_back_when_its_lease_is_over(step: Any, images: list[Any], cloud: Cloud) -> None:
    cloud.environment["LEASE_SECONDS"] = "0"
    open_labeling(step, cloud)
    held = take(step, "anna", 4)
    assert len(held) == 4
    got = take(step, "ben", 4)
    assert len({task["task_id"] for task in got}) == 4
    assert ask(step, "POST", answer_path(held[0]), {"annotations": []}, "anna")[0] == 409
    assert ask(step, "POST", answer_path(held[0]), {"annotations": []}, "ben")[0] == 200


def test_a_lease_that_is_over_still_counts_as_long_as_nobody_else_has_the_task(
    step: Any, images: list[Any], cloud: Cloud
) -> None:
    cloud.environment["LEASE_SECONDS"] = "0"
    open_labeling(step, cloud)
    assert ask(step, "POST", answer_path(take(step)[0]), {"annotations": []})[0] == 200


def test_a_lease_is_renewed_and_given_back(step: Any, images: list[Any], cloud: Cloud) -> None:
    open_labeling(step, cloud)
    task = take(step, "anna", 4)[0]
    lease = answer_path(task).replace("/answer", "/lease")
    status, renewed = ask(step, "POST", lease)
    assert (status, renewed["lease_expires_at"] >= task["lease_expires_at"]) == (200, True)
    assert (ask(step, "POST", lease, worker="ben")[0], ask(step, "DELETE", lease, worker="ben")[0]) == (409, 409)
    assert [ask(step, "DELETE", lease) for _ in range(2)] == [(204, None), (204, None)]
    assert ask(step, "POST", lease)[0] == 409
    assert [given["task_id"] for given in take(step, "ben", 2)] == [task["task_id"]]


def test_a_lease_that_was_given_anew_is_not_given_back(step: Any, images: list[Any], cloud: Cloud) -> None:
    open_labeling(step, cloud)
    task = take(step)[0]
    lease = answer_path(task).replace("/answer", "/lease")
    again = take(step)[0]  # the page was loaded again before its last word came here
    assert again["task_id"] == task["task_id"]
    earlier, now = (
        {"rawQueryString": f"until={until}", "queryStringParameters": {"until": str(until)}}
        for until in (again["lease_expires_at"] - 1, again["lease_expires_at"])
    )
    assert step("serve_labeling", request("DELETE", lease) | earlier)["statusCode"] == 204
    assert ask(step, "POST", answer_path(task), {"annotations": []})[0] == 200
    task = take(step)[0]
    lease, now["queryStringParameters"]["until"] = f"{answer_path(task)[:-7]}/lease", str(task["lease_expires_at"])
    assert step("serve_labeling", request("DELETE", lease) | now)["statusCode"] == 204
    assert task["task_id"] in {given["task_id"] for given in take(step, "ben", 4)}
    now["queryStringParameters"]["until"] = "soon"
    assert step("serve_labeling", request("DELETE", lease) | now)["statusCode"] == 400


def test_each_image_goes_to_as_many_different_people_as_the_stack_says(
    step: Any, images: list[Any], cloud: Cloud, answered: list[Any]
) -> None:
    cloud.environment["ANNOTATORS_PER_IMAGE"] = "3"
    open_labeling(step, cloud)
    moved = {**BOX, "left": 2}
    assert label_all(step, "anna") == 4
    assert label_all(step, "anna") == 0
    assert [ask(step, "GET", "/jobs", worker=name)[1]["jobs"][0]["answered_by_you"] for name in ("anna", "ben")] == [
        4,
        0,
    ]
    assert label_all(step, "ben", [moved]) == 4
    assert answered == []
    open_job = ask(step, "GET", f"/jobs/{JOB}.labeling.1")[1]
    assert (open_job["remaining"], open_job["answers"], open_job["agreement"]) == (4, 8, None)
    assert label_all(step, "cleo", [moved]) == 4
    assert len(answered) == 1
    consolidate(step)
    lines = cloud.read_lines(f"labeling/{JOB}/round-1/labels.jsonl")
    assert [line["annotations"] for line in lines] == [[moved]] * 4
    assert {tuple(line["annotated_by"]) for line in lines} == {("anna", "ben", "cleo")}
    shown = ask(step, "GET", f"/jobs/{JOB}.labeling.1")[1]["agreement"]
    assert shown == pytest.approx(lines[0]["agreement"], abs=1e-4)
    assert 0.8 < shown < 1


def test_an_image_that_most_skip_is_set_aside_and_not_verified(
    step: Any, images: list[Any], cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.labelling.feature_store.FeatureGroup.put_label", lambda *_: None)
    open_labeling(step, cloud)
    first = take(step)[0]
    assert ask(step, "POST", answer_path(first), {"skip": "  out of focus "})[0] == 200
    assert ask(step, "GET", f"/jobs/{JOB}.labeling.1")[1]["skipped"] == 1
    label_all(step)
    assert consolidate(step) | {"labels_uri": ""} == {"labels_uri": "", "labels": 3, "skipped": 1}
    skipped = cloud.read_lines(f"labeling/{JOB}/round-1/skipped.jsonl")
    assert [(line["image_id"], line["skip"]) for line in skipped] == [(first["image_id"], "out of focus")]
    settle(step, cloud, 1, [True, True, True])
    assert step("record_labels", round=1)["skipped"] == 1
    item = ledger().image(first["image_id"])
    assert item is not None
    assert (item.status, item.attention, item.why) == ("REJECTED", True, "skipped: out of focus")
    assert item.annotations is None


def test_the_least_sure_images_and_the_least_agreed_labels_come_first(step: Any, cloud: Cloud) -> None:
    image = {"bucket": "images", "key": "incoming/x.jpg", "width": 64, "height": 64, "format": "jpeg"}
    sure = [{**image, "image_id": f"i{n:02}", "uncertainty": n / 40} for n in range(40)]
    open_labeling(step, cloud, images_uri=cloud.write_lines("labeling/a/images.jsonl", sure))
    assert {task["task_id"] for task in take(step, count=8)} <= {f"i{n}" for n in range(24, 40)}
    agreed = [{**image, "image_id": f"i{n:02}", "annotations": [], "agreement": 1 - n / 40} for n in range(40)]
    uri = cloud.write_lines("labeling/a/labels.jsonl", agreed)
    step("open_verification_job", job_id="a", labels_uri=uri, task_token="t")
    given = take(step, count=8, job="a.verification.1")
    assert {task["task_id"] for task in given} <= {f"i{n}" for n in range(24, 40)}


BAD_LABELS: list[tuple[Any, str]] = [
    ({"annotations": [{**BOX, "left": 60}]}, "does not lie inside the image"),
    ({"annotations": [{**BOX, "left": -1}]}, "does not lie inside the image"),
    ({"annotations": [{**BOX, "width": 0}]}, "does not lie inside the image"),
    ({"annotations": [{**BOX, "class_id": 2}]}, "class_id must be a whole number in 0..1"),
    ({"annotations": [{**BOX, "left": "1"}]}, "must be a finite number"),
    ({"annotations": [{**BOX, "left": 10**400}]}, "must be a finite number"),
    ({"annotations": [{**BOX, "left": True}]}, "must be a finite number"),
    ({"annotations": [{**BOX, "__proto__": {}}]}, "must have exactly the fields"),
    ({"annotations": [{"left": 1}]}, "must have exactly the fields"),
    ({"annotations": [BOX] * 1001}, "at most 1000"),
    ({"annotations": "none"}, "must be a list"),
    ({"skip": ""}, "skip must be a text of 1 to 500 characters"),
    ({"skip": "x" * 501}, "skip must be a text of 1 to 500 characters"),
    ({"skip": {"a": 1}}, "skip must be a text of 1 to 500 characters"),
    ({"skip": "blurred \ud800"}, "half a character, which can't be shown"),
    ({"skip": "blur\u202egnp"}, "a character that can't be shown"),
    ({"skip": "\u200b "}, "skip must be a text of 1 to 500 characters"),
    ({"skip": "blurred", "annotations": []}, "not both"),
    ({}, "must be a list"),
    ('{"annotations": [NaN]}', "NaN is no number of JSON"),
    ('{"annotations": [1e999]}', "too large a number"),
    ('{"annotations": [' + "[" * 200_000, "not JSON"),
    ('{"annotations"', "not JSON"),
    ("[]", "must be a JSON object"),
]


def test_a_label_that_cannot_be_is_refused_with_the_reason_and_changes_nothing(
    step: Any, images: list[Any], cloud: Cloud
) -> None:
    open_labeling(step, cloud)
    task = take(step)[0]
    before = cloud.dynamodb.scan(TableName="TasksTable")["Items"]
    for sent, said in BAD_LABELS:
        status, answer = ask(step, "POST", answer_path(task), sent)
        assert (status, said in answer["message"]) == (400, True), answer
        assert len(answer["message"]) < 1000
    assert cloud.dynamodb.scan(TableName="TasksTable")["Items"] == before


def test_a_million_boxes_are_too_many_before_they_are_read(step: Any, images: list[Any], cloud: Cloud) -> None:
    open_labeling(step, cloud)
    text = f'{{"annotations": [{f"{json.dumps(BOX)}," * 1_000_000}]}}'
    status, answer = ask(step, "POST", answer_path(take(step)[0]), text)
    assert (status, "at most 1000000 are taken" in answer["message"]) == (413, True)


def test_markup_in_a_comment_is_kept_as_the_text_that_it_is(step: Any, cloud: Cloud) -> None:
    label = {"image_id": "x", "bucket": "images", "key": "incoming/<b>.jpg", "width": 9, "height": 9, "annotations": []}
    uri = cloud.write_lines("labeling/a/labels.jsonl", [label])
    step("open_verification_job", job_id="a", labels_uri=uri, task_token="t")
    reason = "<script>alert(1)</script>"
    path = answer_path(take(step, job="a.verification.1")[0], "a.verification.1")
    assert ask(step, "POST", path, {"approved": False, "reason": reason})[0] == 200
    step("collect_verdicts", job_id="a", round=1, tasks_job="a.verification.1")
    assert [line["reason"] for line in cloud.read_lines("labeling/a/round-1/verdicts.jsonl")] == [reason]


WRONG_REQUESTS: list[tuple[str, str, Any, int]] = [
    ("POST", "/jobs/none/next", {}, 404),
    ("GET", "/jobs/none", None, 404),
    ("POST", f"/jobs/{JOB}.labeling.1/next", [1], 400),
    ("POST", f"/jobs/{JOB}.labeling.1/next", {"count": 0}, 400),
    ("POST", f"/jobs/{JOB}.labeling.1/next", {"count": 33}, 400),
    ("POST", f"/jobs/{JOB}.labeling.1/next", {"count": True}, 400),
    ("POST", f"/jobs/{JOB}.labeling.1/tasks/none/answer", {"annotations": []}, 404),
    ("POST", f"/jobs/{JOB}.labeling.1/tasks/none/lease", None, 404),
    ("DELETE", f"/jobs/{JOB}.labeling.1/tasks/none/lease", None, 404),
    ("GET", f"/jobs/{JOB}.labeling.1/tasks/none", None, 404),
    ("POST", "/jobs/../../tasks/x/answer", {}, 404),
    ("GET", f"/jobs/{'x' * 3000}", None, 400),
    ("POST", f"/jobs/{JOB}.labeling.1/tasks/{'x' * 3000}/lease", None, 400),
]


def test_a_wrong_request_gets_a_clear_answer(step: Any, images: list[Any], cloud: Cloud) -> None:
    open_labeling(step, cloud)
    for method, path, body, status in WRONG_REQUESTS:
        assert (ask(step, method, path, body)[0], path) == (status, path)


def test_the_task_of_one_job_can_not_be_answered_in_another(step: Any, images: list[Any], cloud: Cloud) -> None:
    open_labeling(step, cloud)
    uri = cloud.write_lines("labeling/b/images.jsonl", [{**images[0], "image_id": "other"}])
    open_labeling(step, cloud, job_id="b", images_uri=uri)
    other = take(step, job="b.labeling.1")[0]
    assert ask(step, "POST", answer_path(other), {"annotations": []})[0] == 404
    assert ask(step, "GET", "/jobs/b.labeling.1")[1]["remaining"] == 1


def test_who_sends_no_id_token_is_not_signed_in(step: Any, images: list[Any], cloud: Cloud) -> None:
    open_labeling(step, cloud)
    event = request("POST", f"/jobs/{JOB}.labeling.1/next", {})
    event["requestContext"]["authorizer"]["jwt"]["claims"] = {"username": "anna", "token_use": "access"}
    assert step("serve_labeling", event)["statusCode"] == 401


def test_a_last_answer_sent_by_many_at_once_tells_the_workflow_once(
    step: Any, images: list[Any], cloud: Cloud, answered: list[Any]
) -> None:
    open_labeling(step, cloud)
    taken = [take(step, f"w{n}")[0] for n in range(4)]
    for number in (0, 1, 2, 3, 3, 3, 3):
        assert ask(step, "POST", answer_path(taken[number]), {"annotations": []}, f"w{number}")[0] == 200
    assert len(answered) == 1


def test_who_died_before_the_workflow_heard_is_made_up_for(
    step: Any, images: list[Any], cloud: Cloud, answered: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    open_labeling(step, cloud)
    tasks = take(step, count=4)
    with monkeypatch.context() as broken:
        broken.setattr(Closing, "close", lambda *_, **__: None)
        for task in tasks:
            ask(step, "POST", answer_path(task), {"annotations": []})
    assert answered == []
    assert take(step) == []
    assert len(answered) == 1


@pytest.mark.parametrize("who_comes", ["the answer again", "somebody who looks at the jobs"])
def test_who_dies_while_telling_the_workflow_is_made_up_for(
    who_comes: str, step: Any, images: list[Any], cloud: Cloud, answered: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    open_labeling(step, cloud)
    *others, last = take(step, count=4)
    for task in others:
        ask(step, "POST", answer_path(task), {"annotations": []})

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt  # as a process that ends: nobody cleans up

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(Closing, "_answer_workflow", killed)
        ask(step, "POST", answer_path(last), {"annotations": []})
    status, said = ask(step, "POST", answer_path(last), {"annotations": []})
    assert (status, "send it again" in said["message"], answered) == (503, True, [])  # it may be alive and slow
    later = closing.now() + closing.CLOSING_SECONDS * 1000 + 1
    monkeypatch.setattr(closing, "now", lambda: later)
    if who_comes == "the answer again":
        assert ask(step, "POST", answer_path(last), {"annotations": []}) == (200, {"status": "saved", "remaining": 0})
    else:
        assert ask(step, "GET", "/jobs")[0] == 200
    assert len(answered) == 1
    assert ask(step, "GET", "/jobs")[1]["jobs"] == []
    assert ask(step, "POST", answer_path(last), {"annotations": []})[0] == 200
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
        "sightline.labelling.feature_store.FeatureGroup.put_label",
        lambda group, job, label, uri: features.append(label["image_id"]),
    )
    open_labeling(step, cloud)
    label_all(step)
    consolidate(step)
    first = settle(step, cloud, 1, [True, True, False, True])
    again = f"s3://artifacts/labeling/{JOB}/round-2/images.jsonl"
    assert first == {"approved": 3, "rejected": 1, "again": True, "round": 2, "images_uri": again}
    asked = cloud.read_lines(f"labeling/{JOB}/round-2/images.jsonl")
    assert [(line["image_id"], line["annotations"], line["reason"]) for line in asked] == [
        (images[2]["image_id"], [BOX], "box too small")
    ]
    assert "annotated_by" not in asked[0]
    cloud.write_lines(f"labeling/{JOB}/round-2/labels.jsonl", [{**asked[0], "annotations": []}])
    cloud.write_lines(f"labeling/{JOB}/round-2/skipped.jsonl", [])
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
        "skipped": 0,
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
    assert {status: count for status, count in ledger().counts().items() if count} == {"APPROVED": 3, "REJECTED": 1}
    item = ledger().image(images[0]["image_id"])
    assert item is not None
    assert item.annotations == (BOX,)
    aside = ledger().image(images[2]["image_id"])
    assert aside is not None
    assert (aside.annotations, aside.why) == ((), "rejected 2 times: box too small")
    assert [image.image_id for image in ledger().attention(9)] == [images[2]["image_id"]]
    assert cloud.read(f"datasets/images/{images[0]['image_id']}.jpeg") in [jpeg(n) for n in range(4)]


def test_what_a_verifier_corrects_is_what_is_approved(step: Any, cloud: Cloud) -> None:
    label = {"image_id": "x", "bucket": "images", "key": "incoming/x.jpg", "width": 64, "height": 64}
    uri = cloud.write_lines("labeling/a/round-1/labels.jsonl", [{**label, "annotations": [BOX]}])
    step("open_verification_job", job_id="a", labels_uri=uri, task_token="t")
    path = answer_path(take(step, job="a.verification.1")[0], "a.verification.1")
    for sent, said in (
        ({}, "approved must be"),
        ({"approved": False}, "reason"),
        ({"approved": True, "annotations": 1}, "list"),
    ):
        status, answer = ask(step, "POST", path, sent)
        assert (status, said in answer["message"]) == (400, True)
    corrected = {**BOX, "left": 3}
    assert ask(step, "POST", path, {"approved": True, "annotations": [corrected]})[0] == 200
    verdicts = step("collect_verdicts", job_id="a", round=1, tasks_job="a.verification.1")
    step("settle_round", job_id="a", labels_uri=uri, verdicts_uri=verdicts["verdicts_uri"])
    assert [line["annotations"] for line in cloud.read_lines("labeling/a/round-1/approved.jsonl")] == [[corrected]]


@pytest.fixture
def own_labels(step: Any, cloud: Cloud, aws: GivenAws) -> Callable[..., str]:
    """`own_labels("auto", ["anna", "ben"])` opens a verification of 30 labels of anna and 2 of ben; answers its job."""
    label = {"bucket": "images", "key": "incoming/x.jpg", "width": 64, "height": 64, "annotations": [BOX]}

    def open_job(mode: str, people: list[str]) -> str:
        cloud.environment["FOUR_EYES"] = mode
        users = [{"Username": name, "Enabled": True, "UserStatus": "CONFIRMED"} for name in people]
        aws.given["cognito-idp"] = SimpleNamespace(list_users=lambda **_: {"Users": users})
        drawn = ["anna"] * 30 + ["ben"] * 2
        lines = [{**label, "image_id": f"i{n:02}", "annotated_by": [name]} for n, name in enumerate(drawn)]
        uri = cloud.write_lines("labeling/a/labels.jsonl", lines)
        step("open_verification_job", job_id="a", labels_uri=uri, task_token="t")
        return "a.verification.1"

    return open_job


def test_nobody_gets_or_answers_a_label_of_their_own(step: Any, own_labels: Callable[..., str]) -> None:
    job = own_labels("auto", ["anna", "ben"])
    assert {task["task_id"] for task in take(step, "anna", 32, job)} == {"i30", "i31"}
    assert len(take(step, "ben", 32, job)) == 30
    own = answer_path({"task_id": "i30"}, job)
    assert ask(step, "POST", own, {"approved": True}, "ben") == (
        409, {"message": "you drew this label, so somebody else verifies it; ask for the next task"},
    )  # fmt: skip
    assert ask(step, "POST", own, {"approved": True}, "anna")[0] == 200
    assert ask(step, "GET", "/jobs")[1]["four_eyes"] is True


def test_a_label_that_somebody_gave_back_is_still_nothing_for_who_drew_it(
    step: Any, own_labels: Callable[..., str]
) -> None:
    job = own_labels("on", ["anna"])
    (task,) = take(step, "ben", 1, job)
    assert ask(step, "DELETE", f"/jobs/{job}/tasks/{task['task_id']}/lease", None, "ben")[0] == 204
    assert {task["task_id"] for task in take(step, "anna", 32, job)} == {"i30", "i31"}


@pytest.mark.parametrize(("mode", "people"), [("auto", ["anna"]), ("off", ["anna", "ben"])])
def test_one_person_alone_verifies_own_labels_and_the_page_says_so(
    step: Any, own_labels: Callable[..., str], mode: str, people: list[str]
) -> None:
    job = own_labels(mode, people)
    tasks = take(step, "anna", 32, job)
    assert len(tasks) == 32
    assert ask(step, "POST", answer_path({"task_id": "i00"}, job), {"approved": True}, "anna")[0] == 200
    assert ask(step, "GET", "/jobs")[1]["four_eyes"] is False
