"""Ground Truth's labelling jobs: answered by people, given back as Ground Truth gives them, with its event."""

import json
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.emulator.aws_shapes import AwsError
from local.emulator.sagemaker import labeling_jobs, labeling_output, labeling_page, objects
from sightline.labelling import ground_truth
from sightline.names import LABEL_ATTRIBUTE
from tests.fake_cloud import jpeg

BOX = {"class_id": 1, "left": 1, "top": 2, "width": 10, "height": 12}
CLASSES = ["scratch", "dent"]
WORKTEAM = "arn:aws:sagemaker:us-east-1:123456789012:workteam/private-crowd/inspectors"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket with two images, and an input manifest for each kind of job."""
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="bucket")

        def put(key: str, body: Any) -> None:
            client.put_object(
                Bucket="bucket", Key=key, Body=body if isinstance(body, bytes) else json.dumps(body).encode()
            )

        images = [
            {"image_id": str(n), "bucket": "bucket", "key": f"{n}.jpg", "width": 64, "height": 64} for n in range(2)
        ]
        for number in range(2):
            put(f"{number}.jpg", jpeg(number))
        for kind, lines in {
            "labeling": [ground_truth.to_label(image) for image in images],
            "verification": [ground_truth.to_verify({**image, "annotations": [BOX]}, CLASSES) for image in images],
        }.items():
            put(f"{kind}.manifest", "".join(json.dumps(line) + "\n" for line in lines).encode())
        put("labeling.json", ground_truth.categories(CLASSES))
        put("verification.json", ground_truth.categories(list(ground_truth.Verdict)))
        put("page.html", b"<p>")

        class Session:
            def __init__(self, role: str) -> None: ...
            def client(self, service: str) -> Any:
                return client

        monkeypatch.setattr(labeling_jobs, "RoleSession", Session)
        monkeypatch.setattr(labeling_jobs, "refuse_unless_trusting", lambda *_: None)
        monkeypatch.setattr(labeling_jobs, "_jobs", {})
        monkeypatch.setattr(labeling_jobs, "_stopping", {})
        monkeypatch.setattr(labeling_page, "LOOK_SECONDS", 0.01)
        yield client


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The events that were sent."""
    sent: list[Any] = []
    monkeypatch.setattr(labeling_jobs, "emit", lambda *event: sent.append(event))
    return sent


def request(kind: str, name: str = "Job-1") -> dict[str, Any]:
    task, attribute = {
        "labeling": (ground_truth.TaskType.BOUNDING_BOX, LABEL_ATTRIBUTE),
        "verification": (ground_truth.TaskType.VERIFICATION, "verdict"),
    }[kind]
    return {
        "LabelingJobName": name,
        "LabelAttributeName": attribute,
        "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": f"s3://bucket/{kind}.manifest"}}},
        "OutputConfig": {"S3OutputPath": "s3://bucket/out/"},
        "RoleArn": "arn:aws:iam::000000000000:role/ground-truth",
        "LabelCategoryConfigS3Uri": f"s3://bucket/{kind}.json",
        "HumanTaskConfig": ground_truth.human_task_config(
            task, region="us-east-1", workteam=WORKTEAM, template_uri="s3://bucket/page.html", title="t", workers=1,
            public_price_tenth_cents=0,
        ),
    }  # fmt: skip


def ended(call: Any, name: str = "Job-1") -> dict[str, Any]:
    until = time.monotonic() + 30
    while (job := call("DescribeLabelingJob", LabelingJobName=name))["LabelingJobStatus"] not in labeling_jobs.ENDED:
        assert time.monotonic() < until
        time.sleep(0.01)
    return dict(job)


def answering(s3: Any, monkeypatch: pytest.MonkeyPatch, skip: int = 0, **answers: Any) -> list[Any]:
    """People who give every image the same answer, but the first `skip` images none; what they were asked."""
    asked: list[Any] = []

    def ask(job_name: str, work: labeling_page.Work, uri: str, stopping: Any) -> list[dict[str, Any]]:
        lines = objects.read_lines(s3, uri)
        asked.append((work.opens, work.asked, lines))
        kept = ("image_id", "width", "height") if work is labeling_page.LABELING else ("image_id",)
        return [{**{name: line[name] for name in kept}, **answers} for line in lines[skip:]]

    monkeypatch.setattr(labeling_page, "ask", ask)
    return asked


def test_labels_come_back_as_ground_truth_gives_them(s3: Any, call: Any, told: Any, monkeypatch: Any) -> None:
    asked = answering(s3, monkeypatch, annotations=[BOX])
    call("CreateLabelingJob", **request("labeling"))
    job = ended(call)
    assert job["LabelingJobStatus"] == "Completed", job
    uri = job["LabelingJobOutput"]["OutputDatasetS3Uri"]
    assert uri == "s3://bucket/out/Job-1/manifests/output/output.manifest"
    lines = objects.read_lines(s3, uri)
    assert [line["image-id"] for line in lines] == ["0", "1"]
    assert [ground_truth.boxes_of(line, CLASSES) for line in lines] == [[BOX]] * 2
    opens, field, images = asked[0]
    assert (opens, field) == ("OpenLabelingJobFunction", "images_uri")
    assert [(image["key"], image["width"], image["height"]) for image in images] == [
        ("0.jpg", 64, 64),
        ("1.jpg", 64, 64),
    ]
    arn = "arn:aws:sagemaker:us-east-1:000000000000:labeling-job/job-1"
    assert told == [(labeling_jobs.EVENT, {"LabelingJobStatus": "Completed"}, [arn])]


def test_a_skipped_image_comes_back_as_a_failure(s3: Any, call: Any, told: Any, monkeypatch: Any) -> None:
    answering(s3, monkeypatch, skip=1, annotations=[BOX])
    call("CreateLabelingJob", **request("labeling"))
    job = ended(call)
    counted = {name: job["LabelCounters"][name] for name in ("TotalLabeled", "FailedNonRetryableError")}
    assert counted == {"TotalLabeled": 1, "FailedNonRetryableError": 1}
    uri = job["LabelingJobOutput"]["OutputDatasetS3Uri"]
    skipped, labeled = objects.read_lines(s3, uri)
    with pytest.raises(ground_truth.GroundTruthError, match=r"not labelled: .* skipped"):
        ground_truth.boxes_of(skipped, CLASSES)
    assert ground_truth.boxes_of(labeled, CLASSES) == [BOX]


def test_a_corrected_label_counts_as_rejected_because_ground_truth_takes_no_corrections(
    s3: Any, call: Any, told: Any, monkeypatch: Any
) -> None:
    answering(s3, monkeypatch, approved=True, annotations=[])
    call("CreateLabelingJob", **request("verification"))
    uri = ended(call)["LabelingJobOutput"]["OutputDatasetS3Uri"]
    lines = objects.read_lines(s3, uri)
    wanted = {"approved": False, "reason": labeling_output.CORRECTED}
    assert [ground_truth.verdict_of(line) for line in lines] == [wanted] * 2


@pytest.mark.parametrize("reason", [None, "too wide"])
def test_verdicts_come_back_with_the_comments(
    s3: Any, call: Any, told: Any, monkeypatch: Any, reason: str | None
) -> None:
    asked = answering(s3, monkeypatch, **({"approved": False, "reason": reason} if reason else {"approved": True}))
    call("CreateLabelingJob", **request("verification"))
    uri = ended(call)["LabelingJobOutput"]["OutputDatasetS3Uri"]
    lines = objects.read_lines(s3, uri)
    wanted = {"approved": False, "reason": reason} if reason else {"approved": True}
    assert [ground_truth.verdict_of(line) for line in lines] == [wanted] * 2
    assert [image["annotations"] for image in asked[0][2]] == [[BOX]] * 2
    assert all(line[LABEL_ATTRIBUTE]["annotations"] == [BOX] for line in lines)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"LabelCategoryConfigS3Uri": "s3://bucket/missing.json"}, "missing.json"),
        (
            {"InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": "s3://bucket/page.html"}}}},
            "JSONDecodeError",
        ),
    ],
)
def test_a_job_that_can_not_be_done_fails_with_the_reason(
    s3: Any, call: Any, told: Any, change: Any, said: str
) -> None:
    call("CreateLabelingJob", **(request("labeling") | change))
    job = ended(call)
    assert (job["LabelingJobStatus"], said in job["FailureReason"]) == ("Failed", True)
    assert told[0][1] == {"LabelingJobStatus": "Failed"}


def test_a_name_is_used_once_and_an_ended_job_can_not_be_stopped(
    s3: Any, call: Any, told: Any, monkeypatch: Any
) -> None:
    answering(s3, monkeypatch, annotations=[])
    call("CreateLabelingJob", **request("labeling"))
    ended(call)
    with pytest.raises(AwsError, match="must be unique"):
        call("CreateLabelingJob", **request("labeling"))
    with pytest.raises(AwsError, match="has ended already"):
        call("StopLabelingJob", LabelingJobName="Job-1")
    listed = call("ListLabelingJobs", NameContains="Job")["LabelingJobSummaryList"]
    assert [job["LabelingJobStatus"] for job in listed] == ["Completed"]


def test_a_task_waits_no_longer_than_its_work_team_allows(call: Any) -> None:
    crowd = "arn:aws:sagemaker:us-east-1:394669845002:workteam/public-crowd/default"
    asked = request("labeling")
    asked["HumanTaskConfig"] |= {"WorkteamArn": crowd}
    with pytest.raises(AwsError, match="604800 is more than 43200"):
        call("CreateLabelingJob", **asked)
    asked["HumanTaskConfig"] |= {"TaskAvailabilityLifetimeInSeconds": 43200, "TaskTimeLimitInSeconds": 28801}
    with pytest.raises(AwsError, match="at most 28800"):
        call("CreateLabelingJob", **asked)


def test_a_stopped_job_takes_its_tasks_off_the_page(s3: Any, call: Any, told: Any, monkeypatch: Any) -> None:
    invoked, withdrawn = list[str](), list[str]()
    monkeypatch.setattr(labeling_page, "_invoke", lambda part, given: invoked.append(part))
    monkeypatch.setattr(labeling_page, "_withdraw", lambda work, name: withdrawn.append(f"{name} {work.kind}"))
    call("CreateLabelingJob", **request("labeling"))
    until = time.monotonic() + 30
    while not invoked:
        assert time.monotonic() < until
        time.sleep(0.01)
    call("StopLabelingJob", LabelingJobName="Job-1")
    assert ended(call)["LabelingJobStatus"] == "Stopped"
    assert (invoked, withdrawn) == (["OpenLabelingJobFunction"], ["Job-1 labeling"])
