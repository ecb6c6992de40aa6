"""Sightline's rounds as Ground Truth's manifests, there and back."""

import json
from typing import Any

import pytest

from local.emulator.aws_shapes import check_request
from sightline.names import LABEL_ATTRIBUTE
from tests.fake_cloud import Cloud

JOB = "window-1795220517014"
ROUND = f"labeling/{JOB}/round-1/"
BOX = {"class_id": 1, "left": 1, "top": 2, "width": 10, "height": 12}
PRIVATE = "arn:aws:sagemaker:us-east-1:123456789012:workteam/private-crowd/inspectors"
PUBLIC = "arn:aws:sagemaker:us-east-1:394669845002:workteam/public-crowd/default"
IMAGES = [
    {
        "image_id": str(n) * 64,
        "bucket": "images",
        "key": f"incoming/{n}.jpg",
        "width": 64,
        "height": 48,
        "format": "jpeg",
    }
    for n in range(3)
]
LABELS = [{**image, "annotations": [BOX]} for image in IMAGES]


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, cloud: Cloud) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    cloud.environment |= {"WORKTEAM_ARN": PRIVATE, "PUBLIC_CROWD_PRICE": "0"}


def prepare(step: Any, cloud: Cloud, kind: str) -> dict[str, Any]:
    name, lines = {"labeling": ("images", IMAGES), "verification": ("labels", LABELS)}[kind]
    uri = cloud.write_lines(f"{ROUND}{name}.jsonl", lines)
    if kind == "labeling":
        return dict(step("prepare_labeling_job", images_uri=uri))
    return dict(step("prepare_verification_job", labels_uri=uri))


def request(job: dict[str, Any], attribute: str) -> dict[str, Any]:
    """What the state after it asks of SageMaker."""
    return {
        "LabelingJobName": job["name"],
        "LabelAttributeName": attribute,
        "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": job["manifest_uri"]}}},
        "OutputConfig": {"S3OutputPath": job["output_uri"]},
        "RoleArn": "arn:aws:iam::123456789012:role/ground-truth",
        "LabelCategoryConfigS3Uri": job["categories_uri"],
        "HumanTaskConfig": job["human_task_config"],
    }


@pytest.mark.parametrize(("kind", "attribute"), [("labeling", LABEL_ATTRIBUTE), ("verification", "verdict")])
def test_a_prepared_job_is_one_that_sagemaker_takes_and_twice_the_same(
    step: Any, cloud: Cloud, kind: str, attribute: str
) -> None:
    job = prepare(step, cloud, kind)
    check_request("sagemaker", "CreateLabelingJob", request(job, attribute))
    files = {key: cloud.read(job[key].removeprefix("s3://artifacts/")) for key in ("manifest_uri", "categories_uri")}
    assert prepare(step, cloud, kind) == job
    assert files == {key: cloud.read(job[key].removeprefix("s3://artifacts/")) for key in files}
    lines = [json.loads(line) for line in files["manifest_uri"].splitlines()]
    assert [line["source-ref"] for line in lines] == [f"s3://images/incoming/{number}.jpg" for number in range(3)]
    assert [LABEL_ATTRIBUTE in line for line in lines] == [kind == "verification"] * 3
    words = [entry["label"] for entry in json.loads(files["categories_uri"])["labels"]]
    assert words == (["scratch", "dent"] if kind == "labeling" else ["approved", "rejected"])
    page = cloud.read(job["human_task_config"]["UiConfig"]["UiTemplateS3Uri"].removeprefix("s3://artifacts/")).decode()
    assert "crowd-form" in page
    assert "grant_read_access" in page


@pytest.mark.parametrize(
    ("region", "workteam", "price", "said"),
    [
        ("mars-north-1", PRIVATE, "0", "task functions in mars-north-1 are not known"),
        ("us-east-1", "", "0", "set the parameter WorkteamArn"),
        ("us-east-1", PUBLIC, "0", "set PublicCrowdPrice too"),
    ],
)
def test_a_job_that_can_not_be_is_refused_with_what_to_do(
    step: Any, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, region: str, workteam: str, price: str, said: str
) -> None:
    monkeypatch.setenv("AWS_REGION", region)
    cloud.environment |= {"WORKTEAM_ARN": workteam, "PUBLIC_CROWD_PRICE": price}
    with pytest.raises(Exception, match=said):
        prepare(step, cloud, "labeling")


def test_the_public_crowd_is_paid_where_it_is_asked_for_by_name(step: Any, cloud: Cloud) -> None:
    cloud.environment |= {"WORKTEAM_ARN": PUBLIC, "PUBLIC_CROWD_PRICE": "1036"}
    job = prepare(step, cloud, "labeling")
    check_request("sagemaker", "CreateLabelingJob", request(job, LABEL_ATTRIBUTE))
    assert job["human_task_config"]["TaskAvailabilityLifetimeInSeconds"] == 43200
    price = job["human_task_config"]["PublicWorkforceTaskPrice"]["AmountInUsd"]
    assert price == {"Dollars": 1, "Cents": 3, "TenthFractionsOfACent": 6}


def labeled(image: dict[str, Any], boxes: list[dict[str, Any]], **metadata: Any) -> dict[str, Any]:
    return {
        "source-ref": f"s3://images/{image['key']}",
        "image-id": image["image_id"],
        LABEL_ATTRIBUTE: {"image_size": [{"width": 64, "height": 48, "depth": 3}], "annotations": boxes},
        f"{LABEL_ATTRIBUTE}-metadata": {"class-map": {"0": "dent"}, "type": "groundtruth/object-detection", **metadata},
    }


def test_labels_come_back_under_the_stacks_own_class_ids_and_bad_ones_are_left_out(step: Any, cloud: Cloud) -> None:
    cloud.write_lines(f"{ROUND}images.jsonl", IMAGES)
    theirs = {**BOX, "class_id": 0}
    output = [
        labeled(IMAGES[2], []),
        labeled(IMAGES[0], [theirs]),
        labeled(IMAGES[1], [{**theirs, "left": 999}]),
        {"source-ref": "s3://images/incoming/x.jpg"},
    ]
    uri = cloud.write_lines("labeling/output.manifest", output)
    for _ in range(2):
        done = step("read_labeling_job", images_uri=f"s3://artifacts/{ROUND}images.jsonl", output_uri=uri)
        assert done == {"labels": 2, "labels_uri": f"s3://artifacts/{ROUND}labels.jsonl"}
        found = cloud.read_lines(f"{ROUND}labels.jsonl")
        assert [(line["image_id"], line["annotations"]) for line in found] == [
            (IMAGES[0]["image_id"], [BOX]),
            (IMAGES[2]["image_id"], []),
        ]


@pytest.mark.parametrize(
    "line",
    [
        labeled(IMAGES[0], [], **{"failure-reason": "ClientError: no annotations"}),
        labeled(IMAGES[0], [{**BOX, "class_id": 7}]),
        labeled(IMAGES[0], [{**BOX, "class_id": 0, "width": float("nan")}]),
        {"image-id": IMAGES[0]["image_id"], LABEL_ATTRIBUTE: 1},
    ],
)
def test_a_job_without_a_usable_label_fails_and_says_so(step: Any, cloud: Cloud, line: dict[str, Any]) -> None:
    cloud.write_lines(f"{ROUND}images.jsonl", IMAGES)
    uri = cloud.write_lines("labeling/output.manifest", [line])
    with pytest.raises(Exception, match="none of 3 images has a label"):
        step("read_labeling_job", images_uri=f"s3://artifacts/{ROUND}images.jsonl", output_uri=uri)


def test_verdicts_come_back_with_what_the_workers_said(step: Any, cloud: Cloud) -> None:
    cloud.write_lines(f"{ROUND}labels.jsonl", LABELS)

    def verdict(image: dict[str, Any], word: str, *comments: str) -> dict[str, Any]:
        feedback = [{"comment": comment} for comment in comments]
        return {
            "image-id": image["image_id"],
            "verdict": 0,
            "verdict-metadata": {"class-name": word, "worker-feedback": feedback},
        }

    output = [
        verdict(IMAGES[0], "approved"),
        verdict(IMAGES[1], "rejected", "too wide", "x" * 600),
        verdict(IMAGES[2], "?"),
    ]
    uri = cloud.write_lines("labeling/output.manifest", output)
    done = step("read_verification_job", labels_uri=f"s3://artifacts/{ROUND}labels.jsonl", output_uri=uri)
    assert done["verdicts"] == 2
    found = cloud.read_lines(f"{ROUND}verdicts.jsonl")
    assert [(line["approved"], line.get("reason", "")[:10], len(line.get("reason", ""))) for line in found] == [
        (True, "", 0),
        (False, "too wide; ", 500),
    ]
